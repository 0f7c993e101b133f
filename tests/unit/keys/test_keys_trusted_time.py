"""Clock faults, as a table: what a fault does, and what each question answers then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keys_testing import NOON

from glassplate.errors import ClockRefused, InputRefused
from glassplate.files import LocalFiles
from glassplate.keys import (
    ClockMark,
    SettableClock,
    SleepWatch,
    SystemClock,
    TrustedTime,
    https_time,
    read_mark,
    write_mark,
)

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR = 365 * DAY
REFUSED = "refused"
ZERO = timedelta(0)


@dataclass
class Case:
    """Steps as (what, how much); answers as distance from noon. ``ahead``: what waits for a confirmation."""

    steps: list[tuple[str, timedelta]]
    now: timedelta | str
    purge_now: timedelta
    searchable_at: timedelta
    ahead: timedelta = ZERO
    last_logged: timedelta | None = field(default=None)


FAULTS = {
    # while running
    "no fault: time passes": Case([("advance", HOUR)], HOUR, HOUR, HOUR),
    "an NTP correction of a second back is nothing": Case([("step", -SECOND)], ZERO, ZERO, ZERO),
    "10 minutes back": Case([("step", -10 * MINUTE)], REFUSED, ZERO, ZERO),
    "2 days back": Case([("step", -2 * DAY)], REFUSED, ZERO, ZERO),
    "2 years back": Case([("step", -2 * YEAR)], REFUSED, ZERO, ZERO),
    "it goes back, and destruction goes on with the boot clock": Case(
        [("step", -HOUR), ("advance", 30 * MINUTE)], REFUSED, 30 * MINUTE, 30 * MINUTE
    ),
    "it goes back and has caught up": Case([("step", -HOUR), ("advance", HOUR)], HOUR, HOUR, HOUR),
    "it goes back five seconds, and answers five seconds later": Case(
        [("step", -5 * SECOND), ("advance", 5 * SECOND)], 5 * SECOND, 5 * SECOND, 5 * SECOND
    ),
    "10 minutes forward is drift and followed": Case(
        [("step", 10 * MINUTE)], 10 * MINUTE, 10 * MINUTE, 10 * MINUTE
    ),
    "a second more is a jump: not searchable, not destroyed": Case(
        [("step", 10 * MINUTE + SECOND)], ZERO, ZERO, 10 * MINUTE + SECOND, 10 * MINUTE + SECOND
    ),
    "2 days forward": Case([("step", 2 * DAY)], ZERO, ZERO, 2 * DAY, 2 * DAY),
    "2 years forward": Case([("step", 2 * YEAR)], ZERO, ZERO, 2 * YEAR, 2 * YEAR),
    "small steps add up to a jump": Case(
        [("step", 6 * MINUTE), ("look", ZERO), ("step", 6 * MINUTE)],
        6 * MINUTE,
        6 * MINUTE,
        12 * MINUTE,
        6 * MINUTE,
    ),
    "a jump that was set right again": Case(
        [("step", DAY), ("look", ZERO), ("step", -DAY)], ZERO, ZERO, ZERO
    ),
    "what is due by the boot clock dies also after a jump": Case(
        [("step", DAY), ("advance", HOUR)], HOUR, HOUR, DAY + HOUR, DAY
    ),
    "a confirmed jump is the time": Case([("step", DAY), ("confirm", DAY)], DAY, DAY, DAY),
    "a second source that differs confirms nothing": Case(
        [("step", 2 * YEAR), ("disagree", DAY)], ZERO, ZERO, 2 * YEAR, 2 * YEAR
    ),
    "a second jump after a confirmed one": Case(
        [("step", DAY), ("confirm", DAY), ("step", DAY)], DAY, DAY, 2 * DAY, DAY
    ),
    "back to the old time after a confirmed jump": Case(
        [("step", DAY), ("confirm", DAY), ("step", -DAY)], REFUSED, DAY, DAY
    ),
    "the machine slept for two days": Case([("sleep", 2 * DAY)], 2 * DAY, 2 * DAY, 2 * DAY),
    "it slept an hour, and its wall clock woke two days later": Case(
        [("sleep", HOUR), ("step", 2 * DAY)], HOUR, HOUR, 2 * DAY + HOUR, 2 * DAY
    ),
    "it slept two days, and its wall clock did not": Case(
        [("sleep", 2 * DAY), ("step", -2 * DAY)], 2 * DAY, 2 * DAY, 2 * DAY
    ),
    # the vault is off, the machine stays up
    "off for two days": Case([("off", 2 * DAY)], 2 * DAY, 2 * DAY, 2 * DAY),
    "off for an hour while the clock went 10 minutes forward": Case(
        [("off", HOUR), ("step", 10 * MINUTE), ("start", ZERO)],
        HOUR + 10 * MINUTE,
        HOUR + 10 * MINUTE,
        HOUR + 10 * MINUTE,
    ),
    "off for an hour while the clock went 2 days forward": Case(
        [("step", 2 * DAY), ("off", HOUR)], HOUR, HOUR, HOUR + 2 * DAY, 2 * DAY
    ),
    "off for an hour while the clock went 2 years forward": Case(
        [("step", 2 * YEAR), ("off", HOUR)], HOUR, HOUR, HOUR + 2 * YEAR, 2 * YEAR
    ),
    "off for an hour while the clock went 2 days back": Case(
        [("step", -2 * DAY), ("off", HOUR)], REFUSED, HOUR, HOUR
    ),
    "off for an hour while the clock went 2 years back": Case(
        [("step", -2 * YEAR), ("off", HOUR)], REFUSED, HOUR, HOUR
    ),
    "restarts do not let small steps add up unseen": Case(
        [("step", 9 * MINUTE), ("start", ZERO), ("step", 9 * MINUTE), ("start", ZERO)],
        9 * MINUTE,
        9 * MINUTE,
        18 * MINUTE,
        9 * MINUTE,
    ),
    "a jump stays unconfirmed over a restart": Case(
        [("step", 2 * DAY), ("look", ZERO), ("start", ZERO)], ZERO, ZERO, 2 * DAY, 2 * DAY
    ),
    "a confirmed jump stays confirmed over a restart": Case(
        [("step", 2 * DAY), ("confirm", 2 * DAY), ("start", ZERO)], 2 * DAY, 2 * DAY, 2 * DAY
    ),
    # the machine is off, or its boot clock begins anew
    "a reboot of five minutes": Case([("reboot", 5 * MINUTE)], 5 * MINUTE, 5 * MINUTE, 5 * MINUTE),
    "a power cut of two days: acted on, but nothing dies by it": Case(
        [("reboot", 2 * DAY)], 2 * DAY, ZERO, 2 * DAY, 2 * DAY
    ),
    "two years off, or two years forward": Case([("reboot", 2 * YEAR)], 2 * YEAR, ZERO, 2 * YEAR, 2 * YEAR),
    "time passes after a power cut": Case(
        [("reboot", 2 * DAY), ("advance", HOUR)], 2 * DAY + HOUR, HOUR, 2 * DAY + HOUR, 2 * DAY
    ),
    "a power cut is confirmed": Case([("reboot", 2 * DAY), ("confirm", 2 * DAY)], 2 * DAY, 2 * DAY, 2 * DAY),
    "a jump after a power cut": Case(
        [("reboot", 2 * DAY), ("step", 2 * DAY)], 2 * DAY, ZERO, 4 * DAY, 4 * DAY
    ),
    "a power cut, a restart of the vault, and still nothing is certain": Case(
        [("reboot", 2 * DAY), ("log", 2 * DAY), ("off", HOUR)],
        2 * DAY + HOUR,
        HOUR,
        2 * DAY + HOUR,
        2 * DAY,
    ),
    "a second power cut: what was logged is no more certain for it": Case(
        [("reboot", 2 * DAY), ("log", 2 * DAY), ("reboot", 2 * DAY)], 4 * DAY, ZERO, 4 * DAY, 4 * DAY
    ),
    "a reboot with the clock 2 days back": Case([("reboot", -2 * DAY)], REFUSED, ZERO, ZERO),
    "a reboot with the clock 2 years back": Case([("reboot", -2 * YEAR)], REFUSED, ZERO, ZERO),
    "a virtual machine set back to a snapshot of an hour ago": Case(
        [("advance", HOUR), ("snapshot", HOUR)], HOUR, HOUR, HOUR
    ),
    # without a mark, or with a log that knows more
    "a log that is ahead of the clock": Case([], REFUSED, HOUR, HOUR, last_logged=HOUR),
    "no mark, and a log of two days ago": Case([], ZERO, -2 * DAY, ZERO, 2 * DAY, last_logged=-2 * DAY),
}


class Machine:
    """A clock and the vault's time on it, which remembers as the vault does."""

    def __init__(self, case):
        self.clock = SettableClock(NOON)
        self.logged = None if case.last_logged is None else NOON + case.last_logged
        self.time = TrustedTime(self.clock, self.logged)

    def start(self):
        mark = ClockMark.from_bytes(self.mark.to_bytes())
        self.time = TrustedTime(self.clock, self.logged, mark)

    def step(self, what, step):
        if what in ("off", "reboot", "start", "snapshot"):
            self.mark = self.time.mark()
        if what == "snapshot":
            self.clock = SettableClock(self.clock.wall(), self.clock.boot_seconds() - step.total_seconds())
        acts = {
            "advance": self.clock.advance,
            "off": self.clock.advance,
            "sleep": self.clock.sleep,
            "reboot": self.clock.reboot,
            "step": self.clock.step_wall,
            "confirm": lambda ahead: self.time.confirm(NOON + ahead),
        }
        if what in acts:
            acts[what](step)
        if what in ("off", "reboot", "start", "snapshot"):
            self.start()
        if what == "disagree":
            with pytest.raises(ClockRefused, match="second source"):
                self.time.confirm(NOON + step)
        if what == "log":
            self.logged = NOON + step
        if what == "look":
            self.time.latest()
            self.time.searchable_at()


