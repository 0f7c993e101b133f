"""The state by the words on the plate: said where it is nearly certain, unknown everywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered_plates import state_plate

from glassplate.plate_text import ALPHABET
from glassplate.recognize.plate_reader import PlateNetwork
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.region import RegionReader, distance_inside, judge
from glassplate.recognize.regions import CERTAIN_FROM
from glassplate.records import UNKNOWN

READ = ALPHABET + ALPHABET.lower()  # lower case: hardly legible


@pytest.fixture(scope="module")
def reader():
    return RegionReader(PlateNetwork())


def candidate(pixels, text):
    height, width = pixels.shape[:2]
    return PlateCandidate(text, (0.9,) * len(text), (0, 0, width, height))


RENDERED = {
    "US-TX": ("TEXAS", "THE LONE STAR STATE", "KDR2147"),
    "US-CA": ("CALIFORNIA", "DMV.CA.GOV", "7KDR214"),
    "US-NY": ("NEW YORK", "EMPIRE STATE", "KDR2147"),
    "US-WA": ("WASHINGTON", "EVERGREEN STATE", "KDR2147"),
    "US-MN": ("MINNESOTA", "10,000 LAKES", "721KDR"),
    "US-OR": ("OREGON", "", "721KDR"),
}


@pytest.mark.parametrize("state", RENDERED)
def test_a_legible_state_is_named(reader, state):
    name, slogan, serial = RENDERED[state]
    pixels = state_plate(name, slogan, serial)
    region, confidence = reader.predict(pixels, candidate(pixels, serial))
    assert region == state
    assert 0.8 < confidence <= 1


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((90, 180, 3), 255, np.uint8),
        np.zeros((90, 180, 3), np.uint8),
        np.random.default_rng(3).integers(0, 256, (90, 180, 3), dtype=np.uint8),
        state_plate("TEXAS", "", "KDR2147")[::8, ::8],
        state_plate("TEXAS", "THE LONE STAR STATE", "KDR2147")[:60],
    ],
    ids=["white", "black", "noise", "tiny", "flat"],
)
def test_what_shows_no_words_is_unknown(reader, pixels):
    assert reader.predict(pixels, candidate(pixels, "KDR2147")) == (UNKNOWN, 0.0)


def test_a_dealers_frame_with_another_states_name_does_not_name_it(reader):
    pixels = state_plate("TEXAS TOYOTA", "HOUSTON MOTORS", "7KDR214")
    assert reader.predict(pixels, candidate(pixels, "7KDR214"))[0] == UNKNOWN


@pytest.mark.parametrize("below", ["TOYOTA OF DALLAS", "LONGHORNS", "LAKE COUNTY MOTORS"])
def test_a_frame_of_two_lines_over_a_serial_that_fits_names_no_state(reader, below):
    pixels = state_plate("TEXAS", below, "KDR2147")
    assert reader.predict(pixels, candidate(pixels, "KDR2147")) == (UNKNOWN, 0.0)


@pytest.mark.parametrize(
    ("words", "serial", "region"),
    [
        (("TEXAS", "THELONESTARSTATE"), "KDR2147", "US-TX"),
        (("TEXAS", ""), "KDR2147", "US-TX"),
        (("TEXAS", ""), "7KDR214", UNKNOWN),  # the format speaks against it: a frame, or a misread serial
        (("CALIFORNIA", "TEXAS"), "7KDR214", UNKNOWN),  # contradiction
        (("TEXASTOYOTA", ""), "KDR2147", UNKNOWN),
        (("MARVIRGINIA99", ""), "KDR2147", "US-VA"),  # month and year are stickers
        (("WESTVIRGINIA", "WILDWONDERFUL"), "1K7214", "US-WV"),  # never Virginia
        (("CONNECT1CUT", ""), "KD72147", "US-CT"),
        (("AKANSAS", ""), "721KDR", UNKNOWN),  # Arkansas misread or Kansas with a speck before it
        (("", ""), "KDR2147", UNKNOWN),
        (("FORD", "CHEVROLET"), "KDR2147", UNKNOWN),
        (("PENNSYLVANIA", ""), "7KDR214", UNKNOWN),  # a long name in a frame outweighs no format
        (("CALIFORNIA", ""), "KDR2147", UNKNOWN),
        (("NEWYORK", ""), "721KDR", UNKNOWN),  # a city, on a dealer's frame
        (("VIRGINIA", ""), "1KD214", UNKNOWN),  # West Virginia, a bolt on its first word
        (("KANSAS", ""), "721KDR", UNKNOWN),  # or Arkansas with a sticker on its first two letters
        (("", "VIRGINIATECH"), "KDR2147", UNKNOWN),  # alumni
        (("", "MISSISSIPPISTATE"), "KDR2147", UNKNOWN),
        (("VIRGINIABEACH", ""), "KDR2147", UNKNOWN),
        (("TEXAS", "THELONESTARSTATE"), "7214KDRX", "US-TX"),  # nobody issues such a shape: a wish plate
        (("TEXAS", "THELONESTARSTATE"), "7KDR214", UNKNOWN),  # twice, and yet California's format
        (("GEORGIA", "BULLDOGS"), "KDR2147", UNKNOWN),  # two lines of a frame, over a serial that fits
        (("TEXAS", "TOYOTAOFDALLAS"), "KDR2147", UNKNOWN),
        (("LONGHORNS", "TEXAS"), "KDR2147", UNKNOWN),
        (("TEXAS", "F0RD"), "KDR2147", UNKNOWN),
        (("TEXAS", "TEXASLONGHORNS"), "KDR2147", UNKNOWN),  # twice, beside other words
        (("TEXAS", "bxLkhqvt"), "KDR2147", "US-TX"),  # hardly legible: edges of the serial, no words
        (("TEXAS", "THLNSTARSAT1"), "KDR2147", "US-TX"),  # what a reader leaves of the slogan
        (("NEWJERSEY", "GARNSE"), "KDR21L", "US-NJ"),
        (("TEXAS", "7TY04"), "KDR2147", "US-TX"),  # stickers: at most three letters
        (("TEXAS", ""), "KATE4UK", UNKNOWN),
        (("WISCONSIN", ""), "K4TE4UK", "US-WI"),  # a shape that nobody issues: a wish plate
    ],
)
def test_what_words_say(words, serial, region):
    assert judge(words, serial)[0] == region


def test_more_legible_words_are_more_confidence():
    assert judge(("TEXAS", "THELONESTARSTATE"), "KDR2147")[1] > judge(("TEXAS", ""), "KDR2147")[1]


@settings(max_examples=150, deadline=None)
@given(st.text(READ, max_size=20), st.text(READ, max_size=20), st.text(ALPHABET, max_size=9))
def test_any_words_give_a_region_with_a_confidence_or_unknown_without(above, below, serial):
    region, confidence = judge((above, below), serial)
    assert (region == UNKNOWN) == (confidence == 0.0)
    assert region == UNKNOWN or CERTAIN_FROM < confidence <= 1  # what one look states is certain


@pytest.mark.parametrize(
    ("phrase", "line", "expected"),
    [
        ("TEXAS", "TEXAS", 0),
        ("TEXAS", "XXTEXASYY", 0),
        ("TEXAS", "TEAS", 1),
        ("TEXAS", "", 5),
        ("TEXAS", "QQQ", 5),
    ],
)
def test_distance_of_a_phrase_to_the_nearest_part_of_a_line(phrase, line, expected):
    assert distance_inside(phrase, line) == expected
