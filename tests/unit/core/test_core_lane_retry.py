"""When a lane delivers again: later and later, never later than a minute, never all lanes at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassplate.lane import LONGEST_DELAY_SECONDS, Retry


def delays(failures, chance):
    """How long it waits after each of so many failures in a row."""
    retry, now, found = Retry(lambda: chance), 1_000.0, []
    for _ in range(failures):
        retry.note_failed(now)
        low, high = 0.0, 2 * LONGEST_DELAY_SECONDS
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (low, middle) if retry.is_due(now + middle) else (middle, high)
        found.append(round(high, 3))
    return found


def test_each_delay_is_twice_the_one_before_up_to_a_minute():
    assert delays(9, chance=1.0) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_chance_cuts_a_delay_to_half_of_it_at_most():
    assert delays(8, chance=0.0) == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_outage_is_so_long_that_the_lane_gives_up(failures, chance):
    retry = Retry(lambda: chance)
    for _ in range(failures):
        retry.note_failed(0.0)
    assert not retry.is_due(0.4)
    assert retry.is_due(LONGEST_DELAY_SECONDS)


def test_lanes_that_failed_together_do_not_come_back_together():
    lanes = [Retry() for _ in range(100)]
    for lane in lanes:
        for _ in range(7):
            lane.note_failed(0.0)
    early = sum(lane.is_due(LONGEST_DELAY_SECONDS * 3 / 4) for lane in lanes)
    assert 10 < early < 90


@pytest.mark.parametrize("failures", [1, 7])
def test_after_a_success_it_begins_again(failures):
    retry = Retry(lambda: 1.0)
    assert retry.is_due(0.0)
    for _ in range(failures):
        retry.note_failed(0.0)
    retry.reset()
    assert retry.is_due(0.0)
    retry.note_failed(0.0)
    assert (retry.is_due(0.99), retry.is_due(1.0)) == (False, True)
