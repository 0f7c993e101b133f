"""How well plates were read: outputs held against the truth. Pure functions; ``cli/bench.py`` does the rest.

What the words mean, everywhere in this project:

* *exact*: some output of the photo equals the plate's text. *top-1*: one of the first n outputs does, with n plates
  in the photo. *folded*: some output does after O, Q → 0 and I → 1.
* *by format*: some output does, as read or in the one reading that its format asks for (``grammar.corrected``, O/0 and
  I/1 only), which a read carries as an alternative.
* *characters*: the share of the truth that the nearest output has right, 1 less edits / length; 0 without one.
* *junk*: an output that is more than two edits away from every truth of its photo.
* *localized*: some output's box overlaps the plate's by an intersection over union of .3, or .5.
* *region*: what the nearest output states. *Coverage*: how many plates got a statement at all.

A photo that could not be read because something failed counts as not read.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.plate_text import fold
from glassplate.recognize.found import overlap
from glassplate.recognize.grammar import corrected
from glassplate.recognize.tracking import edit_distance
from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.recognizer import PlateCandidate
    from glassplate.records import FrameBox

EDITS_OF_A_MISREAD = 2  # an output this near to a truth is that plate, read wrongly; beyond it, it is junk
LOCALIZED_LOOSELY, LOCALIZED = 0.3, 0.5
CUT_OFFS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
ALL = "all"
_Z_95 = 1.959964  # of the normal distribution


@dataclass(frozen=True, slots=True)
class Truth:
    """One plate of a photo. ``group``: the data set's word for a part of it. ``state``: region code, or empty."""

    text: str = field(repr=False)
    group: str = ""
    state: str = ""
    box: FrameBox | None = None


@dataclass(frozen=True, slots=True)
class PlateScore:
    """One plate against the outputs of its photo. ``overlap`` None: its place is not known."""

    exact: bool = False
    by_format: bool = False
    top_1: bool = False
    folded: bool = False
    characters: float = 0.0
    overlap: float | None = None
    state: str = ""
    stated: str = UNKNOWN
    stated_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """One photo. ``cpu_ms`` None: it failed, and ``plates`` are all not read."""

    group: str
    plates: tuple[PlateScore, ...]
    junk: int
    cpu_ms: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """How often, with the 95 % interval of Wilson's score (which stays inside 0–1 near its ends)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """0 where there is nothing to count."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """From, to. Everything is possible where there is nothing to count."""
        if not self.of:
            return 0.0, 1.0
        square = _Z_95**2
        middle = (self.hits + square / 2) / (self.of + square)
        spread = self.value * (1 - self.value) / self.of + square / (4 * self.of**2)
        half = _Z_95 * math.sqrt(spread) / (1 + square / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Statement:
    """Regions that were stated with at least this confidence: how many of all plates, and how many of these right."""

    least_confidence: float
    coverage: Rate
    right: Rate


@dataclass(frozen=True, slots=True)
class Summary:
    """What one recognizer reached on one part of a data set. Times None: nothing was read. Localized None: no boxes."""

    photos: int
    failed: int
    plates: int
    exact: Rate
    by_format: Rate
    top_1: Rate
    folded: Rate
    characters: float
    junk_per_photo: float
    localized_loosely: Rate | None
    localized: Rate | None
    cpu_ms_median: float | None
    cpu_ms_mean: float | None
    regions: tuple[Statement, ...]


def score_photo(truths: Sequence[Truth], outputs: Sequence[PlateCandidate], cpu_ms: float) -> PhotoScore:
    """Hold the outputs of one photo, best first, against its plates."""
    junk = sum(
        all(edit_distance(output.text, truth.text) > EDITS_OF_A_MISREAD for truth in truths)
        for output in outputs
    )
    first = {output.text for output in outputs[: len(truths)]}
    plates = tuple(_score_plate(truth, outputs, first) for truth in truths)
    return PhotoScore(truths[0].group, plates, junk, cpu_ms)


def failed_photo(truths: Sequence[Truth]) -> PhotoScore:
    """A photo that could not be read at all."""
    plates = tuple(
        PlateScore(overlap=None if truth.box is None else 0.0, state=truth.state) for truth in truths
    )
    return PhotoScore(truths[0].group, plates, 0, None)


def summaries(scores: Sequence[PhotoScore]) -> dict[str, Summary]:
    """One summary for each group, by name, and one for all."""
    groups = sorted({score.group for score in scores} - {""})
    parts = {group: [score for score in scores if score.group == group] for group in groups}
    return {**{group: _summary(part) for group, part in parts.items()}, ALL: _summary(scores)}


def _score_plate(truth: Truth, outputs: Sequence[PlateCandidate], first: set[str]) -> PlateScore:
    box = truth.box
    best = None
    if box is not None:
        best = max((overlap(box, output.box) for output in outputs), default=0.0)
    if not outputs:
        return PlateScore(overlap=best, state=truth.state)
    nearest = min(outputs, key=lambda output: edit_distance(output.text, truth.text))
    edits = edit_distance(nearest.text, truth.text)
    return PlateScore(
        exact=edits == 0,
        by_format=any(truth.text in (output.text, corrected(output.text)) for output in outputs),
        top_1=truth.text in first,
        folded=any(fold(output.text) == fold(truth.text) for output in outputs),
        characters=max(0.0, 1 - edits / len(truth.text)),
        overlap=best,
        state=truth.state,
        stated=nearest.region,
        stated_confidence=nearest.region_confidence,
    )


def _summary(scores: Sequence[PhotoScore]) -> Summary:
    plates = [plate for score in scores for plate in score.plates]
    times = [score.cpu_ms for score in scores if score.cpu_ms is not None]
    overlaps = [plate.overlap for plate in plates if plate.overlap is not None]
    return Summary(
        photos=len(scores),
        failed=len(scores) - len(times),
        plates=len(plates),
        exact=_rate([plate.exact for plate in plates]),
        by_format=_rate([plate.by_format for plate in plates]),
        top_1=_rate([plate.top_1 for plate in plates]),
        folded=_rate([plate.folded for plate in plates]),
        characters=statistics.fmean(plate.characters for plate in plates),
        junk_per_photo=statistics.fmean(score.junk for score in scores),
        localized_loosely=_rate([one >= LOCALIZED_LOOSELY for one in overlaps]) if overlaps else None,
        localized=_rate([one >= LOCALIZED for one in overlaps]) if overlaps else None,
        cpu_ms_median=statistics.median(times) if times else None,
        cpu_ms_mean=statistics.fmean(times) if times else None,
        regions=_statements([plate for plate in plates if plate.state]),
    )


def _rate(hits: Sequence[bool]) -> Rate:
    return Rate(sum(hits), len(hits))


def _statements(plates: Sequence[PlateScore]) -> tuple[Statement, ...]:
    if not plates:
        return ()
    made = []
    for least in CUT_OFFS:
        stated = [plate for plate in plates if plate.stated != UNKNOWN and plate.stated_confidence >= least]
        right = _rate([plate.stated == plate.state for plate in stated])
        made.append(Statement(least, Rate(len(stated), len(plates)), right))
    return tuple(made)
