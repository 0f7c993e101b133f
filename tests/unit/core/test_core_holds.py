"""Holds: kept past the day's death, under a key of their own, for one case, and dead at their end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.approvals import AUDITOR, SUPERVISOR, approve
from tests.support.city import START, plate_read, some_crop
from tests.support.failing_files import HOW, FailingFiles
from tests.support.invariants import added, bodies, check_city, public

from glassplate import seal
from glassplate.errors import (
    ApprovalNeeded,
    GlassplateError,
    KeyDestroyed,
    KeyUnavailable,
    NotSignedIn,
    ProofFailed,
    Refused,
    StorageFailed,
    UsageError,
)
from glassplate.records import HoldRequest, KeptRead

PLATE, CASE = "7KDR214", "26-004512"


@pytest.fixture
def city(brief_closed_city):
    """Reads live two days here."""
    brief_closed_city.open()
    yield brief_closed_city
    brief_closed_city.close()


@pytest.fixture
def shown(city):
    """(token, request of a hold of what one's own search showed)."""
    city.ingest(PLATE, "8ABC123")
    token = city.sign_in("m.okafor")
    result = city.vault.gate.search(token, city.request(PLATE))
    return token, HoldRequest(
        case_number=CASE,
        authority="District attorney, letter of 2 March 2026",
        reason="evidence of the theft",
        until=city.now() + timedelta(days=30),
        read_ids=tuple(found.read.read_id for found in result.reads),
        search_index=result.receipt.entry_index,
    )


def placed(city, token, request, account_id="m.okafor"):
    approve(city, "hold", account_id, request, SUPERVISOR)
    return city.vault.holds.place(token, request)


def test_a_held_read_outlives_its_day_and_dies_with_its_hold(city, shown):
    token, request = shown
    approve(city, "hold", "m.okafor", request, SUPERVISOR)
    with added(city) as new:
        done = city.vault.holds.place(token, request)
    assert new == ["hold", "hold-outcome"]
    assert (done.hold.state, done.hold.reads, done.missing) == ("held", 1, ())
    assert public(city, "hold-outcome")[0]["reads"] == "1"
    check_city(city)

    city.pass_days(3)
    token = city.sign_in("m.okafor")
    assert city.vault.gate.search(token, city.request(PLATE)).reads == (), "no search finds a held read"
    with added(city) as new:
        opened = city.vault.holds.open(token, done.hold.hold_id, CASE)
    assert new == ["hold-opened"]
    assert [kept.read.text for kept in opened.reads] == [PLATE]
    assert opened.reads[0].crop_jpeg == some_crop().jpeg
    city.reopen()
    check_city(city)

    city.pass_days(28)
    token = city.sign_in("m.okafor")
    with pytest.raises(KeyDestroyed, match="ended on 2026-04-01"):
        city.vault.holds.open(token, done.hold.hold_id, CASE)
    assert list((city.folder.vault / "holds").iterdir()) == []
    with pytest.raises(KeyDestroyed):
        city.vault.keyring.secret(done.hold.hold_id)
    assert [half["hold"] for half in public(city, "hold-ended")] == [done.hold.hold_id]
    assert city.vault.holds.of_case(token, CASE)[0].state == "ended"
    check_city(city)


def test_only_the_case_finds_it_and_the_attempt_is_recorded(city, shown):
    token, request = shown
    hold_id = placed(city, token, request).hold.hold_id
    for wrong_id, case in ((hold_id, "26-004513"), ("hold-0000000000000000", CASE), ("../keys", CASE)):
        with added(city) as new, pytest.raises(Refused) as refusal:
            city.vault.holds.open(token, wrong_id, case)
        assert (refusal.value.rules, new) == (("hold-case",), ["refusal"])
    assert city.vault.holds.of_case(token, "26-004513") == []
    with pytest.raises(NotSignedIn):
        city.vault.holds.open(None, hold_id, CASE)
    with pytest.raises(Refused):
        city.vault.holds.open(city.sign_in("clerk"), hold_id, CASE)


def test_without_another_persons_approval_nothing_is_held_but_asked_for(city, shown):
    token, request = shown
    with added(city) as new, pytest.raises(ApprovalNeeded):
        city.vault.holds.place(token, request)
    assert new == ["approval-asked"]
    approve(city, "hold", "m.okafor", request, AUDITOR)
    with pytest.raises(ApprovalNeeded):
        city.vault.holds.place(token, request)
    with pytest.raises(Refused):
        approve(city, "hold", "m.okafor", request, "m.okafor")
    assert bodies(city, "hold") == []
    assert city.vault.keyring.hold_records() == []


def test_an_approval_is_used_once_and_dies_with_the_approvers_account(city, shown):
    token, request = shown
    placed(city, token, request)
    with pytest.raises(ApprovalNeeded):
        city.vault.holds.place(token, request)
    approve(city, "hold", "m.okafor", request, SUPERVISOR)
    city.vault.accounts.close(city.sign_in("administrator"), SUPERVISOR, "left")
    with pytest.raises(ApprovalNeeded):
        city.vault.holds.place(token, request)
    assert len(bodies(city, "hold")) == 1


def test_an_approval_binds_every_word(city, shown):
    token, request = shown
    approve(city, "hold", "m.okafor", request, SUPERVISOR)
    for change in (
        {"until": request.until + timedelta(seconds=1)},
        {"reason": "another"},
        {"authority": "me"},
    ):
        with pytest.raises(ApprovalNeeded):
            city.vault.holds.place(token, replace(request, **change))
    with pytest.raises(Refused):
        city.vault.holds.place(city.sign_in("r.alvarez"), request)


def test_only_ones_own_search_of_that_case(city, shown):
    token, request = shown
    wrong = {
        "another case": (replace(request, case_number="26-009999"), "hold-case"),
        "a read it did not show": (replace(request, read_ids=("0" * 32,)), "own-search"),
        "no read": (replace(request, read_ids=()), "own-search"),
        "no search": (replace(request, search_index=0), "own-search"),
        "another hold": (replace(request, search_index=None, hold_id="hold-0123456789abcdef"), "hold-case"),
        "an alert of nobody": (replace(request, search_index=None, alert_id="x"), "hold-alert"),
    }
    for name, (asked, rule) in wrong.items():
        with pytest.raises(Refused) as refusal:
            city.vault.holds.place(token, asked)
        assert refusal.value.rules == (rule,), name
    assert bodies(city, "hold") == []


def test_words_that_are_off_are_told_and_not_recorded(city, shown):
    token, request = shown
    off = (
        {"until": city.now()},
        {"until": city.now() + timedelta(days=367)},
        {"until": request.until.replace(tzinfo=None)},
        {"authority": " "},
        {"reason": "x" * 301},
        {"search_index": None},
        {"hold_id": "hold-0123456789abcdef"},
        {"read_ids": ("0" * 32,) * 501},
        {"since": city.now()},
    )
    for change in off:
        with added(city) as new, pytest.raises(UsageError):
            city.vault.holds.place(token, replace(request, **change))
        assert new == []


def test_what_died_with_its_day_is_never_held(city, shown):
    _, request = shown
    city.pass_days(3)
    late = replace(request, until=city.now() + timedelta(days=5))
    with pytest.raises(KeyDestroyed, match="no longer exist"):
        placed(city, city.sign_in("m.okafor"), late)
    assert public(city, "hold-outcome")[0]["outcome"] == "failed"
    assert city.vault.keyring.hold_records()[0].is_alive is False
    check_city(city)


def test_an_extension_is_another_hold_with_another_approval(city, shown):
    token, request = shown
    first = placed(city, token, request).hold
    city.pass_days(20)
    token = city.sign_in("m.okafor")
    longer = HoldRequest(
        case_number=CASE,
        authority="Court order 26-CR-118",
        reason="trial in June",
        until=city.now() + timedelta(days=90),
        hold_id=first.hold_id,
    )
    with pytest.raises(Refused):
        city.vault.holds.place(token, longer)
    second = placed(city, token, longer).hold
    city.pass_days(20)
    token = city.sign_in("m.okafor")
    assert [hold.state for hold in city.vault.holds.of_case(token, CASE)] == ["held", "ended"]
    assert [k.read.text for k in city.vault.holds.open(token, second.hold_id, CASE).reads] == [PLATE]
    again = replace(longer, until=city.now() + timedelta(days=5))
    with pytest.raises(KeyDestroyed):
        placed(city, token, again)
    check_city(city)


def test_a_courts_camera_day_keeps_its_scope_only_and_is_not_looked_through(city):
    plates = [f"8ABC{n:03}" for n in range(60)]
    for camera_id in ("court-16th", "harbor-22nd"):
        city.ingest(*plates, camera_id=camera_id, captured_at=city.now() - timedelta(minutes=30))
    token = city.sign_in("m.okafor")
    request = HoldRequest(
        case_number=CASE,
        authority="Court order 26-CR-118",
        reason="the defense asked for it",
        until=city.now() + timedelta(days=90),
        camera_ids=("court-16th",),
        since=city.now() - timedelta(minutes=30),
        scope_until=city.now() - timedelta(minutes=30) + timedelta(seconds=54),
        purpose="stolen_vehicle",
        offense="auto_theft",
    )
    with pytest.raises(Refused):
        city.vault.holds.place(token, request)
    hold = placed(city, token, request).hold
    assert (hold.reads, hold.is_scope) == (55, True)
    extended = placed(
        city,
        token,
        HoldRequest(case_number=CASE, authority="a", reason="b", until=request.until, hold_id=hold.hold_id),
    ).hold
    for one in (hold, extended):
        with pytest.raises(Refused) as refusal:
            city.vault.holds.open(token, one.hold_id, CASE)
        assert refusal.value.rules == ("hold-scope",)
        stored = city.vault.registry.hold(one.hold_id)
        kept = list(city.vault.holds.reads_of(stored))
        assert {k.read.camera_id for k in kept} == {"court-16th"}
        assert {k.read.text for k in kept} == set(plates[:55])
    for change in (
        {"scope_until": None},
        {"since": request.since - timedelta(days=1)},
        {"scope_until": city.now() + timedelta(minutes=1)},
        {"camera_ids": tuple(f"c{n}" for n in range(11))},
        {"read_ids": ("0" * 32,)},
    ):
        with pytest.raises(UsageError):
            city.vault.holds.place(token, replace(request, **change))
    check_city(city)


def test_a_stop_proposes_a_hold_until_there_is_one(city):
    administrator = city.sign_in("administrator")
    row = {"plate": PLATE, "category": "stolen_vehicle", "reason": "stolen", "expires_at": "2027-01-01"}
    city.vault.alerts.import_hotlist(administrator, [row], "invented")
    city.ingest(PLATE)
    token = city.sign_in("m.okafor")
    alert = city.vault.alerts.waiting(token)[0]
    assert city.vault.holds.proposals(token) == []
    city.vault.alerts.show(token, alert.alert_id)
    city.vault.alerts.decide(token, alert.alert_id, confirmed=True, disposition="stop_made", note="")
    proposal = city.vault.holds.proposals(token)[0]
    assert (proposal.alert_id, proposal.disposition) == (alert.alert_id, "stop_made")
    request = HoldRequest(
        case_number=CASE,
        authority="stop of 2 March",
        reason="evidence",
        until=city.now() + timedelta(days=30),
        alert_id=alert.alert_id,
        purpose="stolen_vehicle",
        offense="auto_theft",
    )
    with pytest.raises(Refused) as refusal:  # the supervisor never looked at it
        city.vault.holds.place(city.sign_in("r.alvarez"), request)
    assert refusal.value.rules == ("hold-alert",)
    hold = placed(city, token, request).hold
    assert [k.read.text for k in city.vault.holds.open(token, hold.hold_id, CASE).reads] == [PLATE]
    assert city.vault.holds.proposals(token) == []
    check_city(city)


@pytest.mark.parametrize("change", ["flipped", "swapped", "gone"])
def test_a_part_that_is_not_the_recorded_one_is_refused(city, shown, change):
    token, request = shown
    hold_ids = [placed(city, token, replace(request, reason=f"no {n}")).hold.hold_id for n in range(2)]
    paths = [city.folder.vault / "holds" / f"{hold_id}.0.held" for hold_id in hold_ids]
    data = paths[0].read_bytes()
    if change == "gone":
        paths[0].unlink()
    else:
        paths[0].write_bytes(
            paths[1].read_bytes() if change == "swapped" else data[:-1] + bytes([data[-1] ^ 1])
        )
    with pytest.raises(StorageFailed if change == "gone" else ProofFailed, match=r"\.0\.held"):
        city.vault.holds.open(token, hold_ids[0], CASE)
    assert city.vault.holds.open(token, hold_ids[1], CASE).reads


def test_nothing_readable_lies_in_the_folder(city, shown):
    token, request = shown
    placed(city, token, request)
    for path in (city.folder.vault / "holds").iterdir():
        content = path.read_bytes()
        assert PLATE.encode() not in content
        assert some_crop().jpeg[:20] not in content
        assert path.stat().st_mode & 0o077 == 0


def test_a_hold_key_that_comes_back_after_its_end_opens_nothing(city, shown):
    token, request = shown
    hold = placed(city, token, request).hold
    keys = city.folder.vault / "keys"
    saved = (keys / "epochs" / f"{hold.hold_id}.json").read_bytes()
    parts = {p.name: p.read_bytes() for p in (city.folder.vault / "holds").iterdir()}
    city.pass_days(31)
    city.close()
    (keys / "tombstones" / f"{hold.hold_id}.json").unlink()
    (keys / "epochs" / f"{hold.hold_id}.json").write_bytes(saved)
    for name, data in parts.items():
        (city.folder.vault / "holds" / name).write_bytes(data)
    city.open()
    with pytest.raises(KeyDestroyed):
        city.vault.keyring.secret(hold.hold_id)
    assert any(hold.hold_id in problem for problem in city.vault.health.status().problems)


def test_each_failing_write_leaves_a_whole_hold_or_none(brief_closed_city):
    """Fail the nth durable write, both ways; at the next start the hold stands as recorded, or nothing of it does."""
    city = brief_closed_city
    city.open()
    city.ingest(PLATE)
    city.close()
    outcomes = set()
    for nth in range(10):
        for how in HOW:
            files = FailingFiles()
            city.open(files=files)
            token = city.sign_in("m.okafor")
            found = city.vault.gate.search(token, city.request(PLATE))
            request = HoldRequest(
                case_number=CASE,
                authority="letter",
                reason=f"{nth} {how}",
                until=city.now() + timedelta(days=9),
                read_ids=(found.reads[0].read.read_id,),
                search_index=found.receipt.entry_index,
            )
            approve(city, "hold", "m.okafor", request, SUPERVISOR)
            files.fail_number(nth, how)
            try:
                acknowledged = city.vault.holds.place(token, request).hold.hold_id
            except (GlassplateError, OSError):
                acknowledged = None
            files.heal()
            city.reopen()
            outcomes.add(acknowledged is not None)
            token = city.sign_in("m.okafor")
            held = [h for h in city.vault.holds.of_case(token, CASE) if h.state == "held"]
            alive = {r.epoch.epoch_id for r in city.vault.keyring.hold_records() if r.is_alive}
            assert alive == {h.hold_id for h in held}
            assert {p.name.split(".")[0] for p in (city.folder.vault / "holds").glob("hold-*")} == alive
            if acknowledged:
                assert city.vault.holds.open(token, acknowledged, CASE).reads
            assert not [h for h in city.vault.registry.holds() if h.state == "placing"]
            city.close()
    assert outcomes == {True, False}


def test_held_parts_open_in_their_place_only():
    auditor = seal.AuditorKey.generate()
    kept = KeptRead(
        plate_read(PLATE, "c", START),
        "Court Street",
        "2026-03-02",
        "0" * 64,
        b"jpeg",
        b"scene",
    )
    place = {"agency_id": "pd", "hold_id": "hold-0123456789abcdef", "part": 0}
    sealed = seal.seal_held([kept, replace(kept, scene_jpeg=None)], auditor.public_text, **place)
    opened = seal.open_held(sealed, auditor.private_key, **place)
    assert [(k.crop_jpeg, k.scene_jpeg) for k in opened] == [(b"jpeg", b"scene"), (b"jpeg", None)]
    assert opened[0].read == kept.read
    for change in ({"agency_id": "x"}, {"hold_id": "hold-0000000000000000"}, {"part": 1}):
        with pytest.raises(ProofFailed):
            seal.open_held(sealed, auditor.private_key, **{**place, **change})


def test_a_missing_hold_key_is_red(city, shown):
    token, request = shown
    hold = placed(city, token, request).hold
    (city.folder.vault / "keys" / "epochs" / f"{hold.hold_id}.json").unlink()
    city.reopen()
    assert any(hold.hold_id in problem for problem in city.vault.health.status().problems)
    with pytest.raises(KeyUnavailable):
        city.vault.holds.open(city.sign_in("m.okafor"), hold.hold_id, CASE)
