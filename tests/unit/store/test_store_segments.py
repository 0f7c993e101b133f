"""Sealing, supplements, dropping, damage: what is on the disk after each act, and what a fault leaves."""

from __future__ import annotations

import errno
import hashlib
import random
import resource
import sqlite3
import stat
import traceback
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from store_testing import DAY, KEYS, MORNING, NEXT_DAY, numbers, query, readable, stored

from glassplate.errors import ProofFailed, StorageFailed
from glassplate.files import LocalFiles
from glassplate.store import SqlcipherStore, StoreQuery
from glassplate.store.answers import Answers
from glassplate.store.cipher_file import naming, open_beside_writer, open_for_sealing, open_hot, opens
from glassplate.store.epoch import Epoch
from glassplate.store.hot_reads import HotReads
from glassplate.store.sealed_search import MAX_OPEN_SEGMENTS, SealedSearch
from glassplate.store.sqlcipher_store import MAX_HOT_EPOCHS

TEXTS = ["7QXO418", "4SILB0Z", "8DOG123"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    opened = SqlcipherStore(folder, LocalFiles())
    yield opened
    opened.close()


def reopen(folder, files=None):
    return SqlcipherStore(folder, files or LocalFiles())


def fill(store, first=0, count=30, epoch=DAY):
    reads = [stored(n, TEXTS[n % 3], epoch=epoch) for n in range(first, first + count)]
    return store.append(epoch, KEYS[epoch], reads)


def found(store, keys=KEYS):
    pages = [store.search(query(text, limit=1000), keys) for text in TEXTS]
    return sorted(n for page in pages for n in numbers(page))


def names(folder):
    """Files of reads; each has its images beside it."""
    return sorted(path.name for path in folder.iterdir() if ".images" not in path.name)


def naive_root(leaves):
    """RFC 6962 §2.1, as the text says it."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_a_segments_summary_is_what_anybody_can_compute(store, folder, count):
    fill(store, count=count)
    summary = store.seal_epoch(DAY, KEYS[DAY])
    leaves = sorted(bytes.fromhex(stored(n).sealed_sha256) for n in range(count))
    assert (summary.epoch_id, summary.name, summary.count) == (DAY, f"{DAY}.0", count)
    assert summary.merkle_root == naive_root(leaves).hex()
    assert summary.sha256 == hashlib.sha256((folder / f"{DAY}.0.sealed").read_bytes()).hexdigest()
    store.verify_segment(summary.name, summary.sha256)


def test_the_hot_file_stays_until_it_is_dropped_and_sealing_again_says_the_same(store, folder):
    fill(store)
    summary = store.seal_epoch(DAY, KEYS[DAY])
    assert store.has_hot(DAY)
    assert store.seal_epoch(DAY, KEYS[DAY]) == summary
    store.close()
    assert names(folder) == [f"{DAY}.0.hot", f"{DAY}.0.sealed"]
    again = reopen(folder)
    assert again.seal_epoch(DAY, KEYS[DAY]) == summary
    assert again.drop_hot(DAY)
    assert not again.has_hot(DAY)
    assert names(folder) == [f"{DAY}.0.sealed"]
    assert again.seal_epoch(DAY, KEYS[DAY]) is None
    assert found(again) == list(range(30))
    again.close()


def test_nothing_to_seal_is_none(store):
    assert store.seal_epoch(DAY, KEYS[DAY]) is None
    assert store.drop_hot(DAY)
    store.append(DAY, KEYS[DAY], [])
    assert store.seal_epoch(DAY, KEYS[DAY]) is None


@pytest.mark.parametrize("is_dropped_first", [False, True])
def test_late_reads_make_a_supplement_and_each_segments_hash_is_told(store, folder, is_dropped_first):
    fill(store)
    first = store.seal_epoch(DAY, KEYS[DAY])
    if is_dropped_first:
        store.drop_hot(DAY)
    fill(store, first=30, count=5)
    if not is_dropped_first:
        assert store.seal_epoch(DAY, KEYS[DAY]) == first
        assert store.drop_hot(DAY) is False
    second = store.seal_epoch(DAY, KEYS[DAY])
    assert (second.name, second.count) == (f"{DAY}.1", 5)
    assert store.drop_hot(DAY)
    assert names(folder) == [f"{DAY}.0.sealed", f"{DAY}.1.sealed"]
    assert found(store) == list(range(35))
    assert store.counts(KEYS) == {DAY: 35}


def test_only_the_owner_may_read_the_folder_and_its_files(store, folder):
    fill(store)
    fill(store, epoch=NEXT_DAY)
    store.seal_epoch(DAY, KEYS[DAY])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


# --- what a thief sees ------------------------------------------------------------------------------------


def test_no_planted_plate_lies_readable_in_any_file_at_any_time(store, folder):
    for n in range(5):
        fill(store, first=30 * n)
        assert (folder / f"{DAY}.0.hot-wal").stat().st_size > 0
        assert readable(folder, TEXTS) == []
    store.search(query("7QX*"), KEYS)
    store.seal_epoch(DAY, KEYS[DAY])
    assert readable(folder, TEXTS) == []
    fill(store, first=500)
    store.close()
    assert readable(folder, [*TEXTS, "cam-07", "sealed crop", "SQLite format", "captured_at"]) == []


def test_the_scan_would_see_a_plate(folder, tmp_path):
    """The test above can fail: the same reads in a file without encryption are found."""
    plain = sqlite3.connect(tmp_path / "plain.db")
    plain.execute("create table read (plate)")
    plain.execute("insert into read values ('70X0418')")
    plain.commit()
    plain.close()
    assert readable(tmp_path, ["7QXO418"]) == [("plain.db", b"70X0418")]


def test_no_temporary_file_is_written_while_sorting(store, folder, monkeypatch, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(scratch))
    fill(store, count=400)
    store.seal_epoch(DAY, KEYS[DAY])
    assert list(scratch.iterdir()) == []


# --- damage and wrong keys --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["hot", "sealed"])
def test_another_key_opens_nothing_and_the_other_epoch_is_served(store, folder, state, capfd):
    fill(store)
    fill(store, first=50, epoch=NEXT_DAY)
    if state == "sealed":
        store.seal_epoch(DAY, KEYS[DAY])
        store.drop_hot(DAY)
    store.close()
    again = reopen(folder)
    wrong = {**KEYS, DAY: bytes(32)}
    page = again.search(query("7QXO418"), wrong)
    assert numbers(page) == [78, 75, 72, 69, 66, 63, 60, 57, 54, 51]
    assert [epoch_id for epoch_id, _ in page.unserved] == [DAY]
    assert f"{DAY}.0.{state}" in page.unserved[0][1]
    with pytest.raises(StorageFailed, match=f"{DAY}.0.{state}"):
        again.append(DAY, wrong[DAY], [stored(99)])
    assert capfd.readouterr() == ("", "")
    assert found(again) == [*range(30), *range(50, 80)]
    again.close()


@pytest.mark.parametrize("part", ["first page", "middle", "last page"])
@pytest.mark.parametrize("state", ["hot", "sealed"])
def test_a_flipped_bit_is_named_and_never_answered(store, folder, state, part):
    fill(store, count=300)
    fill(store, first=500, epoch=NEXT_DAY)
    summary = store.seal_epoch(DAY, KEYS[DAY]) if state == "sealed" else None
    if summary:
        store.drop_hot(DAY)
    store.close()
    path = folder / f"{DAY}.0.{state}"
    data = bytearray(path.read_bytes())
    data[{"first page": 100, "middle": len(data) // 2, "last page": len(data) - 100}[part]] ^= 1
    path.write_bytes(data)
    again = reopen(folder)
    answers = [again.search(query(text, limit=1000), KEYS) for text in (*TEXTS, "*7Q*", "*SI*", "*D0*")]
    unserved = {epoch_id for page in answers for epoch_id, _ in page.unserved}
    assert unserved <= {DAY}
    for page in answers:
        assert page.unserved or len([r for r in page.reads if r.epoch_id == DAY]) == 100
        assert [r for r in page.reads if r.epoch_id == NEXT_DAY]
    assert unserved or part != "first page"
    if summary:
        with pytest.raises(ProofFailed, match=summary.sha256):
            again.verify_segment(summary.name, summary.sha256)
        refused = again.search(query("7QXO418"), KEYS)
        assert {r.epoch_id for r in refused.reads} == {NEXT_DAY}
        assert "not the one in the log" in refused.unserved[0][1]
    again.close()


def test_a_segment_rolled_back_to_an_older_valid_one_is_found_by_its_hash(store, folder):
    fill(store)
    old = store.seal_epoch(DAY, KEYS[DAY])
    path = folder / f"{DAY}.0.sealed"
    backup = path.read_bytes()
    store.close()
    path.unlink()
    (folder / f"{DAY}.0.hot").exists()
    again = reopen(folder)
    fill(again, first=30, count=1)
    new = again.seal_epoch(DAY, KEYS[DAY])
    again.verify_segment(new.name, new.sha256)
    path.write_bytes(backup)
    with pytest.raises(ProofFailed, match=old.sha256):
        again.verify_segment(new.name, new.sha256)
    with pytest.raises(StorageFailed, match="cannot be read"):
        again.verify_segment(f"{DAY}.9", new.sha256)
    again.close()


def test_an_older_segment_that_was_put_back_whole_is_refused_when_it_is_opened(store, folder):
    fill(store)
    fill(store, first=50, epoch=NEXT_DAY)
    path = folder / f"{DAY}.0.sealed"
    older = store.seal_epoch(DAY, KEYS[DAY])
    backup = path.read_bytes()
    store.close()
    path.unlink()
    again = reopen(folder)
    fill(again, first=30, count=1)
    logged = again.seal_epoch(DAY, KEYS[DAY])
    again.drop_hot(DAY)
    again.close()
    wrong_root = replace(logged, merkle_root=older.merkle_root)
    for content, told, is_served in (
        (path.read_bytes(), logged, True),
        (path.read_bytes(), wrong_root, False),
        (backup, logged, False),
    ):
        path.write_bytes(content)
        again = reopen(folder)
        again.expect_segments([told])
        page = again.search(query("7QXO418", limit=1000), KEYS)
        assert {r.epoch_id for r in page.reads} == ({DAY, NEXT_DAY} if is_served else {NEXT_DAY})
        if not is_served:
            assert f"{path} is not the one in the log" in dict(page.unserved)[DAY]
            with pytest.raises(StorageFailed, match="not the one in the log"):
                again.append(DAY, KEYS[DAY], [stored(99)])
        again.close()


def test_a_missing_read_is_not_passed_over_when_its_epoch_cannot_be_read(store, folder):
    fill(store)
    fill(store, first=50, epoch=NEXT_DAY)
    store.close()
    again = reopen(folder)
    wrong = {**KEYS, DAY: bytes(32)}
    assert numbers(again.get([f"{51:032x}"], wrong)) == [51]
    with pytest.raises(StorageFailed, match=DAY):
        again.get([f"{1:032x}", f"{51:032x}"], wrong)
    again.close()


def test_errors_hide_keys_and_plates(store, folder):
    fill(store)
    store.close()
    again = reopen(folder)
    wrong = bytes.fromhex("c0ffee00" * 8)
    shown = ""
    try:
        again.append(DAY, wrong, [stored(99)])
    except StorageFailed:
        shown = traceback.format_exc()
    assert DAY in shown
    assert "c0ffee" not in shown
    assert "7QXO418" not in shown
    with pytest.raises(ValueError, match="32 bytes"):
        again.append(NEXT_DAY, b"short", [stored(99, epoch=NEXT_DAY)])
    again.close()


# --- dropping ---------------------------------------------------------------------------------------------


def test_a_dropped_epoch_leaves_no_file_and_its_neighbor_is_unharmed(store, folder):
    fill(store)
    store.seal_epoch(DAY, KEYS[DAY])
    fill(store, first=40)
    fill(store, first=100, epoch=NEXT_DAY)
    store.drop_epoch(DAY)
    assert store.epoch_ids() == [NEXT_DAY]
    assert not [name for name in names(folder) if name.startswith(DAY)]
    assert found(store) == list(range(100, 130))
    store.drop_epoch(DAY)


def test_dropping_needs_no_key_and_works_on_a_closed_or_damaged_epoch(store, folder):
    fill(store)
    store.close()
    (folder / f"{DAY}.0.hot").write_bytes(b"damaged")
    (folder / f"{DAY}.1.tmp").write_bytes(b"left over")
    again = reopen(folder)
    assert f"{DAY}.1.tmp" not in names(folder)
    again.drop_epoch(DAY)
    assert names(folder) == []


MOMENTS = {
    "before it looked": (Epoch, "parts"),
    "before it read the hot rows": (HotReads, "newest"),
    "before it fetched the hot rows": (Answers, "_with_hot_data"),
    "before it asked the sealed segments": (SealedSearch, "search"),
    "before it opened what it found": (Answers, "_opened"),
}


@pytest.mark.parametrize("state", ["hot", "sealed", "both"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_search_that_meets_a_purge_says_so_and_serves_the_other_epoch(store, monkeypatch, moment, state):
    fill(store)
    fill(store, first=90, count=1, epoch=NEXT_DAY)
    store.seal_epoch(NEXT_DAY, KEYS[NEXT_DAY])
    fill(store, first=93, count=1, epoch=NEXT_DAY)
    if state != "hot":
        store.seal_epoch(DAY, KEYS[DAY])
        store.drop_hot(DAY)
    if state == "both":
        fill(store, first=40)
    place, name = MOMENTS[moment]
    original, purged = getattr(place, name), []

    def after_a_purge(*arguments):
        if not purged:
            purged.append(DAY)
            store.drop_epoch(DAY)
        return original(*arguments)

    monkeypatch.setattr(place, name, after_a_purge)
    page = store.search(query("7QXO418"), KEYS)
    assert numbers(page) == [93, 90]
    assert purged == [epoch_id for epoch_id, _ in page.unserved]
    assert "destroyed a moment ago" in page.unserved[0][1]
    assert store.search(query("7QXO418"), KEYS).unserved == ()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_search_that_meets_sealing_misses_and_doubles_nothing(store, monkeypatch, moment):
    fill(store)
    fill(store, first=90, count=1, epoch=NEXT_DAY)
    store.seal_epoch(NEXT_DAY, KEYS[NEXT_DAY])
    place, name = MOMENTS[moment]
    original, sealed = getattr(place, name), []

    def after_sealing(*arguments):
        if not sealed:
            sealed.append(DAY)
            store.seal_epoch(DAY, KEYS[DAY])
            store.drop_hot(DAY)
        return original(*arguments)

    monkeypatch.setattr(place, name, after_sealing)
    assert numbers(store.search(query("7QXO418"), KEYS)) == [90, *range(27, -1, -3)]
    assert sealed


def test_only_segments_with_reads_of_the_time_asked_for_are_asked(store, monkeypatch):
    fill(store)
    store.seal_epoch(DAY, KEYS[DAY])
    store.drop_hot(DAY)
    fill(store, first=60, count=3)
    store.seal_epoch(DAY, KEYS[DAY])
    store.drop_hot(DAY)
    fill(store, first=90, count=3, epoch=NEXT_DAY)
    store.seal_epoch(NEXT_DAY, KEYS[NEXT_DAY])
    store.drop_hot(NEXT_DAY)
    original, asked = SealedSearch.search, []
    monkeypatch.setattr(
        SealedSearch, "search", lambda search, q, scopes: asked.append(scopes) or original(search, q, scopes)
    )
    assert found(store) == [*range(30), *range(60, 63), *range(90, 93)]
    at = [MORNING + timedelta(seconds=n) for n in range(100)]
    tick = timedelta(microseconds=1)
    windows = {
        (at[60], at[62]): [(DAY, (1,))],
        (at[29], at[60]): [(DAY, (0, 1))],
        (at[27], at[60] - tick): [(DAY, (0,))],
        (at[30], at[59]): None,
        (at[62] + timedelta(days=1), at[90] + timedelta(days=1)): [(NEXT_DAY, (0,))],
    }
    for (since, until), scopes in windows.items():
        asked.clear()
        page = store.search(query("*X04*", since=since, until=until), KEYS)
        assert asked == ([scopes] if scopes else [])
        assert all(since <= one.read.captured_at <= until for one in page.reads)
        assert bool(page.reads) == bool(scopes)


def test_hot_reads_of_another_time_are_not_asked(store, monkeypatch):
    fill(store, count=3)
    fill(store, first=90, count=3, epoch=NEXT_DAY)
    original, asked = HotReads.newest, []
    monkeypatch.setattr(HotReads, "newest", lambda hot, q: asked.append(hot.count) or original(hot, q))
    first_day = MORNING + timedelta(hours=1)
    whole = StoreQuery(None, MORNING, first_day + timedelta(days=1), ("cam-07",))
    assert numbers(store.search(replace(whole, until=first_day), KEYS)) == [2, 1, 0]
    assert asked == [3]
    fill(store, first=60, count=1)
    assert numbers(store.search(replace(whole, since=first_day), KEYS)) == [92, 91, 90]
    assert asked == [3, 3]
    assert numbers(store.search(whole, KEYS)) == [92, 91, 90, 60, 2, 1, 0]
    assert sorted(asked) == [3, 3, 3, 4]


def test_every_read_is_found_by_its_id_in_segments_of_several_buckets_and_no_other(store):
    chance = random.Random(5)
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(1200)]
    for start, end in ((0, 900), (900, 1000)):
        reads = [stored(n) for n in range(start, end)]
        reads = [replace(s, read=replace(s.read, read_id=ids[start + n])) for n, s in enumerate(reads)]
        assert all(store.append(DAY, KEYS[DAY], reads))
        store.seal_epoch(DAY, KEYS[DAY])
        store.drop_hot(DAY)
    assert [one.read.read_id for one in store.get(ids, KEYS)] == ids[:1000]
    assert store.get(ids[1000:], KEYS) == []


@pytest.mark.parametrize("error", [sqlcipher.OperationalError, sqlcipher.DatabaseError])
def test_what_sqlite_says_is_shown_only_where_it_cannot_quote_a_key(error, tmp_path):
    path = tmp_path / "2026-11-25.0.hot"
    with pytest.raises(StorageFailed, match="disk is full"), naming(path):
        raise error("database or disk is full")
    with pytest.raises(StorageFailed, match=path.name) as caught, naming(path):
        raise error("unrecognized token: x'c0ffee")
    assert "c0ffee" not in "".join(traceback.format_exception(caught.value))


class FailingRemoval(LocalFiles):
    def remove(self, path):
        raise OSError(errno.EROFS, "Read-only file system")


def test_a_file_that_cannot_be_removed_is_named(store, folder):
    fill(store)
    store.close()
    with pytest.raises(StorageFailed, match=r"0\.hot \(Read-only"):
        reopen(folder, FailingRemoval()).drop_epoch(DAY)


# --- faults while writing ---------------------------------------------------------------------------------


class RenameFault(LocalFiles):
    """A disk that fails at step (2) of sealing, with or without having renamed."""

    def __init__(self, *, is_written):
        self._is_written = is_written
        self.is_failing = True

    def rename(self, source, target):
        if not self.is_failing:
            super().rename(source, target)
            return
        if self._is_written:
            super().rename(source, target)
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("is_written", [False, True], ids=["not written", "written"])
def test_a_failed_rename_loses_and_doubles_nothing(folder, is_written):
    disk = RenameFault(is_written=is_written)
    store = reopen(folder, disk)
    fill(store)
    with pytest.raises(StorageFailed, match="Input/output error"):
        store.seal_epoch(DAY, KEYS[DAY])
    assert f"{DAY}.0.tmp" not in names(folder)
    assert found(store) == list(range(30))
    fill(store, first=30, count=3)
    store.close()
    disk.is_failing = False
    store = reopen(folder, disk)
    assert found(store) == list(range(33))
    summaries = []
    while store.has_hot(DAY):
        summaries.append(store.seal_epoch(DAY, KEYS[DAY]))
        store.drop_hot(DAY)
    assert sum(summary.count for summary in summaries) == 33
    assert found(store) == list(range(33))
    store.close()


@pytest.fixture
def small_disk():
    """No file may grow beyond a limit: what SQLite sees of a full disk, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_fails_an_append_as_a_whole(store, folder, small_disk):
    fill(store)
    before = (folder / f"{DAY}.0.hot-wal").stat().st_size
    small_disk(before + 20_000)
    with pytest.raises(StorageFailed, match=r"0\.hot failed") as caught:
        fill(store, first=100, count=500)
    small_disk(resource.RLIM_INFINITY)
    assert "7QXO418" not in str(caught.value)
    assert found(store) == list(range(30))
    assert fill(store, first=100, count=5) == [True] * 5
    store.close()
    assert found(reopen(folder)) == [*range(30), *range(100, 105)]


def test_a_full_disk_fails_sealing_and_leaves_the_hot_file(store, folder, small_disk):
    fill(store, count=300)
    small_disk(20_000)
    with pytest.raises(StorageFailed, match=r"0\.sealed failed"):
        store.seal_epoch(DAY, KEYS[DAY])
    small_disk(resource.RLIM_INFINITY)
    assert not [name for name in names(folder) if "tmp" in name or "sealed" in name]
    assert found(store) == list(range(300))
    assert store.seal_epoch(DAY, KEYS[DAY]).count == 300


def test_files_are_opened_so_that_a_commit_is_durable_and_nothing_spills(tmp_path):
    hot = open_hot(tmp_path / "hot", KEYS[DAY])
    pragmas = ["journal_mode", "synchronous", "temp_store"]
    assert [hot.execute(f"pragma {name}").fetchone()[0] for name in pragmas] == ["wal", 2, 2]
    hot.close()
    sealing = open_for_sealing(tmp_path / "sealing", KEYS[DAY])
    assert [sealing.execute(f"pragma {name}").fetchone()[0] for name in pragmas] == ["off", 0, 2]
    sealing.close()
    with pytest.raises(sqlcipher.OperationalError, match="readonly"):
        open_beside_writer(tmp_path / "hot", KEYS[DAY]).execute("create table more (a)")


@pytest.mark.parametrize(("version", "hmac"), [(3, "HMAC_SHA512"), (5, "HMAC_SHA256")])
def test_a_segment_of_another_format_is_refused_by_name_and_left_as_it_is(store, folder, version, hmac):
    fill(store)
    store.seal_epoch(DAY, KEYS[DAY])
    store.close()
    path = folder / f"{DAY}.0.sealed"
    path.unlink()
    other = sqlcipher.connect(path, isolation_level=None)
    other.execute(f"pragma key=\"x'{KEYS[DAY].hex()}'\"")
    other.execute(f"pragma cipher_hmac_algorithm={hmac}")
    other.execute(f"pragma user_version={version}")
    other.close()
    before = path.read_bytes()
    page = reopen(folder).search(query(TEXTS[0]), KEYS)
    assert f"has format {version}" in page.unserved[0][1]
    assert path.name in page.unserved[0][1]
    assert path.read_bytes() == before


def test_a_key_is_tried_on_hot_and_on_sealed_files(store, folder):
    fill(store)
    assert opens(folder / f"{DAY}.0.hot", KEYS[DAY])
    store.seal_epoch(DAY, KEYS[DAY])
    assert opens(folder / f"{DAY}.0.sealed", KEYS[DAY])
    for kind in ("hot", "sealed"):
        assert not opens(folder / f"{DAY}.0.{kind}", KEYS[NEXT_DAY])


def open_files(folder):
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(folder) in str(link.readlink()) for link in links)


