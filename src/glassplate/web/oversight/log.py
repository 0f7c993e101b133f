"""The record as it can be seen without an auditor's key: every entry's public half, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from glassplate.records import EntrySummary
from glassplate.web import pages
from glassplate.web.signing_in import Visited

if TYPE_CHECKING:
    from glassplate.web.face import Visit

PAGE_SIZE = 50
REFUSALS_LOOKED_AT = 2_000  # newest entries that the refusals page goes through; it says so
FETCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class EntriesPage:
    """One page of the record. ``older`` and ``newer`` are the neighbors' ``before``, or None at the ends."""

    template: ClassVar[str] = "oversight/entries.html"
    entries: tuple[EntrySummary, ...]
    size: int
    published_size: int
    older: int | None
    newer: int | None


@dataclass(frozen=True, slots=True)
class RefusalsPage:
    """Refusals among the newest ``looked_at`` entries, and how many by type."""

    template: ClassVar[str] = "oversight/refusals.html"
    refusals: tuple[EntrySummary, ...]
    by_rule: tuple[tuple[str, int], ...]
    looked_at: int
    size: int


def log_routes() -> APIRouter:
    """``/entries`` and ``/refusals``; a single entry is ``web/entry.py``."""
    router = APIRouter()

    @router.get("/")
    def home(visit: Visited) -> RedirectResponse:
        del visit  # only to be signed in
        return RedirectResponse("/entries", status_code=303)

    @router.get("/entries")
    def entries(
        request: Request, visit: Visited, before: Annotated[int | None, Query(ge=1)] = None
    ) -> Response:
        size = visit.status.log_size
        end = min(before or size, size)
        first = max(0, end - PAGE_SIZE)
        found = visit.client.entries(first, end - first) if end else []
        page = EntriesPage(
            entries=tuple(reversed(found)),
            size=size,
            published_size=visit.status.published_size,
            older=first or None,
            newer=min(end + PAGE_SIZE, size) if end < size else None,
        )
        return pages.answer(request, page, visit.frame)

    @router.get("/refusals")
    def refusals(request: Request, visit: Visited) -> Response:
        return pages.answer(request, _refusals(visit), visit.frame)

    return router


def _refusals(visit: Visit) -> RefusalsPage:
    size = visit.status.log_size
    first = max(0, size - REFUSALS_LOOKED_AT)
    found: list[EntrySummary] = []
    for start in range(first, size, FETCH_SIZE):
        found += [
            one for one in visit.client.entries(start, min(FETCH_SIZE, size - start)) if is_refusal(one)
        ]
    counts: dict[str, int] = {}
    for one in found:
        for rule in rules_of(one):
            counts[rule] = counts.get(rule, 0) + 1
    by_rule = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return RefusalsPage(tuple(reversed(found)), by_rule, size - first, size)


def is_refusal(entry: EntrySummary) -> bool:
    """A refusal by the charter, a refused sign-in, reads that were refused: the vault names them so."""
    return entry.entry_type == "refusal" or entry.entry_type.endswith("-refused")


def rules_of(entry: EntrySummary) -> tuple[str, ...]:
    """The rules that an entry names in public, else its type."""
    named = entry.public.get("rules") or entry.public.get("rule") or ""
    return tuple(rule.strip() for rule in named.split(",") if rule.strip()) or (entry.entry_type,)
