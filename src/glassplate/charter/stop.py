"""The emergency stop: any one office signs it, and capture and search end under that charter version.

Starting again takes a new charter version, signed by all offices. See ``docs/formats/charter.md`` §4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.charter.documents import office_of, refused
from glassplate.charter.fields import TIME_FORMAT, Fields
from glassplate.charter.rules import MAX_VERSION
from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import InputRefused, ProofFailed, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.charter.offices import OfficePrivateKey
    from glassplate.charter.verification import VerifiedCharter

STOP: str = "stop.json"
MAX_STOP_BYTES = 4_096
MAX_REASON = 400

_TYPE = "glassplate-stop"  # never a TUF type: a stop cannot be read as a charter, nor the other way round
_KEYID = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{128}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stop:
    """A verified stop."""

    office: str
    fingerprint: str
    agency_id: str
    charter_version: int
    reason: str
    at: datetime

    def stops(self, version: int) -> bool:
        """Whether the charter of this version is stopped by it; a later version is not."""
        return version <= self.charter_version


def build_stop(key: OfficePrivateKey, reason: str, at: datetime, *, verified: VerifiedCharter) -> str:
    """The text of ``stop.json``, signed by one office, for the charter in force.

    Raises:
        UsageError: when no office holds the key, or the reason is empty or longer than a few lines.
    """
    keyid = key.public.tuf_key.keyid
    if office_of(verified.office_keys, keyid) is None:
        raise UsageError(f"No office of this charter holds the key {key.public.fingerprint}.")
    signed = {
        "_type": _TYPE,
        "agency_id": verified.charter.agency.id,
        "at": at.strftime(TIME_FORMAT),
        "charter_version": verified.charter.version,
        "reason": reason,
    }
    signature = {"keyid": keyid, "sig": key.sign(canonical_json(signed)).hex()}
    text = canonical_json({"signature": signature, "signed": signed}).decode()
    try:
        _read(text)
    except InputRefused as error:
        raise UsageError(str(error)) from None
    return text


def verify_stop(text: str, verified: VerifiedCharter) -> Stop:
    """Check a stop against the offices of a verified charter.

    Raises:
        CharterRejected: malformed, signed by nobody of this charter, or for another agency.
    """
    try:
        plain, keyid, signature = _read(text)
    except InputRefused as error:
        raise refused(f"{STOP} is not a valid stop: {error}", "charter-stop") from None
    held = office_of(verified.office_keys, keyid)
    if held is None:
        raise refused(f"{STOP} is signed by a key that no office of this charter holds.", "charter-stop")
    office, public = held
    stop = _stop(Fields(plain, "stop.signed"), office, public.fingerprint)
    try:
        public.check(bytes.fromhex(signature), canonical_json(plain))
    except ProofFailed:
        raise refused(f"{STOP} was changed after the {office} signed it.", "charter-stop") from None
    if stop.agency_id != verified.charter.agency.id:
        raise refused(f"{STOP} stops {stop.agency_id}, not {verified.charter.agency.id}.", "charter-stop")
    return stop


def _read(text: str) -> tuple[dict[str, Any], str, str]:
    raw = text.encode("utf-8", "surrogatepass")
    plain = parse_json(raw, limit=MAX_STOP_BYTES)
    if canonical_json(plain) != raw:
        raise InputRefused("it is not in canonical form.")
    reader = Fields(plain, "stop")
    keyid, signature = reader.object(
        "signature", lambda f: (f.text("keyid", pattern=_KEYID), f.text("sig", pattern=_SIGNATURE))
    )
    reader.object("signed", lambda f: _stop(f, "", ""))
    reader.finish()
    return plain["signed"], keyid, signature


def _stop(reader: Fields, office: str, fingerprint: str) -> Stop:
    reader.choice("_type", (_TYPE,))
    return Stop(
        office=office,
        fingerprint=fingerprint,
        agency_id=reader.text("agency_id"),
        charter_version=reader.whole("charter_version", 1, MAX_VERSION),
        reason=reader.text("reason", limit=MAX_REASON),
        at=reader.time("at"),
    )
