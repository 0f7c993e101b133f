"""Wildcards looked up by pairs of symbols: the same plates as by looking at each one."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassplate.plate_text import PlatePattern
from glassplate.store import dictionary as dictionary_module
from glassplate.store import pair_index
from glassplate.store.dictionary import PlateDictionary
from glassplate.store.pair_index import PairIndex, PairIndexMaker
from glassplate.store.plate_codes import code_of, narrowing, text_of
from glassplate.store.question import Question

SYMBOLS = "AB18"  # few, so that patterns match
plates = st.sets(st.text(SYMBOLS, max_size=10), max_size=80)
patterns = st.text(SYMBOLS + "?*", min_size=1, max_size=12).filter(lambda text: "?" in text or "*" in text)


def codes_of(texts):
    return np.array(sorted(code_of(text) for text in texts), dtype=np.uint64)


def question_of(pattern):
    return Question(0, 1 << 62, 500, plate=pattern)


@given(plates, patterns)
@example({"AB1", "8AB1", "18AB1", "ABABAB", "1AB8AB8AB1"}, "*AB1*")
@example({"AB1", "AB18", "8888888AB1"}, "*AB1")
@example({"A1B8A1", "A1B8", "8A1B8A1"}, "*A1*B8*A1*")
@example({"11", "118", "8", ""}, "?*?")
def test_what_the_index_finds_is_what_matches(texts, pattern):
    codes = codes_of(texts)
    found = question_of(pattern).wildcard_places(codes, PairIndex(codes))
    parsed = PlatePattern(pattern)
    matching = sorted(text for text in texts if parsed.matches(text))
    if found is not None:
        assert [text_of(code) for code in codes[found].tolist()] == matching


@pytest.mark.parametrize("pattern", ["*AB1*", "*AB1", "A*B18", "*AB1?8*", "*AB1*8*1*A*", "*AB18A1*"])
def test_a_run_of_three_symbols_is_enough_wherever_it_is(pattern):
    codes = codes_of({"AB18A1", "1"})
    assert PairIndex(codes).matching(codes, narrowing(pattern)) is not None


@pytest.mark.parametrize("pattern", ["*A*", "*AB*", "?*?", "***", "*A?B*", "*A*1*8*A*1*"])
def test_where_no_pair_is_certain_every_plate_is_looked_at(pattern):
    codes = codes_of({"AB18A1", "1"})
    assert PairIndex(codes).matching(codes, narrowing(pattern)) is None


def test_a_pattern_that_no_plate_can_match_finds_none():
    codes = codes_of({"AB18A1"})
    assert PairIndex(codes).matching(codes, narrowing("*ABABABABABAB*")).tolist() == []


def ready(maker, codes):
    until = time.monotonic() + 30
    while maker.of(codes) is None and time.monotonic() < until:
        time.sleep(0.001)
    return maker.of(codes)


def test_an_index_is_forgotten_with_its_codes_also_while_it_is_made(monkeypatch):
    threads = []

    class Waiting:
        def __init__(self, target, args, **_):
            threads.append(lambda: target(*args))

        def start(self):
            pass

    monkeypatch.setattr(pair_index.threading, "Thread", Waiting)
    maker, codes = PairIndexMaker(), codes_of({"AB1", "1AB"})
    assert maker.of(codes) is None
    maker.forget()
    assert maker.of(codes) is None
    threads[0]()  # what was made of the codes before comes late
    assert maker.of(codes) is None
    threads[1]()
    assert maker.of(codes) is not None
    assert len(threads) == 2
    maker.forget()
    assert maker.of(codes) is None


@pytest.fixture
def looked_up(monkeypatch):
    monkeypatch.setattr(dictionary_module, "LOOK_UP_BEYOND", 0)


def texts_found(dictionary, pattern, epoch_id):
    found = dictionary.codes_in(dictionary.matches(question_of(pattern), {}), epoch_id)
    return sorted(text_of(code) for code in found.tolist())


def indexed(dictionary):
    return ready(dictionary._pairs, dictionary._codes)


def test_a_dictionary_that_changes_looks_up_what_it_has_now(looked_up):
    dictionary = PlateDictionary()
    dictionary.add({"one": codes_of({"AAB1", "8AB1", "B8"}), "two": codes_of({"AAB1"})})
    texts_found(dictionary, "*AB1*", "one")
    assert indexed(dictionary)
    assert texts_found(dictionary, "*AB1*", "one") == ["8AB1", "AAB1"]
    dictionary.add({"two": codes_of({"88AB1"})})
    assert dictionary._pairs._made is None
    assert texts_found(dictionary, "*AB1*", "two") == ["88AB1", "AAB1"]
    assert indexed(dictionary)
    dictionary.drop("one")
    assert dictionary._pairs._made is None
    for _ in range(2):
        assert texts_found(dictionary, "*AB1*", "one") == []
        assert texts_found(dictionary, "*AB1*", "two") == ["88AB1", "AAB1"]
        assert indexed(dictionary)


def test_a_long_plates_hash_is_no_match(looked_up):
    look_alike = 1 << 62 | code_of("8AB1")
    dictionary = PlateDictionary()
    dictionary.add({"one": np.array([code_of("AB1"), look_alike], dtype=np.uint64)})
    for _ in range(2):
        assert texts_found(dictionary, "*AB1*", "one") == ["AB1"]
        assert indexed(dictionary)
