"""Files of dead epochs: out of the way when the purge returns, gone soon after, and never forgotten."""

from __future__ import annotations

import contextlib
import errno
import os
import threading

import pytest
from store_testing import DAY, KEYS, NEXT_DAY, numbers, query, stored
from tests.support.failing_files import HOW, FailingFiles

from glassplate.errors import StorageFailed
from glassplate.files import LocalFiles
from glassplate.store import SqlcipherStore, graveyard


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch):
    monkeypatch.setattr(graveyard, "SMALL_BYTES", -1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


class Slow(LocalFiles):
    """Unlinks nothing that is dead before it is told to; ``fault``: and then fails."""

    def __init__(self):
        self.may_go, self.fault = threading.Event(), None

    def remove(self, path):
        if path.suffix == graveyard.END:
            assert self.may_go.wait(20)
            if self.fault is not None:
                raise OSError(self.fault, os.strerror(self.fault))
        super().remove(path)


def filled(folder, files):
    """A store with a sealed epoch that has late reads, and with its neighbor."""
    store = SqlcipherStore(folder, files)
    store.append(DAY, KEYS[DAY], [stored(n) for n in range(3)])
    store.seal_epoch(DAY, KEYS[DAY])
    assert store.drop_hot(DAY)
    store.append(DAY, KEYS[DAY], [stored(7)])
    store.append(NEXT_DAY, KEYS[NEXT_DAY], [stored(50, epoch=NEXT_DAY)])
    return store


def names(folder, epoch=DAY):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(epoch))


def test_a_purge_waits_for_no_file_to_be_unlinked(folder):
    files = Slow()
    store = filled(folder, files)
    before = names(folder)
    store.drop_epoch(DAY)
    assert names(folder) == [f"{name}.dead" for name in before if "-" not in name[len(DAY) :]]
    assert store.epoch_ids() == [NEXT_DAY]
    assert numbers(store.search(query("7QXO418"), KEYS)) == [50]
    files.may_go.set()
    store.close()
    assert names(folder) == []
    assert names(folder, NEXT_DAY)


def test_what_a_crash_left_is_unlinked_at_the_next_start(folder):
    filled(folder, LocalFiles()).close()
    for name in names(folder):
        (folder / name).rename(folder / f"{name}.dead")
    store = SqlcipherStore(folder, LocalFiles())
    assert store.epoch_ids() == [NEXT_DAY]
    assert numbers(store.search(query("7QXO418"), KEYS)) == [50]
    store.close()
    assert names(folder) == []


def test_what_cannot_be_unlinked_stays_the_epochs_and_is_told_until_it_goes(folder):
    files = Slow()
    files.fault = errno.EIO
    files.may_go.set()
    store = filled(folder, files)
    with contextlib.suppress(StorageFailed):  # where the thread was faster
        store.drop_epoch(DAY)
    store._graveyard.close()
    for _ in range(2):
        assert store.epoch_ids() == [DAY, NEXT_DAY]
        with pytest.raises(StorageFailed, match=r"0\.sealed\.dead \(Input/output error\).*tried again"):
            store.drop_epoch(DAY)
    files.fault = None
    store.drop_epoch(DAY)
    assert (store.epoch_ids(), names(folder)) == ([NEXT_DAY], [])
    store.close()


@pytest.mark.parametrize("how", HOW)
def test_where_a_rename_fails_the_files_go_all_the_same(folder, how):
    store = filled(folder, FailingFiles(lambda act, _: act == "set_aside", how))
    store.drop_epoch(DAY)
    store.close()
    assert names(folder) == []
    assert names(folder, NEXT_DAY)


def test_an_epoch_whose_name_begins_like_another_keeps_its_files(folder):
    short = DAY[:-1]
    store = filled(folder, LocalFiles())
    store.append(short, KEYS[DAY], [stored(90, epoch=short)])
    store.drop_epoch(short)
    store._graveyard.close()
    assert store.epoch_ids() == [DAY, NEXT_DAY]
    assert numbers(store.search(query("7QXO418"), KEYS)) == [50, 7, 2, 1, 0]
    store.close()
