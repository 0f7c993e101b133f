import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes_testing import a, noise

from glassplate.recognize.hiding import (
    FACE_CELLS,
    GLASS_CELLS,
    PERSON_CELLS,
    HiddenArea,
    face_area,
    glass_above_plate,
    glass_area,
    hide,
    person_area,
    plate_area,
)

PICTURE = noise(120, 160)


def hidden(*areas):
    pixels = PICTURE.copy()
    count = hide(pixels, areas)
    return pixels, count


def colors_in(pixels):
    return len(np.unique(pixels.reshape(-1, 3), axis=0))


def test_an_area_becomes_the_means_of_its_cells():
    pixels, count = hidden(HiddenArea((20, 30, 60, 60), 6))

    assert count == 1
    assert colors_in(pixels[30:90, 20:80]) <= 36
    cell = PICTURE[40:50, 50:60].reshape(-1, 3).mean(axis=0)
    assert pixels[45, 55] == pytest.approx(cell, abs=1)


def test_what_a_cell_averaged_is_in_no_byte_of_the_result():
    shuffled = PICTURE.copy()
    block = shuffled[40:50, 50:60].reshape(-1, 3)
    shuffled[40:50, 50:60] = np.random.default_rng(1).permutation(block).reshape(10, 10, 3)
    assert not np.array_equal(shuffled, PICTURE)

    hide(shuffled, [HiddenArea((20, 30, 60, 60), 6)])

    assert np.array_equal(shuffled, hidden(HiddenArea((20, 30, 60, 60), 6))[0])


def test_a_face_at_the_edge_has_no_finer_cells_than_one_in_the_middle():
    whole, part = (0, 0, 48, 48), (-36, 0, 48, 48)
    assert HiddenArea(part, 6).cell_pixels == HiddenArea(whole, 6).cell_pixels == 8
    pixels, _ = hidden(HiddenArea(part, 6))
    assert colors_in(pixels[0:48, 0:12]) <= 6


def test_a_sliver_has_cells_as_coarse_as_its_length_wants():
    assert HiddenArea((0, 0, 1, 180), 6).cell_pixels == 10
    assert HiddenArea((0, 0, 180, 2), 4).cell_pixels == 15


def test_one_pixel_stays_one_pixel_and_an_area_beside_the_picture_hides_nothing():
    assert np.array_equal(hidden(HiddenArea((5, 5, 1, 1), 6))[0], PICTURE)
    for box in ((160, 0, 9, 9), (-9, 0, 9, 9), (0, 120, 9, 9), (0, -9, 9, 9)):
        pixels, count = hidden(HiddenArea(box, 6))
        assert count == 0
        assert np.array_equal(pixels, PICTURE)


def test_a_body_a_face_and_glass_keep_few_cells_and_a_plate_none_to_read():
    assert person_area(a("person", (10, 10, 60, 120))).cell_pixels == 60 / PERSON_CELLS
    face = face_area(a("face", (50, 50, 40, 40)))
    assert face.box == (42, 42, 56, 56)
    assert face.cell_pixels == 56 / FACE_CELLS
    assert glass_area(a("car", (0, 0, 120, 100))).cell_pixels == 60 / GLASS_CELLS
    pixels, _ = hidden(plate_area((20, 20, 90, 30)))
    assert colors_in(pixels[20:50, 20:110]) <= 3


def test_glass_ends_above_the_plate_or_at_six_tenths():
    car = a("car", (100, 100, 400, 300))
    assert glass_area(car).box == (100, 100, 400, 180)
    # the plate's top less its height: 210 - 30
    assert glass_above_plate(car, (250, 210, 100, 30), 55).box == (80, 55, 440, 125)
    assert glass_above_plate(car, (250, 360, 100, 30), 55).box == (80, 55, 440, 225)


def test_glass_is_not_located_where_the_box_ends_at_the_plate():
    car = a("car", (100, 100, 400, 300))
    assert glass_above_plate(car, (250, 120, 100, 30), 55) is None
    assert glass_above_plate(car, (250, 170, 100, 30), 55) is None
    assert glass_above_plate(car, (250, 175, 100, 30), 55) is not None


AREAS = st.builds(
    HiddenArea,
    st.tuples(st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 400), st.integers(1, 400)),
    st.integers(1, 6),
)


@settings(max_examples=200, deadline=None)
@given(AREAS)
def test_any_area_is_coarse_inside_and_untouched_outside(area):
    pixels, count = hidden(area)

    x, y, width, height = area.box
    inside = np.zeros(PICTURE.shape[:2], dtype=bool)
    inside[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = True
    assert count == int(inside.any())
    assert np.array_equal(pixels[~inside], PICTURE[~inside])
    if count:
        rows, columns = (int(inside.any(axis=one).sum()) for one in (1, 0))
        cells = max(1, rows // area.cell_pixels) * max(1, columns // area.cell_pixels)
        assert colors_in(pixels[inside]) <= cells
