"""Where in the dictionary each pair of symbols is: what a pattern that begins with a star is looked up by.

Without it such a pattern is a mask over every plate. Each run of three symbols covers a whole pair of slots (0-1, 2-3, ...)
wherever it is placed, and a pair leaves about one plate of a thousand. Four bytes for each plate and each pair that it
has, so 16 for a plate of seven or eight characters.

It is made in a thread while the first such questions go without it, belongs to the arrays it was made of, and lies in
nothing that a successor takes over: with the process, it ends.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import numpy as np

from glassplate.distinct import distinct
from glassplate.store.plate_codes import fitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glassplate.store.plate_codes import Codes, Mask

    Positions = NDArray[np.intp]

_PAIR_BITS = 12
_PAIR = (1 << _PAIR_BITS) - 1
_SHIFTS = tuple(range(0, 60, _PAIR_BITS))


class PairIndex:
    """Knows positions only; whoever asks brings the codes, which are still those that it was made of."""

    def __init__(self, codes: Codes) -> None:
        self._lists = [_list_of(codes, shift) for shift in _SHIFTS]

    def matching(self, codes: Codes, masks: Sequence[Mask]) -> Positions | None:
        """Positions of the codes that fit any of the masks, ascending; None when a mask covers no whole pair."""
        found: list[NDArray[np.uint32]] = []
        for mask in masks:
            near = self._near(mask)
            if near is None:
                return None
            found.append(near[fitting(codes[near], [mask])])
        return distinct(found).astype(np.intp) if found else np.empty(0, dtype=np.intp)

    def _near(self, mask: Mask) -> NDArray[np.uint32] | None:
        """The shortest list that has all codes that fit."""
        lists = []
        for shift, (positions, starts) in zip(_SHIFTS, self._lists, strict=True):
            pair = mask.value >> shift & _PAIR
            if pair and mask.mask >> shift & _PAIR == _PAIR:
                lists.append(positions[starts[pair] : starts[pair + 1]])
        return min(lists, key=len, default=None)


class PairIndexMaker:
    """Has one ready some time after it was first asked for."""

    def __init__(self) -> None:
        self._making: object | None = None
        self._made: tuple[object, PairIndex] | None = None

    def of(self, codes: Codes) -> PairIndex | None:
        """The index of ``codes``, which stay as they are until ``forget``; None while it is being made."""
        if self._making is None:
            self._making = object()
            copy = codes.copy()  # the thread may still be at it when the dictionary has moved on
            thread = threading.Thread(target=self._make, args=(copy, self._making), daemon=True)
            with contextlib.suppress(RuntimeError):  # no thread is to be had: it goes on without
                thread.start()
        made = self._made
        return made[1] if made is not None and made[0] is self._making else None

    def forget(self) -> None:
        """The codes are about to change: what was made of them, or is being made, is not used any more."""
        self._making = self._made = None

    def _make(self, codes: Codes, what: object) -> None:
        index = PairIndex(codes)
        if self._making is what:
            self._made = what, index


def _list_of(codes: Codes, shift: int) -> tuple[NDArray[np.uint32], list[int]]:
    """Positions by their pair, and where each pair's begin; those without a symbol there are left out."""
    pairs = (codes >> np.uint64(shift) & np.uint64(_PAIR)).astype(np.uint16)
    counts = np.bincount(pairs, minlength=_PAIR + 1)
    positions = np.argsort(pairs, kind="stable")[counts[0] :].astype(np.uint32)  # 16 bits: a radix sort
    counts[0] = 0
    return positions, [0, *np.cumsum(counts).tolist()]
