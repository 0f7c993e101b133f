"""The vault's clock in its daily life: remembered over restarts, confirmed by a second source or two persons.

Order of a confirmation: entry ``time-confirmed`` durable, then believed, then remembered. A crash between leaves an
entry and an unconfirmed clock; it is confirmed again.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from glassplate.errors import ClockRefused, Refused
from glassplate.keys import write_mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys import Clock, TrustedTime
    from glassplate.record import Recorder
    from glassplate.records import Receipt

KEEP_SECONDS = 60.0  # a crash of the machine loses at most this much of what is certain
ASK_SECONDS = 60.0  # between two questions to the time source


class TwoPersons(Protocol):
    """An authorization that somebody asked for and somebody else approved; whoever makes one has checked both."""

    @property
    def requested_by(self) -> str:
        """Account id."""

    @property
    def approved_by(self) -> str:
        """Account id of another person."""


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
            self._confirm(source(), "source", {})
        except ClockRefused as error:
            return str(error)
        return ""

    def keep(self) -> None:
        """Remember how far the clock has come."""
        write_mark(self.path, self.time.mark(), self.files)
        self._kept_at = self.clock.boot_seconds()

    def confirm(self, at: datetime, authorization: TwoPersons) -> Receipt:
        """Two persons say what the time is.

        Raises:
            Refused: both are one person.
            ClockRefused: the clock differs from ``at``; or it is behind what was logged; or there is no jump.
        """
        persons = {"requested_by": authorization.requested_by, "approved_by": authorization.approved_by}
        if not all(persons.values()) or persons["requested_by"] == persons["approved_by"]:
            raise Refused("The time is confirmed by two different persons.", ("second-person",))
        return self._confirm(at, "two-persons", persons)

    def _confirm(self, at: datetime, by: str, persons: dict[str, str]) -> Receipt:
        ahead = self.time.unconfirmed()
        if not ahead:
            raise ClockRefused("The clock has not jumped; there is nothing to confirm.")
        self.time.demand_agreement(at)
        receipt = self.recorder.record(
            "time-confirmed",
            {"second": at.isoformat(), **persons},
            at=self.recorder.now(),
            public={"by": by, "minutes_ahead": str(int(ahead.total_seconds() // 60))},
        )
        self.time.confirm(at)
        self._kept_at = float("-inf")
        with contextlib.suppress(OSError):  # the next run tries again and says so
            self.keep()
        return receipt
