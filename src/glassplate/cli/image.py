"""``glassplate image``: open the picture of a read that one's own search showed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.errors import UsageError
from glassplate.files import LocalFiles


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("image", epilog="Example: glassplate image READ_ID --search 42 --out crop.jpg")(image)


def image(
    read_id: Annotated[str, typer.Argument(help="A read id that the search showed.")],
    search: Annotated[int, typer.Option(help="Entry number of your search.")],
    out: Annotated[Path, typer.Option(help="Where to write the JPEG.")],
    kind: Annotated[str, typer.Option(help="crop or scene")] = "crop",
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Open one picture. Leaves an entry of its own."""
    del json
    if out.exists() and not yes:
        raise UsageError(f"{out} exists. Choose another name, or add --yes to replace it.")
    with vault_client(city(directory), unlock=unlock) as client:
        opened = client.open_image(read_id, search, kind)
    LocalFiles().write_atomic(out, opened.jpeg, mode=0o600)
    emit(
        {"receipt": opened.receipt, "read_id": read_id, "kind": kind, "file": str(out)},
        f"Recorded as entry {opened.receipt.entry_index:,}; the {kind} is in {out}.",
    )
