"""A second person: asked, given, used once; and everything a single dishonest person would try."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter
from tests.support.approvals import decide as decide_as
from tests.support.city import ADMINISTRATOR, START

from glassplate.approvals import MAX_OPEN_REQUESTS
from glassplate.cli.approvals import request_lines
from glassplate.cli.search import approved_search
from glassplate.errors import ApprovalNeeded, InputRefused, Refused, UsageError
from glassplate.records import ApprovalRequest, Vehicle

if TYPE_CHECKING:
    from glassplate.records import SearchRequest

PLATE = "9JEM274"
CAMERA = ("court-16th",)
TRAINED = START + timedelta(days=300)


@pytest.fixture
def wide(city):
    """A city whose charter approves searches that need a supervisor."""
    features = tuple(replace(feature, approved=True) for feature in city.charter().features)
    city.vault.install_charter(city.signed(city.charter(features=features)))
    city.ingest(PLATE, vehicle=Vehicle("car", 0.9, "white", 0.8))
    return city


def search_of(city, **changes) -> SearchRequest:
    """The look of a vehicle at one camera."""
    return city.request("", **{"kind": "vehicle", "colors": ("white",), "camera_ids": CAMERA, **changes})


def asked(city, request, who="m.okafor") -> str:
    """Ask for a search; the request's id."""
    with pytest.raises(ApprovalNeeded):
        city.vault.gate.search(city.sign_in(who), request)
    return city.vault.registry.approval_requests()[0].request_id


def decide(city, who, request_id, *, approve=True):
    shown = city.vault.approvals.show(city.sign_in(who), request_id)
    return decide_as(city, who, request_id, shown.request_sha256, is_approved=approve)


def refused_by(act) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.rules


def types(city) -> list[str]:
    recorder = city.vault.recorder
    return [recorder.open_body(index).public["type"] for index in range(city.vault.log.size)]


def test_an_approved_search_runs_once_and_every_step_is_an_entry(wide):
    request = search_of(wide)
    request_id = asked(wide, request)
    assert "search" not in types(wide)
    decide(wide, "r.alvarez", request_id)
    result = wide.vault.gate.search(wide.sign_in("m.okafor"), request)
    assert [found.read.text for found in result.reads] == [PLATE]
    steps = [kind for kind in types(wide) if kind.startswith(("approval", "search"))]
    assert steps == ["approval-asked", "approval-shown", "approval-given", "search", "search-outcome"]
    assert wide.vault.recorder.open_body(result.receipt.entry_index).fields["approval"] == request_id


def test_an_approval_is_not_used_twice(wide):
    request = search_of(wide)
    request_id = asked(wide, request)
    decide(wide, "r.alvarez", request_id)
    officer = wide.sign_in("m.okafor")
    wide.vault.gate.search(officer, request)
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(officer, request)
    assert types(wide).count("search") == 1


CHANGES = {
    "another color": {"colors": ("black",)},
    "a color more": {"colors": ("white", "black")},
    "a body": {"bodies": ("car",)},
    "everything": {"kind": "camera_window", "colors": (), "warrant": "SW-26-118"},
    "a longer period": {"since": START - timedelta(days=3)},
    "another case": {"case_number": "26-000001"},
    "another camera": {"camera_ids": ("harbor-22nd",)},
    "a camera more": {"camera_ids": ("court-16th", "harbor-22nd")},
    "more reads": {"limit": 500},
    "another warrant": {"warrant": "W-2"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_approval_binds_every_word(wide, what):
    request = search_of(wide)
    decide(wide, "r.alvarez", asked(wide, request))
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("m.okafor"), replace(request, **CHANGES[what]))
    assert "search" not in types(wide)


def test_an_approval_is_for_the_person_who_asked(wide):
    request = search_of(wide)
    decide(wide, "r.alvarez", asked(wide, request))
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("r.alvarez"), request)


