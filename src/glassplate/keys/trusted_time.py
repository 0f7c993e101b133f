"""Trusted time = max(last logged time, wall clock at the start) + boot clock (``DESIGN.md``, Keys).

Two times are kept. The **certain** time is never ahead of the true one: it grows by the boot clock, follows drift, and
is remembered over restarts (``ClockMark``). Keys die by it. The **acting** time is the best that is known: entries,
searches and capture go by it. They differ only after the vault was off for a time that nothing here can judge.

Rules, to be ticked off:

1. A wall clock more than ``STEP_BACK_TOLERANCE`` below what it showed before, or below the log: ``now``
   refuses, so capture and search stop. It answers again once the wall clock has caught up.
2. Destruction never stops: ``purge_now`` goes on with the boot clock, whatever the wall clock says.
3. A wall clock more than ``LARGEST_JUMP`` ahead of the boot clock is a jump: ``searchable_at`` follows it at
   once, so overdue epochs cannot be searched; ``now`` and ``purge_now`` do not follow, until ``confirm``.
4. Anything between is drift of the two clocks and is followed. Small steps add up: the distance is always
   measured from the same anchor, over restarts of the process too, until the machine itself starts anew.
5. While the vault was off and the machine stayed up (same boot id), the boot clock says how long: as in 3 and 4.
6. While the machine was off, or the boot clock restarted, nobody can say how long: up to ``LARGEST_JUMP`` is
   followed. A longer time is acted on by ``now`` (the city works on after a power cut), hides by ``searchable_at``
   what it calls overdue, and destroys nothing: ``purge_now`` stays where it was plus the boot clock until ``confirm``.
7. ``confirm`` needs a second time that agrees with the wall clock: a time source's, or two persons'.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.errors import ClockRefused
from glassplate.keys.clock_mark import LARGEST_JUMP, ClockMark, Reckoning

if TYPE_CHECKING:
    from glassplate.keys.clock import Clock

STEP_BACK_TOLERANCE = timedelta(seconds=2)  # a leap second and an NTP correction of an ordinary clock


class TrustedTime:
    """Decides what to believe of a clock. Callable from any thread; no I/O."""

    def __init__(self, clock: Clock, last_logged: datetime | None, mark: ClockMark | None = None) -> None:
        """``last_logged``: the time of the log's last entry, None for a new log or one that is not open yet.

        ``mark``: what the last run remembered; None for a new city, or when it was taken away: the log's last
        entry is then the newest time that is certain.
        """
        self._clock = clock
        self._lock = threading.Lock()
        wall, boot = clock.wall(), clock.boot_seconds()
        logged = None if last_logged is None else last_logged.astimezone(UTC)
        self._acting: Reckoning | None = None  # only where it differs from the certain one
        if mark is not None and mark.is_of_this_boot(clock.boot_id(), boot):
            self._certain, self._acting = mark.certain, mark.acting
        else:
            self._certain = Reckoning.at(mark.certain.latest if mark is not None else logged or wall, boot)
            if self._certain.is_jump(wall, boot):
                self._acting = Reckoning.at(wall, boot)
        if logged is not None:
            self._follow_log(logged, boot)
        self._latest_wall = (
            self._acting or self._certain
        ).latest  # stands still while refused, so that a clock can catch up
        self._advance(wall)

    def now(self) -> datetime:
        """The time to act at; never less than any time it gave before.

        Raises:
            ClockRefused: the wall clock went back.
        """
        with self._lock:
            wall = self._clock.wall()
            self._refuse_step_back(wall)
            return self._advance(wall)

    def latest(self) -> datetime:
        """The same for the vault's own entries and pages: never refuses, never goes back."""
        with self._lock:
            return self._advance(self._clock.wall())

    def purge_now(self) -> datetime:
        """The time to destroy by. Never refuses, never goes back, never follows an unconfirmed jump."""
        with self._lock:
            self._advance(self._clock.wall())
            return self._certain.latest

    def searchable_at(self) -> datetime:
        """The latest time anything claims. An epoch that would be dead by then is not searched."""
        with self._lock:
            wall = self._clock.wall()
            return max(self._advance(wall), wall)

    def unconfirmed(self) -> timedelta:
        """How far the wall clock is ahead of what is certain, when that is a jump; else zero."""
        with self._lock:
            wall = self._clock.wall()
            self._advance(wall)
            is_jump = self._certain.is_jump(wall, self._clock.boot_seconds())
            return wall - self._certain.latest if is_jump else timedelta(0)

    def demand_agreement(self, second: datetime) -> None:
        """Nothing, when a second time source, or two persons, say the same as the wall clock.

        Raises:
            ClockRefused: the wall clock is behind (time that was logged cannot be taken back), or the second time
                differs from it by more than ``LARGEST_JUMP``.
        """
        with self._lock:
            self._agreed(second)

    def confirm(self, second: datetime) -> None:
        """Believe the wall clock, which ``second`` agrees with.

        Raises:
            ClockRefused: as ``demand_agreement``.
        """
        with self._lock:
            wall = self._agreed(second)
            self._certain = Reckoning.at(max(wall, self._advance(wall)), self._clock.boot_seconds())
            self._acting = None
            self._latest_wall = max(wall, self._latest_wall)

    def mark(self) -> ClockMark:
        """What the next run has to know."""
        with self._lock:
            self._advance(self._clock.wall())
            return ClockMark(self._clock.boot_id(), self._certain, self._acting)

    def _follow_log(self, logged: datetime, boot: float) -> None:
        """An entry's time is never taken back; far beyond what is certain, it is no more certain for being logged."""
        acting = self._acting or self._certain
        if acting.is_jump(logged, boot):
            self._acting = Reckoning.at(logged, boot)
        elif self._acting is not None:
            self._acting = self._acting.not_before(logged)
        else:
            self._certain = self._certain.not_before(logged)

    def _agreed(self, second: datetime) -> datetime:
        wall = self._clock.wall()
        self._refuse_step_back(wall)
        if abs(second - wall) > LARGEST_JUMP:
            raise ClockRefused(
                f"The clock says {_text(wall)}, the second source says {_text(second.astimezone(UTC))}. Set the clock "
                "right; nothing is destroyed by a time that is not confirmed."
            )
        return wall

    def _refuse_step_back(self, wall: datetime) -> None:
        if wall < self._latest_wall - STEP_BACK_TOLERANCE:
            raise ClockRefused(
                f"The clock says {_text(wall)}, but it was already {_text(self._latest_wall)}. "
                "Capture and search have stopped; set the clock right."
            )

    def _advance(self, wall: datetime) -> datetime:
        boot = self._clock.boot_seconds()
        if not (self._acting or self._certain).is_jump(wall, boot):
            self._latest_wall = max(self._latest_wall, wall)
        self._certain = self._certain.carried_on(wall, boot)
        if self._acting is None:
            return self._certain.latest
        self._acting = self._acting.carried_on(wall, boot)
        return self._acting.latest


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
