"""The columns of the audits that agencies release today, each derived from committed fields by a fixed rule.

``docs/formats.md`` §13 lists the rules for whoever checks an export with another program.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MASK = "REDACTED"
ID = "ID"
NAME = "Name"
PERSON = "person-"  # a pseudonym: the same person in every row of one export

_SEARCH_TYPES = {
    "plate_search": "lookup",
    "wildcard_search": "search",
    "vehicle_search": "visual",
    "camera_window_search": "multiGeo",
}  # as released exports call them


@dataclass(frozen=True, slots=True)
class Column:
    """``fields``: what must be disclosed to show it; ``derive``: their values -> the cell."""

    name: str
    fields: tuple[str, ...]
    derive: Callable[[Mapping[str, Any]], str]


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%m/%d/%Y, %I:%M:%S %p UTC")


def _words(text: str) -> str:
    return text.replace("_", " ")


def _filters(fields: Mapping[str, Any]) -> list[str]:
    return [*fields["camera_ids"], *fields["bodies"], *fields["colors"]]


COLUMNS = (
    Column(NAME, ("display_name",), lambda f: str(f["display_name"])),
    Column("Org Name", ("organization",), lambda f: str(f["organization"])),
    Column("Total Networks Searched", (), lambda _f: "1"),  # one agency's own, always
    Column("Time Frame", ("since", "until"), lambda f: f"{_moment(f['since'])}\n{_moment(f['until'])}"),
    Column("License Plate", ("plate",), lambda f: str(f["plate"])),
    Column("Reason", ("purpose",), lambda f: _words(f["purpose"])),
    Column("Case #", ("case_number",), lambda f: str(f["case_number"])),
    Column("Filters", ("camera_ids", "bodies", "colors"), lambda f: "; ".join(_filters(f))),
    Column("Search Time", ("at",), lambda f: _moment(f["at"])),
    Column("Search Type", ("feature",), lambda f: _SEARCH_TYPES.get(f["feature"], _words(f["feature"]))),
    Column("Offense Type", ("offense",), lambda f: _words(f["offense"])),
)
HEADER = (ID, *(column.name for column in COLUMNS))
HIDDEN_AT_FIRST = (NAME, "License Plate")


def cell(column: Column, fields: Mapping[str, Any]) -> str:
    """The cell that these disclosed fields lead to. One that a spreadsheet would run as a formula gets an apostrophe."""
    text = column.derive(fields)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
