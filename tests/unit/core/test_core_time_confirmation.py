"""Two persons confirm the time after a jump; one alone, or by words that no longer hold, confirms nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.support.approvals import decide
from tests.support.city import ADMINISTRATOR
from tests.support.invariants import public, types
from tests.support.time_confirmation import approved, asked, confirm

from glassplate.approvals import GIVE_ACCESS
from glassplate.errors import ApprovalNeeded, ClockRefused, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.city import TestCity

PLATE = "7KDR214"
JUMP = timedelta(days=40)


@pytest.fixture
def jumped(city):
    """A city with a read, whose clock is set forward beyond the read's last day."""
    city.ingest(PLATE)
    city.clock.step_wall(JUMP)
    city.vault.duties()
    assert is_alive(city)
    return city


def is_alive(city) -> bool:
    return city.vault.keyring.records()[0].is_alive


def test_one_says_the_time_another_approves_and_what_is_due_dies(jumped):
    assert jumped.vault.time_confirmation.state().needs_confirmation
    receipt = confirm(jumped)
    assert not is_alive(jumped)
    state = jumped.vault.time_confirmation.state()
    assert (state.needs_confirmation, state.minutes_ahead) == (False, 0)
    assert state.acts_at == state.certain_at == state.clock_at
    fields = jumped.vault.recorder.open_body(receipt.entry_index).fields
    assert (fields["requested_by"], fields["approved_by"]) == (ADMINISTRATOR, "r.alvarez")
    assert fields["policy_sha256"]
    assert public(jumped, "time-confirmed")[0]["by"] == "two-persons"
    assert jumped.vault.registry.approval_request(fields["approval"]).used_index == receipt.entry_index
    steps = [kind for kind in types(jumped) if kind.startswith(("approval", "time"))]
    assert steps == ["approval-asked", "approval-given", "time-confirmed"]


def alone(city: TestCity) -> str:
    return asked(city)


def by_oneself(city: TestCity) -> str:
    request_id = asked(city)
    sha256 = city.vault.registry.approval_request(request_id).request_sha256
    with pytest.raises(Refused):
        decide(city, ADMINISTRATOR, request_id, sha256)
    return request_id


def by_a_puppet(city: TestCity) -> str:
    """The clerk may approve, but this administrator made the account."""
    request_id = asked(city)
    sha256 = city.vault.registry.approval_request(request_id).request_sha256
    with pytest.raises(Refused):
        decide(city, "clerk", request_id, sha256)
    return request_id


def by_an_auditor(city: TestCity) -> str:
    request_id = asked(city)
    sha256 = city.vault.registry.approval_request(request_id).request_sha256
    with pytest.raises(Refused):
        decide(city, "j.doe", request_id, sha256)
    return request_id


def by_a_closed_account(city: TestCity) -> str:
    request_id = approved(city)
    city.vault.accounts.close(city.sign_in(ADMINISTRATOR), "r.alvarez", "left")
    return request_id


UNAPPROVED: dict[str, Callable[[TestCity], str]] = {
    "nobody approved it": alone,
    "the asker approved it": by_oneself,
    "somebody whom the asker made": by_a_puppet,
    "an auditor, who may not": by_an_auditor,
    "somebody whose account is closed since": by_a_closed_account,
}


@pytest.mark.parametrize("what", UNAPPROVED)
def test_what_is_not_approved_confirms_nothing(jumped, what):
    request_id = UNAPPROVED[what](jumped)
    with pytest.raises(ApprovalNeeded):
        jumped.vault.confirm_time(jumped.sign_in(ADMINISTRATOR), request_id)
    jumped.vault.duties()
    assert is_alive(jumped)
    assert public(jumped, "time-confirmed") == []


DISAGREES: dict[str, Callable[[TestCity], None]] = {
    "the clock is set on by another day": lambda city: city.clock.step_wall(timedelta(days=1)),
    "the clock is set back by an hour": lambda city: city.clock.step_wall(-timedelta(hours=1)),
}


