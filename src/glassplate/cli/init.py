"""``glassplate init``: make a new city's folder."""

from __future__ import annotations

import json as json_module
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from glassplate.charter import OFFICES
from glassplate.cli.console import emit, say
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.errors import UsageError, error_from_kind


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "init",
        epilog="Example: glassplate init --dir city --office clerk=SHA256:… --office chief=SHA256:… --office auditor=SHA256:…",
    )(init)


def init(
    office: Annotated[
        list[str], typer.Option(help="office=fingerprint, once for each office (glassplate charter keygen).")
    ],
    origin: Annotated[
        str | None, typer.Option(help="The log's name, a schema-less URL such as city.example/glassplate.")
    ] = None,
    administrator: Annotated[
        str, typer.Option(help="Account id of the first administrator.")
    ] = "administrator",
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Make a new city: keys, an empty log, the offices' pinned fingerprints.

    A new unlock secret is written to DIR/unlock.secret (readable by you only) unless --unlock names one.
    """
    del json
    folder = city(directory)
    given = dict(part.split("=", 1) for part in office if "=" in part)
    if set(given) != set(OFFICES):
        raise UsageError(f"Give --office NAME=FINGERPRINT once for each of: {', '.join(OFFICES)}.")
    made = make_city(folder.root, given, origin=origin, administrator=administrator, unlock=unlock)
    emit(
        made,
        [
            f"Made {folder.root}.",
            f"  log key     {made['log_vkey']}",
            f"  bundle key  {made['bundle_vkey']}",
            f"  first administrator's invitation (valid for 7 days after the charter): {made['invitation']}",
            "Next: glassplate charter draft, then each office signs, then glassplate charter install.",
        ],
    )


def make_city(
    root: Path,
    fingerprints: dict[str, str],
    *,
    origin: str | None,
    administrator: str,
    unlock: Path | None,
    administrator_name: str | None = None,
    now: str | None = None,
) -> dict[str, str]:
    """Run the vault's own ``init`` in its own process; returns what it said."""
    secret = unlock or root / "unlock.secret"
    if not secret.exists():
        root.mkdir(parents=True, exist_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32) + "\n")
        say(
            f"A new unlock secret was written to {secret}. Move it off this machine for anything but a trial."
        )
    command = [
        sys.executable,
        "-m",
        "glassplate.vault_process",
        "init",
        "--dir",
        str(root),
        "--unlock",
        str(secret),
    ]
    command += [part for name, value in fingerprints.items() for part in ("--office", f"{name}={value}")]
    command += ["--administrator", administrator]
    for option, value in (
        ("--origin", origin),
        ("--administrator-name", administrator_name),
        ("--demo-clock", now),
    ):
        command += [option, value] if value else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    said = json_module.loads(done.stdout or b"{}")
    if done.returncode:
        raise error_from_kind(said.get("kind", ""), said.get("detail", "The vault gave no reason."))
    return dict(said)
