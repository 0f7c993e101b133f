"""What is asked of a hold or an export: its form, the words that approvals bind to and the record keeps. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.errors import UsageError

if TYPE_CHECKING:
    from glassplate.records import ExportRequest, HoldRequest

LONGEST_HOLD = timedelta(days=366)  # a longer case extends it, and somebody looks at it again
MAX_READS = 500  # as many as one search shows
MAX_SCOPE = timedelta(days=1)  # a camera-day
MAX_SCOPE_CAMERAS = 10
MAX_SCOPE_READS = 20_000  # a busy road's day
MAX_WORDS = 300  # characters of an authority or a reason


MAX_EXPORT_READS = 100  # what a court can look at; the package stays below its limit


def bound_words(request: HoldRequest | ExportRequest) -> dict[str, Any]:
    """A request as JSON values, every word of it: what an approval binds to."""
    return {name: _plain(value) for name, value in asdict(request).items()}


def check_hold_request(request: HoldRequest, now: datetime) -> None:
    """The request's form.

    Raises:
        UsageError: saying which word is off.
    """
    sources = (request.search_index, request.alert_id, request.hold_id, request.camera_ids or None)
    if sum(source is not None for source in sources) != 1:
        raise UsageError("Name one source: a search, an alert, a hold, or the cameras of a court's order.")
    for name, text in (("authority", request.authority), ("reason", request.reason)):
        if not text.strip() or len(text) > MAX_WORDS:
            raise UsageError(f"Give the {name} in at most {MAX_WORDS} characters.")
    if request.until.tzinfo is None or not now < request.until <= now + LONGEST_HOLD:
        raise UsageError(
            f"A hold ends on a day in the future, at most {LONGEST_HOLD.days} days from now; extend it by another one."
        )
    if len(request.read_ids) > MAX_READS:
        raise UsageError(f"A hold names at most {MAX_READS} reads.")
    if request.camera_ids:
        _check_scope(request, now)
    elif request.since is not None or request.scope_until is not None:
        raise UsageError("A period belongs to the cameras of a court's order.")


def _check_scope(request: HoldRequest, now: datetime) -> None:
    since, until = request.since, request.scope_until
    if since is None or until is None or since.tzinfo is None or until.tzinfo is None:
        raise UsageError("A court's scope has cameras, a beginning and an end, with a zone.")
    if not timedelta(0) < until - since <= MAX_SCOPE or until > now:
        raise UsageError("A court's scope spans at most one day, and lies in the past.")
    if len(request.camera_ids) > MAX_SCOPE_CAMERAS or request.read_ids:
        raise UsageError(f"A court's scope has at most {MAX_SCOPE_CAMERAS} cameras and names no single read.")


def own_words(request: HoldRequest) -> dict[str, Any]:
    """What a hold is for where no search or other hold says it: this agency's own case."""
    return {
        "purpose": request.purpose,
        "offense": request.offense,
        "declared_use": "own_case",
        "on_behalf_of": None,
        "case_number": request.case_number,
    }


def told(request: HoldRequest, read_ids: tuple[str, ...]) -> dict[str, Any]:
    """What an entry seals of the request, besides what it is for."""
    told = bound_words(request)
    for name in ("case_number", "purpose", "offense", "hold_id"):
        del told[name]
    return {**told, "read_ids": list(read_ids), "extends": request.hold_id}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def check_export_request(request: ExportRequest) -> None:
    """The request's form.

    Raises:
        UsageError: saying which word is off.
    """
    if (request.search_index is None) is (request.hold_id is None):
        raise UsageError("Name one source: a search of yours, or a hold of the case.")
    if request.search_index is not None and not request.read_ids:
        raise UsageError("Name the reads to export; the search shows their ids.")
    if len(request.read_ids) > MAX_EXPORT_READS:
        raise UsageError(f"A package holds at most {MAX_EXPORT_READS} reads; export in parts.")
    if not request.reason.strip() or len(request.reason) > MAX_WORDS:
        raise UsageError(f"Give the reason in at most {MAX_WORDS} characters.")
