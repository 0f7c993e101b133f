"""Which plate of this frame is which plate of the frames before.

Our own, because `norfair` (last release 2025-04) holds rich below 15 and brings scipy and filterpy, and `trackers` brings
supervision, matplotlib, scipy and requests; neither knows that its boxes can be read. A plate moves further than its own
size between two frames, so boxes are compared by the distance of their centers from where each track should be by now,
in widths of the plate, and by what is read in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import hypot
from typing import TYPE_CHECKING

from glassplate.plate_text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.recognizer import PlateCandidate
    from glassplate.records import FrameBox

LOST_AFTER = timedelta(
    seconds=1.2
)  # a lamp post hides a plate for a few tenths of a second, a wiper for less
REACH_WIDTHS = 2.0  # how far from its expected place a plate may be, in its own widths
REACH_OF_SAME_TEXT_WIDTHS = 8.0  # when it reads the same: a fast vehicle, or few frames a second
REACH_OF_OTHER_TEXT_WIDTHS = 0.8  # when it reads quite differently
SAME_TEXT, OTHER_TEXT = (
    0.7,
    0.45,
)  # share of characters in common; two plates of one format share a fifth by chance
LARGEST_GROWTH = 1.8  # of the width, from one look to the next
STEADINESS = 0.5  # share of a newly measured speed in the kept one
LEGIBLE = (
    0.5  # of the least sure character: two quite different texts that are no less legible are two plates
)
SHORTEST_PART = 2
MAX_TRACKS = 64  # in view at the same time; a frame full of false boxes must not grow without end


@dataclass(slots=True)
class Track:
    """One plate in view. ``number`` counts from 1 within a camera's run."""

    number: int
    first_at: datetime
    last_at: datetime
    box: FrameBox
    first_box: FrameBox
    speed: tuple[float, float] = (0.0, 0.0)
    """Pixels a second, across and down."""
    looks: int = 1
    surest: float = 0.0
    texts: dict[str, float] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """What was read most often so far, by weight."""
        return max(self.texts, key=lambda text: (self.texts[text], text), default="")

    def expected_center(self, at: datetime) -> tuple[float, float]:
        """Where the plate should be by now."""
        seconds = (at - self.last_at).total_seconds()
        x, y = _center(self.box)
        return x + self.speed[0] * seconds, y + self.speed[1] * seconds

    def follow(self, candidate: PlateCandidate, at: datetime) -> None:
        """Seen again."""
        seconds = (at - self.last_at).total_seconds()
        if seconds > 0:
            (old_x, old_y), (x, y) = _center(self.box), _center(candidate.box)
            share = 1.0 if self.looks == 1 else STEADINESS
            self.speed = (
                self.speed[0] + share * ((x - old_x) / seconds - self.speed[0]),
                self.speed[1] + share * ((y - old_y) / seconds - self.speed[1]),
            )
        self.box, self.last_at = candidate.box, at
        self.looks += 1
        self.note(candidate)

    def note(self, candidate: PlateCandidate) -> None:
        """Count a reading."""
        text = fold(candidate.text)
        self.texts[text] = self.texts.get(text, 0.0) + candidate.confidence
        self.surest = max(self.surest, candidate.confidence)


class PlateTracker:
    """The plates in view of one camera."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._count = 0

    def update(self, candidates: Sequence[PlateCandidate], at: datetime) -> list[Track | None]:
        """The track of each candidate, an old or a new one; None where there are too many in view."""
        found: list[Track | None] = [None] * len(candidates)
        pairs = sorted(
            (cost, number, track.number, track)
            for number, candidate in enumerate(candidates)
            for track in self._tracks
            if (cost := _cost(track, candidate, at)) is not None
        )
        taken: set[int] = set()
        for _, number, track_number, track in pairs:
            if found[number] is None and track_number not in taken:
                taken.add(track_number)
                found[number] = track
        for number, candidate in enumerate(candidates):
            known = found[number]
            if known is None:
                found[number] = self._begin(candidate, at)
            else:
                known.follow(candidate, at)
        return found

    def hold(self, at: datetime) -> None:
        """Nothing has moved since the last look: what was in view then still is."""
        newest = max((track.last_at for track in self._tracks), default=at)
        for track in self._tracks:
            if track.last_at == newest:
                track.last_at, track.speed = at, (0.0, 0.0)

    def lost(self, at: datetime) -> list[Track]:
        """Tracks that ended: not seen for a while, or (time having gone back) from before."""
        gone = [track for track in self._tracks if not timedelta(0) <= at - track.last_at <= LOST_AFTER]
        self._tracks = [track for track in self._tracks if track not in gone]
        return gone

    def in_view(self) -> tuple[Track, ...]:
        """Every track that has not ended, the oldest first."""
        return tuple(self._tracks)

    def end(self) -> list[Track]:
        """Every track in view; the view is then empty."""
        ended, self._tracks = self._tracks, []
        return ended

    def _begin(self, candidate: PlateCandidate, at: datetime) -> Track | None:
        if len(self._tracks) >= MAX_TRACKS:
            return None
        self._count += 1
        track = Track(self._count, at, at, candidate.box, candidate.box)
        track.note(candidate)
        self._tracks.append(track)
        return track


def _cost(track: Track, candidate: PlateCandidate, at: datetime) -> float | None:
    """How badly they fit, in widths of the plate; None when they cannot be the same."""
    width, old_width = max(candidate.box[2], 1), max(track.box[2], 1)
    growth = max(width, old_width) / min(width, old_width)
    if growth > LARGEST_GROWTH:
        return None
    (x, y), (expected_x, expected_y) = _center(candidate.box), track.expected_center(at)
    distance = hypot(x - expected_x, y - expected_y) / max(width, old_width)
    likeness = _likeness(track.text, fold(candidate.text))
    if likeness >= SAME_TEXT:
        reach = REACH_OF_SAME_TEXT_WIDTHS
    elif likeness <= OTHER_TEXT and min(track.surest, candidate.confidence) >= LEGIBLE:
        return None
    elif likeness <= OTHER_TEXT:
        reach = REACH_OF_OTHER_TEXT_WIDTHS
    else:
        reach = REACH_WIDTHS
    return None if distance > reach else distance + 2 * (1 - likeness) + (growth - 1)


def _likeness(one: str, other: str) -> float:
    """Share in common; a part of a plate, cut off or covered, counts as the same text."""
    shorter, longer = sorted((one, other), key=len)
    is_part = len(shorter) >= SHORTEST_PART and (longer.startswith(shorter) or longer.endswith(shorter))
    return max(common_share(one, other), SAME_TEXT if is_part else 0.0)


def _center(box: FrameBox) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def common_share(one: str, other: str) -> float:
    """One less the edit distance in lengths of the longer text: 1 for equal texts, 0 for texts with nothing in common."""
    longer = max(len(one), len(other))
    return 1.0 if not longer else 1 - edit_distance(one, other) / longer


def edit_distance(one: str, other: str) -> int:
    """How many characters have to be put in, taken out or replaced (Levenshtein)."""
    row = list(range(len(other) + 1))
    for at, character in enumerate(one, start=1):
        before, row[0] = row[0], at
        for position, its in enumerate(other, start=1):
            before, row[position] = (
                row[position],
                min(row[position] + 1, row[position - 1] + 1, before + (character != its)),
            )
    return row[-1]
