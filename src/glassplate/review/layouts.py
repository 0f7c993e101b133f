"""Which column is which: by the header's words, never by position.

Headers seen in released exports: the 13 columns of organization and network audits (``ID, Name, Org Name, Total
Networks Searched, Time Frame, License Plate, Reason, Case #, Filters, Search Time, Search Type, Text Prompt,
Moderation``), the older 11 (with ``Total Devices Searched``, without ``ID``), either with ``Offense Type``, prints
with ``userID, networkCount``, the public portal's ``id, userId, searchDate, cameraCount, reason``, and the event log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAMES = {
    "search_id": ("id", "searchid"),
    "person": ("name", "userid", "user", "username", "officer"),
    "organization": ("orgname", "org", "organization", "agency"),
    "networks": ("totalnetworkssearched", "networkcount", "networks"),
    "devices": ("totaldevicessearched", "cameracount", "devicecount", "devices"),
    "window": ("timeframe",),
    "plate": ("licenseplate", "plate"),
    "reason": ("reason",),
    "case_number": ("case", "casenumber", "caseno"),
    "offense": ("offensetype", "offense"),
    "filters": ("filters",),
    "searched_at": ("searchtime", "searchdate", "searchedat"),
    "search_type": ("searchtype",),
    "prompt": ("textprompt",),
    "moderation": ("moderation",),
}
_EVENT_NAMES = {
    "searched_at": ("timestamp",),
    "person": ("user",),
    "change": ("eventtype",),
    "entity": ("entitytype",),
    "details": ("entitydetails",),
    "event_id": ("eventid",),
}
_SEARCH_NEEDS = ("searched_at",)
_EVENT_NEEDS = ("searched_at", "change", "entity")
_SEARCH_MARKS = ("reason", "person", "plate")
MAX_COLUMNS = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """A file's columns. ``columns[i]``: our name for column i, empty for one that we do not know."""

    name: str
    columns: tuple[str, ...]

    @property
    def is_event_log(self) -> bool:
        """Changes of settings rather than searches."""
        return "entity" in self.columns


def layout_of(header: Sequence[str]) -> Layout:
    """What the header says.

    Raises:
        InputRefused: it is not the header of an export that this program knows.
    """
    if len(header) > MAX_COLUMNS:
        raise InputRefused(f"it has {len(header)} columns; at most {MAX_COLUMNS}")
    words = [re.sub(r"[^a-z]", "", name.casefold()) for name in header]
    events = _columns(words, _EVENT_NAMES)
    if all(name in events for name in _EVENT_NEEDS):
        return Layout("event log", events)
    searches = _columns(words, _NAMES)
    if all(name in searches for name in _SEARCH_NEEDS) and any(name in searches for name in _SEARCH_MARKS):
        return Layout(_name(searches), searches)
    raise InputRefused(
        "its first line does not name the columns of a search audit (such as Name, License Plate, Reason, Search Time), "
        "a portal's CSV (id, userId, searchDate, cameraCount, reason) or an event log (Timestamp, User, Event Type, …)"
    )


def _columns(words: Sequence[str], names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    ours = {alias: name for name, aliases in names.items() for alias in aliases}
    found: list[str] = []
    for word in words:
        name = ours.get(word, "")
        found.append("" if name in found else name)  # a column named twice counts once
    return tuple(found)


def _name(columns: tuple[str, ...]) -> str:
    known = [name for name in columns if name]
    if "plate" not in columns and "devices" in columns:
        return "public portal"
    offense = " with offense type" if "offense" in columns else ""
    return f"search audit, {len(known)} columns{offense}"
