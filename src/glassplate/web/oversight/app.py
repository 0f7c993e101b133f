"""The oversight face as an ASGI application."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from glassplate.web.application import application
from glassplate.web.approvals import approval_routes
from glassplate.web.entry import entry_routes
from glassplate.web.face import Face
from glassplate.web.oversight.cameras import camera_routes
from glassplate.web.oversight.keys import key_routes
from glassplate.web.oversight.log import log_routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from glassplate.web.face import ClientFactory

COOKIE = "__Host-glassplate-oversight"  # cookies know no ports: on one host the faces need two names
NAVIGATION = (
    ("/entries", "Record"),
    ("/refusals", "Refusals"),
    ("/approvals", "Approvals"),
    ("/keys", "Keys"),
    ("/cameras", "Cameras"),
    ("/charter", "Charter"),
)


def create_app(client_factory: ClientFactory, *, origin: str, zone: tzinfo = UTC) -> ASGIApp:
    """The face at ``origin``; ``client_factory`` makes a client for a session token."""
    face = Face(
        name="oversight",
        title="Oversight",
        origin=origin,
        cookie=COOKIE,
        navigation=NAVIGATION,
        client_factory=client_factory,
        zone=zone,
    )
    return application(face, log_routes(), approval_routes(), entry_routes(), key_routes(), camera_routes())
