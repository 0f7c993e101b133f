"""Clocks: what the machine says the time is. ``TrustedTime`` decides what to believe of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta


class Clock(Protocol):
    """Two clocks of one machine.

    Duties: ``boot_seconds`` never goes back while the machine runs, and counts sleep too. Callable from any
    thread.
    """

    def wall(self) -> datetime:
        """What the wall clock says, as aware UTC. Anybody with root may have set it."""

    def boot_seconds(self) -> float:
        """Seconds since the machine started, sleep included (``CLOCK_BOOTTIME``). Nobody can set it."""


class SystemClock:
    """The clocks of this machine."""

    def wall(self) -> datetime:
        """``CLOCK_REALTIME``."""
        return datetime.now(UTC)

    def boot_seconds(self) -> float:
        """``CLOCK_BOOTTIME``."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class SettableClock:
    """A clock that moves only when told: the demo's, and the tests' honest fake."""

    def __init__(self, wall: datetime, boot_seconds: float = 0.0) -> None:
        if wall.tzinfo is None:
            raise ValueError("a clock needs a time with a zone")
        self._wall = wall.astimezone(UTC)
        self._boot_seconds = boot_seconds

    def wall(self) -> datetime:
        """Where it was last put."""
        return self._wall

    def boot_seconds(self) -> float:
        """Where it was last put."""
        return self._boot_seconds

    def advance(self, step: timedelta) -> None:
        """Time passes: both clocks move on.

        Raises:
            ValueError: for a negative step, which no running machine ever makes.
        """
        if step.total_seconds() < 0:
            raise ValueError("time does not pass backward; use step_wall for a clock fault")
        self._wall += step
        self._boot_seconds += step.total_seconds()

    def step_wall(self, step: timedelta) -> None:
        """A fault: somebody sets the wall clock, forward or back, while no time passes."""
        self._wall += step
