"""What a plate's text can be: known formats, O and 0, I and 1 put in their places, and text that is no plate.

Only O ↔ 0 and I ↔ 1 are ever swapped: many plates paint them with one glyph, and truth itself confuses them. Swapping
8 and B, 5 and S or 2 and Z was measured and makes more readings wrong than right (``docs/recognition-regions.md``).
The text as read stays what it is; ``corrected`` is another reading, to stand beside it.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations
from math import isclose, log
from typing import TYPE_CHECKING

from glassplate.plate_text import fold
from glassplate.recognize.regions import regions, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SWAPS = 3  # with more, a format can be forced upon most texts
SWAP_COSTS = 1.0  # natural logarithms of commonness; both chosen on photos with truth (docs/recognition.md)
CLEAR_LEAD = 0.5
_OTHER = {"O": "0", "0": "O", "I": "1", "1": "I"}


def known_formats(text: str) -> frozenset[str]:
    """Codes of the regions that issue plates of this shape; empty where none does."""
    return _codes_by_shape().get(shape_of(text), frozenset())


def commonness(text: str) -> float:
    """Millions of vehicles with a plate of the shape of ``text``; 0 where no region issues it.

    Every format of a region is taken as equally frequent.
    """
    return _commonness().get(shape_of(text), 0.0)


def corrected(text: str) -> str | None:
    """The likelier reading of ``text`` by swaps of O ↔ 0 and I ↔ 1; None where that is ``text`` itself.

    Readings of a known shape compete by how many vehicles carry that shape, and each swap costs. A text whose own shape
    is known must be beaten clearly; of two readings that are equally likely neither is taken.
    """
    places = [place for place, character in enumerate(text) if character in _OTHER]
    readings: list[tuple[float, str]] = []
    for count in range(1, MAX_SWAPS + 1):
        for chosen in combinations(places, count):
            swapped = _swapped(text, chosen)
            if commonness(swapped):
                readings.append((log(commonness(swapped)) - SWAP_COSTS * count, swapped))
    if not readings:
        return None
    readings.sort(reverse=True)
    if len(readings) > 1 and isclose(readings[0][0], readings[1][0]):
        return None
    own = commonness(text)
    return readings[0][1] if not own or readings[0][0] >= log(own) + CLEAR_LEAD else None


def _swapped(text: str, places: Iterable[int]) -> str:
    characters = list(text)
    for place in places:
        characters[place] = _OTHER[characters[place]]
    return "".join(characters)


@cache
def _codes_by_shape() -> dict[str, frozenset[str]]:
    codes: dict[str, set[str]] = {}
    for region in regions():
        for shape in region.shapes:
            codes.setdefault(shape, set()).add(region.code)
    return {shape: frozenset(found) for shape, found in codes.items()}


@cache
def _commonness() -> dict[str, float]:
    vehicles: dict[str, float] = {}
    for region in regions():
        for shape in region.shapes:
            vehicles[shape] = vehicles.get(shape, 0.0) + region.vehicles_millions / len(region.shapes)
    return vehicles


# What cameras write into their pictures, after normalization ("12:30" is read as 1230). Years from 1970, where clocks
# that were never set begin, to 2069.
_YEAR = r"(19[7-9]\d|20[0-6]\d)"
_MONTH = r"(0[1-9]|1[0-2])"
_DAY = r"(0[1-9]|[12]\d|3[01])"
_NAMED_MONTH = r"(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
_HOUR = r"([01]\d|2[0-3])"
_SIXTY = r"[0-5]\d"
_BURNT_IN = re.compile(
    "|".join(
        (
            rf"{_YEAR}{_MONTH}({_DAY}\d*)?",
            rf"({_DAY}{_MONTH}|{_MONTH}{_DAY}){_YEAR}\d*",
            rf"{_DAY}?{_NAMED_MONTH}{_DAY}?({_YEAR}|\d\d)?",
            rf"(MON|TUE|WED|THU|FRI|SAT|SUN){_DAY}({_NAMED_MONTH}|{_MONTH})?",
            rf"{_HOUR}{_SIXTY}({_SIXTY})?([AP]M|UTC|GMT|Z)",
            rf"{_HOUR}{_SIXTY}",
            r"(IP)?CAM(ERA)?\d{0,3}",
            r"CH(ANNEL)?\d{1,2}",
            r"(D1|[24]CIF|CIF|[248]K)",
            r"(240|360|480|540|576|720|960|1080|1440|1536|1920|2160)[PIX]",
            r"\d{1,3}(FPS|KBPS|MBPS|KMH|MPH|KPH)",
            r"(REC|LIVE|LANE|ZONE|GATE|ENTRY|ENTRANCE|EXIT|NVR|DVR|IPC)\d{0,2}",
        )
    )
)


def is_burnt_in(text: str) -> bool:
    """Whether a normalized ``text`` looks like a date, time or name that a camera wrote into its picture.

    A plate of the same look is lost with it ("CAM123", "1230"): cameras write these into every frame.
    """
    return any(_BURNT_IN.fullmatch(one) for one in (text, fold(text)))
