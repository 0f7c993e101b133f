"""Hot lists and alerts: what is armed, what sounds, who may decide, and what is left when the read has died."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import plate_read, some_crop
from tests.support.failing_files import FailingFiles, journal
from tests.support.invariants import added, bodies, check_city, public

from glassplate import seal
from glassplate.alert import DISPOSITIONS, _region_matches
from glassplate.errors import LogUnavailable, Refused, UsageError
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.records import HotlistEntry

PLATE = "7KDR214"


def row(plate=PLATE, **changes):
    lawful = {
        "plate": plate,
        "region": "US-CA",
        "category": "stolen_vehicle",
        "reason": "reported stolen",
        "expires_at": "2026-03-20",
    }
    return {**lawful, **changes}


def arm(city, *rows):
    return city.vault.alerts.import_hotlist(city.sign_in("administrator"), list(rows), "State list")


def batch_of(city, plate=PLATE, region="US-CA", sure=0.9):
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    sealer = open_bundle(city.vault.bundle(), bundle_key)
    read = plate_read(plate, "court-16th", city.now() - timedelta(minutes=1))
    sealed = sealer.seal(replace(read, region=region, region_confidence=sure), some_crop())
    return seal.BatchSigner("court-16th", city.camera_keys["court-16th"].private_key).sign(1, [sealed])


def pass_by(city, plate=PLATE, region="US-CA", sure=0.9):
    return city.vault.intake.accept(batch_of(city, plate, region, sure))


def alerts(city, account="m.okafor"):
    return city.vault.alerts.waiting(city.sign_in(account))


# a sentence: (the list's row, the read's plate and region, whether the regions match; "silent" is no alert at all)
MATCHES = {
    "same plate, same state": (row("7AAA111"), ("7AAA111", "US-CA"), True),
    "same plate, another state": (row("7BBB111"), ("7BBB111", "US-NV"), "silent"),
    "the read's state is unknown": (row("7CCC111"), ("7CCC111", "unknown"), None),
    "the entry's state is unknown": (row("7DDD111", region=""), ("7DDD111", "US-CA"), None),
    "O for 0 and I for 1, which plates use as one": (row("7OI4567"), ("7014567", "US-CA"), True),
    "a look-alike is no match": (row("8EEE123"), ("BEEE123", "US-CA"), "silent"),
    "another plate": (row("7FFF111"), ("7FFF112", "US-CA"), "silent"),
    "written with spaces and in lower case": (row(" 7ggg-111 "), ("7GGG111", "US-CA"), True),
    "the state in small letters": (row("7HHH111", region="us-ca"), ("7HHH111", "US-CA"), True),
    "the entry names the country": (row("7LMM111", region="US"), ("7LMM111", "US-CA"), True),
    "the read names the country only": (row("7LNN111"), ("7LNN111", "US"), None),
    "the same state, seen just surely enough": (row("7LQQ111"), ("7LQQ111", "US-CA", 0.875), True),
    "the same state, not certain: no match": (row("7LRR111"), ("7LRR111", "US-CA", 0.87), None),
    "another state, not certain: no silence either": (row("7LSS111"), ("7LSS111", "US-NV", 0.87), None),
    "another state without any confidence": (row("7LTT111"), ("7LTT111", "US-NV", 0.0), None),
    "a code that is in no table": (row("7LUU111"), ("7LUU111", "US-ZZ"), None),
    "another country": (row("7LPP111"), ("7LPP111", "DE"), "silent"),
    "an entry that has ended": (
        row("7JJJ111", expires_at="2026-03-02T09:00:01"),
        ("7JJJ111", "US-CA"),
        "silent",
    ),
    "an entry that ends in a second": (
        row("7KKK111", expires_at="2026-03-02T09:00:02"),
        ("7KKK111", "US-CA"),
        True,
    ),
    "an end written in another zone": (
        row("7LLL111", expires_at="2026-03-02T10:00:01+01:00"),
        ("7LLL111", "US-CA"),
        "silent",
    ),
}


def test_what_sounds(city):
    for entry, _read, _expected in MATCHES.values():
        assert arm(city, entry).armed == 1
    city.clock.advance(timedelta(seconds=1))
    for name, (_entry, read, expected) in MATCHES.items():
        before = {alert.alert_id for alert in alerts(city)}
        with added(city) as new:
            assert len(pass_by(city, *read).accepted) == 1
        raised = [a for a in alerts(city) if a.alert_id not in before]
        assert new == ([] if expected == "silent" else ["alert"]), name
        assert [a.region_matches for a in raised] == ([] if expected == "silent" else [expected]), name
    check_city(city)


def test_an_unknown_state_is_silent_unless_the_charter_says_otherwise(city):
    city.vault.install_charter(city.signed(city.charter(alert_on_unknown_region=False)))
    arm(city, row(), row("8ABC123", region=""))
    pass_by(city, PLATE, "unknown")
    pass_by(city, "8ABC123", "US-CA")
    pass_by(city, PLATE, "US-CA", sure=0.5)
    pass_by(city, PLATE, "US-NV", sure=0.5)
    assert alerts(city) == []
    pass_by(city, PLATE, "US-CA")
    assert len(alerts(city)) == 1


# rows that were stored before codes were checked: (the entry's region, the read's, whether they match)
OLD_ROWS = {
    "small letters": ("us-ca", "US-CA", True),
    "small letters, another state": ("us-nv", "US-CA", False),
    "spaces around it": (" US-CA ", "US-CA", True),
    "a state's name": ("California", "US-CA", None),
    "a state's letters that are a country's too": ("MD", "US-MD", None),
    "a country's letters that are a state's too": ("DE", "DE", None),
    "no code": ("??", "US-CA", None),
    "nothing": ("", "US-CA", None),
}


@pytest.mark.parametrize(("wanted", "seen", "matches"), OLD_ROWS.values(), ids=OLD_ROWS)
def test_a_row_from_before_is_compared_in_its_normal_form(city, wanted, seen, matches):
    entry = HotlistEntry("1", "7kdr 214", wanted, "stolen_vehicle", "us", "why", city.now())
    read = replace(plate_read(PLATE, "court-16th", city.now()), region=seen, region_confidence=0.9)
    assert _region_matches(entry, read) is matches


# a sentence: (row, reason counted or None, armed or not)
ROWS = {
    "an armed category": (row("7AAA111"), None, True),
    "a category the charter does not arm": (
        row("7AAA112", category="gang"),
        "category not allowed by the charter",
        False,
    ),
    "immigration records": (
        row("7AAA113", category="immigration_violator"),
        "category not allowed by the charter",
        False,
    ),
    "no category": (row("7AAA114", category=""), "category not allowed by the charter", False),
    "a wildcard": (row("7AAA1*"), "plate too short, too long or with a wildcard", False),
    "another system's wildcard": (row("7AAA1%5"), "plate too short, too long or with a wildcard", False),
    "a question mark": (row("7AAA11?"), "plate too short, too long or with a wildcard", False),
    "four characters": (row("7AA1"), "plate too short, too long or with a wildcard", False),
    "eleven characters": (row("7AAA1234567"), "plate too short, too long or with a wildcard", False),
    "a letter no plate has, whose loss would make another plate": (
        row("Ä7AAA115"),
        "plate too short, too long or with a wildcard",
        False,
    ),
    "full-width digits, whose loss would make another plate": (
        row("７KDRA214"),
        "plate too short, too long or with a wildcard",
        False,
    ),
    "no reason": (row("7AAA116", reason="  "), "no reason", False),
    "no end": (row("7AAA117", expires_at=""), "no end date, or already ended", False),
    "an end that is no date": (row("7AAA118", expires_at="soon"), "no end date, or already ended", False),
    "an end in the past": (row("7AAA119", expires_at="2026-03-01"), "no end date, or already ended", False),
    "the last moment of the calendar": (
        row("7AAA120", expires_at="9999-12-31T23:59:59-12:00"),
        "no end date, or already ended",
        False,
    ),
    "the first moment of the calendar": (
        row("7AAA121", expires_at="0001-01-01T00:00:00+12:00"),
        "no end date, or already ended",
        False,
    ),
    "a column about a person": (
        row("7AAA122", owner="somebody"),
        "columns about persons or unknown columns removed",
        True,
    ),
    "a state's letters alone, which are a country's too": (
        row("7AAA124", region="CA"),
        "region is no clear code, such as US-CA or FR",
        False,
    ),
    "a country's letters, which are a state's too": (
        row("7AAA125", region="MD"),
        "region is no clear code, such as US-CA or FR",
        False,
    ),
    "an empty column about a person": (row("7AAA123", owner=" "), None, True),
}


def test_each_row(city):
    armed = 0
    for name, (entry, reason, is_armed) in ROWS.items():
        before = city.vault.registry.totals().get(f"hotlist dropped:{reason}", 0)
        with added(city) as new:
            imported = arm(city, entry)
        armed += is_armed
        assert new == ["sign-in", "hotlist-imported"], name
        assert imported.armed == int(is_armed), name
        assert imported.dropped == ({reason: 1} if reason else {}), name
        assert len(city.vault.registry.hotlist(city.now())) == armed, name
        if reason:
            assert city.vault.registry.totals()[f"hotlist dropped:{reason}"] == before + 1, name
    assert "somebody" not in str(bodies(city, "hotlist-imported"))


def test_a_mixed_file_is_counted_and_the_same_row_is_armed_once(city):
    imported = arm(city, *(entry for entry, _, _ in ROWS.values()), row("7AAA111"))
    expected = {}
    for _, reason, _ in ROWS.values():
        if reason:
            expected[reason] = expected.get(reason, 0) + 1
    assert imported.dropped == expected
    armed = city.vault.alerts.hotlist(city.sign_in("r.alvarez")).entries
    assert {entry.plate for entry in armed} == {"7AAA111", "7AAA122", "7AAA123"}
    assert public(city, "hotlist-imported")[0].keys() == {"type", "time", "agency", "armed", "dropped"}
    check_city(city)


def test_who_may_not_load_a_list(city):
    for account in ("m.okafor", "j.doe", "clerk"):
        token = city.sign_in(account)
        with pytest.raises(Refused) as refusal:
            city.vault.alerts.import_hotlist(token, [row()], "me")
        assert refusal.value.rules == ("role-permits",), account


def test_who_may_not_see_alerts(city):
    arm(city, row())
    pass_by(city)
    alert_id = alerts(city)[0].alert_id
    acts = (
        city.vault.alerts.waiting,
        lambda token: city.vault.alerts.show(token, alert_id),
        lambda token: decide(city, token, alert_id),
    )
    for account in ("j.doe", "clerk", "administrator"):
        token = city.sign_in(account)
        for act in acts:
            with added(city) as new, pytest.raises(Refused) as refusal:
                act(token)
            assert refusal.value.rules == ("role-permits",), account
            assert new == ["refusal"]


def decide(city, token, alert_id, *, confirmed=True, disposition="vehicle_located", note="seen"):
    return city.vault.alerts.decide(token, alert_id, confirmed=confirmed, disposition=disposition, note=note)


def test_the_walk_of_an_alert(city):
    arm(city, row())
    pass_by(city)
    token, colleague = city.sign_in("m.okafor"), city.sign_in("r.alvarez")
    alert = alerts(city)[0]
    assert (alert.state, alert.entry.plate, alert.camera_name) == (
        "waiting",
        PLATE,
        "Court Street at 16th Street",
    )

    with added(city) as new, pytest.raises(Refused) as refusal:
        decide(city, token, alert.alert_id)
    assert (refusal.value.rules, new) == (("eyes-first",), ["refusal"])

    with added(city) as new:
        shown = city.vault.alerts.show(token, alert.alert_id)
    assert new == ["alert-shown"]
    assert shown.found.read.text == PLATE
    assert shown.found.crop_jpeg[:3] == b"\xff\xd8\xff"

    with pytest.raises(Refused) as refusal:  # somebody else's eyes do not count
        decide(city, colleague, alert.alert_id)
    assert refusal.value.rules == ("eyes-first",)
    for unknown in ("", "shot_out_the_tires", "STOP_MADE"):
        with added(city) as new, pytest.raises(UsageError):
            decide(city, token, alert.alert_id, disposition=unknown)
        assert new == []

    with added(city) as new:
        decide(city, token, alert.alert_id, confirmed=False, disposition="wrong_plate", note="a 7, not a 1")
    assert new == ["disposition"]
    decided = alerts(city)[0]
    assert (decided.state, decided.disposition) == ("dismissed", "wrong_plate")
    city.vault.alerts.show(colleague, alert.alert_id)
    for again in (token, colleague):
        with added(city) as new, pytest.raises(Refused) as refusal:
            decide(city, again, alert.alert_id)
        assert (refusal.value.rules, new) == (("alert-open",), ["refusal"])
    assert alerts(city)[0].disposition == "wrong_plate"
    check_city(city)


def test_each_disposition(city):
    token = city.sign_in("m.okafor")
    for number, disposition in enumerate(DISPOSITIONS):
        arm(city, row(f"7AAA11{number}"))
        pass_by(city, f"7AAA11{number}")
        alert_id = next(alert.alert_id for alert in alerts(city) if alert.state == "waiting")
        city.vault.alerts.show(token, alert_id)
        decide(city, token, alert_id, disposition=disposition)
        said = bodies(city, "disposition")[-1][1]
        assert said["proposes_hold"] == (disposition in ("stop_made", "arrest"))
        assert next(a.disposition for a in alerts(city) if a.alert_id == alert_id) == disposition


def test_two_who_decide_at_the_same_time(city):
    arm(city, row())
    pass_by(city)
    alert_id = alerts(city)[0].alert_id
    tokens = [city.sign_in(account) for account in ("m.okafor", "r.alvarez")] * 4
    for token in tokens[:2]:
        city.vault.alerts.show(token, alert_id)
    outcomes, start = [], threading.Barrier(len(tokens))

    def decide_once(token):
        start.wait()
        try:
            decide(city, token, alert_id)
            outcomes.append("decided")
        except Refused as refusal:
            outcomes.extend(refusal.rules)

    threads = [threading.Thread(target=decide_once, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["alert-open"] * 7 + ["decided"]
    assert len(bodies(city, "disposition")) == 1


def test_a_batch_that_comes_twice_raises_one_alert(city):
    arm(city, row())
    batch = batch_of(city)
    first, second = city.vault.intake.accept(batch), city.vault.intake.accept(batch)
    assert (len(first.accepted), len(second.duplicate)) == (1, 1)
    assert len(alerts(city)) == 1
    assert len(bodies(city, "alert")) == 1
    check_city(city)


def test_an_alert_is_not_lost_when_the_log_fails_after_the_read_was_stored(closed_city):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    arm(city, row())
    batch = batch_of(city)
    files.fails = journal
    with pytest.raises(LogUnavailable):
        city.vault.intake.accept(batch)
    files.heal()
    assert city.vault.intake.accept(batch).duplicate
    assert len(alerts(city)) == 1
    check_city(city)
    city.close()


def test_an_entry_that_is_armed_later_does_not_reach_back(city):
    pass_by(city)
    arm(city, row())
    assert alerts(city) == []


def test_after_the_epoch_has_died_only_ids_are_left(city):
    arm(city, row(expires_at="2026-12-01"))
    pass_by(city)
    alert_id = alerts(city)[0].alert_id
    said = bodies(city, "alert")[0][1]
    assert said.keys() == {
        *("at", "alert_id", "read_id", "epoch_id", "entry_id"),
        *("region_matches", "matched", "category", "asked_by", "operation"),
    }
    assert PLATE not in str(said)
    assert "court-16th" not in str(said)
    city.pass_days(30)
    token = city.sign_in("m.okafor")
    shown = city.vault.alerts.show(token, alert_id)
    assert shown.found is None
    assert shown.alert.entry.plate == PLATE, "the list's own words, not the read's"
    stored = city.vault.registry._all("select * from alert")[0]
    assert PLATE not in str(stored)
    assert "court-16th" not in str(stored), "the place dies with the read"
    decide(city, token, alert_id, confirmed=False, disposition="no_action")
    check_city(city)


def test_an_unknown_alert(city):
    with pytest.raises(UsageError):
        city.vault.alerts.show(city.sign_in("m.okafor"), "0" * 16)