def test_an_approval_ends(wide):
    request = search_of(wide)
    request_id = asked(wide, request)
    decide(wide, "r.alvarez", request_id)
    wide.clock.advance(timedelta(hours=24, minutes=1))
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("m.okafor"), request)
    assert wide.vault.approvals.show(wide.sign_in("m.okafor"), request_id).state == "expired"
    assert refused_by(lambda: decide(wide, "j.doe", request_id)) == ("approval-open",)


def test_the_charter_says_for_how_long_and_a_stricter_one_ends_what_waits(wide):
    request = search_of(wide)
    decide(wide, "r.alvarez", asked(wide, request))
    wide.clock.advance(timedelta(hours=2))
    wide.vault.install_charter(wide.signed(wide.charter(approval_hours=2)))
    (old,) = wide.vault.approvals.all(wide.sign_in("m.okafor"))
    assert (old.state, old.expires_at) == ("expired", wide.now())
    with pytest.raises(ApprovalNeeded) as needed:
        wide.vault.gate.search(wide.sign_in("m.okafor"), request)
    new = wide.vault.registry.approval_requests()[0]
    assert new.request_id != old.request_id
    assert new.expires_at == wide.now() + timedelta(hours=2)
    assert f"{new.expires_at:%Y-%m-%d %H:%M}" in str(needed.value)


def test_a_later_charter_lengthens_nothing_that_waits(wide):
    request_id = asked(wide, search_of(wide))
    wide.vault.install_charter(wide.signed(wide.charter(approval_hours=168)))
    wide.clock.advance(timedelta(hours=24))
    assert wide.vault.approvals.show(wide.sign_in("m.okafor"), request_id).state == "expired"


def test_a_supervisor_does_not_approve_the_own_request(wide):
    request = search_of(wide)
    request_id = asked(wide, request, "r.alvarez")
    assert refused_by(lambda: decide(wide, "r.alvarez", request_id)) == ("not-yourself",)
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("r.alvarez"), request)


def test_nobody_decides_twice_and_a_refusal_is_final(wide):
    request = search_of(wide)
    first = asked(wide, request)
    decide(wide, "r.alvarez", first)
    assert refused_by(lambda: decide(wide, "r.alvarez", first)) == ("approval-once",)
    decide(wide, "j.doe", first, approve=False)
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("m.okafor"), request)


class BothAtOnce:
    """A recorder that lets two entries of the same kind begin together, if anything lets them get that far."""

    def __init__(self, recorder) -> None:
        self._recorder, self._barrier = recorder, threading.Barrier(2)

    def record(self, kind, *arguments, **words):
        if kind == "approval-given":
            with contextlib.suppress(threading.BrokenBarrierError):
                self._barrier.wait(0.5)
        return self._recorder.record(kind, *arguments, **words)


def test_nobody_decides_twice_at_the_same_time(wide):
    request_id = asked(wide, search_of(wide))
    sha256 = wide.vault.registry.approval_request(request_id).request_sha256
    approvals = replace(wide.vault.approvals, recorder=BothAtOnce(wide.vault.recorder))
    token, outcomes = wide.sign_in("r.alvarez"), []

    def act() -> None:
        try:
            outcomes.append(approvals.decide(token, request_id, sha256, approve=True, reason="Read it"))
        except Refused as refused:
            outcomes.append(refused.rules)

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ("approval-once",) in outcomes
    assert types(wide).count("approval-given") == 1


def test_an_auditor_alone_does_not_widen_a_search(wide):
    request = search_of(wide)
    decide(wide, "j.doe", asked(wide, request))
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("m.okafor"), request)


WITHDRAWALS = {
    "the role was taken": lambda city, token: city.vault.accounts.change_roles(
        token, "r.alvarez", ("officer",)
    ),
    "the account was closed": lambda city, token: city.vault.accounts.close(token, "r.alvarez", "Left"),
    "the training lapsed": lambda city, token: city.vault.accounts.renew_training(
        token, "r.alvarez", city.now() - timedelta(hours=1)
    ),
}


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_what_the_approver_is_when_it_is_used_counts(wide, what):
    request = search_of(wide)
    decide(wide, "r.alvarez", asked(wide, request))
    WITHDRAWALS[what](wide, wide.sign_in(ADMINISTRATOR))
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(wide.sign_in("m.okafor"), request)
    assert "search" not in types(wide)


