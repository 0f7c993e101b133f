"""The walk of a video, through to the vault: one sealed read for each passing vehicle; and a live lane that fails."""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from glassplate import lane as lane_module
from glassplate import lane_live, lane_video
from glassplate.capture.outbox import Outbox
from glassplate.capture.rtsp import StreamState
from glassplate.capture.video import VideoCounts, VideoFrame
from glassplate.errors import InputRefused, KeyUnavailable, Refused, StorageFailed, VaultUnreachable
from glassplate.files import LocalFiles
from glassplate.lane import Courier, LaneOutcome, open_bundle
from glassplate.lane_live import LiveLane
from glassplate.lane_video import VideoWalk
from glassplate.log import VerifierKey
from glassplate.recognize.motion import FrozenPicture
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.redaction import redact_to_plate
from glassplate.recognize.scenes import Kept
from glassplate.seal import BatchSigner, verify_heartbeat

CAMERA = "court-16th"
STREET = np.random.default_rng(1).integers(60, 190, (240, 320, 3), dtype=np.uint8)


class PlainReader:
    """Reads the plates that a frame was made with: the number of the frame is painted into its first pixel."""

    version = "test"

    def __init__(self, plates):
        self.plates = plates  # frame number -> candidates
        self.broken = False
        self.read_frames = 0

    def read(self, pixels):
        if self.broken:
            raise RuntimeError("7KDR214 must not be printed")
        self.read_frames += 1
        return self.plates.get(int(pixels[0, 0, 0]), [])


class PaintedCamera:
    """An honest fake: frames in order, 12 a second, interrupted where there is None."""

    def __init__(self, numbers, first_at, ending=None):
        self.counts = VideoCounts(decoded=len(numbers))
        self._numbers, self._first_at, self._ending = numbers, first_at, ending

    def frames(self):
        for place, number in enumerate(self._numbers):
            yield None if number is None else frame(number, self._first_at + timedelta(seconds=place / 12))
        if self._ending:
            raise self._ending


def frame(number, at):
    pixels = np.roll(STREET, 7 * number, axis=1).copy()  # everything moves
    pixels[0, 0] = number
    return VideoFrame(CAMERA, at, f"frame {number}", pixels)


def car(text, x, confidence=0.95):
    return PlateCandidate(text, (confidence,) * len(text), (x, 100, 60, 20))


PASSING = {n: [car("7KDR214", 20 + 12 * n)] for n in range(1, 9)}
TWO = {**PASSING, **{n: [car("3GPL927", 250 - 12 * (n - 20))] for n in range(20, 29)}}


def sealer_of(city):
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    return open_bundle(city.vault.bundle(), bundle_key)


@pytest.fixture
def outbox(tmp_path):
    with closing(Outbox(tmp_path / "lane" / "outbox.db")) as outbox:
        yield outbox


class DirectClient:
    """The lane's calls, without the socket."""

    def __init__(self, city):
        self.city, self.is_away, self.holds_back = city, False, False
        self.heartbeats = []
        self.sent = 0

    def deliver(self, batch):
        self._reach()
        self.sent += 1
        if self.holds_back:
            raise Refused("The camera delivers more than its share.", ("camera-share",))
        return self.city.vault.intake.accept(batch)

    def heartbeat(self, beat):
        self._reach()
        self.heartbeats.append(beat)
        self.city.vault.cameras.accept(beat)

    def _reach(self):
        if self.is_away:
            raise VaultUnreachable("No vault answers.")


class Crops:
    """Scenes of nothing but plates; with the reader's, their version is what the city's charter lists."""

    version = "1"

    def of(self, pixels, plates):
        return [Kept(redact_to_plate(pixels, plate, [], [])) for plate in plates]


def walk_of(city, outbox, plates):
    return VideoWalk(CAMERA, PlainReader(plates), Crops(), sealer_of(city), outbox)


def courier_of(city, outbox):
    return Courier(BatchSigner(CAMERA, city.camera_keys[CAMERA].private_key), outbox)


def deliver(city, outbox, outcome):
    courier_of(city, outbox).deliver(DirectClient(city), outcome)


