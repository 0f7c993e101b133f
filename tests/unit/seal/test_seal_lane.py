"""What a lane seals of a frame: the read, its crop and its scene, each openable by the vault and told by whom it was made."""

import hashlib
import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from seal_testing import AGENCY, CAMERA, CAMERA_KEY, EPOCH, IMAGE_KEY, READ, READ_KEY

from glassplate.capture.camera import Frame
from glassplate.capture.outbox import Outbox
from glassplate.errors import GlassplateError, InputRefused
from glassplate.lane import Lane, LaneOutcome
from glassplate.recognize.found import Found
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.scenes import VehicleScenes
from glassplate.seal import BatchSigner, ImageOpener, ReadOpener, Sealer

PIXELS = np.random.default_rng(2).integers(60, 200, (480, 640, 3), dtype=np.uint8)
CANDIDATE = PlateCandidate("7QXO418", (0.9,) * 7, (280, 300, 90, 24), region="US-CA", region_confidence=0.99)
CAR = Found("car", 0.625, (200, 150, 250, 220))
SECOND = replace(CANDIDATE, text="6HNV372", box=(10, 440, 60, 18))


def vehicle_scenes():
    """Scenes whose networks see one car, no face and no other plate."""
    return VehicleScenes(lambda _: [CAR], lambda _: [], lambda _: [])


def no_vehicle():
    """Scenes that keep nothing but crops."""
    return VehicleScenes(lambda _: [], lambda _: [], lambda _: [])


def frame(name="street.jpg"):
    data = name.encode()
    return Frame(CAMERA, READ.captured_at, hashlib.sha256(data).hexdigest(), data, name)


def lane(tmp_path, candidates, scenes, frames=None):
    """A lane whose camera, decoder and recognizer say what the test wants; redaction, sealing and outbox are real."""
    return Lane(
        SimpleNamespace(frames=lambda: iter(frames or [frame()])),
        SimpleNamespace(decode=lambda _data, _name: PIXELS),
        SimpleNamespace(read=lambda _pixels: candidates, version="letters/1 reader@0123456789ab"),
        scenes,
        Sealer(AGENCY, [EPOCH]),
        BatchSigner(CAMERA, CAMERA_KEY.private_key),
        Outbox(tmp_path / "outbox.db"),
    )


def walked(tmp_path, candidates, scenes, frames=None):
    one, outcome = lane(tmp_path, candidates, scenes, frames), LaneOutcome()
    one.capture(outcome)
    waiting = one.outbox.waiting(10).reads
    one.outbox.close()
    return waiting, outcome


def opened(sealed, kind):
    blob = sealed.crop if kind == "crop" else sealed.scene
    place = {"epoch_id": sealed.epoch_id, "camera_id": CAMERA, "read_id": sealed.read_id}
    data = ImageOpener(IMAGE_KEY, agency_id=AGENCY).open(blob, kind=kind, **place)
    return Image.open(io.BytesIO(data)).size


def test_the_vault_can_open_read_crop_and_scene_of_a_plate_in_a_vehicle(tmp_path):
    scenes = vehicle_scenes()

    (sealed,), outcome = walked(tmp_path, [CANDIDATE], scenes)

    read = ReadOpener(READ_KEY, agency_id=AGENCY).open(sealed, camera_id=CAMERA)
    assert read.vehicle.body == "car"
    assert read.vehicle.body_confidence == 0.625
    assert (read.region, read.region_confidence) == ("US-CA", 0.99)
    assert read.recognizer == f"letters/1 reader@0123456789ab {scenes.version}"
    assert opened(sealed, "crop") == (96, 28)
    assert opened(sealed, "scene") == (326, 286)
    assert [one.vehicle for one in outcome.reads] == [read.vehicle]


def test_a_plate_without_a_vehicle_is_sealed_without_a_scene(tmp_path):
    waiting, _ = walked(tmp_path, [CANDIDATE, SECOND], vehicle_scenes())

    with_scene, without = waiting
    assert with_scene.scene is not None
    assert without.scene is None
    assert opened(without, "crop") == (64, 22)


def test_a_read_of_which_nothing_may_be_kept_is_counted_and_not_sealed(tmp_path):
    placard = replace(CANDIDATE, text="VOTE4ME", box=(100, 200, 330, 90))
    (sealed,), outcome = walked(tmp_path, [placard, CANDIDATE], vehicle_scenes())

    assert outcome.not_kept == 1
    assert [one.text for one in outcome.reads] == ["7QXO418"]
    assert ReadOpener(READ_KEY, agency_id=AGENCY).open(sealed, camera_id=CAMERA).text == "7QXO418"


def test_the_same_frame_gets_the_same_id_and_a_frame_without_plate_is_counted(tmp_path):
    first, _ = walked(tmp_path / "a", [CANDIDATE], no_vehicle())
    second, _ = walked(tmp_path / "b", [CANDIDATE], vehicle_scenes())
    nothing, outcome = walked(tmp_path / "c", [], no_vehicle())

    assert first[0].read_id == second[0].read_id
    assert nothing == []
    assert outcome.without_plate == 1


def test_a_network_of_the_scene_that_fails_stops_the_lane_and_nothing_of_the_frame_is_kept(tmp_path):
    def broken(_pixels):
        raise GlassplateError("The network broke.")

    one, outcome = lane(tmp_path, [CANDIDATE], VehicleScenes(broken, broken, broken)), LaneOutcome()
    with pytest.raises(GlassplateError, match="broke"):
        one.capture(outcome)

    assert one.outbox.waiting(10).reads == []
    assert outcome.reads == []
    one.outbox.close()


def test_a_refused_picture_is_named_and_the_next_one_is_read(tmp_path):
    def decode(_data, name):
        if name == "bad.jpg":
            raise InputRefused("bad.jpg is damaged.")
        return PIXELS

    good = lane(tmp_path, [CANDIDATE], no_vehicle(), [frame("bad.jpg"), frame("good.jpg")])
    outcome = LaneOutcome()
    replace(good, decoder=SimpleNamespace(decode=decode)).capture(outcome)
    waiting = good.outbox.waiting(10).reads
    good.outbox.close()

    assert outcome.refused == ["bad.jpg is damaged."]
    assert (outcome.frames, len(waiting)) == (2, 1)
