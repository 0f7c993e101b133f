"""Clock faults, as a table: what a fault does, and what each question answers then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from keys_testing import NOON

from glassplate.errors import ClockRefused
from glassplate.keys import SettableClock, TrustedTime

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REFUSED = "refused"
ZERO = timedelta(0)


@dataclass
class Case:
    """Steps as (what, how much); answers as distance from noon."""

    steps: list[tuple[str, timedelta]]
    now: timedelta | str
    purge_now: timedelta
    searchable_at: timedelta
    may_destroy: bool = True
    last_logged: timedelta | None = field(default=None)


FAULTS = {
    "no fault: time passes": Case([("advance", HOUR)], HOUR, HOUR, HOUR),
    "an NTP correction of a second back is nothing": Case([("step", -SECOND)], ZERO, ZERO, ZERO),
    "the wall clock goes back an hour": Case([("step", -HOUR)], REFUSED, ZERO, ZERO),
    "it goes back, and destruction goes on with the boot clock": Case(
        [("step", -HOUR), ("advance", 30 * MINUTE)], REFUSED, 30 * MINUTE, 30 * MINUTE
    ),
    "it goes back and has caught up": Case([("step", -HOUR), ("advance", HOUR)], HOUR, HOUR, HOUR),
    "it goes back five seconds, and answers five seconds later": Case(
        [("step", -5 * SECOND), ("advance", 5 * SECOND)], 5 * SECOND, 5 * SECOND, 5 * SECOND
    ),
    "it goes back to a time before the log's last entry": Case([], REFUSED, HOUR, HOUR, last_logged=HOUR),
    "the vault was off for two days": Case([], ZERO, ZERO, ZERO, last_logged=-2 * DAY),
    "drift of nine minutes is followed": Case([("step", 9 * MINUTE)], 9 * MINUTE, 9 * MINUTE, 9 * MINUTE),
    "a jump of an hour: not searchable, not destroyed": Case(
        [("step", HOUR)], ZERO, ZERO, HOUR, may_destroy=False
    ),
    "small steps add up to a jump": Case(
        [("step", 6 * MINUTE), ("look", ZERO), ("step", 6 * MINUTE)],
        6 * MINUTE,
        6 * MINUTE,
        12 * MINUTE,
        may_destroy=False,
    ),
    "a jump that was set right again": Case(
        [("step", DAY), ("look", ZERO), ("step", -DAY)], ZERO, ZERO, ZERO
    ),
    "time passes after a jump": Case(
        [("step", DAY), ("advance", HOUR)], HOUR, HOUR, DAY + HOUR, may_destroy=False
    ),
    "a confirmed jump is the time": Case([("step", DAY), ("confirm", ZERO)], DAY, DAY, DAY),
    "a second jump after a confirmed one": Case(
        [("step", DAY), ("confirm", ZERO), ("step", DAY)], DAY, DAY, 2 * DAY, may_destroy=False
    ),
    "back to the old time after a confirmed jump": Case(
        [("step", DAY), ("confirm", ZERO), ("step", -DAY)], REFUSED, DAY, DAY
    ),
}


def run(case):
    clock = SettableClock(NOON)
    time = TrustedTime(clock, None if case.last_logged is None else NOON + case.last_logged)
    for what, step in case.steps:
        if what == "advance":
            clock.advance(step)
        elif what == "step":
            clock.step_wall(step)
        elif what == "confirm":
            time.confirm()
        else:
            time.now()
            time.searchable_at()
    return time


@pytest.mark.parametrize("question", ["now", "purge_now", "searchable_at", "may_destroy"])
@pytest.mark.parametrize("fault", FAULTS)
def test_clock_fault(fault, question):
    case = FAULTS[fault]
    expected = getattr(case, question)
    ask = getattr(run(case), question)
    if expected == REFUSED:
        with pytest.raises(ClockRefused, match="set the clock right"):
            ask()
    else:
        assert ask() == (expected if question == "may_destroy" else NOON + expected)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_questions_do_not_change_each_others_answers(fault):
    case = FAULTS[fault]
    time = run(case)
    for _ in range(2):
        assert time.searchable_at() == NOON + case.searchable_at
        assert time.purge_now() == NOON + case.purge_now
        assert time.may_destroy() == case.may_destroy


def test_a_clock_that_is_behind_cannot_be_confirmed():
    clock = SettableClock(NOON)
    time = TrustedTime(clock, None)
    clock.step_wall(-HOUR)
    with pytest.raises(ClockRefused):
        time.confirm()


def test_the_time_never_goes_back_for_anybody():
    clock = SettableClock(NOON)
    time = TrustedTime(clock, None)
    seen = [time.now()]
    for step in (MINUTE, -SECOND, 8 * MINUTE, -SECOND, DAY, -DAY):
        clock.step_wall(step)
        clock.advance(SECOND)
        seen.append(time.purge_now())
    assert seen == sorted(seen)


def test_the_settable_clock_is_honest():
    clock = SettableClock(NOON)
    clock.advance(HOUR)
    assert (clock.wall(), clock.boot_seconds()) == (NOON + HOUR, 3600.0)
    clock.step_wall(-HOUR)
    assert (clock.wall(), clock.boot_seconds()) == (NOON, 3600.0)
    with pytest.raises(ValueError, match="backward"):
        clock.advance(-SECOND)
    with pytest.raises(ValueError, match="zone"):
        SettableClock(NOON.replace(tzinfo=None))
