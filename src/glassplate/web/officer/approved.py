"""Running what was approved: exactly the words that somebody asked for and others approved, nothing typed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from glassplate.errors import ApprovalNeeded, SignatureNeeded, UsageError
from glassplate.records import ExportRequest, HoldRequest, SearchRequest
from glassplate.web import pages
from glassplate.web.approvals import USED_FROM_HERE, RequestId, approval_page, signature_of
from glassplate.web.officer.evidence import PlacedPage, package_download
from glassplate.web.officer.search import found_page
from glassplate.web.signing_in import Posted, Visited

if TYPE_CHECKING:
    from glassplate.records import ActSignature, ApprovalRequest
    from glassplate.web.face import Visit

Asked = TypeVar("Asked")


def approved_routes() -> APIRouter:
    """``/approvals/{id}/use``."""
    router = APIRouter()

    @router.post("/approvals/{request_id}/use")
    def use(request: Request, visit: Visited, request_id: RequestId, form: Posted) -> Response:
        asked = visit.client.show_approval(request_id)
        if asked.state != "approved":  # run now, it would be asked for anew
            page = approval_page(visit, asked, notice=f"This request is {asked.state}. Nothing was run.")
            return pages.answer(request, page, visit.frame, 409)
        try:
            return _run(request, visit, asked, signature_of(visit, form))
        except (ApprovalNeeded, SignatureNeeded) as needed:
            page = approval_page(visit, asked, notice=str(needed))
            return pages.answer(request, page, visit.frame, needed.http_status)

    @router.post("/approvals/{request_id}/use/options")
    def options(visit: Visited, request_id: RequestId) -> dict[str, Any] | None:
        return visit.client.use_options(request_id)

    return router


def _run(request: Request, visit: Visit, asked: ApprovalRequest, signature: ActSignature | None) -> Response:
    if asked.action == "search":
        result = visit.client.search(_words(SearchRequest, asked))
        return pages.answer(request, found_page(visit, result), visit.frame)
    if asked.action == "hold":
        placed = visit.client.place_hold(_words(HoldRequest, asked))
        return pages.answer(request, PlacedPage(placed), visit.frame)
    if asked.action == "export":
        return package_download(visit.client.export(_words(ExportRequest, asked), signature))
    raise UsageError(f"This is run elsewhere; from here: {', '.join(USED_FROM_HERE)}.")


def _words(kind: type[Asked], asked: ApprovalRequest) -> Asked:
    try:
        return TypeAdapter(kind).validate_python(asked.words)
    except ValidationError:
        raise UsageError("This request was asked of another version of Glassplate. Ask anew.") from None
