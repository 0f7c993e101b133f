"""Planted plates that were shown in every way there is: once their day is dead, no process of the city holds one.

Looked at by root, in the memory of the vault, its workers and the officer face, as ``glassplate serve`` starts them, while
other reads go on arriving.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from datetime import timedelta

import pytest
from tests.support.planted import held_in_memory
from tests.support.torture.shown_plates import OFFICER, shown_city

from glassplate.client import VaultClient

PLATES = tuple(f"8VKJ{n:03d}" for n in range(418, 424))
SECONDS_TO_FORGET = (
    300.0  # the vault sweeps at once and a minute later, a face every 15 s; busy machines are slow
)


@contextlib.contextmanager
def other_reads_arriving(city):
    """Reads of a day that lives are delivered all the time."""
    is_over = threading.Event()

    def deliver():
        with VaultClient(city.folder.socket) as lane:
            while not is_over.wait(0.05):
                for batch in city.of_another_day:
                    lane.deliver(batch)

    lane = threading.Thread(target=deliver)
    lane.start()
    try:
        yield
    finally:
        is_over.set()
        lane.join()


def held(city):
    """What each process holds, and where in its memory."""
    return {kind: found for kind, pid in city.processes().items() if (found := held_in_memory(pid, PLATES))}


def held_by_face(city):
    """What the officer face holds between a page and its next sweep."""
    with city.person(OFFICER) as officer:
        city.show_pages(officer, PLATES[:1])
    city.face.send_signal(signal.SIGSTOP)
    try:
        return held_in_memory(city.face.pid, PLATES)
    finally:
        city.face.send_signal(signal.SIGCONT)


def forgotten(city):
    """What is still held when there has been time to forget."""
    until = time.monotonic() + SECONDS_TO_FORGET
    while (found := held(city)) and time.monotonic() < until:
        time.sleep(1)
    return found


@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look into these processes")
def test_after_its_day_no_process_holds_a_plate_that_was_shown(tmp_path):
    with shown_city(tmp_path / "city", PLATES) as city:
        city.show_everything(PLATES)
        assert held_by_face(city), "the look would see one"
        assert held_in_memory(city.vault.pid, PLATES).keys() == set(PLATES)
        city.pass_time(city.now + timedelta(days=1))
        with other_reads_arriving(city):
            with city.person(OFFICER) as officer:
                assert all(officer.search(city.request(plate=plate)).reads for plate in PLATES)
            seen = held(city)
            assert any(found.keys() == set(PLATES) for kind, found in seen.items() if "worker" in kind)
            city.pass_time(city.dies_at)
            assert forgotten(city) == {}
        assert city.problems() == []
