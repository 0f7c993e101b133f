"""The wanted plates as they change: one large index, and a small one for what was armed since that was made.

It only ever holds too much: a plate whose entries have ended or were withdrawn stays until ``tidy``, and the registry is
asked for the entries of whatever is found. So matching waits for nothing, and an ended entry never matches.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from glassplate.registry.hot_index import HotIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SMALL_INDEX = 50_000  # plates: the small index is made anew in about 40 ms when a part of a list is armed
STALE_SHARE = 0.25  # of the plates: so many withdrawn or ended, and the index is made anew


class HotPlates:
    """Callable from several threads at once; who asks never waits for who changes."""

    def __init__(self, plates: Iterable[str]) -> None:
        self._changing = threading.Lock()
        self._recent: set[str] = set()
        self._armed_meanwhile: set[str] | None = None  # a set while the large index is made anew
        self._gone = 0
        self._indexes = (HotIndex(plates), HotIndex(()))

    def __len__(self) -> int:
        return sum(len(index) for index in self._indexes)

    @property
    def size_bytes(self) -> int:
        """Memory of the indexes."""
        return sum(index.size_bytes for index in self._indexes)

    def add(self, plates: Iterable[str]) -> None:
        """Find these, too, from now on."""
        new = set(plates)
        with self._changing:
            if self._armed_meanwhile is not None:
                self._armed_meanwhile |= new
            self._recent |= new
            self._indexes = (self._indexes[0], HotIndex(self._recent))

    def note_gone(self, count: int) -> None:
        """So many entries were withdrawn or have ended."""
        with self._changing:
            self._gone += count

    def tidy(self, armed: Callable[[], Iterable[str]]) -> None:
        """Make the large index anew where that is worth it; matching goes on with the old ones meanwhile.

        ``armed``: every plate that is armed now.
        """
        with self._changing:
            is_stale = self._gone > STALE_SHARE * len(self)
            large, small = self._indexes
            if self._armed_meanwhile is not None or not (is_stale or len(small) > SMALL_INDEX):
                return
            self._armed_meanwhile = set()
            self._gone = 0 if is_stale else self._gone
        try:
            large = HotIndex(armed()) if is_stale else large.merged(small)
        finally:
            with self._changing:
                if large is not self._indexes[0]:
                    self._recent = self._armed_meanwhile or set()
                    self._indexes = (large, HotIndex(self._recent))
                self._armed_meanwhile = None

    def same(self, texts: Sequence[str]) -> set[tuple[int, str]]:
        """(number of the text, plate) of those that are equal once folded."""
        return {pair for index in self._indexes for pair in index.same(texts)}

    def near(self, texts: Sequence[str]) -> set[tuple[int, str]]:
        """(number of the text, plate) of look-alikes and of those one edit apart; see ``HotIndex.near``."""
        return {pair for index in self._indexes for pair in index.near(texts)}
