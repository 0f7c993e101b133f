"""The search form: what may be chosen, what was posted, what is missing. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.records import CharterSummary, SearchRequest
from glassplate.web import words

if TYPE_CHECKING:
    from glassplate.web.forms import PostedForm

_USUAL_PERIODS = (
    ("24-hours", "Last 24 hours", timedelta(hours=24)),
    ("7-days", "Last 7 days", timedelta(days=7)),
    ("30-days", "Last 30 days", timedelta(days=30)),
)
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Period:
    """One radio button."""

    period_id: str
    label: str
    length: timedelta


@dataclass(frozen=True, slots=True)
class SearchChoices:
    """What the charter offers on the form: pairs of (id, label)."""

    purposes: tuple[tuple[str, str], ...]
    offenses: tuple[tuple[str, str], ...]
    declared_uses: tuple[tuple[str, str, bool], ...]
    """(id, label, prohibited). A prohibited use can be declared, and is then refused and recorded."""
    cameras: tuple[tuple[str, str], ...]
    periods: tuple[Period, ...]
    case_number_example: str
    retention_minutes: int

    @classmethod
    def of(cls, charter: CharterSummary) -> SearchChoices:
        """The choices under ``charter``; no period is longer than the retention."""
        retention = timedelta(minutes=charter.retention_minutes)
        usual = [Period(*period) for period in _USUAL_PERIODS if period[2] < retention]
        kept = Period(
            EVERYTHING, f"All that is kept ({words.minutes_in_words(charter.retention_minutes)})", retention
        )
        return cls(
            charter.purposes,
            charter.offenses,
            charter.declared_uses,
            charter.cameras,
            (*usual, kept),
            charter.case_number_example,
            charter.retention_minutes,
        )

    def default_period(self) -> str:
        """A week where there is one: the shortest usual question of a case."""
        return next((p.period_id for p in self.periods if p.period_id == "7-days"), self.periods[0].period_id)

    def default_use(self) -> str:
        """The first use that the charter does not forbid."""
        return next((use for use, _, prohibited in self.declared_uses if not prohibited), "")


@dataclass(frozen=True, slots=True)
class SearchForm:
    """The form's values, as posted or as first shown."""

    plate: str = field(default="", repr=False)
    purpose: str = ""
    offense: str = ""
    case_number: str = field(default="", repr=False)
    declared_use: str = ""
    on_behalf_of: str = field(default="", repr=False)
    period: str = ""
    cameras: tuple[str, ...] = ()

    @classmethod
    def empty(cls, choices: SearchChoices) -> SearchForm:
        """As first shown: nothing about the case is filled in for the officer."""
        return cls(declared_use=choices.default_use(), period=choices.default_period())

    @classmethod
    def posted(cls, form: PostedForm) -> SearchForm:
        """As it came back."""
        return cls(
            plate=form.text("plate").upper(),
            purpose=form.text("purpose"),
            offense=form.text("offense"),
            case_number=form.text("case_number"),
            declared_use=form.text("declared_use"),
            on_behalf_of=form.text("on_behalf_of"),
            period=form.text("period"),
            cameras=tuple(form.texts("camera")),
        )

    def complaints(self, choices: SearchChoices) -> dict[str, str]:
        """Field name -> what to do about it. Only what a person can mend here; the vault decides the rest."""
        found = {}
        if not self.plate:
            found["plate"] = "Enter a plate."
        if self.purpose not in {purpose for purpose, _ in choices.purposes}:
            found["purpose"] = "Choose a purpose."
        if self.offense not in {offense for offense, _ in choices.offenses}:
            found["offense"] = "Choose an offense."
        if not self.case_number:
            found["case_number"] = f"Enter a case number, such as {choices.case_number_example}."
        if self.declared_use not in {use for use, _, _ in choices.declared_uses}:
            found["declared_use"] = "Declare what this search is for."
        if self.period not in {period.period_id for period in choices.periods}:
            found["period"] = "Choose a period."
        return found

    def request(self, choices: SearchChoices, now: datetime) -> SearchRequest:
        """What the vault is asked. Call only without complaints."""
        length = next(period.length for period in choices.periods if period.period_id == self.period)
        return SearchRequest(
            plate=self.plate,
            purpose=self.purpose,
            offense=self.offense,
            case_number=self.case_number,
            since=now - length,
            until=now,
            camera_ids=self.cameras,
            declared_use=self.declared_use,
            on_behalf_of=self.on_behalf_of or None,
            kind="wildcard" if set("?*") & set(self.plate) else "exact",
        )
