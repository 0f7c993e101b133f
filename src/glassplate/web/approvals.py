"""What waits for a second person: the queue, one request with every word, the decision. For both faces with people.

The vault decides who may read, decide and use a request; these pages only say what it would be asked.
Reading a request leaves an entry, so it is a POST, and a decision is confirmed on a page of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Path
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from glassplate.errors import UsageError
from glassplate.records import ActSignature, ApprovalRequest, Receipt
from glassplate.web import pages, words
from glassplate.web.signing_in import Posted, Visited

if TYPE_CHECKING:
    from datetime import tzinfo

    from glassplate.records import CharterSummary
    from glassplate.web.face import Visit
    from glassplate.web.forms import PostedForm

Decision = Literal["approve", "refuse"]
RequestId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
_OPEN = ("waiting", "approved")
_MOMENTS = ("since", "until", "scope_until", "training_valid_until", "at", "certain_at")
USED_FROM_HERE = {
    "search": "Record and search",
    "hold": "Record and hold",
    "export": "Record and download",
}
"""Acts of the officer's pages -> the button that runs one, approved, with exactly its words."""


@dataclass(frozen=True, slots=True)
class ApprovalsPage:
    """The queue: what this person may decide, what this person asked, and what is over."""

    template: ClassVar[str] = "approvals.html"
    to_decide: tuple[ApprovalRequest, ...]
    own: tuple[ApprovalRequest, ...]
    over: tuple[ApprovalRequest, ...]


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """One request with every word that an approval binds to."""

    template: ClassVar[str] = "approval.html"
    asked: ApprovalRequest
    act: str
    rows: tuple[tuple[str, str], ...] = field(repr=False)
    is_own: bool
    may_decide: bool
    """As far as a page can tell: the vault refuses a second voice, and whoever is not independent."""
    use: str
    """The button that runs it, for its asker, once it is approved; empty where nothing can be run from here."""
    notice: str = ""
    """Why it did not run."""
    complaint: str = ""
    invites: bool = False
    """Whether this person, who approved a new account, hands out a part of its invitation."""
    needs_passkey: bool = False
    """Whether running it takes a signature by one's own passkey."""


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """The decision, before it is recorded for good."""

    template: ClassVar[str] = "approval_confirm.html"
    request_id: str
    request_sha256: str
    decision: Decision
    reason: str
    needs_passkey: bool
    """Whether it takes a signature by one's own passkey, which a script has to ask for."""


@dataclass(frozen=True, slots=True)
class ApprovalDecidedPage:
    """The receipt of a decision."""

    template: ClassVar[str] = "approval_decided.html"
    receipt: Receipt
    request_id: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class InvitationPartPage:
    """The approver's part of a new account's invitation."""

    template: ClassVar[str] = "approval_invitation.html"
    part: str = field(repr=False)


def approval_routes() -> APIRouter:
    """``/approvals`` and below."""
    router = APIRouter()

    @router.get("/approvals")
    def queue(request: Request, visit: Visited) -> Response:
        return pages.answer(request, _queue(visit), visit.frame)

    @router.post("/approvals/{request_id}/show")
    def show(request: Request, visit: Visited, request_id: RequestId) -> Response:
        page = approval_page(visit, visit.client.show_approval(request_id))
        return pages.answer(request, page, visit.frame)

    @router.post("/approvals/{request_id}/confirm")
    def confirm(request: Request, visit: Visited, request_id: RequestId, form: Posted) -> Response:
        if not form.text("reason"):
            page = approval_page(visit, visit.client.show_approval(request_id), complaint="Say why.")
            return pages.answer(request, page, visit.frame, 422)
        page_of_it = ConfirmPage(
            request_id,
            form.text("request_sha256"),
            _decision(form.text("decision")),
            form.text("reason"),
            _has_passkey(visit),
        )
        return pages.answer(request, page_of_it, visit.frame)

    @router.post("/approvals/{request_id}/decision")
    def decide(request: Request, visit: Visited, request_id: RequestId, form: Posted) -> Response:
        decision = _decision(form.text("decision"))
        receipt = visit.client.decide_approval(
            request_id,
            form.text("request_sha256"),
            approve=decision == "approve",
            reason=form.text("reason"),
            signature=signature_of(visit, form),
        )
        return pages.answer(request, ApprovalDecidedPage(receipt, request_id, decision), visit.frame)

    @router.post("/approvals/{request_id}/invitation")
    def invitation(request: Request, visit: Visited, request_id: RequestId) -> Response:
        page = InvitationPartPage(visit.client.release_invitation(request_id))
        return pages.answer(request, page, visit.frame)

    @router.post("/approvals/{request_id}/decision/options")
    def options(visit: Visited, request_id: RequestId, form: Posted) -> dict[str, Any] | None:
        return visit.client.decision_options(
            request_id,
            form.text("request_sha256"),
            approve=_decision(form.text("decision")) == "approve",
            reason=form.text("reason"),
        )

    return router


