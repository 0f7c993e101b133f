"""The base policy: against a second opinion, at every boundary, and with each rule taken out.

The gates of the security notes, section 3: all combinations of twelve conditions, single faults, boundary worlds,
every policy dropped, every comparison turned.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from charter_oracle import ROLES, expected_rules
from charter_testing import (
    AGENCY,
    DAY,
    GOOD,
    MILLISECOND,
    NOW,
    OPEN_CHARTER,
    PARTNER,
    POLICY,
    SECOND,
    STRANGER,
    engine_for,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.charter import Approval
from glassplate.charter.explain import duration_words, explain
from glassplate.charter.policy_lint import read_rules
from glassplate.charter.vocabulary import ACTIONS, FEATURES
from glassplate.records import LONGEST_HOURS, MOST_CAMERAS

ENGINE = engine_for()
SUPERVISOR = Approval("supervisor-1", ("supervisor",), True, True, NOW + DAY, ("founder",))
AUDITOR = Approval("auditor-1", ("auditor",), True, True, NOW + DAY)
EXPORT = replace(GOOD, action="export", approvals=(SUPERVISOR, AUDITOR))
WIDE = replace(GOOD, feature="vehicle_search", cameras=1, approvals=(SUPERVISOR,))
FOR_PARTNER = replace(GOOD, on_behalf_of=PARTNER, declared_use="other_agency")
SHARE = replace(EXPORT, action="share", roles=("records",), on_behalf_of=PARTNER, declared_use="other_agency")
ALERT = replace(GOOD, action="see_alert")
WINDOW = replace(WIDE, feature="camera_window_search", warrant="SW-26-118")
COUNCIL = replace(SUPERVISOR, account_id="council-1", roles=("council",))
ACCESS = replace(GOOD, action="give_access", roles=("administrator",), approvals=(COUNCIL,))
TIME = replace(ACCESS, action="confirm_time")


def with_feature(name, **changes):
    """The open charter with one feature changed."""
    features = tuple(replace(f, **changes) if f.name == name else f for f in OPEN_CHARTER.features)
    return replace(OPEN_CHARTER, features=features)


def with_grant(**changes):
    """The open charter with the partner's grant changed."""
    return replace(OPEN_CHARTER, grants=(replace(OPEN_CHARTER.grants[0], **changes), OPEN_CHARTER.grants[1]))


ALLOWED = {
    "an officer searches": GOOD,
    "an officer searches with a part of a plate": replace(GOOD, feature="wildcard_search"),
    "a plate at many cameras": replace(GOOD, cameras=200),
    "an officer opens an image": replace(GOOD, action="open_image"),
    "an image, without saying how old": replace(
        GOOD, action="open_image", window_start=None, window_end=None
    ),
    "an officer sees an alert": ALERT,
    "an officer decides an alert": replace(GOOD, action="decide_alert"),
    "a supervisor searches": replace(GOOD, roles=("supervisor",)),
    "a supervisor loads a hot list": replace(GOOD, roles=("supervisor",), action="import_hotlist"),
    "a supervisor approves": replace(GOOD, roles=("supervisor",), action="approve"),
    "an administrator manages accounts": replace(GOOD, roles=("administrator",), action="manage_accounts"),
    "an administrator purges": replace(GOOD, roles=("administrator",), action="purge"),
    "an auditor reads bodies": replace(GOOD, roles=("auditor",), action="read_bodies"),
    "an auditor records a finding": replace(GOOD, roles=("auditor",), action="record_finding"),
    "a council member reads the log": replace(GOOD, roles=("council",), action="read_log"),
    "a records officer holds": replace(EXPORT, roles=("records",), action="hold"),
    "a vehicle search that a supervisor approved": WIDE,
    "a camera's window with a warrant and a supervisor": WINDOW,
    "an account that a council member approved": ACCESS,
    "an account that a supervisor approved": replace(ACCESS, approvals=(SUPERVISOR,)),
    "an account that another administrator approved": replace(
        ACCESS, approvals=(replace(SUPERVISOR, roles=("administrator",)),)
    ),
    "a time that a council member approved": TIME,
    "a time that a supervisor approved": replace(TIME, approvals=(SUPERVISOR,)),
    "a time that another administrator approved": replace(
        TIME, approvals=(replace(SUPERVISOR, roles=("administrator",)),)
    ),
    "the second account of a city": replace(ACCESS, approvals=(), founding=True),
    "a council member approves an account": replace(GOOD, action="approve_access", roles=("council",)),
    "an export that two others approved": EXPORT,
    "a search for a partner with a grant": FOR_PARTNER,
    "a records officer answers a partner with a grant": SHARE,
    "several roles": replace(GOOD, roles=("auditor", "officer")),
    "training that nobody needs for the log": replace(
        GOOD, roles=("council",), action="read_log", training_valid_until=None
    ),
}

