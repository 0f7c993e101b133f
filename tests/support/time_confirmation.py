"""Two persons who confirm the time after a jump, by the front door."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.support.approvals import decide
from tests.support.city import ADMINISTRATOR

from glassplate.errors import ApprovalNeeded

if TYPE_CHECKING:
    from tests.support.city import TestCity

    from glassplate.records import Receipt

NOW = timedelta(0)


def asked(city: TestCity, differs: timedelta = NOW, who: str = ADMINISTRATOR) -> str:
    """Say what time it is; the request's id."""
    with pytest.raises(ApprovalNeeded):
        city.vault.time_confirmation.ask(city.sign_in(who), city.clock.wall() + differs)
    return city.vault.registry.approval_requests()[0].request_id


def approved(city: TestCity, differs: timedelta = NOW, *approvers: str) -> str:
    """The same, approved by a supervisor whom the administrator did not make."""
    request_id = asked(city, differs)
    stored = city.vault.registry.approval_request(request_id)
    assert stored is not None
    for who in approvers or ("r.alvarez",):
        decide(city, who, request_id, stored.request_sha256)
    return request_id


def confirm(city: TestCity, differs: timedelta = NOW) -> Receipt:
    """Asked, approved, confirmed."""
    request_id = approved(city, differs)
    return city.vault.confirm_time(city.sign_in(ADMINISTRATOR), request_id)
