"""``regions.toml``: what plates look like in each state and country, read strictly and once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from glassplate.errors import GlassplateError

REGIONS_FILE = Path(__file__).parent / "regions.toml"
MAX_REGIONS = 500  # states, provinces and countries; far above what a hand-kept table holds
SEPARATORS = " -.*"  # in a format: gaps, dashes, dots and an emblem between the groups
CERTAIN_FROM = (
    0.875  # confidence of a region under which nothing is decided by it; see docs/recognition-regions.md
)
LONGEST_SHAPE = 10  # characters of the longest serial (Russia's is 9)

_CODE = re.compile(r"[A-Z]{2}(-[A-Z]{2})?", re.ASCII)
_COLOR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_WORDS = re.compile(r"[A-Z0-9][A-Z0-9 .,'&-]*", re.ASCII)
_FORMAT = re.compile(r"[LN]+([ .*-][LN]+)*", re.ASCII)
_PLACES = ("top", "bottom", "none")
_EMBLEM_PLACES = ("none", "left", "center", "background")
_BANDS = ("none", "left-blue", "top-blue")
_MAX_COLORS = 3
_MOST_VEHICLES = 1000.0
_TEXTS = ("names_on_plate", "slogans", "websites", "formats")
_LOOSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,'&-]*", re.ASCII)

Color = tuple[int, int, int]
"""Red, green, blue in 0–255."""


@dataclass(frozen=True, slots=True)
class Design:
    """One look of a region's plates. ``background``: one color, or up to three from top to bottom.

    ``name``, ``slogan``: what this design says. ``share``: among the region's plates on the road, a guess.
    """

    background: tuple[Color, ...]
    ink: Color
    name: str
    slogan: str
    name_color: Color
    name_place: str = "top"
    slogan_place: str = "bottom"
    emblem: str = "none"
    emblem_place: str = "none"
    band: str = "none"
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Region:
    """A state, province or country. ``formats``: L letter, N digit, and ``SEPARATORS``.

    ``vehicles_millions``: registered there, rounded; says how often its formats are met.
    """

    code: str
    name: str
    vehicles_millions: float
    names_on_plate: tuple[str, ...]
    slogans: tuple[str, ...]
    websites: tuple[str, ...]
    formats: tuple[str, ...]
    designs: tuple[Design, ...]

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2."""
        return self.code[:2]

    @property
    def shapes(self) -> frozenset[str]:
        """The formats without their separators, as ``shape_of`` gives them."""
        return frozenset(one.translate(_DROPPED) for one in self.formats)


_DROPPED = str.maketrans("", "", SEPARATORS)


def shape_of(text: str) -> str:
    """L for each letter, N for each digit of a normalized plate text."""
    return "".join("N" if character.isdigit() else "L" for character in text)


def regions() -> tuple[Region, ...]:
    """The product's table, in its order.

    Raises:
        GlassplateError: the table is not as it should be.
    """
    return read_regions(REGIONS_FILE)


@cache
def region_codes() -> frozenset[str]:
    """Every code that a read or a hot-list entry may name."""
    return frozenset(region.code for region in regions())


