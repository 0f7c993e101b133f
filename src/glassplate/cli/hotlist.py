"""``glassplate hotlist``: arm wanted plates that the charter allows."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, progress, say, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 256 * 1024 * 1024  # a million rows with long reasons
MAX_LINE_CHARACTERS = 64 * 1024
ROWS_AT_ONCE = 2_000  # one entry of the record holds no more
MAX_SHOWN = 1_000
_verbs = typer.Typer(help="Wanted plates: import, list, withdraw.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="hotlist")


@_verbs.command(
    "import",
    epilog="Example: glassplate hotlist import stolen.csv --authority 'State file of 2026-11-25'   "
    "glassplate hotlist import stolen.csv --authority 'State file of 2026-11-25' --from-row 120001",
)
def import_list(
    file: Annotated[Path, typer.Argument(help="CSV: plate,region,category,authority,reason,expires_at")],
    authority: Annotated[str, typer.Option(help="Where the list comes from.")],
    from_row: Annotated[
        int, typer.Option(min=1, help="Go on here after a break; the first row below the header is 1.")
    ] = 1,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Arm the entries of a file; what the charter does not allow is dropped and counted."""
    del json
    total = count_rows(file)
    if from_row > total:
        raise UsageError(f"{file} has {total} rows; there is none from {from_row} on.")
    armed, done, receipts, dropped = 0, from_row - 1, [], Counter[str]()
    with vault_client(city(directory), unlock=unlock) as client, progress() as bars:
        task = bars.add_task("importing", total=total, completed=done, visible=total > ROWS_AT_ONCE)
        rows = islice(read_rows(file), done, None)
        try:
            while part := list(islice(rows, ROWS_AT_ONCE)):
                result = client.import_hotlist(part, authority)
                armed, done = armed + result.armed, done + len(part)
                dropped.update(result.dropped)
                receipts.append(result.receipt)
                bars.advance(task, len(part))
        except BaseException:
            if done >= from_row:
                say(
                    f"Rows 1 to {done:,} of {total:,} are recorded. Go on with the same command and --from-row {done + 1}."
                )
            raise
    entries = f"entry {receipts[0].entry_index:,}"
    if len(receipts) > 1:
        entries = f"{len(receipts)} entries, {receipts[0].entry_index:,} to {receipts[-1].entry_index:,}"
    lines = [f"Recorded as {entries}.", f"{armed:,} entries armed."]
    lines += [f"  dropped {n:,}: {why}" for why, n in sorted(dropped.items())]
    emit({"armed": armed, "dropped": dict(dropped), "receipts": receipts}, lines)


@_verbs.command(
    "list",
    epilog="Example: glassplate hotlist list --plate 7KDR   glassplate hotlist list --limit 1000 --json",
)
def list_entries(
    plate: Annotated[str, typer.Option(help="Only plates that begin so; O is 0 and I is 1.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MAX_SHOWN, help="At most so many.")] = 100,
    after: Annotated[str, typer.Option(help="Go on where the last page ended: its last line says how.")] = "",
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Show armed entries, by plate, a page at a time."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        page = client.hotlist(plate=plate, after=after, limit=limit)
    if not page.entries:
        emit(
            page,
            "No entry is armed." if not page.armed else f"None of {page.armed:,} armed entries is like that.",
        )
        return
    rows = [
        (e.entry_id, e.plate, e.region, e.category, e.authority, e.reason, f"{e.expires_at:%Y-%m-%d}")
        for e in page.entries
    ]
    columns = ("Id", "Plate", "Region", "Category", "Authority", "Reason", "Ends")
    emit(page, table(f"{len(rows):,} of {page.armed:,} armed entries", columns, rows))
    if page.next:
        say(f"More: add --after {page.next}")


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


def count_rows(file: Path) -> int:
    """Rows below the header; the whole file is read once, so that nothing of a damaged one is sent.

    Raises:
        InputRefused: as ``read_rows``, or there are none.
    """
    count = sum(1 for _ in read_rows(file))
    if not count:
        raise InputRefused(f"{file} has no rows below its header.")
    return count


def read_rows(file: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file by column name, one after the other.

    Raises:
        InputRefused: missing, too large, not text, or without the column ``plate``.
    """
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputRefused(f"{file} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB. Split it.")
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(_lines(text), strict=True)
            if "plate" not in [name.strip().lower() for name in reader.fieldnames or () if name]:
                raise InputRefused(f"{file} has no rows, or no column named plate.")
            for row in reader:
                yield {k.strip().lower(): v for k, v in row.items() if k and isinstance(v, str)}
    except OSError as error:
        raise InputRefused(f"{file} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{file} is not a CSV file in UTF-8: {error}.") from None


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(MAX_LINE_CHARACTERS + 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise csv.Error(f"a line is longer than {MAX_LINE_CHARACTERS:,} characters")
        yield line
