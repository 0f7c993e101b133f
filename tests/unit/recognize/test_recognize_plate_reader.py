"""Bands of a found plate, and the text that all of them together find likeliest."""

from __future__ import annotations

import numpy as np
import pytest

from glassplate.plate_text import ALPHABET
from glassplate.recognize import plate_reader
from glassplate.recognize.plate_detector import FoundPlate
from glassplate.recognize.plate_reader import (
    BANDS,
    HEIGHT,
    MARGIN_ACROSS,
    WIDTH,
    PlateNetwork,
    PlateReader,
    bands_of,
)


def plate_at(left, top, right, bottom):
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return FoundPlate(0.9, (left, top, right, bottom), corners)


def steps_saying(text, sure=0.9):
    classes = [0]
    for one in text:
        classes += [ALPHABET.index(one) + 1, 0]
    steps = np.full((len(classes), len(ALPHABET) + 1), (1 - sure) / len(ALPHABET), np.float32)
    steps[np.arange(len(classes)), classes] = sure
    return steps


class Scripted:
    """A session that says one text a band, in the order in which bands are asked for."""

    def __init__(self, *texts, sure=0.9):
        self.rows = [steps_saying(one, sure) for one in texts]
        self.said = 0

    def run(self, _outputs, inputs):
        longest = max(len(one) for one in self.rows)
        blank = steps_saying("")
        padded = [np.concatenate([one, *[blank] * (longest - len(one))]) for one in self.rows]
        assert inputs["x"].shape[1:] == (3, HEIGHT, WIDTH)
        first, self.said = self.said, self.said + len(inputs["x"])
        return [np.log(np.stack([padded[at % len(padded)] for at in range(first, self.said)]))]


@pytest.fixture
def read(monkeypatch):
    def reading(*texts, sure=0.9):
        network = PlateNetwork.__new__(PlateNetwork)
        network._session = Scripted(*texts, sure=sure)
        return PlateReader(network).read(np.zeros((60, 200, 3), np.uint8), plate_at(10, 10, 110, 60))

    return reading


def test_bands_that_agree_win_over_one_that_does_not(read):
    found = read("7KD214", "7KDR214", "7KDR214")
    assert found.text == "7KDR214"
    assert [text for text, _ in found.others] == ["7KD214"]


def test_a_plausible_text_wins_over_a_word(read):
    assert read("TOYOTA", "7KDR214", "TOYO7A").text != "TOYOTA"


def test_a_plate_that_shows_nothing_says_nothing(read):
    assert read("", "", "") is None


def test_confidence_is_that_of_the_bands_that_read_the_text(read):
    assert read("7KDR214", "7KDR214", "7KDR214", sure=0.8).confidence == pytest.approx(0.8, abs=0.01)


def test_a_band_is_the_plate_as_it_lies_and_a_little_on_both_sides():
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[20:60, 50:150] = (10, 200, 90)
    (band,) = bands_of(pixels, plate_at(50, 20, 150, 60).corners, ((0.0, 1.0),))
    assert band.shape == (HEIGHT, WIDTH, 3)
    rim = round(WIDTH * MARGIN_ACROSS / (1 + 2 * MARGIN_ACROSS))
    middle = band[4:-4, rim + 4 : -rim - 4].reshape(-1, 3)
    assert np.abs(middle.astype(int) - (10, 200, 90)).max() <= 2
    assert band[:, : rim - 4].max() < 100


def test_a_slanted_plate_is_straightened():
    import cv2

    corners = np.array([[60, 40], [180, 70], [175, 110], [55, 80]], np.int32)
    pixels = np.zeros((160, 240, 3), np.uint8)
    cv2.fillConvexPoly(pixels, corners, (200, 200, 200))
    (band,) = bands_of(pixels, tuple((float(x), float(y)) for x, y in corners), ((0.1, 0.9),))
    rim = round(WIDTH * MARGIN_ACROSS / (1 + 2 * MARGIN_ACROSS))
    assert band[2:-2, rim + 6 : -rim - 6].min() > 150, "no corner of the background is left in the band"


def bands_asked_for(monkeypatch, box, *texts, sure=0.9):
    asked = []
    whole = plate_reader.bands_of
    monkeypatch.setattr(plate_reader, "bands_of", lambda *args: asked.append(args[2]) or whole(*args))
    network = PlateNetwork.__new__(PlateNetwork)
    network._session = Scripted(*texts, sure=sure)
    return PlateReader(network).read(np.zeros((300, 400, 3), np.uint8), plate_at(*box)), asked


def test_a_flat_plate_has_its_own_bands(monkeypatch):
    _, asked = bands_asked_for(monkeypatch, (10, 10, 310, 70), "B123KDR")
    assert asked == [plate_reader.FLAT_BANDS]


def test_a_square_plate_that_is_not_sure_is_read_in_two_lines(monkeypatch):
    read, asked = bands_asked_for(
        monkeypatch, (10, 10, 110, 90), "K7D", "K7D", "K7D", "KDR", "7214", sure=0.8
    )
    assert asked == [BANDS, plate_reader.LINES]
    assert read.text == "KDR7214"


def test_a_square_plate_that_is_sure_in_one_line_is_not_read_again(monkeypatch):
    read, asked = bands_asked_for(monkeypatch, (10, 10, 110, 90), "7KDR214", sure=0.99)
    assert asked == [BANDS]
    assert read.text == "7KDR214"


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-40, -40, 500, 300), (199, 99, 200, 100), (5, 5, 5, 5)])
def test_boxes_at_the_rim_or_without_area_give_bands_all_the_same(box):
    for band in bands_of(np.full((100, 200, 3), 7, np.uint8), plate_at(*box).corners, BANDS):
        assert band.shape == (HEIGHT, WIDTH, 3)
