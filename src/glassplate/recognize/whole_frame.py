"""Plates in the whole frame, without a plate detector: every line of text is read, and most are no plate.

1. find text lines, 2. read their characters, 3. join neighbors that form one line (a plate's groups), 4. keep
what is plausible as a plate and no date that a camera burnt in, 5. rank by confidence × height and keep the
best few.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from glassplate.plate_text import is_plausible
from glassplate.recognize import character_reader, text_lines
from glassplate.recognize.alternatives import alternatives
from glassplate.recognize.character_reader import CharacterReader
from glassplate.recognize.model_files import digest_of_networks
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.text_lines import Quadrilateral, TextLineFinder, cut_out

if TYPE_CHECKING:
    from glassplate.recognize.ctc import ReadCharacter
    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

MAX_LINES = 64  # of a frame full of signs; the tallest are read
MAX_CANDIDATES = 4  # more plates than this in one frame are legible in none
LEAST_MEAN_CONFIDENCE = 0.6  # below it a "line" is foliage, a grille or a lamp, and must not join a plate

LEAST_HEIGHT_RATIO = 0.65
LEAST_OVERLAP = 0.6
GAP_FROM, GAP_TO = -0.3, 1.2  # in line heights

_SHORT = 4
_DIGITS_OF_SHORT = 2
_BURNT_IN_DATE = re.compile(r"20[012]\d[01]\d")


@dataclass(frozen=True, slots=True)
class _Line:
    left: float
    top: float
    right: float
    bottom: float
    characters: tuple[ReadCharacter, ...] = field(repr=False)

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def text(self) -> str:
        return "".join(one.character for one in self.characters)

    @property
    def mean_confidence(self) -> float:
        return sum(one.confidence for one in self.characters) / max(1, len(self.characters))


class WholeFrameRecognizer:
    """``Recognizer`` of any plate legible in the frame, at about 0.4 s of one core for a frame."""

    def __init__(self, *, frugal: bool = False) -> None:
        self._finder = TextLineFinder(frugal=frugal)
        self._reader = CharacterReader()

    @property
    def version(self) -> str:
        """Engine, and one digest over its networks."""
        return f"whole-frame/1@{digest_of_networks((text_lines.NETWORK, character_reader.NETWORK))}"

    def read(self, pixels: Pixels) -> list[PlateCandidate]:
        """Every plate, the likeliest first; see ``Recognizer``."""
        lines = self._read_lines(pixels)
        plates = [line for line in _joined(lines) if _may_be_plate(line)]
        plates.sort(key=lambda line: line.mean_confidence * line.height, reverse=True)
        height, width = pixels.shape[:2]
        return [_candidate(line, width, height) for line in plates[:MAX_CANDIDATES]]

    def _read_lines(self, pixels: Pixels) -> list[_Line]:
        found = sorted(self._finder.find(pixels), key=_height, reverse=True)[:MAX_LINES]
        read = self._reader.read([cut_out(pixels, corners) for corners in found])
        lines = [_line(corners, characters) for corners, characters in zip(found, read, strict=True)]
        return [line for line in lines if line.characters and line.mean_confidence >= LEAST_MEAN_CONFIDENCE]


def _height(corners: Quadrilateral) -> float:
    return float(np.ptp(corners[:, 1]))


def _line(corners: Quadrilateral, characters: tuple[ReadCharacter, ...]) -> _Line:
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return _Line(float(left), float(top), float(right), float(bottom), characters)


def _joined(lines: list[_Line]) -> list[_Line]:
    """Lines, and every run of neighbors that stand on one line, joined."""
    joined: list[_Line] = []
    for line in sorted(lines, key=lambda one: one.left):
        before = next((one for one in reversed(joined) if _continues(one, line)), None)
        if before is None:
            joined.append(line)
        else:
            joined[joined.index(before)] = _union(before, line)
    return joined


def _continues(before: _Line, line: _Line) -> bool:
    smaller, larger = sorted((before.height, line.height))
    overlap = min(before.bottom, line.bottom) - max(before.top, line.top)
    gap = (line.left - before.right) / max(larger, 1.0)
    return (
        smaller >= LEAST_HEIGHT_RATIO * larger
        and overlap >= LEAST_OVERLAP * smaller
        and GAP_FROM <= gap <= GAP_TO
    )


def _union(one: _Line, other: _Line) -> _Line:
    return _Line(
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
        one.characters + other.characters,
    )


def _may_be_plate(line: _Line) -> bool:
    text = line.text
    if not is_plausible(text) or _BURNT_IN_DATE.match(text):
        return False
    return len(text) > _SHORT or sum(one.isdigit() for one in text) >= _DIGITS_OF_SHORT


def _candidate(line: _Line, frame_width: int, frame_height: int) -> PlateCandidate:
    return PlateCandidate(
        text=line.text,
        character_confidences=tuple(round(min(1.0, one.confidence), 4) for one in line.characters),
        box=_box(line, frame_width, frame_height),
        alternatives=alternatives(line.characters),
    )


def _box(line: _Line, frame_width: int, frame_height: int) -> FrameBox:
    left, top = min(int(line.left), frame_width - 1), min(int(line.top), frame_height - 1)
    right, bottom = min(frame_width, -int(-line.right // 1)), min(frame_height, -int(-line.bottom // 1))
    return left, top, max(1, right - left), max(1, bottom - top)
