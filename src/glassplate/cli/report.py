"""``glassplate report``: the public report's numbers, computed, never typed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report", epilog="Example: glassplate report --json")(report)


def report(
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish log, report and pages now (signed in).")
    ] = False,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Show what the public report says now."""
    del json
    with vault_client(city(directory), signed_in=publish, unlock=unlock) as client:
        if publish:
            client.publish()
        numbers = client.report()
    emit(numbers, list(_lines(numbers)))


def _lines(numbers: dict[str, Any], indent: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in numbers.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            lines += [f"{indent}{label}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list):
            lines += (
                [f"{indent}{label}: {len(value)}"]
                if value and isinstance(value[0], (dict, list))
                else [f"{indent}{label}: {value}"]
            )
        else:
            lines.append(f"{indent}{label}: {value}")
    return lines
