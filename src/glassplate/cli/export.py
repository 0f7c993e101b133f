"""``glassplate export``: hand out reads of a case as a signed package of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.approved import asked_for
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.errors import UsageError
from glassplate.files import LocalFiles
from glassplate.records import ExportRequest


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "export",
        epilog="Example: glassplate export evidence.zip --case 26-004512 --search 42 "
        "--read 0123456789abcdef0123456789abcdef --reason 'Discovery, People v. Doe'",
    )(export)


def export(
    out: Annotated[Path, typer.Argument(help="Where to write the package (.zip).")],
    case: Annotated[str, typer.Option(help="Case number that the reads are evidence in.")] = "",
    reason: Annotated[str, typer.Option(help="What for, in a few words for the record and the court.")] = "",
    read: Annotated[list[str] | None, typer.Option(help="A read id; may be repeated.")] = None,
    search: Annotated[int | None, typer.Option(help="Entry number of your search that showed them.")] = None,
    hold: Annotated[
        str | None, typer.Option(help="Hold of the case that keeps them, instead of a search.")
    ] = None,
    approval: Annotated[
        str | None, typer.Option(help="Do what you asked for under this request id, and nothing else.")
    ] = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Write a signed package. Without a supervisor's and an auditor's approval it is asked for, and waits."""
    del json
    if out.exists() and not yes:
        raise UsageError(f"{out} exists. Choose another name, or add --yes to replace it.")
    typed = {
        "case_number": case,
        "reason": reason,
        "read_ids": tuple(read or ()),
        "search_index": search,
        "hold_id": hold,
    }
    with vault_client(city(directory), unlock=unlock) as client:
        request = asked_for(client, approval, "export", ExportRequest, typed)
        package = client.export(request)
    LocalFiles().write_atomic(out, package.content, mode=0o600)
    emit(
        {
            "receipt": package.receipt,
            "reads": package.reads,
            "sha256": package.sha256,
            "file": str(out),
        },
        [
            (
                f"Recorded as entry {package.receipt.entry_index:,}: {package.reads} reads of case "
                f"{shown(request.case_number)} are in {out}."
            ),
            f"Its SHA-256, which the record publishes: {package.sha256}",
            f"Check it with: glassplate verify {out} --root clerk=… --root chief=… --root auditor=…",
        ],
    )
