"""One read as a row and back: every field returns exactly, the compact form holds what lanes send."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_testing import DAY, stored

from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.store.read_row import IRREGULAR, ORIGIN, SEQUENCE_BITS, data_of, first_id_at, read_of
from glassplate.store.words import BODY, CAMERA, COLOR, MOST, Words

words, per_mille = st.text(max_size=20), st.integers(0, 1000).map(lambda k: k / 1000)
fractions = st.one_of(per_mille, st.floats(0, 1), st.floats(allow_nan=False))
plates = st.one_of(st.text("ABC0123456789", max_size=16), st.text(max_size=300))
times = st.integers(0, 60 * 366 * 86_400 * 10**6).map(lambda n: ORIGIN + timedelta(microseconds=n))
pixels = st.integers(-5, 70_000)
vehicles = st.builds(Vehicle, words, fractions, words, fractions, words, fractions)


@st.composite
def reads(draw, texts=plates, sure=fractions, numbers=pixels):
    text = draw(texts)
    return PlateRead(
        read_id=draw(st.binary(min_size=16, max_size=16)).hex(),
        text=text,
        character_confidences=tuple(draw(st.lists(sure, min_size=len(text), max_size=len(text)))),
        camera_id=draw(words),
        captured_at=draw(times),
        recognizer=draw(words),
        box=draw(st.tuples(numbers, numbers, numbers, numbers)),
        alternatives=tuple(draw(st.lists(st.builds(Alternative, texts, sure), max_size=4))),
        region=draw(words),
        region_confidence=draw(sure),
        vehicle=draw(vehicles),
    )


def there_and_back(read, codebook=None):
    codebook = codebook or Words()
    row_id = first_id_at(read.captured_at) + 3
    given_read = replace(stored(1), read=read)
    data = data_of(given_read, codebook)
    returned = read_of(row_id, data, codebook, DAY)
    images = {"crop_sealed": given_read.crop_sealed, "scene_sealed": given_read.scene_sealed}
    assert (returned.scene_sealed is None) == (given_read.scene_sealed is None)
    return replace(returned, **images), given_read, data


@given(reads())
def test_every_field_of_any_read_returns(read):
    returned, asked, _ = there_and_back(read)
    assert returned == asked


usual = reads(texts=st.text("ABC0123456789", max_size=16), sure=per_mille, numbers=st.integers(0, 65_535))


@given(usual)
def test_what_a_lane_sends_is_compact(read):
    read = replace(read, vehicle=Vehicle("sedan", 0.5, "gray", 0.25, "white", 0.125))
    returned, asked, data = there_and_back(read)
    assert returned == asked
    assert not data[0] & IRREGULAR


def test_a_usual_read_takes_about_a_hundred_bytes():
    sure = replace(
        stored(1).read, character_confidences=(0.97,) * 7, alternatives=(Alternative("7QXD418", 0.25),)
    )
    _, _, data = there_and_back(sure)
    assert len(data) < 95


ODD_TIMES = [
    datetime(1999, 1, 1, tzinfo=UTC),
    datetime(2300, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=-7))),
]


@pytest.mark.parametrize("at", ODD_TIMES)
def test_times_outside_the_formats_years_return_as_well(at):
    returned, asked, _ = there_and_back(replace(stored(1).read, captured_at=at))
    assert returned == asked


@given(times)
def test_an_id_says_its_microsecond_and_orders_like_time(at):
    first = first_id_at(at)
    assert ORIGIN + timedelta(microseconds=first >> SEQUENCE_BITS) == at
    assert first < 1 << 62
    assert first_id_at(at + timedelta(microseconds=1)) > first


def test_more_words_than_numbers_are_kept_in_the_rows():
    codebook = Words()
    for n in range(300):
        vehicle = Vehicle(f"body {n}", 0.5, f"color {n}", 0.5, "white", 0.25)
        returned, asked, _ = there_and_back(replace(stored(1).read, vehicle=vehicle), codebook)
        assert returned == asked
    assert len(codebook.texts[BODY]) == MOST[BODY]
    assert codebook.numbers(BODY, ["body 7", "body 299", "nobody"]) == [7, MOST[BODY]]
    assert codebook.numbers(CAMERA, ["cam-99"]) == []
    assert len(Words(codebook.all()).texts[COLOR]) == MOST[COLOR]
