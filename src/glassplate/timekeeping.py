"""The vault's clock in its daily life: remembered over restarts, confirmed by a second source or two persons.

Order of a confirmation: entry ``time-confirmed`` durable, then believed, then remembered. A crash between leaves an
entry and an unconfirmed clock; it is confirmed again.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glassplate.errors import ClockRefused
from glassplate.keys import write_mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys import Clock, TrustedTime
    from glassplate.record import Recorder
    from glassplate.records import Receipt
    from glassplate.registry import Operation

KEEP_SECONDS = 60.0  # a crash of the machine loses at most this much of what is certain
ASK_SECONDS = 60.0  # between two questions to the time source


@dataclass(slots=True)
class Timekeeping:
    """Keeps the clock's mark, asks the second source. ``second_source``: None where none is configured."""

    time: TrustedTime
    clock: Clock
    recorder: Recorder
    files: Files
    path: Path
    second_source: Callable[[], datetime] | None
    _kept_at: float = field(default=float("-inf"))
    _asked_at: float = field(default=float("-inf"))
    _answer: str = ""

    def run(self, *, may_record: bool) -> None:
        """What is due: remember, and confirm a jump where a source is configured and entries can be written.

        Raises:
            ClockRefused: the source does not answer, or disagrees.
            OSError: the mark could not be written.
        """
        boot = self.clock.boot_seconds()
        if boot - self._kept_at >= KEEP_SECONDS:
            self.keep()
        if self.second_source is None or not may_record or not self.time.unconfirmed():
            self._answer = ""
            return
        if boot - self._asked_at >= ASK_SECONDS:
            self._asked_at, self._answer = boot, self._ask(self.second_source)
        if self._answer:
            raise ClockRefused(self._answer)

    def _ask(self, source: Callable[[], datetime]) -> str:
        """What the source says against the clock; empty when it agreed."""
        try:
            self._confirm(source(), "source", {}, None)
        except ClockRefused as error:
            return str(error)
        return ""

    def keep(self) -> None:
        """Remember how far the clock has come."""
        write_mark(self.path, self.time.mark(), self.files)
        self._kept_at = self.clock.boot_seconds()

    def demand_jump(self, at: datetime) -> timedelta:
        """How far the clock is ahead, where it jumped and ``at`` agrees with it.

        Raises:
            ClockRefused: the clock differs from ``at``; or it is behind what was logged; or there is no jump.
        """
        ahead = self.time.unconfirmed()
        if not ahead:
            raise ClockRefused("The clock has not jumped; there is nothing to confirm.")
        self.time.demand_agreement(at)
        return ahead

    def confirm(self, at: datetime, persons: dict[str, Any], operation: Operation) -> Receipt:
        """Two persons say what the time is; whoever calls has checked that both may, and are two.

        ``persons``: the entry's sealed fields; ``operation``: uses the approval up.

        Raises:
            ClockRefused: as ``demand_jump``.
            LogUnavailable: nothing was confirmed.
        """
        return self._confirm(at, "two-persons", persons, operation)

    def _confirm(
        self, at: datetime, by: str, persons: dict[str, Any], operation: Operation | None
    ) -> Receipt:
        ahead = self.demand_jump(at)
        receipt = self.recorder.record(
            "time-confirmed",
            {"second": at.isoformat(), **persons},
            at=self.recorder.now(),
            public={"by": by, "minutes_ahead": str(int(ahead.total_seconds() // 60))},
            operation=operation,
        )
        self.time.confirm(at)
        self._kept_at = float("-inf")
        with contextlib.suppress(OSError):  # the next run tries again and says so
            self.keep()
        return receipt
