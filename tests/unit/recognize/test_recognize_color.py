import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recognize_testing import demo_rows
from scenes_testing import demo_photo, noise

from glassplate.recognize.color import NAMES, color_votes

VEHICLE, PLATE = (200, 100, 300, 250), (310, 260, 80, 24)
PAINTS = {
    "white": (245, 245, 245),
    "silver or gray": (140, 142, 145),
    "black": (25, 25, 27),
    "red": (170, 20, 30),
    "green": (20, 110, 60),
    "blue": (30, 60, 160),
    "yellow or beige": (235, 190, 40),
}


def street(paint, plate=(230, 230, 225)):
    """A gray street under a white sky, with lamps of several colors, and a vehicle in one paint."""
    pixels = np.full((480, 640, 3), 118, dtype=np.uint8)
    pixels[:90] = 235
    pixels[420:470, 20:180] = (190, 40, 40)
    pixels[420:470, 220:420] = (40, 60, 190)
    _fill(pixels, VEHICLE, paint)
    _fill(pixels, PLATE, plate)
    return pixels


def _fill(pixels, box, color):
    x, y, width, height = box
    pixels[y : y + height, x : x + width] = color


@pytest.mark.parametrize("name", PAINTS)
def test_a_painted_vehicle_has_the_name_of_its_paint(name):
    first = color_votes(street(PAINTS[name]), VEHICLE, PLATE)[0]

    assert first.name == name
    assert first.confidence > 0.6


def test_orange_is_called_red_and_brown_is_called_beige():
    assert color_votes(street((235, 110, 20)), VEHICLE, PLATE)[0].name == "red"
    assert color_votes(street((110, 75, 45)), VEHICLE, PLATE)[0].name == "yellow or beige"


def test_the_plate_has_no_vote():
    assert color_votes(street(PAINTS["blue"], (255, 220, 0)), VEHICLE, PLATE) == color_votes(
        street(PAINTS["blue"]), VEHICLE, PLATE
    )


def test_two_colors_share_the_votes():
    pixels = street(PAINTS["red"])
    _fill(pixels, (200, 100, 300, 150), PAINTS["white"])

    votes = color_votes(pixels, VEHICLE, PLATE)

    assert {votes[0].name, votes[1].name} == {"red", "white"}
    assert sum(one.confidence for one in votes) == pytest.approx(1, abs=1e-3)
    assert votes[0].confidence >= votes[1].confidence


def test_the_panel_above_the_plate_votes_too():
    pixels = street(PAINTS["red"])
    _fill(pixels, (200, 164, 300, 48), PAINTS["blue"])  # above the lower body, within four plate heights

    assert [one.name for one in color_votes(pixels, VEHICLE, PLATE)[:2]] == ["red", "blue"]


def lamps_at_night(pixels):
    dark = (pixels * 0.1).astype(np.uint8)
    dark[:60, :500] = 255
    return dark


LIGHT_WITHOUT_NAMES = {
    "night with many lamps": lamps_at_night,
    "night": lambda pixels: (pixels * 0.15).astype(np.uint8),
    "an infrared camera's gray picture": lambda pixels: np.repeat(
        pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2
    ),
    "a camera without an infrared filter": lambda pixels: (pixels * (1.0, 0.55, 0.9)).astype(np.uint8),
    "dull light, in which nothing is bright": lambda pixels: (60 + pixels * 0.12).astype(np.uint8),
    "blackness": np.zeros_like,
}


@pytest.mark.parametrize("change", LIGHT_WITHOUT_NAMES.values(), ids=LIGHT_WITHOUT_NAMES.keys())
def test_no_color_is_named_in(change):
    assert color_votes(street(PAINTS["red"]), VEHICLE, PLATE)
    assert color_votes(change(street(PAINTS["red"])), VEHICLE, PLATE) == ()


def test_no_color_is_named_on_the_demo_photos_of_the_night():
    nights = [number for number, row in enumerate(demo_rows(), 1) if row["light"] == "night"]
    assert nights
    for number in nights:
        pixels = np.asarray(demo_photo(number))
        assert color_votes(pixels, (100, 100, 700, 500), (350, 400, 250, 90)) == ()


BOXES = st.tuples(st.integers(-700, 700), st.integers(-700, 700), st.integers(1, 900), st.integers(1, 900))
STREET = np.concatenate([street(PAINTS["green"]), noise(60, 640)])


@settings(max_examples=60, deadline=None)
@given(BOXES, BOXES)
def test_any_boxes_give_votes_that_add_up_and_the_same_ones_again(vehicle, plate):
    votes = color_votes(STREET, vehicle, plate)

    assert votes == color_votes(STREET.copy(), vehicle, plate)
    assert [one.confidence for one in votes] == sorted((one.confidence for one in votes), reverse=True)
    assert {one.name for one in votes} <= set(NAMES)
    assert not votes or sum(one.confidence for one in votes) == pytest.approx(1, abs=1e-3)


def test_boxes_beside_the_picture_give_no_votes():
    assert color_votes(street(PAINTS["red"]), (2000, 2000, 50, 50), (2010, 2010, 10, 5)) == ()