ONE_FAULT = {
    "account-active": (replace(GOOD, active=False), OPEN_CHARTER),
    "training-current": (replace(GOOD, training_valid_until=NOW), OPEN_CHARTER),
    "strong-sign-in": (replace(GOOD, sign_in_method="demo authenticator"), OPEN_CHARTER),
    "own-agency": (replace(GOOD, agency_id=PARTNER), OPEN_CHARTER),
    "charter-in-force": (GOOD, replace(OPEN_CHARTER, expires_at=NOW)),
    "stop-in-force": (replace(GOOD, stop_in_force=True), OPEN_CHARTER),
    "feature-approved": (GOOD, with_feature("plate_search", approved=False)),
    "feature-fits": (replace(GOOD, feature="image_view"), OPEN_CHARTER),
    "case-given": (replace(GOOD, case_number=""), OPEN_CHARTER),
    "case-number-format": (replace(GOOD, case_number="investigation"), OPEN_CHARTER),
    "purpose-allowed": (replace(GOOD, purpose="stolen_vehicle"), OPEN_CHARTER),
    "prohibited-use": (replace(GOOD, declared_use="immigration_enforcement"), OPEN_CHARTER),
    "outside-agency": (replace(FOR_PARTNER, on_behalf_of=STRANGER), OPEN_CHARTER),
    "within-retention": (
        replace(GOOD, window_start=NOW - 30 * DAY - MILLISECOND),
        OPEN_CHARTER,
    ),
    "search-window": (GOOD, replace(OPEN_CHARTER, max_search_days=1)),
    "rate-limit": (replace(GOOD, searches_last_hour=30), OPEN_CHARTER),
    "approval-supervisor": (replace(WIDE, approvals=()), OPEN_CHARTER),
    "approval-auditor": (replace(EXPORT, approvals=(SUPERVISOR,)), OPEN_CHARTER),
    "approval-access": (replace(ACCESS, approvals=()), OPEN_CHARTER),
    "approval-time": (replace(TIME, approvals=()), OPEN_CHARTER),
    "warrant-given": (replace(WINDOW, warrant=""), OPEN_CHARTER),
    "cameras-chosen": (replace(WIDE, cameras=0), OPEN_CHARTER),
    "short-window": (replace(WIDE, window_start=NOW - 8 * DAY), OPEN_CHARTER),
    "role-permits": (replace(GOOD, roles=("administrator", "auditor", "council", "records")), OPEN_CHARTER),
    "unknown-purpose": (replace(GOOD, purpose="immigration"), OPEN_CHARTER),
    "unknown-offense": (replace(GOOD, offense="investigation"), OPEN_CHARTER),
    "unknown-declared-use": (replace(GOOD, declared_use="Protest_Activity"), OPEN_CHARTER),
    "unknown-feature": (replace(GOOD, feature="face_search"), OPEN_CHARTER),
    "unknown-action": (replace(GOOD, action="browse"), OPEN_CHARTER),
    "unknown-account": (replace(GOOD, account_id=""), OPEN_CHARTER),
    "fact-missing": (replace(GOOD, searches_last_hour=None), OPEN_CHARTER),
}
ONE_FAULT["search-window"] = (
    replace(GOOD, window_start=NOW - DAY - MILLISECOND),
    replace(OPEN_CHARTER, max_search_days=1),
)

