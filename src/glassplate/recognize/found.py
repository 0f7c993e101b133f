"""What a network found in a picture, beside plates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.records import FrameBox

Kind = Literal["person", "face", "bicycle", "car", "motorcycle", "bus", "truck"]
VEHICLES: frozenset[Kind] = frozenset(("bicycle", "car", "motorcycle", "bus", "truck"))
_KINDS = frozenset(get_args(Kind))
NEARLY_AS_SURE = 0.8  # of two boxes of one vehicle; a group's box is often the surest
_FARTHEST_PIXEL = 1 << 20  # beyond it a coordinate is a network gone wrong, and sums of them stay exact


@dataclass(frozen=True, slots=True)
class Found:
    """One object: its kind, the network's confidence in 0–1, its box in pixels of the picture.

    The box may reach beyond the picture's edge, where an object does; it is never empty. What is no such box is
    refused here, so that nothing broken reaches the redaction.
    """

    kind: Kind
    confidence: float
    box: FrameBox

    def __post_init__(self) -> None:
        """Refuse what no working network says.

        Raises:
            ValueError: an unknown kind, a confidence outside 0–1, an empty box or one of other things than integers.
        """
        if self.kind not in _KINDS:
            raise ValueError(f"Nothing of the kind {self.kind!r} is looked for.")
        if not (math.isfinite(self.confidence) and 0 <= self.confidence <= 1):
            raise ValueError(f"The confidence {self.confidence} does not lie in 0–1.")
        check_box(self.box)

    def moved(self, left: int, top: int) -> Found:
        """The same, found in a part of a picture that begins at ``left``, ``top``, in pixels of the whole."""
        return replace(self, box=(self.box[0] + left, self.box[1] + top, *self.box[2:]))


def check_box(box: FrameBox) -> None:
    """A box of at least one pixel, in integers that a picture can have.

    Raises:
        ValueError: it is not.
    """
    if len(box) != 4 or not all(type(one) is int and abs(one) <= _FARTHEST_PIXEL for one in box):  # noqa: PLR2004
        raise ValueError(f"The box {box} is not four whole numbers of pixels.")
    if box[2] < 1 or box[3] < 1:
        raise ValueError(f"The box {box} is empty.")


def carrier(found: Sequence[Found], plate: FrameBox) -> Found | None:
    """The vehicle that carries ``plate``; None when no vehicle's box holds the plate's center.

    Of the boxes nearly as sure as the surest, the smallest: a large one often holds a group of vehicles.
    """
    holding = [one for one in found if one.kind in VEHICLES and holds(one.box, plate)]
    if not holding:
        return None
    enough = NEARLY_AS_SURE * max(one.confidence for one in holding)
    return min((one for one in holding if one.confidence >= enough), key=lambda one: one.box[2] * one.box[3])


def holds(box: FrameBox, other: FrameBox) -> bool:
    """Whether the center of ``other`` lies in ``box``."""
    x, y = other[0] + other[2] / 2, other[1] + other[3] / 2
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


def overlap(one: FrameBox, other: FrameBox) -> float:
    """Intersection over union of two boxes, 0–1."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0, wide) * max(0, high)
    return both / (one[2] * one[3] + other[2] * other[3] - both or 1)
