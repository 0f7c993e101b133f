"""Rows whose columns have shifted: a comma that was not quoted, a cell that was left out.

Columns that only take one kind of value (times, counts, types of search) tell where the row fits again. Where they
do not, the row is told as unreadable rather than guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.review.cells import cell_of, count_of, moment_of
from glassplate.review.rows import Hidden
from glassplate.review.words import SEARCH_TYPES, names_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from glassplate.review.layouts import Layout

MAX_EXTRA_CELLS = 6  # more commas than that in one reason: nobody can tell any more
LONGEST_PLATE = 10
_FREE_TEXT = ("reason", "prompt", "details", "filters", "person", "organization")
_VERDICTS = ("allow", "warn", "block")


def realigned(cells: Sequence[str], layout: Layout) -> tuple[list[str] | None, bool]:
    """The cells in the layout's order, and whether they had to be moved; None when no order fits."""
    columns = layout.columns
    if len(cells) == len(columns) and _fits(cells, columns):
        return list(cells), False
    best: tuple[tuple[int, int], list[str]] | None = None
    for moved, at in _ways(cells, columns):
        if not _fits(moved, columns):
            continue
        score = (_score(moved, columns), int(columns[at] in _FREE_TEXT))
        if best is None or score > best[0]:
            best = (score, moved)
    return (best[1], True) if best else (None, False)


def _ways(cells: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[list[str], int]]:
    extra = len(cells) - len(columns)
    if 0 < extra <= MAX_EXTRA_CELLS:
        for at in range(len(columns)):
            yield (
                [
                    *cells[:at],
                    ", ".join(c.strip() for c in cells[at : at + extra + 1]),
                    *cells[at + extra + 1 :],
                ],
                at,
            )
        if not any(cell.strip() for cell in cells[len(columns) :]):
            yield list(cells[: len(columns)]), len(columns) - 1
    elif extra < 0:
        for at in range(len(cells) + 1):
            yield [*cells[:at], *[""] * -extra, *cells[at:]], min(at, len(columns) - 1)
    elif extra == 0:
        for gone in (i for i, cell in enumerate(cells) if not cell.strip()):
            rest = [*cells[:gone], *cells[gone + 1 :]]
            for at in range(len(columns)):
                yield [*rest[:at], "", *rest[at:]], at


def _fits(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """The time is a time, or was covered; what must be a number or a verdict is one, or says nothing."""
    for column, cell in zip(columns, cells, strict=True):
        if column == "searched_at" and not (moment_of(cell) or cell_of(cell) is Hidden.MASKED):
            return False
        test = _TYPED.get(column)
        if test is not None and cell.strip() and cell_of(cell) is not Hidden.MASKED and not test(cell):
            return False
    return True


def _score(cells: Sequence[str], columns: Sequence[str]) -> int:
    """How many cells look like what belongs into their column."""
    tests = {**_TYPED, **_LIKELY}
    return sum(
        bool(cell.strip()) and tests[column](cell)
        for column, cell in zip(columns, cells, strict=True)
        if column in tests
    )


def _is_window(cell: str) -> bool:
    """Two times in one cell, in two lines or with a dash between."""
    halves = [half for half in cell.replace(" - ", "\n").replace(" to ", "\n").splitlines() if half.strip()]
    return bool(halves) and all(moment_of(half.strip(" -")) for half in halves)


_TYPED: dict[str, Callable[[str], bool]] = {
    "networks": lambda cell: count_of(cell) is not None,
    "devices": lambda cell: count_of(cell) is not None,
    "window": _is_window,
    "search_type": lambda cell: cell.strip().casefold() in SEARCH_TYPES,
    "moderation": lambda cell: cell.strip().casefold() in _VERDICTS,
}
_LIKELY: dict[str, Callable[[str], bool]] = {
    "case_number": names_case,
    "plate": lambda cell: (
        len(cell) <= LONGEST_PLATE and " " not in cell.strip() and any(c.isdigit() for c in cell)
    ),
    "reason": lambda cell: not names_case(cell),
}
"""What usually stands there: decides between orders that all fit."""
