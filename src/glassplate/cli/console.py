"""Printing: one place that knows about JSON, terminals and color."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from glassplate.errors import GlassplateError, Refused, UsageError
from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glassplate.records import Vehicle

words = Console(
    stderr=True, highlight=False, soft_wrap=True, no_color=bool(os.environ.get("NO_COLOR")) or None
)
results = Console(highlight=False, soft_wrap=True, no_color=bool(os.environ.get("NO_COLOR")) or None)


@dataclass(slots=True)
class OutputMode:
    """Whether this run prints JSON; set once by the main command."""

    is_json: bool = False


mode = OutputMode()


def emit(value: Any, human: Iterable[str] | Table | str = ()) -> None:
    """Print a result: the value as JSON, or the human form."""
    if mode.is_json:
        _write_json(plain(value), indent=2)
    elif isinstance(human, Table):
        results.print(human)
    else:
        for line in [human] if isinstance(human, str) else human:
            results.print(_printable(line))


def say(text: str | Table) -> None:
    """Words for a person; silent in JSON mode."""
    if not mode.is_json:
        words.print(_printable(text) if isinstance(text, str) else text)


def shown(text: str) -> str:
    """A text that a stranger may have chosen, as part of a line: no markup, nothing that moves the cursor or hides."""
    return escape(_printable(text))


def plain(value: Any) -> Any:
    """Records as JSON values."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return TypeAdapter(type(value)).dump_python(value, mode="json")
    return TypeAdapter(Any).dump_python(value, mode="json")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table for people."""
    made = Table(title=shown(title), title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*map(shown, row))
    return made


def progress() -> Progress:
    """A progress bar on standard error; nothing in JSON mode."""
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=words,
        disable=mode.is_json,
        transient=False,
    )


def program() -> str:
    """What a person types to run this program again from here."""
    if shutil.which("glassplate"):
        return "glassplate"
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{Path(sys.executable).name} -m glassplate"
    return str(started.relative_to(Path.cwd())) if started.is_relative_to(Path.cwd()) else str(started)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before loss.

    Raises:
        UsageError: when the answer is no, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here; add --yes to go ahead.")
    words.print(f"{question} [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was changed.")


def fail(error: GlassplateError) -> int:
    """Print an error for the person who must act; returns the exit code."""
    rules = list(error.rules) if isinstance(error, Refused) else []
    if mode.is_json:
        problem = {"error": error.kind, "detail": str(error), "rules": rules, "exit_code": error.exit_code}
        _write_json(problem)
    else:
        words.print(f"[bold red]glassplate:[/] {shown(str(error))}")
        if rules:
            words.print(f"  rule: {shown(', '.join(rules))}")
    return error.exit_code


def _write_json(value: Any, *, indent: int | None = None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    # a file name that is not UTF-8 has lone surrogates, which JSON writes as escapes
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def vehicle_words(seen: Vehicle) -> str:
    """Such as "car, silver or gray, or white": the two likeliest colors; "unknown" where nothing honest can be said."""
    colors = [color for color in (seen.color, seen.second_color) if color != UNKNOWN]
    return (
        ", ".join(part for part in (seen.body, ", or ".join(colors)) if part not in ("", UNKNOWN)) or UNKNOWN
    )
