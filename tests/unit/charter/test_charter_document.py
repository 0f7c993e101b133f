"""The charter's reader and writer: the same bytes back, and a refusal in words for everything else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from charter_testing import CHARTER, DAY, NOW, OPEN_CHARTER, auditor_key, camera_key, make_charter
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.charter import Charter, CharterWitness, explain_difference
from glassplate.charter.vocabulary import FEATURES
from glassplate.encoding import base64url, canonical_json
from glassplate.errors import InputRefused


def plain():
    return CHARTER.to_plain()


def changed(path, value):
    """The charter's JSON with one value replaced; ``path`` is a list of keys and positions."""
    result = plain()
    place = result
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return result


@pytest.mark.parametrize("charter", [CHARTER, OPEN_CHARTER, make_charter(cameras=(), recognizers=())])
def test_reading_and_writing_gives_the_same_charter_and_the_same_bytes(charter):
    again = Charter.from_json(charter.to_json())
    assert again == charter
    assert again.to_json() == charter.to_json()


def test_a_pretty_printed_draft_is_the_same_charter():
    assert Charter.from_json(json.dumps(plain(), indent=4)) == CHARTER


def test_a_field_that_may_be_ignored_is_kept():
    draft = plain() | {"x-note": {"b": [1, "zwei"], "a": None}}
    charter = Charter.from_plain(draft)
    assert charter.to_plain() == draft
    assert Charter.from_json(charter.to_json()) == charter