def signature_of(visit: Visit, form: PostedForm) -> ActSignature | None:
    """The passkey's answer that a script put into the form; None where there is none.

    Raises:
        UsageError: it is no JSON object.
    """
    text = form.text("assertion")
    if not text:
        return None
    try:
        return ActSignature(TypeAdapter(dict[str, Any]).validate_json(text), visit.face.origin)
    except ValidationError:
        raise UsageError("The passkey's answer cannot be read. Try again.") from None


def approval_page(
    visit: Visit, asked: ApprovalRequest, *, notice: str = "", complaint: str = ""
) -> ApprovalPage:
    """The page of a request that was shown."""
    mine = visit.session.account.account_id if visit.session else ""
    is_own = asked.asked_by == mine
    can_run = is_own and asked.state == "approved" and visit.face.name == "officer"
    return ApprovalPage(
        asked=asked,
        act=words.act_words(asked.action),
        rows=_rows(asked.words, visit.charter, visit.face.zone),
        is_own=is_own,
        may_decide=_may_decide(asked, mine),
        use=USED_FROM_HERE.get(asked.action, "") if can_run else "",
        notice=notice,
        invites=asked.state == "used" and (mine, True) in asked.decided_by and "display_name" in asked.words,
        needs_passkey=asked.action == "export" and _has_passkey(visit),
        complaint=complaint,
    )


def _has_passkey(visit: Visit) -> bool:
    return visit.session is not None and visit.session.sign_in_method == "passkey"


def _queue(visit: Visit) -> ApprovalsPage:
    mine = visit.session.account.account_id if visit.session else ""
    found = visit.client.approvals()
    still_open = [one for one in found if one.state in _OPEN]
    return ApprovalsPage(
        to_decide=tuple(one for one in still_open if _may_decide(one, mine)),
        own=tuple(one for one in still_open if one.asked_by == mine),
        over=tuple(
            one
            for one in found
            if not (_may_decide(one, mine) or (one in still_open and one.asked_by == mine))
        ),
    )


def _may_decide(asked: ApprovalRequest, account_id: str) -> bool:
    has_decided = any(who == account_id for who, _ in asked.decided_by)
    return asked.state in _OPEN and asked.asked_by != account_id and not has_decided


def _decision(text: str) -> Decision:
    """Anything but a clear yes is a no."""
    return "approve" if text == "approve" else "refuse"


def _rows(asked: dict[str, Any], charter: CharterSummary, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """Every word, also the ones that were left empty: what was not asked for binds, too."""
    known = {
        "purpose": charter.purposes,
        "offense": charter.offenses,
        "declared_use": tuple((use, label) for use, label, _ in charter.declared_uses),
        "camera_ids": charter.cameras,
    }
    return tuple(
        (words.spaced(name), _moment(value, zone) if name in _MOMENTS else _value(value, known.get(name, ())))
        for name, value in asked.items()
    )


def _value(value: Any, labels: tuple[tuple[str, str], ...]) -> str:
    if value in (None, "", []):
        return "Not given"
    if isinstance(value, list):
        return ", ".join(_value(one, labels) for one in value)
    label = dict(labels).get(str(value))
    return f"{words.capital(label)} ({value})" if label else str(value)


def _moment(value: Any, zone: tzinfo) -> str:
    """A time for the eye, with the exact one beside it."""
    try:
        return f"{words.minute(datetime.fromisoformat(value), zone)} ({value})"
    except (TypeError, ValueError):
        return _value(value, ())
