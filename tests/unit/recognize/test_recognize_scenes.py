"""From a frame and its plates to what is kept of each: networks in fakes, and once in earnest."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image
from recognize_testing import DEMO_PHOTOS
from scenes_testing import FaceSession, VehicleSession, a, demo_photo, noise, with_people

from glassplate.errors import GlassplateError
from glassplate.recognize.color import ColorVote
from glassplate.recognize.engines import engine
from glassplate.recognize.faces import FaceFinder
from glassplate.recognize.model_files import model
from glassplate.recognize.scenes import (
    VehicleScenes,
    shipped_version,
    stored_version,
)
from glassplate.recognize.shown import shown_with
from glassplate.recognize.vehicles import VehicleDetector
from glassplate.records import Vehicle

FRAME = noise()
PLATE, OTHER_PLATE = (280, 300, 90, 24), (300, 270, 40, 12)
CAR = a("car", (200, 150, 250, 220), 0.62)


def nothing(_pixels):
    return []


def scenes(found=(CAR,), faces=nothing, plates=nothing):
    return VehicleScenes(lambda _: list(found), faces, plates)


def test_crop_scene_and_vehicle_are_kept():
    (kept,) = scenes().of(FRAME, [PLATE])

    assert (kept.crop.width, kept.crop.height) == (96, 28)
    assert kept.scene is not None
    assert kept.vehicle.body == "car"
    assert kept.vehicle.body_confidence == 0.62


def test_without_a_vehicle_only_the_plate_is_kept_and_nothing_said():
    (kept,) = scenes(found=[]).of(FRAME, [PLATE])
    assert kept.crop.what_was_removed == ("everything outside the plate", "metadata")
    assert kept.scene is None
    assert kept.vehicle == Vehicle()


def test_the_color_of_the_unredacted_vehicle_is_told_and_none_of_a_motorcycle():
    pixels = np.full((480, 640, 3), 150, dtype=np.uint8)
    pixels[:60], pixels[400:, 500:] = 240, (180, 40, 40)
    pixels[150:370, 200:450] = (30, 60, 170)
    pixels[300:324, 280:370] = 230

    (car,) = scenes(found=[CAR, a("person", CAR.box)]).of(pixels, [PLATE])
    (motorcycle,) = scenes(found=[a("motorcycle", CAR.box)]).of(pixels, [PLATE])

    assert car.vehicle.color == "blue"
    assert car.vehicle.color_confidence > 0.6
    assert motorcycle.vehicle == Vehicle(body="motorcycle", body_confidence=0.9)


VOTES = {
    "none": ((), ("unknown", 0.0, "unknown", 0.0)),
    "one": ((ColorVote("red", 1.0),), ("red", 1.0, "unknown", 0.0)),
    "three": (
        (ColorVote("white", 0.51239), ColorVote("silver or gray", 0.3), ColorVote("black", 0.18761)),
        ("white", 0.512, "silver or gray", 0.3),
    ),
}


@pytest.mark.parametrize(("votes", "colors"), VOTES.values(), ids=VOTES.keys())
def test_the_two_likeliest_colors_are_kept_with_their_confidence(votes, colors, monkeypatch):
    monkeypatch.setattr("glassplate.recognize.scenes.color_votes", lambda *_: votes)
    (kept,) = scenes().of(FRAME, [PLATE])
    assert kept.vehicle == Vehicle("car", 0.62, *colors)


def test_faces_are_looked_for_in_and_close_to_what_is_shown():
    looked_at = []

    def faces(pixels):
        looked_at.append(pixels.copy())
        return [a("face", (40, 130, 20, 20))] if len(looked_at) == 1 else []

    (kept,) = scenes(faces=faces).of(FRAME, [PLATE])

    # The scene is 162, 117, 326 × 286; a tenth more on each side.
    assert np.array_equal(looked_at[0], FRAME[88:432, 129:521])
    assert "1 face" in kept.scene.what_was_removed
    in_frame = scenes(faces=nothing).of(FRAME, [PLATE])[0]
    x, y = 129 + 40 - 162, 88 + 130 - 117
    same, other = (np.asarray(Image.open(io.BytesIO(one.scene.jpeg))).astype(int) for one in (kept, in_frame))
    assert np.abs(same[y : y + 20, x : x + 20] - other[y : y + 20, x : x + 20]).mean() > 10
    assert np.abs(same[250:] - other[250:]).mean() < 1


def must_not_run(_pixels):
    raise AssertionError


def test_no_network_looks_where_no_plate_was_read_and_no_face_is_sought_where_none_could_be_kept():
    assert VehicleScenes(must_not_run, must_not_run, must_not_run).of(FRAME, []) == []
    for plate in (
        (100, 100, 40, 9),
        (100, 100, 330, 60),
    ):  # too small to hold a face; too large to be a plate
        (kept,) = VehicleScenes(nothing, must_not_run, must_not_run).of(FRAME, [plate])
        assert kept.scene is None


def test_each_scene_shows_its_own_plate_and_hides_the_others_read_or_not():
    unread = (230, 340, 30, 10)
    first, second = scenes(plates=lambda _: [PLATE, unread]).of(FRAME, [PLATE, OTHER_PLATE])

    assert "2 other plates" in first.scene.what_was_removed, "its own, found again, is not another"
    assert "3 other plates" in second.scene.what_was_removed, "the first, as read and as found"
    assert "2 other plates" in scenes().of(FRAME, [PLATE, OTHER_PLATE, unread])[0].scene.what_was_removed


def test_a_network_that_fails_is_an_error_and_not_an_empty_road():
    def broken(_pixels):
        raise GlassplateError("The network broke.")

    car = lambda _: [CAR]  # noqa: E731
    for parts in ((broken, nothing, nothing), (car, broken, nothing), (car, nothing, broken)):
        with pytest.raises(GlassplateError, match="broke"):
            VehicleScenes(*parts).of(FRAME, [PLATE])


def test_a_network_that_sees_everything_everywhere_leaves_the_plate_alone():
    detector = VehicleDetector(VehicleSession(scores=1.0))
    (kept,) = VehicleScenes(detector.find, FaceFinder(FaceSession()).find, nothing).of(FRAME, [PLATE])
    assert kept.scene is None


def test_a_stored_version_names_the_networks_of_recognizer_and_scenes():
    class Recognizer:
        version = "letters/1 reader@0123456789ab"

    hashed = "".join(
        f"{name} {model(name).sha256}\n" for name in ("nanodet-g-416", "centerface", "plate-detector")
    )
    digest = hashlib.sha256(hashed.encode()).hexdigest()
    version = stored_version(Recognizer(), shipped_version())
    assert version == f"letters/1 reader@0123456789ab scenes/2@{digest[:40]}"
    assert scenes().version == shipped_version()


def test_versions_of_every_engine_fit_into_a_sealed_read():
    for name in ("glassplate", "whole-frame"):
        assert len(stored_version(engine(name), shipped_version())) <= 128


def test_a_plate_that_was_not_read_is_found_and_hidden():
    pixels = np.concatenate([np.asarray(demo_photo(1)), np.asarray(demo_photo(7))], axis=1)
    both = a("car", (250, 60, 1500, 600))
    left, right = PLATES[1], (960 + 406, 363, 268, 100)

    (kept,) = VehicleScenes(lambda _: [both], nothing).of(pixels, [left])

    assert "1 other plate" in kept.scene.what_was_removed
    shown = np.asarray(Image.open(io.BytesIO(kept.scene.jpeg))).astype(int)
    scale = shown.shape[1] / 1920
    x, y, width, height = (round(one * scale) for one in (right[0] - 25, right[1], right[2], right[3]))
    assert shown.std(axis=(0, 1)).max() > 20
    assert all(one.text != "9WCA158" for one in engine("whole-frame").read(shown.astype(np.uint8)))
    assert any(one.text == "9WCA158" for one in engine("whole-frame").read(pixels))
    assert shown[y + 6 : y + height - 6, x + 10 : x + width - 10].std() < 25


PLATES = {1: (497, 316, 149, 59), 5: (382, 410, 276, 103), 14: (588, 375, 146, 62)}


def test_nobody_drawn_into_a_photo_is_left_in_its_scene():
    networks = VehicleScenes()
    strict = FaceFinder(long_side=960, confidence=0.3, most_enlarged=4.0)
    before = 0
    for number, plate in PLATES.items():
        x, y = plate[0] - 110, plate[1] - 40
        pixels = with_people(demo_photo(number), people=[(0.45, x, y)], heads=[(0.5, plate[0] + 40, 210)])
        before += len(strict.find(pixels))
        (kept,) = networks.of(pixels, [plate])
        assert kept.scene is not None
        left = np.asarray(Image.open(io.BytesIO(kept.scene.jpeg)))
        assert strict.find(left) == []
    assert before >= len(PLATES)


def test_most_demo_photos_give_a_scene_of_a_car():
    networks = VehicleScenes()
    kept = [
        networks.of(np.asarray(demo_photo(number)), [(400, 450, 200, 60)])[0]
        for number in range(1, len(list(DEMO_PHOTOS.glob("*.jpg"))) + 1)
    ]
    assert sum(one.scene is not None for one in kept) >= 0.7 * len(kept)
    assert all(one.vehicle.body in ("car", "truck", "bus") for one in kept if one.scene)


def test_the_plate_of_a_photo_looks_the_same_in_crop_and_scene():
    pixels, plate = np.asarray(demo_photo(1)), PLATES[1]
    detector = VehicleDetector()
    left, top, *_ = shown_with(plate, detector.find(pixels), pixels.shape[1], pixels.shape[0]).part

    (kept,) = VehicleScenes(detector.find).of(pixels, [plate])

    crop, scene = (
        np.asarray(Image.open(io.BytesIO(one.jpeg))).astype(int) for one in (kept.crop, kept.scene)
    )
    height, width = crop.shape[:2]
    y, x = plate[1] - 5 - top, plate[0] - 5 - left  # the crop's margins
    assert np.abs(scene[y : y + height, x : x + width] - crop).mean() < 4
