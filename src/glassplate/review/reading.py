"""Reads exports line by line: every row becomes a search, an event, a duplicate or a line that is told as unreadable."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from glassplate.errors import InputRefused
from glassplate.review.cells import cell_of, count_of, moment_of, person_of
from glassplate.review.layouts import layout_of
from glassplate.review.rows import EventRow, Exports, FileSummary, Hidden, Place, SearchRow
from glassplate.review.shifted import realigned

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from glassplate.review.cells import Moment
    from glassplate.review.layouts import Layout
    from glassplate.review.rows import Cell

MAX_FILE_BYTES = 1024 * 1024 * 1024
MAX_CELL_CHARACTERS = 100_000
MAX_ROWS = 5_000_000  # over all files; exports themselves are cut at a million
_DELIMITERS = (",", ";", "\t")
_READ_EVERY = 10_000  # rows between two steps of the progress bar

Key = tuple[str, ...]


class _Row(NamedTuple):
    """A row under its columns' names, before it is understood."""

    place: Place
    cells: dict[str, str]


def read_exports(paths: Sequence[Path], step: Callable[[int], None] = lambda _rows: None) -> Exports:
    """Read files in the order given; a row that an earlier one holds already is counted as a duplicate.

    ``step`` is told how many rows were read since it was last called.

    Raises:
        InputRefused: a file is too large, has no known header, or is no text; names the file.
    """
    searches: list[SearchRow] = []
    events: list[EventRow] = []
    summaries: list[FileSummary] = []
    seen: set[Key] = set()
    for number, path in enumerate(paths):
        reader = _FileReader(number, path, seen)
        for row in reader.rows(step):
            if isinstance(row, SearchRow):
                searches.append(row)
            else:
                events.append(row)
            if len(searches) + len(events) > MAX_ROWS:
                raise InputRefused(
                    f"{path}: more than {MAX_ROWS:,} rows in all; review fewer files at a time."
                )
        summaries.append(reader.summary())
    return Exports(tuple(searches), tuple(events), tuple(summaries))


class _FileReader:
    """One file, once through."""

    def __init__(self, number: int, path: Path, seen: set[Key]) -> None:
        self._number = number
        self._path = path
        self._seen = seen
        self._layout: Layout | None = None
        self._count = self._duplicates = self._realigned = self._zone_assumed = self._replaced = 0
        self._unreadable: list[int] = []

    def rows(self, step: Callable[[int], None]) -> Iterator[SearchRow | EventRow]:
        """Every row that is new and readable."""
        if self._path.stat().st_size > MAX_FILE_BYTES:
            raise InputRefused(f"{self._path} is larger than 1 GiB; split it.")
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            try:
                yield from self._read(file, step)
            except csv.Error as error:
                raise InputRefused(f"{self._path} is not a CSV file: {error}.") from None

    def summary(self) -> FileSummary:
        """What became of the lines."""
        layout = self._layout
        return FileSummary(
            name=self._path.name,
            layout=layout.name if layout else "empty",
            columns=tuple(name for name in layout.columns if name) if layout else (),
            rows=self._count,
            duplicates=self._duplicates,
            realigned=self._realigned,
            unreadable=tuple(self._unreadable),
            zone_assumed=self._zone_assumed,
            replaced=self._replaced,
        )

    def _read(self, file: io.TextIOWrapper, step: Callable[[int], None]) -> Iterator[SearchRow | EventRow]:
        first = file.readline(MAX_CELL_CHARACTERS)
        if not first.strip():
            raise InputRefused(f"{self._path} is empty; export it again.")
        delimiter = max(_DELIMITERS, key=first.count)
        header = next(csv.reader([first], delimiter=delimiter))
        try:
            self._layout = layout = layout_of(header)
        except InputRefused as error:
            raise InputRefused(f"{self._path} cannot be reviewed: {error}.") from None
        csv.field_size_limit(MAX_CELL_CHARACTERS)
        rows = csv.reader(file, delimiter=delimiter)
        begins = 2  # the line after the header
        told = 0
        for cells in rows:
            line, begins = begins, rows.line_num + 2
            if any(cell.strip() for cell in cells) and cells != header:
                self._count += 1
                yield from self._understood(cells, Place(self._number, line), layout)
            if self._count - told >= _READ_EVERY:
                step(self._count - told)
                told = self._count
        step(self._count - told)

    def _understood(self, cells: list[str], place: Place, layout: Layout) -> Iterator[SearchRow | EventRow]:
        self._replaced += sum(cell.count("\ufffd") for cell in cells)
        fitting, has_shifted = realigned(cells, layout)
        if fitting is None:
            self._unreadable.append(place.line)
            return
        self._realigned += has_shifted
        row = _Row(place, {name: cell for name, cell in zip(layout.columns, fitting, strict=True) if name})
        moment = moment_of(row.cells.get("searched_at", ""))
        self._zone_assumed += moment is not None and moment.has_clock_time and not moment.has_zone
        key = _key(row.cells, moment)
        if key is not None and key in self._seen:
            self._duplicates += 1
            return
        if key is not None:
            self._seen.add(key)
        yield _event(row, moment) if layout.is_event_log else _search(row, moment)


def _key(cells: dict[str, str], moment: Moment | None) -> Key | None:
    """What makes a row the same as another; None where two searches may look alike though they are two.

    The place and the spelling of spaces do not count: month files overlap by a day and are exported anew.
    """
    named = any(cell_of(cells.get(name, "")) not in ("", Hidden.MASKED) for name in ("search_id", "event_id"))
    if not named and (moment is None or not moment.has_clock_time):
        return None
    return tuple(f"{name}={' '.join(cells[name].split())}" for name in sorted(cells))


def _search(row: _Row, moment: Moment | None) -> SearchRow:
    def cell(name: str) -> Cell:
        return cell_of(row.cells[name]) if name in row.cells else Hidden.ABSENT

    plate = cell("plate")
    return SearchRow(
        place=row.place,
        search_id=cell("search_id"),
        person=person_of(row.cells["person"]) if "person" in row.cells else Hidden.ABSENT,
        organization=cell("organization"),
        networks=count_of(row.cells.get("networks", "")) or None,
        devices=count_of(row.cells.get("devices", "")) or None,
        plate=plate.upper().replace(" ", "") if isinstance(plate, str) else plate,
        reason=cell("reason"),
        case_number=cell("case_number"),
        offense=cell("offense"),
        search_type=cell("search_type"),
        searched_at=moment.at if moment else None,
        has_clock_time=moment is not None and moment.has_clock_time,
    )


def _event(row: _Row, moment: Moment | None) -> EventRow:
    def text(name: str) -> str:
        cell = cell_of(row.cells.get(name, ""))
        return cell if isinstance(cell, str) else "hidden"

    return EventRow(
        place=row.place,
        at=moment.at if moment else None,
        person=person_of(row.cells["person"]) if "person" in row.cells else Hidden.ABSENT,
        change=text("change").lower(),
        entity=text("entity"),
        details=cell_of(row.cells["details"]) if "details" in row.cells else Hidden.ABSENT,
    )