def test_officers_neither_decide_nor_read_what_colleagues_ask(wide):
    request_id = asked(wide, search_of(wide), "r.alvarez")
    officer = wide.sign_in("m.okafor")
    assert wide.vault.approvals.all(officer) == []
    assert refused_by(lambda: wide.vault.approvals.show(officer, request_id)) == ("role-permits",)
    (waiting,) = wide.vault.approvals.all(wide.sign_in("j.doe"))
    assert (waiting.request_id, waiting.words) == (request_id, {})


def test_nobody_approves_what_was_not_shown(wide):
    request_id = asked(wide, search_of(wide))
    supervisor = wide.sign_in("r.alvarez")
    for sha256, reason in (
        ("0" * 64, "Read it"),
        (wide.vault.registry.approval_requests()[0].request_sha256, " "),
    ):
        with pytest.raises(UsageError):
            wide.vault.approvals.decide(supervisor, request_id, sha256, approve=True, reason=reason)


def test_asking_again_waits_in_the_same_place_and_nobody_floods_the_queue(wide):
    request = search_of(wide)
    assert asked(wide, request) == asked(wide, request)
    officer = wide.sign_in("m.okafor")
    for number in range(1, MAX_OPEN_REQUESTS):
        with pytest.raises(ApprovalNeeded):
            wide.vault.gate.search(officer, replace(request, case_number=f"26-{number:06}"))
    last = replace(request, case_number="26-999999")
    assert refused_by(lambda: wide.vault.gate.search(officer, last)) == ("approval-flood",)


def test_a_search_that_something_else_forbids_is_refused_and_not_asked(wide):
    request = search_of(wide, case_number="")
    assert "case-given" in refused_by(lambda: wide.vault.gate.search(wide.sign_in("m.okafor"), request))
    assert wide.vault.registry.approval_requests() == []


@pytest.mark.parametrize("who", ["j.doe", "clerk", ADMINISTRATOR])
def test_who_may_not_search_at_all_does_not_fill_the_queue(wide, who):
    """A role's permit is no forbid, so the policy names the missing approval only."""
    assert refused_by(lambda: wide.vault.gate.search(wide.sign_in(who), search_of(wide))) == ("role-permits",)
    assert wide.vault.registry.approval_requests() == []
    assert types(wide)[-1] == "refusal"


def test_a_camera_window_needs_a_warrant_first(wide):
    request = search_of(wide, kind="camera_window", colors=())
    rules = refused_by(lambda: wide.vault.gate.search(wide.sign_in("m.okafor"), request))
    assert "warrant-given" in rules
    asked(wide, replace(request, warrant="SW-26-118"))


def test_the_queue_survives_a_restart(wide):
    request = search_of(wide)
    decide(wide, "r.alvarez", asked(wide, request))
    wide.reopen()
    assert wide.vault.gate.search(wide.sign_in("m.okafor"), request).reads


# --- accounts, under a trial charter -----------------------------------------------------------------------------


@pytest.fixture
def trial(city, monkeypatch):
    """The same city under a trial charter; its software passkeys pass for hardware.

    The founder made r.alvarez first, as the second person; the others were made later, by one alone as in a demo.
    """
    monkeypatch.setattr("glassplate.sign_in.DEMO_AAGUID", "another")
    city.vault.registry._database.execute("update passkey set is_demo=0")
    city.vault.install_charter(city.signed(city.charter(mark="trial")))
    return city


def add(city, account_id="n.person", roles=("officer",), by=ADMINISTRATOR):
    made = city.vault.accounts.add(city.sign_in(by), account_id, "New Person", roles, TRAINED)
    invitation = made.invitation
    if made.second_part_of is not None:
        (approver,) = city.vault.registry.approval_request(made.second_part_of).approvers
        part = city.vault.accounts.release_invitation(city.sign_in(approver), made.second_part_of)
        invitation = f"{invitation}.{part}"
    city.enroll(account_id, invitation)
    return made.account


