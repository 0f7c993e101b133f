"""Boxes from cells, and which of two boxes stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.recognize.plate_detector import (
    MAX_PLATES,
    FoundPlate,
    PlateDetector,
    decode,
    distinct,
    intersection_over_union,
)

QUIET = -20.0


def cells(rows=6, columns=8):
    empty = np.zeros((13, rows, columns), np.float32)
    empty[0] = QUIET
    empty[1:5] = 1.0
    return empty


def test_a_cell_becomes_a_box_around_its_middle():
    one = cells()
    one[0, 2, 3] = 2.0
    one[1:5, 2, 3] = (2.0, 1.0, 3.0, 0.5)  # left, top, right, bottom in strides of 8 pixels
    scores, boxes, corners = decode(one, 0.3)
    assert scores == pytest.approx([1 / (1 + np.exp(-2.0))])
    assert boxes.tolist() == [[28 - 16, 20 - 8, 28 + 24, 20 + 4]]
    assert corners.tolist() == [[12, 12, 52, 12, 52, 24, 12, 24]]


def test_corners_are_offsets_in_sizes_of_the_box():
    one = cells()
    one[0, 2, 3] = 2.0
    one[5, 2, 3], one[6, 2, 3] = 0.5, -0.25
    _, boxes, corners = decode(one, 0.3)
    width, height = boxes[0, 2] - boxes[0, 0], boxes[0, 3] - boxes[0, 1]
    assert corners[0, :2].tolist() == [boxes[0, 0] + 0.5 * width, boxes[0, 1] - 0.25 * height]


def test_a_neighbor_that_is_surer_takes_the_place():
    one = cells()
    one[0, 2, 3], one[0, 2, 4], one[0, 5, 7] = 2.0, 3.0, 1.0
    scores, _, _ = decode(one, 0.3)
    assert len(scores) == 2
    assert scores[0] > scores[1]


def test_scores_below_the_least_are_no_plates():
    assert len(decode(cells(), 0.3)[0]) == 0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
    ],
)
def test_overlap_of_two_boxes(one, other, expected):
    assert intersection_over_union(np.array(one), np.array(other)) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 60))
def test_no_two_boxes_that_stay_overlap_and_each_that_goes_overlaps_a_surer_one(seed, count):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 60, (count, 2))], axis=1).astype(np.float32)
    scores = rng.random(count).astype(np.float32)
    kept = distinct(scores, boxes)
    for at, one in enumerate(kept):
        assert all(intersection_over_union(boxes[one], boxes[other]) < 0.3 for other in kept[:at])
    for gone in set(range(count)) - set(kept):
        assert any(
            intersection_over_union(boxes[gone], boxes[one]) >= 0.3 and scores[one] >= scores[gone]
            for one in kept
        )


@pytest.fixture(scope="module")
def detector():
    return PlateDetector()


@pytest.mark.parametrize("shape", [(1, 1), (15, 300), (300, 15), (16, 8192), (8192, 16)])
def test_pictures_in_which_no_plate_can_be_legible_have_none(detector, shape):
    assert detector.find(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize("seed", range(4))
def test_noise_gives_few_boxes_inside_the_picture(detector, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    found = detector.find(pixels, least_score=0.01)
    assert len(found) <= MAX_PLATES
    for one in found:
        left, top, right, bottom = one.box
        assert 0 <= left <= right <= 320
        assert 0 <= top <= bottom <= 240


def test_the_same_pixels_give_the_same_plates(detector):
    pixels = np.random.default_rng(9).integers(0, 256, (200, 333, 3), dtype=np.uint8)
    assert detector.find(pixels, 0.01) == detector.find(pixels, 0.01)
    assert all(isinstance(one, FoundPlate) for one in detector.find(pixels, 0.01))
