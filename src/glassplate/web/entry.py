"""One entry's public half and its proof: for everybody on the oversight face, behind a receipt on the officer's.

The vault decides who may read the record; both faces ask it with the visitor's own session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from glassplate.records import EntrySummary
from glassplate.web import pages
from glassplate.web.signing_in import Visited


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry's public half; ``is_published`` once a signed checkpoint covers it and a proof can be had."""

    template: ClassVar[str] = "entry.html"
    entry: EntrySummary
    is_published: bool


def entry_routes() -> APIRouter:
    """``/entries/{index}`` and its proof."""
    router = APIRouter()

    @router.get("/entries/{index}")
    def entry(request: Request, visit: Visited, index: int) -> Response:
        found = visit.client.entries(index, 1) if 0 <= index < visit.status.log_size else []
        if not found:
            raise HTTPException(404, f"The record has no entry {index} yet")
        page = EntryPage(found[0], index < visit.status.published_size)
        return pages.answer(request, page, visit.frame)

    @router.get("/entries/{index}/proof")
    def proof(visit: Visited, index: int) -> PlainTextResponse:
        name = f'attachment; filename="entry-{index}.tlog-proof"'
        return PlainTextResponse(visit.client.proof(index), headers={"Content-Disposition": name})

    return router
