"""Which plate of this frame is which plate of the frames before.

Our own, because `norfair` (last release 2025-04) holds rich below 15 and brings scipy and filterpy, and `trackers` brings
supervision, matplotlib, scipy and requests; neither knows that its boxes can be read. A plate moves further than its own
size between two frames, so boxes are compared by the distance of their centers from where each track should be by now,
in widths of the plate, and by what is read in them.

A track may still go over from one vehicle to the next whose plate is nearly the same. It cannot do so without a gap or
a jump, because two vehicles are never in one place: ``Track.broken_from`` says where that happened, and
``PassageReader`` asks there whether it is another vehicle.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import hypot
from typing import TYPE_CHECKING

from glassplate.plate_text import fold
from glassplate.recognize.found import overlap
from glassplate.recognize.same_vehicle import contradicts

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
SURE_LOOK = 0.85  # of one character in one look
GAP = timedelta(seconds=0.5)  # without a look at a plate that stands: another may have taken its place
JUMP_WIDTHS = 1.0  # from its expected place
FIRST_JUMP_WIDTHS = 2.0  # the same before its speed is known
MISSED_LOOKS = 2  # in which a plate that stands may be missed; whatever leaves, moves, and so gets more looks
RESTS_AFTER = timedelta(seconds=2)
REST_OVERLAP = 0.5  # of two boxes of a plate that stands; less than the detector's unrest
MAX_TRACKS = 64  # in view at the same time; a frame full of false boxes must not grow without end


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plate was at a time."""

    box: FrameBox
    at: datetime


@dataclass(slots=True)
class Track:
    """One plate in view. ``number`` counts from 1 within a camera's run.

    ``broken_from``: the track as it was before a gap or jump that its last look came after; None where that came as
    expected. ``rest``: the place around which it has been since.
    """

    number: int
    first_at: datetime
    last_at: datetime
    box: FrameBox
    first_box: FrameBox
    rest: Place
    speed: tuple[float, float] = (0.0, 0.0)
    """Pixels a second, across and down."""
    looks: int = 1
    missed: int = 0
    surest: float = 0.0
    broken_from: Track | None = field(default=None, repr=False)
    texts: dict[str, float] = field(default_factory=dict, repr=False)
    clearest: dict[str, PlateCandidate] = field(default_factory=dict, repr=False)

    @classmethod
    def begin(cls, number: int, candidate: PlateCandidate, at: datetime) -> Track:
        """The first look."""
        track = cls(number, at, at, candidate.box, candidate.box, Place(candidate.box, at))
        track.note(candidate)
        return track

    @property
    def text(self) -> str:
        """What was read most often so far, by weight."""
        return max(self.texts, key=lambda text: (self.texts[text], text), default="")

    @property
    def stands(self) -> bool:
        """Whether it has not left its first place, or has come to rest."""
        return self.rest.at == self.first_at or self.last_at - self.rest.at >= RESTS_AFTER

    def expected_center(self, at: datetime) -> tuple[float, float]:
        """Where the plate should be by now."""
        seconds = (at - self.last_at).total_seconds()
        x, y = _center(self.box)
        return x + self.speed[0] * seconds, y + self.speed[1] * seconds

    def contradicts(self, candidate: PlateCandidate) -> bool:
        """Whether it reads surely otherwise than this track, which was seen often enough to be known."""
        return self.looks > 1 and contradicts(self.clearest[self.text], candidate, sure=SURE_LOOK)

    def follow(self, candidate: PlateCandidate, at: datetime) -> None:
        """Seen again."""
        self.broken_from = replace(self, broken_from=None) if self._breaks(candidate, at) else None
        seconds = (at - self.last_at).total_seconds()
        if seconds > 0:
            (old_x, old_y), (x, y) = _center(self.box), _center(candidate.box)
            share = 1.0 if self.looks == 1 else STEADINESS
            self.speed = (
                self.speed[0] + share * ((x - old_x) / seconds - self.speed[0]),
                self.speed[1] + share * ((y - old_y) / seconds - self.speed[1]),
            )
        self.box, self.last_at, self.missed = candidate.box, at, 0
        if overlap(self.rest.box, self.box) < REST_OVERLAP:
            self.rest = Place(self.box, at)
        self.looks += 1
        self.note(candidate)

    def note(self, candidate: PlateCandidate) -> None:
        """Count a reading."""
        text = fold(candidate.text)
        self.texts[text] = self.texts.get(text, 0.0) + candidate.confidence
        self.surest = max(self.surest, candidate.confidence)
        if text not in self.clearest or candidate.confidence > self.clearest[text].confidence:
            self.clearest[text] = candidate

    def _breaks(self, candidate: PlateCandidate, at: datetime) -> bool:
        widths = _distance(self, candidate, at)
        has_jumped = widths >= (JUMP_WIDTHS if self.looks > 1 else FIRST_JUMP_WIDTHS)
        # a moving plate that comes out where it should be is the same one, whatever hid it
        return has_jumped or (self.stands and at - self.last_at >= GAP)


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
        for track in self._tracks:
            track.missed += track.last_at != at
        return found

    def part(self, track: Track, first_at: datetime, looks: Sequence[PlateCandidate]) -> None:
        """Since ``first_at``, when ``looks`` began, this has been another vehicle: it begins anew, under its own number."""
        self._count += 1
        track.number, track.first_at, track.first_box = self._count, first_at, looks[0].box
        track.looks, track.surest, track.texts, track.clearest = len(looks), 0.0, {}, {}
        if track.rest.at <= first_at:
            track.rest = Place(track.first_box, first_at)
        for candidate in looks:
            track.note(candidate)

    def hold(self, at: datetime) -> None:
        """Nothing has moved since the last look: what was in view then still is, seen or missed."""
        for track in self._tracks:
            if track.missed <= MISSED_LOOKS:
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
        track = Track.begin(self._count, candidate, at)
        self._tracks.append(track)
        return track


def _cost(track: Track, candidate: PlateCandidate, at: datetime) -> float | None:
    """How badly they fit, in widths of the plate; None when they cannot be the same."""
    width, old_width = max(candidate.box[2], 1), max(track.box[2], 1)
    growth = max(width, old_width) / min(width, old_width)
    if growth > LARGEST_GROWTH:
        return None
    distance = _distance(track, candidate, at)
    likeness = _likeness(track.text, fold(candidate.text))
    if likeness >= SAME_TEXT and not track.contradicts(candidate):
        reach = REACH_OF_SAME_TEXT_WIDTHS
    elif likeness <= OTHER_TEXT and min(track.surest, candidate.confidence) >= LEGIBLE:
        return None
    elif likeness <= OTHER_TEXT:
        reach = REACH_OF_OTHER_TEXT_WIDTHS
    else:
        reach = REACH_WIDTHS
    return None if distance > reach else distance + 2 * (1 - likeness) + (growth - 1)


def _distance(track: Track, candidate: PlateCandidate, at: datetime) -> float:
    """From where it should be by now, in widths of the wider plate."""
    (x, y), (expected_x, expected_y) = _center(candidate.box), track.expected_center(at)
    return hypot(x - expected_x, y - expected_y) / max(candidate.box[2], track.box[2], 1)


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
