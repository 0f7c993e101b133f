"""From an error of the vault to a page that says what happened and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from glassplate.errors import (
    ClockRefused,
    GlassplateError,
    InputRefused,
    KeyDestroyed,
    LogUnavailable,
    NotSignedIn,
    Refused,
    UsageError,
    VaultUnreachable,
)
from glassplate.web import pages
from glassplate.web.face import problem_frame

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

SIGN_IN_PATH = "/sign-in"
_TITLES: tuple[tuple[type[GlassplateError], str], ...] = (  # the first type that fits
    (NotSignedIn, "Sign in first"),
    (Refused, "Refused by the charter"),
    (LogUnavailable, "Nothing was answered: the record cannot be written"),
    (VaultUnreachable, "The vault does not answer"),
    (ClockRefused, "Stopped: the clock cannot be trusted"),
    (KeyDestroyed, "Deleted for good"),
    (UsageError, "Something in the request is missing or malformed"),
    (InputRefused, "This could not be accepted"),
)


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """Something did not go through. ``rules`` are the charter's rules that decided, if any."""

    template: ClassVar[str] = "problem.html"
    title: str
    detail: str
    rules: tuple[str, ...]
    status: int


def add_problem_handlers(app: FastAPI) -> None:
    """Every error of ours, every unknown address and every malformed request gets a page."""
    app.add_exception_handler(GlassplateError, _of_vault)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)


def problem_of(error: GlassplateError) -> ProblemPage:
    """The page for one error."""
    title = next((words for kind, words in _TITLES if isinstance(error, kind)), "This did not work")
    rules = error.rules if isinstance(error, Refused) else ()
    return ProblemPage(title, str(error), rules, error.http_status)


def _of_vault(request: Request, error: Exception) -> Response:
    assert isinstance(error, GlassplateError)  # noqa: S101 - registered for this type only
    if isinstance(error, NotSignedIn) and not pages.wants_json(request):
        return to_sign_in(request, error)
    return _answer(request, problem_of(error))


def to_sign_in(request: Request, error: NotSignedIn) -> Response:
    """A visitor without a session is sent to the sign-in page; a lost attempt gets a page of its own."""
    if request.headers.get("hx-request"):  # htmx follows this header; a redirect it would swap into the page
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN_PATH})
    if request.method == "GET":
        return RedirectResponse(SIGN_IN_PATH, status_code=303)
    return _answer(request, problem_of(error))


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    title = "No such page" if error.status_code == 404 else "This does not work here"  # noqa: PLR2004
    return _answer(request, ProblemPage(title, f"{error.detail}.", (), error.status_code))


def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    places = sorted({str(item["loc"][-1]) for item in error.errors()})  # names only: a value may hold a plate
    detail = f"These values are missing or malformed: {', '.join(places)}."
    return _answer(request, ProblemPage("Something in the request is missing or malformed", detail, (), 422))


def _answer(request: Request, page: ProblemPage) -> Response:
    if pages.wants_json(request):  # RFC 9457
        document = {"type": "about:blank", "title": page.title, "status": page.status, "detail": page.detail}
        return JSONResponse(
            {**document, "rules": list(page.rules)}, page.status, media_type="application/problem+json"
        )
    return pages.answer(request, page, problem_frame(request), page.status)
