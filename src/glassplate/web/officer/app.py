"""The officer face as an ASGI application."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from glassplate.web.application import application
from glassplate.web.approvals import approval_routes
from glassplate.web.entry import entry_routes
from glassplate.web.face import Face
from glassplate.web.officer.alerts import alert_routes
from glassplate.web.officer.approved import approved_routes
from glassplate.web.officer.evidence import evidence_routes
from glassplate.web.officer.history import history_routes
from glassplate.web.officer.search import search_routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from glassplate.web.face import ClientFactory

COOKIE = "__Host-glassplate"
NAVIGATION = (
    ("/search", "Search"),
    ("/alerts", "Alerts"),
    ("/holds", "Holds"),
    ("/searches", "My searches"),
    ("/approvals", "Approvals"),
    ("/policy", "Policy"),
)


def create_app(client_factory: ClientFactory, *, origin: str, zone: tzinfo = UTC) -> ASGIApp:
    """The face at ``origin``; ``client_factory`` makes a client for a session token."""
    face = Face(
        name="officer",
        title="Plate Reads",
        origin=origin,
        cookie=COOKIE,
        navigation=NAVIGATION,
        client_factory=client_factory,
        zone=zone,
    )
    return application(
        face,
        search_routes(),
        alert_routes(),
        evidence_routes(),
        history_routes(),
        approval_routes(),
        approved_routes(),
        entry_routes(),
    )
