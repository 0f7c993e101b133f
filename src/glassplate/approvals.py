"""Approvals by a second person: asked, looked at, given or refused, used once. Each step is an entry first.

The rules, to be ticked off:

* an approval binds the SHA-256 of exactly one request: the act, the person and every word of it (`request_sha256`);
* nobody approves an own request, nor one of somebody whom they made or who made them, directly or through others;
* a decision carries the decider's fresh signature (``act_signatures.py``); who looks stays a session's business;
* nobody decides twice, and nobody decides what they have not looked at: the decision names the hash that was shown;
* it is used once, within the charter's ``approval_hours`` of the asking, and a later charter may only shorten that;
  after it the act is asked anew;
* what the approver is *when it is used* counts: a closed account, a lapsed training or a role taken away undoes it.

Who may approve what is policy (`approval-supervisor`, `approval-auditor`, `approval-access`, `approval-time`); this room keeps
the facts.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glassplate.charter import Approval
from glassplate.errors import ApprovalNeeded, UsageError
from glassplate.evidence.bound import decision_sha256, request_sha256
from glassplate.records import ApprovalRequest
from glassplate.registry.sessions import authenticate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from glassplate.act_signatures import ActSignatures
    from glassplate.authorize import Authorizer
    from glassplate.record import Recorder
    from glassplate.records import ActSignature, ApprovalState, Receipt, Session
    from glassplate.registry import Registry, StoredApprovalRequest

MAX_OPEN_REQUESTS = 20  # of one person at a time; more would bury what an approver has to read
MAX_REASON = 300
GIVE_ACCESS = "give_access"
CONFIRM_TIME = "confirm_time"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who has approved one request so far, with today's facts; ``request_id`` None: nobody asked."""

    request_id: str | None
    approvals: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class Approvals:
    """The queue. ``now`` is the vault's trusted time."""

    registry: Registry
    recorder: Recorder
    authorizer: Authorizer
    now: Callable[[], datetime]
    signatures: ActSignatures
    deciding: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held from the look at a request to the decision's entry, so that nobody decides twice."""

    # --- for the rooms whose acts need a second person -----------------------------------------------------------

    def consent(self, sha256: str) -> Consent:
        """What is approved of the open request with this hash."""
        now = self.now()
        stored = self._open(sha256, now)
        if stored is None:
            return Consent(None)
        approvals = [self._approval(account_id) for account_id in stored.approvers]
        return Consent(stored.request_id, _in_order(approvals, now))

    def consent_used(self, request_id: str | None, now: datetime) -> Consent:
        """What was approved of a search that goes on under the approval it used: for as long as that would have lived."""
        stored = self.registry.approval_request(request_id) if request_id else None
        if stored is None or stored.is_refused or self._ends_at(stored) <= now:
            return Consent(None)
        return Consent(stored.request_id, _in_order([self._approval(one) for one in stored.approvers], now))

    def ask(self, session: Session, action: str, words: Mapping[str, Any]) -> ApprovalNeeded:
        """The error to raise by whoever needs an approval; the request is an entry first, once.

        Raises:
            Refused: too many requests of this person are open.
            LogUnavailable: it could not be recorded.
        """
        now, account_id = self.now(), session.account.account_id
        sha256 = request_sha256(action, account_id, words)
        stored = self._open(sha256, now)
        if stored is None:
            request_id, ends_at = secrets.token_hex(8), now + self._life()
            self._refuse_floods(session, action, now)
            self.recorder.record(
                "approval-asked",
                {
                    "account_id": account_id,
                    "request_id": request_id,
                    "action": action,
                    "request": dict(words),
                    "request_sha256": sha256,
                },
                at=now,
                operation={
                    "kind": "approval_asked",
                    "request_id": request_id,
                    "action": action,
                    "account_id": account_id,
                    "request_sha256": sha256,
                    "asked_at": now.isoformat(),
                    "expires_at": ends_at.isoformat(),
                },
            )
        else:
            request_id, ends_at = stored.request_id, self._ends_at(stored)
        return ApprovalNeeded(
            f"A second person must approve this first. It waits as request {request_id}, until "
            f"{ends_at:%Y-%m-%d %H:%M} UTC. Once it is approved, run it under that id: on the page Approvals, or with "
            f"--approval {request_id}. A command without that option is given again as it was.",
            ("approval-needed",),
        )

    def own_open(self, session: Session, action: str, request_id: str) -> StoredApprovalRequest:
        """This person's request for this act, while it can still be run.

        Raises:
            UsageError: there is none; what is over is asked anew.
        """
        stored = self._demand(request_id)
        if stored.account_id != session.account.account_id or stored.action != action:
            raise UsageError("You asked for no such thing under this id. See: glassplate approvals list")
        state = self._state(stored, self.now())
        if state not in ("waiting", "approved"):
            raise UsageError(f"This request is {state}. Ask anew.")
        return stored

    # --- for the persons who decide --------------------------------------------------------------------------------

    def all(self, token: str | None) -> list[ApprovalRequest]:
        """What this person asked, and what people of their roles decide; newest first, without its words."""
        now = self.now()
        session = authenticate(self.registry, token, now)
        self.authorizer.authorize(session, "read_log", None, now)
        mine, roles = session.account.account_id, set(session.account.roles)
        return [
            self._told(stored, now, {})
            for stored in self.registry.approval_requests()
            if stored.account_id == mine or roles & _DECIDING_ROLES[_approving(stored.action)]
        ]

    def show(self, token: str | None, request_id: str) -> ApprovalRequest:
        """One request with its words, for its asker or for who may decide it; leaves an entry."""
        now = self.now()
        session = authenticate(self.registry, token, now)
        stored = self._demand(request_id)
        if stored.account_id != session.account.account_id:
            self.authorizer.authorize(session, _approving(stored.action), None, now)
        self.recorder.record(
            "approval-shown", {"account_id": session.account.account_id, "request_id": request_id}, at=now
        )
        return self._told(stored, now, self.recorder.open_body(stored.entry_index).fields["request"])

    def decision_options(
        self, token: str | None, request_id: str, sha256: str, *, approve: bool, reason: str
    ) -> dict[str, Any] | None:
        """What this person's passkey is asked to sign for a decision; None where it needs no signature."""
        session = authenticate(self.registry, token, self.now())
        self._demand(request_id)
        return self.signatures.options(
            session,
            decision_sha256(session.account.account_id, request_id, sha256, approve=approve, reason=reason),
        )

    def use_options(self, token: str | None, request_id: str) -> dict[str, Any] | None:
        """What the asker's passkey is asked to sign to run what was approved; None where it needs no signature.

        Raises:
            UsageError: somebody else asked for it.
        """
        session = authenticate(self.registry, token, self.now())
        stored = self._demand(request_id)
        if stored.account_id != session.account.account_id:
            raise UsageError("Somebody else asked for this; only that person runs it.")
        return self.signatures.options(session, stored.request_sha256)

    def decide(
        self,
        token: str | None,
        request_id: str,
        sha256: str,
        *,
        approve: bool,
        reason: str,
        signature: ActSignature | None = None,
    ) -> Receipt:
        """Approve or refuse. ``sha256``: the hash of the request that was shown.

        Raises:
            SignatureNeeded: the person's own passkey must sign exactly this decision.
            Refused: by policy, or because this person may not be the second one, or decided already.
            UsageError: no reason, or another request than the one that was shown.
        """
        now = self.now()
        session = authenticate(self.registry, token, now)
        if not reason.strip() or len(reason) > MAX_REASON:
            raise UsageError(f"Give the reason in at most {MAX_REASON} characters.")
        with self.deciding:
            stored = self._demand(request_id)
            if sha256 != stored.request_sha256:
                raise UsageError("That is not the request that was shown. Look at it again, then decide.")
            action = _approving(stored.action)
            permission = self.authorizer.authorize(session, action, None, now)
            self._check_second_person(session, stored, now)
            act_sha256 = decision_sha256(
                session.account.account_id, request_id, sha256, approve=approve, reason=reason
            )
            signed = self.signatures.demand(session, action, act_sha256, signature, now)
            return self.recorder.record(
                "approval-given" if approve else "approval-refused",
                {
                    "account_id": session.account.account_id,
                    "request_id": request_id,
                    "request_sha256": sha256,
                    "reason": reason,
                    "sign_in_method": session.sign_in_method,
                    **signed.fields,
                    **permission.replayable(),
                },
                at=now,
                operation={
                    **signed.operation,
                    "kind": "approval_given",
                    "request_id": request_id,
                    "account_id": session.account.account_id,
                    "is_approved": approve,
                    "given_at": now.isoformat(),
                },
            )

    # --- how long ----

    def _life(self) -> timedelta:
        return timedelta(hours=self.authorizer.mandate.last().verified.charter.approval_hours)

    def _ends_at(self, stored: StoredApprovalRequest) -> datetime:
        """As it was told when it was asked, or earlier under a charter that has become stricter."""
        return min(stored.expires_at, stored.asked_at + self._life())

    def _open(self, sha256: str, now: datetime) -> StoredApprovalRequest | None:
        stored = self.registry.open_approval_request(sha256, now)
        return stored if stored is not None and now < self._ends_at(stored) else None

    def _state(self, stored: StoredApprovalRequest, now: datetime) -> ApprovalState:
        if stored.used_index is not None:
            return "used"
        if stored.is_refused:
            return "refused"
        if self._ends_at(stored) <= now:
            return "expired"
        return "approved" if stored.approvers else "waiting"

    # --- plumbing --------------------------------------------------------------------------------------------------

    def _check_second_person(self, session: Session, stored: StoredApprovalRequest, now: datetime) -> None:
        decider, asker = session.account.account_id, stored.account_id
        problem = None
        if decider == asker:
            problem = ("not-yourself", "You cannot decide your own request; somebody else must.")
        elif decider in self.registry.makers_of(asker) or asker in self.registry.makers_of(decider):
            problem = (
                "approval-independent",
                "One of you made the other's account; somebody independent must decide.",
            )
        elif any(decider == account_id for account_id, _, _ in stored.given):
            problem = (
                "approval-once",
                "You have decided this request already; a second voice is another person's.",
            )
        elif (state := self._state(stored, now)) not in ("waiting", "approved"):
            problem = ("approval-open", f"This request is {state}; nothing can be decided about it any more.")
        if problem is not None:
            raise self.authorizer.refusal(
                session, _approving(stored.action), problem[0], problem[1], now, request_id=stored.request_id
            )

    def _refuse_floods(self, session: Session, action: str, now: datetime) -> None:
        account_id = session.account.account_id
        waiting = [
            stored
            for stored in self.registry.approval_requests()
            if stored.account_id == account_id and self._state(stored, now) in ("waiting", "approved")
        ]
        if len(waiting) >= MAX_OPEN_REQUESTS:
            message = f"{len(waiting)} of your requests are open. Use them, or wait until they end."
            raise self.authorizer.refusal(session, action, "approval-flood", message, now)

    def _approval(self, account_id: str) -> Approval:
        account = self.registry.account(account_id)
        assert account is not None  # noqa: S101 - accounts are closed, never removed
        return Approval(
            account_id=account_id,
            roles=account.roles,
            active=account.active,
            binds_request=True,
            training_valid_until=account.training_valid_until,
            makers=self.registry.makers_of(account_id),
        )

    def _demand(self, request_id: str) -> StoredApprovalRequest:
        stored = self.registry.approval_request(request_id)
        if stored is None:
            raise UsageError("No request has this id. List them with: glassplate approvals list")
        return stored

    def _told(self, stored: StoredApprovalRequest, now: datetime, words: dict[str, Any]) -> ApprovalRequest:
        return ApprovalRequest(
            request_id=stored.request_id,
            action=stored.action,
            asked_by=stored.account_id,
            asked_at=stored.asked_at,
            expires_at=self._ends_at(stored),
            state=self._state(stored, now),
            request_sha256=stored.request_sha256,
            decided_by=tuple((account_id, approved) for account_id, approved, _ in stored.given),
            words=words,
        )


_DECIDING_ROLES = {
    "approve": {"supervisor", "auditor"},
    "approve_access": {"administrator", "supervisor", "council"},
}


def _approving(action: str) -> str:
    """The act of approving this one, as the policy calls it."""
    return "approve_access" if action in (GIVE_ACCESS, CONFIRM_TIME) else "approve"


def _in_order(approvals: list[Approval], now: datetime) -> tuple[Approval, ...]:
    """A supervisor's first, an auditor's second, as policy asks; whose voice still counts before whose does not."""
    usable = sorted(
        approvals,
        key=lambda one: (
            not (one.active and one.training_valid_until is not None and one.training_valid_until > now)
        ),
    )
    supervisors = [one for one in usable if "supervisor" in one.roles]
    for first in supervisors:
        for second in usable:
            if second is not first and "auditor" in second.roles:
                return first, second
    return (*supervisors, *(one for one in usable if one not in supervisors))
