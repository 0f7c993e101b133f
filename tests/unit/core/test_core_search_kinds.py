"""Every kind of search: recorded with every parameter, refused where its parts do not fit, decided by its feature."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.city import START
from tests.support.invariants import added, bodies, check_city

from glassplate.encoding import canonical_json
from glassplate.errors import ApprovalNeeded, Refused, UsageError
from glassplate.recognize.color import NAMES
from glassplate.recognize.found import VEHICLES
from glassplate.records import VEHICLE_BODIES, VEHICLE_COLORS, SearchRequest, Vehicle
from glassplate.search_kinds import (
    FEATURE_OF,
    MAX_CAMERAS,
    MAX_READS_SHOWN,
    asked_again,
    asked_fields,
    in_words,
    pattern_of,
)
from glassplate.store import StoreQuery

PLATE = "7KDR214"
COURT, HARBOR = ("court-16th",), ("harbor-22nd",)
WHITE_CAR, RED_TRUCK = Vehicle("car", 0.9, "white", 0.8), Vehicle("truck", 0.9, "red", 0.8)
VEHICLE = {"plate": "", "kind": "vehicle", "bodies": ("car",), "camera_ids": COURT}
WINDOW = {"plate": "", "kind": "camera_window", "camera_ids": COURT, "warrant": "SW-26-118"}
KINDS = {
    "exact": {"plate": PLATE},
    "look_alike": {"plate": "7KDR2I4", "kind": "look_alike"},
    "wildcard": {"plate": "7KD*"},
    "vehicle": VEHICLE,
    "camera_window": WINDOW,
}


@pytest.fixture
def wide(city):
    """Everything is approved; a white car and a red truck passed the court, a white car the harbor."""
    features = tuple(replace(feature, approved=True) for feature in city.charter().features)
    city.vault.install_charter(city.signed(city.charter(features=features)))
    at = city.now() - timedelta(minutes=30)
    city.ingest(PLATE, vehicle=WHITE_CAR, captured_at=at)
    city.ingest("8ABC123", vehicle=RED_TRUCK, captured_at=at + timedelta(minutes=1))
    city.ingest("9XYZ999", vehicle=WHITE_CAR, camera_id="harbor-22nd", captured_at=at)
    return city


def approve(city):
    """A supervisor approves what was asked last."""
    token = city.sign_in("r.alvarez")
    asked = city.vault.registry.approval_requests()[0]
    city.vault.approvals.decide(
        token, asked.request_id, asked.request_sha256, approve=True, reason="Read the report"
    )


def search(city, who="m.okafor", **words):
    """Search; ask for approval and get it where it is needed."""
    request, token = city.request(**words), city.sign_in(who)
    try:
        return city.vault.gate.search(token, request)
    except ApprovalNeeded:
        approve(city)
        return city.vault.gate.search(token, request)


def plates(result):
    return [found.read.text for found in result.reads]


def test_what_can_be_asked_for_is_what_recognizers_say():
    assert set(VEHICLE_BODIES) == VEHICLES
    assert set(VEHICLE_COLORS) == set(NAMES)


FOUND = {
    "one whole plate": ({"plate": PLATE}, [PLATE]),
    "what it is misread for": ({"plate": "7K0R2I4", "kind": "look_alike"}, [PLATE]),
    "one character left out": ({"plate": "7KDR24", "kind": "look_alike"}, [PLATE]),
    "a part of it": ({"plate": "?KD*"}, [PLATE]),
    "a car at the court": (VEHICLE, [PLATE]),
    "anything red at both": (
        VEHICLE | {"bodies": (), "colors": ("red",), "camera_ids": COURT + HARBOR},
        ["8ABC123"],
    ),
    "a red car": (VEHICLE | {"colors": ("red",)}, []),
    "everything at the court, newest first": (WINDOW, ["8ABC123", PLATE]),
    "everything at the harbor": (WINDOW | {"camera_ids": HARBOR}, ["9XYZ999"]),
    "everything, before anything": (WINDOW | {"until": None}, []),
}


@pytest.mark.parametrize("what", FOUND)
def test_each_kind_finds_what_it_asks_for(wide, what):
    words, found = FOUND[what]
    if words.get("until", 0) is None:
        words = words | {"until": wide.now() - timedelta(hours=2)}
    assert plates(search(wide, **words)) == found
    check_city(wide)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_recorded_before_the_search_runs(wide, kind):
    words = {"limit": 7, "warrant": "SW-26-118", "camera_ids": COURT, **KINDS[kind]}
    asked = wide.request(**words)
    result = search(wide, **words)
    index, said = bodies(wide, "search")[-1]
    assert index == result.receipt.entry_index
    expected = {
        "kind": kind,
        "feature": FEATURE_OF[kind],
        "plate": asked.plate,
        "bodies": list(asked.bodies),
        "colors": list(asked.colors),
        "camera_ids": list(COURT),
        "limit": 7,
        "warrant": "SW-26-118",
        "page": 1,
        "page_of": None,
        "since": result.searched_since.isoformat(),
        "until": result.searched_until.isoformat(),
    }
    assert {name: said[name] for name in expected} == expected
    assert f'"cameras":{len(COURT)}' in said["cedar_request"]
    assert FEATURE_OF[kind] in said["cedar_request"]
    assert asked_again(said) == replace(asked, since=result.searched_since, until=result.searched_until)


MISFITS = {
    "no plate": ({"plate": ""}, "known characters"),
    "wildcards, asked for as a whole plate": ({"plate": "7KD*", "kind": "exact"}, "search with wildcards"),
    "look-alikes of a part": ({"plate": "7KD*", "kind": "look_alike"}, "search with wildcards"),
    "a whole plate, asked for as a part": ({"plate": PLATE, "kind": "wildcard"}, "whole plate"),
    "a plate with a color": ({"plate": PLATE, "colors": ("red",)}, "takes no body or color"),
    "a vehicle with a plate": (VEHICLE | {"plate": PLATE}, "takes no plate"),
    "a vehicle without a look": (VEHICLE | {"bodies": ()}, "body or its color"),
    "a vehicle anywhere": (VEHICLE | {"camera_ids": ()}, "needs its cameras"),
    "a color in another alphabet": (VEHICLE | {"colors": ("w\u04bbite",)}, "white"),
    "a color in capitals": (VEHICLE | {"colors": ("WHITE",)}, "white"),
    "an unknown color": (VEHICLE | {"colors": ("unknown",)}, "white"),
    "a body twice": (VEHICLE | {"bodies": ("car", "car")}, "once"),
    "everything with a color": (WINDOW | {"colors": ("red",)}, "vehicle"),
    "everything with a plate": (WINDOW | {"plate": PLATE}, "takes no plate"),
    "everything everywhere": (WINDOW | {"camera_ids": ()}, "needs its cameras"),
    "10,000 cameras": ({"plate": PLATE, "camera_ids": tuple(f"c{n}" for n in range(10_000))}, "at most"),
    "a camera twice, to seem two": (WINDOW | {"camera_ids": COURT + COURT}, "twice"),
    "all cameras, as if one had that name": (VEHICLE | {"camera_ids": ("all",)}, "id in the charter"),
    "a camera with a star": (VEHICLE | {"camera_ids": ("*",)}, "id in the charter"),
    "a warrant of blanks": (WINDOW | {"warrant": " "}, "warrant's number"),
    "a warrant of an empty line": (WINDOW | {"warrant": "\n"}, "warrant's number"),
    "a warrant without end": (WINDOW | {"warrant": "W" * 101}, "warrant's number"),
    "no reads": ({"plate": PLATE, "limit": 0}, "at least one"),
    "fewer than none": ({"plate": PLATE, "limit": -1}, "at least one"),
    "more than a page": ({"plate": PLATE, "limit": MAX_READS_SHOWN + 1}, "at most"),
    "more than any page": ({"plate": PLATE, "limit": 1 << 62}, "at most"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_parts_that_do_not_fit_the_kind_are_refused_before_anything(wide, what):
    words, advice = MISFITS[what]
    token = wide.sign_in("m.okafor")
    with added(wide) as new, pytest.raises(UsageError, match=advice):
        wide.vault.gate.search(token, wide.request(**words))
    assert new == []


BEYOND = {
    "a vehicle for more than a week": (VEHICLE, timedelta(days=8), "short-window"),
    "everything for more than a day": (WINDOW, timedelta(hours=25), "short-window"),
    "a vehicle at too many cameras": (
        VEHICLE | {"camera_ids": tuple(f"c{n}" for n in range(21))},
        timedelta(hours=1),
        "cameras-chosen",
    ),
    "everything at too many cameras": (
        WINDOW | {"camera_ids": tuple(f"c{n}" for n in range(5))},
        timedelta(hours=1),
        "cameras-chosen",
    ),
    "everything without a warrant": (WINDOW | {"warrant": ""}, timedelta(hours=1), "warrant-given"),
}


@pytest.mark.parametrize("what", BEYOND)
def test_what_the_policy_bounds_is_refused_and_recorded_with_every_parameter(wide, what):
    words, span, rule = BEYOND[what]
    request = wide.request(**words, since=wide.now() - span)
    token = wide.sign_in("m.okafor")
    with added(wide) as new, pytest.raises(Refused) as refused:
        wide.vault.gate.search(token, request)
    assert rule in refused.value.rules
    assert new == ["refusal"]
    said = bodies(wide, "refusal")[-1][1]
    assert (said["kind"], said["camera_ids"], said["bodies"], said["warrant"]) == (
        request.kind,
        list(request.camera_ids),
        list(request.bodies),
        request.warrant,
    )


def test_a_search_without_a_plate_waits_for_the_second_person(wide):
    token = wide.sign_in("m.okafor")
    for words in (VEHICLE, WINDOW):
        with added(wide) as new, pytest.raises(ApprovalNeeded):
            wide.vault.gate.search(token, wide.request(**words))
        assert new == ["approval-asked"]


def test_an_approval_for_one_camera_is_none_for_another(wide):
    token, request = wide.sign_in("m.okafor"), wide.request(**WINDOW)
    with pytest.raises(ApprovalNeeded):
        wide.vault.gate.search(token, request)
    approve(wide)
    for cameras in (HARBOR, COURT + HARBOR):
        with pytest.raises(ApprovalNeeded):
            wide.vault.gate.search(token, replace(request, camera_ids=cameras))
    assert bodies(wide, "search") == []
    assert plates(wide.vault.gate.search(token, request)) == ["8ABC123", PLATE]


def test_all_kinds_count_against_the_limit_of_an_hour(wide):
    wide.vault.install_charter(wide.signed(wide.charter(searches_per_hour=len(KINDS))))
    for words in KINDS.values():
        search(wide, **words)
    for words in KINDS.values():
        with pytest.raises(Refused) as refused:
            wide.vault.gate.search(wide.sign_in("m.okafor"), wide.request(**words))
        assert "rate-limit" in refused.value.rules


def test_ones_own_searches_say_what_was_asked(wide):
    for words in KINDS.values():
        search(wide, **words)
    past = wide.vault.gate.my_searches(wide.sign_in("m.okafor"))
    assert [one.asked for one in reversed(past)] == [
        PLATE,
        "7KDR2I4 and look-alikes",
        "7KD*",
        "a car",
        "everything at court-16th",
    ]
    assert PLATE not in repr(past)


def test_a_camera_may_not_have_more_names_than_a_search_takes(wide):
    many = tuple(f"c{number}" for number in range(MAX_CAMERAS))
    assert search(wide, plate=PLATE, camera_ids=many).reads == ()


@given(
    kind=st.sampled_from(list(FEATURE_OF)),
    plate=st.sampled_from(["", PLATE, "7KD*"]) | st.text(max_size=20),
    bodies=st.lists(st.sampled_from(VEHICLE_BODIES) | st.text(max_size=5), max_size=3).map(tuple),
    colors=st.lists(st.sampled_from(VEHICLE_COLORS) | st.text(max_size=5), max_size=3).map(tuple),
    camera_ids=st.lists(st.sampled_from([*COURT, *HARBOR, "all"]) | st.text(max_size=5), max_size=3).map(
        tuple
    ),
    limit=st.integers(),
    warrant=st.text(max_size=5),
)
@settings(deadline=None, max_examples=500)
def test_whatever_is_asked_is_refused_in_words_or_asked_as_it_was_recorded(**words):
    request = SearchRequest(
        purpose="a", offense="b", case_number="c", since=START, until=START + timedelta(hours=1), **words
    )
    try:
        pattern = pattern_of(request)
    except UsageError:
        return
    assert (pattern is None) == (request.kind in ("vehicle", "camera_window"))
    assert pattern is None or pattern.has_wildcards == (request.kind == "wildcard")
    assert 1 <= request.limit <= MAX_READS_SHOWN
    fields = {**asked_fields(request, (request.since, request.until)), "declared_use": "own_case"}
    fields |= {"purpose": "a", "offense": "b", "case_number": "c", "on_behalf_of": None}
    recorded = json.loads(canonical_json(fields))
    assert asked_again(recorded) == request
    StoreQuery(
        pattern,
        request.since,
        request.until,
        request.camera_ids,
        nearness="look_alike" if request.kind == "look_alike" else "exact",
        bodies=request.bodies,
        colors=request.colors,
    )


def test_an_entry_from_before_the_kinds_is_told_as_the_plate_it_names():
    assert in_words({"plate": PLATE}) == PLATE
