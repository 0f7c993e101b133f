"""What one run of the vault tells the next about time: ``vault/clock.json`` (``docs/formats.md`` §12).

It lies beside the keys so that a start can destroy what is due before anything opens. Whoever can change it can remove
the keys as well; so it needs no signature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_json, parse_time, time_text
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files

MAX_MARK_BYTES = 1024
MAX_BOOT_ID_CHARACTERS = 64
LARGEST_JUMP = timedelta(minutes=10)  # far beyond drift, far below any epoch worth gaining


@dataclass(frozen=True, slots=True)
class Reckoning:
    """A time that was believed once, carried on by the boot clock.

    ``anchor`` was believed when the boot clock said ``anchor_boot`` seconds; ``latest`` is how far it has come.
    """

    anchor: datetime
    anchor_boot: float
    latest: datetime

    @classmethod
    def at(cls, time: datetime, boot: float) -> Reckoning:
        """Begin to reckon from here."""
        return cls(time, boot, time)

    def steady(self, boot: float) -> datetime:
        """By the boot clock alone."""
        return self.anchor + timedelta(seconds=boot - self.anchor_boot)

    def is_jump(self, wall: datetime, boot: float) -> bool:
        """Whether a time is too far ahead to be drift."""
        return wall - self.steady(boot) > LARGEST_JUMP

    def carried_on(self, wall: datetime, boot: float) -> Reckoning:
        """The same, now."""
        followed = self.steady(boot) if self.is_jump(wall, boot) else max(wall, self.steady(boot))
        return self.not_before(followed)

    def not_before(self, time: datetime) -> Reckoning:
        """The same, not before a time that is known to have been."""
        return replace(self, latest=max(self.latest, time))


@dataclass(frozen=True, slots=True)
class ClockMark:
    """The reckonings of one boot of the machine. ``acting``: None where it is the certain one."""

    boot_id: str
    certain: Reckoning
    acting: Reckoning | None = None

    def is_of_this_boot(self, boot_id: str, boot: float) -> bool:
        """Whether the boot clock says how long ago this was kept: same boot, and the clock did not begin anew in it.

        A virtual machine that was set back to a snapshot bears the old boot id with a boot clock of before.
        """
        certain = self.certain
        is_after = certain.anchor_boot <= boot and certain.latest - certain.steady(boot) <= LARGEST_JUMP
        return boot_id == self.boot_id and is_after

    def to_bytes(self) -> bytes:
        """The file."""
        acting = _document(self.acting) if self.acting is not None else None
        document = {"v": 1, "boot_id": self.boot_id, "certain": _document(self.certain), "acting": acting}
        return canonical_json(document)

    @classmethod
    def from_bytes(cls, data: bytes) -> ClockMark:
        """Read it.

        Raises:
            InputRefused: it is not one.
        """
        document = parse_json(data, limit=MAX_MARK_BYTES)
        try:
            boot_id, acting = document["boot_id"], document["acting"]
            if document["v"] != 1 or type(boot_id) is not str or len(boot_id) > MAX_BOOT_ID_CHARACTERS:
                raise InputRefused("The clock's mark is not of version 1.")
            return cls(
                boot_id,
                _reckoning(document["certain"]),
                _reckoning(acting) if acting is not None else None,
            )
        except (KeyError, TypeError):
            raise InputRefused("The clock's mark lacks a field.") from None


def read_mark(path: Path) -> ClockMark | None:
    """The mark; None when it is missing or not readable as one."""
    try:
        return ClockMark.from_bytes(path.read_bytes()[: MAX_MARK_BYTES + 1])
    except (OSError, InputRefused):
        return None


def write_mark(path: Path, mark: ClockMark, files: Files) -> None:
    """Keep it durably.

    Raises:
        OSError: it could not be written; the older one may still be there.
    """
    files.write_atomic(path, mark.to_bytes(), mode=0o600)


def _document(reckoning: Reckoning) -> dict[str, Any]:
    return {
        "anchor": time_text(reckoning.anchor),
        "boot_microseconds": math.floor(reckoning.anchor_boot * 1_000_000),
        "latest": time_text(reckoning.latest),
    }


def _reckoning(document: dict[str, Any]) -> Reckoning:
    microseconds = document["boot_microseconds"]
    if type(microseconds) is not int or not 0 <= microseconds < 2**53:
        raise InputRefused("The clock's mark has no boot clock.")
    return Reckoning(parse_time(document["anchor"]), microseconds / 1_000_000, parse_time(document["latest"]))