def run(case):
    machine = Machine(case)
    for what, step in case.steps:
        machine.step(what, step)
    return machine.time


@pytest.mark.parametrize("question", ["now", "purge_now", "searchable_at", "unconfirmed"])
@pytest.mark.parametrize("fault", FAULTS)
def test_clock_fault(fault, question):
    case = FAULTS[fault]
    ask = getattr(run(case), question)
    if question == "unconfirmed":
        assert ask() == case.ahead
    elif getattr(case, question) == REFUSED:
        with pytest.raises(ClockRefused, match="set the clock right"):
            ask()
    else:
        assert ask() == NOON + getattr(case, question)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_questions_do_not_change_each_others_answers(fault):
    case = FAULTS[fault]
    time = run(case)
    for _ in range(2):
        assert time.searchable_at() == NOON + case.searchable_at
        assert time.purge_now() == NOON + case.purge_now
        assert time.unconfirmed() == case.ahead


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_dies_by_a_time_that_is_not_certain_and_nothing_overdue_is_searched(fault):
    time = run(FAULTS[fault])
    assert time.purge_now() <= time.latest() <= time.searchable_at()


@pytest.mark.parametrize("step", [10 * MINUTE, 2 * DAY, 2 * YEAR])
@pytest.mark.parametrize("sign", [1, -1])
def test_two_vaults_from_one_mark_each_destroy_by_what_is_certain(step, sign):
    """A copy of the folder on a second machine with another clock: neither takes the other's word for it."""
    first = SettableClock(NOON)
    mark = TrustedTime(first, None).mark()
    second = SettableClock(NOON + sign * step, 77.0, "another machine")
    first.advance(HOUR)
    ours, theirs = TrustedTime(first, NOON, mark), TrustedTime(second, NOON, mark)
    assert ours.purge_now() == NOON + HOUR
    assert theirs.purge_now() == (NOON + step if sign > 0 and step <= 10 * MINUTE else NOON)
    if sign < 0:
        with pytest.raises(ClockRefused):
            theirs.now()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["advance", "sleep", "off", "reboot", "step", "start", "look"]),
            st.integers(-2_000_000, 70_000_000),
        ),
        max_size=12,
    )
)
def test_certain_time_never_runs_ahead_of_the_machine_nor_back(steps):
    """Property: it never falls, and gains at most 10 minutes a boot on what the boot clock counted."""
    machine = Machine(Case([], ZERO, ZERO, ZERO))
    counted, boots, last = ZERO, 1, NOON
    for what, seconds in steps:
        step = timedelta(seconds=seconds if what == "step" else abs(seconds))
        machine.step(what, step)
        counted += step if what in ("advance", "sleep", "off") else ZERO
        boots += what == "reboot"
        at = machine.time.purge_now()
        assert last <= at <= NOON + counted + boots * 10 * MINUTE
        assert machine.time.searchable_at() >= machine.clock.wall()
        last = at


