"""One read for each passing vehicle: looks at the same plate are gathered, then vote.

    (1) track    each plate of a frame continues a plate of the frames before, or begins     `tracking.PlateTracker`
    (2) gather   every reading; of the pixels only the best frame is kept
    (3) tell     when the plate has left the view; or after four seconds, once it no longer comes closer    `vote.vote`
    (4) be still a vehicle that stays is told again after an hour, not with every frame

A plate that was lost and found again (behind a lorry, by a switched track) is told once: `same_vehicle`. A track that
goes over from one vehicle to the next, which it can only with a gap or a jump, is parted there as soon as three looks
surely read another plate; so the second of two vehicles is told, even if one character is all that differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.plate_text import skeleton
from glassplate.recognize.same_vehicle import TELL_AGAIN_AFTER, ToldVehicles, contradicts
from glassplate.recognize.tracking import PlateTracker
from glassplate.recognize.vote import Look, best_look, vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glassplate.recognize.recognizer import Pixels, PlateCandidate
    from glassplate.recognize.same_vehicle import Told
    from glassplate.recognize.tracking import Track
    from glassplate.records import FrameBox

TELL_AFTER = timedelta(seconds=4)
TELL_AT_LAST_AFTER = timedelta(seconds=15)  # an alert must not wait for ever for a car that creeps closer
NO_CLOSER_SINCE = timedelta(seconds=1)
CLOSER = 1.05  # of the width so far; less is the detector's own unrest
MAX_LOOKS = 120  # gathered of one vehicle: the last ten seconds
AT_THE_EDGE = 0.2  # what a crop is worth that touches the picture's edge, and so may be cut off
LOOKS_TO_PART = 3  # that together read another plate than before a gap or jump
LOOKS_AT_THE_END = 2  # the same for a vehicle that has left already
LOOKS_TO_JOIN = 8  # that together read the same, up to look-alikes
LOOKS_TO_JOIN_IN_DOUBT = 36  # three seconds of them


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle that passed, or came to stand.

    ``pixels``: the best frame, in which ``plate.box`` is the plate and ``other_plates`` are the others that were read.
    """

    number: int
    plate: PlateCandidate
    seen_at: datetime
    frame_id: str
    first_at: datetime
    last_at: datetime
    looks: int
    pixels: Pixels = field(repr=False)
    other_plates: tuple[FrameBox, ...] = ()


@dataclass(slots=True)
class _Gathered:
    """What is known of one track since it began, or since its vehicle was told.

    ``after``: the looks since a gap or jump, kept apart until it is clear whether they show the same vehicle;
    ``before``: in those, the track as it was before.
    """

    began_at: datetime
    looks: list[Look] = field(default_factory=list)
    best: float = -1.0
    pixels: Pixels | None = None
    seen_at: datetime | None = None
    frame_id: str = ""
    widest: float = 0.0
    closer_at: datetime | None = None
    others: tuple[FrameBox, ...] = ()
    told: Told | None = None
    after: _Gathered | None = None
    before: Track | None = None

    def take(
        self, look: Look, pixels: Pixels, at: datetime, frame_id: str, others: Iterable[FrameBox]
    ) -> None:
        """One look; pixels are kept of the best so far."""
        width = look.candidate.box[2]
        self.looks = _newest([*self.looks, look])
        if width > CLOSER * self.widest:
            self.widest, self.closer_at = width, at
        if look.quality > self.best:
            self.best, self.others = look.quality, tuple(others)
            self.pixels, self.seen_at, self.frame_id = pixels, at, frame_id

    def join(self) -> None:
        """What came after the gap or jump is the same vehicle."""
        after, self.after = self.after, None
        if after is None or self.told is not None:
            return
        self.looks = _newest([*self.looks, *after.looks])
        if after.widest > CLOSER * self.widest:
            self.widest, self.closer_at = after.widest, after.closer_at
        if after.best > self.best:
            self.best, self.others = after.best, after.others
            self.pixels, self.seen_at, self.frame_id = after.pixels, after.seen_at, after.frame_id

    def is_joined(self) -> bool:
        """Whether what came after the gap or jump has been looked at long enough, and is not surely another plate."""
        if self.after is None or len(self.after.looks) < LOOKS_TO_JOIN:
            return False
        if len(self.after.looks) >= LOOKS_TO_JOIN_IN_DOUBT:
            return True
        one, other = self._readings()
        return one is not None and other is not None and skeleton(one.text) == skeleton(other.text)

    def is_parted(self, least_looks: int) -> bool:
        """Whether what came after the gap or jump is surely another plate."""
        if self.after is None or len(self.after.looks) < least_looks:
            return False
        one, other = self._readings()
        return one is not None and other is not None and contradicts(one, other)

    def _readings(self) -> tuple[PlateCandidate | None, PlateCandidate | None]:
        """Before the gap or jump, and after it."""
        looks = self.after.looks if self.after is not None else []
        one = self.told.plate if self.told is not None else self.looks and vote(self.looks)
        return one or None, (looks and vote(looks)) or None


