"""``render_site``: a report in, files out. Same report, same bytes; nothing is fetched, run or looked up."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import TypeAdapter

from glassplate.encoding import sha256_hex
from glassplate.site.key_life import key_groups, key_state, key_strip, key_words, overdue, reads_words
from glassplate.site.report_data import SiteReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DATA_VERSION = 1  # of data.json, docs/formats
_PAGES = ("index.html", "verify.html")
_CHECKER = "verify.py"  # the outsider's single file: published, never imported
_BAR_WIDTH = 240  # SVG units of the longest bar


def render_site(report: SiteReport) -> dict[str, bytes]:
    """Relative path -> content of every public page. All links are relative: any server will do."""
    environment = _environment()
    own = {name: files("glassplate.site").joinpath(name).read_bytes() for name in (_CHECKER, "style.css")}
    words = {"report": report, "checker_sha256": sha256_hex(own[_CHECKER])}
    rendered = {name: environment.get_template(name).render(**words, page=name).encode() for name in _PAGES}
    return {**rendered, **own, "data.json": _data(report)}


def _data(report: SiteReport) -> bytes:
    """The same numbers for machines."""
    plain = TypeAdapter(SiteReport).dump_python(report, mode="json")
    return (
        json.dumps({"v": DATA_VERSION, **plain}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    ).encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("glassplate.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own: tuple[Callable[..., Any], ...] = (_minute, _day, _count, _bars, _spaced, _total, _age)
    for function in (*own, key_groups, key_state, key_strip, key_words, overdue, reads_words):
        environment.filters[function.__name__.removeprefix("_")] = function
    return environment


def _minute(moment: datetime) -> str:
    return f"{_day(moment)}, {moment:%H:%M} UTC"


def _day(moment: datetime) -> str:
    return f"{moment:%b} {moment.day}, {moment.year}"


def _count(number: int) -> str:
    return f"{number:,}"


def _spaced(identifier: str) -> str:
    words = identifier.replace("_", " ").replace("-", " ").replace(".", " ")
    return words[:1].upper() + words[1:]


def _total(pairs: tuple[tuple[str, int], ...]) -> int:
    return sum(number for _, number in pairs)


def _bars(pairs: tuple[tuple[str, int], ...]) -> list[dict[str, Any]]:
    """Each pair with the width of its bar; attributes, since the policy allows no inline style."""
    longest = max((number for _, number in pairs), default=0) or 1
    return [
        {"label": label, "number": number, "width": round(_BAR_WIDTH * number / longest, 1)}
        for label, number in pairs
    ]


def _age(moment: datetime, now: datetime) -> str:
    """Whole days, or hours, or minutes since."""
    minutes = max(0, int((now - moment).total_seconds() // 60))
    size, noun = next(((s, n) for s, n in ((1440, "day"), (60, "hour")) if minutes >= s), (1, "minute"))
    number = minutes // size
    return f"{number} {noun}{'' if number == 1 else 's'}"
