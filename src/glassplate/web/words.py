"""How values read on a page: times, spans, counts, doubt. Pure functions; the templates' filters."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.records import PlateRead, Vehicle

DOUBT_THRESHOLD = 0.8
"""A character read with less confidence is marked and the row says "Check by eye"."""
PLAIN_WORD_THRESHOLD = 0.5  # below it a vehicle's class or color is a guess and says so
_ACRONYMS = {"suv": "SUV"}
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a plate as read, with what the reader thought of it."""

    text: str = field(repr=False)
    confidence: float
    is_doubtful: bool


def characters(read: PlateRead) -> tuple[Character, ...]:
    """The read's characters; one without a confidence counts as doubtful."""
    known = read.character_confidences
    values = (*known, *(0.0 for _ in range(len(read.text) - len(known))))
    return tuple(
        Character(text, value, value < DOUBT_THRESHOLD)
        for text, value in zip(read.text, values, strict=False)
    )


def count(number: int) -> str:
    """18442 -> "18,442"."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """(1, "read") -> "1 read"; (6, "read") -> "6 reads"."""
    return f"{count(number)} {noun if number == 1 else plural or noun + 's'}"


def minutes_in_words(minutes: int) -> str:
    """43200 -> "30 days"; 90 -> "90 minutes"."""
    for size, noun in ((24 * 60, "day"), (60, "hour")):
        if minutes and minutes % size == 0:
            return counted(minutes // size, noun)
    return counted(minutes, "minute")


def seconds_in_words(seconds: int) -> str:
    """60 -> "1 minute"; 45 -> "45 seconds"."""
    return minutes_in_words(seconds // 60) if seconds and seconds % 60 == 0 else counted(seconds, "second")


_CAMERA_STATES = {
    "seeing": "Sees",
    "blind": "Does not see",
    "silent": "Not heard",
    "stopped": "Stopped by a person",
    "unwatched": "No live lane",
}


def camera_state(state: str) -> str:
    """Such as "Not heard" for "silent"."""
    return _CAMERA_STATES.get(state, state)


def until(moment: datetime, now: datetime) -> str:
    """How long is left, rounded down so that nobody counts on more: "in 27 days", "due now"."""
    left = moment - now
    for size, noun in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if left >= size:
            return f"in {counted(left // size, noun)}"
    return "in less than a minute" if left > timedelta() else "due now"


def age(moment: datetime, now: datetime) -> str:
    """How long ago: "3 days ago", "just now"."""
    gone = now - moment
    for size, noun in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if gone >= size:
            return f"{counted(gone // size, noun)} ago"
    return "just now"


def date(moment: datetime, zone: tzinfo = UTC) -> str:
    """Such as "Nov 21, 2026"."""
    local = moment.astimezone(zone)
    return f"{local:%b} {local.day}, {local.year}"


def day(moment: datetime, zone: tzinfo = UTC) -> str:
    """Such as "Nov 21"."""
    local = moment.astimezone(zone)
    return f"{local:%b} {local.day}"


def clock(moment: datetime, zone: tzinfo = UTC) -> str:
    """Such as "21:07:31"."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def minute(moment: datetime, zone: tzinfo = UTC) -> str:
    """Such as "Nov 21, 2026, 21:07 UTC"."""
    local = moment.astimezone(zone)
    return f"{date(moment, zone)}, {local:%H:%M} {local.tzname()}"


def zone_name(moment: datetime, zone: tzinfo = UTC) -> str:
    """Such as "UTC" or "PST"."""
    return moment.astimezone(zone).tzname() or "local time"


def vehicle(seen: Vehicle) -> str:
    """Such as "Sedan, silver", a guess with a question mark; "Not known" where nothing honest can be said."""
    color = seen.color
    if UNKNOWN not in (color, seen.second_color) and seen.color_confidence < PLAIN_WORD_THRESHOLD:
        color += f", or {seen.second_color}"
    color = _guessed(color, seen.color_confidence)
    parts = [part for part in (_guessed(seen.body, seen.body_confidence), color) if part]
    return capital(", ".join(parts)) or "Not known"


def _guessed(value: str, confidence: float) -> str:
    if value == UNKNOWN:
        return ""
    word = _ACRONYMS.get(value, value)
    return word if confidence >= PLAIN_WORD_THRESHOLD else f"{word}?"


def spaced(identifier: str) -> str:
    """Turn "search-refused" into "Search refused"."""
    return capital(identifier.replace("_", " ").replace("-", " ").replace(".", " "))


def capital(text: str) -> str:
    """The charter's words at the start of a line: "finding a stolen vehicle" -> "Finding a stolen vehicle"."""
    return text[:1].upper() + text[1:]


def label(pairs: Sequence[tuple[str, str]], identifier: str) -> str:
    """The charter's words for ``identifier``; the identifier itself where the charter has none."""
    return dict(pairs).get(identifier, spaced(identifier))


def data_uri(jpeg: bytes) -> str:
    """A crop inside the page: no second address that could be cached, guessed or logged."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def text_uri(text: str) -> str:
    """A text to save from the page, without a second request that would have to name it."""
    return "data:text/plain;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


_ACTS = {
    "search": "A search",
    "hold": "Reads kept past their day",
    "export": "Reads handed out as a package",
    "share": "An answer to another agency",
    "give_access": "A new account, or a role",
    "confirm_time": "What time it is, after the clock jumped",
}


def act_words(action: str) -> str:
    """An act that needs a second person, as people say it."""
    return _ACTS.get(action, spaced(action))


def percent(value: float) -> str:
    """0.934 -> "93 %"; rounded down, so that doubt is never rounded away."""
    return f"{int(value * 100)} %"
