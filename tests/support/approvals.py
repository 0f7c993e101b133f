"""Second persons for tests, by the front door: asked, shown and decided as people do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.approvals import request_sha256
from glassplate.evidence.requests import bound_words

if TYPE_CHECKING:
    from tests.support.city import TestCity

    from glassplate.records import ExportRequest, HoldRequest

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
        approvals.decide(
            city.sign_in(approver), stored.request_id, sha256, approve=True, reason="read and agreed"
        )
    return stored.request_id
