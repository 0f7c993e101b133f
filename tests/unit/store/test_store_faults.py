"""Faults that a store of many parts can have: each is named, and takes nothing else with it."""

from __future__ import annotations

import errno
import threading

import numpy as np
import pytest
import sqlcipher3.dbapi2 as sqlcipher
from store_testing import DAY, KEYS, MORNING, NEXT_DAY, numbers, query, readable, stored

from glassplate.errors import InputRefused, StorageFailed
from glassplate.files import LocalFiles
from glassplate.plate_text import fold
from glassplate.store import NO_FILE, SqlcipherStore, hot_file, segment_writer
from glassplate.store.dictionary import PlateDictionary
from glassplate.store.hot_file import HotFile
from glassplate.store.plate_codes import code_of


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    opened = SqlcipherStore(folder, LocalFiles())
    yield opened
    opened.close()


def fill(store, first=0, count=6, epoch=DAY, text="7QXO418"):
    return store.append(
        epoch, KEYS[epoch], [stored(n, text, epoch=epoch) for n in range(first, first + count)]
    )


def sealed(store, epoch=DAY):
    summary = store.seal_epoch(epoch, KEYS[epoch])
    assert store.drop_hot(epoch)
    return summary


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hot", "sealed"])
def test_a_file_of_the_format_before_is_refused_by_name_and_left_alone(store, folder, kind):
    path = folder / f"{DAY}.0.{kind}"
    old = sqlcipher.connect(str(path))
    old.execute(f"pragma key=\"x'{KEYS[DAY].hex()}'\"")
    old.execute("create table read (id integer primary key, read_id blob, plate text)")
    old.close()
    before = path.read_bytes()
    fill(store, first=50, count=1, epoch=NEXT_DAY)
    store.close()
    again = SqlcipherStore(folder, LocalFiles())
    page = again.search(query("7QXO418"), KEYS)
    assert numbers(page) == [50]
    assert f"{path} has format 0" in dict(page.unserved)[DAY]
    with pytest.raises(StorageFailed, match="has format 0"):
        fill(again)
    again.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["flipped", "missing", "cut"])
def test_damaged_images_are_named_and_the_other_epoch_is_served(store, folder, damage):
    fill(store)
    fill(store, first=50, count=2, epoch=NEXT_DAY)
    sealed(store)
    store.close()
    path = folder / f"{DAY}.0.images"
    data = bytearray(path.read_bytes())
    data[len(data) - 100] ^= 1
    path.write_bytes(data[:-1] if damage == "cut" else data)
    if damage == "missing":
        path.unlink()
    again = SqlcipherStore(folder, LocalFiles())
    page = again.search(query("7QXO418"), KEYS)
    assert numbers(page) == [51, 50]
    assert str(path) in dict(page.unserved)[DAY]
    again.close()


def test_a_key_that_is_another_is_refused_while_the_epoch_is_open(store):
    fill(store)
    wrong = {DAY: bytes(32)}
    for _ in range(2):
        page = store.search(query("7QXO418"), wrong)
        assert page.reads == ()
        assert "its key is another" in dict(page.unserved)[DAY]
        with pytest.raises(StorageFailed, match="its key is another"):
            store.append(DAY, wrong[DAY], [stored(99)])
        sealed(store)
    assert len(store.search(query("7QXO418"), KEYS).reads) == 6


STEPS = {
    "writing the rows": (segment_writer, "_write_indexes"),
    "writing the chunks": (segment_writer, "_write_chunks"),
    "syncing the file": (segment_writer.os, "fsync"),
    "renaming it": (LocalFiles, "rename"),
    "reading it back": (segment_writer, "buckets_of"),
}


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_failure_in_any_step_of_sealing_loses_and_doubles_nothing(
    store, folder, monkeypatch, step, is_closed
):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    fill(store)
    with monkeypatch.context() as faulty:
        faulty.setattr(*STEPS[step], fail)
        with pytest.raises(StorageFailed, match=r"0\.sealed failed: Input/output error"):
            store.seal_epoch(DAY, KEYS[DAY])
    if is_closed:
        store.close()
        store = SqlcipherStore(folder, LocalFiles())
    assert numbers(store.search(query("7QXO418"), KEYS)) == [5, 4, 3, 2, 1, 0]
    fill(store, first=6, count=1)
    assert sealed(store).count == 7
    assert numbers(store.search(query("7QXO418"), KEYS)) == [6, 5, 4, 3, 2, 1, 0]
    store.close()


def test_packed_plates_lie_in_no_file_either(store, folder):
    packed = [code_of(fold("7QXO418")).to_bytes(8, order) for order in ("big", "little")]
    for _ in range(2):
        fill(store)
        files = [path.read_bytes() for path in folder.iterdir()]
        assert not [code for code in packed for data in files if code in data]
        assert readable(folder, ["7QXO418", "cam-07"]) == []
        sealed(store)
    (folder / "plain").write_bytes(np.array([code_of("70X0418")], dtype="<u8").tobytes())
    assert packed[1] in (folder / "plain").read_bytes()


# --- writing together -------------------------------------------------------------------------------------


class SlowFirstWrite:
    """Holds the first write until enough others wait."""

    def __init__(self, monkeypatch):
        self.writes, self.is_held, self.release = 0, threading.Event(), threading.Event()
        original = HotFile.write

        def write(hot, images, batch):
            self.writes += 1
            if self.writes == 1:
                self.is_held.set()
                assert self.release.wait(20)
            return original(hot, images, batch)

        monkeypatch.setattr(HotFile, "write", write)


