"""What invented plates look like: the designs of ``recognize/regions.toml``, and formats and words of no region."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = " -.*"
GENERIC = (
    "LLLNNN",
    "LLL NNN",
    "NNN LLL",
    "LLL-NNNN",
    "LLL NNNN",
    "NLLLNNN",
    "NNNN LL",
    "LL NNNNN",
    "LNN NNNN",
    "LLN LNL",
    "LLN-LNL",
    "LL NN LL",
    "LNN LLL",
    "NNN-NNN",
    "NNN NNNN",
    "LLL NNL",
    "LNNNNN",
    "LL-NNNN",
    "NNL LLN",
    "LLN NNL",
    "NNN-LLLL",
    "LLLL NN",
    "NLN NNN",
    "NN-NNNL",
    "LLLL NNN",
    "NNNNNLL",
    "LLL*NNNN",
    "LLL*NNN",
    "LL*NNNNN",
    "LLN*NNNN",
)
WORDS = (
    "DEALER",
    "MOTORS",
    "AUTO",
    "SALES",
    "CHEVROLET",
    "FORD",
    "TOYOTA",
    "HONDA",
    "JEEP",
    "DODGE",
    "OF",
    "THE",
    "CITY",
    "LAKE",
    "VALLEY",
    "COUNTY",
    "GREAT",
    "STATE",
    "LAND",
    "PARK",
    "UNIVERSITY",
    "ALUMNI",
    "PROUD",
    "VETERAN",
    "WILDLIFE",
    "OCEAN",
    "MOUNTAIN",
    "SUNSHINE",
    "GOLDEN",
    "FIRST",
    "IN",
    "FLIGHT",
    "FREEDOM",
    "WWW.GOV",
    ".COM",
    "4X4",
    "LTD",
)


@dataclass(frozen=True)
class Design:
    """Colors and words of one kind of plate."""

    code: str
    formats: tuple[str, ...]
    background: tuple[tuple[int, int, int], ...]
    ink: tuple[int, int, int]
    name: str = ""
    name_color: tuple[int, int, int] = (20, 20, 80)
    name_place: str = "top"
    slogan: str = ""
    slogan_place: str = "bottom"
    emblem_place: str = "none"
    band: str = ""
    share: float = 1.0


def _color(text: str) -> tuple[int, int, int]:
    text = text.lstrip("#")
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def designs(path: Path) -> list[Design]:
    """Every design of ``regions.toml``, its region's formats with it."""
    found = []
    for region in tomllib.loads(path.read_text())["region"]:
        for one in region.get("design", [{}]):
            names, slogans = region.get("names_on_plate", []) or [""], region.get("slogans", []) or [""]
            found.append(
                Design(
                    region["code"],
                    tuple(region["formats"]),
                    tuple(_color(text) for text in one.get("background", ["#f4f4f4"])),
                    _color(one.get("ink", "#1a1a1a")),
                    one.get("name", names[0]),
                    _color(one.get("name_color", "#1a1a60")),
                    one.get("name_place", "top"),
                    one.get("slogan", slogans[0]),
                    one.get("slogan_place", "bottom"),
                    one.get("emblem_place", "none"),
                    one.get("band", ""),
                    float(one.get("share", 1.0)),
                )
            )
    return found