@lru_cache(maxsize=4)
def read_regions(path: Path) -> tuple[Region, ...]:
    """The table at ``path``.

    Raises:
        GlassplateError: naming the region and the key that is wrong.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GlassplateError(
            f"The table of regions {path} cannot be read: {error}. Install glassplate again."
        ) from None
    rows = document.get("region")
    if set(document) != {"region"} or not isinstance(rows, list) or not 0 < len(rows) <= MAX_REGIONS:
        raise GlassplateError(f"{path} must hold 1 to {MAX_REGIONS} [[region]] tables and nothing else.")
    listed = tuple(_region(row, f"{path}: region {number}") for number, row in enumerate(rows, start=1))
    codes = [region.code for region in listed]
    if twice := next((code for code in codes if codes.count(code) > 1), None):
        raise GlassplateError(f"{path} has the region {twice} twice. Each region is listed once.")
    return listed


def _region(row: Any, where: str) -> Region:
    _check_keys(
        row,
        where,
        {"code", "name", "vehicles_millions", "names_on_plate", "slogans", "formats"},
        {"websites", "design"},
    )
    _check(
        isinstance(row["code"], str) and _CODE.fullmatch(row["code"]), where, "code", "such as US-CA or DE"
    )
    where = f"{where} ({row['code']})"
    _check(isinstance(row["name"], str) and row["name"], where, "name", "text")
    vehicles = row["vehicles_millions"]
    _check(
        isinstance(vehicles, float) and 0 < vehicles <= _MOST_VEHICLES,
        where,
        "vehicles_millions",
        "a number above 0",
    )
    for key in _TEXTS:
        form = _FORMAT if key == "formats" else _WORDS
        values = row.get(key, [])
        is_good = isinstance(values, list) and all(
            isinstance(one, str) and form.fullmatch(one) for one in values
        )
        _check(
            is_good, where, key, "a list of formats" if key == "formats" else "a list of words in upper case"
        )
    _check(row["names_on_plate"] and row["formats"], where, "names_on_plate and formats", "not empty")
    too_long = [one for one in row["formats"] if len(one.translate(_DROPPED)) > LONGEST_SHAPE]
    _check(not too_long, where, "formats", f"at most {LONGEST_SHAPE} characters")
    designs = row.get("design", [])
    _check(isinstance(designs, list), where, "design", "a list of tables")
    texts = {key: tuple(row.get(key, [])) for key in _TEXTS}
    made = tuple(_design(one, f"{where}: design {number}", texts) for number, one in enumerate(designs, 1))
    return Region(row["code"], row["name"], vehicles, **texts, designs=made)


def _design(row: Any, where: str, texts: dict[str, tuple[str, ...]]) -> Design:
    optional = {"name_color", "name", "slogan", "name_place", "slogan_place", "emblem", "emblem_place"}
    _check_keys(row, where, {"background", "ink"}, optional | {"band", "share"})
    background = row["background"]
    _check(
        isinstance(background, list) and 0 < len(background) <= _MAX_COLORS, where, "background", "1–3 colors"
    )
    row = {
        "name": texts["names_on_plate"][0],
        "slogan": texts["slogans"][0] if texts["slogans"] else "",
        "name_color": row["ink"],
        **row,
    }
    places = {"name_place": _PLACES, "slogan_place": _PLACES, "emblem_place": _EMBLEM_PLACES, "band": _BANDS}
    for key, known in places.items():
        _check(row.get(key, "none") in known, where, key, f"one of {', '.join(known)}")
    for key in ("name", "slogan"):
        _check(row[key] == "" or _LOOSE.fullmatch(str(row[key])), where, key, "words without accents")
    _check(isinstance(row.get("emblem", ""), str), where, "emblem", "a word")
    share = row.get("share", 1.0)
    _check(isinstance(share, float) and 0 < share <= 1, where, "share", "a number above 0 and at most 1")
    colors = {key: _color(row[key], where, key) for key in ("ink", "name_color")}
    row["background"] = tuple(_color(one, where, "background") for one in background)
    return Design(**{**row, **colors})


def _color(value: Any, where: str, key: str) -> Color:
    _check(isinstance(value, str) and _COLOR.fullmatch(value), where, key, "a color such as #1a2a6c")
    red, green, blue = bytes.fromhex(value[1:])
    return red, green, blue


def _check_keys(row: Any, where: str, required: set[str], optional: set[str]) -> None:
    keys = set(row) if isinstance(row, dict) else set()
    if missing := required - keys:
        raise GlassplateError(f"{where} lacks {', '.join(sorted(missing))}.")
    if unknown := keys - required - optional:
        raise GlassplateError(f"{where} has the unknown key {', '.join(sorted(unknown))}.")


def _check(is_good: object, where: str, key: str, must_be: str) -> None:
    if not is_good:
        raise GlassplateError(f"{where}: {key} must be {must_be}.")