# --- what is remembered ----------------------------------------------------------------------------------------


def test_a_mark_says_the_same_after_writing_and_reading(tmp_path):
    clock = SettableClock(NOON, 1234.5)
    clock.reboot(2 * DAY)
    time = TrustedTime(clock, NOON - DAY, None)
    mark = time.mark()
    assert mark.acting is not None
    write_mark(tmp_path / "clock.json", mark, LocalFiles())
    assert read_mark(tmp_path / "clock.json") == mark
    assert read_mark(tmp_path / "none") is None


@given(st.binary(max_size=300))
def test_a_mark_from_anywhere_is_read_or_refused(data):
    try:
        mark = ClockMark.from_bytes(data)
    except InputRefused:
        return
    assert ClockMark.from_bytes(mark.to_bytes()) == mark


@given(st.data())
def test_an_edited_mark_is_read_or_refused(data):
    good = bytearray(TrustedTime(SettableClock(NOON), None).mark().to_bytes())
    good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        mark = ClockMark.from_bytes(bytes(good))
    except InputRefused:
        return
    TrustedTime(SettableClock(NOON), None, mark).purge_now()


# --- waking up, and a second source -----------------------------------------------------------------------------


def test_a_sleep_is_noticed_once():
    clock = SettableClock(NOON)
    watch = SleepWatch(clock)
    clock.advance(HOUR)
    assert not watch.has_woken()
    clock.sleep(HOUR)
    assert watch.has_woken()
    assert not watch.has_woken()


