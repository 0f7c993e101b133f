"""Searching: the form, the receipt, the reads. A search is an act: a POST, with no plate in any address."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from glassplate.errors import NotSignedIn, Refused, UsageError
from glassplate.records import FoundRead, OpenedImage, Receipt, SearchRequest, SearchResult, wanted_vehicle
from glassplate.web import pages, words
from glassplate.web.officer.search_form import TABS, SearchChoices, SearchForm, TabId
from glassplate.web.officer.time_strip import TimeStrip, time_strip
from glassplate.web.signing_in import Posted, Visited

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.web.face import Visit


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gate said no. ``rules`` is empty where only the words of the question were off."""

    detail: str
    rules: tuple[str, ...]
    status: int


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One line of the answer."""

    found: FoundRead
    characters: tuple[words.Character, ...]
    check_by_eye: bool
    deleted: str
    """Such as "in 27 days"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A search that ran. The receipt is its first line, on the page and here."""

    receipt: Receipt
    policy_version: str
    request: SearchRequest
    purpose_label: str
    searched_since: datetime
    searched_until: datetime
    rows: tuple[ReadRow, ...]
    cameras: int
    asked: str = field(repr=False)
    """What was searched for, as it follows "3 reads"; empty for a plate."""
    page: int
    truncated: bool
    unserved: tuple[tuple[str, str], ...]
    """(epoch id, reason) of periods that could not be searched: the answer lacks their reads."""
    strip: TimeStrip


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The search page: the form, and what came of it."""

    template: ClassVar[str] = "officer/search.html"
    form: SearchForm = field(repr=False)
    choices: SearchChoices
    complaints: dict[str, str]
    refusal: Refusal | None
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class ImagePage:
    """A scene opened through the gate, with its own entry in the record."""

    template: ClassVar[str] = "officer/image.html"
    image: OpenedImage


def search_routes() -> APIRouter:
    """``/search`` and ``/images``."""
    router = APIRouter()

    @router.get("/")
    def home(visit: Visited) -> RedirectResponse:
        del visit  # only to be signed in
        return RedirectResponse("/search", status_code=303)

    for tab in TABS:
        _add_tab(router, tab.path, tab.tab_id)

    @router.post("/search/next")
    def next_page(request: Request, visit: Visited, form: Posted) -> Response:
        index = form.text("search_index")
        if not index.isdecimal():
            raise UsageError("Go on from the search that showed the page before.")
        page, status = _answered(visit, lambda: visit.client.next_page(int(index)))
        return pages.answer(request, page, visit.frame, status)

    @router.post("/images")
    def image(request: Request, visit: Visited, form: Posted) -> Response:
        index = form.text("search_index")
        if not index.isdecimal():
            raise UsageError("Open an image from the search that found it.")
        opened = visit.client.open_image(form.text("read_id"), int(index), "scene")
        return pages.answer(request, ImagePage(opened), visit.frame)

    return router


def _add_tab(router: APIRouter, path: str, tab: TabId) -> None:
    @router.get(path)
    def search_page(request: Request, visit: Visited) -> Response:
        choices = SearchChoices.of(visit.charter)
        page = SearchPage(SearchForm.empty(choices, tab), choices, {}, None, None)
        return pages.answer(request, page, visit.frame)

    @router.post(path)
    def search(request: Request, visit: Visited, form: Posted) -> Response:
        page, status = _searched(visit, SearchForm.posted(form, tab))
        return pages.answer(request, page, visit.frame, status)


def _searched(visit: Visit, form: SearchForm) -> tuple[SearchPage, int]:
    choices = SearchChoices.of(visit.charter)
    complaints = form.complaints(choices)
    if complaints:
        return SearchPage(form, choices, complaints, None, None), 422
    asked = form.request(choices, visit.now, visit.face.zone)
    return _answered(visit, lambda: visit.client.search(asked), form)


def _answered(
    visit: Visit, ask: Callable[[], SearchResult], form: SearchForm | None = None
) -> tuple[SearchPage, int]:
    """``form`` None: as it was when the answer's first page was asked for."""
    choices = SearchChoices.of(visit.charter)
    try:
        result = ask()
    except NotSignedIn:
        raise
    except (Refused, UsageError) as error:  # the form stays, so that the officer can mend it
        rules = error.rules if isinstance(error, Refused) else ()
        refusal = Refusal(str(error), rules, error.http_status)
        shown = form or SearchForm.empty(choices)
        return SearchPage(shown, choices, {}, refusal, None), error.http_status
    shown = form or SearchForm.of(result.request, choices, visit.face.zone)
    return SearchPage(shown, choices, {}, None, _answer(result, choices, visit.now)), 200


def _asked(request: SearchRequest, choices: SearchChoices) -> str:
    if request.kind == "vehicle":
        return f" of {wanted_vehicle(request.bodies, request.colors)}"
    if request.kind == "camera_window":
        names = [words.label(choices.cameras, camera_id) for camera_id in request.camera_ids]
        return f": everything at {' and '.join(names)}"
    return ""


def _answer(result: SearchResult, choices: SearchChoices, now: datetime) -> Answer:
    rows = tuple(_row(found, now) for found in result.reads)
    return Answer(
        receipt=result.receipt,
        policy_version=result.policy_version,
        request=result.request,
        asked=_asked(result.request, choices),
        page=result.page,
        purpose_label=words.label(choices.purposes, result.request.purpose),
        searched_since=result.searched_since,
        searched_until=result.searched_until,
        rows=rows,
        cameras=len({found.read.camera_id for found in result.reads}),
        truncated=result.truncated,
        unserved=result.unserved,
        strip=time_strip(rows, result.searched_since, result.searched_until),
    )


def _row(found: FoundRead, now: datetime) -> ReadRow:
    characters = words.characters(found.read)
    return ReadRow(
        found=found,
        characters=characters,
        check_by_eye=any(character.is_doubtful for character in characters),
        deleted=words.until(found.destroyed_at, now),
    )


def found_page(visit: Visit, result: SearchResult) -> SearchPage:
    """The page of a search that was approved and run from there; the form beside it is empty."""
    choices = SearchChoices.of(visit.charter)
    return SearchPage(SearchForm.empty(choices), choices, {}, None, _answer(result, choices, visit.now))
