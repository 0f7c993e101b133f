"""An entry's public fields as a person reads them: times in words, hashes cut, long lists folded.

Nothing is lost: ``value`` is what was recorded, and the page of the single entry shows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from glassplate.web import words

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_LIST = 6  # items on one line; more are folded
HASH_SHOWN = 12  # hexadecimal digits, as in "policy a4fb307ce234"
_HASH = re.compile(r"[0-9a-f]{20,}")  # SHA-256 and key ids
_HEADER = ("type", "time", "agency")  # said elsewhere on the page


@dataclass(frozen=True, slots=True)
class PublicField:
    """One field. ``short`` fits into a table; ``items`` are those of a list that was folded."""

    name: str
    value: str
    short: str
    items: tuple[str, ...] = ()


def public_fields(public: Mapping[str, str], zone: tzinfo = UTC) -> tuple[PublicField, ...]:
    """The fields in the order of the entry, without type, time and agency."""
    return tuple(_field(name, value, zone) for name, value in public.items() if name not in _HEADER)


def _field(name: str, value: str, zone: tzinfo) -> PublicField:
    label = words.spaced(name).replace(" sha256", " hash")
    items = tuple(value.split(","))
    if len(items) > LONGEST_LIST:
        ends = sorted(items)
        return PublicField(label, value, f"{len(items)}, from {ends[0]} to {ends[-1]}", items)
    if _HASH.fullmatch(value):
        return PublicField(label, value, f"{value[:HASH_SHOWN]}…")
    moment = _moment(value)
    if moment:
        return PublicField(label, value, words.minute(moment, zone))
    return PublicField(label, value, ", ".join(items))


def _moment(value: str) -> datetime | None:
    """A recorded time; a day alone is left as it is."""
    if "T" not in value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
