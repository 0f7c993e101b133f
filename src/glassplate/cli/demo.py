"""``glassplate demo``: build a small city and show the whole road."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.connection import running_vault
from glassplate.cli.console import emit
from glassplate.cli.options import DEFAULT_DIR, Json, city
from glassplate.cli.serve import open_faces
from glassplate.config import Settings


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo", epilog="Example: glassplate demo --headless --dir /tmp/city")(demo)


def demo(
    directory: Annotated[Path, typer.Option("--dir", "-d", help="A new or empty folder.")] = DEFAULT_DIR,
    headless: Annotated[
        bool, typer.Option("--headless", help="End after the check, without web pages.")
    ] = False,
    json: Json = False,
) -> None:
    """Build a small invented city, run the main job on real photos, check it from outside, open the web pages."""
    del json
    from glassplate.demo.run import run_demo

    folder, settings = city(directory), Settings()
    stage = run_demo(folder, settings)
    root = " ".join(f"--root {office}={mark}" for office, mark in stage.fingerprints.items())
    command = f"glassplate verify {folder.public} {root}"
    emit(
        {"folder": str(folder.root), "fingerprints": stage.fingerprints, "verify": command},
        [
            "",
            "Check it yourself:",
            f"  {command}",
            "Run it again later:",
            f"  glassplate serve --dir {folder.root}",
        ],
    )
    if headless:
        return
    with running_vault(folder) as vault:
        stage.open_chapter("The web pages open")
        open_faces(folder, settings, None, vault)
