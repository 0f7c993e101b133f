"""What a check finds, and what it could not see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.review.rows import Hidden
from glassplate.review.words import MACHINE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from glassplate.review.rows import Cell, Place, SearchRow

NOT_A_PERSON = "a program's searches are not judged as a person's"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at. It accuses nobody: there may be a good reason that no export shows."""

    kind: str
    account: str = field(repr=False)
    sentence: str = field(repr=False)
    places: tuple[Place, ...]
    plate: str = field(repr=False, default="")
    weight: int = 1
    """How much there is of it, to put the largest first: days, rows, hours."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check over all rows. ``judged`` + ``cannot_judge`` = the rows it was meant for.

    ``reasons``: why rows could not be judged -> how many.
    """

    kind: str
    title: str
    rule: str
    findings: tuple[Finding, ...]
    judged: int
    reasons: dict[str, int]

    @property
    def cannot_judge(self) -> int:
        """Rows that say too little: neither clean nor suspicious."""
        return sum(self.reasons.values())

    @property
    def flagged_rows(self) -> int:
        """Different rows among the findings."""
        return len({place for finding in self.findings for place in finding.places})


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts. The shipped values are those of the documentation; a reviewer may change them.

    Sources: repeat limits from the stalking cases found in 2025–26 (69 searches of one plate; 28 pairs over 14 days
    and more without a case); 1,000 networks because one search of 6,809 became the example of 2025.
    """

    repeat_days_without_case: int = 4
    repeat_days_with_case: int = 15
    wide_networks: int = 1_000
    wide_devices: int = 10_000
    session_gap_minutes: int = 30
    alone_hours: int = 4
    searches_to_know_hours: int = 40
    unusual_hour_share: float = 0.02
    busy_hours_of_24: int = 18
    interleaved_seconds: int = 60


def is_by_person(row: SearchRow) -> bool:
    """Not asked by a program, as far as its type tells."""
    return isinstance(row.search_type, Hidden) or row.search_type.casefold() not in MACHINE_TYPES


def seen(cell: Cell) -> str | None:
    """The cell's words; None when hidden or empty."""
    return cell if isinstance(cell, str) and cell else None


def why_hidden(name: str, cell: Cell) -> str | None:
    """Why a cell cannot be judged, in words; None when it can."""
    if cell is Hidden.MASKED:
        return f"the {name} is masked"
    if cell is Hidden.ABSENT:
        return f"the file has no {name}"
    return None


class Judging:
    """Counts what a check could and could not judge."""

    def __init__(self) -> None:
        self.judged = 0
        self.reasons: dict[str, int] = {}

    def skip(self, reason: str) -> None:
        """One row says too little."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def with_account(self, rows: Iterable[SearchRow]) -> Iterator[tuple[str, SearchRow]]:
        """Rows of persons whose account is visible; the others are counted as not judged."""
        for row in rows:
            if not is_by_person(row):
                self.skip(NOT_A_PERSON)
            elif row.account is None:
                self.skip(why_hidden("person", row.person) or "the person is left empty")
            else:
                yield row.account, row


def count_words(number: int, noun: str, plural: str = "") -> str:
    """Such as "1 row" and "2,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
