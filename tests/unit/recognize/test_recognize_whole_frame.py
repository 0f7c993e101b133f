import re

import numpy as np
import pytest
from recognize_testing import DEMO_PHOTOS, demo_rows, writing

from glassplate.errors import InputRefused
from glassplate.plate_text import ALPHABET
from glassplate.recognize.decode import Decoder
from glassplate.recognize.reading import read_photo
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.whole_frame import WholeFrameRecognizer

LEAST_EXACT_OF_TWELVE = 10


@pytest.fixture(scope="module")
def recognizer():
    return WholeFrameRecognizer()


@pytest.fixture(scope="module")
def readings(recognizer):
    with Decoder() as decoder:
        return {
            row["file"]: read_photo(
                (DEMO_PHOTOS / row["file"]).read_bytes(), row["file"], decoder, recognizer
            )
            for row in demo_rows()
        }


def test_at_least_ten_of_twelve_demo_plates_are_read_exactly(readings):
    rows = demo_rows()
    exact = [
        row["file"]
        for row in rows
        if [candidate.text for candidate in readings[row["file"]].candidates[:1]] == [row["plate"]]
    ]
    assert len(exact) * 12 >= len(rows) * LEAST_EXACT_OF_TWELVE, sorted(
        {row["file"] for row in rows} - set(exact)
    )


def test_every_candidate_has_a_confidence_per_character_and_a_box_in_its_picture(readings):
    for reading in readings.values():
        assert reading.milliseconds > 0
        for candidate in reading.candidates:
            x, y, width, height = candidate.box
            assert len(candidate.text) == len(candidate.character_confidences)
            assert set(candidate.text) <= set(ALPHABET)
            assert all(0 < confidence <= 1 for confidence in candidate.character_confidences)
            assert candidate.confidence == min(candidate.character_confidences)
            assert x >= 0
            assert y >= 0
            assert width >= 1
            assert height >= 1
            assert x + width <= reading.width
            assert y + height <= reading.height


def test_a_doubtful_character_has_its_second_choice_as_an_alternative(readings):
    doubtful = [
        candidate
        for reading in readings.values()
        for candidate in reading.candidates
        if candidate.confidence < 0.9
    ]
    assert doubtful, "no demo photo shows doubt any more"
    for candidate in doubtful:
        for alternative in candidate.alternatives:
            differing = [one != other for one, other in zip(alternative.text, candidate.text, strict=True)]
            assert sum(differing) == 1
            assert (
                alternative.confidence <= 1 - candidate.character_confidences[differing.index(True)] + 0.001
            )


READ = {
    "a plate": (("7KDR214",), ["7KDR214"]),
    "a plate in two groups": (("7KDR  214",), ["7KDR214"]),
    "a plate with a dash": (("7KDR-214",), ["7KDR214"]),
    "a date burnt in by the camera": (("2026-11-25",), []),
    "a sign without digits": (("STOP AHEAD",), []),
    "a house number": (("127",), []),
    "nothing": ((), []),
}


@pytest.mark.parametrize(("lines", "plates"), READ.values(), ids=READ.keys())
def test_what_is_read_in_a_clean_picture(recognizer, lines, plates):
    assert [candidate.text for candidate in recognizer.read(writing(*lines))] == plates


def test_the_same_pixels_give_the_same_candidates(recognizer):
    pixels = writing("7KDR214", "4TBM908")
    assert recognizer.read(pixels) == recognizer.read(pixels)
    assert {candidate.text for candidate in recognizer.read(pixels)} == {"7KDR214", "4TBM908"}


def test_boxes_are_in_pixels_of_the_picture_even_when_it_is_scaled_down(recognizer):
    pixels = writing("7KDR214", size=(4000, 3000), letter_height=180)
    (candidate,) = recognizer.read(pixels)
    rows, columns = np.nonzero(pixels.max(axis=2) < 80)
    x, y, width, height = candidate.box
    assert candidate.text == "7KDR214"
    assert x <= columns.min() < columns.max() <= x + width <= columns.max() + 120
    assert y <= rows.min() < rows.max() <= y + height <= rows.max() + 120


@pytest.mark.parametrize("shape", [(1, 1), (8, 900), (16, 16), (16, 4000), (3000, 20), (40, 8192)])
def test_pictures_of_odd_shapes_hold_no_plate_and_break_nothing(recognizer, shape):
    assert recognizer.read(np.full((*shape, 3), 128, dtype=np.uint8)) == []


def test_the_version_names_engine_and_networks(recognizer):
    assert re.fullmatch(r"whole-frame/1@[0-9a-f]{40}", recognizer.version)


def test_a_photo_that_is_no_image_is_refused_by_name(recognizer):
    with Decoder() as decoder, pytest.raises(InputRefused, match=r"notes\.txt is not a JPEG or PNG"):
        read_photo(b"just text", "notes.txt", decoder, recognizer)


def test_a_candidate_needs_one_confidence_for_each_character():
    with pytest.raises(ValueError, match="got 2 for 7"):
        PlateCandidate("7KDR214", (0.9, 0.8), (0, 0, 1, 1))


BROKEN_CANDIDATES = {
    "a state by its name": ({"region": "Texas"}, "code such as US-CA"),
    "a state in lower case": ({"region": "us-tx"}, "code such as US-CA"),
    "more than sure": ({"region": "US-TX", "region_confidence": 1.5}, "lies in 0–1"),
    "a confidence that is no number": ({"region_confidence": float("nan")}, "lies in 0–1"),
    "three corners": ({"corners": ((0, 0), (9, 0), (9, 5))}, "four corners"),
    "a corner that is nowhere": ({"corners": ((0, 0), (9, 0), (9, 5), (0, float("inf")))}, "four corners"),
}


@pytest.mark.parametrize(("fields", "said"), BROKEN_CANDIDATES.values(), ids=BROKEN_CANDIDATES.keys())
def test_a_candidate_states_a_region_and_corners_that_can_be(fields, said):
    with pytest.raises(ValueError, match=said):
        PlateCandidate("7KDR", (0.9,) * 4, (0, 0, 9, 5), **fields)


@pytest.mark.parametrize("region", ["unknown", "US-TX", "US", "DE", "BR"])
def test_a_candidate_may_state_a_state_a_country_or_nothing(region):
    corners = ((0.0, 0.5), (9.0, 0.0), (9.0, 5.0), (0.0, 5.5))
    candidate = PlateCandidate("7KDR", (0.9,) * 4, (0, 0, 9, 5), (), region, 0.5, corners)
    assert (candidate.region, candidate.corners) == (region, corners)


def test_the_whole_frame_states_no_region(readings):
    found = [candidate for reading in readings.values() for candidate in reading.candidates]
    assert {(one.region, one.region_confidence, one.corners) for one in found} == {("unknown", 0.0, None)}


def test_a_candidate_hides_its_plate_from_logs(readings):
    assert not any(row["plate"] in repr(readings[row["file"]]) for row in demo_rows())
