"""The officer's own searches, and the policy in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from glassplate.records import CharterSummary, PastSearch
from glassplate.site.charter_words import CharterChapter, chapters
from glassplate.web import pages
from glassplate.web.signing_in import Visited


@dataclass(frozen=True, slots=True)
class MySearchesPage:
    """The caller's own searches, newest first, with the charter's words for purposes and offenses."""

    template: ClassVar[str] = "officer/searches.html"
    searches: tuple[PastSearch, ...] = field(repr=False)
    purposes: tuple[tuple[str, str], ...]
    offenses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """The charter in plain words, who signed it, and its fingerprint."""

    template: ClassVar[str] = "policy.html"
    charter: CharterSummary
    chapters: tuple[CharterChapter, ...]


def history_routes() -> APIRouter:
    """``/searches`` and ``/policy``."""
    router = APIRouter()

    @router.get("/searches")
    def searches(request: Request, visit: Visited) -> Response:
        charter = visit.charter
        page = MySearchesPage(tuple(visit.client.my_searches()), charter.purposes, charter.offenses)
        return pages.answer(request, page, visit.frame)

    @router.get("/policy")
    def policy(request: Request, visit: Visited) -> Response:
        page = PolicyPage(visit.charter, chapters(visit.charter))
        return pages.answer(request, page, visit.frame)

    return router
