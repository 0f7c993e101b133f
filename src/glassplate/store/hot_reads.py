"""The reads of an epoch that is still open: rows that are kept, and columns that are searched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from glassplate.errors import InputRefused, StorageFailed
from glassplate.plate_text import fold
from glassplate.store.columns import READ_ID_BYTES, Columns
from glassplate.store.hot_file import HEAD_BYTES, Batch, Row
from glassplate.store.image_files import ImageRow
from glassplate.store.plate_codes import LONG, code_of
from glassplate.store.read_row import DIGEST, SAME_INSTANT, data_of, first_id_at
from glassplate.store.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.store.group_commit import Ticket
    from glassplate.store.hot_file import RowStore
    from glassplate.store.question import Question
    from glassplate.store.store import StoredRead


@dataclass(frozen=True, slots=True)
class SealedKnowledge:
    """What the sealed segments of the epoch know of reads that arrive late."""

    read_ids: frozenset[bytes] = frozenset()
    latest: dict[int, int] = field(default_factory=dict)
    """First id of an instant -> the largest id of that instant that is taken."""


class Delivery(NamedTuple):
    """What one writer brings, and the key of the epoch it is for."""

    key: bytes
    reads: Sequence[StoredRead]


class HotReads:
    """One writer at a time; readers at any time."""

    def __init__(self, rows: RowStore, epoch_id: str) -> None:
        """Take over what ``rows`` has."""
        self.rows = rows
        self.words = Words(rows.words())
        self.columns = Columns()
        self._epoch_id = epoch_id
        self._told = 0
        self._long_texts = rows.long_plates()
        for portion in rows.heads():
            ids, codes, heads = zip(*portion, strict=True)
            self.columns.append(ids, codes, heads)

    @property
    def count(self) -> int:
        """Reads here."""
        return self.columns.count

    @property
    def has_unsealed(self) -> bool:
        """Whether there are reads that ``take_digests`` has not told of."""
        return self._told < self.count

    def take_digests(self) -> list[bytes]:
        """``sealed_sha256`` of the reads that came since this was last asked."""
        row_ids = self.columns["ids"][self._told :].tolist()
        self._told += len(row_ids)
        return [data[DIGEST] for data in self.rows.fetch(row_ids).values()]

    def append(
        self,
        tickets: Sequence[Ticket[Delivery, list[bool]]],
        ask_sealed: Callable[[Sequence[bytes], Sequence[int]], SealedKnowledge],
    ) -> None:
        """Take the new reads of all tickets in one durable write, and settle the tickets.

        Raises:
            StorageFailed: what is on the disk is uncertain; open again.
        """
        valid = [ticket for ticket in tickets if _is_valid(ticket)]
        reads = [stored for ticket in valid for stored in ticket.work.reads]
        read_ids = [bytes.fromhex(stored.read.read_id) for stored in reads]
        firsts = [first_id_at(stored.read.captured_at) for stored in reads]
        known, latest = self._known(read_ids, firsts, ask_sealed)
        answers: list[list[bool]] = []
        placed: list[_Placed] = []
        at = 0
        for ticket in valid:
            end = at + len(ticket.work.reads)
            try:
                mine, is_new = _place(ticket.work.reads, read_ids[at:end], firsts[at:end], known, latest)
                placed += mine
                answers.append(is_new)
            except StorageFailed as error:
                ticket.failure = error
                answers.append([])
            at = end
        if placed:
            self._write(placed)
        for ticket, answer in zip(valid, answers, strict=True):
            if ticket.failure is None:
                ticket.answer = answer

    def _write(self, placed: Sequence[_Placed]) -> None:
        images = [
            ImageRow(row_id, stored.crop_sealed, stored.scene_sealed)
            for row_id, stored in placed
            if stored.crop_sealed or stored.scene_sealed is not None
        ]
        batch = self.rows.write(images, lambda: self._batch(placed))
        self._long_texts.update(batch.long_plates)
        ids, codes, data = zip(*batch.rows, strict=True)
        self.columns.append(ids, codes, [row[:HEAD_BYTES] for row in data])

    def _batch(self, placed: Sequence[_Placed]) -> Batch:
        keys = [fold(stored.read.text) for _, stored in placed]
        codes = list(map(code_of, keys))
        rows = [
            Row(row_id, code, data_of(stored, self.words))
            for (row_id, stored), code in zip(placed, codes, strict=True)
        ]
        long_plates = [(code, key) for code, key in zip(codes, keys, strict=True) if code >= LONG]
        return Batch(self.words.take_new(), long_plates, rows)

    def newest(self, question: Question) -> list[int]:
        """Ids of the newest reads that match, newest first."""
        return self.columns.select(question, self._epoch_id, self.words, self._long_texts)

    def forget(self) -> None:
        """Overwrite the columns and close the rows."""
        self.columns.wipe()
        self._long_texts.clear()
        self.rows.close()

    def _known(
        self,
        read_ids: list[bytes],
        firsts: list[int],
        ask_sealed: Callable[[Sequence[bytes], Sequence[int]], SealedKnowledge],
    ) -> tuple[set[bytes], dict[int, int]]:
        sealed = ask_sealed(read_ids, firsts)
        known = sealed.read_ids | self.columns.with_read_ids(read_ids).keys()
        latest = dict(sealed.latest)
        for first, last in self.columns.latest_of_instants(firsts).items():
            latest[first] = max(last, latest.get(first, 0))
        return set(known), latest


class _Placed(NamedTuple):
    """A new read and the id of its row."""

    row_id: int
    stored: StoredRead


def _place(
    reads: Sequence[StoredRead],
    read_ids: Sequence[bytes],
    firsts: Sequence[int],
    known: set[bytes],
    latest: dict[int, int],
) -> tuple[list[_Placed], list[bool]]:
    """The new ones of one delivery, and which of its reads they are; ``known`` and ``latest`` learn of them."""
    placed, is_new = [], []
    mine: set[bytes] = set()
    for stored, read_id, first in zip(reads, read_ids, firsts, strict=True):
        is_new.append(read_id not in known and read_id not in mine)
        if not is_new[-1]:
            continue
        mine.add(read_id)
        row_id = latest[first] + 1 if first in latest else first
        if row_id >= first + SAME_INSTANT:
            raise StorageFailed(
                f"More than {SAME_INSTANT} reads claim the same microsecond; check the lane's clock."
            )
        latest[first] = row_id
        placed.append(_Placed(row_id, stored))
    known |= mine
    return placed, is_new


def _is_valid(ticket: Ticket[Delivery, list[bool]]) -> bool:
    try:
        if all(len(bytes.fromhex(stored.read.read_id)) == READ_ID_BYTES for stored in ticket.work.reads):
            return True
    except ValueError:
        pass
    ticket.failure = InputRefused("A read's id is not 32 hexadecimal digits; nothing of its batch was taken.")
    return False