def test_hot_epochs_beyond_a_few_are_closed_and_served(folder):
    store = reopen(folder)
    keys = {f"2026-11-{day:02}": bytes([day]) * 32 for day in range(1, 25)}
    for day, (epoch_id, key) in enumerate(keys.items(), 1):
        store.append(epoch_id, key, [stored(day, epoch=epoch_id)])
    assert open_files(folder) <= 10 * MAX_HOT_EPOCHS
    assert numbers(store.search(query("7QXO418"), keys)) == list(range(24, 0, -1))
    assert store.append("2026-11-01", keys["2026-11-01"], [stored(1), stored(99)]) == [False, True]
    assert open_files(folder) <= 10 * MAX_HOT_EPOCHS
    assert sum(store.counts().values()) == 25
    store.close()
    assert open_files(folder) == 0


def test_three_years_of_small_epochs_are_served_with_few_open_files(folder, tmp_path):
    """Copies of a usual day and of a rare one, under 1,095 names."""
    for kind, text in (("usual", TEXTS[1]), ("rare", TEXTS[0])):
        days = reopen(tmp_path / kind)
        days.append(DAY, KEYS[DAY], [stored(1, text)])
        days.seal_epoch(DAY, KEYS[DAY])
        days.drop_hot(DAY)
        days.close()
    epoch_ids = [f"{date(2026, 1, 1) + timedelta(days=n)}" for n in range(1095)]
    folder.mkdir()
    for n, epoch_id in enumerate(epoch_ids):
        for kind in ("sealed", "images"):
            source = tmp_path / ("usual" if n % 300 else "rare") / f"{DAY}.0.{kind}"
            (folder / f"{epoch_id}.0.{kind}").write_bytes(source.read_bytes())
    keys = dict.fromkeys(epoch_ids, KEYS[DAY])
    rare = epoch_ids[::300]
    store = reopen(folder)
    for _ in range(2):
        page = store.search(query("7QXO418"), keys)
        assert [found.epoch_id for found in page.reads] == rare[::-1]
        page = store.search(query("4SI*", limit=3), keys)
        assert [found.epoch_id for found in page.reads] == epoch_ids[:-4:-1]
        assert open_files(folder) <= MAX_OPEN_SEGMENTS
        store.drop_epoch(rare.pop(1))
        assert store.get([f"{1:032x}"], keys)[0].read.read_id == f"{1:032x}"
    assert len(store.counts()) == 1093
    store.close()
    assert open_files(folder) == 0
