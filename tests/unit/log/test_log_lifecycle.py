"""One log through its front door: create, append, publish, prove, close, open; and many callers at once."""

from __future__ import annotations

import errno
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_testing import OTHER, SIGNER, check_log, create, folders, naive_root, record, reopen

from glassplate.errors import FolderBusy, LogUnavailable, StorageFailed, UsageError
from glassplate.files import LocalFiles
from glassplate.log import (
    LogRecord,
    TileReader,
    TlogProof,
    VerifierKey,
    leaf_hash,
    open_checkpoint,
    open_promise,
    verify_consistency,
    verify_proof,
)

KEY = SIGNER.verifier


@pytest.fixture
def log(tmp_path):
    log = create(tmp_path)
    yield log
    log.close()


def test_new_log_publishes_its_empty_checkpoint_and_its_key(tmp_path, log):
    private, public = folders(tmp_path)
    assert open_checkpoint((public / "checkpoint").read_bytes(), KEY).size == 0
    assert VerifierKey.parse((public / "vkey").read_text().removesuffix("\n")) == KEY == log.verifier
    assert private.stat().st_mode & 0o777 == 0o700
    assert (log.size, log.published_size, log.origin) == (0, 0, SIGNER.name)
    check_log(log, tmp_path, {}, [])


def test_log_is_never_created_over_another(tmp_path, log):
    log.close()
    with pytest.raises(UsageError, match="there is a log already"):
        create(tmp_path)
    for name in ("journal", ".pending"):
        (folders(tmp_path)[0] / name).unlink()
    with pytest.raises(UsageError, match="checkpoint exists"):
        create(tmp_path)


def test_appended_is_durable_but_not_public(tmp_path, log):
    before = sorted(folders(tmp_path)[1].rglob("*"))
    (appended,) = log.append([record(0)])
    assert (appended.index, appended.leaf_hash) == (0, leaf_hash(record(0).leaf))
    assert (log.size, log.published_size) == (1, 0)
    assert log.record(0) == record(0)
    assert sorted(folders(tmp_path)[1].rglob("*")) == before
    with pytest.raises(UsageError, match="not published"):
        log.proof(0)


def test_promise_names_the_entry_and_the_proof_keeps_it(log):
    log.append([record(0), record(1)])
    now = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
    promise = open_promise(log.promise(1, now), KEY)
    assert (promise.index, promise.recorded_at, promise.origin) == (1, now, log.origin)
    log.publish()
    proof, _ = verify_proof(log.proof(promise.index), KEY, record(1).leaf)
    assert leaf_hash(record(1).leaf) == promise.leaf_hash
    assert proof.index == 1
    for index in (-1, 2):
        with pytest.raises(UsageError):
            log.promise(index, now)
        with pytest.raises(UsageError):
            log.proof(index)
        with pytest.raises(UsageError):
            log.record(index)


def test_publishing_twice_changes_nothing(tmp_path, log):
    log.append([record(number) for number in range(3)])
    first = log.publish()
    public = folders(tmp_path)[1]
    before = {path: path.stat().st_mtime_ns for path in public.rglob("*")}
    assert log.publish() == first
    assert {path: path.stat().st_mtime_ns for path in public.rglob("*")} == before


def test_bodies_stay_out_of_the_public_folder(tmp_path, log):
    body = b"sealed but still not for everybody"
    log.append([LogRecord(b"leaf", {"auditor": body})])
    log.publish()
    assert not any(body in path.read_bytes() for path in folders(tmp_path)[1].rglob("*") if path.is_file())


def test_one_bad_record_refuses_the_call_and_writes_none(log):
    with pytest.raises(UsageError):
        log.append([record(0), LogRecord(b"", {})])
    assert log.size == 0
    assert log.append([]) == []


def test_second_owner_is_turned_away_until_the_first_closes(tmp_path, log):
    for attempt in (create, reopen):
        with pytest.raises(FolderBusy, match="in use"):
            attempt(tmp_path)
    log.close()
    log.close()
    reopen(tmp_path).close()


def test_failed_opening_lets_the_folder_go(tmp_path, log):
    log.close()
    with pytest.raises(Exception, match="not"):
        type(log).open(*folders(tmp_path), OTHER, LocalFiles())
    reopen(tmp_path).close()


def test_closed_log_records_nothing(log):
    log.append([record(0)])
    log.close()
    for act in (lambda: log.append([record(1)]), log.publish, lambda: log.record(0)):
        with pytest.raises(LogUnavailable):
            act()


def test_log_that_was_never_made_is_not_opened(tmp_path):
    with pytest.raises(StorageFailed):
        reopen(tmp_path)
    for folder in folders(tmp_path):
        folder.mkdir()
    with pytest.raises(StorageFailed, match="journal"):
        reopen(tmp_path)


