"""Pages: newest first, right while reads arrive, bound to the person and the recorded search, each an entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import ADMINISTRATOR
from tests.support.invariants import added, bodies, check_city

from glassplate.asked_page import PAGE_LIFE
from glassplate.errors import ApprovalNeeded, Refused, UsageError

PATTERN = "7KD*"
WINDOW = {"plate": "", "kind": "camera_window", "camera_ids": ("court-16th",), "warrant": "SW-26-118"}


@pytest.fixture
def seven(city):
    """Seven reads of one pattern, a second apart, and everything approved."""
    features = tuple(replace(feature, approved=True) for feature in city.charter().features)
    city.vault.install_charter(city.signed(city.charter(features=features)))
    city.ingest(*(f"7KD{number}" for number in range(7)))
    return city


def texts(result):
    return [found.read.text for found in result.reads]


def first_page(city, token=None, **words):
    return city.vault.gate.search(
        token or city.sign_in("m.okafor"), city.request(**{"plate": PATTERN, "limit": 3, **words})
    )


def next_page(city, result, token=None):
    return city.vault.gate.next_page(token or city.sign_in("m.okafor"), result.receipt.entry_index)


def refused(act):
    with pytest.raises(Refused) as refusal:
        act()
    return refusal.value.rules


def test_pages_show_every_read_once_while_reads_arrive(seven):
    first = first_page(seven)
    seven.ingest("7KD7", captured_at=seven.now() - timedelta(seconds=50))  # newer than all: no page moves
    second = next_page(seven, first)
    seven.ingest(
        "7KD9", captured_at=seven.now() - timedelta(minutes=2)
    )  # older than all: the last page has it
    third = next_page(seven, second)
    assert [texts(page) for page in (first, second, third)] == [
        ["7KD6", "7KD5", "7KD4"],
        ["7KD3", "7KD2", "7KD1"],
        ["7KD0", "7KD9"],
    ]
    assert [page.page for page in (first, second, third)] == [1, 2, 3]
    assert [page.truncated for page in (first, second, third)] == [True, True, False]
    with pytest.raises(UsageError, match="no further page"):
        next_page(seven, third)
    check_city(seven)


def test_each_page_is_an_entry_with_its_words_and_what_it_showed(seven):
    first = first_page(seven)
    with added(seven) as new:
        second = next_page(seven, first, seven.sign_in("m.okafor"))
    assert new == ["sign-in", "search", "search-outcome"]
    (start, asked), (index, again) = bodies(seven, "search")
    assert (index, again["page"], again["page_of"]) == (second.receipt.entry_index, 2, start)
    changed = {name for name in asked if asked[name] != again[name]}
    assert changed <= {"at", "page", "page_of", "cedar_request", "cedar_entities", "operation"}
    shown = [outcome["read_ids"] for _, outcome in bodies(seven, "search-outcome")]
    assert shown == [[found.read.read_id for found in page.reads] for page in (first, second)]
    assert seven.vault.registry.totals()["search:stolen_vehicle"] == 2


def test_a_later_page_shows_its_images_and_names_its_page(seven):
    token = seven.sign_in("m.okafor")
    second = next_page(seven, first_page(seven, token), token)
    index, read_id = second.receipt.entry_index, second.reads[0].read.read_id
    assert seven.vault.gate.open_image(token, read_id, index, "crop").jpeg
    assert [one.asked for one in seven.vault.gate.my_searches(token)] == [f"{PATTERN} (page 2)", PATTERN]


def test_another_persons_page_is_refused_and_recorded(seven):
    first = first_page(seven)
    supervisor = seven.sign_in("r.alvarez")
    with added(seven) as new:
        assert refused(lambda: next_page(seven, first, supervisor)) == ("own-search",)
    assert new == ["refusal"]


@pytest.mark.parametrize("index", [0, 3, -1, 10_000, 1 << 70])
def test_an_entry_that_is_no_search_has_no_next_page(seven, index):
    token = seven.sign_in("m.okafor")
    assert refused(lambda: seven.vault.gate.next_page(token, index)) == ("own-search",)


def test_an_outcome_is_no_search(seven):
    first = first_page(seven)
    token = seven.sign_in("m.okafor")
    outcome = first.receipt.entry_index + 1
    assert refused(lambda: seven.vault.gate.next_page(token, outcome)) == ("own-search",)


def test_a_page_ends_and_is_asked_for_again_as_a_search(seven):
    first = first_page(seven)
    seven.clock.advance(PAGE_LIFE + timedelta(seconds=1))
    token = seven.sign_in("m.okafor")
    with added(seven) as new, pytest.raises(UsageError, match="Search again"):
        next_page(seven, first, token)
    assert new == []


def test_pages_count_against_the_limit_of_an_hour(seven):
    seven.vault.install_charter(seven.signed(seven.charter(searches_per_hour=2)))
    second = next_page(seven, first_page(seven))
    assert refused(lambda: next_page(seven, second)) == ("rate-limit",)
    said = bodies(seven, "refusal")[-1][1]
    assert (said["plate"], said["case_number"]) == (PATTERN, "26-004512")


def withdraw_feature(city):
    features = tuple(
        replace(feature, approved=feature.name != "wildcard_search") for feature in city.charter().features
    )
    city.vault.install_charter(city.signed(city.charter(features=features)))


CHANGES = {
    "the feature was withdrawn": (withdraw_feature, "feature-approved"),
    "the role was taken": (
        lambda city: city.vault.accounts.change_roles(city.sign_in(ADMINISTRATOR), "m.okafor", ("council",)),
        "role-permits",
    ),
    "the training lapsed": (
        lambda city: city.vault.accounts.renew_training(
            city.sign_in(ADMINISTRATOR), "m.okafor", city.now() - timedelta(hours=1)
        ),
        "training-current",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_page_is_decided_by_todays_rules_and_facts(seven, what):
    change, rule = CHANGES[what]
    first = first_page(seven)
    change(seven)
    assert rule in refused(lambda: next_page(seven, first))


def approved_window(city):
    """The first page of everything at a camera, approved by r.alvarez."""
    request, token = city.request(**WINDOW, limit=3), city.sign_in("m.okafor")
    with pytest.raises(ApprovalNeeded):
        city.vault.gate.search(token, request)
    asked = city.vault.registry.approval_requests()[0]
    city.vault.approvals.decide(
        city.sign_in("r.alvarez"), asked.request_id, asked.request_sha256, approve=True, reason="Read it"
    )
    return city.vault.gate.search(token, request)


def test_an_approval_covers_the_pages_of_its_search_and_no_other_search(seven):
    first = approved_window(seven)
    second = next_page(seven, first)
    third = next_page(seven, second)
    assert [texts(page) for page in (second, third)] == [["7KD3", "7KD2", "7KD1"], ["7KD0"]]
    with pytest.raises(ApprovalNeeded):
        seven.vault.gate.search(seven.sign_in("m.okafor"), seven.request(**WINDOW, limit=3))


def test_an_approver_who_left_undoes_the_pages_too(seven):
    first = approved_window(seven)
    seven.vault.accounts.close(seven.sign_in(ADMINISTRATOR), "r.alvarez", "Left")
    assert refused(lambda: next_page(seven, first)) == ("approval-supervisor",)


def test_a_page_into_a_day_that_died_shows_nothing_of_it(seven):
    """The first page is asked for minutes before the oldest day dies, the second minutes after."""
    destroy_at = seven.vault.keyring.records()[0].epoch.destroy_at
    seven.pass_days((destroy_at - timedelta(minutes=5) - seven.now()) / timedelta(days=1))
    seven.ingest("7KDA", "7KDB", "7KDC")
    retention = seven.vault.mandate.retention()
    first = first_page(seven, since=seven.now() - retention)
    assert texts(first) == ["7KDC", "7KDB", "7KDA"]
    assert first.truncated
    seven.clock.advance(timedelta(minutes=10))
    seven.vault.duties()
    second = next_page(seven, first)
    assert (texts(second), second.truncated) == ([], False)
    check_city(seven)


def test_pages_go_on_after_a_restart(seven):
    first = first_page(seven)
    seven.reopen()
    assert texts(next_page(seven, first)) == ["7KD3", "7KD2", "7KD1"]


def test_a_page_whose_search_was_interrupted_is_none(closed_city):
    city = closed_city

    class Killed(BaseException):
        pass

    def stop(step):
        if step == 6:
            raise Killed

    city.open(observe=stop)
    city.ingest(*(f"7KD{number}" for number in range(4)))
    with pytest.raises(Killed):
        first_page(city)
    city.reopen()
    index = bodies(city, "search")[0][0]
    with pytest.raises(UsageError, match="no further page"):
        city.vault.gate.next_page(city.sign_in("m.okafor"), index)
    city.close()
