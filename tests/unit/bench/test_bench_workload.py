"""The made traffic is what its page says, the same each time, and the same for both engines."""

from __future__ import annotations

import struct
import uuid
from datetime import timedelta

import numpy as np
import pytest

from bench_store.made_reads import stored_reads
from bench_store.postgres_engine import copy_format
from bench_store.questions import KINDS, questions
from bench_store.workload import (
    DAY,
    EPOCHS,
    FIRST_DAY,
    LOOK_ALIKES,
    NOWHERE,
    ORIGIN,
    Workload,
    epoch_id,
    text_of,
)
from glassplate.plate_text import ALPHABET, fold, skeleton
from glassplate.store.read_row import IRREGULAR, data_of
from glassplate.store.words import Words


@pytest.fixture(scope="module")
def rows(workload):
    return workload.made(0, 20_000)


def test_the_days_have_all_reads_between_them(workload):
    uneven = Workload(1_000_007, workload.folder)
    assert sum(uneven.count(epoch) for epoch in range(EPOCHS)) == 1_000_007


def test_a_seed_makes_the_same_reads_and_another_one_others(workload, tmp_path):
    again = Workload(workload.reads, tmp_path, plates=workload.plates)
    assert again.day(3).tobytes() == workload.day(3).tobytes()
    other = Workload(workload.reads, tmp_path, seed=8, plates=workload.plates)
    assert other.day(3).tobytes() != workload.day(3).tobytes()


def test_ids_are_times_of_their_day_ascending_and_unique(rows):
    assert (np.diff(rows["id"].astype(np.int64)) > 0).all()
    first, last = (ORIGIN + timedelta(microseconds=int(rows["id"][n])) for n in (0, -1))
    assert FIRST_DAY <= first < last < FIRST_DAY + DAY


def test_one_read_in_twenty_is_misread(workload, rows):
    true = {text.tobytes().decode() for text in workload.town.texts}
    wrong = [text_of(row) for row in rows if text_of(row) not in true]
    assert (
        0.042 < len(wrong) / len(rows) < 0.052
    )  # a misread character may give another true plate, or itself
    assert any(len(text) == 6 for text in wrong)
    assert {len(text_of(row)) for row in rows} == {6, 7}


def test_doubtful_characters_have_another_reading_and_sure_ones_none(rows):
    doubtful = 0
    for row in rows[:5_000]:
        text = text_of(row)
        for place, other in zip(row["place"], row["other"], strict=True):
            if place != NOWHERE:
                doubtful += 1
                assert chr(other) != text[place]
                assert row["sure"][place] < 900
        if min(row["sure"][: len(text)]) >= 900:
            assert set(row["place"]) == {NOWHERE}
    assert doubtful > 100


def test_every_read_is_a_regular_row_of_the_store(rows):
    words = Words()
    for stored in stored_reads(rows[:2_000], epoch_id(0)):
        assert not data_of(stored, words)[0] & IRREGULAR


def test_postgres_is_given_the_reads_that_the_store_is_given(rows):
    copied = {row["read_id"]: row for row in _parsed(copy_format(rows[:2_000]))}
    reads = stored_reads(rows[:2_000], epoch_id(0))
    assert len(copied) == len(reads) == 2_000
    for stored in reads:
        read, row = stored.read, copied[stored.read.read_id]
        assert row["text"].decode() == read.text
        assert row["plate"].decode() == fold(read.text)
        assert row["skeleton"].decode() == skeleton(read.text)
        assert row["digest"].hex() == stored.sealed_sha256
        assert ORIGIN + timedelta(microseconds=int.from_bytes(row["id"], "big")) == read.captured_at
        sure = struct.unpack(f">{len(read.text)}H", row["sure"])
        assert tuple(one / 1000 for one in sure) == read.character_confidences
        others = [
            struct.unpack_from(">BBH", row["alternatives"], at)
            for at in range(0, len(row["alternatives"]), 4)
        ]
        texts = [f"{read.text[:place]}{chr(other)}{read.text[place + 1 :]}" for place, other, _ in others]
        assert texts == [other.text for other in read.alternatives]


def test_questions_are_the_same_each_time_and_of_their_shapes(workload):
    asked = questions(workload)
    assert asked == questions(workload)
    assert asked != questions(workload, seed=8)
    assert {kind: len(asked[kind]) for kind in KINDS} == dict.fromkeys(KINDS, 100)
    assert sum(one.plate.startswith("*") for one in asked["wildcard"]) == 30
    assert sum("??" in one.plate for one in asked["wildcard"]) == 30
    assert {len(one.cameras) for one in asked["vehicle"]} == {10}
    assert {len(one.plate) for one in asked["look-alike"]} >= {6, 7, 8}


def test_look_alikes_are_look_alikes():
    folded = {one + other for one, others in LOOK_ALIKES.items() for other in others}
    assert {"0O", "O0", "1I", "B8"} <= folded
    assert not {one for one, others in LOOK_ALIKES.items() if one in others}
    assert set(LOOK_ALIKES) == set(ALPHABET)


def _parsed(data: bytes) -> list[dict[str, bytes]]:
    """PostgreSQL's binary COPY, read back (its manual, COPY, "Binary Format")."""
    names = ("id", "read_id", "digest", "text", "plate", "skeleton", "sure", "alternatives")
    at = 19
    assert data[:11] == b"PGCOPY\n\xff\r\n\0"
    parsed = []
    while (count := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        fields = []
        for _ in range(count):
            (size,) = struct.unpack_from(">i", data, at)
            fields.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        row = dict(zip(names, fields, strict=False))
        parsed.append({**row, "read_id": uuid.UUID(bytes=row["read_id"]).hex})
    assert at + 2 == len(data)
    return parsed
