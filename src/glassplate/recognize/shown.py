"""What of a picture may be shown beside a plate: the vehicle that carries it, if its windows are known to be hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.recognize.found import carrier
from glassplate.recognize.hiding import glass_above_plate, grown, inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.found import Found
    from glassplate.recognize.hiding import HiddenArea
    from glassplate.records import FrameBox

SCENE_MARGIN = 0.15  # of the vehicle's box on each side: boxes are often a little short; more is the street
WIDEST_PLATE = 0.8  # of its vehicle; a larger "plate" would put back what was hidden


@dataclass(frozen=True, slots=True)
class Shown:
    """``part``: x, y, width, height of what the scene shows, in the picture; ``glass``: the vehicle's windows."""

    vehicle: Found
    part: FrameBox
    glass: HiddenArea


def shown_with(plate: FrameBox, found: Sequence[Found], width: int, height: int) -> Shown | None:
    """What may be shown of a picture ``width`` × ``height`` beside ``plate``.

    None, so that only the plate is kept: no vehicle's box holds the plate's center, or the box ends where the windows
    should be, or the plate fills more of it than plates do.
    """
    vehicle = carrier(found, plate)
    if vehicle is None or plate[2] > WIDEST_PLATE * vehicle.box[2]:
        return None
    left, top, right, bottom = inside(grown(vehicle.box, SCENE_MARGIN, SCENE_MARGIN), width, height)
    glass = glass_above_plate(vehicle, plate, top)
    return None if glass is None else Shown(vehicle, (left, top, right - left, bottom - top), glass)