@pytest.mark.parametrize("what", DISAGREES)
def test_what_was_said_is_carried_on_by_the_certain_time_only(jumped, what):
    request_id = approved(jumped)
    DISAGREES[what](jumped)
    with pytest.raises(ClockRefused):
        jumped.vault.confirm_time(jumped.sign_in(ADMINISTRATOR), request_id)
    jumped.vault.duties()
    assert is_alive(jumped)
    assert public(jumped, "time-confirmed") == []


def off(city: TestCity, time: timedelta) -> None:
    city.close()
    city.clock.reboot(time)
    city.open()


def test_a_machine_that_was_off_in_between_has_to_be_asked_for_anew(city):
    city.ingest(PLATE)
    off(city, JUMP)
    request_id = approved(city)
    off(city, timedelta(minutes=30))
    with pytest.raises(ClockRefused, match="second source says"):
        city.vault.confirm_time(city.sign_in(ADMINISTRATOR), request_id)
    assert is_alive(city)
    confirm(city)
    assert not is_alive(city)


def test_hours_may_pass_between_asking_and_confirming(jumped):
    request_id = approved(jumped)
    jumped.clock.advance(timedelta(hours=9))
    jumped.vault.confirm_time(jumped.sign_in(ADMINISTRATOR), request_id)
    assert not is_alive(jumped)


def test_an_approval_of_the_time_ends_and_is_used_once(jumped):
    request_id = approved(jumped)
    jumped.clock.advance(timedelta(hours=25))
    administrator = jumped.sign_in(ADMINISTRATOR)
    with pytest.raises(UsageError, match="expired"):
        jumped.vault.confirm_time(administrator, request_id)
    request_id = approved(jumped)
    jumped.vault.confirm_time(administrator, request_id)
    jumped.clock.step_wall(JUMP)
    with pytest.raises(UsageError, match="used"):
        jumped.vault.confirm_time(jumped.sign_in(ADMINISTRATOR), request_id)


def test_only_the_asker_runs_it_and_only_what_is_a_time(jumped):
    request_id = approved(jumped)
    with pytest.raises(UsageError):
        jumped.vault.confirm_time(jumped.sign_in("r.alvarez"), request_id)
    administrator = jumped.vault.gate.who(jumped.sign_in(ADMINISTRATOR))
    jumped.vault.approvals.ask(administrator, GIVE_ACCESS, {"account_id": "x.y", "roles": ["officer"]})
    other = jumped.vault.registry.approval_requests()[0]
    decide(jumped, "r.alvarez", other.request_id, other.request_sha256)
    for wrong in (other.request_id, "0" * 16):
        with pytest.raises(UsageError):
            jumped.vault.confirm_time(jumped.sign_in(ADMINISTRATOR), wrong)
    assert is_alive(jumped)


@pytest.mark.parametrize("differs", [-timedelta(days=1), timedelta(days=1), -timedelta(minutes=11)])
def test_a_time_that_differs_from_the_clock_is_not_even_asked(jumped, differs):
    with pytest.raises(ClockRefused):
        jumped.vault.time_confirmation.ask(jumped.sign_in(ADMINISTRATOR), jumped.clock.wall() + differs)
    assert jumped.vault.registry.approval_requests() == []


def test_without_a_jump_nothing_is_asked(city):
    with pytest.raises(ClockRefused, match="nothing to confirm"):
        city.vault.time_confirmation.ask(city.sign_in(ADMINISTRATOR), city.clock.wall())
    assert city.vault.registry.approval_requests() == []


@pytest.mark.parametrize("who", ["m.okafor", "r.alvarez", "j.doe", "clerk"])
def test_who_is_no_administrator_says_no_time(jumped, who):
    with pytest.raises(Refused) as refused:
        jumped.vault.time_confirmation.ask(jumped.sign_in(who), jumped.clock.wall())
    assert "role-permits" in refused.value.rules
    assert jumped.vault.registry.approval_requests() == []
