"""The state of a plate by the words on it, and "unknown" wherever that is not nearly certain.

A right plate of the wrong state stops an innocent family, so a state is said only where its own words (name, slogan,
address) stand legibly above or below the serial, no other state comes near, the state issues such serials, and no other
lettering stands there that its plates do not have: TEXAS above TOYOTA OF DALLAS is a dealer's frame. What this cannot
tell apart: docs/recognition-regions.md.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from glassplate.recognize.ctc import greedy
from glassplate.recognize.grammar import corrected, known_formats
from glassplate.recognize.plate_reader import bands_of, sides_of
from glassplate.recognize.regions import regions
from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from glassplate.recognize.ctc import ReadCharacter
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
MOST_STRANGE_LETTERS = 3  # at one place: FLORIDA STATE and, below GEORGIA, BULLDOGS are frames of alumni
LEGIBLE_FROM = 0.5  # confidence of a letter; below it specks and the serial's edges look like letters
# What a reader leaves of a region's own words: GARNSE of GARDEN STATE. Chosen against 141 words of invented frames.
LEAST_OF_THE_LINE, LEAST_OF_THE_PHRASE = 0.75, 0.45


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
        above, below = (_as_legible(greedy(one)) for one in self._network.steps(bands))
        return judge((above, below), candidate.text)


def _as_legible(line: tuple[ReadCharacter, ...]) -> str:
    """The characters of one line, in lower case where they are hardly legible."""
    return "".join(one.character if one.confidence >= LEGIBLE_FROM else one.character.lower() for one in line)


def judge(words: tuple[str, str], serial: str) -> tuple[str, float]:
    """The region that the words (above, below) around ``serial`` name; see the module.

    Letters in lower case are hardly legible: they may support a name, and are no lettering of a frame.
    """
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
    is_of_others = bool(fitting) and region not in fitting
    if is_of_others or any(
        _may_be_a_frame(line, place, region) for line, place in zip(words, by_place, strict=True)
    ):
        return UNKNOWN, 0.0
    return region, 1 - 2.0 ** -(min(evidence, lead) + 1)


def _speaks_for_another(place: dict[str, _Said], region: str) -> bool:
    """Whether the words at one place name another state, such as a dealer's frame does."""
    strongest = max((said.evidence for said in place.values()), default=0.0)
    return not _names(place, region) and strongest >= LEAST_EVIDENCE


def _names(place: dict[str, _Said], region: str) -> bool:
    return region in place and place[region].evidence >= LEAST_EVIDENCE


def _may_be_a_frame(line: str, place: dict[str, _Said], region: str) -> bool:
    """Whether ``line`` has lettering that no plate of ``region`` has: beside a name, or on a line of its own."""
    if _names(place, region):
        return place[region].strange > MOST_STRANGE_LETTERS
    letters = _words_in("".join(one for one in line if not one.islower()).strip("0123456789"))
    return len(letters) > MOST_STRANGE_LETTERS and not any(
        _is_left_of(letters, phrase) for phrase in _words_of(region)
    )


def _is_left_of(letters: str, phrase: str) -> bool:
    """Whether ``letters`` is what a reader makes of ``phrase``: nearly all in its order, and not too few of them."""
    common = common_in_order(letters, phrase)
    return common >= LEAST_OF_THE_LINE * len(letters) and common >= LEAST_OF_THE_PHRASE * len(phrase)


def evidence_in(line: str) -> dict[str, _Said]:
    """Region -> what ``line`` says for it, by the phrase that fits best; regions without any evidence left out."""
    letters = _words_in(line)
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


def common_in_order(one: str, other: str) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for letter in one:
        before = 0
        for at, its in enumerate(other, start=1):
            before, row[at] = row[at], before + 1 if letter == its else max(row[at], row[at - 1])
    return row[-1]


@cache
def _words_of(region: str) -> tuple[str, ...]:
    """Letters of everything that stands on plates of ``region``, words that other states have too included."""
    (its,) = (one for one in regions() if one.code == region)
    return tuple(_letters(text) for text in (*its.names_on_plate, *its.slogans, *its.websites))


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


def _words_in(line: str) -> str:
    return _ON_STICKERS.sub("", _letters(line))


def _letters(text: str) -> str:
    return "".join(one for one in text.upper().translate(_READ_AS) if one.isalpha())


def _corners_of(candidate: PlateCandidate) -> Corners:
    x, y, width, height = candidate.box
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)
