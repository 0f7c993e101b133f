"""A query as the searching parts understand it: numbers instead of times, folded texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glassplate.errors import InputRefused
from glassplate.plate_text import PlatePattern, skeleton
from glassplate.store.plate_codes import (
    LONG,
    code_of,
    matching,
    narrowing,
    needs_texts,
    neighbors_of,
    prefix_range,
    text_of,
)
from glassplate.store.read_row import SAME_INSTANT, first_id_at
from glassplate.store.words import BODY, CAMERA, COLOR, MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from glassplate.records import PlateRead
    from glassplate.store.pair_index import PairIndex
    from glassplate.store.plate_codes import Codes
    from glassplate.store.store import StoreQuery
    from glassplate.store.words import Words

_CURSOR = re.compile(r"1-([0-9a-f]{1,16})-([0-9A-Za-z][0-9A-Za-z+-]{0,31})", re.ASCII)


ANY_ID = 0, (1 << 63) - 1  # first and last


class Place(NamedTuple):
    """Where a read stands in the order of all answers; the newest is the largest."""

    row_id: int
    epoch_id: str

    def cursor(self) -> str:
        """The cursor of a page that ends here. It says no more than the read that was shown: time and epoch."""
        return f"1-{self.row_id:x}-{self.epoch_id}"


def place_of(cursor: str) -> Place:
    """The last place of the page before.

    Raises:
        InputRefused: the cursor is none of ours.
    """
    parts = _CURSOR.fullmatch(cursor)
    if parts is None or int(parts[1], 16) >= 1 << 62:
        raise InputRefused("The cursor is not one that a page gave; begin again with the first page.")
    return Place(int(parts[1], 16), parts[2])


@dataclass(frozen=True)
class Question:
    """What a segment is asked. Ids are included at both ends; ``below`` is not.

    ``plate``: folded, with wildcards; None for any. ``most``: how many answers are wanted.
    """

    first_id: int
    last_id: int
    most: int
    plate: str | None = field(repr=False, default=None)
    is_look_alike: bool = False
    cameras: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    below: Place | None = None

    @classmethod
    def of(cls, query: StoreQuery, most: int, below: Place | None) -> Question:
        """The question that ``query`` is, for ``most`` answers ``below`` a place."""
        return cls(
            first_id=first_id_at(query.since),
            last_id=first_id_at(query.until) + SAME_INSTANT - 1,
            most=most,
            plate=query.pattern.text if query.pattern else None,
            is_look_alike=query.nearness == "look_alike",
            cameras=query.camera_ids,
            bodies=query.bodies,
            colors=query.colors,
            below=below,
        )

    def range_in(self, epoch_id: str) -> tuple[int, int]:
        """First and last id that may be answered from an epoch; empty when the first is larger."""
        if self.below is None:
            return self.first_id, self.last_id
        last = self.below.row_id if epoch_id < self.below.epoch_id else self.below.row_id - 1
        return self.first_id, min(self.last_id, last)

    @property
    def reach(self) -> tuple[int, int]:
        """First and last id that any epoch may answer with."""
        return self.first_id, self.last_id if self.below is None else min(self.last_id, self.below.row_id)

    @property
    def is_exact(self) -> bool:
        """Whether one plate's code is all that can match."""
        return self.plate is not None and not self.is_look_alike and not self.has_wildcards

    @property
    def has_wildcards(self) -> bool:
        """Whether ``plate`` has any."""
        return self.plate is not None and ("?" in self.plate or "*" in self.plate)

    @cached_property
    def code(self) -> int:
        """Of the plate, when there are no wildcards."""
        return code_of(self.plate or "")

    @cached_property
    def skeleton_code(self) -> int:
        """Where the plate's code is found."""
        return self.code if self.code >= LONG else code_of(skeleton(self.plate or ""))

    @cached_property
    def neighbors(self) -> Codes:
        """Skeletons of look-alikes."""
        return neighbors_of(self.plate or "")

    @cached_property
    def prefix(self) -> tuple[int, int]:
        """Range of skeletons that a wildcard pattern leaves."""
        return prefix_range(self.plate or "")

    def wildcard_hits(self, codes: Codes) -> NDArray[np.bool_]:
        """Which codes below ``LONG`` match the pattern."""
        pattern = self.plate or ""
        hits = matching(codes, pattern)
        if needs_texts(pattern):
            at = np.flatnonzero(hits)
            parsed = PlatePattern(pattern)
            hits[at] = [parsed.matches(text_of(code)) for code in codes[at].tolist()]
        return hits

    def wildcard_places(self, codes: Codes, index: PairIndex) -> NDArray[np.intp] | None:
        """Positions of ``codes`` that match the pattern, ascending; None when the index cannot say."""
        pattern = self.plate or ""
        found = index.matching(codes, narrowing(pattern))
        if found is not None and needs_texts(pattern):
            found = found[self.wildcard_hits(codes[found])]
        return found

    def long_codes(self, long_texts: Mapping[int, str]) -> Codes:
        """Codes of the long plates that match; they are few, so each is looked at."""
        if not long_texts or self.plate is None:
            return np.empty(0, dtype=np.uint64)
        pattern = PlatePattern(self.plate)
        matches = pattern.looks_like if self.is_look_alike else pattern.matches
        return np.array(sorted(c for c, text in long_texts.items() if matches(text)), dtype=np.uint64)

    def look(self, words: Words) -> Look:
        """The vehicle and the cameras as numbers of one segment."""
        look = self.vehicle(words)
        if not self.cameras:
            return look
        return look._replace(cameras=_table(words.numbers(CAMERA, self.cameras), MOST[CAMERA]))

    def vehicle(self, words: Words) -> Look:
        """The vehicle as numbers of one segment, at any camera."""
        return Look(
            None,
            _table(words.numbers(BODY, self.bodies), MOST[BODY]) if self.bodies else None,
            _table(words.numbers(COLOR, self.colors), MOST[COLOR]) if self.colors else None,
        )


class Look(NamedTuple):
    """True at each number that is asked for; None where anything goes."""

    cameras: NDArray[np.bool_] | None
    bodies: NDArray[np.bool_] | None
    colors: NDArray[np.bool_] | None

    def keeps(
        self,
        cameras: NDArray[np.uint16] | NDArray[np.uint8],
        bodies: NDArray[np.uint8],
        colors: NDArray[np.uint8],
        seconds: NDArray[np.uint8],
    ) -> NDArray[np.bool_]:
        """Which rows are asked for."""
        kept = np.ones(len(bodies), dtype=np.bool_)
        if self.cameras is not None:
            kept &= self.cameras[cameras]
        if self.bodies is not None:
            kept &= self.bodies[bodies]
        if self.colors is not None:
            kept &= self.colors[colors] | self.colors[seconds]
        return kept

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked for."""
        return self.cameras is None and self.bodies is None and self.colors is None


def fits(query: StoreQuery, read: PlateRead) -> bool:
    """Cameras, body and colors once more, on the words themselves: numbers can stand for "another word"."""
    vehicle = read.vehicle
    return (
        (not query.camera_ids or read.camera_id in query.camera_ids)
        and (not query.bodies or vehicle.body in query.bodies)
        and (not query.colors or vehicle.color in query.colors or vehicle.second_color in query.colors)
    )


def _table(numbers: Iterable[int], most: int) -> NDArray[np.bool_]:
    table = np.zeros(most + 1, dtype=np.bool_)
    table[list(numbers)] = True
    return table
