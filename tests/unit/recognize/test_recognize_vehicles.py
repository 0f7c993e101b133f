import numpy as np
import pytest
from scenes_testing import VehicleSession, a, demo_photo, with_people

from glassplate.errors import GlassplateError
from glassplate.recognize.found import Found, carrier, overlap
from glassplate.recognize.vehicles import PERSON_CONFIDENCE, VEHICLE_CONFIDENCE, VehicleDetector

PERSON, CAR, TRAIN, TRUCK = 0, 2, 6, 7
GRAY = np.full((720, 1280, 3), 128, dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    return VehicleDetector()


def found_by(*objects, pixels=GRAY):
    return VehicleDetector(VehicleSession(objects)).find(pixels)


def test_a_box_is_placed_by_its_bins_and_taken_back_through_the_letterbox():
    place = 10 * 26 + 8  # row 10, column 8 of stride 16: center (135.5, 167.5) on the canvas
    (car,) = found_by((16, place, CAR, 0.75, (2, 1, 3, 4)))

    scale, top = 416 / 1280, (416 - 234) // 2
    left_edge, top_edge = (135.5 - 2 * 16) / scale, (167.5 - 1 * 16 - top) / scale
    assert car.kind == "car"
    assert car.confidence == pytest.approx(0.75)
    assert car.box[:2] == (int(left_edge), int(top_edge))
    assert car.box[2] == pytest.approx(5 * 16 / scale, abs=2)
    assert car.box[3] == pytest.approx(5 * 16 / scale, abs=2)


def test_colors_reach_the_network_as_blue_green_red_and_normalized():
    session = VehicleSession()
    VehicleDetector(session).find(np.full((416, 416, 3), (255, 0, 128), dtype=np.uint8))

    (canvas,) = session.inputs
    blue, green, red = canvas[0, :, 200, 200]
    assert blue == pytest.approx((128 - 103.53) / 57.375, abs=1e-4)
    assert green == pytest.approx(-116.28 / 57.12, abs=1e-4)
    assert red == pytest.approx((255 - 123.675) / 58.395, abs=1e-4)


def test_bars_beside_a_tall_picture_are_black():
    session = VehicleSession()
    VehicleDetector(session).find(np.full((400, 100, 3), 255, dtype=np.uint8))

    (canvas,) = session.inputs
    assert canvas[0, 2, 200, 150] == pytest.approx(-123.675 / 58.395, abs=1e-4)
    assert canvas[0, 2, 200, 208] > 2


def test_people_count_from_a_lower_confidence_than_vehicles():
    between = (PERSON_CONFIDENCE + VEHICLE_CONFIDENCE) / 2
    bins = (1, 1, 1, 1)

    found = found_by((32, 20, PERSON, between, bins), (32, 90, CAR, between, bins))

    assert [one.kind for one in found] == ["person"]


def test_classes_beside_vehicles_and_people_are_not_looked_at():
    assert found_by((32, 20, TRAIN, 0.99, (1, 1, 1, 1))) == []


def test_the_same_object_twice_is_told_once_and_of_another_kind_beside_it():
    bins = (3, 3, 3, 3)
    found = found_by((32, 80, CAR, 0.6, bins), (16, 316, CAR, 0.5, (6, 6, 6, 6)), (32, 80, TRUCK, 0.4, bins))

    assert [(one.kind, pytest.approx(one.confidence)) for one in found] == [("car", 0.6), ("truck", 0.4)]


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_an_error_and_not_an_empty_road(odd):
    with pytest.raises(GlassplateError, match="nanodet-g-416 answered"):
        VehicleDetector(VehicleSession(scores=odd)).find(GRAY)


def test_a_network_that_sees_something_everywhere_is_answered_with_boxes():
    found = VehicleDetector(VehicleSession(scores=1.0)).find(GRAY)

    assert {one.kind for one in found} == {"person", "bicycle", "car", "motorcycle", "bus", "truck"}
    assert len(found) > 1000


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 2), (17, 16)])
def test_a_picture_of_any_shape_is_looked_at(detector, shape):
    assert isinstance(detector.find(np.zeros((*shape, 3), dtype=np.uint8)), list)


def test_the_vehicle_of_a_demo_photo_carries_its_plate(detector):
    vehicle = carrier(detector.find(np.asarray(demo_photo(1))), (497, 316, 149, 59))

    assert vehicle is not None
    assert vehicle.kind == "car"
    assert overlap(vehicle.box, (295, 130, 545, 450)) > 0.8


def test_a_drawn_person_is_found(detector):
    pixels = with_people(demo_photo(1), people=[(0.6, 60, 250)])
    people = [one for one in detector.find(pixels) if one.kind == "person"]

    assert max(overlap(one.box, (86, 262, 70, 315)) for one in people) > 0.6


def test_the_smallest_of_the_surest_boxes_carries_the_plate():
    group, vehicle = a("truck", (0, 0, 600, 400), 0.9), a("car", (100, 100, 300, 200), 0.8)
    doubtful = a("car", (180, 180, 100, 60), 0.3)

    assert carrier([group, vehicle, doubtful], (200, 200, 60, 20)) is vehicle
    assert carrier([group, vehicle, doubtful], (550, 20, 60, 20)) is group
    assert carrier([group, vehicle, doubtful], (605, 20, 60, 20)) is None
    assert carrier([a("person", (0, 0, 600, 400)), a("face", (0, 0, 600, 400))], (200, 200, 60, 20)) is None


NO_BOXES = {
    "with no width": (0, 0, 0, 5),
    "with a negative height": (0, 0, 5, -1),
    "of numbers with fractions": (0.5, 0, 5, 5),
    "with a coordinate that is no number": (float("nan"), 0, 5, 5),
    "beyond every picture": (1 << 40, 0, 5, 5),
    "of three numbers": (0, 0, 5),
    "of truths": (True, False, True, True),
}


@pytest.mark.parametrize("box", NO_BOXES.values(), ids=NO_BOXES.keys())
def test_nothing_is_found_in_a_box(box):
    with pytest.raises(ValueError, match="The box"):
        Found("car", 0.5, box)


def test_nothing_unknown_or_without_confidence_is_found():
    with pytest.raises(ValueError, match="looked for"):
        Found("dog", 0.5, (0, 0, 5, 5))
    for confidence in (float("nan"), -0.1, 1.1):
        with pytest.raises(ValueError, match="confidence"):
            Found("car", confidence, (0, 0, 5, 5))
