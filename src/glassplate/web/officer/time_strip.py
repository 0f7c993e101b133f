"""A strip of the searched period with one mark a read: an SVG drawn by the template, a table beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glassplate.records import FoundRead

LEFT, RIGHT = 40.0, 960.0  # the axis within the SVG's 1000 units; the labels need the rest
USUAL_TICKS = 6
MOST_DAYS = 8  # up to here, one tick a day; with more, the labels would run into each other


class _Row(Protocol):
    @property
    def found(self) -> FoundRead: ...
    @property
    def check_by_eye(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """One read on the axis."""

    x: float
    is_doubtful: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """One label on the axis."""

    x: float
    at: datetime


@dataclass(frozen=True, slots=True)
class TimeStrip:
    """Marks and ticks in SVG units; ``by_hour`` when the ticks are nearer than a day."""

    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    by_hour: bool


def time_strip(rows: Iterable[_Row], since: datetime, until: datetime) -> TimeStrip:
    """Place every read of the period ``since`` … ``until``."""
    length = max(until - since, timedelta(seconds=1))

    def place(moment: datetime) -> float:
        share = min(max((moment - since) / length, 0.0), 1.0)
        return round(LEFT + (RIGHT - LEFT) * share, 1)

    marks = tuple(Mark(place(row.found.read.captured_at), row.check_by_eye) for row in rows)
    ticks = _ticks(length)
    moments = [since + length * step / ticks for step in range(ticks + 1)]
    return TimeStrip(marks, tuple(Tick(place(m), m) for m in moments), length / ticks < timedelta(days=1))


def _ticks(length: timedelta) -> int:
    days, rest = divmod(length, timedelta(days=1))
    return days if 1 < days <= MOST_DAYS and not rest else USUAL_TICKS
