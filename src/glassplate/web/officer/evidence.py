"""Evidence: reads that a search or an alert showed are held past their day, or handed out as a package."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from glassplate.errors import NotSignedIn, Refused, UsageError
from glassplate.records import EvidencePackage, ExportRequest, Hold, HoldRequest, OpenedHold, PlacedHold
from glassplate.web import pages
from glassplate.web.face import Visit
from glassplate.web.forms import PostedForm
from glassplate.web.officer.search import Refusal
from glassplate.web.officer.search_form import SearchChoices
from glassplate.web.signing_in import Posted, Visited


@dataclass(frozen=True, slots=True)
class EvidenceForm:
    """What was chosen and typed. One of ``search_index``, ``alert_id`` and ``hold_id`` says where the reads are."""

    read_ids: tuple[str, ...]
    search_index: str
    alert_id: str
    hold_id: str
    case_number: str = field(repr=False)
    authority: str
    reason: str
    until: str
    purpose: str
    offense: str

    @classmethod
    def posted(cls, form: PostedForm) -> EvidenceForm:
        """As it came."""
        texts = {name: form.text(name) for name in _TEXTS}
        return cls(read_ids=tuple(form.texts("read_id")), **texts)

    def hold(self) -> HoldRequest:
        """The hold that is asked for.

        Raises:
            UsageError: the last day is no day, or no source is named.
        """
        return HoldRequest(
            case_number=self.case_number,
            authority=self.authority,
            reason=self.reason,
            until=_end_of(self.until),
            read_ids=self.read_ids,
            search_index=self._search(),
            alert_id=self.alert_id or None,
            hold_id=self.hold_id or None,
            purpose=self.purpose,
            offense=self.offense,
        )

    def export(self) -> ExportRequest:
        """The export that is asked for."""
        return ExportRequest(
            case_number=self.case_number,
            reason=self.reason,
            read_ids=self.read_ids,
            search_index=self._search(),
            hold_id=self.hold_id or None,
        )

    def _search(self) -> int | None:
        return int(self.search_index) if self.search_index.isdecimal() else None


_TEXTS = (
    *("search_index", "alert_id", "hold_id", "case_number", "authority", "reason", "until"),
    *("purpose", "offense"),
)


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """Keep these reads, or hand them out: what is still to be said, and what was refused."""

    template: ClassVar[str] = "officer/evidence.html"
    form: EvidenceForm = field(repr=False)
    choices: SearchChoices
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class PlacedPage:
    """A hold that was placed, the receipt first."""

    template: ClassVar[str] = "officer/placed.html"
    placed: PlacedHold


@dataclass(frozen=True, slots=True)
class HoldsPage:
    """The holds of one case; None before one was named."""

    template: ClassVar[str] = "officer/holds.html"
    case_number: str = field(repr=False)
    case_number_example: str
    holds: tuple[Hold, ...] | None


@dataclass(frozen=True, slots=True)
class HoldPage:
    """Held reads, opened for the eye."""

    template: ClassVar[str] = "officer/hold.html"
    opened: OpenedHold


def evidence_routes() -> APIRouter:
    """``/evidence``, ``/holds`` and ``/exports``. No case number stands in an address, so finding is a POST too."""
    router = APIRouter()

    @router.post("/evidence")
    def choose(request: Request, visit: Visited, form: Posted) -> Response:
        chosen = EvidenceForm.posted(form)
        if not (chosen.read_ids or chosen.alert_id or chosen.hold_id):
            raise UsageError("Mark the reads first that are needed as evidence.")
        return _page(request, visit, chosen, None)

    @router.post("/holds")
    def place(request: Request, visit: Visited, form: Posted) -> Response:
        asked = EvidenceForm.posted(form)
        try:
            placed = visit.client.place_hold(asked.hold())
        except NotSignedIn:
            raise
        except (Refused, UsageError) as error:
            return _page(request, visit, asked, error)
        return pages.answer(request, PlacedPage(placed), visit.frame)

    @router.post("/exports")
    def export(request: Request, visit: Visited, form: Posted) -> Response:
        asked = EvidenceForm.posted(form)
        try:
            package = visit.client.export(asked.export())
        except NotSignedIn:
            raise
        except (Refused, UsageError) as error:
            return _page(request, visit, asked, error)
        return package_download(package)

    _add_finding(router)
    return router


def package_download(package: EvidencePackage) -> Response:
    """The package as a file to save."""
    name = f"evidence-entry-{package.receipt.entry_index}.zip"
    return Response(
        package.content,
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _add_finding(router: APIRouter) -> None:
    @router.get("/holds")
    def holds(request: Request, visit: Visited) -> Response:
        return pages.answer(request, HoldsPage("", visit.charter.case_number_example, None), visit.frame)

    @router.post("/holds/of-case")
    def of_case(request: Request, visit: Visited, form: Posted) -> Response:
        case_number = form.text("case_number")
        found = tuple(visit.client.holds_of_case(case_number))
        page = HoldsPage(case_number, visit.charter.case_number_example, found)
        return pages.answer(request, page, visit.frame)

    @router.post("/holds/open")
    def open_hold(request: Request, visit: Visited, form: Posted) -> Response:
        opened = visit.client.open_hold(form.text("hold_id"), form.text("case_number"))
        return pages.answer(request, HoldPage(opened), visit.frame)


def _page(request: Request, visit: Visit, form: EvidenceForm, error: Refused | UsageError | None) -> Response:
    """The form, which stays when it was refused: after an approval the same is sent again."""
    refusal = None
    if error is not None:
        rules = error.rules if isinstance(error, Refused) else ()
        refusal = Refusal(str(error), rules, error.http_status)
    page = EvidencePage(form, SearchChoices.of(visit.charter), refusal)
    return pages.answer(request, page, visit.frame, refusal.status if refusal else 200)


def _end_of(day: str) -> datetime:
    """The end of a day in UTC."""
    try:
        at = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        return at + timedelta(days=1)
    except (ValueError, OverflowError):
        raise UsageError("Give the last day on which the reads are kept.") from None
