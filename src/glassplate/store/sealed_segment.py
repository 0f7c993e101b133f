"""Reading a sealed segment (``segment_writer`` says what is in it)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassplate.errors import StorageFailed
from glassplate.store.cipher_file import FAILURES, failure_of, naming, open_sealed, rows_by_id
from glassplate.store.columns import HEAD
from glassplate.store.hot_file import HEAD_BYTES
from glassplate.store.read_row import READ_ID, SAME_INSTANT
from glassplate.store.segment_facts import Remembered
from glassplate.store.segment_writer import (
    DIGESTS,
    LOOK_BYTES,
    TAG_BYTES,
    bucket_and_tag,
    buckets_of,
)
from glassplate.store.words import CAMERA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from glassplate.store.cipher_file import Connection
    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Look, Question
    from glassplate.store.segment_facts import SegmentFacts

_CHUNKS_AT_ONCE = 32
_FILTERED_AT_ONCE = 50  # though fewer rows may be wanted: few of them may look as asked


class FoundRow(NamedTuple):
    """A row that a segment answers with."""

    row_id: int
    data: bytes


class SealedSegment:
    """One file. Not safe for several threads at once."""

    def __init__(
        self, path: Path, epoch_id: str, number: int, key: bytes, *, last_id: int | None = None
    ) -> None:
        """Open it and read what is remembered.

        ``last_id``: as somebody knows it who had it open and saw no long plates; then it is opened when it is needed.

        Raises:
            StorageFailed: it is damaged, or the key is another.
        """
        self.path, self.key, self.epoch_id, self.number = path, key, epoch_id, number
        self._connection: Connection | None = None
        self._read: Remembered | None = None
        self.long_texts: dict[int, str] = {}
        if last_id is None:
            self.long_texts, last_id = self._inside.long_texts, self.facts.last_id
        self.last_id = last_id

    @property
    def facts(self) -> SegmentFacts:
        """What is remembered of it.

        Raises:
            StorageFailed: it was not read yet, and is damaged.
        """
        return self._inside.facts

    @property
    def is_read(self) -> bool:
        """Whether what is remembered was read."""
        return self._read is not None

    @property
    def is_open(self) -> bool:
        """Whether a file handle and a cache are held."""
        return self._connection is not None

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self) -> Remembered:
        """Open it and read what is remembered, unless that was done.

        Raises:
            StorageFailed: it is damaged.
        """
        if self._read is None:
            with naming(self.path):
                self._read = Remembered(self._open(), self.epoch_id, self.number)
        return self._read

    def plates(self) -> Codes:
        """The distinct codes, sorted."""
        with naming(self.path):
            found = self._open().execute("select value from meta where name='plates'").fetchone()[0]
            return np.frombuffer(found, dtype="<u8").astype(np.uint64)

    def newest(self, question: Question, codes: Codes | None, most: int) -> list[FoundRow]:
        """The newest ``most`` rows that match, newest first. ``codes``: the plates that do; None for any plate."""
        inside = self._inside
        first, last = question.range_in(self.epoch_id)
        first, last = inside.ids.between(first, min(last, self.last_id))
        if first > last:
            return []
        try:
            look = question.vehicle(inside.words)
            if codes is None:
                ids = self._in_chunks(question.cameras, look, first, last, most)
                return self._fetch(ids[:most].tolist())
            ids = self._of_plates(codes, first, last)
            if question.cameras:
                look = question.look(inside.words)
            if look.is_open:
                return self._fetch(ids[:most].tolist())
            return self._filtered(ids, look, most)
        except FAILURES as error:
            raise failure_of(self.path, error) from None

    def find(self, read_ids: Sequence[bytes]) -> dict[bytes, FoundRow]:
        """Those of the reads that are here."""
        found = {}
        with naming(self.path):
            for read_id in read_ids:
                for row in self._fetch(self._noted(read_id)):
                    if row.data[READ_ID] == read_id:
                        found[read_id] = row
        return found

    def latest_of_instants(self, firsts: Sequence[int]) -> dict[int, int]:
        """For those instants (first ids) that have rows: the largest id."""
        statement = "select max(id) from read where id between ? and ?"
        found = {}
        with naming(self.path):
            for first in firsts:
                asked = self._inside.ids.between(first, first + SAME_INSTANT - 1)
                latest = self._open().execute(statement, asked).fetchone()[0]
                if latest is not None:
                    found[first] = self._inside.ids.whole(latest)
        return found

    def digests(self) -> Iterator[bytes]:
        """The reads' ``sealed_sha256``."""
        with naming(self.path):
            yield from (row[0] for row in self._open().execute(DIGESTS))

    @property
    def _inside(self) -> Remembered:
        return self._read or self.read()

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = open_sealed(self.path, self.key)
        return self._connection

    def _ids(self, entries: bytes, size: int) -> NDArray[np.uint64]:
        """The ids at the beginning of entries of ``size`` bytes."""
        width = self._inside.width
        raw = np.frombuffer(entries, dtype=np.uint8).reshape(-1, size)
        wide = np.zeros((len(raw), 8), dtype=np.uint8)
        wide[:, :width] = raw[:, :width]
        return wide.view("<u8").ravel().astype(np.uint64, copy=False)

    def _rows(self, columns: str, table: str, row_ids: Sequence[int]) -> list[Any]:
        """Those rows, in no order.

        Raises:
            StorageFailed: one is missing, so the file is not what it was.
        """
        rows = rows_by_id(self._open(), columns, table, row_ids)
        if len(rows) != len(row_ids):
            raise StorageFailed(f"The segment {self.path} lacks rows that its index names: it is damaged.")
        return rows

    def _fetch(self, ids: Sequence[int]) -> list[FoundRow]:
        """The rows with these ids, in their order."""
        if not ids:
            return []
        data, wholes = dict(self._rows("id, data", "read", ids)), self._inside.ids.wholes(ids)
        return [FoundRow(whole, data[row_id]) for whole, row_id in zip(wholes, ids, strict=True)]

    def _of_plates(self, codes: Codes, first: int, last: int) -> NDArray[np.uint64]:
        connection = self._open()
        postings = []
        for code in codes.tolist():
            row = connection.execute("select ids from plate where code=?", (code,)).fetchone()
            if row is not None:
                postings.append(row[0])
        ids = self._ids(b"".join(postings), self._inside.width)
        kept = ids[(ids >= np.uint64(first)) & (ids <= np.uint64(last))]
        return np.sort(kept)[::-1]

    def _filtered(self, ids: NDArray[np.uint64], look: Look, most: int) -> list[FoundRow]:
        found: list[FoundRow] = []
        at_once = max(most, _FILTERED_AT_ONCE)
        for start in range(0, len(ids), at_once):
            rows = self._fetch(ids[start : start + at_once].tolist())
            head = np.frombuffer(b"".join(row.data[:HEAD_BYTES] for row in rows), dtype=HEAD)
            kept = look.keeps(head["camera"], head["body"], head["color"], head["second"])
            found.extend(row for row, is_kept in zip(rows, kept, strict=True) if is_kept)
            if len(found) >= most:
                break
        return found[:most]

    def _in_chunks(
        self, cameras: Sequence[str], look: Look, first: int, last: int, most: int
    ) -> NDArray[np.uint64]:
        """Ids that match without a plate, newest first: at least ``most`` when there are so many."""
        lasts = self._inside.lasts
        numbers = self._chunks_in(cameras, first, last)
        if len(numbers) > _CHUNKS_AT_ONCE:
            numbers = np.array(numbers)[np.argsort(lasts[numbers])[::-1]].tolist()
        found = np.empty(0, dtype=np.uint64)
        for at in range(0, len(numbers), _CHUNKS_AT_ONCE):
            if len(found) >= most and found[most - 1] > lasts[numbers[at]]:
                break  # every chunk that is left ends before the last one wanted
            part = self._read_chunks(numbers[at : at + _CHUNKS_AT_ONCE], look, first, last)
            found = np.sort(np.concatenate([found, part]))[::-1]
        return found

    def _chunks_in(self, cameras: Sequence[str], first: int, last: int) -> list[int]:
        """The chunks of these cameras (none: of all) that reach into a time."""
        inside, low, high = self._inside, np.uint64(first), np.uint64(last)
        if not cameras:
            return np.flatnonzero((inside.lasts >= low) & (inside.firsts <= high)).tolist()
        numbers: list[int] = []
        for camera in inside.words.numbers(CAMERA, cameras):
            start, end = inside.chunks_of.get(camera, (0, 0))
            begin = inside.lasts[start:end].searchsorted(low)
            stop = inside.firsts[start:end].searchsorted(high, side="right")
            numbers += range(start + int(begin), start + int(stop))
        return numbers

    def _read_chunks(self, numbers: Sequence[int], look: Look, first: int, last: int) -> NDArray[np.uint64]:
        entries = b"".join([row[0] for row in self._rows("entries", "chunk", numbers)])
        size = self._inside.width + LOOK_BYTES
        ids = self._ids(entries, size)
        kept = (ids >= np.uint64(first)) & (ids <= np.uint64(last))
        if not look.is_open:
            raw = np.frombuffer(entries, dtype=np.uint8).reshape(-1, size)[:, -LOOK_BYTES:]
            kept &= look.keeps(raw[:, 0], raw[:, 0], raw[:, 1], raw[:, 2])
        return ids[kept]

    def _noted(self, read_id: bytes) -> list[int]:
        """Ids of the rows that can have this read id: of a segment without it mostly none."""
        inside = self._inside
        bucket, tag = bucket_and_tag(read_id, buckets_of(inside.facts.count))
        row = self._open().execute("select entries from known where bucket=?", (bucket,)).fetchone()
        if row is None:
            return []
        entries, size, wanted = row[0], TAG_BYTES + inside.width, tag.to_bytes(TAG_BYTES, "little")
        found = []
        at = entries.find(wanted)
        while at >= 0:
            if at % size == 0:
                found.append(int.from_bytes(entries[at + TAG_BYTES : at + size], "little"))
            at = entries.find(wanted, at + 1)
        return found
