"""The rules between a charter's fields, checked whenever a charter is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from glassplate.charter.case_number import check_pattern
from glassplate.charter.vocabulary import (
    DECLARED_USES,
    FEATURES,
    HOTLIST_CATEGORIES,
    OTHER_AGENCY,
    OWN_CASE,
    PERSONAL,
)
from glassplate.encoding import from_base64url
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.charter.document import Charter

MAX_VERSION = 1_000_000  # one version a minute for two years; more is a mistake
MIN_RETENTION_MINUTES = 3  # New Hampshire RSA 261:75-b
MAX_RETENTION_MINUTES = 3 * 366 * 1440  # three years, the longest general rule found (C.R.S. 24-72-113)
MAX_EPOCH_MINUTES = 1440  # an epoch is a day, unless shorter
MAX_PUBLICATION_SECONDS = 86_400  # a log that appears less than daily proves little
MIN_AUDITOR_KEYS = 2  # one lost key must not blind the audit for ever
MAX_AUDITOR_KEYS = 8  # each one seals every body once more
MAX_WITNESSES = 16  # signed-note: a note with 16 signatures must be accepted by everybody, more need not be
MAX_WITNESS_KEY = 3072  # an ML-DSA-44 key in base64 has 1,752 characters
MAX_RECOGNIZERS = 20
MAX_BUILDS = 20  # the one that runs, those it may go back to, and the next
ANSWER_LEVELS = ("L1", "L2", "L3")
MAX_CAMERAS = 2_000
MAX_WORDS = 200  # entries of one vocabulary; a longer list is not read before it is signed
MAX_EMBARGO_DAYS = 3 * 366  # a case that is open longer does not keep the owner waiting for ever
MAX_SEARCHES_PER_HOUR = 1_000
MAX_SEARCH_DAYS = 3 * 366
MAX_APPROVAL_HOURS = 7 * 24  # what was approved longer ago is no longer what somebody has in mind

_WITNESS_KEY = re.compile(r"[^\s+]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}", re.ASCII)
_WITNESS_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}(/[A-Za-z0-9._~\-/]{0,200})?", re.ASCII)
_POINT_BYTES = 65  # uncompressed P-256
_ED25519_BYTES = 32


def check(charter: Charter) -> None:
    """Check every rule between fields.

    Raises:
        InputRefused: naming the two values that do not fit together.
    """
    _check_times(charter)
    _check_retention(charter)
    _check_keys(charter)
    _check_witnesses(charter)
    _check_words(charter)
    _check_grants(charter)
    check_pattern(charter.case_number_pattern, charter.case_number_example)


def refuse_floats(value: Any) -> None:
    """No number with a fraction or exponent anywhere: two programs may print it differently.

    Raises:
        InputRefused: when there is one.
    """
    if isinstance(value, float):
        raise InputRefused(f"A charter holds whole numbers only, got {value}.")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            refuse_floats(item)


def _check_times(charter: Charter) -> None:
    _check_period("The charter", charter.not_before, charter.expires_at)
    for feature in charter.features:
        _check_period(f"The feature {feature.name}", feature.not_before, feature.expires_at)


def _check_period(what: str, not_before: datetime, expires_at: datetime) -> None:
    if expires_at <= not_before:
        raise InputRefused(
            f"{what} ends on {expires_at:%Y-%m-%d %H:%M}, not after its start {not_before:%Y-%m-%d %H:%M}."
        )


def _check_retention(charter: Charter) -> None:
    limit, floor, epoch = charter.retention_minutes, charter.retention_floor_minutes, charter.epoch_minutes
    if MAX_EPOCH_MINUTES % epoch:
        raise InputRefused(
            f"An epoch of {epoch} minutes does not divide a day of {MAX_EPOCH_MINUTES}. Choose 15, 60 or 1440."
        )
    if epoch > limit:
        raise InputRefused(
            f"An epoch of {epoch} minutes is longer than the retention of {limit} minutes. Shorten it."
        )
    if floor + epoch > limit:
        raise InputRefused(
            f"Reads must be kept for {floor} minutes and die with their epoch of {epoch} minutes, which "
            "together "
            f"exceeds the limit of {limit} minutes. Shorten the epoch or the floor."
        )


def _check_keys(charter: Charter) -> None:
    for key in charter.auditor_keys:
        _check_point(f"The auditor key {key.id}", key.hpke_public_key)
    if len({key.hpke_public_key for key in charter.auditor_keys}) != len(charter.auditor_keys):
        raise InputRefused("Two auditor keys are the same key; name two different ones.")
    for camera in charter.cameras:
        if len(from_base64url(camera.public_key)) != _ED25519_BYTES:
            raise InputRefused(
                f"The key of camera {camera.id} is not an Ed25519 public key (32 bytes in base64url)."
            )
    if len({camera.public_key for camera in charter.cameras}) != len(charter.cameras):
        raise InputRefused("Two cameras have the same key; each needs its own.")


def _check_witnesses(charter: Charter) -> None:
    if charter.witness_quorum > len(charter.witnesses):
        raise InputRefused(
            f"The charter asks for {charter.witness_quorum} witnesses and names {len(charter.witnesses)}. Name more, or "
            "ask for fewer."
        )
    if charter.witnesses and not charter.witness_quorum:
        raise InputRefused("The charter names witnesses but asks for none of them. Say how many must cosign.")
    if charter.answer_level == "L3" and not charter.witness_quorum:
        raise InputRefused("Answers at level L3 need witnesses: name them, and how many must cosign.")
    for witness in charter.witnesses:
        if not _WITNESS_KEY.fullmatch(witness.vkey):
            raise InputRefused(f"The witness key {witness.vkey[:60]!r} is no verifier key: name+id+base64.")
        if not _WITNESS_URL.fullmatch(witness.url):
            raise InputRefused(
                f"The witness address {witness.url[:80]!r} must be http(s)://host[:port][/path]."
            )
    if len({witness.vkey.partition("+")[0] for witness in charter.witnesses}) != len(charter.witnesses):
        raise InputRefused("Two witnesses have the same name; each needs its own.")


def _check_point(what: str, text: str) -> None:
    point = from_base64url(text)
    try:  # a shorter encoding of a point would be accepted; its length is checked first
        ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), point if len(point) == _POINT_BYTES else b""
        )
    except (ValueError, UnsupportedAlgorithm):
        raise InputRefused(f"{what} is not an uncompressed P-256 point in base64url.") from None


def _check_words(charter: Charter) -> None:
    purposes = {purpose.id for purpose in charter.purposes}
    for offense in charter.offenses:
        _check_known(f"The offense {offense.id}", "purpose", set(offense.purposes), purposes)
    _check_known("The charter", "feature", {feature.name for feature in charter.features}, set(FEATURES))
    _check_known("The charter", "hot-list category", set(charter.hotlist_categories), set(HOTLIST_CATEGORIES))
    prohibited = {use.id: use.prohibited for use in charter.declared_uses}
    _check_known("The charter", "declared use", set(prohibited), set(DECLARED_USES))
    missing = [use for use in DECLARED_USES if use not in prohibited]
    if missing:
        raise InputRefused(
            f"The charter does not say whether the declared use {missing[0]!r} is prohibited. List every "
            "one, so that "
            "a search for it is refused by name."
        )
    if prohibited[OWN_CASE] or not prohibited[PERSONAL]:
        raise InputRefused(f"The declared use {OWN_CASE!r} cannot be prohibited, and {PERSONAL!r} must be.")


def _check_grants(charter: Charter) -> None:
    purposes = {purpose.id for purpose in charter.purposes}
    for grant in charter.grants:
        what = f"The grant for {grant.agency_id}"
        _check_known(what, "purpose", set(grant.purposes), purposes)
        _check_period(what, grant.not_before, grant.expires_at)
        if grant.agency_id == charter.agency.id:
            raise InputRefused(f"{what} names the charter's own agency.")
        if grant.expires_at > charter.expires_at:
            raise InputRefused(f"{what} outlives the charter, which ends on {charter.expires_at:%Y-%m-%d}.")
    if charter.grants and {use.id: use.prohibited for use in charter.declared_uses}[OTHER_AGENCY]:
        raise InputRefused(
            f"The charter holds grants, yet prohibits the declared use {OTHER_AGENCY!r}. Decide which."
        )


def _check_known(what: str, kind: str, used: set[str], known: set[str]) -> None:
    unknown = used - known
    if unknown:
        raise InputRefused(
            f"{what} names the unknown {kind} {min(unknown)!r}. Known: {', '.join(sorted(known))}."
        )
