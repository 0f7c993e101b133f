"""Ids as a segment writes them: counted from its first, with no more bits for the reads of one instant than it needs.

A row's id has 10 bits for the reads of one microsecond, which are nearly always 0. A day's microseconds fit 37 bits; so
with up to 3 bits for the sequence, an id fits 5 bytes instead of 6, in each of the four places where a segment has it.
The order stays the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glassplate.store.read_row import SAME_INSTANT, SEQUENCE_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SMALL_ID = f"((id - ?) >> {SEQUENCE_BITS} << ?) | (id & {SAME_INSTANT - 1})"
"""SQL of ``small`` for a column ``id``; its values are ``base`` and ``sequence_bits``."""


class SegmentIds(NamedTuple):
    """``base``: an id that no row of the segment is before, the first of its instant."""

    base: int
    sequence_bits: int

    @classmethod
    def of(cls, ids: NDArray[np.uint64]) -> SegmentIds:
        """For these ids, which are ascending."""
        largest = int((ids & np.uint64(SAME_INSTANT - 1)).max())
        return cls(int(ids[0]) >> SEQUENCE_BITS << SEQUENCE_BITS, largest.bit_length())

    def small(self, ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The ids of rows as the segment has them."""
        instants = ids - np.uint64(self.base) >> np.uint64(SEQUENCE_BITS)
        result: NDArray[np.uint64] = instants << np.uint64(self.sequence_bits) | ids & np.uint64(
            SAME_INSTANT - 1
        )
        return result

    def whole(self, small: int) -> int:
        """The id of a row that the segment has as ``small``."""
        return self.wholes([small])[0]

    def wholes(self, small: Sequence[int]) -> list[int]:
        """The ids of rows that the segment has as ``small``, in their order."""
        base, bits, mask = self.base, self.sequence_bits, (1 << self.sequence_bits) - 1
        if not bits:
            return [base + (one << SEQUENCE_BITS) for one in small]
        return [base + (one >> bits << SEQUENCE_BITS | one & mask) for one in small]

    def between(self, first: int, last: int) -> tuple[int, int]:
        """The small ids of rows from ``first`` to ``last``, both included; empty when the first is larger."""
        return self._count_before(first), self._count_before(last + 1) - 1

    def _count_before(self, row_id: int) -> int:
        """How many small ids there are for ids from ``base`` on and before ``row_id``."""
        instant, sequence = divmod(max(row_id - self.base, 0), SAME_INSTANT)
        return (instant << self.sequence_bits) + min(sequence, 1 << self.sequence_bits)