REFUSED = {
    "an unknown field may be a limit that we would not keep": (plain() | {"speed_limit": 1}, "unknown field"),
    "an unknown field inside a list": (
        changed(["cameras", 0, "zoom"], 1),
        "cameras[0] has the unknown field",
    ),
    "an ignorable field inside a list is not ignorable": (changed(["cameras", 0, "x-a"], 1), "unknown field"),
    "a missing field": ({k: v for k, v in plain().items() if k != "mark"}, "lacks the field 'mark'"),
    "not an object": ([], "must be an object"),
    "a mark of another kind": (changed(["mark"], "beta"), "one of demo, trial, production"),
    "true is not one": (changed(["version"], True), "whole number"),
    "one is not true": (changed(["alert_on_unknown_region"], 1), "true or false"),
    "an embargo that never ends": (changed(["disclosure_embargo_days"], 1099), "from 0 to 1098"),
    "an approval that ends at once": (changed(["approval_hours"], 0), "from 1 to 168"),
    "an approval for longer than a week": (changed(["approval_hours"], 169), "from 1 to 168"),
    "a build that is no hash": (changed(["builds"], ["A" * 64]), "not a valid name"),
    "a build twice": (changed(["builds"], ["a" * 64] * 2), "twice"),
    "too many builds": (changed(["builds"], [f"{n:064x}" for n in range(21)]), "20"),
    "version zero": (changed(["version"], 0), "from 1"),
    "a number with a fraction": (changed(["retention_minutes"], 4320.0), "whole number"),
    "a fraction in an ignorable field": (plain() | {"x-a": [{"b": 0.5}]}, "whole numbers only"),
    "retention below three minutes": (changed(["retention_minutes"], 2), "from 3"),
    "retention above three years": (changed(["retention_minutes"], 3 * 366 * 1440 + 1), "from 3"),
    "an epoch longer than the retention": (changed(["retention_minutes"], 1439), "longer than the retention"),
    "floor and epoch together exceed the limit": (
        changed(["retention_floor_minutes"], 29 * 1440 + 1),
        "exceeds the limit",
    ),
    "an epoch longer than a day": (changed(["epoch_minutes"], 1441), "from 1 to 1440"),
    "an end that is the start": (changed(["expires_at"], plain()["not_before"]), "not after its start"),
    "a time without its zone": (changed(["expires_at"], "2027-01-01T00:00:00"), "must be a UTC time"),
    "a time of day that is none": (changed(["expires_at"], "2027-01-01T25:00:00Z"), "must be a UTC time"),
    "a time with short digits": (changed(["expires_at"], "2027-1-01T00:00:00Z"), "must be a UTC time"),
    "a feature that ends before it starts": (
        changed(["features", 0, "expires_at"], "2020-01-01T00:00:00Z"),
        "The feature plate_search ends",
    ),
    "a feature that nobody knows": (changed(["features", 0, "name"], "face_search"), "unknown feature"),
    "one feature twice": (changed(["features", 1, "name"], "plate_search"), "the same name"),
    "one auditor key": (changed(["auditor_keys"], plain()["auditor_keys"][:1]), "must hold 2"),
    "the same auditor key twice": (
        changed(["auditor_keys", 1, "hpke_public_key"], auditor_key(5)),
        "the same key",
    ),
    "an auditor key off the curve": (
        changed(["auditor_keys", 0, "hpke_public_key"], base64url(b"\x04" + b"\x01" * 64)),
        "auditor-1 is not an uncompressed P-256 point",
    ),
    "a camera key of the wrong length": (
        changed(["cameras", 0, "public_key"], base64url(b"\x01" * 31)),
        "camera north-gate",
    ),
    "two cameras with one key": (changed(["cameras", 1, "public_key"], camera_key(1)), "Two cameras"),
    "a camera id that is a path": (changed(["cameras", 0, "id"], "../x"), "not of the form"),
    "a name over two lines": (changed(["cameras", 0, "name"], "North\nGate"), "printable"),
    "a name with a space before it": (changed(["city"], " Invented"), "printable"),
    "an empty name": (changed(["city"], ""), "printable"),
    "an offense for a purpose that is not there": (
        changed(["offenses", 0, "purposes"], ["immigration"]),
        "unknown purpose 'immigration'",
    ),
    "an offense for no purpose": (changed(["offenses", 0, "purposes"], []), "must hold 1"),
    "a purpose named twice in one offense": (
        changed(["offenses", 0, "purposes"], ["missing_person", "missing_person"]),
        "something twice",
    ),
    "a declared use left out": (
        changed(["declared_uses"], [u for u in plain()["declared_uses"] if u["id"] != "protest_activity"]),
        "does not say whether the declared use 'protest_activity'",
    ),
    "a declared use of our own": (changed(["declared_uses", 2, "id"], "other"), "unknown declared use"),
    "a private reason allowed": (changed(["declared_uses", 8, "prohibited"], False), "'personal' must be"),
    "own cases prohibited": (changed(["declared_uses", 0, "prohibited"], True), "cannot be prohibited"),
    "a hot-list category that nobody knows": (
        changed(["hotlist_categories"], ["ex_partner"]),
        "unknown hot-list",
    ),
    "a grant to ourselves": (
        changed(["grants"], [{**OPEN_CHARTER.to_plain()["grants"][0], "agency_id": "invented-pd"}]),
        "own agency",
    ),
    "a grant that outlives the charter": (
        changed(["grants"], [{**OPEN_CHARTER.to_plain()["grants"][0], "expires_at": "2099-01-01T00:00:00Z"}]),
        "outlives the charter",
    ),
    "a grant for a purpose that is not there": (
        changed(["grants"], [{**OPEN_CHARTER.to_plain()["grants"][0], "purposes": ["immigration"]}]),
        "unknown purpose",
    ),
    "two grants to one agency": (
        changed(["grants"], OPEN_CHARTER.to_plain()["grants"][:1] * 2),
        "same agency_id",
    ),
    "a case number example that does not match": (changed(["case_number_example"], "26-1"), "does not match"),
    "no searches at all": (changed(["searches_per_hour"], 0), "from 1"),
    "a hash of another form": (changed(["policy", "base_sha256"], "A" * 64), "not of the form"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(value, message):
    with pytest.raises(InputRefused) as caught:
        Charter.from_plain(value)
    assert message in str(caught.value)


def test_grants_beside_a_prohibition_of_answering_others_are_refused():
    uses = tuple(
        replace(use, prohibited=True) if use.id == "other_agency" else use
        for use in OPEN_CHARTER.declared_uses
    )
    with pytest.raises(InputRefused, match="Decide which"):
        Charter.from_json(replace(OPEN_CHARTER, declared_uses=uses).to_json())


def test_a_key_twice_is_refused_although_the_last_value_is_right():
    text = CHARTER.to_json()
    forged = text.replace('"mark":"production"', '"mark":"demo","mark":"production"')
    assert json.loads(forged) == json.loads(text)
    with pytest.raises(InputRefused, match="twice"):
        Charter.from_json(forged)


def test_a_huge_document_is_refused_before_it_is_parsed():
    with pytest.raises(InputRefused, match="at most"):
        Charter.from_json(b"[" * 2_000_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(name=st.sampled_from(sorted(plain())), value=JSON)
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_field_is_read_back_identically_or_refused(name, value):
    draft = plain() | {name: value}
    try:
        charter = Charter.from_plain(draft)
    except InputRefused:
        return
    assert canonical_json(charter.to_plain()) == canonical_json(draft)


@given(data=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(data):
    with pytest.raises(InputRefused):
        Charter.from_json(data)


@given(position=st.integers(0, len(CHARTER.to_json()) - 1), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_is_another_charter_or_none(position, byte):
    raw = bytearray(CHARTER.to_json().encode())
    is_changed = raw[position] != byte
    raw[position] = byte
    try:
        charter = Charter.from_json(bytes(raw))
    except InputRefused:
        return
    assert (charter != CHARTER) == is_changed


# --- in plain words ---------------------------------------------------------------------------------------------


def test_the_explanation_names_what_people_sign_for():
    words = "\n".join(OPEN_CHARTER.explain())
    for part in (
        "Charter version 1 of Invented City",
        "No read is older than 30 days",
        "ends on 2027-11-15 12:00 UTC",
        "North Gate (north-gate",
        "Prohibited: for immigration enforcement",
        "Sharing: neighbor-pd, for missing_person and violent_crime, from 2026-11-23 to 2026-11-27",
        "revoked-pd, for missing_person, revoked",
        "30 times an hour",
        "26-004512",
    ):
        assert part in words
    assert "Sharing is closed" in "\n".join(CHARTER.explain())


def test_every_field_that_changes_is_explained():
    """A charter in which one top-level field differs never says that nothing differs."""
    others = {
        "version": 2,
        "mark": "trial",
        "city": "Other City",
        "agency": replace(CHARTER.agency, name="Other"),
        "not_before": NOW - 9 * DAY,
        "expires_at": NOW + 9 * DAY,
        "retention_minutes": 1440,
        "retention_floor_minutes": 60,
        "epoch_minutes": 60,
        "publication_interval_seconds": 61,
        "answer_level": "L2",
        "witnesses": (CharterWitness("w.example.org+00000000+AAAA", "https://w.example.org"),),
        "witness_quorum": 1,
        "origin": "example.org/other",
        "log_vkey": "other",
        "bundle_vkey": "other",
        "auditor_keys": (replace(CHARTER.auditor_keys[0], hpke_public_key=auditor_key(9)),),
        "recognizers": (),
        "cameras": (replace(CHARTER.cameras[0], public_key=camera_key(3)), CHARTER.cameras[1]),
        "purposes": (*CHARTER.purposes[:-1], replace(CHARTER.purposes[-1], clause="another clause")),
        "offenses": CHARTER.offenses[1:],
        "declared_uses": tuple(replace(use, prohibited=False) for use in CHARTER.declared_uses),
        "case_number_pattern": "[0-9]{8}",
        "case_number_example": "26-004513",
        "features": OPEN_CHARTER.features,
        "hotlist_categories": (),
        "alert_on_unknown_region": True,
        "alert_on_near_match": True,
        "disclosure_embargo_days": 181,
        "grants": OPEN_CHARTER.grants,
        "searches_per_hour": 31,
        "max_search_days": 1,
        "approval_hours": 1,
        "builds": ("a" * 64,),
        "policy": replace(CHARTER.policy, overlay_sha256="0" * 64),
        "extensions": (("x-note", "1"),),
    }
    assert set(others) == set(Charter.__dataclass_fields__)
    assert explain_difference(CHARTER, CHARTER) == ["Nothing differs."]
    for name, value in others.items():
        assert explain_difference(CHARTER, replace(CHARTER, **{name: value})) != ["Nothing differs."], name


def test_a_difference_says_what_was_and_what_will_be():
    said = explain_difference(CHARTER, replace(CHARTER, searches_per_hour=90))
    assert said == [
        "No longer: One person may search 30 times an hour.",
        "New: One person may search 90 times an hour.",
    ]


def test_an_unusual_permission_is_shouted():
    uses = tuple(replace(use, prohibited=use.id == "personal") for use in CHARTER.declared_uses)
    said = "\n".join(replace(CHARTER, declared_uses=uses).explain())
    assert "ALLOWED, though most charters prohibit it: for immigration enforcement" in said


def test_the_summary_says_the_same_in_plain_data():
    summary = OPEN_CHARTER.summary((("clerk", "SHA256:AAAA"),))
    assert summary.signed_by == (("clerk", "SHA256:AAAA"),)
    assert summary.agency == "Invented City Police"
    assert dict(summary.features) == dict.fromkeys(FEATURES, True)
    assert summary.grants[1] == "revoked-pd, for missing_person, revoked"
    assert summary.policy_sha256 == OPEN_CHARTER.policy.sha256
    assert ("immigration_enforcement", "for immigration enforcement", True) in summary.declared_uses


def test_the_sample_searches_nothing_for_immigration_and_shares_nothing():
    assert not any("immigra" in f"{p.id} {p.label}".lower() for p in CHARTER.purposes)
    assert CHARTER.grants == ()
    approved = {feature.name for feature in CHARTER.features if feature.approved}
    assert approved.isdisjoint({"sharing", "vehicle_search", "camera_window_search"})
