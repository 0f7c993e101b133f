"""Reading a sealed segment (``segment_writer`` says what is in it)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassplate.errors import StorageFailed
from glassplate.store.cipher_file import naming, open_sealed, rows_by_id
from glassplate.store.columns import HEAD
from glassplate.store.hot_file import HEAD_BYTES
from glassplate.store.read_row import READ_ID, SAME_INSTANT
from glassplate.store.segment_writer import CHUNKS, DIGESTS, LOOK_BYTES, TAG_BYTES, bucket_and_tag, buckets_of
from glassplate.store.words import Word, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from glassplate.store.cipher_file import Connection
    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Look, Question

_CHUNKS_AT_ONCE = 32


class FoundRow(NamedTuple):
    """A row that a segment answers with."""

    row_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What is remembered of a segment while its file is closed: nothing of any plate."""

    epoch_id: str
    number: int
    count: int
    first_id: int
    last_id: int
    words: tuple[Word, ...] = field(repr=False)
    root: str = ""
    """Merkle root over its reads, as its writer noted it inside."""


class SealedSegment:
    """One file. Not safe for several threads at once."""

    def __init__(self, path: Path, epoch_id: str, number: int, key: bytes) -> None:
        """Open it and read what is remembered.

        Raises:
            StorageFailed: it is damaged, or the key is another.
        """
        self.path, self.key = path, key
        self._connection: Connection | None = None
        with naming(path):
            meta = {name: self._meta(name) for name in ("base", "width", "count", "last", "root")}
            words = [Word(*row) for row in self._open().execute("select kind, number, text from word")]
            self.long_texts: dict[int, str] = dict(self._open().execute("select code, text from long_plate"))
            self._chunks: NDArray[Any] = np.frombuffer(self._meta("chunks"), dtype=CHUNKS)
        self._base, self._width = meta["base"], meta["width"]
        self.facts = SegmentFacts(
            epoch_id, number, meta["count"], self._base, self._base + meta["last"], tuple(words), meta["root"]
        )
        self._words = Words(words)

    @property
    def is_open(self) -> bool:
        """Whether a file handle and a cache are held."""
        return self._connection is not None

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def plates(self) -> Codes:
        """The distinct codes, sorted."""
        with naming(self.path):
            return np.frombuffer(self._meta("plates"), dtype="<u8").astype(np.uint64)

    def newest(self, question: Question, codes: Codes | None) -> list[FoundRow]:
        """The newest rows that match, newest first. ``codes``: the plates that do; None for any plate."""
        first, last = question.range_in(self.facts.epoch_id)
        first, last = max(first - self._base, 0), min(last, self.facts.last_id) - self._base
        if first > last:
            return []
        with naming(self.path):
            if codes is None:
                ids = self._in_chunks(question, first, last)
                return self._fetch(ids[: question.most])
            ids = self._of_plates(codes, first, last)
            look = question.look(self._words)
            if look.is_open:
                return self._fetch(ids[: question.most])
            return self._filtered(ids, look, question.most)

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
                start = first - self._base
                latest = self._open().execute(statement, (start, start + SAME_INSTANT - 1)).fetchone()[0]
                if latest is not None:
                    found[first] = latest + self._base
        return found

    def digests(self) -> Iterator[bytes]:
        """The reads' ``sealed_sha256``."""
        with naming(self.path):
            yield from (row[0] for row in self._open().execute(DIGESTS))

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = open_sealed(self.path, self.key)
        return self._connection

    def _meta(self, name: str) -> Any:
        return self._open().execute("select value from meta where name=?", (name,)).fetchone()[0]

    def _ids(self, entries: bytes, size: int, at: int = 0) -> NDArray[np.uint64]:
        """The ids in entries of ``size`` bytes, each ``at`` its place."""
        raw = np.frombuffer(entries, dtype=np.uint8).reshape(-1, size)
        wide = np.zeros((len(raw), 8), dtype=np.uint8)
        wide[:, : self._width] = raw[:, at : at + self._width]
        return wide.view("<u8").ravel().astype(np.uint64, copy=False)

    def _fetch(self, ids: Sequence[int] | NDArray[np.uint64]) -> list[FoundRow]:
        """The rows with these ids, in their order.

        Raises:
            StorageFailed: one is missing, so the file is not what it was.
        """
        wanted = [int(row_id) for row_id in ids]
        data = dict(rows_by_id(self._open(), "id, data", "read", wanted))
        if len(data) != len(wanted):
            raise StorageFailed(f"The segment {self.path} lacks rows that its index names: it is damaged.")
        return [FoundRow(row_id + self._base, data[row_id]) for row_id in wanted]

    def _of_plates(self, codes: Codes, first: int, last: int) -> NDArray[np.uint64]:
        connection = self._open()
        postings = []
        for code in codes.tolist():
            row = connection.execute("select ids from plate where code=?", (code,)).fetchone()
            if row is not None:
                postings.append(row[0])
        ids = self._ids(b"".join(postings), self._width)
        kept = ids[(ids >= np.uint64(first)) & (ids <= np.uint64(last))]
        return np.sort(kept)[::-1]

    def _filtered(self, ids: NDArray[np.uint64], look: Look, most: int) -> list[FoundRow]:
        found: list[FoundRow] = []
        for start in range(0, len(ids), most):
            rows = self._fetch(ids[start : start + most])
            head = np.frombuffer(b"".join(row.data[:HEAD_BYTES] for row in rows), dtype=HEAD)
            kept = look.keeps(head["camera"], head["body"], head["color"], head["second"])
            found.extend(row for row, is_kept in zip(rows, kept, strict=True) if is_kept)
            if len(found) >= most:
                break
        return found[:most]

    def _in_chunks(self, question: Question, first: int, last: int) -> NDArray[np.uint64]:
        """Ids that match without a plate, newest first: at least ``most`` when there are so many."""
        look = question.look(self._words)
        chunks = self._chunks
        wanted = (chunks["last"] >= np.uint64(first)) & (chunks["first"] <= np.uint64(last))
        if look.cameras is not None:
            wanted &= look.cameras[chunks["camera"]]
        numbers = np.flatnonzero(wanted)
        numbers = numbers[np.argsort(chunks["last"][numbers])[::-1]]
        found = np.empty(0, dtype=np.uint64)
        for at in range(0, len(numbers), _CHUNKS_AT_ONCE):
            if len(found) >= question.most and found[question.most - 1] > chunks["last"][numbers[at]]:
                break  # every chunk that is left ends before the last one wanted
            part = self._read_chunks(
                numbers[at : at + _CHUNKS_AT_ONCE], look._replace(cameras=None), first, last
            )
            found = np.sort(np.concatenate([found, part]))[::-1]
        return found

    def _read_chunks(
        self, numbers: NDArray[np.intp], look: Look, first: int, last: int
    ) -> NDArray[np.uint64]:
        connection = self._open()
        statement = "select entries from chunk where number=?"
        entries = b"".join(connection.execute(statement, (n,)).fetchone()[0] for n in numbers.tolist())
        size = self._width + LOOK_BYTES
        ids = self._ids(entries, size)
        kept = (ids >= np.uint64(first)) & (ids <= np.uint64(last))
        if not look.is_open:
            raw = np.frombuffer(entries, dtype=np.uint8).reshape(-1, size)[:, self._width :]
            kept &= look.keeps(raw[:, 0].astype(np.uint16), raw[:, 0], raw[:, 1], raw[:, 2])
        return ids[kept]

    def _noted(self, read_id: bytes) -> NDArray[np.uint64]:
        bucket, tag = bucket_and_tag(read_id, buckets_of(self.facts.count))
        row = self._open().execute("select entries from known where bucket=?", (bucket,)).fetchone()
        if row is None:
            return np.empty(0, dtype=np.uint64)
        size = TAG_BYTES + self._width
        raw = np.frombuffer(row[0], dtype=np.uint8).reshape(-1, size)
        tags = raw[:, :TAG_BYTES].copy().view("<u2").ravel()
        is_asked: NDArray[np.bool_] = tags == tag
        return self._ids(row[0], size, TAG_BYTES)[is_asked]
