"""What of a picture is a plate, and the crop of it: the one rule for the boxes of every recognizer, ours and others'.

A crop is the only picture that nothing else need be found for, so whatever a recognizer calls a plate would be kept in
clear: a placard, a poster, a portrait with letters over it. Therefore (1) a box of another size or shape than plates have is
none, and (2) faces and people inside the crop are made coarse; where little of the plate would remain, nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glassplate.recognize.found import check_box, holds, overlap
from glassplate.recognize.hiding import face_area, grown, hide, inside, person_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.found import Found
    from glassplate.recognize.hiding import HiddenArea
    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

# Measured on 876 plates labeled in photos (docs/recognition-redaction.md): 874 are within.
WIDEST = 0.5  # of the picture's width
LARGEST = 0.1  # of the picture's area
SLIMMEST = 0.7  # width by height: a motorcycle's plate seen askew
FLATTEST = 7.0  # a line of characters without its rim

# Of each side of the box. Of twenty found boxes one cuts off more of its plate; more would show what is beside it.
MARGIN_ACROSS, MARGIN_ALONG = 0.03, 0.08

PERSON_CONFIDENCE = 0.30  # below it characters are taken for standing people
PERSON_INSIDE = 0.5  # of a person's box in the crop; a driver or rider behind the plate is not in it
MOST_HIDDEN = 0.4  # of the plate: three characters of seven

SAME_OVERLAP = 0.3
SIMILAR_SIDES = 2.0  # the longer by the shorter

# Of the box, on each side: a face that lettering lies on is larger than the letters.
FARTHEST_LOOK_ACROSS, FARTHEST_LOOK_ALONG = 0.5, 1.5
SMALLEST_FACE = 10  # pixels; in a plate that is smaller none would be found, nor known


@dataclass(frozen=True, slots=True)
class PlateCrop:
    """A plate and its margins, cut out at ``left``, ``top``; ``pixels`` are a copy, with nobody in them."""

    left: int
    top: int
    pixels: Pixels
    persons: int
    faces: int


def may_be_plate(box: FrameBox, frame_width: int, frame_height: int) -> bool:
    """Whether ``box`` has the size and shape of a plate in a picture of that size.

    Raises:
        ValueError: it is empty, not of whole numbers, or does not lie in the picture.
    """
    check_box(box)
    x, y, width, height = box
    if min(x, y) < 0 or x + width > frame_width or y + height > frame_height:
        raise ValueError(
            f"The plate box {box} does not lie in the picture of {frame_width}×{frame_height} pixels."
        )
    return (
        width <= WIDEST * frame_width
        and width * height <= LARGEST * frame_width * frame_height
        and SLIMMEST * height <= width <= FLATTEST * height
    )


def cut(pixels: Pixels, plate: FrameBox, found: Sequence[Found], faces: Sequence[Found]) -> PlateCrop | None:
    """The plate without the people and faces that lie in it; ``pixels`` stay as they are.

    None, so that nothing is kept: it ``may_be_plate`` not, or people and faces cover more than ``MOST_HIDDEN`` of it.

    Raises:
        ValueError: as ``may_be_plate``.
    """
    frame_height, frame_width = pixels.shape[:2]
    if not may_be_plate(plate, frame_width, frame_height):
        return None
    left, top, right, bottom = inside(grown(plate, MARGIN_ACROSS, MARGIN_ALONG), frame_width, frame_height)
    crop = left, top, right - left, bottom - top
    persons = [person_area(one) for one in found if _is_person_in(one, crop)]
    hidden = [face_area(one) for one in faces]
    if _share_of(plate, [*persons, *hidden]) > MOST_HIDDEN:
        return None
    part = pixels[top:bottom, left:right].copy()  # the copy cuts the tie to the picture
    counts = [hide(part, [one.moved(left, top) for one in areas]) for areas in (persons, hidden)]
    return PlateCrop(left, top, part, *counts)


def where_faces_matter(plate: FrameBox, frame_width: int, frame_height: int) -> FrameBox | None:
    """The part of the picture in which a face could lie in the crop; None if the plate is too small to hold one."""
    if min(plate[2:]) < SMALLEST_FACE:
        return None
    around = grown(plate, FARTHEST_LOOK_ACROSS, FARTHEST_LOOK_ALONG)
    left, top, right, bottom = inside(around, frame_width, frame_height)
    return left, top, right - left, bottom - top


def is_same_plate(one: FrameBox, other: FrameBox) -> bool:
    """Whether two boxes are of one plate, though found by different networks.

    They overlap by ``SAME_OVERLAP``, or each holds the other's center and they are of similar size. That one lies in the
    other is not enough: a large box would keep a foreign plate legible.
    """
    if overlap(one, other) >= SAME_OVERLAP:
        return True
    similar = all(max(pair) <= SIMILAR_SIDES * min(pair) for pair in zip(one[2:], other[2:], strict=True))
    return similar and holds(one, other) and holds(other, one)


def _is_person_in(one: Found, crop: FrameBox) -> bool:
    if one.kind != "person" or one.confidence < PERSON_CONFIDENCE:
        return False
    x, y, width, height = one.box
    left, top, right, bottom = inside((x - crop[0], y - crop[1], width, height), *crop[2:])
    return max(0, right - left) * max(0, bottom - top) >= PERSON_INSIDE * width * height


def _share_of(plate: FrameBox, areas: Sequence[HiddenArea]) -> float:
    """How much of ``plate`` the areas cover together."""
    covered = np.zeros((plate[3], plate[2]), dtype=bool)
    for area in areas:
        left, top, right, bottom = inside(area.moved(plate[0], plate[1]).box, plate[2], plate[3])
        covered[top : max(top, bottom), left : max(left, right)] = True
    return float(covered.mean())
