"""Second persons for tests: the vault's question "who approved exactly this?" is answered by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.charter import Approval
from glassplate.evidence.requests import request_sha256

if TYPE_CHECKING:
    from typing import Any

    from tests.support.city import TestCity

SUPERVISOR = Approval("r.alvarez", ("officer", "supervisor"), active=True, binds_request=True)
AUDITOR = Approval("j.doe", ("auditor",), active=True, binds_request=True)


def approve(city: TestCity, action: str, account_id: str, request: Any, *approvals: Approval) -> None:
    """From now on exactly this request of this person is approved, and nothing else."""
    wanted = request_sha256(action, account_id, request)
    for room in (city.vault.holds, getattr(city.vault, "exports", None)):
        if room is not None:
            object.__setattr__(room, "approvals_of", lambda sha256: approvals if sha256 == wanted else ())
