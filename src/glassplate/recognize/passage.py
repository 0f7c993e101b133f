"""One read for each passing vehicle: looks at the same plate are gathered, then vote.

    (1) track    each plate of a frame continues a plate of the frames before, or begins     `tracking.PlateTracker`
    (2) gather   every reading; of the pixels only the best frame is kept
    (3) tell     when the plate has left the view; or after four seconds, once it no longer comes closer    `vote.vote`
    (4) be still a vehicle that stays is told again after an hour, not with every frame

A plate that was lost and found again (behind a lorry, by a switched track) is told once: the same text within ten
seconds, or the same place within an hour for a vehicle that stood, belongs to the vehicle that was told already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.plate_text import fold
from glassplate.recognize.tracking import PlateTracker, Track, edit_distance
from glassplate.recognize.vote import Look, vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glassplate.recognize.recognizer import Pixels, PlateCandidate
    from glassplate.records import FrameBox

TELL_AFTER = timedelta(seconds=4)
TELL_AT_LAST_AFTER = timedelta(seconds=15)  # an alert must not wait for ever for a car that creeps closer
NO_CLOSER_SINCE = timedelta(seconds=1)
CLOSER = 1.05  # of the width so far; less is the detector's own unrest
TELL_AGAIN_AFTER = timedelta(hours=1)
SAME_VEHICLE_WITHIN = timedelta(seconds=10)
MAX_LOOKS = 120  # gathered of one vehicle: the last ten seconds
MAX_TOLD = 512
AT_THE_EDGE = 0.2  # what a crop is worth that touches the picture's edge, and so may be cut off
SAME_PLACE = 0.3  # overlap of two boxes


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
class _Told:
    """A vehicle that was told: where it was last seen, and whether it stood."""

    text: str = field(repr=False)
    told_at: datetime
    last_at: datetime
    box: FrameBox
    stood: bool


@dataclass(slots=True)
class _Gathered:
    """What is known of one track since it began, or since its vehicle was told."""

    began_at: datetime
    looks: list[Look] = field(default_factory=list)
    best: float = -1.0
    pixels: Pixels | None = None
    seen_at: datetime | None = None
    frame_id: str = ""
    widest: float = 0.0
    closer_at: datetime | None = None
    others: tuple[FrameBox, ...] = ()
    told: _Told | None = None


class PassageReader:
    """Makes passages of one camera's looks. Frames come in the order of capture; one thread at a time."""

    def __init__(self) -> None:
        self._tracker = PlateTracker()
        self._gathered: dict[int, _Gathered] = {}
        self._told: list[_Told] = []

    def look(
        self, pixels: Pixels, at: datetime, frame_id: str, candidates: Sequence[PlateCandidate]
    ) -> list[Passage]:
        """What the recognizer saw in one frame; returns the vehicles that are to be told now."""
        passages = self._left(at)
        for number, track in enumerate(self._tracker.update(candidates, at)):
            if track is not None and self._gather(track, candidates[number], pixels, at, frame_id):
                others = (*candidates[:number], *candidates[number + 1 :])
                self._gathered[track.number].others = tuple(other.box for other in others)
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
            gathered = self._gathered.pop(track.number)
            if gathered.told is not None:
                _follow(gathered.told, track)
            elif passage := self._tell(track, gathered):
                told.append(passage)
        return told

    def _due(self, at: datetime) -> list[Passage]:
        told = []
        for track in self._tracker.in_view():
            gathered = self._gathered[track.number]
            if gathered.told is not None:
                _follow(gathered.told, track)
                if at - gathered.told.told_at >= TELL_AGAIN_AFTER:
                    self._gathered[track.number] = _Gathered(began_at=at)
            elif _is_due(gathered, at) and (passage := self._tell(track, gathered)):
                told.append(passage)
        return told

    def _gather(
        self, track: Track, candidate: PlateCandidate, pixels: Pixels, at: datetime, frame_id: str
    ) -> bool:
        """Take one look; True when it is the best so far."""
        gathered = self._gathered.setdefault(track.number, _Gathered(began_at=at))
        if gathered.told is not None:
            return False
        quality = crop_quality(pixels, candidate)
        gathered.looks = [*gathered.looks, Look(candidate, quality)][-MAX_LOOKS:]
        if candidate.box[2] > CLOSER * gathered.widest:
            gathered.widest, gathered.closer_at = candidate.box[2], at
        if quality <= gathered.best:
            return False
        gathered.best = quality
        gathered.pixels, gathered.seen_at, gathered.frame_id = pixels, at, frame_id
        return True

    def _tell(self, track: Track, gathered: _Gathered) -> Passage | None:
        """The passage, unless the looks support nothing or the vehicle is known; either way its pixels are let go."""
        plate = vote(gathered.looks)
        if plate is None or gathered.pixels is None or gathered.seen_at is None:
            return None
        pixels, gathered.pixels = gathered.pixels, None
        gathered.told = self._known(plate.text, track)
        if gathered.told is not None:
            _follow(gathered.told, track)
            return None
        gathered.told = _Told(plate.text, track.last_at, track.last_at, track.box, _stands(track))
        self._told = [*self._told, gathered.told][-MAX_TOLD:]
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

    def _known(self, text: str, track: Track) -> _Told | None:
        """The vehicle that was told already and is this one."""
        for told in reversed(self._told):
            if track.last_at - told.told_at >= TELL_AGAIN_AFTER:
                continue
            distance = edit_distance(fold(told.text), fold(text))
            if distance == 0 and track.first_at - told.last_at <= SAME_VEHICLE_WITHIN:
                return told
            stays = told.stood and _stands(track) and overlap(told.box, track.box) >= SAME_PLACE
            if distance <= 1 and stays:
                return told
        return None


def _is_due(gathered: _Gathered, at: datetime) -> bool:
    waited = at - gathered.began_at
    if gathered.closer_at is None or waited < TELL_AFTER:
        return False
    return at - gathered.closer_at >= NO_CLOSER_SINCE or waited >= TELL_AT_LAST_AFTER


def _stands(track: Track) -> bool:
    return overlap(track.first_box, track.box) >= SAME_PLACE


def _follow(told: _Told, track: Track) -> None:
    told.last_at, told.box, told.stood = track.last_at, track.box, _stands(track)


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


def overlap(one: FrameBox, other: FrameBox) -> float:
    """Intersection over union of two boxes."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0, wide) * max(0, high)
    return both / (one[2] * one[3] + other[2] * other[3] - both or 1)