class PassageReader:
    """Makes passages of one camera's looks. Frames come in the order of capture; one thread at a time."""

    def __init__(self) -> None:
        self._tracker = PlateTracker()
        self._gathered: dict[int, _Gathered] = {}
        self._told = ToldVehicles()

    def look(
        self, pixels: Pixels, at: datetime, frame_id: str, candidates: Sequence[PlateCandidate]
    ) -> list[Passage]:
        """What the recognizer saw in one frame; returns the vehicles that are to be told now."""
        passages = self._left(at)
        for number, track in enumerate(self._tracker.update(candidates, at)):
            if track is not None:
                others = (other.box for other in (*candidates[:number], *candidates[number + 1 :]))
                look = Look(candidates[number], crop_quality(pixels, candidates[number]))
                self._gather(track, look, pixels, at, frame_id, others)
                passages += self._parted(track, LOOKS_TO_PART)
        return passages + self._due(at)

    def hold(self, at: datetime) -> list[Passage]:
        """A frame in which nothing moved, so nothing was looked at."""
        self._tracker.hold(at)
        return self._left(at) + self._due(at)

    def end(self) -> list[Passage]:
        """The view was interrupted, or is over: whatever was in it has left."""
        return self._concluded(self._tracker.end())

    def _left(self, at: datetime) -> list[Passage]:
        return self._concluded(self._tracker.lost(at))

    def _concluded(self, tracks: Iterable[Track]) -> list[Passage]:
        told = []
        for track in tracks:
            told += self._parted(track, LOOKS_AT_THE_END)
            self._gathered[track.number].join()
            told += self._told_of(track, self._gathered.pop(track.number))
        return told

    def _told_of(self, track: Track, gathered: _Gathered) -> list[Passage]:
        """Of a vehicle that has left."""
        if gathered.told is not None:
            gathered.told.follow(track)
            return []
        passage = self._tell(track, gathered)
        return [passage] if passage else []

    def _parted(self, track: Track, least_looks: int) -> list[Passage]:
        """Where the track has gone over to another vehicle: the one before is told, the other one begins."""
        gathered = self._gathered[track.number]
        after = gathered.after
        if after is None or after.before is None or not gathered.is_parted(least_looks):
            return []
        passages = self._told_of(after.before, self._gathered.pop(track.number))
        self._tracker.part(track, after.began_at, [look.candidate for look in after.looks])
        self._gathered[track.number], after.before = after, None
        return passages

    def _due(self, at: datetime) -> list[Passage]:
        told = []
        for track in self._tracker.in_view():
            gathered = self._gathered[track.number]
            if gathered.told is not None:
                if gathered.after is None:
                    gathered.told.follow(track)
                if at - gathered.told.told_at >= TELL_AGAIN_AFTER:
                    self._gathered[track.number] = _Gathered(began_at=at)
            elif _is_due(gathered, at) and (passage := self._tell(track, gathered)):
                told.append(passage)
        return told

    def _gather(
        self,
        track: Track,
        look: Look,
        pixels: Pixels,
        at: datetime,
        frame_id: str,
        others: Iterable[FrameBox],
    ) -> None:
        """Take one look: apart while it is not clear whether it shows the vehicle from before a gap or jump."""
        gathered = self._gathered.setdefault(track.number, _Gathered(began_at=at))
        if gathered.after is None and track.broken_from is not None:
            gathered.after = _Gathered(began_at=at, before=track.broken_from)
        if gathered.after is not None:
            gathered.after.take(look, pixels, at, frame_id, others)
            if gathered.is_joined():
                gathered.join()
        elif gathered.told is None:
            gathered.take(look, pixels, at, frame_id, others)

    def _tell(self, track: Track, gathered: _Gathered) -> Passage | None:
        """The passage, unless the looks support nothing or the vehicle is known; either way its pixels are let go."""
        if gathered.pixels is None or gathered.seen_at is None:
            return None
        plate = vote(gathered.looks)
        if plate is None:
            return None
        pixels, gathered.pixels = gathered.pixels, None
        gathered.told = self._told.same(plate, track)
        if gathered.told is not None:
            gathered.told.follow(track)
            return None
        gathered.told = self._told.add(plate, track)
        return Passage(
            number=track.number,
            plate=plate,
            seen_at=gathered.seen_at,
            frame_id=gathered.frame_id,
            first_at=track.first_at,
            last_at=track.last_at,
            looks=len(gathered.looks),
            pixels=pixels,
            other_plates=gathered.others,
        )


def _newest(looks: list[Look]) -> list[Look]:
    """The last looks, and always the best one: the vote's box is of the frame whose pixels are kept."""
    if len(looks) <= MAX_LOOKS:
        return looks
    newest = looks[-MAX_LOOKS:]
    best = best_look(looks)
    return newest if any(look is best for look in newest) else [best, *newest[1:]]


def _is_due(gathered: _Gathered, at: datetime) -> bool:
    waited = at - gathered.began_at
    if gathered.closer_at is None or waited < TELL_AFTER:
        return False
    return at - gathered.closer_at >= NO_CLOSER_SINCE or waited >= TELL_AT_LAST_AFTER


def crop_quality(pixels: Pixels, candidate: PlateCandidate) -> float:
    """Large × sharp × sure: how good this frame's crop of the plate is, comparable within one vehicle."""
    import cv2
    import numpy as np

    x, y, width, height = candidate.box
    left, top = max(0, x), max(0, y)
    crop = pixels[top : max(0, y + height), left : max(0, x + width)]
    if crop.size == 0:
        return 0.0
    gray = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY)
    contrast = float(gray.std()) + 1
    sharpness = float(cv2.Laplacian(gray, cv2.CV_32F).std()) / contrast
    touches = x <= 0 or y <= 0 or x + width >= pixels.shape[1] or y + height >= pixels.shape[0]
    return width * (0.2 + sharpness) * candidate.confidence * (AT_THE_EDGE if touches else 1.0)