def together(store, slow, appends):
    """Results of appends of which all but the first wait for the first; an error stands for itself."""
    results = {}

    def run(name, reads):
        try:
            results[name] = store.append(DAY, KEYS[DAY], reads)
        except StorageFailed as error:
            results[name] = str(error)

    threads = [threading.Thread(target=run, args=one) for one in appends.items()]
    threads[0].start()
    assert slow.is_held.wait(20)
    waiting = store._epoch(DAY)._commit._waiting
    for thread in threads[1:]:
        thread.start()
    while len(waiting) < len(threads) - 1:
        threading.Event().wait(0.002)
    slow.release.set()
    for thread in threads:
        thread.join()
    return results


def test_writers_that_wait_share_one_durable_write(store, monkeypatch):
    slow = SlowFirstWrite(monkeypatch)
    appends = {n: [stored(n), stored(n + 100), stored(50)] for n in range(6)}
    results = together(store, slow, appends)
    assert slow.writes == 2
    assert all(is_new[:2] == [True, True] for is_new in results.values())
    assert sum(is_new[2] for is_new in results.values()) == 1
    assert len(store.search(query("7QXO418"), KEYS).reads) == 13


def test_a_writer_whose_reads_cannot_be_taken_fails_alone(store, monkeypatch):
    slow = SlowFirstWrite(monkeypatch)
    crowd = [stored(1000 + n, at=MORNING) for n in range(1025)]
    results = together(store, slow, {"first": [stored(1)], "crowd": crowd, "last": [stored(2)]})
    assert results["first"] == results["last"] == [True]
    assert "same microsecond" in results["crowd"]
    assert numbers(store.search(query("7QXO418"), KEYS)) == [2, 1]


def test_a_failed_write_fails_all_who_shared_it_and_takes_nothing(store, monkeypatch):
    slow = SlowFirstWrite(monkeypatch)
    original, calls = hot_file._commit, []

    def commit(connection, inserts):
        calls.append(inserts)
        if len(calls) == 2:  # the rows of the first; those of the others
            raise sqlcipher.OperationalError("disk I/O error")
        original(connection, inserts)

    monkeypatch.setattr(hot_file, "_commit", commit)
    results = together(store, slow, {n: [stored(n)] for n in range(4)})
    assert [name for name, result in results.items() if result == [True]] == [0]
    assert sum("disk I/O error" in result for result in results.values() if isinstance(result, str)) == 3
    assert numbers(store.search(query("7QXO418"), KEYS)) == [0]
    assert fill(store, count=4) == [False, True, True, True]
    assert store.search(query("7QXO418"), KEYS).reads[0] == stored(3)


# --- memory -----------------------------------------------------------------------------------------------


def test_an_epoch_in_memory_is_counted_but_has_no_file(store, folder):
    store.create_epoch(DAY, in_memory=True)
    fill(store)
    summary = store.seal_epoch(DAY, KEYS[DAY])
    assert (summary.name, summary.sha256, summary.count) == ("", NO_FILE, 6)
    assert not store.has_hot(DAY)
    fill(store, first=6, count=1)
    assert store.has_hot(DAY)
    assert store.seal_epoch(DAY, KEYS[DAY]).count == 1
    assert store.seal_epoch(DAY, KEYS[DAY]) is None
    assert len(store.search(query("7QXO418"), KEYS).reads) == 7
    assert list(folder.iterdir()) == []
    with pytest.raises(InputRefused, match="has reads already"):
        store.create_epoch(DAY)
    fill(store, epoch=NEXT_DAY)
    with pytest.raises(InputRefused, match="has reads already"):
        store.create_epoch(NEXT_DAY, in_memory=True)


def codes(*texts):
    return np.array(sorted(map(code_of, texts)), dtype=np.uint64)


def test_the_dictionary_overwrites_plates_that_only_the_dead_had():
    dictionary = PlateDictionary()
    dictionary.add({"a": codes("AAA", "BBB", "CCC"), "b": codes("BBB", "DDD"), "c": codes("EEE")})
    for dead, left in (("a", {"BBB", "DDD", "EEE"}), ("c", {"BBB", "DDD"}), ("b", set())):
        dictionary.drop(dead)
        assert {int(code) for code in dictionary._codes} - {0} == {code_of(text) for text in left}
    dictionary.add({"d": codes("FFF")})
    assert dictionary._codes.tolist() == [code_of("FFF")]
    assert len(dictionary._sets) == 1, "the dead epochs' bits are used again"


def test_more_epochs_than_bits_in_a_word():
    dictionary = PlateDictionary()
    dictionary.add({f"{n}": codes("AAA", f"A{n}") for n in range(200)})
    for n in range(0, 200, 2):
        dictionary.drop(f"{n}")
    dictionary.add({"again": codes("AAA")})
    every = np.arange(len(dictionary))
    assert [int(code) for code in dictionary.codes_in(every, "again")] == [code_of("AAA")]
    assert {int(code) for code in dictionary.codes_in(every, "77")} == {code_of("AAA"), code_of("A77")}
    assert len(dictionary.codes_in(every, "76")) == 0


def test_hot_columns_are_overwritten_when_the_epoch_is_dropped(store):
    fill(store)
    columns = store._epoch(DAY)._parts.hot.columns
    array = columns["codes"]
    assert array[0] == code_of(fold("7QXO418"))
    store.drop_epoch(DAY)
    assert not array.any()
