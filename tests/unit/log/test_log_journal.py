"""The journal: what a crash leaves is cut off, what is damaged is refused, a failed write leaves nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_testing import FailingFiles, record

from glassplate.errors import LogUnavailable, StorageFailed, UsageError
from glassplate.files import LocalFiles
from glassplate.log import LogRecord
from glassplate.log.journal import MAGIC, Journal
from glassplate.log.journal_record import MAX_BODIES, MAX_BODY_BYTES, pack_record, parse_record

COUNT = 4


def _open(path, files=None, at_least=0):
    leaves = []
    journal = Journal.open(path, files or LocalFiles(), lambda r: leaves.append(r.leaf), at_least=at_least)
    return journal, leaves


def _written(path, count=COUNT):
    """A journal of ``count`` records: its bytes and where each frame ends."""
    Journal.create(path, LocalFiles())
    journal, _ = _open(path)
    ends = [path.stat().st_size]
    for number in range(count):
        assert journal.append([pack_record(record(number))]) == number
        ends.append(path.stat().st_size)
    journal.close()
    return path.read_bytes(), ends


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return _written(tmp_path_factory.mktemp("journal") / "journal")


def test_records_come_back_with_their_bodies(tmp_path):
    _written(tmp_path / "journal")
    journal, leaves = _open(tmp_path / "journal")
    assert leaves == [record(number).leaf for number in range(COUNT)]
    assert [journal.read(number) for number in range(COUNT)] == [record(number) for number in range(COUNT)]
    for index in (-1, COUNT):
        with pytest.raises(UsageError):
            journal.read(index)
    journal.close()
    with pytest.raises(LogUnavailable):
        journal.read(0)
    with pytest.raises(LogUnavailable):
        journal.append([b"x"])


def test_journal_is_readable_by_its_owner_only(tmp_path):
    _written(tmp_path / "journal")
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600


def test_tail_torn_at_any_byte_is_cut_and_the_next_record_follows(tmp_path, good):
    data, ends = good
    path = tmp_path / "journal"
    for cut in range(len(MAGIC), len(data)):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends) - 1
        journal, leaves = _open(path)
        assert len(leaves) == journal.size == whole
        assert path.stat().st_size == ends[whole]
        journal.close()
    journal, _ = _open(path)
    assert journal.append([pack_record(record(9))]) == COUNT - 1
    journal.close()
    assert _open(path)[0].read(COUNT - 1) == record(9)


def test_tail_of_zeros_is_cut(tmp_path, good):
    data, ends = good
    path = tmp_path / "journal"
    start, end = ends[-2], ends[-1]
    for written in (0, 1, 5, 39, 40, 41, end - start - 32):
        for beyond in (0, 700):
            path.write_bytes(data[: start + written] + bytes(end - start - written + beyond))
            journal, _ = _open(path)
            assert journal.size == COUNT - 1
            journal.close()


def test_nothing_is_cut_that_a_checkpoint_was_signed_for(tmp_path, good):
    data, _ = good
    path = tmp_path / "journal"
    path.write_bytes(data[:-1])
    with pytest.raises(StorageFailed, match=r"journal holds 3 intact entries.*signed for 4"):
        _open(path, at_least=COUNT)
    assert path.read_bytes() == data[:-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=st.data())
def test_no_changed_byte_is_ever_opened_or_cut(tmp_path, good, chosen):
    data, _ = good
    path = tmp_path / "journal"
    position = chosen.draw(st.integers(0, len(data) - 1))
    flipped = data[position] ^ chosen.draw(st.integers(1, 255))
    changed = data[:position] + bytes([flipped]) + data[position + 1 :]
    path.write_bytes(changed)
    with pytest.raises(StorageFailed, match="journal"):
        _open(path)
    assert path.read_bytes() == changed


def test_damage_names_file_offset_and_entry(tmp_path, good):
    data, ends = good
    path = tmp_path / "journal"
    path.write_bytes(data[: ends[2] - 5] + b"\xff" + data[ends[2] - 4 :])
    with pytest.raises(StorageFailed, match=rf"journal is damaged at byte {ends[1]} \(entry 1\)"):
        _open(path)


def test_records_in_another_order_are_damage(tmp_path, good):
    data, ends = good
    frames = [data[ends[i] : ends[i + 1]] for i in range(COUNT)]
    path = tmp_path / "journal"
    path.write_bytes(MAGIC + frames[1] + frames[0] + frames[2])
    with pytest.raises(StorageFailed, match="entry 0"):
        _open(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(garbage=st.binary(max_size=200))
def test_garbage_behind_the_last_record_is_refused_or_cut(tmp_path, good, garbage):
    data, _ = good
    path = tmp_path / "journal"
    path.write_bytes(data + garbage)
    try:
        journal, _ = _open(path)
    except StorageFailed:
        return
    assert journal.size == COUNT
    assert path.read_bytes() == data
    journal.close()


def test_record_damaged_while_open_is_refused_when_read(tmp_path, good):
    data, ends = good
    path = tmp_path / "journal"
    path.write_bytes(data)
    journal, _ = _open(path)
    path.write_bytes(data[: ends[2] - 1] + b"\xff" + data[ends[2] :])
    with pytest.raises(StorageFailed, match="entry 1"):
        journal.read(1)
    assert journal.read(2) == record(2)
    journal.close()


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(StorageFailed, match="journal"):
        _open(tmp_path / "journal")
    (tmp_path / "journal").write_bytes(b"something else")
    with pytest.raises(StorageFailed, match="not a log journal"):
        _open(tmp_path / "journal")


@pytest.mark.parametrize("how", ["not written", "written", "partly"])
def test_failed_append_leaves_nothing_and_the_next_one_works(tmp_path, how):
    path = tmp_path / "journal"
    _written(path)
    journal, _ = _open(path, FailingFiles(1, how))
    with pytest.raises(LogUnavailable, match="No space left"):
        journal.append([pack_record(record(90)), pack_record(record(91))])
    assert journal.size == COUNT
    assert journal.append([pack_record(record(4))]) == COUNT
    journal.close()
    again, leaves = _open(path)
    assert leaves == [record(number).leaf for number in range(COUNT + 1)]
    again.close()


@pytest.mark.parametrize("how", ["not written", "written", "partly"])
def test_append_that_cannot_be_taken_back_closes_the_journal_until_it_is_opened_again(tmp_path, how):
    path = tmp_path / "journal"
    _written(path)
    journal, _ = _open(path, FailingFiles(1, how, forever=True))
    for _ in range(2):
        with pytest.raises(LogUnavailable):
            journal.append([pack_record(record(90))])
    assert journal.size == COUNT
    journal.close()
    again, leaves = _open(path)
    assert leaves[:COUNT] == [record(number).leaf for number in range(COUNT)]
    again.close()


UNWRITABLE = {
    "an empty leaf": LogRecord(b"", {}),
    "a leaf of 65,536 bytes": LogRecord(b"x" * 65_536, {}),
    "an empty key id": LogRecord(b"x", {"": b"b"}),
    "a key id of 256 bytes": LogRecord(b"x", {"k" * 256: b"b"}),
    "a body beyond a megabyte": LogRecord(b"x", {"k": bytes(MAX_BODY_BYTES + 1)}),
    "too many bodies": LogRecord(b"x", {f"k{i}": b"" for i in range(MAX_BODIES + 1)}),
}


@pytest.mark.parametrize("bad", UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_record_beyond_a_limit_is_refused(bad):
    with pytest.raises(UsageError):
        pack_record(bad)


@settings(deadline=None)
@given(
    leaf=st.binary(min_size=1, max_size=100),
    bodies=st.dictionaries(st.text(min_size=1, max_size=20), st.binary(max_size=100), max_size=MAX_BODIES),
)
def test_record_comes_back_from_its_bytes(leaf, bodies):
    assert parse_record(pack_record(LogRecord(leaf, bodies))) == LogRecord(leaf, bodies)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_record_parser_refuses_or_writes_back(data):
    for candidate in (data, b"\0\1x" + data, b"\0\1x\2\1a" + data):
        try:
            assert pack_record(parse_record(candidate)) == candidate
        except StorageFailed:
            continue
