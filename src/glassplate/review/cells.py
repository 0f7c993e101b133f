"""Single cells of other vendors' exports: masks, times, counts.

Formats as seen in released audits: times ``MM/DD/YYYY, HH:MM:SS AM UTC`` and ISO 8601; masks ``***``, ``###``,
``REDACTED``, black squares, and numbers of exemptions such as ``(b)(7)(C)``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from glassplate.review.rows import Cell, Hidden

_MASK_SIGNS = "*#█■▇•"
_NO_SPACES = str.maketrans("", "", " .-")
_MASK_WORD = re.compile(
    r"[\[(<]?\s*(redacted|withheld|exempt(ion)?( \w{1,8})?|masked|hidden)\s*[\])>]?", re.IGNORECASE
)
_EXEMPTION = re.compile(r"(ex(emption|\.)?\s*)?(\(?b\)?\s*\(\d\)(\s*\([a-f]\))?[\s,;]*)+", re.IGNORECASE)
_US_TIME = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?\s*([AP]M)?)?\s*([A-Z]{1,4})?",
    re.IGNORECASE | re.ASCII,
)
_ISO_START = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_COUNT = re.compile(r"\d{1,3}(?:,\d{3}){1,3}|\d{1,9}", re.ASCII)
_ZONES_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "AST": -4, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_NOON = 12


class Moment(NamedTuple):
    """A time as read: aware UTC, whether a zone was written, whether a time of day was."""

    at: datetime
    has_zone: bool
    has_clock_time: bool


def cell_of(text: str) -> Cell:
    """The cell's words with single spaces, or that it is masked."""
    words = " ".join(text.split())
    if not words:
        return ""
    if _is_only_mask(words) or _MASK_WORD.fullmatch(words) or _EXEMPTION.fullmatch(words):
        return Hidden.MASKED
    return words


def person_of(text: str) -> Cell:
    """A name or user id; one of which letters are covered (``J*** D***``) names nobody."""
    cell = cell_of(text)
    if isinstance(cell, str) and sum(cell.count(sign) for sign in _MASK_SIGNS) > 1:
        return Hidden.MASKED
    return cell


def moment_of(text: str) -> Moment | None:
    """A time; None when it is none. Without a zone it is taken as UTC."""
    words = " ".join(text.split())
    try:
        if _ISO_START.match(words):
            at = datetime.fromisoformat(words.removesuffix(" UTC"))
            has_zone = at.tzinfo is not None or words.endswith(" UTC")
            aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            return Moment(aware.astimezone(UTC), has_zone, len(words) > len("YYYY-MM-DD"))
        match = _US_TIME.fullmatch(words)
        return _us_moment(match) if match else None
    except (ValueError, OverflowError):
        return None


def count_of(text: str) -> int | None:
    """A whole number, with or without commas between thousands; None when it is none."""
    words = text.strip()
    return int(words.replace(",", "")) if _COUNT.fullmatch(words) else None


def _is_only_mask(words: str) -> bool:
    signs = words.translate(_NO_SPACES)
    return len(signs) > 1 and not signs.strip(_MASK_SIGNS)


def _us_moment(match: re.Match[str]) -> Moment | None:
    month, day, year, hour, minute, second, half, zone = match.groups()
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= _NOON:
            return None
        hours = hours % _NOON + (_NOON if half.upper() == "PM" else 0)
    if zone and zone.upper() not in _ZONES_HOURS:
        return None
    offset = timezone(timedelta(hours=_ZONES_HOURS[zone.upper()])) if zone else UTC
    local = datetime(
        int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=offset
    )
    return Moment(local.astimezone(UTC), zone is not None, hour is not None)
