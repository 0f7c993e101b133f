"""Each epoch key's life, and the charter with its signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from glassplate.records import CharterSummary, EpochStatus, VaultStatus
from glassplate.site.charter_words import CharterChapter, chapters
from glassplate.web import pages
from glassplate.web.signing_in import Visited


@dataclass(frozen=True, slots=True)
class KeysPage:
    """Every epoch's key, newest first. ``overdue`` counts keys that live past their death date: must be 0."""

    template: ClassVar[str] = "oversight/keys.html"
    epochs: tuple[EpochStatus, ...]
    overdue: int
    status: VaultStatus


@dataclass(frozen=True, slots=True)
class CharterPage:
    """The charter in plain words, with its signatures; the same page as the officers' policy."""

    template: ClassVar[str] = "policy.html"
    charter: CharterSummary
    chapters: tuple[CharterChapter, ...]


def key_routes() -> APIRouter:
    """``/keys`` and ``/charter``."""
    router = APIRouter()

    @router.get("/keys")
    def keys(request: Request, visit: Visited) -> Response:
        epochs = sorted(visit.client.epochs(), key=lambda epoch: epoch.starts_at, reverse=True)
        overdue = sum(epoch.state != "destroyed" and epoch.destroy_at <= visit.now for epoch in epochs)
        return pages.answer(request, KeysPage(tuple(epochs), overdue, visit.status), visit.frame)

    @router.get("/charter")
    def charter(request: Request, visit: Visited) -> Response:
        page = CharterPage(visit.charter, chapters(visit.charter))
        return pages.answer(request, page, visit.frame)

    return router
