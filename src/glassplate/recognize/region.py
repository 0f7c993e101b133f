"""The state of a plate by the words on it, and "unknown" wherever that is not nearly certain.

A right plate of the wrong state stops an innocent family, so a state is said only where its own words (name, slogan,
address) stand legibly above or below the serial, nothing else is legible there, no other state comes near, and the
serial's format does not speak against it.
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
    from collections.abc import Iterable

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
LEAST_EVIDENCE = 4.0  # these two chosen on photos with truth (docs/recognition-regions.md)
LEAST_LEAD = 2.0

_READ_AS = str.maketrans("015826", "OISBZG")
_ON_STICKERS = re.compile(r"JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC")


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
        words = [text_of(greedy(one)) for one in self._network.steps(bands)]
        return judge(words, candidate.text)


def judge(words: list[str], serial: str) -> tuple[str, float]:
    """The region that the words above and below ``serial`` name; see the module."""
    evidence = evidence_by_region(words)
    fitting = known_formats(serial) | known_formats(corrected(serial) or serial)
    for code in evidence:
        if code not in fitting:
            evidence[code] -= FORMAT_SPEAKS_AGAINST
    ranked = sorted(evidence.items(), key=lambda one: (-one[1], one[0]))
    if not ranked or ranked[0][1] < LEAST_EVIDENCE:
        return UNKNOWN, 0.0
    lead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0)
    if lead < LEAST_LEAD:
        return UNKNOWN, 0.0
    return ranked[0][0], 1 - 2.0 ** -(min(ranked[0][1], lead) + 1)


def evidence_by_region(words: list[str]) -> dict[str, float]:
    """Region -> letters that speak for it: the best phrase above the serial and the best one below, added."""
    best: dict[str, list[float]] = {}
    for at, line in enumerate(words):
        letters = _ON_STICKERS.sub("", _letters(line))
        present = Counter(letters)
        for phrase in _phrases():
            if 2 * (present & phrase.counted).total() <= len(phrase.letters):
                continue  # it lacks half the letters; no need to align them
            mistakes = distance_inside(phrase.letters, letters)
            strange = max(0, len(letters) - len(phrase.letters))
            found = len(phrase.letters) - MISTAKE_COSTS * mistakes - STRANGE_LETTER_COSTS * strange
            places = best.setdefault(phrase.code, [0.0, 0.0])
            place = 0 if at < len(words) // 2 else 1
            places[place] = max(places[place], found)
    return {code: sum(places) for code, places in best.items() if sum(places) > 0}


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


def measure(predictions: Iterable[tuple[str, str, float]]) -> list[tuple[float, float, float]]:
    """(least confidence, coverage, accuracy) for (truth, region said, confidence), the strictest first."""
    said = list(predictions)
    table = []
    for least in sorted({confidence for _, region, confidence in said if region != UNKNOWN}, reverse=True):
        stated = [
            truth == region for truth, region, confidence in said if region != UNKNOWN and confidence >= least
        ]
        table.append((least, len(stated) / len(said), sum(stated) / len(stated)))
    return table
