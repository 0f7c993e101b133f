"""Noticing that the machine slept: the boot clock counts sleep, the monotonic clock does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassplate.keys.clock import Clock

SHORTEST_SLEEP_SECONDS = 1.0  # far above what two readings of a clock can lie apart


class SleepWatch:
    """Asked by a timer in short steps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slept = self._sleep_seconds()

    def has_woken(self) -> bool:
        """Whether the machine slept since this was asked last."""
        before, self._slept = self._slept, self._sleep_seconds()
        return self._slept - before > SHORTEST_SLEEP_SECONDS

    def _sleep_seconds(self) -> float:
        return self._clock.boot_seconds() - self._clock.waking_seconds()