BOUNDARIES = {
    "training ends in a millisecond": (replace(GOOD, training_valid_until=NOW + MILLISECOND), OPEN_CHARTER),
    "training never taken": (replace(GOOD, training_valid_until=None), OPEN_CHARTER),
    "bodies without training": (
        replace(GOOD, roles=("auditor",), action="read_bodies", training_valid_until=NOW),
        OPEN_CHARTER,
    ),
    "a finding without training": (
        replace(GOOD, roles=("auditor",), action="record_finding", training_valid_until=NOW),
        OPEN_CHARTER,
    ),
    "the charter's first instant": (GOOD, replace(OPEN_CHARTER, not_before=NOW)),
    "a second before the charter": (GOOD, replace(OPEN_CHARTER, not_before=NOW + SECOND)),
    "the charter's last second": (GOOD, replace(OPEN_CHARTER, expires_at=NOW + SECOND)),
    "alerts after the end": (ALERT, replace(OPEN_CHARTER, expires_at=NOW)),
    "approvals after the end": (ALLOWED["a supervisor approves"], replace(OPEN_CHARTER, expires_at=NOW)),
    "the audit after the end": (ALLOWED["an auditor reads bodies"], replace(OPEN_CHARTER, expires_at=NOW)),
    "the audit during a stop": (
        replace(ALLOWED["an auditor reads bodies"], stop_in_force=True),
        OPEN_CHARTER,
    ),
    "alerts during a stop": (replace(ALERT, stop_in_force=True), OPEN_CHARTER),
    "a feature's first instant": (GOOD, with_feature("plate_search", not_before=NOW)),
    "a second before a feature": (GOOD, with_feature("plate_search", not_before=NOW + SECOND)),
    "a feature's last second": (GOOD, with_feature("plate_search", expires_at=NOW + SECOND)),
    "a feature's end": (GOOD, with_feature("plate_search", expires_at=NOW)),
    "a feature that the charter does not mention": (GOOD, replace(OPEN_CHARTER, features=())),
    "alerts whose feature ended": (ALERT, with_feature("hotlist_alerts", expires_at=NOW)),
    "an image under the search's feature": (
        replace(GOOD, action="open_image", feature="plate_search"),
        OPEN_CHARTER,
    ),
    "an alert under the search's feature": (replace(ALERT, feature="plate_search"), OPEN_CHARTER),
    "a search under the alert's feature": (replace(GOOD, feature="hotlist_alerts"), OPEN_CHARTER),
    "an export under the search's feature": (replace(EXPORT, feature="plate_search"), OPEN_CHARTER),
    "an export under sharing": (replace(EXPORT, feature="sharing"), OPEN_CHARTER),
    "sharing under export": (replace(SHARE, feature="export"), OPEN_CHARTER),
    "a hold under the image's feature": (replace(EXPORT, action="hold", feature="image_view"), OPEN_CHARTER),
    "a hold": (replace(EXPORT, action="hold"), OPEN_CHARTER),
    "a hold without approval": (replace(EXPORT, action="hold", approvals=()), OPEN_CHARTER),
    "an image without a case": (replace(GOOD, action="open_image", case_number=""), OPEN_CHARTER),
    "a case number with a newline": (replace(GOOD, case_number="26-004512\n"), OPEN_CHARTER),
    "a case number in full-width digits": (replace(GOOD, case_number="２６-００４５１２"), OPEN_CHARTER),
    "a space as a case number": (replace(GOOD, case_number=" "), OPEN_CHARTER),
    "an offense of two purposes, the other one": (
        replace(GOOD, purpose="violent_crime", offense="kidnapping"),
        OPEN_CHARTER,
    ),
    "for ourselves, by name": (replace(GOOD, on_behalf_of=AGENCY), OPEN_CHARTER),
    "for ourselves, declared as for others": (replace(GOOD, declared_use="other_agency"), OPEN_CHARTER),
    "for a partner, declared as our own": (replace(GOOD, on_behalf_of=PARTNER), OPEN_CHARTER),
    "for nobody, in a space": (replace(GOOD, on_behalf_of=" "), OPEN_CHARTER),
    "for a partner, another purpose": (
        replace(FOR_PARTNER, purpose="burglary", offense="residential_burglary"),
        OPEN_CHARTER,
    ),
    "for a partner whose grant is revoked": (replace(FOR_PARTNER, on_behalf_of="revoked-pd"), OPEN_CHARTER),
    "for a partner, grant revoked": (FOR_PARTNER, with_grant(revoked=True)),
    "for a partner, the grant's first instant": (FOR_PARTNER, with_grant(not_before=NOW)),
    "for a partner, before the grant": (FOR_PARTNER, with_grant(not_before=NOW + SECOND)),
    "for a partner, the grant's last second": (FOR_PARTNER, with_grant(expires_at=NOW + SECOND)),
    "for a partner, after the grant": (FOR_PARTNER, with_grant(expires_at=NOW)),
    "for a partner, sharing not approved": (FOR_PARTNER, with_feature("sharing", approved=False)),
    "for a partner, sharing's first instant": (FOR_PARTNER, with_feature("sharing", not_before=NOW)),
    "for a partner, before sharing": (FOR_PARTNER, with_feature("sharing", not_before=NOW + SECOND)),
    "for a partner, sharing's last second": (FOR_PARTNER, with_feature("sharing", expires_at=NOW + SECOND)),
    "for a partner, after sharing": (FOR_PARTNER, with_feature("sharing", expires_at=NOW)),
    "sharing with nobody": (replace(SHARE, on_behalf_of=None, declared_use="own_case"), OPEN_CHARTER),
    "sharing with a stranger": (replace(SHARE, on_behalf_of=STRANGER), OPEN_CHARTER),
    "exactly the retention back": (replace(GOOD, window_start=NOW - 30 * DAY), OPEN_CHARTER),
    "an image of exactly the retention": (
        replace(GOOD, action="open_image", window_start=NOW - 30 * DAY),
        OPEN_CHARTER,
    ),
    "an image older than the retention": (
        replace(GOOD, action="open_image", window_start=NOW - 31 * DAY),
        OPEN_CHARTER,
    ),
    "exactly the longest search": (GOOD, replace(OPEN_CHARTER, max_search_days=1)),
    "an empty period": (replace(GOOD, window_start=NOW), OPEN_CHARTER),
    "a period that ends before it starts": (
        replace(GOOD, window_start=NOW, window_end=NOW - MILLISECOND),
        OPEN_CHARTER,
    ),
    "the last search of the hour": (replace(GOOD, searches_last_hour=29), OPEN_CHARTER),
    "one more than the last": (replace(GOOD, searches_last_hour=31), OPEN_CHARTER),
    "a full hour does not stop images": (
        replace(GOOD, action="open_image", searches_last_hour=31),
        OPEN_CHARTER,
    ),
    "a camera-window search without approval": (replace(GOOD, feature="camera_window_search"), OPEN_CHARTER),
    "approved by oneself": (
        replace(WIDE, roles=("supervisor",), approvals=(replace(SUPERVISOR, account_id="officer-1"),)),
        OPEN_CHARTER,
    ),
    "approved by another officer": (
        replace(WIDE, approvals=(replace(SUPERVISOR, roles=("officer",)),)),
        OPEN_CHARTER,
    ),
    "approved by a closed account": (
        replace(WIDE, approvals=(replace(SUPERVISOR, active=False),)),
        OPEN_CHARTER,
    ),
    "approved for something else": (
        replace(WIDE, approvals=(replace(SUPERVISOR, binds_request=False),)),
        OPEN_CHARTER,
    ),
    "approved by nobody in particular": (
        replace(WIDE, approvals=(replace(SUPERVISOR, account_id=""),)),
        OPEN_CHARTER,
    ),
    "approvals in the wrong order": (replace(EXPORT, approvals=(AUDITOR, SUPERVISOR)), OPEN_CHARTER),
    "one person as both approvers": (
        replace(
            EXPORT,
            approvals=(
                replace(SUPERVISOR, roles=("supervisor", "auditor")),
                replace(AUDITOR, account_id="supervisor-1", roles=("supervisor", "auditor")),
            ),
        ),
        OPEN_CHARTER,
    ),
    "the asker as the auditor": (
        replace(
            EXPORT,
            roles=("officer", "auditor"),
            approvals=(SUPERVISOR, replace(AUDITOR, account_id="officer-1")),
        ),
        OPEN_CHARTER,
    ),
    "an auditor whose account is closed": (
        replace(EXPORT, approvals=(SUPERVISOR, replace(AUDITOR, active=False))),
        OPEN_CHARTER,
    ),
    "an auditor who approved something else": (
        replace(EXPORT, approvals=(SUPERVISOR, replace(AUDITOR, binds_request=False))),
        OPEN_CHARTER,
    ),
    **{
        f"{act}: {what}": (
            replace(request, **asker, approvals=(*before, replace(approval, **changes))),
            OPEN_CHARTER,
        )
        for act, request, before, approval in (
            ("vehicle", WIDE, (), SUPERVISOR),
            ("export", EXPORT, (SUPERVISOR,), AUDITOR),
            ("access", ACCESS, (), COUNCIL),
            ("time", TIME, (), COUNCIL),
        )
        for what, asker, changes in (
            ("by one whose training ends now", {}, {"training_valid_until": NOW}),
            ("by one whose training ends in a millisecond", {}, {"training_valid_until": NOW + MILLISECOND}),
            ("by one never trained", {}, {"training_valid_until": None}),
            ("by one whom the asker made", {}, {"makers": ("somebody", "officer-1")}),
            ("by one who made the asker", {"makers": ("x", approval.account_id)}, {}),
            ("by one with the same maker", {"makers": ("founder",)}, {"makers": ("founder",)}),
            ("by one whose account is closed", {}, {"active": False}),
            ("by one who approved something else", {}, {"binds_request": False}),
            ("by an officer", {}, {"roles": ("officer",)}),
            ("by the asker", {}, {"account_id": "officer-1"}),
        )
    },
    "one administrator alone in a demo": (replace(ACCESS, approvals=()), replace(OPEN_CHARTER, mark="demo")),
    "a time by one alone in a demo": (replace(TIME, approvals=()), replace(OPEN_CHARTER, mark="demo")),
    "a time by one alone at the founding": (replace(TIME, approvals=(), founding=True), OPEN_CHARTER),
    "one administrator alone in a trial": (
        replace(ACCESS, approvals=()),
        replace(OPEN_CHARTER, mark="trial"),
    ),
    "approving an account without training": (
        replace(GOOD, action="approve_access", roles=("council",), training_valid_until=NOW),
        OPEN_CHARTER,
    ),
    **{
        f"{what} at {cameras} cameras": (replace(request, cameras=cameras), OPEN_CHARTER)
        for what, request in (("a vehicle", WIDE), ("a camera's window", WINDOW))
        for cameras in (0, 1, 4, 5, 20, 21, 10_000)
    },
    **{
        f"{what} for {span}": (replace(request, window_start=NOW - span), OPEN_CHARTER)
        for what, request in (("a vehicle", WIDE), ("a camera's window", WINDOW))
        for days in (1, 7)
        for span in (days * DAY - MILLISECOND, days * DAY, days * DAY + MILLISECOND)
    },
    "a part of a plate for a month": (
        replace(GOOD, feature="wildcard_search", window_start=NOW - 30 * DAY),
        OPEN_CHARTER,
    ),
    "a warrant without a supervisor": (replace(WINDOW, approvals=()), OPEN_CHARTER),
    "no approvals for an export": (replace(EXPORT, approvals=()), OPEN_CHARTER),
    "sharing without the auditor": (replace(SHARE, approvals=(SUPERVISOR,)), OPEN_CHARTER),
    "sharing without anybody": (replace(SHARE, approvals=()), OPEN_CHARTER),
    "the demo authenticator in a demo": (
        replace(GOOD, sign_in_method="demo authenticator"),
        replace(OPEN_CHARTER, mark="demo"),
    ),
    "a one-time link in a demo": (
        replace(GOOD, sign_in_method="one-time link"),
        replace(OPEN_CHARTER, mark="demo"),
    ),
    "a one-time link in a trial": (
        replace(GOOD, sign_in_method="one-time link"),
        replace(OPEN_CHARTER, mark="trial"),
    ),
    "a password in a demo": (replace(GOOD, sign_in_method="password"), replace(OPEN_CHARTER, mark="demo")),
    "a passkey in a demo": (GOOD, replace(OPEN_CHARTER, mark="demo")),
    "a passkey in capitals": (replace(GOOD, sign_in_method="PASSKEY"), OPEN_CHARTER),
    "a closed account of an administrator": (
        replace(ALLOWED["an administrator purges"], active=False),
        OPEN_CHARTER,
    ),
    "another agency's auditor": (
        replace(ALLOWED["an auditor reads bodies"], agency_id=PARTNER),
        OPEN_CHARTER,
    ),
    "a role that nobody knows": (replace(GOOD, roles=("Officer", "root")), OPEN_CHARTER),
    "no role": (replace(GOOD, roles=()), OPEN_CHARTER),
}


