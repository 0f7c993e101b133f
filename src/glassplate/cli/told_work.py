"""Long work of a vault's process, shown as a bar while it tells how far it has come."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from glassplate.cli.console import progress
from glassplate.errors import error_from_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1_000_000


def run_told(act: str, *words: str) -> dict[str, Any]:
    """Run one act of ``vault_process``; returns its last line.

    Raises:
        GlassplateError: what it said instead.
    """
    command = [sys.executable, "-m", "glassplate.vault_process", act, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        last = shown(json.loads(line) for line in process.stdout or ())
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise error_from_kind(
            last.get("kind", ""),
            last.get("detail", "It ended without a reason."),
            tuple(last.get("rules", ())),
        )
    return last


def shown(told: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Show a bar for everything that says what it is doing; returns the last of all."""
    last: dict[str, Any] = {}
    with progress() as bar:
        task = bar.add_task("begins", total=None)
        for last in told:
            if "doing" in last:
                total = last["total_bytes"] // MEGABYTE or None
                done = min(last["done_bytes"] // MEGABYTE, total or 0)
                bar.update(task, description=f"{last['doing']} (MB)", completed=done, total=total)
    return last
