"""What must not be seen, and how it is made so: areas of a picture, and cells too coarse to tell anything.

A cell's size follows the whole box, not the part of it inside the picture, so that an object at the edge gets no finer
cells than one in the middle. Cells are means of pixels; what a cell averaged is in no later byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.found import Found
    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

FACE_GROWTH = 0.2  # of the box, on each side: hair, ears and chin
PERSON_CELLS = 6  # across a body's narrow side: a face in it falls into one or two cells
FACE_CELLS = 4  # across the grown box, so that some three cover the face: too few to match it to a known one
GLASS_CELLS = 6
LONGEST_SHAPE = 3  # the long side has at most three times as many cells, so that a sliver has coarse ones too
LEAST_CELL_PIXELS = 2
PLATE_CELLS = 1  # letters survive coarser cells than faces do, because there are only 36 of them
# Found boxes cut off up to an eighth of a plate's height, and a box may be of one group of its characters only.
PLATE_GROWTH_ACROSS, PLATE_GROWTH_ALONG = 0.25, 0.2  # of the box, on each side

GLASS_SHARE = 0.6  # of a vehicle's height, from its top: glass ends above that in every view
PLATE_HEIGHTS_ABOVE_PLATE = 1.0  # where the glass ends at the latest, if the plate is higher than that
LEAST_GLASS_SHARE = 0.15  # a lower band means that the vehicle's box lost its upper part


@dataclass(frozen=True, slots=True)
class HiddenArea:
    """A box of which at most ``cells`` means across its narrow side remain."""

    box: FrameBox
    cells: int

    @property
    def cell_pixels(self) -> int:
        """The side of one cell."""
        narrow, long = sorted(self.box[2:])
        return max(LEAST_CELL_PIXELS, -(-narrow // self.cells), -(-long // (LONGEST_SHAPE * self.cells)))

    def moved(self, left: int, top: int) -> HiddenArea:
        """This area in pixels of a picture cut out at ``left``, ``top``."""
        x, y, width, height = self.box
        return HiddenArea((x - left, y - top, width, height), self.cells)


def person_area(person: Found) -> HiddenArea:
    """The whole body."""
    return HiddenArea(person.box, PERSON_CELLS)


def face_area(face: Found) -> HiddenArea:
    """The face and a fifth of its size around it."""
    return HiddenArea(grown(face.box, FACE_GROWTH, FACE_GROWTH), FACE_CELLS)


def plate_area(plate: FrameBox) -> HiddenArea:
    """A plate that nobody asked for, and what its box may have cut off."""
    return HiddenArea(grown(plate, PLATE_GROWTH_ACROSS, PLATE_GROWTH_ALONG), PLATE_CELLS)


def glass_area(vehicle: Found) -> HiddenArea:
    """The windows of a vehicle whose plate is not known."""
    x, y, width, height = vehicle.box
    return HiddenArea((x, y, width, max(1, -int(-GLASS_SHARE * height // 1))), GLASS_CELLS)


def glass_above_plate(vehicle: Found, plate: FrameBox, top: int) -> HiddenArea | None:
    """The windows of the vehicle that carries ``plate``, from row ``top`` at or above it; None: they were not located.

    It begins above the vehicle and is a little wider, because the boxes of a moving vehicle are often cut short there.
    """
    x, y, width, height = vehicle.box
    share = -int(-GLASS_SHARE * height // 1)
    end = min(y + share, int(plate[1] - PLATE_HEIGHTS_ABOVE_PLATE * plate[3]))
    if end - y < LEAST_GLASS_SHARE * height:
        return None
    start = min(y, top)
    return HiddenArea(grown((x, start, width, end - start), 0.05, 0.0), GLASS_CELLS)


def hide(pixels: Pixels, areas: Sequence[HiddenArea]) -> int:
    """Make each area coarse, in place, as far as it lies in the picture; answers how many do."""
    import cv2

    hidden = 0
    height, width = pixels.shape[:2]
    for area in areas:
        left, top, right, bottom = inside(area.box, width, height)
        if left >= right or top >= bottom:
            continue
        hidden += 1
        part = pixels[top:bottom, left:right]
        cell = area.cell_pixels
        columns, rows = max(1, (right - left) // cell), max(1, (bottom - top) // cell)
        means = cv2.resize(part.copy(), (columns, rows), interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(means, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST).reshape(
            part.shape
        )
    return hidden


def inside(box: FrameBox, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of ``box`` in a picture of that size; empty where right ≤ left."""
    x, y = box[0], box[1]
    return max(0, x), max(0, y), min(width, x + box[2]), min(height, y + box[3])


def grown(box: FrameBox, across: float, along: float) -> FrameBox:
    """``box`` with these shares of its width and height added on each side, rounded outward."""
    x, y, width, height = box
    more_across, more_along = -int(-width * across // 1), -int(-height * along // 1)
    return x - more_across, y - more_along, width + 2 * more_across, height + 2 * more_along