def asked_to_add(city, *arguments, **words) -> str:
    with pytest.raises(ApprovalNeeded):
        add(city, *arguments, **words)
    return city.vault.registry.approval_requests()[0].request_id


def test_one_administrator_alone_makes_nobody(trial):
    request_id = asked_to_add(trial)
    assert trial.vault.registry.account("n.person") is None
    assert refused_by(lambda: decide(trial, ADMINISTRATOR, request_id)) == ("not-yourself",)
    decide(trial, "r.alvarez", request_id)
    assert add(trial).roles == ("officer",)
    body = trial.vault.recorder.open_body(
        [i for i, kind in enumerate(types(trial)) if kind == "account-changed"][-1]
    )
    assert body.fields["approval"] == request_id


def test_whom_one_made_is_no_second_person(trial):
    request_id = asked_to_add(trial)
    assert refused_by(lambda: decide(trial, "clerk", request_id)) == ("approval-independent",)


def test_nor_is_whom_those_made(trial):
    for by, account_id, roles in (
        (ADMINISTRATOR, "second", ("administrator",)),
        ("second", "third", ("administrator",)),
    ):
        decide(trial, "r.alvarez", asked_to_add(trial, account_id, roles, by=by))
        add(trial, account_id, roles, by=by)
    assert refused_by(lambda: decide(trial, "third", asked_to_add(trial))) == ("approval-independent",)
    assert refused_by(lambda: decide(trial, ADMINISTRATOR, asked_to_add(trial, by="third"))) == (
        "approval-independent",
    )


def test_more_roles_than_were_approved_are_not_given(trial):
    decide(trial, "r.alvarez", asked_to_add(trial))
    asked_to_add(trial, "n.person", ("officer", "supervisor"))
    assert trial.vault.registry.account("n.person") is None


def test_giving_a_role_needs_a_second_person_and_taking_one_does_not(trial):
    administrator = trial.sign_in(ADMINISTRATOR)
    with pytest.raises(ApprovalNeeded):
        trial.vault.accounts.change_roles(administrator, "m.okafor", ("officer", "supervisor"))
    request_id = trial.vault.registry.approval_requests()[0].request_id
    decide(trial, "r.alvarez", request_id)
    trial.vault.accounts.change_roles(administrator, "m.okafor", ("officer", "supervisor"))
    trial.vault.accounts.change_roles(administrator, "m.okafor", ("officer",))
    with pytest.raises(ApprovalNeeded):
        trial.vault.accounts.change_roles(administrator, "m.okafor", ("officer", "supervisor"))


def test_nobody_changes_the_own_roles(trial):
    administrator = trial.sign_in(ADMINISTRATOR)
    mine = (ADMINISTRATOR, ("administrator", "officer"))
    change = trial.vault.accounts.change_roles
    assert refused_by(lambda: change(administrator, *mine)) == ("not-yourself",)


def test_the_founder_makes_the_second_person_and_nobody_after_that(trial):
    database = trial.vault.registry._database
    database.execute(f"delete from account where account_id!='{ADMINISTRATOR}'")
    database.execute("delete from account_maker")
    add(trial, "second", ("council",))
    assert trial.vault.registry.makers_of("second") == ()
    decide(trial, "second", asked_to_add(trial))
    assert add(trial).roles == ("officer",)
    trial.vault.accounts.close(trial.sign_in(ADMINISTRATOR), "second", "to be alone again")
    trial.vault.accounts.close(trial.sign_in(ADMINISTRATOR), "n.person", "to be alone again")
    asked_to_add(trial, "puppet", ("council",))


@pytest.fixture
def invited(trial):
    """An account that one asked for and another approved; nobody has fetched the second part."""
    decide(trial, "r.alvarez", asked_to_add(trial))
    administrator = trial.sign_in(ADMINISTRATOR)
    made = trial.vault.accounts.add(administrator, "n.person", "New Person", ("officer",), TRAINED)
    assert made.second_part_of is not None
    return trial, made


