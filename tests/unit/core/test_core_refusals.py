"""What is unlawful is refused by the name of its rule, recorded, counted, and answered with nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.invariants import added, bodies, check_city, count_questions, public

from glassplate.charter import build_stop
from glassplate.errors import NotSignedIn, Refused, UsageError
from glassplate.records import SearchRequest
from glassplate.registry.sessions import ABSOLUTE_LIMIT, IDLE_LIMIT

PLATE = "7KDR214"

# a sentence: (who asks, what is changed in a lawful request, the rule that must be named)
UNLAWFUL = {
    "no case number": ("r.alvarez", {"case_number": ""}, "case-given"),
    "a case number of another form": ("r.alvarez", {"case_number": "26-4512"}, "case-number-format"),
    "a case number and a line break": ("r.alvarez", {"case_number": "26-004512\n"}, "case-number-format"),
    "a case number in full-width digits": (
        "r.alvarez",
        {"case_number": "\uff12\uff16-\uff10\uff10\uff14\uff15\uff11\uff12"},
        "case-number-format",
    ),
    "a case number after a space": ("r.alvarez", {"case_number": " 26-004512"}, "case-number-format"),
    "a word for a case number": ("r.alvarez", {"case_number": "investigation"}, "case-number-format"),
    "a purpose the charter does not know": ("r.alvarez", {"purpose": "curiosity"}, "unknown-purpose"),
    "no purpose": ("r.alvarez", {"purpose": ""}, "unknown-purpose"),
    "an offense the charter does not know": ("r.alvarez", {"offense": "jaywalking"}, "unknown-offense"),
    "an offense that does not fit the purpose": ("r.alvarez", {"offense": "homicide"}, "purpose-allowed"),
    "for immigration enforcement": (
        "r.alvarez",
        {"declared_use": "immigration_enforcement"},
        "prohibited-use",
    ),
    "for a private reason": ("r.alvarez", {"declared_use": "personal"}, "prohibited-use"),
    "about a protest": ("r.alvarez", {"declared_use": "protest_activity"}, "prohibited-use"),
    "a prohibited use in capitals": (
        "r.alvarez",
        {"declared_use": "PROTEST_ACTIVITY"},
        "unknown-declared-use",
    ),
    "for an agency without a grant": ("r.alvarez", {"on_behalf_of": "neighbor-pd"}, "outside-agency"),
    "for another agency that is not named": ("r.alvarez", {"declared_use": "other_agency"}, "outside-agency"),
    "the look of a vehicle, which is not approved": (
        "r.alvarez",
        {"plate": "", "kind": "vehicle", "colors": ("white",), "camera_ids": ("court-16th",)},
        "feature-approved",
    ),
    "everything at a camera, which is not approved": (
        "r.alvarez",
        {"plate": "", "kind": "camera_window", "warrant": "SW-26-118", "camera_ids": ("court-16th",)},
        "feature-approved",
    ),
    "a period that begins before the retention": (
        "r.alvarez",
        {"since": datetime(2026, 1, 30, 8, 59, tzinfo=UTC)},
        "within-retention",
    ),
    "by an auditor": ("j.doe", {}, "role-permits"),
    "by a council member": ("clerk", {}, "role-permits"),
    "by an administrator": ("administrator", {}, "role-permits"),
}


def assert_refused(city, token, request, rule):
    """Refused by ``rule``: one entry that says so, one more on the count, nothing asked, nothing answered."""
    store = count_questions(city)
    before = city.vault.registry.totals().get(f"refusal:{rule}", 0)
    with added(city) as new, pytest.raises(Refused) as refusal:
        city.vault.gate.search(token, request)
    assert rule in refusal.value.rules
    assert len(str(refusal.value)) > 20, "the person is told what to do"
    assert new == ["refusal"]
    assert public(city, "refusal")[-1]["rules"] == ",".join(refusal.value.rules)
    said = bodies(city, "refusal")[-1][1]
    assert said["rules"] == list(refusal.value.rules)
    assert (said["plate"], said["case_number"]) == (request.plate, request.case_number)
    assert city.vault.registry.totals()[f"refusal:{rule}"] == before + 1
    assert store.asked == 0


def test_each_unlawful_request_is_refused_by_its_rule(city):
    city.ingest(PLATE)
    tokens = {account: city.sign_in(account) for account in ("r.alvarez", "j.doe", "clerk", "administrator")}
    for name, (account, changes, rule) in UNLAWFUL.items():
        try:
            request = city.request(**{"plate": PLATE, **changes})
            assert_refused(city, tokens[account], request, rule)
        except (AssertionError, pytest.fail.Exception) as failure:
            raise AssertionError(name) from failure
    assert bodies(city, "search") == []
    assert len(city.vault.gate.search(tokens["r.alvarez"], city.request(PLATE)).reads) == 1
    check_city(city)


# a sentence: (what the next charter changes, what is changed in a lawful request, the rule)
OTHER_CHARTERS = {
    "wildcards are not approved": (
        lambda charter: {
            "features": tuple(
                replace(f, approved=f.approved and f.name != "wildcard_search") for f in charter.features
            )
        },
        {"plate": "7KD?21*"},
        "feature-approved",
    ),
    "look-alikes need the approval for wildcards": (
        lambda charter: {
            "features": tuple(
                replace(f, approved=f.approved and f.name != "wildcard_search") for f in charter.features
            )
        },
        {"plate": "7KDR214", "kind": "look_alike"},
        "feature-approved",
    ),
    "a period longer than one search may span": (
        lambda _charter: {"max_search_days": 3},
        {"since": datetime(2026, 2, 27, 8, tzinfo=UTC)},
        "search-window",
    ),
    "a retention that has become shorter": (
        lambda _charter: {"retention_minutes": 7 * 1440, "max_search_days": 8},
        {"since": datetime(2026, 2, 22, tzinfo=UTC)},
        "within-retention",
    ),
}


@pytest.mark.parametrize("name", OTHER_CHARTERS)
def test_a_later_charter_refuses(city, name):
    changes, asked, rule = OTHER_CHARTERS[name]
    city.ingest(PLATE)
    token = city.sign_in("r.alvarez")
    charter = city.vault.mandate.last().verified.charter
    city.vault.install_charter(city.signed(city.charter(**changes(charter))))
    assert_refused(city, token, city.request(**{"plate": PLATE, **asked}), rule)
    assert bodies(city, "search") == []
    check_city(city)


def test_training_that_has_lapsed(city):
    administrator = city.sign_in("administrator")
    city.vault.accounts.renew_training(administrator, "m.okafor", city.now() + timedelta(minutes=20))
    assert city.vault.gate.search(city.sign_in("m.okafor"), city.request(PLATE)).reads == ()
    city.clock.advance(timedelta(minutes=20))
    assert_refused(city, city.sign_in("m.okafor"), city.request(PLATE), "training-current")
    check_city(city)


def test_an_expired_charter_refuses_search_but_not_oversight(city):
    city.ingest(PLATE)
    ends = city.vault.mandate.last().verified.charter.expires_at
    city.clock.advance(ends - city.now() - timedelta(seconds=1))
    city.vault.duties()
    token = city.sign_in("r.alvarez")
    assert city.vault.gate.search(token, city.request(PLATE)).reads == ()
    city.clock.advance(timedelta(seconds=1))
    administrator = city.sign_in("administrator")
    city.vault.accounts.renew_training(administrator, "r.alvarez", city.now() + timedelta(days=9))
    assert_refused(city, token, city.request(PLATE), "charter-in-force")
    assert not city.vault.health.status().healthy
    assert city.vault.oversight.entries(city.sign_in("clerk"), 0, 5)


def test_an_office_stops_the_system(city):
    city.ingest(PLATE)
    token = city.sign_in("r.alvarez")
    verified = city.vault.mandate.last().verified
    stop = build_stop(city.offices["auditor"], "misuse is looked into", city.now(), verified=verified)
    city.vault.stop(stop)
    assert_refused(city, token, city.request(PLATE), "stop-in-force")
    batch_refused = pytest.raises(Refused, match="has stopped the system")
    with batch_refused:
        city.ingest(PLATE)
    city.reopen()
    assert_refused(city, token, city.request(PLATE), "stop-in-force")
    city.vault.install_charter(city.signed(city.charter()))
    assert len(city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE)).reads) == 1
    check_city(city)


def test_more_searches_in_an_hour_than_one_person_may_make(city):
    city.vault.install_charter(city.signed(city.charter(searches_per_hour=3)))
    token = city.sign_in("r.alvarez")
    for _ in range(3):
        city.vault.gate.search(token, city.request(PLATE))
    assert_refused(city, token, city.request(PLATE), "rate-limit")
    assert city.vault.gate.search(city.sign_in("m.okafor"), city.request(PLATE)).reads == ()
    city.clock.advance(timedelta(minutes=14))
    for _ in range(4):  # keeps the session alive
        city.vault.gate.who(token)
        city.clock.advance(timedelta(minutes=14))
    city.vault.gate.search(token, city.request(PLATE))
    check_city(city)


def test_sessions_that_have_ended(city):
    """Nobody is known, so nothing is recorded; nothing is answered either."""
    store, token = count_questions(city), city.sign_in("r.alvarez")
    size = city.vault.log.size

    def assert_ended(asked_token):
        with pytest.raises(NotSignedIn) as refusal:
            city.vault.gate.search(asked_token, city.request(PLATE))
        assert refusal.value.rules == ("signed-in",)

    for unknown in (None, "", "x" * 43, token + "x", token.swapcase()):
        assert_ended(unknown)
    city.clock.advance(IDLE_LIMIT - timedelta(seconds=1))
    city.vault.gate.who(token)
    city.clock.advance(IDLE_LIMIT)
    assert_ended(token)

    long = city.sign_in("r.alvarez")
    started = city.now()
    while city.now() + timedelta(minutes=14) < started + ABSOLUTE_LIMIT:
        city.clock.advance(timedelta(minutes=14))
        city.vault.gate.who(long)
    city.clock.advance(started + ABSOLUTE_LIMIT - city.now() - timedelta(seconds=1))
    city.vault.gate.who(long)
    city.clock.advance(timedelta(seconds=1))
    assert_ended(long)
    assert city.vault.log.size == size + 1, "only the second sign-in"
    assert store.asked == 0


def test_a_closed_account(city):
    """Its sessions end at once, and it cannot sign in again."""
    token = city.sign_in("m.okafor")
    city.vault.accounts.close(city.sign_in("administrator"), "m.okafor", "left the department")
    store = count_questions(city)
    with pytest.raises(NotSignedIn):
        city.vault.gate.search(token, city.request(PLATE))
    with added(city) as new, pytest.raises(NotSignedIn, match="closed account"):
        city.sign_in("m.okafor")
    assert new == ["sign-in-refused"]
    assert store.asked == 0
    check_city(city)


MALFORMED = {
    "a limit of 0": {"limit": 0},
    "a negative limit": {"limit": -5},
    "a period that ends before it starts": {"since": datetime(2026, 3, 2, 9, 1, tzinfo=UTC)},
    "a time without a zone": {"since": datetime(2026, 3, 1)},  # noqa: DTZ001
    "a plate of wildcards": {"plate": "***"},
    "one known character": {"plate": "7*"},
    "a name for a plate": {"plate": "Jürgen"},
    "a plate that is a paragraph": {"plate": "7KDR214" * 10},
}


def test_malformed_requests_are_usage_errors_and_leave_nothing(city):
    store, token = count_questions(city), city.sign_in("r.alvarez")
    for name, changes in MALFORMED.items():
        with added(city) as new, pytest.raises(UsageError):
            city.vault.gate.search(token, city.request(**{"plate": PLATE, **changes}))
        assert new == [], name
    assert store.asked == 0


def test_dates_at_the_ends_of_the_calendar_are_refused_not_fatal(city):
    token = city.sign_in("r.alvarez")
    for since in ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00", "1969-01-01T00:00:00+00:00"):
        request = city.request(PLATE, since=datetime.fromisoformat(since))
        with added(city) as new, pytest.raises(Refused):
            city.vault.gate.search(token, request)
        assert new == ["refusal"]
    check_city(city)


def test_a_request_never_shows_its_plate_in_a_traceback(city):
    assert PLATE not in repr(city.request(PLATE))
    assert isinstance(city.request(PLATE), SearchRequest)
