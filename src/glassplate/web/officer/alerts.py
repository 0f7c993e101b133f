"""Alerts: a list without pictures; one alert opened for the eye, recorded; one choice that closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from glassplate.records import Alert, HoldProposal, Receipt, ShownAlert
from glassplate.web import pages, words
from glassplate.web.signing_in import Posted, Visited


@dataclass(frozen=True, slots=True)
class Closing:
    """One way to close an alert.

    ``value`` is the radio button: both halves of the decision in one, so that what the eye saw and what was
    done cannot contradict each other.
    """

    value: str
    confirmed: bool
    disposition: str
    label: str


def _matches(disposition: str, label: str) -> Closing:
    return Closing(f"confirmed:{disposition}", confirmed=True, disposition=disposition, label=label)


def _differs(disposition: str, label: str) -> Closing:
    return Closing(f"dismissed:{disposition}", confirmed=False, disposition=disposition, label=label)


CLOSINGS = (
    _matches("vehicle_located", "Vehicle located, no stop yet"),
    _matches("stop_made", "Stop made"),
    _matches("arrest", "Arrest made"),
    _matches("not_located", "Vehicle not located"),
    _matches("no_action", "No action taken"),
    _differs("wrong_plate", "Wrong plate: the characters differ"),
    _differs("wrong_state", "Wrong state: the plate is from elsewhere"),
    _differs("entry_out_of_date", "The list entry is out of date"),
    _differs("no_action", "Dismissed for another reason"),
)


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """Waiting and decided alerts, newest first."""

    template: ClassVar[str] = "officer/alerts.html"
    waiting: tuple[Alert, ...]
    decided: tuple[Alert, ...]
    proposals: tuple[HoldProposal, ...]
    """Stops and arrests whose read dies with its day unless it is held."""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert for the eye: the entry beside the read and its picture."""

    template: ClassVar[str] = "officer/alert.html"
    shown: ShownAlert
    characters: tuple[words.Character, ...]
    differing: tuple[int, ...]
    """Positions at which the read differs from the list's plate."""
    closings: tuple[Closing, ...]
    complaint: str | None


@dataclass(frozen=True, slots=True)
class DecidedPage:
    """The receipt of a decision."""

    template: ClassVar[str] = "officer/decided.html"
    receipt: Receipt
    closing: Closing
    decided_at: datetime


def alert_routes() -> APIRouter:
    """``/alerts`` and below. Showing is a POST, because it leaves an entry."""
    router = APIRouter()

    @router.get("/alerts")
    def alerts(request: Request, visit: Visited) -> Response:
        found = visit.client.alerts()
        waiting = tuple(alert for alert in found if alert.state == "waiting")
        decided = tuple(alert for alert in found if alert.state != "waiting")
        return pages.answer(
            request, AlertsPage(waiting, decided, tuple(visit.client.hold_proposals())), visit.frame
        )

    @router.post("/alerts/{alert_id}/show")
    def show(request: Request, visit: Visited, alert_id: str) -> Response:
        page = _alert_page(visit.client.show_alert(alert_id), None)
        return pages.answer(request, page, visit.frame)

    @router.post("/alerts/{alert_id}/decision")
    def decide(request: Request, visit: Visited, alert_id: str, form: Posted) -> Response:
        closing = next((one for one in CLOSINGS if one.value == form.text("closing")), None)
        if closing is None:
            page = _alert_page(
                visit.client.show_alert(alert_id), "Choose what your eye saw and what was done."
            )
            return pages.answer(request, page, visit.frame, 422)
        receipt = visit.client.decide_alert(
            alert_id, confirmed=closing.confirmed, disposition=closing.disposition, note=form.text("note")
        )
        return pages.answer(request, DecidedPage(receipt, closing, visit.now), visit.frame)

    return router


def _alert_page(shown: ShownAlert, complaint: str | None) -> AlertPage:
    if shown.found is None:
        return AlertPage(shown, (), (), CLOSINGS, complaint)
    read, wanted = shown.found.read.text, shown.alert.entry.plate
    longest = max(len(read), len(wanted))
    differing = tuple(at for at in range(longest) if read[at : at + 1] != wanted[at : at + 1])
    return AlertPage(shown, words.characters(shown.found.read), differing, CLOSINGS, complaint)