def stored(city, plate):
    return city.vault.gate.search(city.sign_in("r.alvarez"), city.request(plate)).reads


def walked(city, outbox, plates, numbers, **how):
    outcome = LaneOutcome()
    walk = walk_of(city, outbox, plates)
    walk.capture(PaintedCamera(numbers, city.now() - timedelta(minutes=5), **how), outcome)
    return outcome, walk


def test_two_vehicles_are_two_reads_that_an_officer_finds(city, outbox):
    outcome, _ = walked(city, outbox, TWO, range(40))
    deliver(city, outbox, outcome)

    assert [read.text for read in outcome.reads] == ["7KDR214", "3GPL927"]
    assert (outcome.delivered, outcome.frames, outcome.without_plate) == (2, 40, 23)
    (found,) = stored(city, "7KDR214")
    assert replace(found.read, character_confidences=()) == replace(
        outcome.reads[0], character_confidences=()
    )
    assert found.read.confidence == pytest.approx(0.95)
    assert found.crop_jpeg.startswith(b"\xff\xd8")
    assert found.read.camera_id == CAMERA
    assert not found.has_scene
    assert outbox.waiting(9).reads == []


def test_a_passing_placard_is_counted_and_not_kept(city, outbox):
    placard = {n: [replace(car("7KDR214", 0), box=(12 * n, 60, 200, 60))] for n in range(1, 9)}
    outcome, _ = walked(city, outbox, placard, range(20))
    assert (outcome.reads, outcome.not_kept) == ([], 1)
    assert outbox.waiting(9).reads == []


def test_the_same_video_again_adds_nothing(city, outbox):
    once, _ = walked(city, outbox, TWO, range(40))
    deliver(city, outbox, once)
    again, _ = walked(city, outbox, TWO, range(40))
    deliver(city, outbox, again)

    assert [read.read_id for read in again.reads] == [read.read_id for read in once.reads]
    assert (again.delivered, again.duplicates) == (0, 2)


def test_still_frames_are_not_read(city, outbox):
    outcome, walk = walked(city, outbox, {3: [car("7KDR214", 100)]}, [3] * 40)
    assert outcome.frames == 1
    assert walk.gate.still == 39
    assert [read.text for read in outcome.reads] == ["7KDR214"]


def test_an_interruption_ends_what_was_in_view(city, outbox):
    outcome, _ = walked(city, outbox, PASSING, [1, 2, 3, None, 30, 31])
    assert [read.text for read in outcome.reads] == ["7KDR214"]
    assert outcome.frames == 5


def test_a_file_that_ends_badly_keeps_its_reads_and_is_named(city, outbox):
    outcome, _ = walked(city, outbox, PASSING, [1, 2, 3], ending=InputRefused("clip.mp4 is damaged."))
    assert outcome.refused == ["clip.mp4 is damaged."]
    assert [read.text for read in outcome.reads] == ["7KDR214"]


def test_a_recognizer_that_fails_on_a_file_is_an_error_and_not_an_empty_road(city, outbox):
    walk = walk_of(city, outbox, PASSING)
    walk.recognizer.broken = True
    with pytest.raises(RuntimeError):
        walk.capture(PaintedCamera([1, 2], city.now()), LaneOutcome())


@pytest.mark.parametrize("error", [KeyUnavailable("no key"), StorageFailed("disk full")])
def test_a_vehicle_that_cannot_be_sealed_yet_is_sealed_later(city, outbox, error):
    outcome, walk = LaneOutcome(), walk_of(city, outbox, PASSING)
    works = walk.sealer

    class Fails:
        def seal(self, *_):
            raise error

    walk.sealer = Fails()
    now = city.now() - timedelta(minutes=1)
    walk.take(frame(1, now), outcome)
    walk.take(frame(2, now + timedelta(seconds=0.1)), outcome)
    with pytest.raises(type(error)):
        walk.take(None, outcome)
    assert outcome.reads == []
    walk.sealer = works
    walk.take(frame(30, now + timedelta(seconds=3)), outcome)
    assert [read.text for read in outcome.reads] == ["7KDR214"]