def test_the_machines_own_clocks_are_what_they_are_said_to_be():
    clock = SystemClock()
    assert clock.boot_seconds() >= clock.waking_seconds() - 0.1
    assert clock.boot_id() == clock.boot_id() != ""


DATES = {
    "a date": ("Wed, 25 Nov 2026 12:00:00 GMT", NOON),
    "no date": (None, None),
    "rubbish": ("yesterday", None),
    "a date that is too long": ("Wed, 25 Nov 2026 12:00:00 GMT" + " " * 99 + "x", None),
}


@pytest.mark.parametrize("name", DATES)
def test_a_web_server_tells_the_time(name):
    said, expected = DATES[name]
    answer = httpx.Response(200, headers={"date": said} if said else {})
    transport = httpx.MockTransport(lambda request: answer)
    if expected:
        assert https_time("https://time.example", transport) == expected
    else:
        with pytest.raises(ClockRefused, match="tells no time"):
            https_time("https://time.example", transport)


def test_a_web_server_that_does_not_answer_confirms_nothing():
    def refuse(request):
        raise httpx.ConnectError("no route")

    with pytest.raises(ClockRefused, match="asked again"):
        https_time("https://time.example", httpx.MockTransport(refuse))


def test_a_clock_that_is_behind_cannot_be_confirmed():
    clock = SettableClock(NOON)
    time = TrustedTime(clock, None)
    clock.step_wall(-HOUR)
    with pytest.raises(ClockRefused):
        time.confirm(NOON)


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
