"""A strict reader of one JSON object: every field is asked for once, and nothing may be left over.

A charter is law: a field that this version does not know may be the one that limits it, so an unknown field
is refused, not skipped (``docs/formats/charter.md`` §2).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Callable

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z", re.ASCII
)  # ids of people's things: cameras, keys, agencies
WORD = re.compile(
    r"[a-z][a-z0-9_]{0,62}\Z", re.ASCII
)  # ids of vocabularies: purposes, offenses, declared uses
SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
MAX_TEXT = 400  # a label, a clause or a sentence; longer is not a label
EXTENSION_PREFIX = "x-"  # a field that may be ignored says so in its name

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z", re.ASCII)

T = TypeVar("T")


class Fields:
    """The fields of one JSON object, taken one by one."""

    def __init__(self, value: Any, place: str) -> None:
        """``place`` names the object in messages, such as ``charter.cameras[2]``."""
        if not isinstance(value, dict):
            raise InputRefused(f"{place} must be an object.")
        self._values = dict(value)
        self._place = place

    def text(self, name: str, *, pattern: re.Pattern[str] | None = None, limit: int = MAX_TEXT) -> str:
        """A non-empty printable line."""
        value = self._take(name, str)
        if not value or len(value) > limit or not value.isprintable() or value != value.strip():
            raise self.refused(name, f"must be 1 to {limit} printable characters without spaces around them")
        if pattern is not None and not pattern.match(value):
            raise self.refused(
                name, f"has the value {value!r}, which is not of the form {pattern.pattern[:-2]}"
            )
        return str(value)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of ``choices``."""
        value = self._take(name, str)
        if value not in choices:
            raise self.refused(name, f"must be one of {', '.join(choices)}, got {value!r}")
        return str(value)

    def whole(self, name: str, least: int, most: int) -> int:
        """An integer from ``least`` to ``most``."""
        value = self._take(name, int)
        if not least <= value <= most:
            raise self.refused(name, f"must be from {least} to {most}, got {value}")
        return int(value)

    def truth(self, name: str) -> bool:
        """True or false."""
        return bool(self._take(name, bool))

    def time(self, name: str) -> datetime:
        """A UTC time in whole seconds, ``2027-01-31T00:00:00Z``."""
        value = self._take(name, str)
        try:
            moment = datetime.strptime(value, TIME_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            moment = None
        if moment is None or not _TIME.match(value):
            raise self.refused(name, "must be a UTC time such as 2027-01-31T00:00:00Z")
        return moment

    def names(
        self, name: str, *, pattern: re.Pattern[str] | None = WORD, least: int = 0, most: int
    ) -> tuple[str, ...]:
        """A list of different strings."""
        values = self._list(name, least, most)
        for value in values:
            is_line = isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_TEXT
            if not is_line or (pattern is not None and not pattern.match(value)):
                raise self.refused(name, f"holds {str(value)[:80]!r}, which is not a valid name")
        if len(set(values)) != len(values):
            raise self.refused(name, "names something twice")
        return tuple(values)

    def objects(
        self, name: str, parse: Callable[[Fields], T], *, key: str, least: int = 0, most: int
    ) -> tuple[T, ...]:
        """A list of objects, each read by ``parse`` to its last field; no two have the same ``key``."""
        values = self._list(name, least, most)
        result = []
        for index, value in enumerate(values):
            fields = Fields(value, f"{self._place}.{name}[{index}]")
            result.append(parse(fields))
            fields.finish()
        if len({getattr(item, key) for item in result}) != len(result):
            raise self.refused(name, f"holds two items with the same {key}")
        return tuple(result)

    def object(self, name: str, parse: Callable[[Fields], T]) -> T:
        """One object, read by ``parse`` to its last field."""
        fields = Fields(self._take(name, dict), f"{self._place}.{name}")
        result = parse(fields)
        fields.finish()
        return result

    def extensions(self) -> dict[str, Any]:
        """The fields that say by their name that they may be ignored."""
        names = [name for name in self._values if name.startswith(EXTENSION_PREFIX)]
        return {name: self._values.pop(name) for name in names}

    def finish(self) -> None:
        """Refuse whatever was not asked for."""
        if self._values:
            raise InputRefused(
                f"{self._place} has the unknown field {min(self._values)[:80]!r}. "
                "This version cannot keep a rule that it does not know; use the version that wrote the "
                "charter."
            )

    def refused(self, name: str, what: str) -> InputRefused:
        """The error that says what is wrong with the field ``name``."""
        return InputRefused(f"{self._place}.{name} {what}.")

    def _list(self, name: str, least: int, most: int) -> list[Any]:
        values = self._take(name, list)
        if not least <= len(values) <= most:
            raise self.refused(name, f"must hold {least} to {most} items, got {len(values)}")
        return list(values)

    def _take(self, name: str, kind: type) -> Any:
        if name not in self._values:
            raise InputRefused(f"{self._place} lacks the field {name!r}.")
        value = self._values.pop(name)
        if type(value) is not kind:  # exact: a bool is an int to isinstance
            raise self.refused(name, f"must be {_KINDS[kind]}")
        return value


_KINDS = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "an object"}
