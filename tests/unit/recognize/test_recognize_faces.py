import math

import numpy as np
import pytest
from recognize_testing import writing
from scenes_testing import FaceSession, demo_photo, with_people

from glassplate.errors import GlassplateError
from glassplate.recognize.faces import CONFIDENCE, FaceFinder
from glassplate.recognize.found import overlap


def found_by(*faces, shape=(640, 640)):
    return FaceFinder(FaceSession(faces)).find(np.zeros((*shape, 3), dtype=np.uint8))


def test_the_first_channel_is_vertical_in_size_and_offset():
    (face,) = found_by((50, 80, 0.7, (math.log(10), math.log(5)), (0.5, -2.25)))

    assert face.kind == "face"
    assert face.confidence == pytest.approx(0.7)
    # 40 high and 20 wide around x = (80 - 2.25 + .5) · 4 = 313 and y = (50 + .5 + .5) · 4 = 204
    assert face.box == pytest.approx((303, 184, 20, 40), abs=1)


def test_rows_and_columns_are_scaled_each_by_its_own():
    (face,) = found_by((40, 80, 0.7, (math.log(10), math.log(10)), (0.0, 0.0)), shape=(350, 1280))

    # 350 × 1280 becomes 192 × 640: 2 across, 350 / 192 along
    assert face.box == pytest.approx((604, 258.8, 80, 72.9), abs=1.1)


def test_the_input_is_red_green_blue_in_multiples_of_32():
    session = FaceSession()
    FaceFinder(session).find(np.full((333, 500, 3), (10, 20, 30), dtype=np.uint8))

    (canvas,) = session.inputs
    assert canvas.shape == (1, 3, 352, 512)
    assert canvas[0, :, 100, 100].tolist() == [10, 20, 30]


def test_a_small_picture_is_not_enlarged_beyond_the_next_multiple():
    session = FaceSession()
    FaceFinder(session).find(np.zeros((20, 40, 3), dtype=np.uint8))
    assert session.inputs[0].shape == (1, 3, 32, 64)


def test_only_faces_from_the_confidence_on_and_each_once():
    size, offset = (math.log(10), math.log(10)), (0.0, 0.0)
    found = found_by(
        (20, 20, CONFIDENCE + 0.01, size, offset),
        (20, 21, CONFIDENCE + 0.2, size, offset),
        (90, 90, CONFIDENCE - 0.01, size, offset),
    )
    assert [one.confidence for one in found] == [pytest.approx(CONFIDENCE + 0.2)]


def test_a_face_without_measure_does_not_overflow():
    (face,) = found_by((50, 80, 0.7, (1000.0, 1000.0), (0.0, 0.0)))
    assert max(map(abs, face.box)) < 10_000


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_an_error_and_not_an_empty_road(odd):
    with pytest.raises(GlassplateError, match="centerface answered"):
        found_by((50, 80, odd, (0.0, 0.0), (0.0, 0.0)))


def test_drawn_faces_are_found_and_writing_is_none():
    finder = FaceFinder()
    pixels = with_people(demo_photo(1), people=[(0.75, 40, 280)], heads=[(1.0, 360, 130)])

    found = finder.find(pixels)

    drawn = [(90, 303, 51, 61), (362, 140, 64, 82)]
    assert all(max(overlap(one.box, face) for one in found) > 0.3 for face in drawn)
    assert finder.find(writing("7KDR214", "6HNV372")) == []
