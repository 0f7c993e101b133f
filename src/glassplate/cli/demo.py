"""``glassplate demo``: build a small city and show the whole road."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.connection import running_vault, vault_answers
from glassplate.cli.console import confirm, emit, program
from glassplate.cli.login import demo_passkey
from glassplate.cli.options import DEFAULT_DIR, Json, Yes, city
from glassplate.cli.serve import open_faces
from glassplate.config import Settings
from glassplate.errors import FolderBusy, UsageError

if TYPE_CHECKING:
    from glassplate.config import CityFolder


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo", epilog="Example: glassplate demo --headless --dir /tmp/city")(demo)


def demo(
    directory: Annotated[Path, typer.Option("--dir", "-d", help="A new or empty folder.")] = DEFAULT_DIR,
    headless: Annotated[
        bool, typer.Option("--headless", help="End after the check, without web pages.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove the demo city that an earlier run left in the folder.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Build a small invented city, run the main job on real photos, check it from outside, open the web pages."""
    del json
    from glassplate.demo.run import run_demo

    folder, settings = city(directory), Settings()
    if replace:
        _remove_earlier(folder, yes=yes)
    stage = run_demo(folder, settings)
    root = " ".join(f"--root {office}={mark}" for office, mark in stage.fingerprints.items())
    command = f"{program()} verify {folder.public} {root}"
    emit(
        {"folder": str(folder.root), "fingerprints": stage.fingerprints, "verify": command},
        [
            "",
            "Check it yourself:",
            f"  {command}",
            "Run it again later:",
            f"  {program()} serve --dir {folder.root}",
        ],
    )
    if headless:
        return
    with running_vault(folder) as vault:
        stage.open_chapter("The web pages open")
        open_faces(folder, settings, None, vault)


def _remove_earlier(folder: CityFolder, *, yes: bool) -> None:
    """Remove a city that an earlier demo made; nothing else, whatever the folder is called."""
    if not folder.root.exists() or not any(folder.root.iterdir()):
        return
    if not demo_passkey(folder, "administrator").exists():
        raise UsageError(f"{folder.root} holds something that no demo made. Choose another --dir.")
    if vault_answers(folder):
        raise FolderBusy(f"The demo city in {folder.root} is running. Stop it first (Ctrl-C where it runs).")
    confirm(f"Remove the demo city of an earlier run in {folder.root}?", yes=yes)
    shutil.rmtree(folder.root)