def act_of(role, action):
    """The act ``action`` of somebody with one role, with everything else in order."""
    if action == "share":
        return replace(SHARE, roles=(role,))
    return replace(EXPORT, action=action, roles=(role,))


ROLE_WORLDS = {
    f"{role}: {action}": (act_of(role, action), OPEN_CHARTER) for role in ROLES for action in ACTIONS
}
WORLDS = (
    {name: (request, OPEN_CHARTER) for name, request in ALLOWED.items()}
    | {f"one fault: {name}": world for name, world in ONE_FAULT.items() if name != "fact-missing"}
    | BOUNDARIES
    | ROLE_WORLDS
)


def answer(engine, request):
    """The refusing rules, empty when allowed."""
    decision = engine.decide(request)
    return set() if decision.allowed else set(decision.rules)


@pytest.mark.parametrize("request_", ALLOWED.values(), ids=ALLOWED)
def test_allowed(request_):
    decision = ENGINE.decide(request_)
    assert decision.allowed, decision.rules
    assert all(rule.startswith("role-") for rule in decision.rules)


@pytest.mark.parametrize(("rule", "world"), ONE_FAULT.items(), ids=ONE_FAULT)
def test_a_single_fault_names_exactly_its_rule(rule, world):
    request, charter = world
    decision = engine_for(charter).decide(request)
    assert not decision.allowed
    assert decision.rules == (rule,)
    assert decision.clauses[0].startswith("Charter section ")
    assert decision.sentences[0].endswith(".")


