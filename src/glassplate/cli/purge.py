"""``glassplate purge``: destroy what is due, now. Needs nothing but the clock."""

from __future__ import annotations

import json as json_module
import subprocess
import sys
from pathlib import Path

import typer

from glassplate.cli.connection import vault_answers
from glassplate.cli.console import emit
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.client import VaultClient
from glassplate.config import load_settings
from glassplate.errors import error_from_kind


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("purge", epilog="Example: glassplate purge --dir city")(purge)


def purge(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Destroy every epoch key that is due. The vault does this by itself; this asks for it at once.

    Works without a charter, without the unlock secret and without a log: deaths are then logged at the next start.
    Where the keys lie in hardware and no vault runs, --unlock names the file with its PIN; without it the keys die in
    this folder only, and the command says so.
    """
    del json
    folder = city(directory)
    load_settings(folder)
    if vault_answers(folder):
        with VaultClient(folder.socket) as client:
            destroyed = client.purge()
    else:
        destroyed = _without_vault(str(folder.root), unlock)
    emit(
        {"destroyed": destroyed},
        [f"Destroyed the key of {epoch}." for epoch in destroyed] or "Nothing is due.",
    )


def _without_vault(root: str, unlock: Path | None) -> list[str]:
    command = [sys.executable, "-m", "glassplate.vault_process", "purge", "--dir", root]
    command += ["--unlock", str(unlock)] if unlock else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    said = json_module.loads(done.stdout or b"{}")
    if done.returncode:
        raise error_from_kind(said.get("kind", ""), said.get("detail", "The vault gave no reason."))
    return list(said["destroyed"])
