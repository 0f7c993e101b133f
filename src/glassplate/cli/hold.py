"""``glassplate hold``: keep reads of a case past their day, find and look at what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.approved import asked_for
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, say, shown, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.errors import UsageError
from glassplate.files import LocalFiles
from glassplate.records import HoldRequest

_verbs = typer.Typer(
    help="Reads kept past their retention: place, list, show, proposals.", no_args_is_help=True
)
Case = Annotated[str, typer.Option(help="Case number that the reads are kept for.")]
Approval = Annotated[
    str | None, typer.Option(help="Do what you asked for under this request id, and nothing else.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="hold")


@_verbs.command(
    "place",
    epilog="Example: glassplate hold place --case 26-004512 --search 42 --read 0123456789abcdef0123456789abcdef "
    "--until 2027-03-01 --authority 'Court order 26-CR-118' --reason 'Evidence of the theft'",
)
def place(
    case: Case = "",
    until: Annotated[str, typer.Option(help="Last day: 2027-03-01, or a time with zone.")] = "",
    authority: Annotated[str, typer.Option(help="Who may order this: court order, warrant, statute.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in a few words for the record.")] = "",
    read: Annotated[list[str] | None, typer.Option(help="A read id; may be repeated.")] = None,
    search: Annotated[int | None, typer.Option(help="Entry number of your search that showed them.")] = None,
    alert: Annotated[str | None, typer.Option(help="Alert that ended with a stop or an arrest.")] = None,
    extend: Annotated[str | None, typer.Option(help="Hold to keep longer, by another approval.")] = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="A camera of a court's order; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Begin of the court's scope (ISO time with zone).")
    ] = None,
    to: Annotated[str | None, typer.Option(help="End of the court's scope (ISO time with zone).")] = None,
    purpose: Annotated[str, typer.Option(help="A purpose of the charter, with --alert or --camera.")] = "",
    offense: Annotated[str, typer.Option(help="The offense, with --alert or --camera.")] = "",
    approval: Approval = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Keep reads under a key of their own until a day. Without a supervisor's approval it is asked for, and waits."""
    del json
    typed = {
        "case_number": case,
        "authority": authority,
        "reason": reason,
        "until": _end(until) if until else None,
        "read_ids": tuple(read or ()),
        "search_index": search,
        "alert_id": alert,
        "hold_id": extend,
        "camera_ids": tuple(camera or ()),
        "since": _time(since) if since else None,
        "scope_until": _time(to) if to else None,
        "purpose": purpose,
        "offense": offense,
    }
    with vault_client(city(directory), unlock=unlock) as client:
        placed = client.place_hold(asked_for(client, approval, "hold", HoldRequest, typed))
    hold = placed.hold
    emit(
        placed,
        f"Recorded as entry {placed.receipt.entry_index:,}: {hold.hold_id} keeps {hold.reads} reads of case "
        f"{shown(hold.case_number)} until {hold.ends_at:%Y-%m-%d %H:%M} UTC. Then its key is destroyed.",
    )
    for period, why in placed.missing:
        say(f"[bold red]Not held: {shown(period)}.[/] {shown(why)}")


@_verbs.command("list", epilog="Example: glassplate hold list --case 26-004512")
def list_holds(case: Case, directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Show the holds of one case. Opens no read."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        found = client.holds_of_case(case)
    rows = [
        (
            hold.hold_id,
            hold.state,
            f"{hold.reads}",
            "a court's camera-day" if hold.is_scope else "named reads",
            hold.authority,
            f"{hold.ends_at:%Y-%m-%d %H:%M}",
        )
        for hold in found
    ]
    columns = ("Hold", "State", "Reads", "Of", "Authority", "Ends (UTC)")
    emit(found, table(f"Holds of case {case}", columns, rows) if rows else "Nothing is held for this case.")


@_verbs.command("show", epilog="Example: glassplate hold show hold-0123456789abcdef --case 26-004512")
def show(
    hold_id: Annotated[str, typer.Argument(help="Id from glassplate hold list.")],
    case: Case,
    images: Annotated[
        Path | None, typer.Option(help="Folder to write the pictures to; made if it is not there.")
    ] = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Look at held reads. Leaves an entry of its own."""
    del json
    if images is not None and images.exists() and not yes:
        raise UsageError(f"{images} exists. Choose another name, or add --yes to write into it.")
    with vault_client(city(directory), unlock=unlock) as client:
        opened = client.open_hold(hold_id, case)
    for kept in opened.reads if images is not None else ():
        for kind, jpeg in (("crop", kept.crop_jpeg), ("scene", kept.scene_jpeg)):
            if jpeg is not None:
                LocalFiles().write_atomic(
                    Path(images or "") / f"{kept.read.read_id}-{kind}.jpg", jpeg, mode=0o600
                )
    rows = [
        (k.read.text, f"{k.read.captured_at:%Y-%m-%d %H:%M:%S}", k.camera_name, k.read.read_id)
        for k in opened.reads
    ]
    title = (
        f"Recorded as entry {opened.receipt.entry_index:,}. {hold_id} ends {opened.hold.ends_at:%Y-%m-%d}."
    )
    emit(opened, table(title, ("Read", "Time (UTC)", "Camera", "Read id"), rows))


@_verbs.command("proposals", epilog="Example: glassplate hold proposals")
def proposals(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Show stops and arrests whose read dies with its day unless somebody holds it."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        found = client.hold_proposals()
    rows = [
        (
            p.alert_id,
            f"{p.raised_at:%Y-%m-%d %H:%M}",
            p.disposition.replace("_", " "),
            f"{p.dies_at:%Y-%m-%d}",
        )
        for p in found
    ]
    columns = ("Alert", "Raised (UTC)", "Ended with", "Read dies")
    emit(found, table("Proposed holds", columns, rows) if rows else "No stop or arrest waits for a hold.")


def _end(text: str) -> datetime:
    """A day means its end."""
    at = _time(text if "T" in text else f"{text}T00:00Z")
    return at if "T" in text else at + timedelta(days=1)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day or time. Write 2027-03-01 or 2027-03-01T08:00Z.") from None
    if time.tzinfo is None:
        raise UsageError(f"{text!r} has no zone. Write 2027-03-01T08:00Z.")
    return time.astimezone(UTC)
