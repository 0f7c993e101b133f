"""Second persons for tests, by the front door: asked, shown and decided as people do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.evidence.bound import request_sha256
from glassplate.evidence.requests import bound_words
from glassplate.records import ActSignature

if TYPE_CHECKING:
    from tests.support.city import TestCity

    from glassplate.records import ExportRequest, HoldRequest, Receipt

SUPERVISOR, AUDITOR = "r.alvarez", "j.doe"


def approve(
    city: TestCity, action: str, account_id: str, request: HoldRequest | ExportRequest, *approvers: str
) -> str:
    """Ask as this person, and let these people approve exactly this request; its id."""
    approvals, words = city.vault.approvals, bound_words(request)
    session = city.vault.gate.who(city.sign_in(account_id))
    approvals.ask(session, action, words)
    sha256 = request_sha256(action, account_id, words)
    stored = city.vault.registry.open_approval_request(sha256, city.now())
    assert stored is not None
    for approver in approvers:
        decide(city, approver, stored.request_id, sha256)
    return stored.request_id


def decide(
    city: TestCity,
    who: str,
    request_id: str,
    sha256: str,
    *,
    is_approved: bool = True,
    reason: str = "Read it",
) -> Receipt:
    """As this person, signed by the own passkey where the session began with one."""
    token, origin = city.sign_in(who), city.vault.settings.officer_origin
    words = {"approve": is_approved, "reason": reason}
    options = city.vault.approvals.decision_options(token, request_id, sha256, **words)
    signature = ActSignature(city.passkeys[who].sign_in(options, origin), origin) if options else None
    return city.vault.approvals.decide(token, request_id, sha256, **words, signature=signature)
