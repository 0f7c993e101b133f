"""Two persons confirm the time after a clock's jump: one says what time it is, another approves it, the first runs it.

By it, keys die that only the jump calls due, so nobody does it alone, and nobody where nothing jumped.

The order, as for everything that needs a second person:

    (1) asked      the first person says the time; it must agree with the clock. Entry ``approval-asked``
    (2) approved   somebody else reads it and decides                          `Approvals.decide`
    (3) confirmed  the first person runs it: entry ``time-confirmed``, then believed, then remembered
                   `Timekeeping.confirm`

Between (1) and (3) minutes or hours pass. What was said is carried on by the *certain* time, which follows the boot
clock and no wall clock: a clock that is set again in between, or a machine that was off, no longer agrees with it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from glassplate.approvals import CONFIRM_TIME
from glassplate.errors import UsageError
from glassplate.records import ClockState
from glassplate.registry.operations import USES_APPROVAL

if TYPE_CHECKING:
    from glassplate.approvals import Approvals
    from glassplate.authorize import Authorizer
    from glassplate.gate import Gate
    from glassplate.keys import TrustedTime
    from glassplate.record import Recorder
    from glassplate.records import Receipt, Session
    from glassplate.timekeeping import Timekeeping


@dataclass(frozen=True, slots=True)
class TimeConfirmation:
    """Asking for and running a confirmation."""

    time: TrustedTime
    timekeeping: Timekeeping
    recorder: Recorder
    authorizer: Authorizer
    approvals: Approvals
    gate: Gate
    admitting: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held from the look at an approval to its use, so that it is used once."""

    def state(self) -> ClockState:
        """What the clocks say; nothing of it is secret."""
        ahead = self.time.unconfirmed()
        return ClockState(
            acts_at=self.time.latest(),
            certain_at=self.time.purge_now(),
            clock_at=self.timekeeping.clock.wall(),
            minutes_ahead=int(ahead.total_seconds() // 60),
            needs_confirmation=bool(ahead),
        )

    def ask(self, token: str | None, at: datetime) -> None:
        """Say that it is ``at`` now; another person must approve it.

        Raises:
            ApprovalNeeded: always where it is allowed; its message names the request.
            ClockRefused: the clock has not jumped, differs from ``at``, or is behind what was logged.
            Refused: this person may not.
        """
        session = self.gate.who(token)
        if at.tzinfo is None:
            raise UsageError("Give the time with its zone, such as 2026-11-25T09:30Z.")
        self.timekeeping.demand_jump(at)
        words = {"at": at.astimezone(UTC).isoformat(), "certain_at": self.time.purge_now().isoformat()}
        self._authorize(session, words, ())

    def confirm(self, token: str | None, request_id: str) -> Receipt:
        """Run what this person asked and somebody else approved.

        Raises:
            ApprovalNeeded: nobody has approved it yet, or whose approval no longer counts.
            ClockRefused: what was said no longer agrees with the clock, or there is no jump (any more).
            Refused: this person may not.
            UsageError: this person has no such request that is still open.
            LogUnavailable: nothing was confirmed.
        """
        session = self.gate.who(token)
        with self.admitting:
            stored = self.approvals.own_open(session, CONFIRM_TIME, request_id)
            words: dict[str, Any] = self.recorder.open_body(stored.entry_index).fields["request"]
            consent = self.approvals.consent(stored.request_sha256)
            fields = self._authorize(session, words, consent.approvals)
            since = self.time.purge_now() - datetime.fromisoformat(words["certain_at"])
            return self.timekeeping.confirm(
                datetime.fromisoformat(words["at"]) + since,
                {
                    "requested_by": session.account.account_id,
                    "approved_by": consent.approvals[0].account_id,
                    "approval": request_id,
                    **fields,
                },
                {"kind": "counted", "counts": {}, USES_APPROVAL: request_id},
            )

    def _authorize(
        self, session: Session, words: dict[str, Any], approvals: tuple[Any, ...]
    ) -> dict[str, Any]:
        permission = self.authorizer.authorize(
            session,
            CONFIRM_TIME,
            None,
            self.gate.time.now(),
            ask=lambda: self.approvals.ask(session, CONFIRM_TIME, words),
            approvals=approvals,
        )
        return permission.replayable()
