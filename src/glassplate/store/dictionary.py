"""Every distinct plate of the sealed epochs, in memory: which plates match, and in which epochs they are.

Sorted by (skeleton, code): exact plates and look-alikes are binary searches, a wildcard is a mask over the array,
or where it begins with one, a look into ``pair_index``.
Each plate has a set of epochs: one bit for each, in as many 64-bit arrays as it takes; an epoch's bit is used
again when it has died.

In a search worker the arrays lie in a file in memory without a name, which outlives it: what it leaves to its successor
is written already when an epoch dies. The file: number of plates, then codes, skeletons and sets, 8 bytes each.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

import numpy as np

from glassplate.distinct import distinct
from glassplate.store.pair_index import PairIndexMaker
from glassplate.store.plate_codes import LONG, skeletons_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Question

    Positions = NDArray[np.intp]

_BITS = 64
_WORD = 8
LOOK_UP_BEYOND = 50_000  # so many codes are masked in a fraction of a millisecond
_AT_ONCE = 4_000_000  # codes to sort together: bounds what opening takes beside the dictionary itself


class PlateDictionary:
    """Not safe for several threads at once."""

    def __init__(self, memory: int = -1) -> None:
        """``memory``: descriptor of the file in memory to lie in; -1 for this process's own."""
        self._memory = memory
        self._codes: Codes = np.empty(0, dtype=np.uint64)
        self._skeletons: Codes = np.empty(0, dtype=np.uint64)
        self._sets: list[NDArray[np.uint64]] = []
        self._bits: dict[str, int] = {}
        self._pairs = PairIndexMaker()

    @classmethod
    def taken_over(cls, legacy: int, bits: Mapping[str, int], memory: int) -> PlateDictionary:
        """What another dictionary left in the file ``legacy``, with the epochs that it told of."""
        dictionary = cls(memory)
        words = np.frombuffer(mmap.mmap(legacy, 0, prot=mmap.PROT_READ), dtype="<u8")
        count = int(words[0])
        codes, skeletons, *sets = words[1:].reshape((len(words) - 1) // count if count else 2, count)
        dictionary._keep(codes, skeletons, sets)
        dictionary._bits = dict(bits)
        return dictionary

    def left(self) -> dict[str, int]:
        """Which epoch has which bit: with the file in memory all that a successor needs."""
        if not len(self._codes):
            self._keep(self._codes, self._skeletons, self._sets)
        return dict(self._bits)

    def _keep(self, codes: Codes, skeletons: Codes, sets: Sequence[NDArray[np.uint64]]) -> None:
        """Take these arrays, in the file in memory if there is one."""
        arrays = [codes, skeletons, *sets]
        if self._memory >= 0:
            size = _WORD * (1 + len(arrays) * len(codes))
            os.ftruncate(self._memory, size)
            words = np.frombuffer(mmap.mmap(self._memory, size), dtype="<u8")
            words[0] = len(codes)
            kept = words[1:].reshape(len(arrays), len(codes))
            for target, source in zip(kept, arrays, strict=True):
                target[:] = source
            arrays = list(kept)
        self._pairs.forget()
        self._codes, self._skeletons, *self._sets = arrays

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, plates: Mapping[str, Codes]) -> None:
        """Add the distinct codes of epochs; an epoch may get more than once what it has."""
        old_codes, old_sets = self._codes, self._sets
        alive = self._alive()
        codes = _union([old_codes[alive], *plates.values()])
        skeletons = skeletons_of(codes)
        order = np.argsort(skeletons, kind="stable")
        place = np.empty(len(order), dtype=np.uint32)
        place[order] = np.arange(len(order), dtype=np.uint32)
        moved = place[np.searchsorted(codes, old_codes[alive])]
        self._sets = [_zeros(len(codes)) for _ in old_sets]
        for new, old in zip(self._sets, old_sets, strict=True):
            new[moved] = old[alive]
        for epoch_id, added in plates.items():
            array, bit = self._set_of(epoch_id, len(codes))
            array[place[np.searchsorted(codes, added)]] |= bit
        self._keep(codes[order], skeletons[order], self._sets)

    def drop(self, epoch_id: str) -> None:
        """Forget an epoch; plates that no other epoch has are overwritten.

        Such a plate becomes a copy of its neighbor that is in no epoch, which keeps the order and moves nothing; the
        next ``add`` leaves it out.
        """
        if epoch_id not in self._bits:
            return
        array, bit = self._set_of(epoch_id, len(self._codes))
        array &= ~bit
        del self._bits[epoch_id]
        dead = np.flatnonzero(
            ~self._alive()
        )  # with the copies that were made before: their model may have died now
        if len(dead):
            self._pairs.forget()
            is_start = np.concatenate([[True], dead[1:] != dead[:-1] + 1])
            left = dead[np.maximum.accumulate(np.where(is_start, np.arange(len(dead)), 0))] - 1
            for values in (self._codes, self._skeletons):
                values[dead] = np.where(left >= 0, values[np.maximum(left, 0)], np.uint64(0))

    def matches(self, question: Question, long_texts: Mapping[int, str]) -> Positions:
        """Positions of the plates that match."""
        if question.is_exact:
            found = self._between(question.skeleton_code, question.skeleton_code)
            is_asked: NDArray[np.bool_] = self._codes[found] == np.uint64(question.code)
            return found[is_asked]
        long = self._any_of(question.long_codes(long_texts))
        if question.is_look_alike:
            return np.concatenate([self._any_of(question.neighbors), long])
        first, last = question.prefix
        start, end = np.searchsorted(self._skeletons, np.array([first, min(last + 1, LONG)], dtype=np.uint64))
        hits = self._looked_up(question) if end - start > LOOK_UP_BEYOND else None
        if hits is None:
            hits = np.flatnonzero(question.wildcard_hits(self._codes[start:end])) + start
        return np.concatenate([hits, long])

    def epochs_of(self, positions: Positions) -> set[str]:
        """The epochs that have any of these plates."""
        if not len(positions):
            return set()
        any_of = [int(np.bitwise_or.reduce(array[positions])) for array in self._sets]
        return {e for e, number in self._bits.items() if any_of[number // _BITS] >> number % _BITS & 1}

    def _looked_up(self, question: Question) -> Positions | None:
        codes = self._codes[: np.searchsorted(self._skeletons, np.uint64(LONG))]
        index = self._pairs.of(codes)
        return question.wildcard_places(codes, index) if index is not None else None

    def codes_in(self, positions: Positions, epoch_id: str) -> Codes:
        """Those of the plates that an epoch has."""
        if epoch_id not in self._bits:
            return np.empty(0, dtype=np.uint64)
        array, bit = self._set_of(epoch_id, len(self._codes))
        is_there: NDArray[np.bool_] = (array[positions] & bit) != 0
        return self._codes[positions[is_there]]

    def _set_of(self, epoch_id: str, size: int) -> tuple[NDArray[np.uint64], np.uint64]:
        number = self._bits.get(epoch_id)
        if number is None:
            used = set(self._bits.values())
            number = next(n for n in range(len(used) + 1) if n not in used)
            self._bits[epoch_id] = number
        while len(self._sets) <= number // _BITS:
            self._sets.append(_zeros(size))
        return self._sets[number // _BITS], np.uint64(1 << number % _BITS)

    def _alive(self) -> NDArray[np.bool_]:
        alive = np.zeros(len(self._codes), dtype=np.bool_)
        for array in self._sets:
            alive |= array != 0
        return alive

    def _between(self, first: int, last: int) -> Positions:
        low, high = np.uint64(first), np.uint64(last)
        start, end = self._skeletons.searchsorted(low), self._skeletons.searchsorted(high, side="right")
        return np.arange(start, end)

    def _any_of(self, skeletons: Codes) -> Positions:
        """Positions of the plates with one of these skeletons, which are sorted."""
        left = np.searchsorted(self._skeletons, skeletons)
        right = np.searchsorted(self._skeletons, skeletons, side="right")
        has = right > left
        parts = [np.arange(a, b) for a, b in zip(left[has], right[has], strict=True)]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)


def _union(parts: list[Codes]) -> Codes:
    """The distinct values of all parts, sorted."""
    whole, waiting, count = np.empty(0, dtype=np.uint64), [], 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count > _AT_ONCE:
            whole, waiting, count = distinct([whole, *waiting]), [], 0
    return distinct([whole, *waiting])


def _zeros(size: int) -> NDArray[np.uint64]:
    return np.zeros(size, dtype=np.uint64)
