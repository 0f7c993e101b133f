"""What durability costs, in calls of fsync: counted, not timed."""

from __future__ import annotations

import os

import pytest
from log_testing import create, record


@pytest.fixture
def calls(monkeypatch):
    counted = []
    fsync = os.fsync

    def counting(descriptor):
        counted.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counting)
    return counted


def test_an_append_is_one_fsync_however_many_entries_it_has(tmp_path, calls):
    log = create(tmp_path)
    for count in (1, 2, 100):
        calls.clear()
        log.append([record(n) for n in range(count)])
        assert len(calls) == 1
    log.close()


def test_an_entry_with_its_publication_is_at_most_eleven(tmp_path, calls):
    """Append and publish together, sizes 1 to 600. Where a level of tiles begins (1, 256) its new folders come on top."""
    log = create(tmp_path)
    spent = {}
    for number in range(600):
        calls.clear()
        log.append([record(number)])
        log.publish()
        spent[number + 1] = len(calls)
    log.close()
    begins = {1, 256}
    assert max(count for size, count in spent.items() if size not in begins) <= 11
    assert max(spent.values()) <= 14
    assert sorted(spent.values())[300] == 9
