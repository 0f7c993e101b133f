"""Keys' lives, put in order for a reader: what died lately and what is in use first, the long middle folded away.

The public page and the oversight face show the same groups, words and strip; both call these pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from glassplate.records import EpochStatus

LATE_DEATHS = 7  # destroyed keys in the first table: a week of them, where a key covers a day
FOLDED = 400  # rows in a folded table; a page of years stays a page, and data.json has every key
STRIP_MARKS = 60  # periods in the strip: a month's retention and what died before it
STRIP_WIDTH, STRIP_HEIGHT = 960.0, 24.0  # SVG units
_WIDEST = 40.0
_SHARE = 0.8  # of a mark's room; the rest keeps neighbors apart

KeyState = Literal["ahead", "open", "closed", "destroyed"]
_WORDS: dict[KeyState, str] = {
    "ahead": "Made ahead",
    "open": "In use",
    "closed": "Closed",
    "destroyed": "Destroyed",
}


@dataclass(frozen=True, slots=True)
class KeyGroups:
    """``first``: made ahead, in use and destroyed lately; then the living closed and the earlier dead."""

    first: tuple[EpochStatus, ...]
    closed: tuple[EpochStatus, ...]
    earlier: tuple[EpochStatus, ...]
    left_out: int
    """How many rows the folded tables leave to data.json."""
    next_death: datetime | None


@dataclass(frozen=True, slots=True)
class KeyMark:
    """One period in the strip. A destroyed one is low: what is gone has no height."""

    x: float
    y: float
    width: float
    height: float
    state: KeyState


@dataclass(frozen=True, slots=True)
class KeyStrip:
    """The newest periods, oldest at the left."""

    marks: tuple[KeyMark, ...]
    since: datetime
    until: datetime


def key_state(epoch: EpochStatus, now: datetime) -> KeyState:
    """An open key whose period has not begun was made ahead, so that a lane that is cut off can go on sealing."""
    return "ahead" if epoch.state == "open" and epoch.starts_at > now else epoch.state


def key_words(epoch: EpochStatus, now: datetime) -> str:
    """The state for people."""
    return _WORDS[key_state(epoch, now)]


def reads_words(epoch: EpochStatus) -> str:
    """How many reads were made under the key. An open one without a count has none yet."""
    if epoch.reads is None:
        return "none yet" if epoch.state == "open" else "not known"
    return f"{epoch.reads:,}"


def overdue(epochs: Sequence[EpochStatus], now: datetime) -> list[str]:
    """Ids of the epochs whose key should be dead and is not."""
    return sorted(e.epoch_id for e in epochs if e.state != "destroyed" and e.destroy_at <= now)


def key_groups(epochs: Sequence[EpochStatus]) -> KeyGroups:
    """Newest first in each group."""
    newest = sorted(epochs, key=lambda epoch: epoch.starts_at, reverse=True)
    closed = [epoch for epoch in newest if epoch.state == "closed"]
    dead = [epoch for epoch in newest if epoch.state == "destroyed"]
    in_use = [epoch for epoch in newest if epoch.state == "open"]
    earlier = dead[LATE_DEATHS:]
    return KeyGroups(
        first=(*in_use, *dead[:LATE_DEATHS]),
        closed=tuple(closed[:FOLDED]),
        earlier=tuple(earlier[:FOLDED]),
        left_out=len(closed[FOLDED:]) + len(earlier[FOLDED:]),
        next_death=min((epoch.destroy_at for epoch in (*in_use, *closed)), default=None),
    )


def key_strip(epochs: Sequence[EpochStatus], now: datetime) -> KeyStrip | None:
    """Marks for an SVG of ``STRIP_WIDTH`` × ``STRIP_HEIGHT``; None without keys."""
    shown = sorted(epochs, key=lambda epoch: epoch.starts_at)[-STRIP_MARKS:]
    if not shown:
        return None
    room = min(STRIP_WIDTH / len(shown), _WIDEST)
    heights = {"ahead": STRIP_HEIGHT, "open": STRIP_HEIGHT, "closed": STRIP_HEIGHT, "destroyed": 5.0}
    marks = [
        KeyMark(
            x=round(room * place, 2),
            y=STRIP_HEIGHT - heights[key_state(epoch, now)],
            width=round(room * _SHARE, 2),
            height=heights[key_state(epoch, now)],
            state=key_state(epoch, now),
        )
        for place, epoch in enumerate(shown)
    ]
    return KeyStrip(tuple(marks), shown[0].starts_at, shown[-1].ends_at)
