"""What ``glassplate bench`` says: the same numbers as a JSON document and as tables."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from glassplate.cli.console import shown, table
from glassplate.recognize.measure import ALL, LOCALIZED, LOCALIZED_LOOSELY, summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.measure import PhotoScore, Rate, Statement, Summary

_MEGABYTE = 1_000_000
_RATES = ("exact", "by_format", "top_1", "folded", "localized_loosely", "localized")


def machine() -> dict[str, str | int | None]:
    """Where it was measured: figures of one machine mean little on another."""
    import onnxruntime

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }


def engine_document(
    name: str, version: str, scores: Sequence[PhotoScore], failed: Sequence[tuple[str, str]], peak_bytes: int
) -> dict[str, Any]:
    """One recognizer's figures. Rates are ``{"rate", "from", "to", "hits", "of"}``, with the 95 % interval."""
    return {
        "engine": name,
        "version": version,
        "peak_megabytes": round(peak_bytes / _MEGABYTE),
        "failed": [{"photo": photo, "reason": reason} for photo, reason in failed],
        "groups": {group: _summary_document(summary) for group, summary in summaries(scores).items()},
    }


def tables(documents: Sequence[dict[str, Any]]) -> Table:
    """Every recognizer's tables, one below the other: figures down, parts of the data set across."""
    grid = Table.grid()
    for document in documents:
        groups = document["groups"]
        rows = [[label, *(cell(groups[group]) for group in groups)] for label, cell in _ROWS]
        made = table(document["engine"], ["", *groups], rows)
        for column in made.columns[1:]:
            column.no_wrap = True
        grid.add_row(made)
        grid.add_row(shown(f"{document['version']}; peak memory {document['peak_megabytes']} MB"))
        if statements := groups[ALL]["regions"]:
            grid.add_row(_region_table(statements))
        for failure in document["failed"]:
            grid.add_row(f"[bold red]failed[/]  {shown(failure['photo'])}: {shown(failure['reason'])}")
        grid.add_row("")
    return grid


def _region_table(statements: Sequence[dict[str, Any]]) -> Table:
    rows = [
        [f"{one['least_confidence']:g}", _percent(one["coverage"]), _percent(one["right"])]
        for one in statements
    ]
    return table("region stated", ["confidence from", "coverage", "right where stated"], rows)


def _summary_document(summary: Summary) -> dict[str, Any]:
    return {
        "photos": summary.photos,
        "failed": summary.failed,
        "plates": summary.plates,
        **{name: _rate_document(getattr(summary, name)) for name in _RATES},
        "characters": round(summary.characters, 4),
        "junk_per_photo": round(summary.junk_per_photo, 4),
        "cpu_ms_median": _rounded(summary.cpu_ms_median),
        "cpu_ms_mean": _rounded(summary.cpu_ms_mean),
        "regions": [_statement_document(one) for one in summary.regions],
    }


def _statement_document(statement: Statement) -> dict[str, Any]:
    return {
        "least_confidence": statement.least_confidence,
        "coverage": _rate_document(statement.coverage),
        "right": _rate_document(statement.right),
    }


def _rate_document(rate: Rate | None) -> dict[str, float] | None:
    if rate is None:
        return None
    low, high = rate.interval
    return {
        "rate": round(rate.value, 4),
        "from": round(low, 4),
        "to": round(high, 4),
        "hits": rate.hits,
        "of": rate.of,
    }


def _percent(rate: dict[str, float] | None) -> str:
    if rate is None or not rate["of"]:
        return "–"
    return f"{100 * rate['rate']:.1f} ({100 * rate['from']:.0f}–{100 * rate['to']:.0f})"


def _times(summary: dict[str, Any]) -> str:
    if summary["cpu_ms_median"] is None:
        return "–"
    return f"{summary['cpu_ms_median']:.0f} / {summary['cpu_ms_mean']:.0f}"


_ROWS = (
    ("photos / plates", lambda one: f"{one['photos']} / {one['plates']}"),
    ("exact %", lambda one: _percent(one["exact"])),
    ("by format %", lambda one: _percent(one["by_format"])),
    ("top-1 %", lambda one: _percent(one["top_1"])),
    ("folded %", lambda one: _percent(one["folded"])),
    ("characters %", lambda one: f"{100 * one['characters']:.1f}"),
    ("junk a photo", lambda one: f"{one['junk_per_photo']:.2f}"),
    (f"box ≥ {LOCALIZED_LOOSELY:g} %", lambda one: _percent(one["localized_loosely"])),
    (f"box ≥ {LOCALIZED:g} %", lambda one: _percent(one["localized"])),
    ("CPU ms med / mean", _times),
    ("failed photos", lambda one: str(one["failed"])),
)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
