"""Is it the vehicle that was told already? By text, time and place; where in doubt it is another one.

A vehicle that is told twice costs a row; one that is not told was never seen. So a plate that reads otherwise is the
same vehicle only where everything speaks for it: one character, doubtful or a look-alike (8 and B), the same place,
both standing, and at most ten seconds without a look. Plates that differ only in O, Q, 0 or I, 1 count as one text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.plate_text import fold, skeleton
from glassplate.recognize.found import overlap

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import PlateCandidate
    from glassplate.recognize.tracking import Track
    from glassplate.records import FrameBox

SAME_VEHICLE_WITHIN = timedelta(seconds=10)
TELL_AGAIN_AFTER = timedelta(hours=1)
MAX_TOLD = 512
SAME_PLACE = 0.3  # overlap of two boxes that read the same
VERY_SAME_PLACE = 0.6  # that do not: two vehicles seldom stop within a hand's breadth of each other
SURE_VOTE = 0.7  # of one character, after a vote: no more than a third of the looks read another one


@dataclass(slots=True)
class Told:
    """A vehicle that was told: where it was last seen, and whether it stood."""

    plate: PlateCandidate = field(repr=False)
    told_at: datetime
    last_at: datetime
    box: FrameBox
    stood: bool

    def follow(self, track: Track) -> None:
        """Its plate is still in view, or was seen until now."""
        self.last_at, self.box, self.stood = track.last_at, track.box, track.stands


class ToldVehicles:
    """The vehicles of one camera that were told within the hour."""

    def __init__(self) -> None:
        self._told: list[Told] = []

    def __len__(self) -> int:
        return len(self._told)

    def add(self, plate: PlateCandidate, track: Track) -> Told:
        """Remember one that is told now."""
        told = Told(plate, track.last_at, track.last_at, track.box, track.stands)
        self._told = [*self._told, told][-MAX_TOLD:]
        return told

    def same(self, plate: PlateCandidate, track: Track) -> Told | None:
        """The one that was told already and is this one, the latest of several."""
        lately = (told for told in reversed(self._told) if track.last_at - told.told_at < TELL_AGAIN_AFTER)
        return next((told for told in lately if _is_same(told, plate, track)), None)


def _is_same(told: Told, plate: PlateCandidate, track: Track) -> bool:
    is_soon = track.first_at - told.last_at <= SAME_VEHICLE_WITHIN
    both_stand, shared = told.stood and track.stands, overlap(told.box, track.box)
    if fold(told.plate.text) == fold(plate.text):
        return is_soon or (both_stand and shared >= SAME_PLACE)
    is_misread = differences(told.plate.text, plate.text) == 1 and not contradicts(told.plate, plate)
    return is_misread and is_soon and both_stand and shared >= VERY_SAME_PLACE


def contradicts(one: PlateCandidate, other: PlateCandidate, sure: float = SURE_VOTE) -> bool:
    """Whether they differ in a character of which both are sure, and which does not look like the other."""
    if len(one.text) != len(other.text):
        return False
    return any(
        skeleton(its) != skeleton(others) and min(sureness, others_sureness) >= sure
        for its, others, sureness, others_sureness in zip(
            one.text, other.text, one.character_confidences, other.character_confidences, strict=True
        )
    )


def differences(one: str, other: str) -> int:
    """In how many places two texts differ once folded; texts of two lengths differ everywhere."""
    one, other = fold(one), fold(other)
    if len(one) != len(other):
        return max(len(one), len(other))
    return sum(its != others for its, others in zip(one, other, strict=True))
