"""The officer's own searches, what auditors ask about them, and the policy in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from glassplate.records import CharterSummary, PastSearch, SearchQuestion
from glassplate.site.charter_words import CharterChapter, chapters
from glassplate.web import pages
from glassplate.web.face import Visit
from glassplate.web.signing_in import Posted, Visited


@dataclass(frozen=True, slots=True)
class MySearchesPage:
    """The caller's own searches, newest first, with the charter's words for purposes and offenses."""

    template: ClassVar[str] = "officer/searches.html"
    searches: tuple[PastSearch, ...] = field(repr=False)
    purposes: tuple[tuple[str, str], ...]
    offenses: tuple[tuple[str, str], ...]
    questions: tuple[SearchQuestion, ...] = field(repr=False)
    complaint: str | None = None


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
        return pages.answer(request, _my_searches(visit), visit.frame)

    @router.post("/questions/{finding_index}/{search_index}/reply")
    def reply(
        request: Request, visit: Visited, finding_index: int, search_index: int, form: Posted
    ) -> Response:
        text = form.text("text")
        if not text:
            page = _my_searches(visit, "Write your reply first.")
            return pages.answer(request, page, visit.frame, 422)
        visit.client.reply(finding_index, search_index, text)
        return pages.answer(request, _my_searches(visit), visit.frame)

    @router.get("/policy")
    def policy(request: Request, visit: Visited) -> Response:
        page = PolicyPage(visit.charter, chapters(visit.charter))
        return pages.answer(request, page, visit.frame)

    return router


def _my_searches(visit: Visit, complaint: str | None = None) -> MySearchesPage:
    charter = visit.charter
    searches, questions = tuple(visit.client.my_searches()), tuple(visit.client.questions())
    return MySearchesPage(searches, charter.purposes, charter.offenses, questions, complaint)
