"""Clocks: what the machine says the time is. ``TrustedTime`` decides what to believe of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # proc(5): another one after every start of the machine


class Clock(Protocol):
    """The clocks of one machine.

    Duties: ``boot_seconds`` never goes back while ``boot_id`` stays the same, and counts sleep too;
    ``waking_seconds`` does not count it. Callable from any thread.
    """

    def wall(self) -> datetime:
        """What the wall clock says, as aware UTC. Anybody with root may have set it."""

    def boot_seconds(self) -> float:
        """Seconds since the machine started, sleep included (``CLOCK_BOOTTIME``). Nobody can set it."""

    def waking_seconds(self) -> float:
        """The same without sleep (``CLOCK_MONOTONIC``)."""

    def boot_id(self) -> str:
        """Which start of the machine ``boot_seconds`` counts from."""


class SystemClock:
    """The clocks of this machine."""

    def wall(self) -> datetime:
        """``CLOCK_REALTIME``."""
        return datetime.now(UTC)

    def boot_seconds(self) -> float:
        """``CLOCK_BOOTTIME``."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def waking_seconds(self) -> float:
        """``CLOCK_MONOTONIC``."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def boot_id(self) -> str:
        """From the kernel; where it tells none, a name that no mark bears, so that nothing is judged by it."""
        try:
            return _BOOT_ID.read_text().strip()[:64]
        except OSError:
            return f"unknown-{time.time_ns()}"


class SettableClock:
    """A clock that moves only when told: the demo's, and the tests' honest fake."""

    def __init__(self, wall: datetime, boot_seconds: float = 0.0, boot_id: str = "boot") -> None:
        if wall.tzinfo is None:
            raise ValueError("a clock needs a time with a zone")
        self._wall = wall.astimezone(UTC)
        self._boot_seconds = boot_seconds
        self._asleep = 0.0
        self._boot_id = boot_id
        self._boots = 1

    def wall(self) -> datetime:
        """Where it was last put."""
        return self._wall

    def boot_seconds(self) -> float:
        """Where it was last put."""
        return self._boot_seconds

    def waking_seconds(self) -> float:
        """Without what ``sleep`` slept."""
        return self._boot_seconds - self._asleep

    def boot_id(self) -> str:
        """Another one after each ``reboot``."""
        return f"{self._boot_id} {self._boots}"

    def advance(self, step: timedelta) -> None:
        """Time passes: all clocks move on.

        Raises:
            ValueError: for a negative step, which no running machine ever makes.
        """
        if step.total_seconds() < 0:
            raise ValueError("time does not pass backward; use step_wall for a clock fault")
        self._wall += step
        self._boot_seconds += step.total_seconds()

    def sleep(self, step: timedelta) -> None:
        """The machine sleeps for a while."""
        self.advance(step)
        self._asleep += step.total_seconds()

    def reboot(self, off: timedelta) -> None:
        """The machine is off for a while; its boot clock begins anew."""
        self._wall += off
        self._boot_seconds = self._asleep = 0.0
        self._boots += 1

    def step_wall(self, step: timedelta) -> None:
        """A fault: somebody sets the wall clock, forward or back, while no time passes."""
        self._wall += step
