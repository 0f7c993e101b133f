"""``glassplate mirror``: a second folder on another disk for log and keys; begin it once, and see how it is."""

from __future__ import annotations

import json as json_module
import subprocess
import sys
from typing import Any

import typer

from glassplate.cli.console import emit
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, city
from glassplate.config import CityFolder, load_settings
from glassplate.errors import StorageFailed, error_from_kind

_verbs = typer.Typer(help="The mirror of log and keys on another disk: begin, show.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="mirror")


@_verbs.command("begin", epilog="Example: glassplate mirror begin --dir city")
def begin(directory: Dir = DEFAULT_DIR, json: Json = False) -> None:
    """Copy log and keys into the empty folder that ``mirror`` in settings.toml names. The vault must not run.

    From the next start on, every entry and every key is written to both folders before anybody is answered.
    """
    del json
    state = _ask_process(city(directory), "begin-mirror")
    emit(state, ["The mirror is begun. Start the vault: glassplate serve.", *_lines(state)])


@_verbs.command("show", epilog="Example: glassplate mirror show --dir city")
def show(directory: Dir = DEFAULT_DIR, json: Json = False) -> None:
    """Whether the mirror is there and as new as the vault; works beside a running vault, too."""
    del json
    state = _ask_process(city(directory), "show-mirror")
    emit(state, _lines(state))
    if state["problem"]:
        raise StorageFailed(state["problem"])


def _ask_process(folder: CityFolder, act: str) -> dict[str, Any]:
    load_settings(folder)
    command = [sys.executable, "-m", "glassplate.vault_process", act, "--dir", str(folder.root)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    said = json_module.loads(done.stdout or b"{}")
    if done.returncode:
        raise error_from_kind(said.get("kind", ""), said.get("detail", "The vault gave no reason."))
    return dict(said)


def _lines(state: dict[str, Any]) -> list[str]:
    lines = [f"Mirror     {state['mirror']}"]
    if not state["problem"]:
        behind = state["bytes_behind"]
        lines.append(f"Log        {f'{behind:,} bytes behind' if behind else 'as new as the vault'}")
        lines.append(f"Keys       {_keys(state)}")
    if state["on_same_disk"]:
        lines.append(
            "It lies on the same disk as the vault: when that disk breaks, both are lost. Choose another one."
        )
    return lines


def _keys(state: dict[str, Any]) -> str:
    words = [f"{len(state['keys_behind'])} not copied yet"] if state["keys_behind"] else []
    if state["dead_keys"]:
        words.append(f"dead here, and a copy still lies there: {', '.join(state['dead_keys'])}")
    return "; ".join(words) or "as new as the vault"
