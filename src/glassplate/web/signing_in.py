"""Signing in and out, registering a passkey, pairing the command line: the same for both faces with people.

A passkey needs a script, because browsers offer passkeys to scripts only; everything else is plain forms.
A one-time link shows a button first, so that a mail scanner or a prefetch does not use it up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from glassplate.web import pages
from glassplate.web.face import Visit, face_of, open_visit, visit
from glassplate.web.forms import PostedForm, posted_form

HOME = "/"
MAX_SECRET = 200  # ours have 43 characters

Visited = Annotated[Visit, Depends(visit)]
Opened = Annotated[Visit, Depends(open_visit)]
Posted = Annotated[PostedForm, Depends(posted_form)]
Embedded = Annotated[str, Body(embed=True, max_length=MAX_SECRET)]


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The way in. ``retention_minutes`` and ``city`` are None while no charter is in force."""

    template: ClassVar[str] = "sign_in.html"
    city: str | None
    agency: str | None
    retention_minutes: int | None


@dataclass(frozen=True, slots=True)
class LinkPage:
    """One button between a one-time link and its use."""

    template: ClassVar[str] = "link.html"
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasskeyPage:
    """Registering a passkey with an invitation."""

    template: ClassVar[str] = "passkey.html"
    invitation: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PairPage:
    """Confirming the code that ``glassplate login`` shows. ``confirmed`` after the button."""

    template: ClassVar[str] = "pair.html"
    confirmed: bool


def sign_in_routes() -> APIRouter:
    """The routes, for any face."""
    router = APIRouter()
    _add_passkey_routes(router)
    _add_link_routes(router)
    _add_registration_routes(router)
    _add_session_routes(router)
    return router


def _add_passkey_routes(router: APIRouter) -> None:
    @router.get("/sign-in")
    def sign_in_page(request: Request, visit: Opened) -> Response:
        if visit.session is not None:
            return RedirectResponse(HOME, status_code=303)
        charter = visit.status.charter
        page = SignInPage(
            charter.city if charter else None,
            charter.agency if charter else None,
            charter.retention_minutes if charter else None,
        )
        return pages.answer(request, page, visit.frame)

    @router.post("/sign-in/options")
    def options(visit: Opened) -> dict[str, Any]:
        return visit.client.sign_in_options()

    @router.post("/sign-in")
    def sign_in(visit: Opened, assertion: Annotated[dict[str, Any], Body(embed=True)]) -> Response:
        token, _session = visit.client.sign_in(assertion, visit.face.origin)
        return _with_cookie(JSONResponse({"next": HOME}), visit.face.cookie, token)


def _add_link_routes(router: APIRouter) -> None:
    @router.get("/sign-in/link")
    def link_page(request: Request, visit: Opened, secret: str = "") -> Response:
        return pages.answer(request, LinkPage(secret[:MAX_SECRET]), visit.frame)

    @router.post("/sign-in/link")
    def redeem(visit: Opened, form: Posted) -> Response:
        token, _session = visit.client.redeem_link(form.text("secret"))
        return _with_cookie(RedirectResponse(HOME, status_code=303), visit.face.cookie, token)


def _add_registration_routes(router: APIRouter) -> None:
    @router.get("/passkeys/new")
    def passkey_page(request: Request, visit: Opened, invitation: str = "") -> Response:
        return pages.answer(request, PasskeyPage(invitation[:MAX_SECRET]), visit.frame)

    @router.post("/passkeys/options")
    def creation_options(visit: Opened, invitation: Embedded) -> dict[str, Any]:
        return visit.client.registration_options(invitation)

    @router.post("/passkeys")
    def register(
        visit: Opened, invitation: Embedded, attestation: Annotated[dict[str, Any], Body(embed=True)]
    ) -> dict[str, str]:
        account = visit.client.register_passkey(invitation, attestation, visit.face.origin)
        return {"display_name": account.display_name, "next": "/sign-in"}


def _add_session_routes(router: APIRouter) -> None:
    @router.get("/pair")
    def pair_page(request: Request, visit: Visited) -> Response:
        return pages.answer(request, PairPage(confirmed=False), visit.frame)

    @router.post("/pair")
    def pair(request: Request, visit: Visited, form: Posted) -> Response:
        visit.client.confirm_pairing(form.text("code").upper())
        return pages.answer(request, PairPage(confirmed=True), visit.frame)

    @router.post("/sign-out")
    def sign_out(request: Request, visit: Visited) -> Response:
        visit.client.sign_out()
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(
            face_of(request).cookie, path="/", secure=True, httponly=True, samesite="strict"
        )
        return response


def _with_cookie(response: Response, name: str, token: str) -> Response:
    """``__Host-``: https (or localhost), this host only, whole path. It ends with the browser, or earlier."""
    response.set_cookie(name, token, path="/", secure=True, httponly=True, samesite="strict")
    return response
