"""One page of a search, as the gate asks for it: the first from what a person asked, the next from the record. No I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from glassplate.errors import UsageError
from glassplate.search_kinds import FEATURE_OF, asked_again, asked_fields, pattern_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glassplate.plate_text import PlatePattern
    from glassplate.records import SearchRequest

FORM_LIFE = timedelta(
    minutes=15
)  # "all that is kept" was true when the form was shown; policy judges what is older
PAGE_LIFE = FORM_LIFE  # how long after a page the next one may be asked for


@dataclass(frozen=True, slots=True)
class AskedPage:
    """``window``: the period that is searched. ``page_of``: entry of the first page; None on it.

    ``cursor``: where the page before ended, as the store says it.
    """

    request: SearchRequest
    pattern: PlatePattern | None
    window: tuple[datetime, datetime]
    page: int = 1
    page_of: int | None = None
    cursor: str | None = field(repr=False, default=None)

    @classmethod
    def first(cls, request: SearchRequest, now: datetime, retention: timedelta) -> Self:
        """The first page of what a person asks.

        Raises:
            UsageError: its parts do not fit together.
        """
        return cls(request, pattern_of(request), _window(request, now, retention))

    @classmethod
    def after(cls, before: Mapping[str, Any], index: int, now: datetime, retention: timedelta) -> Self:
        """The page after the one of entry ``index``. ``before``: that entry's fields and its outcome's ``cursor``.

        Raises:
            UsageError: there is none, or it is asked for too late.
        """
        if before["cursor"] is None:
            raise UsageError(
                f"The search of entry {index} has no further page: it showed all that there was."
            )
        if now - datetime.fromisoformat(before["at"]) > PAGE_LIFE:
            minutes = PAGE_LIFE // timedelta(minutes=1)
            raise UsageError(f"The next page can be asked for {minutes} minutes after a page. Search again.")
        request = asked_again(before)
        first = before["page_of"] if before["page_of"] is not None else index
        return cls(
            request,
            pattern_of(request),
            _window(request, now, retention),
            before["page"] + 1,
            first,
            before["cursor"],
        )

    def fields(self) -> dict[str, Any]:
        """Every parameter, as the entry records it."""
        return {
            **asked_fields(self.request, self.window),
            **case_words(asdict(self.request)),
            "feature": FEATURE_OF[self.request.kind],
            "page": self.page,
            "page_of": self.page_of,
        }


def bound_words(request: SearchRequest) -> dict[str, Any]:
    """A search as JSON values, every word of it: what an approval binds to."""
    words = asdict(request)
    words.update(since=request.since.isoformat(), until=request.until.isoformat())
    words.update({name: list(words[name]) for name in ("camera_ids", "bodies", "colors")})
    return words


def case_words(search: Mapping[str, Any]) -> dict[str, Any]:
    """What a search or hold was for, as policy asks for it."""
    return {
        name: search[name] for name in ("purpose", "offense", "declared_use", "on_behalf_of", "case_number")
    }


def _window(request: SearchRequest, now: datetime, retention: timedelta) -> tuple[datetime, datetime]:
    """The asked period, cut at now, and at the retention's edge when it passed since the form was made.

    Raises:
        UsageError: for times without a zone, or a period that ends before it starts.
    """
    if request.since.tzinfo is None or request.until.tzinfo is None:
        raise UsageError("Give the period's times with a zone, such as 2026-11-25T08:00Z.")
    until = min(request.until, now + timedelta(seconds=1))
    if request.since >= until:
        raise UsageError("The period ends before it starts, or lies in the future.")
    edge = now - retention
    return (edge if edge - FORM_LIFE <= request.since < edge else request.since), until
