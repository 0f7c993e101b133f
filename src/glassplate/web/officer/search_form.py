"""The search form: what may be chosen, what was posted, what is missing. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Literal

from glassplate.records import (
    LONGEST_HOURS,
    MOST_CAMERAS,
    VEHICLE_BODIES,
    VEHICLE_COLORS,
    CharterSummary,
    SearchKind,
    SearchRequest,
)
from glassplate.web import words

if TYPE_CHECKING:
    from glassplate.web.forms import PostedForm

TabId = Literal["plate", "vehicle", "camera"]
_MINUTE = "%Y-%m-%dT%H:%M"  # as HTML's datetime-local has it

_USUAL_PERIODS = (
    ("24-hours", "Last 24 hours", timedelta(hours=24)),
    ("7-days", "Last 7 days", timedelta(days=7)),
    ("30-days", "Last 30 days", timedelta(days=30)),
)
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to search, a page of its own: no field of another way is on it. ``bounds``: what policy allows it."""

    tab_id: TabId
    path: str
    label: str
    features: tuple[str, ...]
    """One of these must be approved."""
    bounds: str = ""


def _bounds(what: str, kind: SearchKind, needs: str) -> str:
    length = words.minutes_in_words(LONGEST_HOURS[kind] * 60)
    return f"{what} at 1 to {MOST_CAMERAS[kind]} cameras within {length}. It needs {needs}: your first try asks for that."


TABS = (
    Tab("plate", "/search", "Plate", ("plate_search", "wildcard_search")),
    Tab(
        "vehicle",
        "/search/vehicle",
        "Vehicle",
        ("vehicle_search",),
        _bounds("Vehicles of a body or color", "vehicle", "a supervisor's approval"),
    ),
    Tab(
        "camera",
        "/search/camera",
        "Camera window",
        ("camera_window_search",),
        _bounds("Everything read", "camera_window", "a warrant, and a supervisor's approval"),
    ),
)


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
    tabs: tuple[Tab, ...]
    """What the charter approves; the first is where an officer begins."""
    off: tuple[Tab, ...]
    has_wildcards: bool
    """Whether a part of a plate, and look-alikes, may be asked for."""
    bodies: tuple[str, ...] = VEHICLE_BODIES
    colors: tuple[str, ...] = VEHICLE_COLORS

    @classmethod
    def of(cls, charter: CharterSummary) -> SearchChoices:
        """The choices under ``charter``; no period is longer than the retention."""
        approved = {name for name, is_approved in charter.features if is_approved}
        tabs = tuple(tab for tab in TABS if approved.intersection(tab.features))
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
            tabs,
            tuple(tab for tab in TABS if tab not in tabs),
            "wildcard_search" in approved,
        )

    def tab(self, tab_id: TabId) -> Tab | None:
        """The tab, if the charter approves it."""
        return next((tab for tab in self.tabs if tab.tab_id == tab_id), None)

    def default_period(self) -> str:
        """A week where there is one: the shortest usual question of a case."""
        return next((p.period_id for p in self.periods if p.period_id == "7-days"), self.periods[0].period_id)

    def default_use(self) -> str:
        """The first use that the charter does not forbid."""
        return next((use for use, _, prohibited in self.declared_uses if not prohibited), "")


