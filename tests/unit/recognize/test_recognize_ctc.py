"""Texts from steps of probabilities, against sums over all alignments done the slow way."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.plate_text import ALPHABET
from glassplate.recognize.ctc import greedy, log_likelihood


def steps_of(*classes, sure=0.9):
    """One row a class; 0 is the blank."""
    steps = np.full((len(classes), len(ALPHABET) + 1), (1 - sure) / len(ALPHABET), np.float32)
    steps[np.arange(len(classes)), list(classes)] = sure
    return steps


def class_of(character):
    return ALPHABET.index(character) + 1


def test_a_run_of_one_class_is_one_character():
    a, b = class_of("A"), class_of("7")
    read = greedy(steps_of(0, a, a, 0, b, 0))
    assert [one.character for one in read] == ["A", "7"]


def test_a_blank_parts_two_equal_characters():
    one = class_of("1")
    assert len(greedy(steps_of(one, one))) == 1
    assert len(greedy(steps_of(one, 0, one))) == 2


def test_a_character_counts_by_its_surest_step_and_knows_the_second_choice():
    steps = steps_of(class_of("O"), class_of("O"))
    steps[1] = 0.001
    steps[1, class_of("O")], steps[1, class_of("0")] = 0.95, 0.04
    (read,) = greedy(steps)
    assert read.confidence == pytest.approx(0.95)
    assert (read.second, read.second_confidence) == ("0", pytest.approx(0.04))


def test_blanks_alone_say_nothing():
    assert greedy(steps_of(0, 0, 0)) == ()
    assert log_likelihood(steps_of(0, 0, sure=0.5), "") == pytest.approx(2 * math.log(0.5))


def test_the_last_character_counts_when_no_blank_follows():
    assert "".join(one.character for one in greedy(steps_of(0, class_of("A"), class_of("B")))) == "AB"


def by_all_alignments(steps, text):
    total = 0.0
    labels = [class_of(one) for one in text]
    for path in itertools.product([0, *sorted(set(labels))], repeat=len(steps)):
        collapsed = [one for one, _ in itertools.groupby(path) if one != 0]
        if collapsed == labels:
            total += math.prod(float(steps[at, one]) for at, one in enumerate(path))
    return math.log(total) if total else -math.inf


@settings(max_examples=40, deadline=None)
@given(st.text("AB1", max_size=3), st.integers(3, 5), st.integers(0, 2**31))
def test_the_likelihood_is_the_sum_over_all_alignments(text, count, seed):
    steps = np.random.default_rng(seed).dirichlet(np.ones(len(ALPHABET) + 1), count).astype(np.float32)
    expected = by_all_alignments(steps, text)
    if math.isinf(expected):
        assert log_likelihood(steps, text) < -100
    else:
        assert log_likelihood(steps, text) == pytest.approx(expected, abs=1e-2)


def test_what_the_steps_say_is_likelier_than_anything_else():
    steps = steps_of(class_of("7"), 0, class_of("K"), 0, class_of("D"))
    assert log_likelihood(steps, "7KD") > max(
        log_likelihood(steps, one) for one in ("7KO", "7K", "KD", "7KDD", "IKD")
    )
