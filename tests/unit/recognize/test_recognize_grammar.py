"""Formats, the reading that a format asks for, and text that cameras burn in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassplate.plate_text import ALPHABET, fold
from glassplate.recognize.grammar import commonness, corrected, is_burnt_in, known_formats
from glassplate.recognize.regions import regions, shape_of

TEXTS = st.text(ALPHABET, min_size=1, max_size=9)
LOOK_ALIKES = st.text("OI01OI01AB7", min_size=4, max_size=8)


def of_shape(shape):
    return "".join({"L": "K", "N": "7"}[one] for one in shape)


@pytest.mark.parametrize(
    ("text", "region"),
    [("7KDR214", "US-CA"), ("KDR2147", "US-TX"), ("KD7R2K", "US-MO"), ("KDR2R47", "BR"), ("KD214RK", "FR")],
)
def test_formats_of_regions(text, region):
    assert region in known_formats(text)


def test_every_regions_own_texts_are_of_a_known_format():
    for region in regions():
        for shape in region.shapes:
            assert region.code in known_formats(of_shape(shape))
            assert commonness(of_shape(shape)) > 0


def test_a_shape_that_nobody_issues_is_no_format():
    assert known_formats("7K7K7K7K") == frozenset()
    assert commonness("7K7K7K7K") == 0


@pytest.mark.parametrize(
    ("read", "by_format"),
    [
        ("0ZC8421", "OZC8421"),  # a Brazilian or Texan plate, whose first three are letters
        ("7KDR2I4", "7KDR214"),
        ("KDR21O7", "KDR2107"),
        ("7KDR214", None),
        ("KDR2147", None),
    ],
)
def test_the_reading_that_the_format_asks_for(read, by_format):
    assert corrected(read) == by_format


@pytest.mark.parametrize("text", ["8KDR2S4", "KDR2B47", "KDRZ147"])
def test_other_look_alikes_are_left_alone(text):
    assert corrected(text) is None or fold(corrected(text)) == fold(text)
    assert "B" not in text or "B" in (corrected(text) or text)


@given(LOOK_ALIKES)
def test_a_correction_swaps_o_and_0_and_i_and_1_and_nothing_else(text):
    other = corrected(text)
    if other is not None:
        assert other != text
        assert len(other) == len(text)
        assert all(
            one == two or {one, two} in ({"O", "0"}, {"I", "1"}) for one, two in zip(text, other, strict=True)
        )
        assert known_formats(other)


@given(LOOK_ALIKES)
def test_a_correction_is_the_end_of_it_or_leads_on_to_something_commoner(text):
    other = corrected(text)
    if other is not None and known_formats(text):
        assert commonness(other) > commonness(text)


@given(TEXTS)
def test_shapes_are_letters_and_digits(text):
    assert len(shape_of(text)) == len(text)
    assert set(shape_of(text)) <= {"L", "N"}


@pytest.mark.parametrize(
    "text",
    [
        "20261125",
        "11252026",
        "25112026",
        "202611",
        "1230",
        "123059PM",
        "CAM01",
        "CH1",
        "1080P",
        "25FPS",
        "25NOV2026",
        "LIVE",
        "REC",
    ],
)
def test_what_cameras_burn_in_is_no_plate(text):
    assert is_burnt_in(text)


@pytest.mark.parametrize(
    "text", ["7KDR214", "KDR2147", "8BXW615", "5MRT480", "B123KDR", "9875", "KD7R2K", "2075KDR"]
)
def test_plates_are_not_taken_for_what_cameras_burn_in(text):
    assert not is_burnt_in(text)