@pytest.mark.parametrize(("request_", "charter"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_boundary_worlds(request_, charter):
    assert answer(engine_for(charter), request_) == expected_rules(request_, charter)


def test_two_faults_name_both_rules():
    decision = ENGINE.decide(replace(GOOD, active=False, case_number=""))
    assert decision.rules == ("account-active", "case-given")
    assert len(decision.sentences) == len(decision.clauses) == 2


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_do_its_acts_and_no_others(role, action):
    expected = set() if action in ROLES[role] else {"role-permits"}
    assert answer(ENGINE, act_of(role, action)) == expected


@pytest.mark.parametrize("kind", MOST_CAMERAS)
def test_the_limits_that_pages_explain_are_the_policys(kind):
    asked = {"vehicle": WIDE, "camera_window": WINDOW}[kind]
    longest = timedelta(hours=LONGEST_HOURS[kind])
    at_most = replace(asked, cameras=MOST_CAMERAS[kind], window_start=NOW - longest)
    assert answer(ENGINE, at_most) == set()
    assert answer(ENGINE, replace(at_most, cameras=MOST_CAMERAS[kind] + 1)) == {"cameras-chosen"}
    assert answer(ENGINE, replace(at_most, window_start=NOW - longest - MILLISECOND)) == {"short-window"}
    said = " ".join(explain(OPEN_CHARTER))
    assert (
        f"1 to {MOST_CAMERAS[kind]} cameras, spans {duration_words(LONGEST_HOURS[kind] * 60)} at most" in said
    )


CONDITIONS = (
    {"active": False},
    {"training_valid_until": NOW - DAY},
    {"sign_in_method": "one-time link"},
    {"agency_id": STRANGER},
    {"stop_in_force": True},
    {"feature": "camera_window_search"},
    {"case_number": "x"},
    {"offense": "auto_theft"},
    {"declared_use": "personal"},
    {"on_behalf_of": STRANGER},
    {"window_start": NOW - 40 * DAY},
    {"searches_last_hour": 30},
)


def test_all_combinations_of_twelve_conditions_agree_with_the_second_opinion():
    """4,096 worlds; exactly one of them is allowed."""
    allowed = 0
    for chosen in itertools.product((False, True), repeat=len(CONDITIONS)):
        changes = {}
        for is_chosen, change in zip(chosen, CONDITIONS, strict=True):
            changes |= change if is_chosen else {}
        request = replace(GOOD, **changes)
        assert answer(ENGINE, request) == expected_rules(request, OPEN_CHARTER), changes
        allowed += not answer(ENGINE, request)
    assert allowed == 1


MOMENTS = [NOW + sign * step for step in (timedelta(0), MILLISECOND, SECOND, DAY) for sign in (-1, 1)]
WORDS = [purpose.id for purpose in OPEN_CHARTER.purposes] + ["", "immigration", "Missing_Person"]
RANDOM_REQUESTS = st.builds(
    replace,
    st.just(EXPORT),
    roles=st.lists(st.sampled_from([*ROLES, "root"]), max_size=3).map(tuple),
    active=st.booleans() | st.just(True),
    training_valid_until=st.sampled_from([None, *MOMENTS, NOW + 9 * DAY]),
    agency_id=st.sampled_from([AGENCY, AGENCY, AGENCY, PARTNER, ""]),
    action=st.sampled_from([*ACTIONS, "search", "search"]),
    now=st.sampled_from([NOW, NOW, *MOMENTS]),
    sign_in_method=st.sampled_from(["passkey", "passkey", "passkey", "demo authenticator", ""]),
    stop_in_force=st.sampled_from([False, False, True]),
    feature=st.sampled_from([None, None, *FEATURES]),
    purpose=st.sampled_from(WORDS),
    offense=st.sampled_from([offense.id for offense in OPEN_CHARTER.offenses]),
    declared_use=st.sampled_from(["own_case", "own_case", *(use.id for use in OPEN_CHARTER.declared_uses)]),
    on_behalf_of=st.sampled_from([None, None, AGENCY, PARTNER, "revoked-pd", STRANGER]),
    case_number=st.sampled_from(["26-004512", "26-004512", "", "26-004512\n", "x"]),
    window_start=st.sampled_from([NOW - 30 * DAY + step for step in (-SECOND, timedelta(0), SECOND, DAY)]),
    window_end=st.sampled_from([NOW, NOW - 40 * DAY]),
    searches_last_hour=st.sampled_from([0, 29, 30]),
    cameras=st.sampled_from([0, 1, 4, 5, 20, 21]),
    warrant=st.sampled_from(["", "SW-26-118"]),
    makers=st.sampled_from([(), (), ("founder",), ("supervisor-1",)]),
    founding=st.booleans(),
    approvals=st.lists(
        st.builds(
            Approval,
            st.sampled_from(["supervisor-1", "auditor-1", "officer-1", ""]),
            st.sampled_from([("supervisor",), ("auditor",), ("officer",), ("supervisor", "auditor")]),
            st.booleans() | st.just(True),
            st.booleans() | st.just(True),
            st.sampled_from([NOW + DAY, NOW + DAY, NOW, None]),
            st.sampled_from([(), (), ("founder",), ("officer-1",)]),
        ),
        max_size=2,
        unique_by=lambda approval: approval.account_id,
    ).map(tuple),
)


@given(request=RANDOM_REQUESTS)
@settings(max_examples=1_000, deadline=None)
def test_random_worlds_agree_with_the_second_opinion(request):
    approvals = tuple(
        replace(
            a,
            roles=request.roles,
            active=request.active,
            training_valid_until=request.training_valid_until,
            makers=request.makers,
        )
        if a.account_id == request.account_id
        else a
        for a in request.approvals
    )
    request = replace(request, approvals=approvals)
    assert answer(ENGINE, request) == expected_rules(request, OPEN_CHARTER)


# --- taking the policy apart ------------------------------------------------------------------------------------------

STATEMENTS = [part + ";" for part in POLICY.base.split(";\n") if "@id" in part]
IDS = [re.search(r'@id\("([^"]+)"\)', statement)[1] for statement in STATEMENTS]
EXPECTED = {name: expected_rules(*world) for name, world in WORLDS.items() if "unknown" not in name}


def is_killed(base, rule=""):
    """Whether some world is answered differently under a changed base; those about ``rule`` are tried first."""
    policy = replace(POLICY, base=base)
    engines = {}
    role = rule.removeprefix("role-")
    for name, expected in sorted(
        EXPECTED.items(), key=lambda item: rule not in item[1] and not item[0].startswith(role)
    ):
        request, charter = WORLDS[name]
        key = charter.to_json()
        engine = engines.get(key) or engines.setdefault(key, engine_for(charter, policy))
        if answer(engine, request) != expected:
            return True
    return False


def test_the_unchanged_base_answers_every_world_as_expected():
    assert not is_killed(POLICY.base)


@pytest.mark.parametrize("rule", IDS)
def test_no_rule_can_be_dropped_unnoticed(rule):
    rest = [statement for statement, name in zip(STATEMENTS, IDS, strict=True) if name != rule]
    assert len(rest) == len(STATEMENTS) - 1
    assert is_killed("\n".join(rest), rule)


TURNED = {"<=": "<", "<": "<=", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "!": ""}
OPERATORS = re.compile(r"<=|>=|==|!=|&&|\|\||<|>|!")
ITEMS = re.compile(r'(?:,\s*)?(?:Action|Feature)::"\w+"(?=[,\s\]])|, "one-time link"|"demo authenticator", ')


def mutants():
    """Every operator of every condition turned, and every item of every list left out."""
    for statement, name in zip(STATEMENTS, IDS, strict=True):
        condition = re.search(r"\)\s*(?:when|unless) \{", statement)
        start = condition.end() if condition else len(statement)
        edits = [(found, TURNED[found[0]]) for found in OPERATORS.finditer(statement, start)]
        edits += [(found, "") for found in ITEMS.finditer(statement) if _is_in_list(statement, found)]
        for found, text in edits:
            mutant = statement[: found.start()] + text + statement[found.end() :]
            mutant = re.sub(r"\[\s*,", "[", mutant)
            if "[]" not in mutant:
                yield f"{name} at {found.start()} {found[0].strip()}", POLICY.base.replace(statement, mutant)


def _is_in_list(statement, found):
    before = statement[: found.start()]
    return before.count("[") > before.count("]")


MUTANTS = dict(mutants())


def test_there_are_mutants_of_most_rules():
    assert len(MUTANTS) > 90


@pytest.mark.parametrize("name", MUTANTS)
def test_no_comparison_can_be_turned_unnoticed(name):
    assert is_killed(MUTANTS[name], name.split(" ")[0])


def test_the_shipped_base_and_schema_pass_the_lint_and_name_every_rule():
    rules = read_rules(POLICY)
    assert set(rules) == set(IDS)
    assert len(rules) == 29


def test_dates_beyond_the_engines_reach_are_refused_and_not_an_error():
    far = replace(GOOD, training_valid_until=datetime(9999, 12, 31, tzinfo=UTC))
    assert ENGINE.decide(far).allowed
    assert answer(ENGINE, replace(GOOD, case_number="\ud800")) == {"policy-error"}
