"""Step (2) of every act: may they? One function answers for every room; a refusal is recorded before it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glassplate.charter import Approval, DecisionRequest
from glassplate.errors import ApprovalNeeded, Refused
from glassplate.search_kinds import FEATURE_OF, asked_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from glassplate.charter import Decision
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import SearchRequest, Session
    from glassplate.registry import Registry

APPROVAL_RULES = frozenset({"approval-supervisor", "approval-auditor", "approval-access", "approval-time"})
RATE_PERIOD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Permission:
    """An allowed decision, with all that is needed to decide it again."""

    decision: Decision
    charter_version: int

    @property
    def policy_sha256(self) -> str:
        """Hash of the policy that decided."""
        return self.decision.policy_sha256

    def replayable(self) -> dict[str, Any]:
        """The fields that an entry carries about its decision."""
        return _replayable(self.decision, self.charter_version)


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Asks the charter's policy with the facts of the registry."""

    registry: Registry
    recorder: Recorder
    mandate: Mandate

    def authorize(
        self,
        session: Session,
        action: str,
        feature: str | None,
        now: datetime,
        recorded: Mapping[str, Any] | None = None,
        ask: Callable[[], ApprovalNeeded] | None = None,
        **words: Any,
    ) -> Permission:
        """Decide one act; ``words`` are further facts of ``DecisionRequest``, ``recorded`` further sealed fields.

        ``ask`` makes a request for approval where nothing but the second person is missing.

        Raises:
            ApprovalNeeded: what ``ask`` made.
            Refused: with the rules' names, after the refusal was recorded and counted.
            LogUnavailable: the refusal could not be recorded.
        """
        in_force = (
            self.mandate.last()
        )  # an expired charter is the policy's own refusal, and oversight outlives it
        account = session.account
        request = DecisionRequest(
            account_id=account.account_id,
            roles=account.roles,
            active=account.active,
            training_valid_until=account.training_valid_until,
            agency_id=in_force.verified.charter.agency.id,
            action=action,
            feature=feature,
            now=now,
            sign_in_method=session.sign_in_method,
            stop_in_force=self.mandate.is_stopped(),
            makers=self.registry.makers_of(account.account_id),
        )
        request = replace(request, **words)
        decision = in_force.engine.decide(request)
        version = in_force.verified.charter.version
        if decision.allowed:
            return Permission(decision, version)
        told = decision
        if ask is not None and APPROVAL_RULES.issuperset(decision.rules):
            told = in_force.engine.decide(replace(request, approvals=_ideal_approvals(now)))
            if told.allowed:  # nothing but the second person is missing
                raise ask()
            recorded = {**(recorded or {}), "refused_too": list(told.rules)}
        self._record_refusal(session, request, decision, version, now, recorded or {})
        raise Refused(" ".join(told.sentences) or "The charter does not allow this.", told.rules)

    def authorize_search(
        self,
        session: Session,
        request: SearchRequest,
        window: tuple[datetime, datetime],
        now: datetime,
        approvals: Sequence[Approval] = (),
        ask: Callable[[], ApprovalNeeded] | None = None,
    ) -> Permission:
        """Decide a search whose parts fit its kind (``search_kinds.pattern_of``)."""
        searches = self.registry.searches_since(session.account.account_id, now - RATE_PERIOD)
        return self.authorize(
            session,
            "search",
            FEATURE_OF[request.kind],
            now,
            purpose=request.purpose,
            offense=request.offense,
            declared_use=request.declared_use,
            on_behalf_of=request.on_behalf_of or None,
            case_number=request.case_number,
            window_start=window[0],
            window_end=window[1],
            searches_last_hour=searches,
            cameras=len(request.camera_ids),
            warrant=request.warrant,
            approvals=tuple(approvals),
            ask=ask,
            recorded=asked_fields(request, window),
        )

    def refusal(
        self, session: Session, action: str, rule: str, message: str, now: datetime, **recorded: Any
    ) -> Refused:
        """The refusal to raise by a rule of the gate itself, recorded and counted as the policy's are.

        Raises:
            LogUnavailable: it could not be recorded.
        """
        self.recorder.record(
            "refusal",
            {"account_id": session.account.account_id, "action": action, "rules": [rule], **recorded},
            at=now,
            public={"rules": rule},
            operation={"kind": "refused", "rules": [rule]},
        )
        return Refused(message, (rule,))

    def camera_name(self, camera_id: str) -> str:
        """The name the charter gives a camera; its id when the charter no longer lists it."""
        cameras = {camera.id: camera.name for camera in self.mandate.last().verified.charter.cameras}
        return cameras.get(camera_id, camera_id)

    def _record_refusal(
        self,
        session: Session,
        request: DecisionRequest,
        decision: Decision,
        version: int,
        now: datetime,
        recorded: Mapping[str, Any],
    ) -> None:
        self.recorder.record(
            "refusal",
            {
                "account_id": session.account.account_id,
                "action": request.action,
                "feature": request.feature,
                "purpose": request.purpose,
                "offense": request.offense,
                "declared_use": request.declared_use,
                "on_behalf_of": request.on_behalf_of,
                "case_number": request.case_number,
                "rules": list(decision.rules),
                **recorded,
                **_replayable(decision, version),
            },
            at=now,
            public={"rules": ",".join(decision.rules)},
            operation={"kind": "refused", "rules": list(decision.rules)},
        )


def _ideal_approvals(now: datetime) -> tuple[Approval, ...]:
    """Second persons who lack nothing and are nobody's: whatever still refuses is not for want of them."""
    return tuple(
        Approval(f"nobody {role}", (role,), True, True, now + timedelta(days=1))
        for role in ("supervisor", "auditor")
    )


def _replayable(decision: Decision, version: int) -> dict[str, Any]:
    return {
        "cedar_request": decision.canonical_request,
        "cedar_entities": decision.canonical_entities,
        "policy_sha256": decision.policy_sha256,
        "engine_version": decision.engine_version,
        "charter_version": version,
    }
