"""The index of wanted plates finds exactly what a slow comparison of everything with everything finds."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.plate_text import ALPHABET, fold, skeleton
from glassplate.registry import hot_plates
from glassplate.registry.hot_index import LONGEST_WANTED, HotIndex
from glassplate.registry.hot_plates import HotPlates

FEW = "A8B0OQD1I5S"  # so few characters that neighbors are common
wanted = st.lists(
    st.one_of(st.text(FEW, min_size=1, max_size=10), st.text(ALPHABET, min_size=1, max_size=10))
)
reads = st.lists(st.one_of(st.text(FEW, max_size=16), st.text(ALPHABET, max_size=16)))


def edits(one, other):
    """Levenshtein distance, as the textbook has it."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row, before = [i], row
        for j, b in enumerate(other, start=1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (a != b)))
    return row[-1]


@settings(max_examples=200, deadline=None)
@given(wanted, reads)
def test_it_finds_what_comparing_everything_finds(plates, texts):
    index = HotIndex(plates)
    folded = {fold(plate) for plate in plates}
    assert len(index) == len(folded)
    same = {(n, plate) for n, text in enumerate(texts) for plate in folded if fold(text) == plate}
    near = {
        (n, plate)
        for n, text in enumerate(texts)
        for plate in folded
        if fold(text) != plate and edits(skeleton(text), skeleton(plate)) <= 1
    }
    assert sorted(index.same(texts)) == sorted(same)
    assert sorted(index.near(texts)) == sorted(near)


@settings(max_examples=50, deadline=None)
@given(wanted, wanted, reads)
def test_two_indexes_merged_are_one(one, other, texts):
    merged, whole = HotIndex(one).merged(HotIndex(other)), HotIndex([*one, *other])
    assert sorted(merged.same(texts)) == sorted(whole.same(texts))
    assert sorted(merged.near(texts)) == sorted(whole.near(texts))


def test_a_hash_that_collides_finds_nothing_false():
    """With the multiplier 0 every hash is the same: only the comparison of characters is left."""
    index = HotIndex(["7KDR214", "ABC1234"])
    index._multiplier = np.uint64(0)
    index._neighbors = index._neighborhoods()
    assert index.near(["7KDR215"]) == [(0, "7KDR214")]


@pytest.mark.parametrize("plate", ["", "A" * (LONGEST_WANTED + 1)])
def test_a_plate_that_none_is_armed_as_is_refused(plate):
    with pytest.raises(ValueError, match="1 to 10"):
        HotIndex([plate])


def test_what_is_armed_is_found_at_once_and_stays_found_when_tidied(monkeypatch):
    monkeypatch.setattr(hot_plates, "SMALL_INDEX", 3)
    plates, armed = HotPlates(["7AAA111"]), {"7AAA111"}
    for number in range(10):
        new = f"7BBB{number:03}"
        plates.add([new])
        armed.add(new)
        assert plates.same([new]) == {(0, new)}
        plates.tidy(lambda: armed)
        assert len(plates) == len(armed)
        assert len(plates._recent) <= 3
        assert plates.same(sorted(armed)) == set(enumerate(sorted(armed)))


def test_many_that_have_gone_are_forgotten_and_few_are_not():
    plates = HotPlates([f"7BBB{number:03}" for number in range(100)])
    plates.note_gone(25)
    plates.tidy(lambda: ["7BBB001"])
    assert len(plates) == 100
    plates.note_gone(1)
    plates.tidy(lambda: ["7BBB001"])
    assert len(plates) == 1


def test_what_is_armed_while_the_index_is_made_is_kept():
    plates = HotPlates(["7AAA111", "7AAA112"])
    plates.note_gone(2)
    started, armed = threading.Event(), threading.Event()

    def slowly():
        started.set()
        assert armed.wait(10)
        yield "7AAA111"

    thread = threading.Thread(target=plates.tidy, args=(slowly,))
    thread.start()
    assert started.wait(10)
    assert plates.same(["7AAA112"]) == {(0, "7AAA112")}, "matching goes on"
    plates.add(["7CCC111"])
    armed.set()
    thread.join(10)
    assert plates.same(["7AAA111", "7AAA112", "7CCC111"]) == {(0, "7AAA111"), (2, "7CCC111")}


def test_a_failure_leaves_the_old_index():
    plates = HotPlates(["7AAA111"])
    plates.note_gone(1)

    def broken():
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - any
        plates.tidy(broken)
    plates.add(["7CCC111"])
    assert plates.same(["7AAA111", "7CCC111"]) == {(0, "7AAA111"), (1, "7CCC111")}
    plates.note_gone(9)
    plates.tidy(lambda: ["7CCC111"])
    assert len(plates) == 1, "and the next one is not kept from it"
