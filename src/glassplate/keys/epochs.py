"""Epochs: the periods that one key lives for. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glassplate.errors import InputRefused, UsageError

DAY_MINUTES = 24 * 60
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
HOLD_PREFIX = "hold-"
_EPOCH_ID = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{4}Z\+\d{1,4}m)?|hold-[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Epoch:
    """From ``starts_at`` up to but without ``ends_at``; its key dies at ``destroy_at``."""

    epoch_id: str
    starts_at: datetime
    ends_at: datetime
    destroy_at: datetime

    @property
    def is_hold(self) -> bool:
        """Whether this is no period of capture but the life of one hold, whose key dies the same way."""
        return self.epoch_id.startswith(HOLD_PREFIX)


def hold_epoch(hold_id: str, placed_at: datetime, ends_at: datetime) -> Epoch:
    """The life of a hold's key.

    Raises:
        InputRefused: ``hold_id`` is not ``hold-`` and 16 hexadecimal digits.
    """
    if not hold_id.startswith(HOLD_PREFIX):
        raise InputRefused("A hold's id begins with hold-; this one does not.")
    return Epoch(check_epoch_id(hold_id), placed_at, ends_at, ends_at)


def epoch_for(captured_at: datetime, epoch_minutes: int, retention: timedelta) -> Epoch:
    """The epoch that a read captured then belongs to. Epochs are aligned to UTC.

    No read may grow older than ``retention``, so the epoch dies when its *first* read could reach it.

    Raises:
        UsageError: for a length that does not divide a UTC day, or a retention shorter than one epoch.
    """
    if not 1 <= epoch_minutes <= DAY_MINUTES or DAY_MINUTES % epoch_minutes:
        raise UsageError(f"An epoch of {epoch_minutes} minutes does not divide a day; choose 15, 60 or 1440.")
    length = timedelta(minutes=epoch_minutes)
    if retention < length:
        raise UsageError(f"Reads kept for {retention} need epochs no longer than that, not {length}.")
    starts_at = _ORIGIN + (captured_at - _ORIGIN) // length * length
    return Epoch(_epoch_id(starts_at, epoch_minutes), starts_at, starts_at + length, starts_at + retention)


def check_epoch_id(text: str) -> str:
    """``text`` when it has the form of an epoch id, and so is safe as a part of a file name.

    Raises:
        InputRefused: when it has not.
    """
    if not _EPOCH_ID.fullmatch(text):
        raise InputRefused("An epoch id looks like 2026-11-25 or 2026-11-25T0630Z+15m; this one does not.")
    return text


def _epoch_id(starts_at: datetime, epoch_minutes: int) -> str:
    if epoch_minutes == DAY_MINUTES:
        return f"{starts_at:%Y-%m-%d}"
    return f"{starts_at:%Y-%m-%dT%H%MZ}+{epoch_minutes}m"
