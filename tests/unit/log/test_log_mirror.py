"""A log with a mirror: whatever write fails, wherever we stop, no acknowledged entry is missing in either of both."""

from __future__ import annotations

import contextlib
import errno
import shutil
import threading

import pytest
from log_testing import SIGNER, FailingFiles, check_log, create, folders, record

from glassplate.errors import GlassplateError, LogUnavailable, StorageFailed
from glassplate.files import LocalFiles
from glassplate.log import TransparencyLog
from glassplate.mirror import Mirror, MirrorAway, city_text, place
from glassplate.mirror.place import MirrorPlace

BATCHES = (3, 2)


class Stopped(BaseException):
    """The process ends here; it writes nothing more."""


class StoppingFiles(FailingFiles):
    """Stops at the write before it, after it, or in its middle; a dead process makes no further one."""

    def _step(self, whole, part=lambda: None):
        try:
            FailingFiles._step(self, whole, part)
        except OSError:
            raise Stopped from None


@pytest.fixture
def begun(tmp_path):
    """A log of some entries, and its mirror in step with it."""
    base = tmp_path / "begun"
    log = create(base)
    log.append([record(number) for number in range(4)])
    log.publish()
    log.close()
    shutil.copytree(folders(base)[0], base / "mirror" / "log")
    (base / "mirror" / "city.txt").write_bytes(city_text(str(SIGNER.verifier)))
    return base


def open_log(base, files=None):
    files = files or LocalFiles()
    mirror = Mirror.open(base / "mirror", folders(base)[0], base / "keys", files)
    mirror.check_log()
    return TransparencyLog.open(*folders(base), SIGNER, mirror.log_files), mirror


def journals(base):
    return [(folder / "journal").read_bytes() for folder in (folders(base)[0], base / "mirror" / "log")]


def check_both(base, acknowledged, seen):
    """A start, whatever was left: both are the same, hold what was acknowledged, and go on."""
    log, _ = open_log(base)
    own, there = journals(base)
    assert own == there
    assert (folders(base)[0] / ".pending").read_bytes() == (base / "mirror" / "log" / ".pending").read_bytes()
    check_log(log, base, acknowledged, seen)
    log.append([record(9_999)])
    log.publish()
    check_log(log, base, acknowledged, seen)
    log.close()
    own, there = journals(base)
    assert own == there


def run(base, files, acknowledged, seen):
    """Open, append and publish each of ``BATCHES``; a failure is answered by trying once more."""
    log, number = None, 100
    try:
        for _ in range(2):
            with contextlib.suppress(StorageFailed):
                log, mirror = open_log(base, files)
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
                    own, there = journals(base)
                    assert own == there, "answered, and not in both"
                    break
                number += count
                with contextlib.suppress(StorageFailed):
                    mirror.follow()
            number += count
            for _ in range(2):
                with contextlib.suppress(StorageFailed):
                    log.publish()
                    seen.append(log.signed_checkpoint)
                    break
    finally:
        if log is not None:
            log.close()


def writes_of(begun, base):
    shutil.copytree(begun, base)
    files = FailingFiles()
    run(base, files, {}, [])
    return files.writes


@pytest.mark.parametrize("forever", [False, True], ids=["once", "for ever after"])
@pytest.mark.parametrize("how", ["not written", "written", "partly"])
def test_every_write_of_both_may_fail(begun, tmp_path, how, forever):
    writes = writes_of(begun, tmp_path / "dry run")
    assert writes >= 16
    for fail_at in range(writes):
        base = tmp_path / str(fail_at)
        shutil.copytree(begun, base)
        acknowledged, seen = {number: record(number).leaf for number in range(4)}, []
        files = FailingFiles(fail_at, how, forever=forever)
        run(base, files, acknowledged, seen)
        assert files.writes > fail_at
        own, there = journals(base)
        assert own.startswith(there), "the mirror is never ahead"
        check_both(base, acknowledged, seen)


@pytest.mark.parametrize("how", ["not written", "written", "partly"])
def test_stopped_at_every_write_of_both(begun, tmp_path, how):
    writes = writes_of(begun, tmp_path / "dry run")
    for stop_at in range(writes):
        base = tmp_path / str(stop_at)
        shutil.copytree(begun, base)
        acknowledged, seen = {number: record(number).leaf for number in range(4)}, []
        with contextlib.suppress(Stopped, GlassplateError):
            run(base, StoppingFiles(stop_at, how, forever=True), acknowledged, seen)
        own, there = journals(base)
        assert own.startswith(there), "the mirror is never ahead"
        check_both(base, acknowledged, seen)


