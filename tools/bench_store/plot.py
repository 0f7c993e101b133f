"""Pictures and tables of what ``make bench-store`` measured at several sizes: ``make bench-store-plot``.

Reads every ``build/bench-store-READS.json``, writes ``docs/pictures/store-latency.svg`` and ``store-memory.svg``, and puts
the tables between the marks in ``docs/performance.md``.
"""

from __future__ import annotations

import json
import math
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

BUILD, PICTURES, PAGE = Path("build"), Path("docs/pictures"), Path("docs/performance.md")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 760, 400, 70, 40, 50, 190
COLORS = ("#1b6ec2", "#c2571b", "#2e8540", "#7b2d8b", "#6b6b6b", "#b50909", "#00687d")
MILLION = 1_000_000
LEAST = 0.01  # a logarithm has no zero
KINDS = ("exact", "look-alike", "wildcard", "vehicle", "camera")
ENGINES = ("glassplate", "postgresql")


class Line(NamedTuple):
    """One curve: (reads, value) points."""

    label: str
    points: Sequence[tuple[float, float]]
    color: str
    is_dashed: bool = False


def main() -> int:
    """Draw and write."""
    results = sorted(
        (json.loads(path.read_text()) for path in BUILD.glob("bench-store-[0-9]*.json")),
        key=lambda one: one["reads"],
    )
    if not results:
        print("Nothing was measured yet: run make bench-store READS=1000000 first.", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    latency = drawn("Latency, p95, newest 500 full reads", "ms", _latency_lines(results))
    (PICTURES / "store-latency.svg").write_text(latency)
    memory = drawn("Memory of all processes", "MB", _memory_lines(results))
    (PICTURES / "store-memory.svg").write_text(memory)
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{tables(results)}\n{END}{after}")
    return 0


def tables(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: searching, searching while reads arrive, and the rest."""
    parts = [_searching(results), _arriving(results), _sizes(results)]
    return "\n\n".join(parts)


def _searching(results: Sequence[dict[str, Any]]) -> str:
    lines = [
        "**Searching**, ms p50 / p95 (load average of the minute); ratio: ours to PostgreSQL's.",
        "",
        "| reads | question | Glassplate | PostgreSQL | ratio | rows | equal |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for kind in KINDS:
            one = result["queries"][kind]
            ours, theirs = (one.get(engine) for engine in ENGINES)
            other, ratio, equal = "", "", ""
            if theirs:
                other, equal = _cell(theirs), "yes" if one["rows_equal"] else "**no**"
                ratio = " / ".join(_number(ours[p] / max(theirs[p], 0.001)) for p in ("p50", "p95"))
            lines.append(
                f"| {_millions(result)} | {kind} | {_cell(ours)} | {other} | {ratio} | {ours['rows']:,} | {equal} |"
            )
    return "\n".join(lines)


def _arriving(results: Sequence[dict[str, Any]]) -> str:
    lines = [
        "**While reads arrive** (250 each 50 ms, each portion durable before the next), ms p50 / p95.",
        "",
        f"| reads | what takes them | reached | commit | {' | '.join(KINDS)} | load |",
        f"|---|---|---|---|{'---|' * len(KINDS)}---|",
    ]
    names = {"glassplate": "store", "postgresql": "PostgreSQL", "through intake": "intake, store"}
    for result in results:
        for name, label in names.items():
            live = result["while reads arrive"].get(name)
            if live:
                cells = " | ".join(_pair(live["queries"][kind]) for kind in KINDS)
                commit = f"{live['commit_p50_ms']:.1f} / {live['commit_p95_ms']:.1f}"
                rate = f"{live['reads_per_second']:,}/s"
                lines.append(
                    f"| {_millions(result)} | {label} | {rate} | {commit} | {cells} | {live['load']} |"
                )
    return "\n".join(lines)


def _sizes(results: Sequence[dict[str, Any]]) -> str:
    lines = [
        "**Size and life.** Bytes a read without images; memory: vault process + search worker.",
        "",
        "| reads | engine | bytes a read | memory | open | purge of a day | first search after it | loaded in |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        ours, memory = result["glassplate"], result["glassplate"]["resident_mb"]
        seconds = result["load_seconds"]
        own = f"{memory['vault']:.0f} + {memory['search worker']:.0f} MB"
        lines.append(
            f"| {_millions(result)} | Glassplate | {ours['bytes_a_read']} | {own} | {ours['open_seconds']} s "
            f"| {ours['purge_ms']} ms | {ours['first_search_after_purge_ms']} ms | {_load_seconds(seconds['glassplate'])} |"
        )
        if "postgresql" in result:
            other = result["postgresql"]
            lines.append(
                f"| | PostgreSQL | {other['bytes_a_read']} | {other['resident_mb']['together']:.0f} MB | "
                f"| {other['purge_ms']} ms | | {_load_seconds(seconds['postgresql'])} |"
            )
    return "\n".join(lines)


def _load_seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 1 else "kept from before"


def _millions(result: dict[str, Any]) -> str:
    return f"{result['reads'] / MILLION:g} M"


def _pair(figures: dict[str, float]) -> str:
    return f"{_number(figures['p50'])} / {_number(figures['p95'])}"


def _number(value: float) -> str:
    """Two digits that count, and no exponent."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004


def _cell(figures: dict[str, float]) -> str:
    return f"{_pair(figures)} ({figures['load']})"


def _latency_lines(results: Sequence[dict[str, Any]]) -> list[Line]:
    lines = []
    for engine in ENGINES:
        for kind, color in zip(KINDS, COLORS, strict=False):
            points = [
                (result["reads"], result["queries"][kind][engine]["p95"])
                for result in results
                if engine in result["queries"][kind]
            ]
            label = kind if engine == "glassplate" else f"{kind}, PostgreSQL"
            lines.append(Line(label, points, color, is_dashed=engine != "glassplate"))
    return [line for line in lines if line.points]


def _memory_lines(results: Sequence[dict[str, Any]]) -> list[Line]:
    lines = []
    for engine, color in zip(ENGINES, COLORS, strict=False):
        points = [(r["reads"], r[engine]["resident_mb"]["together"]) for r in results if engine in r]
        label = {"glassplate": "vault + search worker", "postgresql": "PostgreSQL"}[engine]
        lines.append(Line(label, points, color, is_dashed=engine != "glassplate"))
    return [line for line in lines if line.points]


def drawn(title: str, unit: str, lines: Sequence[Line]) -> str:
    """An SVG with two logarithmic axes: reads to the right, ``unit`` up."""
    xs = sorted({x for line in lines for x, _ in line.points})
    ys = [max(y, LEAST) for line in lines for _, y in line.points]
    across = _axis(xs[0] / 1.2, xs[-1] * 1.2, LEFT, WIDTH - RIGHT)
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys) * 1.01))
    up = _axis(10.0**low, 10.0**high, HEIGHT - BOTTOM, TOP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="12"><title>{escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    )
    parts = [head, f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>']
    parts += [_grid_line(up(10.0**power), f"{10.0**power:g} {unit}") for power in range(low, high + 1)]
    parts += [_label(across(reads), HEIGHT - BOTTOM + 20, f"{reads / MILLION:g} M") for reads in xs]
    parts.append(_label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "reads"))
    for number, line in enumerate(lines):
        parts.append(_curve(line, [(across(x), up(max(y, LEAST))) for x, y in line.points]))
        parts.append(_legend(line, TOP + 8 + 18 * number))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid_line(y: float, text: str) -> str:
    line = f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
    return f'{line}<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'


def _curve(line: Line, places: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{line.color}"/>' for x, y in places)
    return f'<polyline points="{path}" fill="none" {_stroke(line)}/>{dots}'


def _legend(line: Line, y: float) -> str:
    x = WIDTH - RIGHT + 16
    return (
        f'<path d="M{x} {y}h24" {_stroke(line)}/><text x="{x + 30}" y="{y + 4}">{escape(line.label)}</text>'
    )


def _stroke(line: Line) -> str:
    dash = ' stroke-dasharray="5 4"' if line.is_dashed else ""
    return f'stroke="{line.color}" stroke-width="2"{dash}'


def _axis(low: float, high: float, first: float, last: float) -> Any:
    span = math.log(high / low)
    return lambda value: first + (last - first) * math.log(value / low) / span


if __name__ == "__main__":
    sys.exit(main())
