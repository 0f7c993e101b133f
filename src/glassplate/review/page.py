"""The review as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from glassplate.review.charts import HEIGHT, LEFT, WIDTH, bar_chart

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from glassplate.review.checks import CheckResult
    from glassplate.review.review import Review
    from glassplate.review.rows import Place

MAX_SHOWN = 200  # findings of one check; the CSV has all
MAX_PLACES = 8
_VISIBLE_PLATE = 2


@dataclass(frozen=True, slots=True)
class Masking:
    """Whether the page names vehicles and persons. Off by default: a page is passed on more easily than a file."""

    shows_plates: bool = False
    shows_people: bool = True

    def plate(self, text: str) -> str:
        """The plate, or its beginning."""
        if self.shows_plates or not text:
            return text
        return text[:_VISIBLE_PLATE] + "•" * max(len(text) - _VISIBLE_PLATE, 1)

    def numbered(self) -> Callable[[str], str]:
        """Names accounts, or numbers them: the same number wherever one stands."""
        return (lambda account: account) if self.shows_people else _Numbered().name


def render_page(review: Review, made_at: datetime, masking: Masking) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("glassplate.review"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plate"] = masking.plate
    environment.filters["person"] = masking.numbered()
    environment.filters["places"] = _places
    charts = [
        bar_chart("Searches each day", {day: float(n) for day, n in review.per_day.items()}, "searches"),
        bar_chart(
            "Searches by hour (UTC)",
            {f"{hour:02}h": float(n) for hour, n in enumerate(review.per_hour)},
            "searches",
        ),
        bar_chart("Vague reasons each month", review.vague_per_month, "of visible reasons", as_share=True),
    ]
    return environment.get_template("review.html").render(
        review=review,
        charts=[chart for chart in charts if chart],
        verdicts={check.kind: verdict(check) for check in review.checks},
        made_at=made_at,
        most=MAX_SHOWN,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        masking=masking,
    )


def verdict(check: CheckResult) -> str:
    """One word for a check: what was hidden is never "nothing found"."""
    if check.findings:
        return "look at these"
    if not check.judged:
        return "cannot judge"
    return "nothing found in part; the rest cannot be judged" if check.cannot_judge else "nothing found"


class _Numbered:
    """Names replaced by numbers, the same number wherever a name stands."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def name(self, account: str) -> str:
        """Such as "Account 3"."""
        return f"Account {self._numbers.setdefault(account, len(self._numbers) + 1)}"


def _places(places: tuple[Place, ...]) -> str:
    """Such as "file 1, lines 5, 9, 12 and 40 more"."""
    shown = places[:MAX_PLACES]
    parts = []
    for file in dict.fromkeys(place.file for place in shown):
        lines = ", ".join(str(place.line) for place in shown if place.file == file)
        parts.append(f"file {file + 1}, line {lines}")
    more = len(places) - len(shown)
    return "; ".join(parts) + (f" and {more:,} more" if more else "")