def opens(city, invitation) -> bool:
    try:
        return bool(city.vault.sign_in.registration_options(invitation))
    except InputRefused:
        return False


def test_neither_the_asker_nor_the_approver_alone_can_use_an_invitation(invited):
    city, made = invited
    assert not opens(city, made.invitation)
    assert not opens(city, f"{made.invitation}.")
    assert not opens(city, f"{made.invitation}.{made.invitation}")
    part = city.vault.accounts.release_invitation(city.sign_in("r.alvarez"), made.second_part_of)
    assert not opens(city, made.invitation)
    for alone in (part, f".{part}", f"{part}.{part}", f"{part}.{made.invitation}"):
        assert not opens(city, alone)
    with pytest.raises(InputRefused, match="second one is missing or wrong"):
        city.enroll("n.person", made.invitation)
    city.enroll("n.person", f"{made.invitation}.{part}")
    assert city.vault.gate.who(city.sign_in("n.person")).account.account_id == "n.person"


def test_the_second_part_is_the_approvers_to_fetch_and_the_last_one_counts(invited):
    city, made = invited
    release = city.vault.accounts.release_invitation
    for who, rule in (
        (ADMINISTRATOR, "invitation-approver"),
        ("clerk", "invitation-approver"),
        ("m.okafor", "role-permits"),
    ):
        assert refused_by(lambda who=who: release(city.sign_in(who), made.second_part_of)) == (rule,)
    lost = release(city.sign_in("r.alvarez"), made.second_part_of)
    city.reopen()
    part = city.vault.accounts.release_invitation(city.sign_in("r.alvarez"), made.second_part_of)
    assert not opens(city, f"{made.invitation}.{lost}")
    city.enroll("n.person", f"{made.invitation}.{part}")
    with pytest.raises(UsageError, match="needs no invitation any more"):
        city.vault.accounts.release_invitation(city.sign_in("r.alvarez"), made.second_part_of)
    assert types(city).count("invitation-released") == 2


def test_before_the_account_is_made_there_is_no_second_part(trial):
    request_id = asked_to_add(trial)
    for decided in (False, True):
        if decided:
            decide(trial, "r.alvarez", request_id)
        for wrong in (request_id, "0" * 16):
            with pytest.raises(UsageError):
                trial.vault.accounts.release_invitation(trial.sign_in("r.alvarez"), wrong)


def test_a_whole_invitation_takes_no_second_part(city):
    made = city.vault.accounts.add(
        city.sign_in(ADMINISTRATOR), "n.person", "New Person", ("officer",), TRAINED
    )
    assert made.second_part_of is None
    assert not opens(city, f"{made.invitation}.x")
    assert opens(city, made.invitation)


# --- over the socket ---------------------------------------------------------------------------------------------


def test_the_recorded_words_run_as_the_same_search(wide):
    """What the command line reads back from the vault has the hash that was approved."""
    request = search_of(wide)
    request_id = asked(wide, request)
    decide(wide, "r.alvarez", request_id)
    officer = wide.sign_in("m.okafor")
    told = wide.vault.approvals.show(officer, request_id)
    over_the_socket = TypeAdapter(ApprovalRequest).validate_json(TypeAdapter(ApprovalRequest).dump_json(told))
    again = approved_search(over_the_socket)
    assert again == request
    assert wide.vault.gate.search(officer, again).reads


def test_no_list_and_no_repr_tells_a_case(wide):
    request_id = asked(wide, search_of(wide))
    supervisor = wide.sign_in("r.alvarez")
    told = wide.vault.approvals.show(supervisor, request_id)
    assert told.words["case_number"] == "26-004512"
    assert "26-004512" not in repr((told, wide.vault.approvals.all(supervisor)))
    assert "26-004512" in "\n".join(request_lines(told))


def test_what_is_no_search_is_not_run_as_one(trial):
    asked_to_add(trial)
    told = trial.vault.approvals.all(trial.sign_in(ADMINISTRATOR))[0]
    with pytest.raises(UsageError):
        approved_search(told)
