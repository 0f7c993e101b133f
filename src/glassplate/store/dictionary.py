"""Every distinct plate of the sealed epochs, in memory: which plates match, and in which epochs they are.

Sorted by (skeleton, code): exact plates and look-alikes are binary searches, a wildcard is a mask over the array.
Each plate has a set of epochs: one bit for each, in as many 64-bit arrays as it takes; an epoch's bit is used
again when it has died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassplate.store.plate_codes import LONG, skeletons_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Question

    Positions = NDArray[np.intp]

_BITS = 64
_AT_ONCE = 4_000_000  # codes to sort together: bounds what opening takes beside the dictionary itself


class PlateDictionary:
    """Not safe for several threads at once."""

    def __init__(self) -> None:
        self._codes: Codes = np.empty(0, dtype=np.uint64)
        self._skeletons: Codes = np.empty(0, dtype=np.uint64)
        self._sets: list[NDArray[np.uint64]] = []
        self._bits: dict[str, int] = {}

    @classmethod
    def read(cls, descriptor: int, bits: Mapping[str, int]) -> PlateDictionary:
        """What ``write`` wrote, with the epochs that it told of."""
        words = np.frombuffer(_read_all(descriptor), dtype="<u8").astype(np.uint64)
        count = int(words[0])
        arrays = words[1:].reshape(-1, count) if count else words[:0].reshape(1, 0)
        dictionary = cls()
        dictionary._codes = arrays[0].copy()
        dictionary._sets = [array.copy() for array in arrays[1:]]
        dictionary._skeletons = skeletons_of(dictionary._codes)
        dictionary._bits = dict(bits)
        return dictionary

    def write(self, descriptor: int) -> dict[str, int]:
        """Write the codes and the sets, and tell which epoch has which bit."""
        with open(descriptor, "wb", closefd=False) as file:
            file.write(np.array([len(self._codes)], dtype="<u8").tobytes())
            file.writelines(array.data for array in (self._codes, *self._sets))
        return dict(self._bits)

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
        self._codes, self._skeletons = codes[order], skeletons[order]

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
        hits = np.flatnonzero(question.wildcard_hits(self._codes[start:end])) + start
        return np.concatenate([hits, long])

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


def _read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def _union(parts: list[Codes]) -> Codes:
    """The distinct values of all parts, sorted."""
    whole, waiting, count = np.empty(0, dtype=np.uint64), [], 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count > _AT_ONCE:
            whole, waiting, count = np.unique(np.concatenate([whole, *waiting])), [], 0
    return np.unique(np.concatenate([whole, *waiting]))


def _zeros(size: int) -> NDArray[np.uint64]:
    return np.zeros(size, dtype=np.uint64)