@dataclass(frozen=True, slots=True)
class SearchForm:
    """The form's values, as posted or as first shown. ``since`` and ``until``: local minutes, where there is no period."""

    tab: TabId = "plate"
    plate: str = field(default="", repr=False)
    purpose: str = ""
    offense: str = ""
    case_number: str = field(default="", repr=False)
    declared_use: str = ""
    on_behalf_of: str = field(default="", repr=False)
    period: str = ""
    cameras: tuple[str, ...] = ()
    look_alike: bool = False
    bodies: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    warrant: str = field(default="", repr=False)

    @classmethod
    def empty(cls, choices: SearchChoices, tab: TabId = "plate") -> SearchForm:
        """As first shown: nothing about the case is filled in for the officer."""
        return cls(tab, declared_use=choices.default_use(), period=choices.default_period())

    @classmethod
    def of(cls, request: SearchRequest, choices: SearchChoices, zone: tzinfo) -> SearchForm:
        """As it was when ``request`` was asked, beside a further page; a usual period is not known any more."""
        tabs: dict[SearchKind, TabId] = {"vehicle": "vehicle", "camera_window": "camera"}
        return cls(
            tab=tabs.get(request.kind, "plate"),
            plate=request.plate,
            purpose=request.purpose,
            offense=request.offense,
            case_number=request.case_number,
            declared_use=request.declared_use,
            on_behalf_of=request.on_behalf_of or "",
            period=choices.default_period(),
            cameras=request.camera_ids,
            look_alike=request.kind == "look_alike",
            bodies=request.bodies,
            colors=request.colors,
            since=request.since.astimezone(zone).strftime(_MINUTE),
            until=request.until.astimezone(zone).strftime(_MINUTE),
            warrant=request.warrant,
        )

    @classmethod
    def posted(cls, form: PostedForm, tab: TabId = "plate") -> SearchForm:
        """As it came back from the page of ``tab``."""
        return cls(
            tab=tab,
            plate=form.text("plate").upper(),
            purpose=form.text("purpose"),
            offense=form.text("offense"),
            case_number=form.text("case_number"),
            declared_use=form.text("declared_use"),
            on_behalf_of=form.text("on_behalf_of"),
            period=form.text("period"),
            cameras=tuple(form.texts("camera")),
            look_alike=bool(form.text("look_alike")),
            bodies=tuple(form.texts("body")),
            colors=tuple(form.texts("color")),
            since=form.text("since"),
            until=form.text("until"),
            warrant=form.text("warrant"),
        )

    def complaints(self, choices: SearchChoices) -> dict[str, str]:
        """Field name -> what to do about it. Only what a person can mend here; the vault decides the rest."""
        found = self._plate_complaints(choices) if self.tab == "plate" else self._other_complaints()
        if self.purpose not in {purpose for purpose, _ in choices.purposes}:
            found["purpose"] = "Choose a purpose."
        if self.offense not in {offense for offense, _ in choices.offenses}:
            found["offense"] = "Choose an offense."
        if not self.case_number:
            found["case_number"] = f"Enter a case number, such as {choices.case_number_example}."
        if self.declared_use not in {use for use, _, _ in choices.declared_uses}:
            found["declared_use"] = "Declare what this search is for."
        return found

    def _plate_complaints(self, choices: SearchChoices) -> dict[str, str]:
        found = {}
        if not self.plate:
            found["plate"] = "Enter a plate."
        elif self.look_alike and self._has_wildcards:
            found["plate"] = "Look-alikes are of a whole plate: leave out ? and *, or the look-alikes."
        if self.period not in {period.period_id for period in choices.periods}:
            found["period"] = "Choose a period."
        return found

    def _other_complaints(self) -> dict[str, str]:
        found = {}
        if self.tab == "vehicle" and not self.bodies and not self.colors:
            found["look"] = "Choose a body or a color."
        if not self.cameras:
            found["cameras"] = "Choose at least one camera."
        for name, what in (("since", "start"), ("until", "end")):
            if _minute(getattr(self, name), UTC) is None:
                found[name] = f"Enter the {what}: a day and a time."
        if "since" not in found and "until" not in found and self.since >= self.until:
            found["until"] = "Enter an end after the start."
        if self.tab == "camera" and not self.warrant:
            found["warrant"] = "Enter the warrant's number."
        return found

    @property
    def _has_wildcards(self) -> bool:
        return bool(set("?*") & set(self.plate))

    @property
    def kind(self) -> SearchKind:
        """Which kind of search the form asks for."""
        if self.tab == "vehicle":
            return "vehicle"
        if self.tab == "camera":
            return "camera_window"
        if self.look_alike:
            return "look_alike"
        return "wildcard" if self._has_wildcards else "exact"

    def request(self, choices: SearchChoices, now: datetime, zone: tzinfo) -> SearchRequest:
        """What the vault is asked. Call only without complaints."""
        since, until = self._window(choices, now, zone)
        return SearchRequest(
            plate=self.plate,
            purpose=self.purpose,
            offense=self.offense,
            case_number=self.case_number,
            since=since,
            until=until,
            camera_ids=self.cameras,
            declared_use=self.declared_use,
            on_behalf_of=self.on_behalf_of or None,
            kind=self.kind,
            bodies=self.bodies,
            colors=self.colors,
            warrant=self.warrant,
        )

    def _window(self, choices: SearchChoices, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
        since, until = _minute(self.since, zone), _minute(self.until, zone)
        if self.tab == "plate" or since is None or until is None:
            return now - next(p.length for p in choices.periods if p.period_id == self.period), now
        return since, until


def _minute(text: str, zone: tzinfo) -> datetime | None:
    """A local minute; None for anything else."""
    try:
        return datetime.strptime(text, _MINUTE).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
