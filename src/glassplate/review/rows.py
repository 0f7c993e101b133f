"""One search, or one change of settings, as another vendor's export tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - read by dataclasses' users at run time
from enum import Enum
from typing import NamedTuple


class Hidden(Enum):
    """Why a cell says nothing. Neither is "clean": what cannot be seen cannot be judged."""

    MASKED = "masked"
    """Somebody covered it: ``***``, ``###``, ``REDACTED``, an exemption's number."""
    ABSENT = "absent"
    """The file has no such column."""


Cell = str | Hidden
"""What stands there; the empty string is a cell that was left empty, which is something else than a hidden one."""


class Place(NamedTuple):
    """Where a row stands: number of the file as given, and the line on which the row begins, from 1."""

    file: int
    line: int


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One search. Times are aware UTC; None where the cell is hidden.

    ``networks``, ``devices``: how many were searched; None where hidden, and where the file says 0, which in these
    exports does not mean none.
    """

    place: Place
    search_id: Cell
    person: Cell = field(repr=False)
    organization: Cell
    networks: int | None
    devices: int | None
    plate: Cell = field(repr=False)
    reason: Cell = field(repr=False)
    case_number: Cell = field(repr=False)
    offense: Cell
    search_type: Cell
    searched_at: datetime | None
    has_clock_time: bool = True
    """False where the export gives the day only."""

    @property
    def account(self) -> str | None:
        """Who searched, one spelling for each account; None when hidden or empty."""
        if isinstance(self.person, Hidden) or not self.person:
            return None
        organization = "" if isinstance(self.organization, Hidden) else self.organization
        return f"{self.person} ({organization})" if organization else self.person


@dataclass(frozen=True, slots=True)
class EventRow:
    """One change of settings, from an event log."""

    place: Place
    at: datetime | None
    person: Cell = field(repr=False)
    change: str
    entity: str
    details: Cell = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What became of a file's lines. Nothing is passed over in silence.

    ``unreadable``: lines (from 1) that fit no column order; ``realigned``: rows whose columns had shifted;
    ``duplicates``: rows that stand in this file or an earlier one already; ``zone_assumed``: times without a zone,
    taken as UTC; ``replaced``: bytes that are not UTF-8.
    """

    name: str
    layout: str
    columns: tuple[str, ...]
    rows: int
    duplicates: int
    realigned: int
    unreadable: tuple[int, ...]
    zone_assumed: int
    replaced: int


@dataclass(frozen=True, slots=True)
class Exports:
    """Everything that was read."""

    searches: tuple[SearchRow, ...]
    events: tuple[EventRow, ...]
    files: tuple[FileSummary, ...]
