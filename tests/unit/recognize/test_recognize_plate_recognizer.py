"""The product's recognizer: what is kept, what is dropped, and when the whole frame is read."""

from __future__ import annotations

import numpy as np
import pytest

from glassplate.errors import GlassplateError
from glassplate.recognize.ctc import ReadCharacter
from glassplate.recognize.plate_detector import FoundPlate
from glassplate.recognize.plate_reader import PlateText
from glassplate.recognize.plate_recognizer import MAX_READ, PlateRecognizer
from glassplate.recognize.recognizer import PlateCandidate

PIXELS = np.zeros((100, 200, 3), np.uint8)


def found(score=0.9, left=10.4):
    corners = ((left, 20.2), (left + 60, 20.2), (left + 60, 50.6), (left, 50.6))
    return FoundPlate(score, (left, 20.2, left + 60, 50.6), corners)


def text(value, confidence=0.95, others=()):
    return PlateText(tuple(ReadCharacter(one, confidence, "A", 0.01) for one in value), others)


class Finds:
    def __init__(self, *plates):
        self.plates = list(plates)

    def find(self, _pixels):
        return self.plates


class Reads:
    def __init__(self, *texts):
        self.texts, self.asked = list(texts), 0

    def read(self, _pixels, _plate):
        self.asked += 1
        return self.texts[self.asked - 1]


class Anywhere:
    def __init__(self, *texts):
        self.texts = texts

    def read(self, _pixels):
        return [PlateCandidate(one, (0.9,) * len(one), (1, 2, 30, 10)) for one in self.texts]


class Nowhere:
    def predict(self, _pixels, _candidate):
        return "unknown", 0.0


def recognizer(plates, texts, anywhere=(), regions=None):
    made = PlateRecognizer.__new__(PlateRecognizer)
    made._reads_whole_frames = True
    made._detector, made._reader = Finds(*plates), Reads(*texts)
    made._whole_frame, made._regions = Anywhere(*anywhere), regions or Nowhere()
    return made


def test_a_plate_has_its_text_its_box_and_its_corners():
    (plate,) = recognizer([found()], [text("7KDR214")]).read(PIXELS)
    assert (plate.text, plate.box) == ("7KDR214", (10, 20, 61, 31))
    assert plate.corners == found().corners
    assert plate.character_confidences == (0.95,) * 7


def test_the_raw_text_stays_and_the_format_is_offered_beside_it():
    (plate,) = recognizer([found()], [text("7KDR2I4")]).read(PIXELS)
    assert plate.text == "7KDR2I4"
    assert plate.alternatives[0].text == "7KDR214"


@pytest.mark.parametrize("dropped", ["TOYOTA", "20261125", "1230", "CAM01", "7K", "123456789"])
def test_words_dates_and_fragments_are_no_plates(dropped):
    assert recognizer([found()], [text(dropped)]).read(PIXELS) == []


def test_what_looks_like_no_regions_plate_must_be_surer():
    sure, unsure = 0.95, 0.45
    assert recognizer([found(unsure)], [text("7KDR214")]).read(PIXELS)
    assert not recognizer([found(unsure)], [text("7K7K7K7K")]).read(PIXELS)
    assert recognizer([found(sure)], [text("7K7K7K7K")]).read(PIXELS)


def test_the_surest_plate_comes_first():
    read = recognizer([found(0.9), found(0.8)], [text("7KDR214", 0.6), text("8BXW615", 0.99)]).read(PIXELS)
    assert [one.text for one in read] == ["8BXW615", "7KDR214"]


def test_no_more_boxes_are_read_than_a_frame_may_cost():
    made = recognizer([found()] * 16, [text("7KDR214")] * 16)
    made.read(PIXELS)
    assert made._reader.asked == MAX_READ


def test_the_whole_frame_is_read_only_where_no_plate_was_found():
    assert [one.text for one in recognizer([], [], ["5MRT480"]).read(PIXELS)] == ["5MRT480"]
    assert [one.text for one in recognizer([found()], [None], ["5MRT480"]).read(PIXELS)] == ["5MRT480"]
    assert [one.text for one in recognizer([found()], [text("7KDR214")], ["5MRT480"]).read(PIXELS)] == [
        "7KDR214"
    ]


def test_video_does_without_the_whole_frame():
    made = recognizer([], [], ["5MRT480"])
    made._reads_whole_frames = False
    assert made.read(PIXELS) == []


def test_a_date_in_the_frame_is_no_plate_either():
    assert recognizer([], [], ["20261125", "CAM01"]).read(PIXELS) == []


def test_a_region_is_put_beside_the_text():
    class Texas:
        def predict(self, _pixels, _candidate):
            return "US-TX", 0.991234

    (plate,) = recognizer([found()], [text("KDR2147")], regions=Texas()).read(PIXELS)
    assert (plate.region, plate.region_confidence) == ("US-TX", 0.9912)


def test_a_network_that_fails_is_an_error_and_not_an_empty_road():
    class Broken:
        def find(self, _pixels):
            raise GlassplateError("The network is broken.")

    made = recognizer([], [])
    made._detector = Broken()
    with pytest.raises(GlassplateError):
        made.read(PIXELS)


def test_the_version_fits_a_read_and_names_every_network():
    made = recognizer([], [])
    assert made.version == recognizer([], []).version
    assert len(made.version) <= 128
