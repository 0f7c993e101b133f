"""What the charter's tests share: an invented city, its three offices, and a search that nothing forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from glassplate.charter import (
    OFFICES,
    DecisionRequest,
    Grant,
    OfficePrivateKey,
    PolicyEngine,
    draft,
    sample_charter,
    shipped_policy,
    sign,
    verify_charter,
)
from glassplate.charter.verification import Policy
from glassplate.encoding import base64url

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
AGENCY = "invented-pd"
PARTNER = "neighbor-pd"
STRANGER = "far-away-agency"
MILLISECOND = timedelta(milliseconds=1)


def auditor_key(number: int) -> str:
    """A P-256 public key of an invented auditor."""
    private = ec.derive_private_key(number, ec.SECP256R1())
    return base64url(private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def camera_key(number: int) -> str:
    """An Ed25519 public key of an invented camera."""
    return base64url(OfficePrivateKey.from_seed(bytes([100 + number]) * 32).public.raw)


KEYS = {office: OfficePrivateKey.from_seed(bytes([number]) * 32) for number, office in enumerate(OFFICES, 1)}
SPARE_KEYS = {
    office: OfficePrivateKey.from_seed(bytes([number]) * 32) for number, office in enumerate(OFFICES, 11)
}
STRANGERS_KEY = OfficePrivateKey.from_seed(b"?" * 32)
FINGERPRINTS = {office: key.public.fingerprint for office, key in KEYS.items()}


def make_charter(**changes):
    """The charter of the invented city."""
    charter = sample_charter(
        auditor_keys={"auditor-1": auditor_key(5), "auditor-2": auditor_key(6)},
        origin="example.org/invented",
        log_vkey="example.org/invented+00000000+AQ",
        bundle_vkey="example.org/invented/publisher+00000000+AQ",
        not_before=NOW - 10 * DAY,
        mark="production",
        city="Invented City",
        agency=(AGENCY, "Invented City Police"),
        cameras=[("north-gate", "North Gate", camera_key(1)), ("mill-bridge", "Mill Bridge", camera_key(2))],
        recognizers=["test recognizer 1"],
    )
    return replace(charter, **changes)


CHARTER = make_charter()
POLICY = shipped_policy()


def make_documents(charter=CHARTER, signers=OFFICES, keys=KEYS, policy=POLICY):
    """The documents of ``charter``, signed by ``signers``."""
    documents = draft(charter, {office: (key.public,) for office, key in keys.items()}, policy)
    for office in signers:
        documents = sign(documents, keys[office])
    return documents


DOCUMENTS = make_documents()
VERIFIED = verify_charter(DOCUMENTS, now=NOW)

OPEN_CHARTER = replace(
    CHARTER,
    features=tuple(
        replace(feature, approved=True, not_before=NOW - 5 * DAY, expires_at=NOW + 5 * DAY)
        for feature in CHARTER.features
    ),
    grants=(
        Grant(PARTNER, ("missing_person", "violent_crime"), NOW - 2 * DAY, NOW + 2 * DAY, revoked=False),
        Grant("revoked-pd", ("missing_person",), NOW - 2 * DAY, NOW + 2 * DAY, revoked=True),
    ),
)
"""Everything approved for ten days around NOW, one partner granted: so that each safeguard can be met and missed."""


def engine_for(charter=OPEN_CHARTER, policy=POLICY):
    """An engine for a charter that needs no signatures to be decided under."""
    return PolicyEngine(Policy(policy.base, policy.overlay, policy.schema, charter))


GOOD = DecisionRequest(
    account_id="officer-1",
    roles=("officer",),
    active=True,
    training_valid_until=NOW + DAY,
    agency_id=AGENCY,
    action="search",
    now=NOW,
    sign_in_method="passkey",
    stop_in_force=False,
    purpose="missing_person",
    offense="missing_child",
    declared_use="own_case",
    case_number="26-004512",
    window_start=NOW - DAY,
    window_end=NOW,
    searches_last_hour=0,
    cameras=0,
)
