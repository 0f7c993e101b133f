"""``glassplate alerts``: list, show, decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, table
from glassplate.cli.console import shown as printed
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.files import LocalFiles

MATCHES = {
    "exact": "as read",
    "alternative": "another reading: check by eye",
    "look_alike": "looks alike: check by eye",
    "one_edit": "one character differs: check by eye",
}
_verbs = typer.Typer(help="Alerts: list, show, decide.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="alerts")


@_verbs.command("list", epilog="Example: glassplate alerts list")
def list_alerts(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Alerts, newest first."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        found = client.alerts()
    rows = [
        (
            a.alert_id,
            f"{a.raised_at:%Y-%m-%d %H:%M:%S}",
            a.camera_name,
            a.entry.plate,
            a.entry.category,
            "state unknown: check by eye" if a.region_matches is None else "state matches",
            MATCHES[a.matched],
            a.state,
        )
        for a in found
    ]
    columns = ("Id", "Raised (UTC)", "Camera", "Wanted plate", "Category", "State", "Plate", "Decision")
    emit(found, table("Alerts", columns, rows) if rows else "No alerts.")


@_verbs.command("show", epilog="Example: glassplate alerts show 1f2e3d4c5b6a7988 --out crop.jpg")
def show(
    alert_id: Annotated[str, typer.Argument(help="Id from glassplate alerts list.")],
    out: Annotated[Path, typer.Option(help="Where to write the plate crop (JPEG).")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Look at an alert's plate crop beside the list entry. Leaves an entry."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        shown = client.show_alert(alert_id)
    lines = [f"Recorded as entry {shown.receipt.entry_index:,}."]
    entry = shown.alert.entry
    lines.append(printed(f"Wanted: {entry.plate} ({entry.category}: {entry.reason})"))
    if shown.found is None:
        lines.append("The read's day has been destroyed; there is no picture any more.")
    else:
        LocalFiles().write_atomic(out, shown.found.crop_jpeg, mode=0o600)
        lines.append(
            f"Read:   {shown.found.read.text} at {shown.found.camera_name}; the crop is in {out}. Compare by eye."
        )
    if shown.difference:
        lines.append(f"A silent alert. {printed(shown.difference)}")
    emit(shown, lines)


@_verbs.command(
    "decide",
    epilog="Example: glassplate alerts decide 1f2e3d4c5b6a7988 --confirm --disposition vehicle_located",
)
def decide(
    alert_id: Annotated[str, typer.Argument(help="Id from glassplate alerts list.")],
    disposition: Annotated[
        str, typer.Option(help="What was done, e.g. vehicle_located, wrong_plate, no_action.")
    ],
    confirmed: Annotated[bool, typer.Option("--confirm/--dismiss", help="What the eye saw.")],
    note: Annotated[str, typer.Option(help="A short note for the record.")] = "",
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Close an alert that you have looked at."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        receipt = client.decide_alert(alert_id, confirmed=confirmed, disposition=disposition, note=note)
    emit(
        receipt,
        f"Recorded as entry {receipt.entry_index:,}: {'confirmed' if confirmed else 'dismissed'}, {disposition}.",
    )