def test_a_scene_that_fails_costs_the_picture_and_not_the_read(city, outbox):
    class Broken:
        version = "broken"

        def of(self, *_):
            raise RuntimeError("a network broke")

    outcome, walk = LaneOutcome(), walk_of(city, outbox, PASSING)
    walk.scenes = Broken()
    walk.capture(PaintedCamera(range(12), city.now() - timedelta(minutes=5)), outcome)
    assert ([read.text for read in outcome.reads], outcome.scenes_failed) == (["7KDR214"], 1)
    (sealed,) = outbox.waiting(9).reads
    assert sealed.scene is None


def test_what_waits_too_long_for_a_key_is_counted(city, outbox, monkeypatch):
    monkeypatch.setattr(lane_video, "MAX_UNKEPT", 1)
    outcome, walk = LaneOutcome(), walk_of(city, outbox, TWO)

    class Fails:
        def seal(self, *_):
            raise KeyUnavailable("no key")

    walk.sealer, began = Fails(), city.now() - timedelta(minutes=5)
    for number in range(40):
        with contextlib.suppress(KeyUnavailable):
            walk.take(frame(number, began + timedelta(seconds=number / 12)), outcome)
    with pytest.raises(KeyUnavailable):
        walk.take(None, outcome)
    assert (len(walk.unkept), outcome.lost) == (1, 1)


