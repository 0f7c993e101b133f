"""``glassplate hotlist``: arm wanted plates that the charter allows."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, progress, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.errors import InputRefused

MAX_FILE_BYTES = 64 * 1024 * 1024  # half a million rows
ROWS_AT_ONCE = 2_000  # one entry of the record holds no more
_verbs = typer.Typer(help="Wanted plates: import, list, withdraw.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="hotlist")


@_verbs.command(
    "import", epilog="Example: glassplate hotlist import stolen.csv --authority 'State file of 2026-11-25'"
)
def import_list(
    file: Annotated[Path, typer.Argument(help="CSV: plate,region,category,authority,reason,expires_at")],
    authority: Annotated[str, typer.Option(help="Where the list comes from.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Arm the entries of a file; what the charter does not allow is dropped and counted."""
    del json
    rows = read_rows(file)
    parts = [rows[first : first + ROWS_AT_ONCE] for first in range(0, len(rows), ROWS_AT_ONCE)]
    with vault_client(city(directory), unlock=unlock) as client, progress() as bars:
        task = bars.add_task("importing", total=len(rows), visible=len(parts) > 1)
        imported = []
        for part in parts:
            imported.append(client.import_hotlist(part, authority))
            bars.advance(task, len(part))
    dropped: Counter[str] = Counter()
    for result in imported:
        dropped.update(result.dropped)
    armed = sum(result.armed for result in imported)
    lines = [f"Recorded as entry {result.receipt.entry_index:,}." for result in imported]
    lines += [f"{armed} entries armed.", *(f"  dropped {n}: {why}" for why, n in sorted(dropped.items()))]
    emit(
        {"armed": armed, "dropped": dict(dropped), "receipts": [result.receipt for result in imported]}, lines
    )


@_verbs.command("list", epilog="Example: glassplate hotlist list --json")
def list_entries(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Show armed entries."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        entries = client.hotlist()
    rows = [
        (e.entry_id, e.plate, e.region, e.category, e.authority, e.reason, f"{e.expires_at:%Y-%m-%d}")
        for e in entries
    ]
    columns = ("Id", "Plate", "Region", "Category", "Authority", "Reason", "Ends")
    emit(entries, table("Armed entries", columns, rows) if rows else "No entry is armed.")


@_verbs.command(
    "withdraw", epilog="Example: glassplate hotlist withdraw 1f2e3d4c5b6a7988 --reason 'Vehicle was found'"
)
def withdraw(
    entry_id: Annotated[str, typer.Argument(help="Id from glassplate hotlist list.")],
    reason: Annotated[str, typer.Option(help="Why, in a few words for the record.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Disarm one entry at once."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        receipt = client.withdraw_hotlist_entry(entry_id, reason)
    emit(receipt, f"Recorded as entry {receipt.entry_index:,}: {entry_id} is disarmed.")


def read_rows(file: Path) -> list[dict[str, str]]:
    """Rows of a CSV file by column name.

    Raises:
        InputRefused: missing, too large, not text, or without the column ``plate``.
    """
    try:
        data = file.read_bytes()[: MAX_FILE_BYTES + 1]
    except OSError as error:
        raise InputRefused(f"{file} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_FILE_BYTES:
        raise InputRefused(f"{file} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB. Split it.")
    try:
        reader = csv.DictReader(data.decode("utf-8-sig").splitlines(), strict=True)
        rows = [{k.strip().lower(): v for k, v in row.items() if k and isinstance(v, str)} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{file} is not a CSV file in UTF-8: {error}.") from None
    if not rows or "plate" not in rows[0]:
        raise InputRefused(f"{file} has no rows, or no column named plate.")
    return rows