class MirrorFails(LocalFiles):
    """Writes below ``mirror`` fail while ``fails``: of an append, half arrives; nothing can be cut."""

    fails = False

    def append(self, path, data):
        if self.fails and "mirror" in path.parts and data:
            super().append(path, data[: len(data) // 2])
            raise OSError(errno.EIO, "Input/output error")
        super().append(path, data)

    def truncate(self, path, size):
        if self.fails and "mirror" in path.parts:
            raise OSError(errno.EIO, "Input/output error")
        super().truncate(path, size)


def test_a_mirror_that_cannot_be_cut_keeps_the_log_refusing_until_the_next_start(begun):
    """Cutting the own journal alone would leave the mirror ahead, which looks like a log that was set back."""
    files = MirrorFails()
    log, mirror = open_log(begun, files)
    log.append([record(49)])
    files.fails = True
    with pytest.raises(LogUnavailable, match=r"mirror .* is away"):
        log.append([record(50)])
    files.fails = False
    with pytest.raises(LogUnavailable, match="open the log again"):
        log.append([record(51)])
    with pytest.raises(StorageFailed, match="start the vault again"):
        mirror.follow()
    with pytest.raises(StorageFailed, match="start the vault again"):
        log.publish()
    log.close()
    check_both(begun, {number: record(number).leaf for number in range(4)} | {4: record(49).leaf}, [])


@pytest.mark.parametrize(
    ("damage", "said"),
    {
        "one more entry": (lambda own, there: (own, there + b"\0\0"), None),
        "zeros behind it": (lambda own, there: (own, there + bytes(4096)), None),
        "cut in the middle of an entry": (lambda own, there: (own, there[:-7]), None),
        "zeros at its end": (lambda own, there: (own, there[:-40] + bytes(40)), None),
        "own cut by one entry": (lambda own, there: (own[:-200], there), "has entries that .* set back"),
        "own with a torn tail": (lambda own, there: (own + b"\0\0\1", there), None),
        "one byte in the mirror": (
            lambda own, there: (own, there[:60] + b"?" + there[61:]),
            "damaged at byte",
        ),
        "one byte here": (lambda own, there: (own[:60] + b"?" + own[61:], there), "damaged at byte"),
        "an empty mirror": (lambda own, there: (own, b""), None),
    }.values(),
)
def test_what_a_start_makes_of_two_journals(begun, damage, said):
    own, there = damage(*journals(begun))
    (folders(begun)[0] / "journal").write_bytes(own)
    (begun / "mirror" / "log" / "journal").write_bytes(there)
    if said is None:
        check_both(begun, {number: record(number).leaf for number in range(4)}, [])
        return
    before = journals(begun)
    with pytest.raises(StorageFailed, match=said):
        open_log(begun)
    assert journals(begun) == before, "evidence stays as it is"


def test_another_history_of_as_many_entries_is_refused(begun, tmp_path):
    other = create(tmp_path / "other")
    other.append([record(number + 10) for number in range(4)])
    other.publish()
    other.close()
    shutil.copy(folders(tmp_path / "other")[0] / "journal", begun / "mirror" / "log" / "journal")
    with pytest.raises(StorageFailed, match="two histories"):
        open_log(begun)
    shutil.copy(folders(begun)[0] / "journal", begun / "mirror" / "log" / "journal")
    shutil.copy(folders(tmp_path / "other")[0] / ".pending", begun / "mirror" / "log" / ".pending")
    with pytest.raises(StorageFailed, match="two histories"):
        open_log(begun)


def test_a_disk_that_hangs_is_away_and_holds_nobody_up(begun, monkeypatch):
    """The write that hangs comes through much later; until the next start the log refuses, and nothing is ahead."""
    monkeypatch.setattr(place, "ANSWER_SECONDS", 0.2)
    gate, come_back = threading.Event(), threading.Event()

    class HangingFiles(LocalFiles):
        hangs = False

        def append(self, path, data):
            if self.hangs and "mirror" in path.parts:
                gate.wait(30)
                super().append(path, data)
                come_back.set()
                return
            super().append(path, data)

    files = HangingFiles()
    log, mirror = open_log(begun, files)
    files.hangs = True
    with pytest.raises(LogUnavailable, match="does not answer within"):
        log.append([record(50)])
    with pytest.raises(StorageFailed):
        mirror.follow()
    with pytest.raises(MirrorAway, match="still does not answer"):
        mirror.place.demand_there()
    gate.set()
    assert come_back.wait(30)
    files.hangs = False
    log.close()
    own, there = journals(begun)
    assert own.startswith(there)
    check_both(begun, {number: record(number).leaf for number in range(4)}, [])


def test_a_mirror_is_told_by_its_file(tmp_path):
    for content, said in (
        (b"", "is not what a mirror has"),
        (b"glassplate-mirror/v2\nx\n", "is not what a mirror has"),
        (city_text(str(SIGNER.verifier)) + b"\n", "is not what a mirror has"),
        (city_text("no key"), "is not what a mirror has"),
        (b"\xff" * 5000, "is not what a mirror has"),
        (None, "is not there"),
    ):
        (tmp_path / "city.txt").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "city.txt").write_bytes(content)
        with pytest.raises(StorageFailed, match=said):
            Mirror.open(tmp_path, tmp_path / "log", tmp_path / "keys", LocalFiles())
    city = city_text(str(SIGNER.verifier))
    (tmp_path / "city.txt").write_bytes(city)
    assert MirrorPlace(tmp_path, city).do(lambda: 7) == 7
