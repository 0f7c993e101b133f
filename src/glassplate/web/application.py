"""The ASGI application around a face: headers, errors, static files, the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles

from glassplate.web import pages
from glassplate.web.headers import FaceHeaders
from glassplate.web.problems import add_problem_handlers
from glassplate.web.signing_in import sign_in_routes

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.types import ASGIApp

    from glassplate.web.face import Face


def application(face: Face, *routers: APIRouter) -> ASGIApp:
    """A face's application. No OpenAPI page: it would load scripts from elsewhere."""
    app = FastAPI(title=face.title, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.face = face
    add_problem_handlers(app)
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    for router in (sign_in_routes(), *routers):
        app.include_router(router)

    @app.get("/healthz")
    def alive() -> PlainTextResponse:
        return PlainTextResponse("alive\n")

    return FaceHeaders(
        app, origin=face.origin
    )  # outermost, so that even a crash's answer carries the headers