steps = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, 7, 100, 255, 256, 257, 300]), st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(steps)
def test_random_batches_with_random_reopening_match_the_naive_tree(batches):
    """At each size: the root, and consistency with every earlier checkpoint."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        log, leaves, seen, roots = create(base), [], [], {}
        for count, publishes, reopens in batches:
            records = [record(len(leaves) + i) for i in range(count)]
            assert [done.index for done in log.append(records)] == [len(leaves) + i for i in range(count)]
            leaves += [r.leaf for r in records]
            if publishes:
                checkpoint = log.publish()
                assert (checkpoint.size, checkpoint.root) == (len(leaves), naive_root(leaves))
                seen.append(log.signed_checkpoint)
                for size, root in roots.items():
                    growth = TileReader(folders(base)[1]).consistency_proof(size, checkpoint.size)
                    verify_consistency(size, root, checkpoint.size, checkpoint.root, growth)
                roots[checkpoint.size] = checkpoint.root
            if reopens:
                log.close()
                log = reopen(base)
        check_log(log, base, dict(enumerate(leaves)), seen)
        log.close()


# --- many callers at once -------------------------------------------------------------------------


class GatedFiles(LocalFiles):
    """Appends wait at a gate; the ``fail_at``-th one fails. Counts appends."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.appends = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self._fail_at = fail_at

    def append(self, path, data):
        if not data:
            return super().append(path, data)  # the fsync on opening
        self.appends += 1
        self.entered.set()
        assert self.gate.wait(10)
        if self.appends == self._fail_at:
            raise OSError(errno.EIO, "Input/output error")
        return super().append(path, data)


def _while_one_writes(log, files, callers):
    """Hold the first append at the gate until ``callers`` others wait behind it, then let all go."""
    with ThreadPoolExecutor(callers + 1) as pool:
        first = pool.submit(log.append, [record(1000)])
        assert files.entered.wait(10)
        others = [
            pool.submit(log.append, [record(number), record(number + 500)]) for number in range(callers)
        ]
        while len(log._commit._waiting) < callers:
            threading.Event().wait(0.001)
        files.gate.set()
        return first, others


def test_waiting_callers_share_one_write(tmp_path):
    files = GatedFiles()
    log = create(tmp_path, files)
    first, others = _while_one_writes(log, files, 12)
    assert [done.index for done in first.result()] == [0]
    assert files.appends == 2
    taken = [done.index for other in others for done in other.result()]
    assert sorted(taken) == list(range(1, 25))
    for number, other in enumerate(others):
        one, two = other.result()
        assert two.index == one.index + 1
        assert log.record(one.index) == record(number)
        assert log.record(two.index) == record(number + 500)
    log.close()


def test_write_error_fails_every_waiting_caller_and_no_later_one(tmp_path):
    files = GatedFiles(fail_at=2)
    log = create(tmp_path, files)
    first, others = _while_one_writes(log, files, 6)
    assert [done.index for done in first.result()] == [0]
    for other in others:
        with pytest.raises(LogUnavailable, match="Input/output error"):
            other.result()
    assert log.size == 1
    assert [done.index for done in log.append([record(7)])] == [1]
    log.close()
    check_log(reopen(tmp_path), tmp_path, {0: record(1000).leaf, 1: record(7).leaf}, [])


def test_interrupted_write_fails_the_others_and_closes_the_log_until_it_is_opened_again(tmp_path):
    class InterruptedFiles(GatedFiles):
        def append(self, path, data):
            super().append(path, data)
            if data:
                raise KeyboardInterrupt

    files = InterruptedFiles()
    log = create(tmp_path, files)
    files.gate.set()
    with pytest.raises(KeyboardInterrupt):
        log.append([record(0)])
    with pytest.raises(LogUnavailable, match="open the log again"):
        log.append([record(1)])
    log.close()
    again = reopen(tmp_path)
    check_log(again, tmp_path, {}, [])
    again.close()


def test_appending_publishing_and_proving_run_beside_each_other(tmp_path):
    log = create(tmp_path)
    acknowledged, seen = {}, []

    def act(worker):
        for number in range(15):
            (done,) = log.append([record(worker * 100 + number)])
            acknowledged[done.index] = record(worker * 100 + number).leaf
            if number % 5 == worker % 5:
                log.publish()
                signed = log.signed_checkpoint
                seen.append(signed)
                verify_proof(log.proof(done.index), KEY, acknowledged[done.index])
                assert TlogProof.parse(log.proof(0)).index == 0

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(act, worker) for worker in range(6)]:
            future.result()
    log.publish()
    assert sorted(acknowledged) == list(range(90))
    check_log(log, tmp_path, acknowledged, seen)
    log.close()
