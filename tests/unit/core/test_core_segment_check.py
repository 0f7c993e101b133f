"""Sealed segments are held against the record: at the start, behind it, and never in the way of a purge."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from glassplate import segment_check
from glassplate.errors import ProofFailed
from glassplate.segment_check import SegmentCheck
from glassplate.store import SegmentSummary

DAYS = ("2026-11-23", "2026-11-24", "2026-11-25")


class Store:
    """Notes what it is asked, and in which thread; the named segments are not the logged ones."""

    def __init__(self, wrong=()):
        self.wrong, self.expected, self.asked = set(wrong), [], []
        self.may_go = threading.Event()
        self.may_go.set()

    def expect_segments(self, logged):
        self.expected = [one.name for one in logged]

    def verify_segment(self, name, sha256):
        assert self.may_go.wait(20)
        self.asked.append((name, threading.current_thread() is threading.main_thread()))
        if name in self.wrong:
            raise ProofFailed(f"{name} was replaced")


def checked(store, dead=()):
    problems = {}
    logged = {f"{day}.0": SegmentSummary(day, f"{day}.0", "ab", 1, "cd") for day in DAYS}
    records = [SimpleNamespace(is_alive=d not in dead, epoch=SimpleNamespace(epoch_id=d)) for d in DAYS]
    registry = SimpleNamespace(segments=lambda: logged)
    check = SegmentCheck(registry, SimpleNamespace(records=lambda: records), store, problems)
    return check, problems


def test_a_small_city_is_checked_before_it_opens_newest_first():
    store = Store(wrong={"2026-11-24.0"})
    check, problems = checked(store)
    check.start()
    assert store.expected == [name for name, _ in store.asked] == [f"{day}.0" for day in reversed(DAYS)]
    assert all(is_main for _, is_main in store.asked)
    assert problems == {"segment 2026-11-24.0": "2026-11-24.0 was replaced"}
    check.close()


def test_the_start_waits_for_no_hash_and_the_vault_turns_red_when_one_differs(monkeypatch):
    monkeypatch.setattr(segment_check, "SECONDS_BEFORE_OPENING", 0.0)
    store = Store(wrong={"2026-11-23.0"})
    store.may_go.clear()
    check, problems = checked(store)
    check.start()
    assert (len(store.expected), store.asked, problems) == (3, [], {})
    store.may_go.set()
    check._thread.join(20)
    assert not any(is_main for _, is_main in store.asked)
    assert list(problems) == ["segment 2026-11-23.0"]
    check.close()


@pytest.mark.parametrize("dead", [(), DAYS])
def test_a_segment_that_died_meanwhile_is_no_alarm(dead):
    check, problems = checked(Store(wrong={"2026-11-25.0"}), dead)
    check.start()
    assert bool(problems) == (not dead)


def test_closing_stops_after_the_file_that_is_being_read(monkeypatch):
    monkeypatch.setattr(segment_check, "SECONDS_BEFORE_OPENING", 0.0)
    store = Store()
    store.may_go.clear()
    check, _ = checked(store)
    check.start()
    check._is_over.set()
    store.may_go.set()
    check.close()
    assert len(store.asked) <= 1
