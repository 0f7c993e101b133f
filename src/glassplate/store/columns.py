"""The reads of a hot epoch as columns in memory: what an index would be, without one on the disk.

Three columns are sorted in runs of ``RUN`` rows, each once; the rows after the last run are looked at one by
one, which numpy does in microseconds. Reading needs no lock: rows are published by ``count``, and a column that
grows is replaced, never moved.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassplate.distinct import distinct
from glassplate.store.plate_codes import LONG, skeletons_of
from glassplate.store.read_row import SAME_INSTANT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from glassplate.store.question import Question
    from glassplate.store.words import Words

    Positions = NDArray[np.intp]

RUN = 65_536
HEAD = np.dtype(
    [
        ("flags", "u1"),
        ("camera", "<u2"),
        ("body", "u1"),
        ("color", "u1"),
        ("second", "u1"),
        ("read_high", "<u8"),
        ("read_low", "<u8"),
        ("digest", "V32"),
    ]
)
"""The first bytes of a row's data (``read_row.HEAD``); the read id's halves serve as numbers only."""
_COLUMNS = {
    "ids": np.uint64,
    "codes": np.uint64,
    "skeletons": np.uint64,
    "read_high": np.uint64,
    "read_low": np.uint64,
    "camera": np.uint16,
    "body": np.uint8,
    "color": np.uint8,
    "second": np.uint8,
}
_SORTED = ("ids", "skeletons", "read_low")
_FIRST_CAPACITY = 1024
READ_ID_BYTES = 16
_SIEVE_BITS = 16
_SIEVE_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads neighbors


class _Run(NamedTuple):
    keys: NDArray[np.uint64]
    positions: NDArray[np.uint32]


class Columns:
    """One writer at a time; readers at any time."""

    def __init__(self) -> None:
        self.count = 0
        self.is_wiped = False
        self._first_id, self._last_id = 1 << 63, 0
        self._arrays: dict[str, NDArray[Any]] = {
            name: _mapped(_FIRST_CAPACITY, np.dtype(kind)) for name, kind in _COLUMNS.items()
        }
        self._runs: dict[str, list[_Run]] = {name: [] for name in _SORTED}
        self._in_runs = 0
        self._recent_reads: dict[bytes, int] = {}  # read id -> row id of the rows after the last run
        self._recent_instants: dict[int, int] = {}  # first id of an instant -> its largest, of the same rows

    def append(self, ids: Sequence[int], codes: Sequence[int], heads: Sequence[bytes]) -> None:
        """Add rows; ``heads``: the first bytes of each row's data."""
        if not len(ids):
            return
        head = np.frombuffer(b"".join(heads), dtype=HEAD)
        count, end = self.count, self.count + len(ids)
        self._reserve(end)
        arrays = self._arrays
        arrays["ids"][count:end] = np.array(ids, dtype=np.uint64)
        arrays["codes"][count:end] = np.array(codes, dtype=np.uint64)
        arrays["skeletons"][count:end] = skeletons_of(arrays["codes"][count:end])
        for name in ("read_high", "read_low", "camera", "body", "color", "second"):
            arrays[name][count:end] = head[name]
        self._first_id = min(self._first_id, *ids)
        self._last_id = max(self._last_id, *ids)
        self.count = end
        self._remember(count, end)
        while self.count - self._in_runs >= RUN:
            self._sort_run()

    def reach(self, first: int, last: int) -> bool:
        """Whether a row can have an id between the two, both included."""
        return self._first_id <= last and self._last_id >= first

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One column, as far as it is published."""
        count = self.count
        return self._arrays[name][:count]

    def wipe(self) -> None:
        """Overwrite everything."""
        self.is_wiped, self.count = True, 0
        self._recent_reads, self._recent_instants = {}, {}
        for array in self._arrays.values():
            array.fill(0)
        for runs in self._runs.values():
            for run in runs:
                run.keys.fill(0)

    def select(
        self, question: Question, epoch_id: str, words: Words, long_texts: Mapping[int, str]
    ) -> list[int]:
        """Ids of the newest rows that match, newest first."""
        first, last = question.range_in(epoch_id)
        if first > last or not self.reach(first, last):
            return []
        ids = self["ids"]
        positions = self._by_plate(question, long_texts)
        if positions is None:
            positions = self.between("ids", first, last)
            positions = positions[positions < len(ids)]
        else:
            positions = positions[positions < len(ids)]
            found = ids[positions]
            positions = positions[(found >= np.uint64(first)) & (found <= np.uint64(last))]
        look = question.look(words)
        if not look.is_open:
            parts = (self[name][positions] for name in ("camera", "body", "color", "second"))
            positions = positions[look.keeps(*parts)]
        chosen = np.sort(ids[positions])[::-1]
        return [int(row_id) for row_id in chosen[: question.most]]

    def _sorted(self, name: str) -> tuple[list[_Run], int]:
        """The finished runs, and how many rows they hold: the two never disagree."""
        rows = self._in_runs
        return self._runs[name][: rows // RUN], rows

    def between(self, name: str, first: int, last: int) -> Positions:
        """Positions of the rows whose ``name`` lies between, both included."""
        low, high = np.uint64(first), np.uint64(last)
        array = self[name]
        runs, sorted_rows = self._sorted(name)
        found: list[NDArray[Any]] = [
            run.positions[run.keys.searchsorted(low) : run.keys.searchsorted(high, side="right")]
            for run in runs
        ]
        tail = array[sorted_rows:]
        is_between = tail == low if low == high else (tail >= low) & (tail <= high)
        found.append(np.flatnonzero(is_between) + sorted_rows)
        return np.concatenate(found).astype(np.intp)

    def with_read_ids(self, read_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Row id of each of the reads that is here."""
        if not self.count or not read_ids:
            return {}
        recent = (
            self._recent_reads
        )  # before the runs: rows that move meanwhile are seen twice, never not at all
        asked = np.frombuffer(b"".join(read_ids), dtype="<u8").reshape(-1, 2)
        where = self._in_runs_any_of("read_low", distinct([asked[:, 1]]))
        here = dict(zip(self._read_ids(where), self["ids"][where].tolist(), strict=True))
        here.update((read_id, recent[read_id]) for read_id in read_ids if read_id in recent)
        return {read_id: here[read_id] for read_id in read_ids if read_id in here}

    def latest_of_instants(self, firsts: Sequence[int]) -> dict[int, int]:
        """For those instants (first ids) that have rows: the largest id."""
        asked = distinct([np.array(firsts, dtype=np.uint64)])
        found = np.zeros(len(asked), dtype=np.uint64)
        ends = asked + np.uint64(SAME_INSTANT - 1)
        for run in self._sorted("ids")[0]:
            at = np.searchsorted(run.keys, ends, side="right")
            latest = np.where(at > 0, run.keys[at - 1], np.uint64(0))
            found = np.maximum(found, np.where(latest >= asked, latest, np.uint64(0)))
        taken = {first: last for first, last in zip(asked.tolist(), found.tolist(), strict=True) if last}
        for first in asked.tolist():
            if first in self._recent_instants:
                taken[first] = max(self._recent_instants[first], taken.get(first, 0))
        return taken

    def _by_plate(self, question: Question, long_texts: Mapping[int, str]) -> Positions | None:
        if question.plate is None:
            return None
        codes = self["codes"]
        if question.is_exact:
            found = self.between("skeletons", question.skeleton_code, question.skeleton_code)
            found = found[found < len(codes)]
            is_asked: NDArray[np.bool_] = codes[found] == np.uint64(question.code)
            return found[is_asked]
        if question.is_look_alike:
            wanted = distinct([question.neighbors, question.long_codes(long_texts)])
            return self._any_of("skeletons", wanted)
        first, last = question.prefix
        if last < LONG - 1 and first:
            found = self.between("skeletons", first, last)
            found = found[found < len(codes)]
            found = found[question.wildcard_hits(codes[found])]
        else:
            found = np.flatnonzero(question.wildcard_hits(codes))
        if long_texts:
            found = np.concatenate([found, self._any_of("skeletons", question.long_codes(long_texts))])
        return found

    def _any_of(self, name: str, wanted: NDArray[np.uint64]) -> Positions:
        """Positions of the rows whose ``name`` is one of ``wanted``, which is sorted."""
        array, sorted_rows = self[name], self._in_runs
        found = self._in_runs_any_of(name, wanted)
        tail = array[sorted_rows:]
        if not len(wanted) or not len(tail):
            return found
        near = np.flatnonzero(_sieve(wanted)[_hashed(tail)])
        at = np.minimum(np.searchsorted(wanted, tail[near]), len(wanted) - 1)
        return distinct([found, near[wanted[at] == tail[near]] + sorted_rows])

    def _in_runs_any_of(self, name: str, wanted: NDArray[np.uint64]) -> Positions:
        found: list[NDArray[Any]] = [np.empty(0, dtype=np.intp)]
        for run in self._sorted(name)[0]:
            left = np.searchsorted(run.keys, wanted)
            right = np.searchsorted(run.keys, wanted, side="right")
            has = right > left
            found.extend(run.positions[a:b] for a, b in zip(left[has], right[has], strict=True))
        return np.concatenate(found).astype(np.intp)

    def _read_ids(self, where: Positions | slice) -> list[bytes]:
        halves = np.stack([self["read_high"][where], self["read_low"][where]], axis=1).astype("<u8").tobytes()
        return [halves[at : at + READ_ID_BYTES] for at in range(0, len(halves), READ_ID_BYTES)]

    def _remember(self, start: int, end: int) -> None:
        ids = self["ids"][start:end].tolist()
        self._recent_reads.update(zip(self._read_ids(slice(start, end)), ids, strict=True))
        for row_id in ids:
            first = row_id & -SAME_INSTANT
            self._recent_instants[first] = max(row_id, self._recent_instants.get(first, 0))

    def _sort_run(self) -> None:
        start, end = self._in_runs, self._in_runs + RUN
        for name in _SORTED:
            array = self._arrays[name][start:end]
            order = np.argsort(array, kind="stable")
            keys = _mapped(RUN, array.dtype)
            keys[:] = array[order]
            self._runs[name].append(_Run(keys, (order + start).astype(np.uint32)))
        self._in_runs = end
        self._recent_reads, self._recent_instants = {}, {}
        self._remember(end, self.count)

    def _reserve(self, rows: int) -> None:
        for name, array in self._arrays.items():
            if rows > len(array):
                larger = _mapped(max(rows, len(array) * 3 // 2), array.dtype)
                larger[: self.count] = array[: self.count]
                self._arrays[name] = larger  # the old one goes when its last reader does


def _hashed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sixteen bits of each value: a look into a small table costs a tenth of a binary search."""
    mixed: NDArray[np.uint64] = (values * _SIEVE_FACTOR) >> np.uint64(64 - _SIEVE_BITS)
    return mixed


def _sieve(wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True where ``_hashed`` sends one of ``wanted``, and by chance others."""
    table = np.zeros(1 << _SIEVE_BITS, dtype=np.bool_)
    table[_hashed(wanted)] = True
    return table


def _mapped(rows: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """Zeros in pages of their own: when they are released, they leave the process instead of going to its heap."""
    return np.frombuffer(mmap.mmap(-1, max(rows, 1) * kind.itemsize), dtype=kind)
