"""What the governing body signed: the charter, its signatures, and the decisions it allows. No I/O, no clock.

The walk: ``sample_charter``, ``draft``, each office ``sign``, ``verify_charter``, ``PolicyEngine.decide``.
"""

from glassplate.charter.document import (
    Agency,
    AuditorKey,
    Charter,
    CharterCamera,
    CharterWitness,
    DeclaredUse,
    Feature,
    Grant,
    Offense,
    PolicyHashes,
    Purpose,
)
from glassplate.charter.documents import POLICY_FILES, SIGNED_FILES, draft, sign
from glassplate.charter.draft_check import check_draft, check_draft_policy
from glassplate.charter.explain import explain_difference
from glassplate.charter.offices import OFFICES, Office, OfficePrivateKey, OfficePublicKey, fingerprint
from glassplate.charter.policy import (
    PolicyTexts,
    demand_shipped_rules,
    example_overlay,
    shipped_policy,
)
from glassplate.charter.policy_engine import Decision, PolicyEngine, check_recorded_charter, replay
from glassplate.charter.requests import Approval, DecisionRequest
from glassplate.charter.sample import sample_charter
from glassplate.charter.stop import Stop, build_stop, verify_stop
from glassplate.charter.verification import Policy, VerifiedCharter, missing_offices, verify_charter

__all__ = [
    "OFFICES",
    "POLICY_FILES",
    "SIGNED_FILES",
    "Agency",
    "Approval",
    "AuditorKey",
    "Charter",
    "CharterCamera",
    "CharterWitness",
    "Decision",
    "DecisionRequest",
    "DeclaredUse",
    "Feature",
    "Grant",
    "Offense",
    "Office",
    "OfficePrivateKey",
    "OfficePublicKey",
    "Policy",
    "PolicyEngine",
    "PolicyHashes",
    "PolicyTexts",
    "Purpose",
    "Stop",
    "VerifiedCharter",
    "build_stop",
    "check_draft",
    "check_draft_policy",
    "check_recorded_charter",
    "demand_shipped_rules",
    "draft",
    "example_overlay",
    "explain_difference",
    "fingerprint",
    "missing_offices",
    "replay",
    "sample_charter",
    "shipped_policy",
    "sign",
    "verify_charter",
    "verify_stop",
]
