"""Figures of one run: percentiles, with the load of the machine beside each."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench_store.questions import Asked

PERCENTILES = (50, 95)


@dataclass
class Timed:
    """Milliseconds of each question of one kind, and the ids that were answered."""

    milliseconds: list[float] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=list)

    def ask(self, ask: Callable[[Asked], list[str]], asked: Asked) -> None:
        """Ask once, and note."""
        began = time.perf_counter()
        answer = ask(asked)
        self.milliseconds.append((time.perf_counter() - began) * 1000)
        self.answers.append(answer)

    def figures(self) -> dict[str, float]:
        """p50, p95, rows, the number of questions, and the load of the last minute."""
        p50, p95 = percentiles(self.milliseconds)
        rows = sum(map(len, self.answers))
        return {"p50": p50, "p95": p95, "rows": rows, "questions": len(self.answers), "load": load()}


def percentiles(milliseconds: Sequence[float]) -> tuple[float, ...]:
    """p50 and p95, of nothing 0."""
    return tuple(round(float(np.percentile(milliseconds or [0.0], at)), 3) for at in PERCENTILES)


def load() -> float:
    """Load average of the last minute; on two cores, above 2 means that others were served too."""
    return round(os.getloadavg()[0], 2)


def unequal(ours: Sequence[list[str]], theirs: Sequence[list[str]]) -> list[int]:
    """Numbers of the questions that the two engines answer differently; the order of the rows counts."""
    if len(ours) != len(theirs):
        return list(range(max(len(ours), len(theirs))))
    return [number for number, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other]


def ratios(figures: dict[str, Any], bars: dict[str, tuple[float, float]]) -> list[str]:
    """A line for each kind: both engines, their ratio, and what was to be reached."""
    lines = [f"{'':11}{'glassplate':>16}{'bar':>12}{'postgresql':>16}{'ratio':>13}{'rows':>8}  equal"]
    for kind, one in figures.items():
        ours, theirs = one["glassplate"], one.get("postgresql")
        bar = "/".join(f"{value:g}" for value in bars[kind])
        line = f"{kind:11}{_pair(ours):>16}{bar:>12}"
        if theirs:
            ratio = "/".join(f"{ours[p] / max(theirs[p], 0.001):.2f}" for p in ("p50", "p95"))
            line += f"{_pair(theirs):>16}{ratio:>13}{ours['rows']:>8}  {'yes' if one['rows_equal'] else 'NO'}"
        else:
            line += f"{'':>29}{ours['rows']:>8}"
        lines.append(line)
    return lines


def _pair(figures: dict[str, float]) -> str:
    return f"{figures['p50']:.2f}/{figures['p95']:.2f}"
