"""The recognizer's pass rate on plates that are drawn here. What it reaches on real photos: docs/recognition.md."""

from collections import Counter

import pytest
from rendered_plates import LOOKS, photos

from glassplate.recognize.engines import engine
from glassplate.recognize.measure import Truth, score_photo, summaries

COUNT = 64
LEAST_EXACT = 0.9
LEAST_OF_A_LOOK = 6  # of eight
MOST_JUNK_A_PHOTO = 0.05


@pytest.fixture(scope="module")
def recognizer():
    return engine()


@pytest.fixture(scope="module")
def scores(recognizer):
    return [
        (photo, score_photo([Truth(photo.text)], recognizer.read(photo.pixels), 0.0))
        for photo in photos(COUNT)
    ]


def test_nine_of_ten_rendered_plates_are_read_exactly_and_hardly_anything_else_is(scores):
    summary = summaries([score for _, score in scores])["all"]
    missed = [(photo.look, photo.text) for photo, score in scores if not score.plates[0].exact]
    assert summary.exact.value >= LEAST_EXACT, missed
    assert summary.junk_per_photo <= MOST_JUNK_A_PHOTO


def test_no_look_is_left_out(scores):
    exact = Counter(photo.look for photo, score in scores if score.plates[0].exact)
    assert {look.name: exact[look.name] for look in LOOKS if exact[look.name] < LEAST_OF_A_LOOK} == {}


def test_the_rate_falls_when_the_reader_sees_badly(recognizer):
    """Seen in a mirror no plate is right, so the rates above say something."""
    mirrored = [(photo, recognizer.read(photo.pixels[:, ::-1].copy())) for photo in photos(len(LOOKS))]
    assert [photo.text for photo, found in mirrored if photo.text in {one.text for one in found}] == []


def test_the_pictures_are_the_same_on_every_run():
    one, other = photos(2), photos(2)
    assert [(photo.text, photo.pixels.tobytes()) for photo in one] == [
        (photo.text, photo.pixels.tobytes()) for photo in other
    ]
