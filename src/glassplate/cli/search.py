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
from glassplate.records import VEHICLE_BODIES, VEHICLE_COLORS, SearchRequest

if TYPE_CHECKING:
    from glassplate.records import ApprovalRequest, FoundRead, SearchKind, SearchResult

DOUBT_BELOW = 0.8  # a character below this is shown in brackets and must be checked by eye
COLOR_WORDS = {word: name for name in VEHICLE_COLORS for word in name.split(" or ")}
"""Such as "gray" for "silver or gray", which cannot be told apart."""
NOTHING_FOUND = (
    "No read in this period. That does not mean that the vehicle was not there: cameras see some streets some of the "
    "time, and misread some plates."
)
_PERIOD = re.compile(r"(\d{1,4})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "search",
        epilog="Example: glassplate search 7KDR214 --purpose stolen_vehicle --offense auto_theft --case 26-004512   "
        "glassplate search 7KDR214 --look-alike --purpose stolen_vehicle --offense auto_theft --case 26-004512   "
        "glassplate search --vehicle --body car --color white --camera court-16th --last 24h "
        "--purpose hit_and_run --offense hit_and_run_injury --case 26-004512   "
        "glassplate search --everything --camera court-16th --since 2026-11-25T08:00Z --until 2026-11-25T09:00Z "
        "--warrant SW-26-118 --purpose violent_crime --offense homicide --case 26-004512   "
        "glassplate search --next 1234",
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
    look_alike: Annotated[
        bool,
        typer.Option(
            "--look-alike", help="Also plates that the plate is misread for, and those one character away."
        ),
    ] = False,
    vehicle: Annotated[
        bool, typer.Option("--vehicle", help="No plate: vehicles of a --body or --color at chosen cameras.")
    ] = False,
    body: Annotated[
        list[str] | None,
        typer.Option(help=f"With --vehicle: {', '.join(VEHICLE_BODIES)}; may be repeated."),
    ] = None,
    color: Annotated[
        list[str] | None,
        typer.Option(help=f"With --vehicle: {', '.join(COLOR_WORDS)}; may be repeated."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything", help="No plate: all that chosen cameras read. Needs a warrant and a supervisor."
        ),
    ] = False,
    on_behalf_of: Annotated[str | None, typer.Option(help="Agency that asked, if not your own.")] = None,
    declared_use: Annotated[str, typer.Option(help="What the result is for.")] = "own_case",
    warrant: Annotated[str, typer.Option(help="Number of the warrant, where the search needs one.")] = "",
    approval: Annotated[
        str | None,
        typer.Option(help="Run the search that you asked for under this request id, and nothing else."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Show at most this many reads on a page.")] = 100,
    next_page: Annotated[
        int | None,
        typer.Option(
            "--next",
            metavar="ENTRY",
            help="The page after the one that was recorded as this entry; yours only.",
        ),
    ] = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Search reads by plate, by the look of a vehicle, or by camera. The search is recorded before it runs."""
    del json
    kind = _kind(plate, look_alike=look_alike, vehicle=vehicle, everything=everything)
    if approval is not None or next_page is not None:
        if kind or body or color or camera or (approval is not None and next_page is not None):
            raise UsageError("Give --approval or --next alone: what was asked before has its own words.")
    elif kind is None:
        raise UsageError(
            "Missing argument 'plate' (or --vehicle, or --everything). See: glassplate search --help"
        )
    with vault_client(city(directory), unlock=unlock) as client:
        now = client.status().now
        if next_page is not None:
            result = client.next_page(next_page)
        elif approval is not None:
            result = client.search(approved_search(client.show_approval(approval)))
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
                kind=kind or "exact",
                bodies=tuple(body or ()),
                colors=tuple(_color(text) for text in color or ()),
                limit=limit,
                warrant=warrant,
            )
            result = client.search(request)
        strange = set(result.request.camera_ids) - {camera_id for camera_id, _ in client.charter().cameras}
    emit(
        result,
        table(
            receipt_line(result),
            ("Read", "Least sure", "Time (UTC)", "Camera", "Vehicle", "Deleted", "Read id"),
            [_row(f, now) for f in result.reads],
        ),
    )
    if result.truncated:
        say(f"There are more. The next page: glassplate search --next {result.receipt.entry_index}")
    elif not result.reads:
        say(NOTHING_FOUND)
    for camera_id in sorted(strange):
        say(
            f"The charter in force names no camera {shown(camera_id)}: check the id (glassplate charter show)."
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
    found = f"{len(result.reads)} reads" + (" (the newest; there are more)" if result.truncated else "")
    if result.page > 1:
        found = f"Page {result.page}: {found}"
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


def _kind(plate: str, *, look_alike: bool, vehicle: bool, everything: bool) -> SearchKind | None:
    """What the words of the command ask for; None for nothing."""
    if vehicle and everything:
        raise UsageError("Choose --vehicle or --everything.")
    if vehicle:
        return "vehicle"
    if everything:
        return "camera_window"
    if look_alike:
        return "look_alike"
    if not plate:
        return None
    return "wildcard" if set("?*") & set(plate) else "exact"


def _color(text: str) -> str:
    return COLOR_WORDS.get(text.lower(), text.lower())


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
