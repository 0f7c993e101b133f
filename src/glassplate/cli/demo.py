"""``glassplate demo``: build a small city and show the whole road."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.connection import running_vault
from glassplate.cli.console import emit, say
from glassplate.cli.options import DEFAULT_DIR, Json, city
from glassplate.cli.serve import addresses, watch
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
        links = sign_in_links(stage)
        for name, link in links.items():
            say(f"  {name:<28} {link}")
        say(f"  {'public, for everybody':<28} {addresses(settings)['public']}")
        say("  Each link signs in once (demo charters only). Stop with Ctrl-C.")
        webbrowser.open(next(iter(links.values())))
        watch(folder, settings, None, vault)


def sign_in_links(stage: object) -> dict[str, str]:
    """One-time links for the demo's officer and auditor."""
    from glassplate.demo.stage import ADMINISTRATOR, AUDITOR, OFFICER, PEOPLE, Stage

    assert isinstance(stage, Stage)  # noqa: S101 - typed loosely to keep the demo out of start-up
    settings = stage.settings
    with stage.person(ADMINISTRATOR) as administrator:
        return {
            f"{PEOPLE[who][0]} ({face})": f"{origin}/sign-in/link?secret={administrator.issue_link(who)}"
            for who, face, origin in (
                (OFFICER, "officer", settings.officer_origin),
                (AUDITOR, "oversight", settings.oversight_origin),
            )
        }
