"""The review: every check over every row, and the numbers that set them in proportion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.review.cell_checks import forbidden_purposes, missing_cases, vague_reasons, wide_searches
from glassplate.review.events import settings_changes
from glassplate.review.pattern_checks import isolated_sessions, repeats, shared_accounts
from glassplate.review.rows import Hidden
from glassplate.review.words import is_vague

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from glassplate.review.checks import CheckResult, Limits
    from glassplate.review.rows import Exports, FileSummary, SearchRow

CHECKS = (
    repeats,
    forbidden_purposes,
    shared_accounts,
    isolated_sessions,
    wide_searches,
    vague_reasons,
    missing_cases,
)
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Review:
    """What was found in some exports.

    ``masked``: column -> share of its cells that are covered. ``per_day``: searches of each day, in order.
    ``per_hour``: 24 counts, UTC. ``vague_per_month``: share of vague reasons among those visible.
    """

    files: tuple[FileSummary, ...]
    searches: int
    events: int
    first_at: datetime | None
    last_at: datetime | None
    accounts: int
    checks: tuple[CheckResult, ...]
    masked: dict[str, float]
    search_types: dict[str, int]
    per_day: dict[str, int]
    per_hour: tuple[int, ...]
    vague_per_month: dict[str, float]

    @property
    def by_account(self) -> list[tuple[str, dict[str, int]]]:
        """Accounts with findings: kind -> rows; the account with most kinds first."""
        table: dict[str, Counter[str]] = {}
        for check in self.checks:
            for finding in check.findings:
                table.setdefault(finding.account, Counter())[check.kind] += len(set(finding.places))
        ordered = sorted(table.items(), key=lambda item: (-len(item[1]), -sum(item[1].values()), item[0]))
        return [(account, dict(counts)) for account, counts in ordered]


def review(exports: Exports, limits: Limits, told: Callable[[str], None] = lambda _title: None) -> Review:
    """Run every check. ``told`` hears each one's title before it runs."""
    rows = exports.searches
    results = []
    for check in CHECKS:
        told(check.__name__.replace("_", " "))
        results.append(check(rows, limits))
    if exports.events:
        told("settings changes")
        results.append(settings_changes(exports.events))
    times = [row.searched_at for row in rows if row.searched_at] + [e.at for e in exports.events if e.at]
    return Review(
        files=exports.files,
        searches=len(rows),
        events=len(exports.events),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        accounts=len({row.account for row in rows} - {None}),
        checks=tuple(results),
        masked=_masked(rows),
        search_types=dict(
            Counter(
                row.search_type or "(empty)" for row in rows if isinstance(row.search_type, str)
            ).most_common()
        ),
        per_day=dict(
            sorted(Counter(f"{row.searched_at:%Y-%m-%d}" for row in rows if row.searched_at).items())
        ),
        per_hour=_per_hour(rows),
        vague_per_month=_vague_per_month(rows),
    )


def _masked(rows: Sequence[SearchRow]) -> dict[str, float]:
    shares = {}
    for column in ("person", "organization", "plate", "reason", "case_number", "offense", "search_type"):
        hidden = sum(getattr(row, column) is Hidden.MASKED for row in rows)
        if hidden:
            shares[column.replace("_", " ")] = hidden / len(rows)
    return shares


def _per_hour(rows: Sequence[SearchRow]) -> tuple[int, ...]:
    hours = Counter(row.searched_at.hour for row in rows if row.searched_at and row.has_clock_time)
    return tuple(hours[hour] for hour in range(24)) if hours else ()


def _vague_per_month(rows: Sequence[SearchRow]) -> dict[str, float]:
    total: Counter[str] = Counter()
    vague: Counter[str] = Counter()
    for row in rows:
        if row.searched_at and isinstance(row.reason, str):
            month = f"{row.searched_at:%Y-%m}"
            total[month] += 1
            vague[month] += is_vague(row.reason)
    return {month: vague[month] / total[month] for month in sorted(total)}
