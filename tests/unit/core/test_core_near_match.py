"""Near matches: what the read's own doubt allows, how it is told, and what keeps a million plates from flooding the eye."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import plate_read, some_crop
from tests.support.invariants import bodies, check_city, types

from glassplate import alert as alert_module
from glassplate import seal
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.near_match import match_in_words, near_kind
from glassplate.records import Alternative

SURE = 0.99


def doubting(city_or_none, text, doubts=None, alternatives=(), region="US-CA", at=None):
    at = at or city_or_none.now() - timedelta(minutes=1)
    confidences = [SURE] * len(text)
    for place, confidence in (doubts or {}).items():
        confidences[place] = confidence
    return replace(
        plate_read(text, "court-16th", at),
        character_confidences=tuple(confidences),
        alternatives=tuple(Alternative(*one) for one in alternatives),
        region=region,
        region_confidence=0.9,
    )


# a sentence: (text read, place -> confidence of doubtful characters, wanted plate, how it is near, what is said)
NEAR = {
    "a look-alike in doubt": ("8EEE123", {0: 0.8}, "BEEE123", "look_alike", "One character differs: 8 for B."),
    "a look-alike that is sure": ("8EEE123", {}, "BEEE123", None, None),
    "a look-alike, doubt elsewhere": ("8EEE123", {1: 0.1}, "BEEE123", None, None),
    "two look-alikes in doubt": (
        *("8EE5123", {0: 0.8, 3: 0.5}, "BEES123"),
        *("look_alike", "Two characters differ: 8 for B, 5 for S."),
    ),
    "two look-alikes, one of them sure": ("8EE5123", {0: 0.8}, "BEES123", None, None),
    "another character, likelier wrong": ("KEEE123", {0: 0.4}, "XEEE123", "one_edit", "One character differs: K for X."),
    "another character, likelier right": ("KEEE123", {0: 0.6}, "XEEE123", None, None),
    "another character and a look-alike": (
        *("K8EE123", {0: 0.4, 1: 0.8}, "XBEE123"),
        *("one_edit", "Two characters differ: K for X, 8 for B."),
    ),
    "two other characters": ("KKEE123", {0: 0.1, 1: 0.1}, "XXEE123", None, None),
    "one character too much, in doubt": ("7EEE1235", {7: 0.3}, "7EEE123", "one_edit", "One character more was read: 5."),
    "one character too much, sure": ("7EEE1235", {0: 0.3}, "7EEE123", None, None),
    "one too much in front": ("I7EEE123", {0: 0.3}, "7EEE123", "one_edit", "One character more was read: I."),
    "one missing beside a doubt": ("7EE123", {3: 0.3}, "7EEX123", "one_edit", "One character less was read: X is missing."),
    "one missing where all is sure": ("7EE123", {5: 0.3}, "7EEX123", None, None),
    "one missing at the end": ("7EEE12", {5: 0.3}, "7EEE123", "one_edit", "One character less was read: 3 is missing."),
    "O for 0 is no difference": ("OEEE12B", {6: 0.8}, "0EEE128", "look_alike", "One character differs: B for 8."),
}  # fmt: skip


def test_what_counts_as_near_and_how_it_is_told(city):
    for name, (text, doubts, plate, kind, said) in NEAR.items():
        assert near_kind(doubting(city, text, doubts), plate) == kind, name
        if kind:
            assert match_in_words(kind, text, plate) == said, name


def test_words_for_other_readings():
    assert match_in_words("exact", "8EEE123", "8EEE123") == ""
    assert match_in_words("alternative", "8EEE123", "BEEE123") == (
        "The list's plate is another reading that the recognizer named. One character differs: 8 for B."
    )
    assert match_in_words("alternative", "EE123", "BEEE123").endswith("It was read as EE123.")
    assert match_in_words("look_alike", "8EEE123", "") == "", "the entry was removed"


def arm(city, *plates, region="US-CA"):
    rows = [
        {
            "plate": p,
            "region": region,
            "category": "stolen_vehicle",
            "reason": "r",
            "expires_at": "2026-03-20",
        }
        for p in plates
    ]
    assert city.vault.alerts.import_hotlist(city.sign_in("administrator"), rows, "State list").armed == len(
        rows
    )


def batch(city, *reads):
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    sealer = open_bundle(city.vault.bundle(), bundle_key)
    sealed = [sealer.seal(read, some_crop()) for read in reads]
    return seal.BatchSigner("court-16th", city.camera_keys["court-16th"].private_key).sign(1, sealed)


def pass_by(city, *reads):
    assert city.vault.intake.accept(batch(city, *reads)).refused == ()
    return city.vault.alerts.waiting(city.sign_in("m.okafor"))


@pytest.fixture
def near_city(city):
    city.vault.install_charter(city.signed(city.charter(alert_on_near_match=True)))
    return city


def test_the_charter_decides(city):
    """A doubt, and an alternative that is the wanted plate: nothing, until the charter says so."""
    arm(city, "BEEE123")
    read = doubting(city, "8EEE123", {0: 0.6}, [("BEEE123", 0.4)])
    assert pass_by(city, read) == []
    city.vault.install_charter(city.signed(city.charter(alert_on_near_match=True)))
    assert [a.matched for a in pass_by(city, read)] == ["alternative"], "delivered again"


def test_a_near_match_never_sounds_and_says_why(near_city):
    arm(near_city, "BEEE123", "7XYZ111")
    raised = pass_by(near_city, doubting(near_city, "8EEE123", {0: 0.6}), doubting(near_city, "7XYZ111"))
    assert {a.matched: a.sounds for a in raised} == {"look_alike": False, "exact": True}
    near = next(a for a in raised if a.matched == "look_alike")
    token = near_city.sign_in("m.okafor")
    shown = near_city.vault.alerts.show(token, near.alert_id)
    assert shown.difference == "One character differs: 8 for B."
    stored = str(near_city.vault.registry._all("select * from alert"))
    recorded = str([body for _, body in bodies(near_city, "alert")])
    assert "8EEE123" not in stored + recorded, "the read dies with its day"
    check_city(near_city)
    near_city.pass_days(30)
    assert near_city.vault.alerts.show(near_city.sign_in("m.okafor"), near.alert_id).difference == ""


# a sentence: (region of the read, of the entry, doubtful character's confidence, plate read, how it is raised)
REGIONS = {
    "a look-alike of the same state": ("US-CA", "US-CA", "8EEE111", "look_alike"),
    "a look-alike of another state": ("US-NV", "US-CA", "8EEE111", None),
    "a look-alike of an unknown state waits like any other": ("unknown", "US-CA", "8EEE111", "look_alike"),
    "one edit of the same state": ("US-CA", "US-CA", "KEEE111", "one_edit"),
    "one edit of an unknown state is one doubt too many": ("unknown", "US-CA", "KEEE111", None),
}


def test_regions(near_city):
    for number, (name, (region, wanted, text, kind)) in enumerate(REGIONS.items()):
        plate = f"BEEE1{number}1" if text[0] == "8" else f"XEEE1{number}1"
        arm(near_city, plate, region=wanted)
        before = {a.alert_id for a in near_city.vault.registry.alerts()}
        raised = pass_by(near_city, doubting(near_city, text[0] + plate[1:], {0: 0.3}, region=region))
        assert [a.matched for a in raised if a.alert_id not in before] == ([kind] if kind else []), name


def test_an_alternative_with_nothing_behind_it_is_noise(near_city):
    arm(near_city, "BEEE123")
    assert pass_by(near_city, doubting(near_city, "KEEE123", {}, [("BEEE123", 0.05)])) == []
    assert len(pass_by(near_city, doubting(near_city, "KEEE124", {}, [("BEEE123", 0.2)]))) == 1


def test_one_alert_for_one_entry_by_its_surest_kind(near_city):
    arm(near_city, "BEEE123")
    both = doubting(near_city, "8EEE123", {0: 0.6}, [("BEEE123", 0.4), ("8EEE128", 0.4)])
    assert [a.matched for a in pass_by(near_city, both)] == ["alternative"]


def test_an_entry_that_has_ended_is_not_near_either(near_city):
    arm(near_city, "BEEE123")
    near_city.pass_days(19)
    assert pass_by(near_city, doubting(near_city, "8EEE123", {0: 0.6})) == []


def test_the_eye_is_not_flooded(near_city, monkeypatch):
    """A stolen camera, or a bad one, doubts everything: so many an hour, then it is recorded once and counted."""
    monkeypatch.setattr(alert_module, "MAX_NEAR_ALERTS_AN_HOUR", 3)
    arm(near_city, *(f"BEEE1{n:02}" for n in range(10)), "7XYZ111")
    flood = [doubting(near_city, f"8EEE1{n:02}", {0: 0.3}) for n in range(10)]
    raised = pass_by(near_city, *flood, doubting(near_city, "7XYZ111"))
    assert sorted(a.matched for a in raised) == ["exact", "look_alike", "look_alike", "look_alike"]
    assert types(near_city).count("near-matches-held-back") == 1
    assert pass_by(near_city, *flood) == raised, "delivered again: the same three"
    assert types(near_city).count("near-matches-held-back") == 1
    near_city.clock.advance(timedelta(hours=1, minutes=1))
    assert len(pass_by(near_city, doubting(near_city, "8EEE105", {0: 0.3}))) == 5
    assert near_city.vault.registry.totals()["hours with near matches held back"] == 1
    check_city(near_city)
