"""Trusted time = max(last logged time, wall clock at the start) + boot clock (``DESIGN.md``, Keys).

Rules, to be ticked off:

1. A wall clock more than ``STEP_BACK_TOLERANCE`` below what it showed before, or below the log: ``now``
   refuses, so capture and search stop. It answers again once the wall clock has caught up.
2. Destruction never stops for that: ``purge_now`` goes on with the latest trusted time and the boot clock.
3. A wall clock more than ``LARGEST_JUMP`` ahead of the boot clock is a jump: ``searchable_at`` follows it at
   once, so overdue epochs cannot be searched; ``now`` and ``purge_now`` do not follow, and ``may_destroy``
   says no, until ``confirm``.
4. Anything between is drift of the two clocks and is followed. Small steps add up: the distance is always
   measured from the start or the last confirmation.

The boot clock covers one run of the process. How long the vault was off is known from the wall clock alone,
so a start believes a wall clock that is ahead of the log, and refuses one that is behind it.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.errors import ClockRefused

if TYPE_CHECKING:
    from glassplate.keys.clock import Clock

STEP_BACK_TOLERANCE = timedelta(seconds=2)  # a leap second and an NTP correction of an ordinary clock
LARGEST_JUMP = timedelta(minutes=10)  # far beyond drift, far below any epoch worth gaining


class TrustedTime:
    """Decides what to believe of a clock. Callable from any thread; no I/O."""

    def __init__(self, clock: Clock, last_logged: datetime | None) -> None:
        """``last_logged``: the time of the log's last entry, None for a new log."""
        wall = clock.wall()
        self._clock = clock
        self._lock = threading.Lock()
        self._anchor = wall if last_logged is None else max(wall, last_logged.astimezone(UTC))
        self._anchor_boot = clock.boot_seconds()
        self._latest = self._anchor
        self._latest_wall = self._anchor  # stands still while refused, so that a clock can catch up

    def now(self) -> datetime:
        """The time to act at; never less than any time it gave before.

        Raises:
            ClockRefused: the wall clock went back.
        """
        with self._lock:
            wall = self._clock.wall()
            self._refuse_step_back(wall)
            return self._advance(wall)

    def purge_now(self) -> datetime:
        """The time to destroy by. Never refuses, never goes back, never follows an unconfirmed jump."""
        with self._lock:
            return self._advance(self._clock.wall())

    def searchable_at(self) -> datetime:
        """The latest time anything claims. An epoch that would be dead by then is not searched."""
        with self._lock:
            wall = self._clock.wall()
            return max(self._advance(wall), wall)

    def may_destroy(self) -> bool:
        """False after an unconfirmed jump forward: what only that clock calls overdue must not die."""
        with self._lock:
            return not self._has_jumped(self._clock.wall())

    def confirm(self) -> None:
        """Believe the wall clock: the caller has a second time source, or two persons.

        Raises:
            ClockRefused: the wall clock is behind; time that was logged cannot be taken back.
        """
        with self._lock:
            wall = self._clock.wall()
            self._refuse_step_back(wall)
            self._anchor = self._latest = max(wall, self._latest)
            self._anchor_boot = self._clock.boot_seconds()
            self._latest_wall = max(wall, self._latest_wall)

    def _refuse_step_back(self, wall: datetime) -> None:
        if wall < self._latest_wall - STEP_BACK_TOLERANCE:
            raise ClockRefused(
                f"The clock says {_text(wall)}, but it was already {_text(self._latest_wall)}. "
                "Capture and search have stopped; set the clock right."
            )

    def _advance(self, wall: datetime) -> datetime:
        self._latest = max(self._latest, self._steady())
        if not self._has_jumped(wall):
            self._latest = max(self._latest, wall)
            self._latest_wall = max(self._latest_wall, wall)
        return self._latest

    def _has_jumped(self, wall: datetime) -> bool:
        return wall - self._steady() > LARGEST_JUMP

    def _steady(self) -> datetime:
        return self._anchor + timedelta(seconds=self._clock.boot_seconds() - self._anchor_boot)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
