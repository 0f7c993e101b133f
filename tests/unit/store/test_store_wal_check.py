"""A write-ahead log with a flipped bit is told from one that a crash cut short, or that a power cut wrote out of order."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from glassplate.errors import StorageFailed
from glassplate.store.wal_check import check_wal

HEADER, FRAME = 32, 24 + 4096
TRANSACTIONS = 4


@pytest.fixture
def left(tmp_path):
    """A database as a crash leaves it: four transactions of several pages in its write-ahead log."""
    live, left = tmp_path / "live.db", tmp_path / "left.db"
    database = sqlite3.connect(live, isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("create table t(x blob)")
    for _ in range(TRANSACTIONS):
        database.execute("begin")
        database.executemany("insert into t values (randomblob(3000))", [()] * 6)
        database.execute("commit")
    for end in ("", "-wal"):
        shutil.copy(f"{live}{end}", f"{left}{end}")
    database.close()
    return left


def wal_of(database):
    return database.with_name(f"{database.name}-wal")


def commits(data):
    """Numbers of the frames that end a transaction."""
    frames = range((len(data) - HEADER) // FRAME)
    return [n for n in frames if any(data[HEADER + n * FRAME + 4 : HEADER + n * FRAME + 8])]


def test_what_a_crash_leaves_holds(left):
    check_wal(left)
    data = wal_of(left).read_bytes()
    for end in range(0, len(data), 997):
        wal_of(left).write_bytes(data[:end])
        check_wal(left)


@pytest.mark.parametrize("place", [4, 12, 20, 2000])
def test_a_flipped_bit_is_told_but_at_the_end(left, place):
    data = wal_of(left).read_bytes()
    last = commits(data)[-2]
    for number in range(last):
        changed = bytearray(data)
        changed[HEADER + number * FRAME + place] ^= 0x10
        wal_of(left).write_bytes(changed)
        with pytest.raises(StorageFailed, match="wal failed: it is damaged"):
            check_wal(left)


def test_a_power_cut_that_wrote_the_last_transaction_in_its_own_order_is_no_damage(left):
    data = wal_of(left).read_bytes()
    start, end = commits(data)[-2] + 1, commits(data)[-1]
    assert end - start > 2
    for number in range(start, end + 1):
        for first in (0, 24):  # with its header lost, or only its page
            changed = bytearray(data)
            at = HEADER + number * FRAME
            changed[at + first : at + FRAME] = bytes(FRAME - first)
            wal_of(left).write_bytes(changed)
            check_wal(left)
