"""The state of a plate by the words on it, and "unknown" wherever that is not nearly certain.

A right plate of the wrong state stops an innocent family, so a state is said only where its own words (name, slogan,
address) stand legibly above or below the serial, no other state comes near, and a name that stands there once is of a
state that issues such serials. What this cannot tell apart: docs/recognition-regions.md.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from glassplate.recognize.ctc import greedy
from glassplate.recognize.grammar import corrected, known_formats
from glassplate.recognize.plate_reader import bands_of, sides_of, text_of
from glassplate.recognize.regions import regions
from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from glassplate.recognize.plate_reader import PlateNetwork
    from glassplate.recognize.recognizer import Corners, Pixels, PlateCandidate

SPANS = ((-0.03, 0.25), (0.77, 1.02))  # above and below the serial, in plate heights
WORDS_WIDTH = 256  # input width in pixels
NARROWEST, FLATTEST = 60, 3.0  # plate width in pixels; width by height: flatter plates have no such words
SHORTEST_PHRASE = 4  # letters; UTAH, OHIO, IOWA

MISTAKE_COSTS = 2.0  # in letters that match
STRANGE_LETTER_COSTS = (
    0.6  # a legible letter that is not of the phrase: another state's frame, a dealer's name
)
FORMAT_SPEAKS_AGAINST = 2.0
# Set beforehand, then held against photos with truth: docs/recognition-regions.md.
LEAST_EVIDENCE = 4.0
LEAST_LEAD = 2.0
MOST_STRANGE_LETTERS = (
    3  # beside a name that stands alone: FLORIDA STATE and VIRGINIA TECH are frames of alumni
)

_READ_AS = str.maketrans("015826", "OISBZG")
_ON_STICKERS = re.compile(r"JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC")


@dataclass(frozen=True, slots=True)
class _Said:
    """What one line says of one region. ``evidence``: letters net; ``strange``: letters beside the phrase."""

    evidence: float
    strange: int


@dataclass(frozen=True, slots=True)
class _Phrase:
    code: str
    letters: str
    counted: Counter[str]


class RegionReader:
    """Names the state of American and Canadian plates. One thread at a time."""

    def __init__(self, network: PlateNetwork) -> None:
        self._network = network

    def predict(self, pixels: Pixels, candidate: PlateCandidate) -> tuple[str, float]:
        """(region, confidence 0–1), or ("unknown", 0)."""
        corners = candidate.corners or _corners_of(candidate)
        across, along = sides_of(corners)
        if across < NARROWEST or across > FLATTEST * along:
            return UNKNOWN, 0.0
        bands = bands_of(pixels, corners, SPANS, WORDS_WIDTH)
        above, below = (text_of(greedy(one)) for one in self._network.steps(bands))
        return judge((above, below), candidate.text)


def judge(words: tuple[str, str], serial: str) -> tuple[str, float]:
    """The region that the words (above, below) around ``serial`` name; see the module."""
    by_place = [evidence_in(line) for line in words]
    fitting = known_formats(serial) | known_formats(corrected(serial) or serial)
    total: dict[str, float] = {}
    for place in by_place:
        for code, said in place.items():
            total[code] = total.get(code, 0.0) + said.evidence
    ranked = sorted(
        (
            (evidence - (0 if code in fitting else FORMAT_SPEAKS_AGAINST), code)
            for code, evidence in total.items()
        ),
        key=lambda one: (-one[0], one[1]),
    )
    if not ranked or ranked[0][0] < LEAST_EVIDENCE:
        return UNKNOWN, 0.0
    evidence, region = ranked[0]
    lead = evidence - ranked[1][0] if len(ranked) > 1 else evidence
    if len(ranked) > 1 and lead <= LEAST_LEAD:
        return UNKNOWN, 0.0
    if any(_speaks_for_another(place, region) for place in by_place):
        return UNKNOWN, 0.0
    if not _says_it_twice(by_place, region) and _may_be_a_frame(by_place, region, fitting):
        return UNKNOWN, 0.0
    return region, 1 - 2.0 ** -(min(evidence, lead) + 1)


def _speaks_for_another(place: dict[str, _Said], region: str) -> bool:
    """Whether the words at one place name another state, such as a dealer's frame does."""
    strongest = max((said.evidence for said in place.values()), default=0.0)
    return not _names(place, region) and strongest >= LEAST_EVIDENCE


def _names(place: dict[str, _Said], region: str) -> bool:
    return region in place and place[region].evidence >= LEAST_EVIDENCE


def _says_it_twice(by_place: list[dict[str, _Said]], region: str) -> bool:
    return all(_names(place, region) for place in by_place)


def _may_be_a_frame(by_place: list[dict[str, _Said]], region: str, fitting: frozenset[str]) -> bool:
    """Whether a name that stands there once is of a format that only others issue, or among other words."""
    is_foreign = bool(fitting) and region not in fitting
    return is_foreign or any(
        place[region].strange > MOST_STRANGE_LETTERS for place in by_place if _names(place, region)
    )


def evidence_in(line: str) -> dict[str, _Said]:
    """Region -> what ``line`` says for it, by the phrase that fits best; regions without any evidence left out."""
    letters = _ON_STICKERS.sub("", _letters(line))
    present = Counter(letters)
    best: dict[str, _Said] = {}
    for phrase in _phrases():
        if 2 * (present & phrase.counted).total() <= len(phrase.letters):
            continue  # it lacks half the letters; no need to align them
        mistakes = distance_inside(phrase.letters, letters)
        strange = max(0, len(letters) - len(phrase.letters))
        found = len(phrase.letters) - MISTAKE_COSTS * mistakes - STRANGE_LETTER_COSTS * strange
        if found > (best[phrase.code].evidence if phrase.code in best else 0.0):
            best[phrase.code] = _Said(found, strange)
    return best


def distance_inside(phrase: str, line: str) -> int:
    """The least edit distance of ``phrase`` to any part of ``line`` (Sellers 1980)."""
    row = [0] * (len(line) + 1)
    for number, letter in enumerate(phrase, start=1):
        before, row[0] = row[0], number
        for at, other in enumerate(line, start=1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != other))
    return min(row)


@cache
def _phrases() -> tuple[_Phrase, ...]:
    """Every state's words once; words that two states share speak for neither."""
    codes: dict[str, set[str]] = {}
    for region in regions():
        if "-" in region.code:
            for text in (*region.names_on_plate, *region.slogans, *region.websites):
                if len(_letters(text)) >= SHORTEST_PHRASE:
                    codes.setdefault(_letters(text), set()).add(region.code)
    return tuple(
        _Phrase(found.pop(), letters, Counter(letters))
        for letters, found in sorted(codes.items())
        if len(found) == 1
    )


def _letters(text: str) -> str:
    return "".join(one for one in text.translate(_READ_AS) if one.isalpha())


def _corners_of(candidate: PlateCandidate) -> Corners:
    x, y, width, height = candidate.box
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)
