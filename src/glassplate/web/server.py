"""Runs one face in its own process: ``python -m glassplate.web.server officer --socket … --port …``.

There is no access log: addresses may hold a one-time secret, and who looked at what belongs in the record.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import uvicorn

from glassplate.client import VaultClient
from glassplate.errors import UsageError
from glassplate.freed_memory import sweep_freed_memory
from glassplate.web.officer.app import create_app as create_officer
from glassplate.web.oversight.app import create_app as create_oversight
from glassplate.web.public.app import create_app as create_public

if TYPE_CHECKING:
    from starlette.types import ASGIApp

AnyFace = Literal["officer", "oversight", "public"]
FACES: tuple[AnyFace, ...] = ("officer", "oversight", "public")
SWEEP_SECONDS = 15.0
GRACE_SECONDS = 5  # a search in flight may end when the face is stopped


def make_face(
    name: AnyFace,
    *,
    socket_path: Path | None = None,
    folder: Path | None = None,
    origin: str = "http://localhost",
    zone_name: str = "UTC",
) -> ASGIApp:
    """The ASGI application of one face: ``folder`` for the public one, ``socket_path`` for the others.

    Raises:
        UsageError: when the one it needs is missing, or the time zone is unknown.
    """
    if name == "public":
        if folder is None:
            raise UsageError("The public face needs the folder that it serves.")
        return create_public(folder)
    if socket_path is None:
        raise UsageError(f"The {name} face needs the vault's socket.")

    def client(token: str | None) -> VaultClient:
        return VaultClient(socket_path, token)

    create = create_officer if name == "officer" else create_oversight
    return create(client, origin=origin, zone=_zone(zone_name))


def serve_face(
    name: AnyFace,
    *,
    host: str,
    port: int,
    socket_path: Path | None = None,
    folder: Path | None = None,
    origin: str | None = None,
    zone_name: str = "UTC",
) -> None:
    """Serve until the process is told to stop. ``origin`` is the address in people's browsers."""
    threading.Thread(target=_sweep_often, daemon=True).start()
    face = make_face(
        name,
        socket_path=socket_path,
        folder=folder,
        origin=origin or f"http://localhost:{port}",
        zone_name=zone_name,
    )
    uvicorn.run(
        face,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE_SECONDS,
        proxy_headers=False,
    )


def _sweep_often() -> None:
    """A face is not told which days die; what it has shown is overwritten soon after."""
    while True:
        time.sleep(SWEEP_SECONDS)
        sweep_freed_memory()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UsageError(f"{name!r} is not a time zone. Use a name such as America/Los_Angeles.") from None


def main() -> None:
    """The command line of one face's process."""
    parser = argparse.ArgumentParser(prog="python -m glassplate.web.server", description=__doc__)
    parser.add_argument("name", choices=FACES)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--socket", type=Path, help="the vault's socket (officer, oversight)")
    parser.add_argument("--public", type=Path, help="the folder to serve (public)")
    parser.add_argument("--origin", help="the address in people's browsers; default http://localhost:PORT")
    parser.add_argument("--time-zone", default="UTC", help="such as America/Los_Angeles")
    options = parser.parse_args()
    try:
        serve_face(
            options.name,
            host=options.host,
            port=options.port,
            socket_path=options.socket,
            folder=options.public,
            origin=options.origin,
            zone_name=options.time_zone,
        )
    except UsageError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
