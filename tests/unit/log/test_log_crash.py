"""Whatever write fails, whenever the process is killed: no acknowledged entry is lost, no history forks."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from log_testing import FailingFiles, check_log, create, folders, record, reopen

from glassplate.errors import FolderBusy, LogUnavailable, StorageFailed, UsageError
from glassplate.log import leaf_hash

KILLS = 24
BATCHES = (3, 260, 2)


def _open_or_create(base, files=None):
    return (reopen if (folders(base)[0] / "journal").exists() else create)(base, files)


def _run(base, files, acknowledged, seen):
    """Create, then append and publish each of ``BATCHES``; a failure is answered by trying once more."""
    log = None
    number = 0
    try:
        for _ in range(2):
            with contextlib.suppress(StorageFailed):
                log = _open_or_create(base, files)
                break
        if log is None:
            return
        for count in BATCHES:
            for _ in range(2):
                records = [record(number + i) for i in range(count)]
                with contextlib.suppress(LogUnavailable):
                    for appended, kept in zip(log.append(records), records, strict=True):
                        assert appended.index not in acknowledged
                        acknowledged[appended.index] = kept.leaf
                    break
                number += count
            number += count
            for _ in range(2):
                with contextlib.suppress(StorageFailed):
                    log.publish()
                    break
            checkpoint = folders(base)[1] / "checkpoint"
            if checkpoint.exists():
                seen.append(checkpoint.read_bytes())
    finally:
        if log is not None:
            log.close()


def _count_writes(base):
    files = FailingFiles()
    _run(base, files, {}, [])
    shutil.rmtree(base)
    return files.writes


@pytest.mark.parametrize("forever", [False, True], ids=["once", "for ever after"])
@pytest.mark.parametrize("how", ["not written", "written", "partly"])
def test_every_write_may_fail(tmp_path, how, forever):
    writes = _count_writes(tmp_path / "dry run")
    assert writes > 15
    for fail_at in range(writes):
        base = tmp_path / str(fail_at)
        acknowledged, seen = {}, []
        files = FailingFiles(fail_at, how, forever=forever)
        _run(base, files, acknowledged, seen)
        assert files.writes > fail_at
        log = _open_or_create(base)
        check_log(log, base, acknowledged, seen)
        log.append([record(9_999)])
        assert log.publish().size == log.size
        check_log(log, base, acknowledged, seen)
        log.close()


@pytest.mark.parametrize("how", ["not written", "written"])
def test_every_write_of_the_recovery_may_fail(tmp_path, how):
    """A process that died between the private and the public checkpoint, with a torn record and leftovers."""
    dead = tmp_path / "dead"
    log = create(dead)
    log.append([record(number) for number in range(5)])
    older = log.signed_checkpoint
    log.publish()
    log.append([record(5)])
    log.close()
    private, public = folders(dead)
    (public / "checkpoint").write_bytes(older)
    (public / "vkey").unlink()
    (private / ".journal.00.tmp").write_bytes(b"half")
    with (private / "journal").open("ab") as file:
        file.write(b"\0\0\1")
    for fail_at in range(20):
        base = tmp_path / str(fail_at)
        shutil.copytree(dead, base)
        files = FailingFiles(fail_at, how)
        try:
            reopen(base, files).close()
        except StorageFailed:
            assert files.writes == fail_at + 1
        else:
            assert files.writes <= fail_at  # fewer writes than that: every one has failed once
            assert fail_at >= 6
            return
        log = reopen(base)
        check_log(log, base, {number: record(number).leaf for number in range(6)}, [older])
        assert (log.size, log.published_size) == (6, 5)
        log.close()
    pytest.fail("the recovery never ran to its end")


class Worker:
    """The process to be killed, and what it said before."""

    def __init__(self, base: Path, number: int) -> None:
        script = Path(__file__).with_name("log_kill_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(base), str(number)], stdout=subprocess.PIPE, text=True
        )

    def kill_after(self, seconds: float, *, ready: bool) -> list[str]:
        lines = [self._process.stdout.readline()] if ready else []
        time.sleep(seconds)
        self._process.kill()
        lines += self._process.stdout.read().split("\n")[:-1]  # a last line without an end was never said
        self._process.stdout.close()
        self._process.wait()
        return [line.strip() for line in lines]


def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path):
    """SIGKILL, seeded; every fourth time while it starts and recovers."""
    chance = random.Random(20_261_102)
    acknowledged, seen = {}, []
    for kill in range(KILLS):
        worker = Worker(tmp_path, kill * 1_000_000)
        if kill % 4 == 3:
            lines = worker.kill_after(chance.uniform(0.1, 0.4), ready=False)
        else:
            lines = worker.kill_after(chance.uniform(0.0, 0.12), ready=True)
        for line in lines:
            word, *values = line.split()
            if word == "ack":
                index, number = map(int, values)
                assert index not in acknowledged, "an index was given twice"
                acknowledged[index] = record(number).leaf
            elif word == "published":
                seen.append(bytes.fromhex(values[0]))
        checkpoint = folders(tmp_path)[1] / "checkpoint"
        if checkpoint.exists():
            seen.append(checkpoint.read_bytes())
    assert len(acknowledged) > 100
    assert len(seen) > KILLS
    log = _open_or_create(tmp_path)
    check_log(log, tmp_path, acknowledged, list(dict.fromkeys(seen)))
    hashes = [leaf_hash(log.record(index).leaf) for index in range(log.size)]
    assert len(set(hashes)) == len(hashes), "an entry is there twice"
    log.close()


def test_killed_owner_leaves_no_lock_behind(tmp_path):
    worker = Worker(tmp_path, 0)
    assert worker._process.stdout.readline() == "ready\n"
    with pytest.raises(FolderBusy):
        reopen(tmp_path)
    worker.kill_after(0.0, ready=False)
    reopen(tmp_path).close()
    with pytest.raises(UsageError):
        create(tmp_path)