def test_failures_between_good_frames_are_red_above_a_tenth_and_yellow_below():
    few, many = lane_live.Failures(), lane_live.Failures()
    for second in range(60):
        few.note(second // 20, 12 * second, second)
        many.note(2 * second, 12 * second, second)
    assert (few.is_red, few.is_yellow(60), few.is_yellow(700)) == (False, True, False)
    assert many.is_red
    for second in range(60, 130):
        many.note(118, 12 * second, second)
    assert (many.is_red, many.is_yellow(130)) == (False, True)


def test_a_picture_of_which_no_pixel_changes_for_five_minutes_is_frozen():
    picture, began = FrozenPicture(), datetime(2026, 3, 2, tzinfo=UTC)
    for second in range(301):
        assert not picture.is_frozen
        picture.take(STREET, began + timedelta(seconds=second))
    assert picture.is_frozen
    noise = STREET.copy()
    noise[8, 8, 1] ^= 1
    picture.take(noise, began + timedelta(seconds=302))
    assert not picture.is_frozen


# --- the live lane ---------------------------------------------------------------------------------------------------


class LiveFake:
    """A live camera under the test's hand: ``feed`` frames, set ``state`` as the real one does."""

    def __init__(self, clock):
        self.counts = VideoCounts()
        self.stop = threading.Event()
        self.clock = clock
        self.state = StreamState("connecting", clock())
        self._waiting = []
        self._lock = threading.Condition()

    def feed(self, *numbers):
        with self._lock:
            self._waiting += numbers
            self._lock.notify()

    def lose(self, problem):
        self.state = replace(self.state, problem=problem, since=self.clock())
        self.feed(None)

    def frames(self):
        while not self.stop.is_set():
            with self._lock:
                self._lock.wait_for(lambda: self._waiting or self.stop.is_set(), 0.05)
                number = self._waiting.pop(0) if self._waiting else "nothing"
            if isinstance(number, BaseException):
                raise number
            if number is None:
                yield None
            elif number != "nothing":
                at = self.clock()
                self.state = StreamState("", at, at, 1)
                self.counts.decoded += 1
                yield frame(number, at)


@pytest.fixture
def live(city, outbox, tmp_path, monkeypatch):
    """A live lane that runs, its camera and its client; the vault's clock stands, the lane's follows it."""
    monkeypatch.setattr(lane_live, "COURIER_SECONDS", 0.02)
    monkeypatch.setattr(lane_live, "HEARTBEAT_SECONDS", 0.2)
    ticks = iter(range(10**9))
    began = city.now() - timedelta(minutes=1)

    def clock():
        return began + timedelta(milliseconds=next(ticks))

    camera, client = LiveFake(clock), DirectClient(city)
    lane = LiveLane(
        camera=camera,
        walk=walk_of(city, outbox, PASSING),
        courier=courier_of(city, outbox),
        client=client,
        private_key=city.camera_keys[CAMERA].private_key,
        fetch_sealer=lambda: sealer_of(city),
        files=LocalFiles(),
        status_file=tmp_path / "lane" / "status.json",
        clock=clock,
    )
    thread = threading.Thread(target=lane.run)
    thread.start()
    yield lane, camera, client
    camera.stop.set()
    thread.join(20)
    assert not thread.is_alive()


def health(city):
    return next(one for one in city.vault.health.status().cameras if one.camera_id == CAMERA)


def wait_until(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_live_lane_delivers_as_it_goes_and_turns_green(city, live):
    lane, camera, _ = live
    camera.feed(*range(1, 9), None)
    wait_until(lambda: lane.outcome.delivered == 1)
    assert health(city).state == "seeing"
    assert len(stored(city, "7KDR214")) == 1
    assert lane.outcome.reads == []  # nothing that was sealed is remembered
    assert lane.reads == 1


def test_a_dead_stream_turns_the_camera_red_and_back(city, live):
    lane, camera, _ = live
    camera.feed(1)
    wait_until(lambda: health(city).state == "seeing")
    camera.lose("stalled")
    wait_until(lambda: health(city).is_red)
    assert health(city).problem == "it is connected but sends no frames"
    wait_until(lambda: '"problem":"stalled"' in lane.status_file.read_text())
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")


def test_a_recognizer_that_fails_turns_the_camera_red_and_shows_no_plate(city, live, capsys):
    lane, camera, _ = live
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")
    lane.walk.recognizer.broken = True
    camera.feed(31)
    wait_until(lambda: health(city).is_red)
    assert health(city).problem == "the lane's recognizer fails"
    assert lane.last_failure == "RuntimeError"
    assert "7KDR214" not in "".join(capsys.readouterr())
    lane.walk.recognizer.broken = False
    camera.feed(32)
    wait_until(lambda: health(city).state == "seeing")


def test_a_recognizer_that_hangs_turns_the_camera_red(city, live, monkeypatch):
    lane, camera, _ = live
    monkeypatch.setattr(lane_live, "STUCK_SECONDS", 0.3)
    goes_on = threading.Event()
    reads = lane.walk.recognizer.read
    lane.walk.recognizer.read = lambda pixels: goes_on.wait(20) and reads(pixels)
    camera.feed(31)
    wait_until(lambda: health(city).is_red)
    assert health(city).problem == "the lane's recognizer fails"
    goes_on.set()


def test_a_vault_that_is_away_loses_nothing(city, live):
    lane, camera, client = live
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")
    client.is_away = True
    camera.feed(*range(1, 9), None)
    wait_until(lambda: lane.reads == 1 and lane.vault_problem)
    wait_until(lambda: '"problem":"vault"' in lane.status_file.read_text())
    client.is_away = False
    wait_until(lambda: lane.outcome.delivered == 1)
    wait_until(lambda: lane.vault_problem == "")


def test_a_lane_that_is_held_back_waits_and_says_so_meanwhile(city, live, monkeypatch):
    for name in ("FIRST_DELAY_SECONDS", "LONGEST_DELAY_SECONDS"):
        monkeypatch.setattr(lane_module, name, 10_000.0)
    lane, camera, client = live
    client.holds_back = True
    camera.feed(*range(1, 9), None)
    wait_until(lambda: lane.vault_problem == "The camera delivers more than its share.")
    beats = len(client.heartbeats)
    wait_until(lambda: len(client.heartbeats) >= beats + 3)
    assert client.sent == 1
    assert lane.vault_problem == "The camera delivers more than its share."
    client.holds_back = False
    client.is_away = True
    wait_until(lambda: lane.vault_problem == "No vault answers.")
    client.is_away = False  # a vault that is back is not kept waiting
    wait_until(lambda: lane.outcome.delivered == 1 and lane.vault_problem == "")
    assert client.sent == 2


def test_keys_that_ran_out_are_fetched_and_the_vehicle_is_sealed(city, live):
    lane, camera, _ = live
    works = lane.walk.sealer

    class Stale:
        def seal(self, *_):
            raise KeyUnavailable("No epoch key covers this.")

    lane.fetch_sealer = Stale
    lane.walk.sealer = Stale()
    camera.feed(*range(1, 9), None)
    wait_until(lambda: health(city).problem == "the lane cannot seal what it reads")
    lane.fetch_sealer = lambda: works
    wait_until(lambda: lane.walk.sealer is works)
    camera.feed(30)
    wait_until(lambda: lane.outcome.delivered == 1)


def test_stopping_tells_what_was_in_view_and_says_goodbye(city, live):
    lane, camera, client = live
    camera.feed(*range(1, 9))
    wait_until(lambda: camera.counts.decoded == 8)
    camera.stop.set()
    wait_until(lambda: lane.outcome.delivered == 1 and health(city).state == "stopped")
    keys = {CAMERA: city.camera_keys[CAMERA].public_text}
    last = verify_heartbeat(client.heartbeats[-1], keys)
    assert (last.state, last.reads, last.waiting, last.looked) == ("stopped", 1, 0, 8)
    assert city.vault.health.status().healthy


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of the lane, on purpose
def test_a_lane_that_ends_by_itself_was_not_stopped_by_a_person(city, live):
    lane, camera, client = live
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")
    camera.feed(31, SystemExit("what nobody foresaw"))
    wait_until(lambda: health(city).is_red)
    assert health(city).problem == "its lane failed and ended"
    wait_until(lambda: '"problem":"lane"' in lane.status_file.read_text())
    keys = {CAMERA: city.camera_keys[CAMERA].public_text}
    assert "stopped" not in {verify_heartbeat(beat, keys).state for beat in client.heartbeats}


def test_an_outbox_that_cannot_be_read_does_not_end_the_courier(city, live, outbox, monkeypatch):
    lane, camera, _ = live
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")

    def fails(*_):
        raise StorageFailed("The disk is away.")

    with monkeypatch.context() as away:
        for name in ("next_sequence", "state", "waiting"):
            away.setattr(Outbox, name, fails)
        wait_until(lambda: lane.vault_problem == "The disk is away.")
        wait_until(lambda: '"problem":"vault"' in lane.status_file.read_text())
    camera.feed(*range(1, 9), None)
    wait_until(lambda: lane.outcome.delivered == 1 and lane.vault_problem == "")


def test_a_terminal_that_is_gone_does_not_end_the_courier(city, live):
    lane, camera, _ = live

    def gone(_):
        raise BrokenPipeError

    lane.on_state = gone
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")
    camera.feed(*range(1, 9), None)
    wait_until(lambda: lane.outcome.delivered == 1)


def test_a_state_has_lasted_since_it_began_not_since_the_vault_heard_of_it(city, live):
    lane, camera, client = live
    camera.feed(30)
    wait_until(lambda: health(city).state == "seeing")
    client.is_away = True
    camera.lose("stalled")
    wait_until(lambda: lane.vault_problem and "stalled" in lane.status_file.read_text())
    later = lane.clock() + timedelta(milliseconds=200)
    wait_until(lambda: lane.clock() > later)
    client.is_away = False
    wait_until(lambda: health(city).is_red)
    assert health(city).since < later - timedelta(milliseconds=100)


def test_heartbeats_come_steadily_and_rise_in_number(city, live):
    _, camera, client = live
    camera.feed(30)
    wait_until(lambda: len(client.heartbeats) >= 4)
    keys = {CAMERA: city.camera_keys[CAMERA].public_text}
    numbers = [verify_heartbeat(beat, keys).sequence for beat in client.heartbeats]
    assert numbers == sorted(set(numbers))


def test_a_frame_is_named_by_what_it_is_and_shows_no_pixels():
    one = VideoFrame(CAMERA, datetime(2026, 3, 2, tzinfo=UTC), "frame 1", STREET)
    assert "array" not in repr(one)
