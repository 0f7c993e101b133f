"""Is this charter valid? Decided on bytes and a time that are passed in; returns what holds, or raises.

The order, which the code carries:

    (1) form        six files, canonical bytes, one way to write each                        `open_documents`
    (2) trust       every office's keys are among the fingerprints printed in the ordinance
    (3) signatures  every signature that is there holds; root and offices by two different offices,
                    the charter by *each* office on the same bytes
    (4) policy      length and SHA-256 of the three policy files
    (5) content     the charter inside, read strictly; version and end equal to those of its envelope
    (6) version     above the last one seen
    (7) time        not before the last time seen, not_before <= now < expires_at            skipped for
    history
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuf.api.exceptions import LengthOrHashMismatchError

from glassplate.charter.document import Charter
from glassplate.charter.documents import (
    CHARTER,
    OFFICES_FILE,
    ROOT,
    ROOT_THRESHOLD,
    OpenedDocuments,
    office_of,
    open_documents,
    policy_files,
    refused,
)
from glassplate.charter.policy import PolicyTexts
from glassplate.charter.vocabulary import OFFICES
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuf.api.metadata import Metadata

    from glassplate.charter.documents import OfficeKeys
    from glassplate.charter.offices import OfficePublicKey
    from glassplate.charter.vocabulary import Office


@dataclass(frozen=True, slots=True)
class Policy(PolicyTexts):
    """What decides: the policy texts, and the charter whose facts they speak about."""

    charter: Charter


@dataclass(frozen=True, slots=True)
class VerifiedCharter:
    """A charter that every office signed."""

    charter: Charter
    signed_by: tuple[tuple[str, str], ...]
    """(office, fingerprint) of every signature on ``charter.json``."""
    policy: Policy
    office_keys: OfficeKeys


def verify_charter(
    documents: Mapping[str, str],
    *,
    now: datetime | None,
    last_version: int = 0,
    last_time: datetime | None = None,
    trusted_fingerprints: Mapping[str, str] | None = None,
) -> VerifiedCharter:
    """Verify the documents of a charter, or say which part of them does not hold.

    ``now`` None skips the checks of time, for charters that were in force once. ``last_version`` is the
    highest version seen before: the charter's must be higher. ``trusted_fingerprints`` maps each office to
    its fingerprint, or to both of its fingerprints with a space between.

    Raises:
        CharterRejected: one sentence that names the office, file, date or version.
    """
    opened = open_documents(documents)  # (1)
    if trusted_fingerprints is not None:
        _check_trust(opened.office_keys, trusted_fingerprints)  # (2)
    signers = {name: _signers(name, metadata, opened) for name, metadata in opened.metadata().items()}  # (3)
    _check_thresholds(signers)
    _check_policy_files(opened)  # (4)
    charter = _read_charter(opened)  # (5)
    if charter.version <= last_version:  # (6)
        raise refused(
            f"The charter's version is {charter.version}; expected at least {last_version + 1}, because "
            f"{last_version} was seen before. An old charter cannot come back.",
            "charter-version",
        )
    if now is not None:
        _check_time(charter, now, last_time)  # (7)
    texts = opened.policy
    return VerifiedCharter(
        charter=charter,
        signed_by=tuple((office, public.fingerprint) for office, public in signers[CHARTER]),
        policy=Policy(texts.base, texts.overlay, texts.schema, charter),
        office_keys=opened.office_keys,
    )


def missing_offices(documents: Mapping[str, str]) -> tuple[str, ...]:
    """The offices whose signature on ``charter.json`` is still missing or does not hold.

    Raises:
        CharterRejected: when the documents are malformed or carry a signature that does not hold.
    """
    opened = open_documents(documents)
    signed = {office for office, _public in _signers(CHARTER, opened.charter, opened)}
    return tuple(office for office in OFFICES if office not in signed)


def _check_trust(keys: OfficeKeys, trusted: Mapping[str, str]) -> None:
    for office, publics in keys.items():
        known = trusted.get(office, "").split()
        for public in publics:
            if public.fingerprint not in known:
                raise refused(
                    f"The {office}'s key {public.fingerprint} is not the trusted one "
                    f"({', '.join(known) or 'none is trusted'}). Compare with the ordinance.",
                    "charter-trust",
                )


def _signers(
    name: str, metadata: Metadata[Any], opened: OpenedDocuments
) -> list[tuple[Office, OfficePublicKey]]:
    """Whose signatures are there; one that does not hold refuses the file, even where others would do."""
    signers = []
    payload = metadata.signed_bytes
    for keyid in metadata.signatures:
        held = office_of(opened.office_keys, keyid)
        if held is None:
            raise refused(f"{name} carries a signature by a key that no office holds.", "charter-signatures")
        office, public = held
        result = opened.offices.signed.get_verification_result(office, payload, metadata.signatures)
        if keyid not in result.signed:
            raise refused(
                f"{name} was changed after signing: the {office}'s signature does not hold.",
                "charter-signatures",
            )
        signers.append((office, public))
    return sorted(signers, key=lambda signer: (OFFICES.index(signer[0]), signer[1].raw))


def _check_thresholds(signers: Mapping[str, list[tuple[Office, OfficePublicKey]]]) -> None:
    for name in (ROOT, OFFICES_FILE):
        offices = sorted({office for office, _public in signers[name]})
        if len(offices) < ROOT_THRESHOLD:
            raise refused(
                f"{name} is signed by {len(offices)} of the offices ({', '.join(offices) or 'none'}); "
                f"expected at least {ROOT_THRESHOLD} different ones.",
                "charter-signatures",
            )
    signed = {office for office, _public in signers[CHARTER]}
    missing = [office for office in OFFICES if office not in signed]
    if missing:
        raise refused(
            f"{CHARTER} lacks the signature of the {' and the '.join(missing)}. Every office must sign.",
            "charter-signatures",
        )


def _check_policy_files(opened: OpenedDocuments) -> None:
    files = policy_files(opened.policy)
    targets = opened.charter.signed.targets
    if set(targets) != {f"charter/{name}" for name in files}:
        raise refused(f"{CHARTER} must name exactly the files {', '.join(files)}.", "charter-policy")
    for name, text in files.items():
        try:
            targets[f"charter/{name}"].verify_length_and_hashes(text.encode("utf-8", "surrogatepass"))
        except LengthOrHashMismatchError:
            raise refused(f"{name} is not the file that the offices signed.", "charter-policy") from None


def _read_charter(opened: OpenedDocuments) -> Charter:
    try:
        charter = Charter.from_plain(opened.plain_charter())
    except InputRefused as error:
        raise refused(f"{CHARTER} cannot be accepted: {error}", "charter-content") from None
    for name, metadata in opened.metadata().items():
        if metadata.signed.version != charter.version:
            raise refused(
                f"{name} has the version {metadata.signed.version}, the charter {charter.version}.",
                "charter-version",
            )
        if metadata.signed.expires != charter.expires_at:
            raise refused(
                f"{name} expires on {metadata.signed.expires:%Y-%m-%d %H:%M}, "
                f"the charter on {charter.expires_at:%Y-%m-%d %H:%M}.",
                "charter-content",
            )
    if charter.policy.sha256 != opened.policy.sha256:
        raise refused(
            f"{CHARTER} names other policy files inside the charter than beside it.", "charter-policy"
        )
    return charter


def _check_time(charter: Charter, now: datetime, last_time: datetime | None) -> None:
    if last_time is not None and now < last_time:
        raise refused(
            f"The clock says {now:%Y-%m-%d %H:%M:%S} UTC, but {last_time:%Y-%m-%d %H:%M:%S} UTC was seen "
            "before. "
            "Set the clock.",
            "charter-clock",
        )
    if now >= charter.expires_at:
        raise refused(
            f"The charter (version {charter.version}) expired on {charter.expires_at:%Y-%m-%d %H:%M} UTC. "
            "The council must sign a new version.",
            "charter-in-force",
        )
    if now < charter.not_before:
        raise refused(
            f"The charter (version {charter.version}) takes effect on {charter.not_before:%Y-%m-%d %H:%M} "
            "UTC, "
            "not before.",
            "charter-in-force",
        )
