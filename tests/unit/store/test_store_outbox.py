"""The lane's outbox: durable before the camera is answered, sealed, in order, each number given once."""

from __future__ import annotations

import os
import random
import resource
import signal
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest

from glassplate.capture.outbox import Outbox
from glassplate.errors import StorageFailed
from glassplate.records import SealedRead

MORNING = datetime(2026, 11, 25, 6, tzinfo=UTC)


def sealed(number, size=50):
    scene = b"scene" if number % 2 else None
    at = MORNING + timedelta(seconds=number)
    return SealedRead(f"{number:032x}", "2026-11-25", at, b"r" * size, b"c" * size, scene)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lane" / "outbox.db"


@pytest.fixture
def outbox(path):
    opened = Outbox(path)
    yield opened
    opened.close()


def test_reads_wait_in_order_until_they_are_deleted(outbox, path):
    assert outbox.put([sealed(3), sealed(1), sealed(2)]) == 3
    assert outbox.put([sealed(1), sealed(4)]) == 1
    assert outbox.waiting(10).reads == [sealed(3), sealed(1), sealed(2), sealed(4)]
    assert outbox.waiting(2).reads == [sealed(3), sealed(1)]
    assert outbox.delete([sealed(3).read_id, sealed(1).read_id, "f" * 32]) == 2
    outbox.close()
    again = Outbox(path)
    assert again.waiting(10).reads == [sealed(2), sealed(4)]
    again.close()


def test_what_is_put_is_durable_when_the_camera_is_answered(outbox):
    pragmas = ["journal_mode", "synchronous", "temp_store"]
    assert [outbox._database.execute(f"pragma {name}").fetchone()[0] for name in pragmas] == ["wal", 2, 2]


def test_its_state_is_what_a_heartbeat_tells(outbox):
    assert (outbox.state().waiting, outbox.state().oldest_captured_at) == (0, None)
    outbox.put([sealed(3), sealed(2)])
    state = outbox.state()
    assert (state.waiting, state.oldest_captured_at, state.sealed_bytes) == (
        2,
        MORNING + timedelta(seconds=2),
        205,
    )


def test_a_heartbeats_number_is_given_once_over_restarts(outbox, path):
    numbers = [outbox.next_sequence() for _ in range(3)]
    outbox.close()
    again = Outbox(path)
    numbers.append(again.next_sequence())
    again.close()
    assert numbers == [1, 2, 3, 4]


def test_only_the_owner_may_read_it(outbox, path):
    outbox.put([sealed(1)])
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_a_deleted_reads_bytes_do_not_stay_in_the_file(outbox, path):
    outbox.put([SealedRead("1" * 32, "2026-11-25", MORNING, b"these bytes were sealed", b"c", None)])
    outbox.delete(["1" * 32])
    outbox.close()
    assert b"these bytes were sealed" not in path.read_bytes()


def test_a_damaged_outbox_is_named(path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all, but long enough to be read as one" * 20)
    with pytest.raises(StorageFailed, match=r"outbox\.db failed"):
        Outbox(path)


def test_a_full_disk_fails_a_put_as_a_whole(outbox):
    outbox.put([sealed(1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
        with pytest.raises(StorageFailed, match="outbox"):
            outbox.put([sealed(n, size=5_000) for n in range(2, 50)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert outbox.waiting(10).reads == [sealed(1)]
    assert outbox.put([sealed(2)]) == 1


@pytest.mark.filterwarnings("ignore:This process")
def test_a_killed_lane_loses_nothing_it_said_it_has(path):
    moments = random.Random(3)
    said, first = set(), 0
    for _ in range(6):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            opened = Outbox(path)
            for n in range(first, first + 10_000):
                opened.put([sealed(n)])
                os.write(writing, n.to_bytes(4, "big"))
            os._exit(0)
        os.close(writing)
        time.sleep(moments.uniform(0.01, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told = b"".join(iter(lambda: os.read(reading, 65536), b""))  # noqa: B023
        os.close(reading)
        said |= {int.from_bytes(told[i : i + 4], "big") for i in range(0, len(told) - 3, 4)}
        opened = Outbox(path)
        assert said <= {int(item.read_id, 16) for item in opened.waiting(1_000_000).reads}
        opened.close()
        first += 10_000
    assert said


def test_reads_are_numbered_without_a_gap_over_deletions_and_restarts(outbox, path):
    outbox.put([sealed(3), sealed(1)])
    assert outbox.waiting(10).first == 1
    outbox.put([sealed(3), sealed(2)])
    assert len(outbox.waiting(10).reads) == 3, "a read that is here already takes no number"
    name = outbox.outbox_id
    outbox.delete([sealed(n).read_id for n in (1, 2, 3)])
    assert outbox.waiting(10) == (0, [])
    outbox.close()
    again = Outbox(path)
    again.put([sealed(4)])
    assert (again.outbox_id, again.waiting(10).first) == (name, 4)
    again.close()
    other = Outbox(path.with_name("other.db"))
    assert other.outbox_id != name
    other.close()


def test_a_batch_ends_before_a_read_that_somebody_removed(outbox):
    outbox.put([sealed(n) for n in range(1, 5)])
    outbox.delete([sealed(3).read_id])
    assert outbox.waiting(10) == (1, [sealed(1), sealed(2)])
    outbox.delete([sealed(1).read_id, sealed(2).read_id])
    assert outbox.waiting(10) == (4, [sealed(4)])
