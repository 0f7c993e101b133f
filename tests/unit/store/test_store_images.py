"""The images of reads: durable before their reads, encrypted, and never taken for another's."""

from __future__ import annotations

import errno
import os
import signal
import threading

import pytest
from store_testing import DAY, KEYS, numbers, query, readable, stored

from glassplate.errors import StorageFailed
from glassplate.files import LocalFiles
from glassplate.store import SqlcipherStore, hot_file, hot_reads
from glassplate.store.image_files import ImageFile, ImageRow, images_in
from glassplate.store.read_row import HAS_CROP

EVERY = [stored(n) for n in range(6)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def opened(folder, files=None):
    return SqlcipherStore(folder, files or LocalFiles())


def answered(folder):
    """Every read with its images, oldest first, from files that are opened anew."""
    store = opened(folder)
    page = store.search(query("7QXO418"), KEYS)
    store.close()
    assert page.unserved == ()
    return list(page.reads[::-1])


class Telling(LocalFiles):
    """Tells when images became durable."""

    def __init__(self, events):
        self.events = events

    def append(self, path, data):
        super().append(path, data)
        self.events.append(path.suffix)


class Failing(LocalFiles):
    """Writes half of what is appended, and then the disk is full; ``is_stuck``: cutting it off fails too."""

    def __init__(self, *, is_stuck):
        self.is_stuck, self.is_full = is_stuck, True

    def append(self, path, data):
        if self.is_full:
            super().append(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().append(path, data)

    def truncate(self, path, size):
        if self.is_stuck:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().truncate(path, size)


def test_images_are_durable_before_the_rows_that_name_them_by_one_fsync_each(folder, monkeypatch):
    events, original, fsync = [], hot_file._commit, os.fsync

    def commit(*arguments):
        original(*arguments)
        events.append("rows")

    store = opened(folder, Telling(events))
    store.append(DAY, KEYS[DAY], EVERY[:1])
    events.clear()
    monkeypatch.setattr(hot_file, "_commit", commit)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), fsync(descriptor)))
    store.append(DAY, KEYS[DAY], EVERY[1:])
    assert events == ["fsync", ".images", "rows"]
    store.close()


@pytest.mark.filterwarnings("ignore:This process")
def test_killed_between_images_and_rows(folder, monkeypatch):
    store = opened(folder)
    store.append(DAY, KEYS[DAY], EVERY[:2])
    store.close()
    size = (folder / f"{DAY}.0.images").stat().st_size
    child = os.fork()
    if not child:
        monkeypatch.setattr(hot_file, "_commit", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        opened(folder).append(DAY, KEYS[DAY], EVERY[2:4])
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (folder / f"{DAY}.0.images").stat().st_size > size, "the images had been written"
    assert answered(folder) == EVERY[:2]
    store = opened(folder)
    assert store.append(DAY, KEYS[DAY], EVERY) == [False] * 2 + [True] * 4
    store.close()
    assert answered(folder) == EVERY


def test_a_torn_end_is_passed_over_before_and_after_sealing(folder):
    for part in (EVERY[:3], EVERY[3:]):
        store = opened(folder)
        store.append(DAY, KEYS[DAY], part)
        store.close()
        with (folder / f"{DAY}.0.images").open("ab") as file:
            file.write(b"torn")
    assert answered(folder) == EVERY
    store = opened(folder)
    before = (folder / f"{DAY}.0.images").stat()
    assert store.seal_epoch(DAY, KEYS[DAY]).count == 6
    assert store.drop_hot(DAY)
    store.close()
    after = (folder / f"{DAY}.0.images").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns), "nothing copies images"
    assert answered(folder) == EVERY


@pytest.mark.parametrize("is_stuck", [False, True])
def test_a_disk_that_is_full_in_the_middle_takes_nothing_and_goes_on_later(folder, is_stuck):
    files = Failing(is_stuck=is_stuck)
    store = opened(folder, files)
    with pytest.raises(StorageFailed, match=r"0\.images failed: No space left"):
        store.append(DAY, KEYS[DAY], EVERY)
    assert ((folder / f"{DAY}.0.images").stat().st_size > 0) == is_stuck
    assert numbers(store.search(query("7QXO418"), KEYS)) == []
    files.is_full = False
    assert store.append(DAY, KEYS[DAY], EVERY) == [True] * 6
    store.close()
    assert answered(folder) == EVERY


class Late(LocalFiles):
    """Images that reach the disk only once it is known that their rows cannot be made."""

    def __init__(self):
        self.has_begun, self.may_end, self.has_ended = threading.Event(), threading.Event(), False

    def append(self, path, data):
        self.has_begun.set()
        assert self.may_end.wait(20)
        super().append(path, data)
        self.has_ended = True


def test_rows_that_cannot_be_made_wait_for_their_images_which_then_mean_nothing(folder, monkeypatch):
    files = Late()

    def fails(*_):
        assert files.has_begun.wait(20), "images are written while rows are made"
        files.may_end.set()
        raise StorageFailed("no row")

    store = opened(folder, files)
    with monkeypatch.context() as patched:
        patched.setattr(hot_reads, "data_of", fails)
        with pytest.raises(StorageFailed, match="no row"):
            store.append(DAY, KEYS[DAY], EVERY)
    assert files.has_ended, "nobody goes on while something still writes"
    assert store.append(DAY, KEYS[DAY], EVERY) == [True] * 6
    store.close()
    assert answered(folder) == EVERY


def test_what_a_lane_failed_to_seal_is_not_readable_on_the_disk(folder):
    store = opened(folder)
    store.append(DAY, KEYS[DAY], EVERY)
    store.close()
    assert (folder / f"{DAY}.0.images").stat().st_size > 100
    assert readable(folder, ["sealed crop", "sealed scene"]) == []


def test_images_open_for_their_own_read_under_their_own_key_only(tmp_path):
    path, key = tmp_path / "a.images", KEYS[DAY]
    rows = [ImageRow(7, b"crop", b"scene"), ImageRow(8, b"crop", None), ImageRow(9, b"crop", b"")]
    images = ImageFile(path, key, LocalFiles())
    places, wait = images.begin(rows)
    wait()
    images.close()
    data = {row_id: bytes([HAS_CROP]) + place for row_id, place in places.items()}
    assert list(images_in(path, key, data).values()) == rows
    assert images_in(path, key, {7: b"\x00"}) == {}
    for wrong_key, wrong_rows in ((bytes(32), data), (key, {8: data[7]}), (key, {7: data[8]})):
        with pytest.raises(StorageFailed, match=r"a\.images are cut or changed"):
            images_in(path, wrong_key, wrong_rows)
