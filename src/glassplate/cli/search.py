"""``glassplate search``: record and search."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter

from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, say, shown, table, vehicle_words
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.errors import UsageError
from glassplate.records import SearchRequest

if TYPE_CHECKING:
    from glassplate.records import ApprovalRequest, FoundRead, SearchResult

DOUBT_BELOW = 0.8  # a character below this is shown in brackets and must be checked by eye
_PERIOD = re.compile(r"(\d{1,4})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "search",
        epilog="Example: glassplate search 7KDR214 --purpose stolen_vehicle --offense theft --case 26-004512",
    )(search)


def search(
    plate: Annotated[
        str, typer.Argument(help="The plate; ? for one unknown character, * for any number.")
    ] = "",
    purpose: Annotated[
        str, typer.Option(help="A purpose the charter allows (glassplate charter show).")
    ] = "",
    offense: Annotated[str, typer.Option(help="The offense.")] = "",
    case: Annotated[str, typer.Option(help="Case or call number.")] = "",
    last: Annotated[str, typer.Option(help="Period back from now: 30m, 24h, 7d.")] = "7d",
    since: Annotated[str | None, typer.Option(help="Start instead of --last (ISO time with zone).")] = None,
    until: Annotated[str | None, typer.Option(help="End (ISO time with zone).")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be repeated.")] = None,
    on_behalf_of: Annotated[str | None, typer.Option(help="Agency that asked, if not your own.")] = None,
    declared_use: Annotated[str, typer.Option(help="What the result is for.")] = "own_case",
    feature: Annotated[str | None, typer.Option(help="Feature to use; by default the plate decides.")] = None,
    warrant: Annotated[str, typer.Option(help="Number of the warrant, where the search needs one.")] = "",
    approval: Annotated[
        str | None,
        typer.Option(help="Run the search that you asked for under this request id, and nothing else."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Show at most this many reads.")] = 100,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Search reads of one plate. The search is recorded before it runs."""
    del json
    if not plate and approval is None:
        raise UsageError("Missing argument 'plate'. See: glassplate search --help")
    if plate and approval is not None:
        raise UsageError("Name the plate or --approval: the approved search has its own words.")
    with vault_client(city(directory), unlock=unlock) as client:
        now = client.status().now
        if approval is not None:
            request = approved_search(client.show_approval(approval))
        else:
            request = SearchRequest(
                plate=plate,
                purpose=purpose,
                offense=offense,
                case_number=case,
                since=_time(since) if since else now - period(last),
                until=_time(until) if until else now,
                camera_ids=tuple(camera or ()),
                declared_use=declared_use,
                on_behalf_of=on_behalf_of,
                feature=feature or ("wildcard_search" if set("?*") & set(plate) else "plate_search"),
                limit=limit,
                warrant=warrant,
            )
        result = client.search(request)
    emit(
        result,
        table(
            receipt_line(result),
            ("Read", "Least sure", "Time (UTC)", "Camera", "Vehicle", "Deleted", "Read id"),
            [_row(f, now) for f in result.reads],
        ),
    )
    for epoch_id, reason in result.unserved:
        say(f"[bold red]Not searched: {shown(epoch_id)}.[/] {shown(reason)}")


def approved_search(asked: ApprovalRequest) -> SearchRequest:
    """Exactly the search that was asked for.

    Raises:
        UsageError: the request is of another act.
    """
    if asked.action != "search":
        raise UsageError(f"Request {asked.request_id} is no search, but: {asked.action}.")
    return TypeAdapter(SearchRequest).validate_python(asked.words)


def receipt_line(result: SearchResult) -> str:
    """The first line of any answer."""
    found = f"{len(result.reads)} reads" + (" (cut at the limit)" if result.truncated else "")
    return (
        f"Recorded as entry {result.receipt.entry_index:,} before it ran, for {result.request.purpose}, "
        f"case {result.request.case_number}, under {result.policy_version}. {found}."
    )


def period(text: str) -> timedelta:
    """``7d`` → seven days.

    Raises:
        UsageError: for anything else.
    """
    match = _PERIOD.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} is no period. Write 30m, 24h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def marked(found: FoundRead) -> str:
    """The plate with doubtful characters in parentheses."""
    read = found.read
    pairs = zip(read.text, read.character_confidences, strict=True)
    return "".join(f"({c})" if confidence < DOUBT_BELOW else c for c, confidence in pairs)


def _row(found: FoundRead, now: datetime) -> tuple[str, ...]:
    read = found.read
    days = max(0, (found.destroyed_at - now).days)
    return (
        marked(found),
        f"{read.confidence:.2f}",
        f"{read.captured_at:%Y-%m-%d %H:%M:%S}",
        found.camera_name,
        vehicle_words(read.vehicle),
        f"in {days} days",
        read.read_id,
    )


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time. Write 2026-11-25T08:00Z.") from None
    if time.tzinfo is None:
        raise UsageError(f"{text!r} has no zone. Write 2026-11-25T08:00Z.")
    return time.astimezone(UTC)
