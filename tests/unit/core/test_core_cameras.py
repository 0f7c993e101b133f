"""A camera that does not see is red: heartbeats, their signatures, silence, restarts. Never an empty road."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from glassplate import seal
from glassplate.cameras import (
    CLOCKS_DIFFER,
    FRESH_FRAME,
    PROBLEMS,
    SILENT_AFTER_SECONDS,
    WARNINGS,
    WRITTEN_AHEAD,
)
from glassplate.encoding import canonical_json, parse_time
from glassplate.errors import GlassplateError, InputRefused, ProofFailed
from glassplate.seal import Heartbeat, verify_heartbeat
from glassplate.seal.heartbeat import MAX_HEARTBEAT_BYTES

CAMERA = "court-16th"


def beat(city, sequence=1, camera_id=CAMERA, **changes):
    now = city.now()
    plain = Heartbeat(camera_id, sequence, now, "seeing", "", now - timedelta(minutes=5), now, decoded=900)
    return replace(plain, **changes)


def send(city, heartbeat, key=None):
    private_key = (key or city.camera_keys[heartbeat.camera_id]).private_key
    city.vault.cameras.accept(heartbeat.signed(private_key))


def health(city, camera_id=CAMERA):
    return next(one for one in city.vault.health.status().cameras if one.camera_id == camera_id)


def test_a_camera_that_nobody_watches_live_is_no_problem(city):
    status = city.vault.health.status()
    assert [camera.state for camera in status.cameras] == ["unwatched", "unwatched"]
    assert status.healthy


def test_a_lane_that_sees_is_green(city):
    send(city, beat(city, waiting=3, dropped=7))
    one = health(city)
    assert (one.state, one.problem, one.waiting, one.dropped) == ("seeing", "", 3, 7)
    assert one.last_heard_at == city.now()
    assert city.vault.health.status().healthy


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_lane_that_does_not_see_is_red_at_once_and_says_why(city, problem):
    send(city, beat(city))
    send(city, beat(city, 2, state="blind", problem=problem, since=city.now()))

    one, status = health(city), city.vault.health.status()
    assert (one.state, one.is_red, one.problem) == ("blind", True, PROBLEMS[problem])
    assert not status.healthy
    (said,) = status.problems
    assert "Court Street at 16th Street (court-16th) does not see since 2026-03-02 09:00 UTC" in said
    assert PROBLEMS[problem] in said


def test_a_problem_that_this_vault_does_not_know_is_red_all_the_same(city):
    send(city, beat(city, state="blind", problem="quantum-fog"))
    assert health(city).is_red
    assert health(city).problem


def test_a_lane_that_falls_silent_is_red_after_three_heartbeats(city):
    send(city, beat(city))
    city.clock.advance(timedelta(seconds=SILENT_AFTER_SECONDS))
    assert health(city).state == "seeing"
    heard_at = health(city).last_heard_at
    city.clock.advance(timedelta(seconds=1))
    one = health(city)
    assert (one.state, one.is_red, one.since) == ("silent", True, heard_at)
    assert "its lane is not heard" in " ".join(city.vault.health.status().problems)
    send(city, beat(city, 2))
    assert health(city).state == "seeing"


def test_setting_the_wall_clock_neither_makes_silence_nor_hides_it(city):
    send(city, beat(city))
    city.clock.step_wall(timedelta(minutes=5))
    assert health(city).state == "seeing"
    city.clock.step_wall(timedelta(minutes=-5))
    city.clock.advance(timedelta(seconds=SILENT_AFTER_SECONDS + 1))
    assert health(city).state == "silent"


def test_a_lane_stopped_by_a_person_is_neither_red_nor_forgotten(city):
    send(city, beat(city))
    send(city, beat(city, 2, state="stopped"))
    city.clock.advance(timedelta(days=1))
    assert (health(city).state, health(city).is_red) == ("stopped", False)
    assert city.vault.health.status().healthy


def test_silence_outlives_a_restart_of_the_vault(city):
    send(city, beat(city, 41))
    city.reopen()
    assert health(city).state == "seeing"  # it has 45 seconds to be heard
    city.clock.advance(timedelta(seconds=SILENT_AFTER_SECONDS + 1))
    assert health(city).state == "silent"
    with pytest.raises(InputRefused, match="has number 41, but 41 was heard"):
        send(city, beat(city, 41))
    send(city, beat(city, 42))
    assert health(city).state == "seeing"


SEQUENCE_NO_NUMBER = (
    b'{"v":1,"cameras":{"court-16th":{"sequence":"x","state":"seeing","problem":"",'
    b'"since":"2026-03-02T12:00:00.000000Z","heard_at":"2026-03-02T12:00:00.000000Z",'
    b'"written_until":"2026-03-02T12:00:00.000000Z"}}}'
)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\0" * 100, b'{"v":1,"cameras":{"x":{}}}', b"[1]", SEQUENCE_NO_NUMBER]
)
def test_a_damaged_file_of_the_last_heartbeats_stops_nothing(city, content):
    send(city, beat(city))
    city.close()
    (city.folder.vault / "cameras.json").write_bytes(content)
    city.open()
    assert health(city).state == "unwatched"
    send(city, beat(city, 2))
    assert health(city).state == "seeing"


def test_the_file_holds_no_plate_and_only_its_owner_reads_it(city):
    send(city, beat(city))
    path = city.folder.vault / "cameras.json"
    assert path.stat().st_mode & 0o077 == 0
    assert set(json.loads(path.read_bytes())["cameras"][CAMERA]) == {
        *("sequence", "state", "problem", "since", "heard_at", "written_until")
    }


def test_a_heartbeat_played_again_does_not_keep_a_dead_camera_green(city):
    recorded = beat(city).signed(city.camera_keys[CAMERA].private_key)
    city.vault.cameras.accept(recorded)
    send(city, beat(city, 2, state="blind", problem="stalled"))
    with pytest.raises(InputRefused, match="has number 1, but 2 was heard"):
        city.vault.cameras.accept(recorded)
    assert health(city).is_red


def test_a_lane_whose_clock_is_wrong_is_red(city):
    """Its reads would be refused as of the future, or lie in the wrong day."""
    for number, off in enumerate((CLOCKS_DIFFER, -CLOCKS_DIFFER)):
        at = city.now() + off + off / 120
        send(city, beat(city, number + 1, at=at, last_frame_at=at))
        assert health(city).problem == PROBLEMS["clock"]
    at = city.now() + timedelta(seconds=30)
    send(city, beat(city, 9, at=at, last_frame_at=at))
    assert health(city).state == "seeing"


NOT_BORNE_OUT = {
    "no frame at all": (lambda now: {"last_frame_at": None}, "stalled"),
    "an old frame": (lambda now: {"last_frame_at": now - FRESH_FRAME - timedelta(seconds=1)}, "stalled"),
    "a frame of tomorrow": (lambda now: {"last_frame_at": now + timedelta(days=1)}, "stalled"),
    "a problem": (lambda _now: {"problem": "decoder"}, "decoder"),
}


@pytest.mark.parametrize("what", NOT_BORNE_OUT)
def test_a_lane_that_says_it_sees_with(city, what):
    changes, problem = NOT_BORNE_OUT[what]
    send(city, beat(city, **changes(city.now())))
    assert (health(city).state, health(city).problem) == ("blind", PROBLEMS[problem])


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_lane_that_sees_and_warns_is_yellow(city, warning):
    send(city, beat(city, warning=warning))
    one = health(city)
    assert (one.state, one.is_red, one.is_yellow, one.problem) == ("seeing", False, True, WARNINGS[warning])
    send(city, beat(city, 2))
    assert not health(city).is_yellow
    send(city, beat(city, 3, warning="quantum-fog"))
    assert health(city).is_yellow


def test_a_stop_that_was_said_long_ago_hides_no_dead_camera(city):
    """Signed while the vault was away, kept by somebody, and brought when the camera has been cut off."""
    held_back = beat(city, 7, state="stopped").signed(city.camera_keys[CAMERA].private_key)
    city.clock.advance(timedelta(minutes=3))
    send(city, beat(city, 5, state="blind", problem="unreachable"))
    with pytest.raises(InputRefused, match="more than two minutes"):
        city.vault.cameras.accept(held_back)
    assert health(city).is_red


@pytest.mark.parametrize("state", ["seeing", "stopped"])
def test_what_was_heard_before_a_restart_is_not_heard_again(city, state):
    """Nothing changed since the file was written, so the file knows an older number."""
    send(city, beat(city, 1))
    city.clock.advance(timedelta(seconds=15))
    send(city, beat(city, 2))
    recorded = beat(city, 3, state=state)
    if state == "seeing":
        send(city, recorded)
    city.close()
    city.open()
    city.clock.advance(timedelta(seconds=5))
    with pytest.raises(InputRefused, match="may have been heard before"):
        send(city, recorded)
    send(city, beat(city, 4, state="blind", problem="stalled"))  # red is believed at once
    assert health(city).is_red
    city.clock.advance(WRITTEN_AHEAD)
    send(city, beat(city, 5))
    assert health(city).state == "seeing"
    city.clock.advance(WRITTEN_AHEAD / 2)
    send(city, beat(city, 6, state="stopped"))
    assert health(city).state == "stopped"


def test_the_file_is_written_once_in_thirty_seconds_and_is_never_behind_what_was_heard(city):
    path, written = city.folder.vault / "cameras.json", set()
    for number in range(1, 41):
        send(city, beat(city, number))
        written.add(path.read_bytes())
        kept = json.loads(path.read_bytes())["cameras"][CAMERA]
        assert parse_time(kept["written_until"]) >= city.now()
        city.clock.advance(timedelta(seconds=15))
    assert len(written) <= 15


def test_a_camera_that_is_not_heard_after_a_restart_is_not_written_ever_further_ahead(city):
    send(city, beat(city))
    first = json.loads((city.folder.vault / "cameras.json").read_bytes())["cameras"][CAMERA]
    for number in range(1, 4):
        city.reopen()
        send(city, beat(city, 20 * number, "harbor-22nd", state="blind", problem="ended", since=city.now()))
        city.clock.advance(timedelta(minutes=1))
        send(city, beat(city, 20 * number + 1, "harbor-22nd"))
    last = json.loads((city.folder.vault / "cameras.json").read_bytes())["cameras"][CAMERA]
    assert last["written_until"] == first["written_until"]


def test_a_lane_far_ahead_of_time_does_not_lock_itself_out(city):
    at = city.now() + timedelta(days=400)
    send(city, beat(city, 1, at=at, last_frame_at=at))
    assert health(city).problem == PROBLEMS["clock"]
    city.reopen()
    city.clock.advance(CLOCKS_DIFFER + WRITTEN_AHEAD + timedelta(seconds=1))
    send(city, beat(city, 2))
    assert health(city).state == "seeing"


def unlisted(city):
    return beat(city, camera_id="cam-99").signed(city.camera_keys[CAMERA].private_key)


def other_key(city):
    return beat(city).signed(city.camera_keys["harbor-22nd"].private_key)


def changed(city):
    data = beat(city).signed(city.camera_keys[CAMERA].private_key)
    return data.replace(b'"decoded":900', b'"decoded":901')


def resigned(city, **changes):
    plain = json.loads(beat(city).signed(city.camera_keys[CAMERA].private_key)[8:-64])
    plain.update(changes)
    body = b"GPBEAT02" + canonical_json({name: value for name, value in plain.items() if value != "absent"})
    return body + city.camera_keys[CAMERA].private_key.sign(b"glassplate/heartbeat/v2\n" + body)


REFUSED = {
    "a camera that the charter does not list": (unlisted, ProofFailed),
    "another camera's key": (other_key, ProofFailed),
    "one changed digit": (changed, ProofFailed),
    "nothing": (lambda _city: b"", InputRefused),
    "text": (lambda _city: b"hello " * 50, InputRefused),
    "a batch": (lambda city: city.batch("7KDR214"), InputRefused),
    "too many bytes": (lambda _city: b"GPBEAT02" + b" " * MAX_HEARTBEAT_BYTES, InputRefused),
    "another version": (lambda city: resigned(city, v=1), InputRefused),
    "a field too many": (lambda city: resigned(city, plate="7KDR214"), InputRefused),
    "a field too few": (lambda city: resigned(city, looked="absent"), InputRefused),
    "a negative count": (lambda city: resigned(city, decoded=-1), InputRefused),
    "a count that is true": (lambda city: resigned(city, decoded=True), InputRefused),
    "a state that is a list": (lambda city: resigned(city, state=["seeing"]), InputRefused),
    "a state of its own": (lambda city: resigned(city, state="fine"), InputRefused),
    "a problem that is a sentence": (lambda city: resigned(city, problem="<b>7KDR214</b>"), InputRefused),
    "a warning that is a sentence": (lambda city: resigned(city, warning="7KDR 214"), InputRefused),
    "a time without its form": (lambda city: resigned(city, at="now"), InputRefused),
    "a sequence beyond what JSON has": (lambda city: resigned(city, sequence=2**60), InputRefused),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_heartbeat_changes_nothing(city, what):
    make, error = REFUSED[what]
    send(city, beat(city, state="blind", problem="stalled", sequence=0))
    before = health(city)
    with pytest.raises(error):
        city.vault.cameras.accept(make(city))
    assert health(city) == before


def test_a_heartbeat_survives_its_bytes(city):
    one = beat(
        city,
        7,
        last_frame_at=None,
        warning="lost",
        still=1,
        looked=2,
        damaged=3,
        reads=4,
        lost=5,
        failed=6,
        scenes_failed=7,
    )
    keys = {CAMERA: city.camera_keys[CAMERA].public_text}
    assert verify_heartbeat(one.signed(city.camera_keys[CAMERA].private_key), keys) == one


def test_a_heartbeat_cannot_be_taken_for_a_batch_nor_a_batch_for_it(city):
    with pytest.raises(GlassplateError):
        seal.verify_batch(
            beat(city).signed(city.camera_keys[CAMERA].private_key),
            {CAMERA: city.camera_keys[CAMERA].public_text},
        )


def test_a_camera_that_leaves_the_charter_leaves_the_list(city):
    send(city, beat(city, state="blind", problem="stalled"))
    cameras = tuple(
        camera for camera in city.vault.mandate.last().verified.charter.cameras if camera.id != CAMERA
    )
    city.vault.install_charter(city.signed(city.charter(cameras=cameras)))
    assert [camera.camera_id for camera in city.vault.health.status().cameras] == ["harbor-22nd"]
    assert city.vault.health.status().healthy
