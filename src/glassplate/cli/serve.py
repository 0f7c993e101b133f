"""``glassplate serve``: start and watch the vault and the three faces on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from glassplate.cli.connection import running_vault, start_vault, vault_answers
from glassplate.cli.console import emit, say
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.config import load_settings
from glassplate.errors import FolderBusy, GlassplateError
from glassplate.freed_memory import sweepable_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glassplate.config import CityFolder, Settings

WATCH_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0  # between restarts of a process that keeps dying
STOP_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("serve", epilog="Example: glassplate serve --dir city")(serve)


def serve(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Run vault, officer, oversight and public faces until stopped with Ctrl-C."""
    del json
    folder = city(directory)
    settings = load_settings(folder)
    if vault_answers(folder):
        raise FolderBusy(f"A vault already runs on {folder.root}. Stop it before starting another.")
    with running_vault(folder, unlock) as vault:
        emit(
            addresses(settings), [f"  {name:<28} {address}" for name, address in addresses(settings).items()]
        )
        open_faces(folder, settings, unlock, vault)


def open_faces(
    folder: CityFolder, settings: Settings, unlock: Path | None, vault: subprocess.Popen[bytes]
) -> None:
    """Start the faces, show a demo's one-time links, open a browser where there is one, watch until stopped."""
    from glassplate.demo.links import sign_in_links

    links = sign_in_links(folder, settings)
    for name, link in {**links, "public, for everybody": settings.public_origin}.items():
        say(f"  {name:<28} {link}")
    if links:
        say("  Each link signs in once (demo charters only).")
    say("Stop with Ctrl-C.")
    first_page = next(iter(links.values()), settings.public_origin)
    watch(folder, settings, unlock, vault, on_ready=lambda: _open_browser(first_page))


def _open_browser(page: str) -> None:
    """Only where there is a screen: a browser in the terminal would take it over."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page)


def addresses(settings: Settings) -> dict[str, str]:
    """Where the faces are."""
    return {
        "officer": settings.officer_origin,
        "oversight": settings.oversight_origin,
        "public": settings.public_origin,
    }


@dataclass(slots=True)
class _Watched:
    """One face's process and how often it died lately."""

    name: str
    process: subprocess.Popen[bytes]
    deaths: int = 0
    start_again_at: float = 0.0


def watch(
    folder: CityFolder,
    settings: Settings,
    unlock: Path | None,
    vault: subprocess.Popen[bytes],
    on_ready: Callable[[], object],
) -> None:
    """Start the faces; restart what dies, with a growing pause; stop on SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    faces = [_Watched(name, _start_face(name, folder, settings)) for name in addresses(settings)]
    deaths, again_at = 0, 0.0
    try:
        on_ready()
        while not stop.wait(WATCH_SECONDS):
            for face in faces:
                _look_after(face, folder, settings)
            if vault.poll() is not None and time.monotonic() >= again_at:
                deaths, again_at = deaths + 1, time.monotonic() + _pause(deaths + 1)
                say("The vault stopped; starting it again.")
                try:
                    vault = start_vault(folder, unlock)
                except GlassplateError as error:
                    say(f"  {error}")
    finally:
        for face in faces:
            face.process.terminate()
        vault.terminate()
        for process in [*(face.process for face in faces), vault]:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _look_after(face: _Watched, folder: CityFolder, settings: Settings) -> None:
    if face.process.poll() is None:
        return
    if not face.start_again_at:
        face.deaths += 1
        face.start_again_at = time.monotonic() + _pause(face.deaths)
        say(f"The {face.name} face stopped; it starts again in {_pause(face.deaths):.0f} s.")
    elif time.monotonic() >= face.start_again_at:
        face.process, face.start_again_at = _start_face(face.name, folder, settings), 0.0


def _pause(deaths: int) -> float:
    return min(2.0**deaths, LONGEST_PAUSE_SECONDS)


def _start_face(name: str, folder: CityFolder, settings: Settings) -> subprocess.Popen[bytes]:
    port = {
        "officer": settings.officer_port,
        "oversight": settings.oversight_port,
        "public": settings.public_port,
    }
    origins = addresses(settings)
    place = ["--public", str(folder.public)] if name == "public" else ["--socket", str(folder.socket)]
    command = [sys.executable, "-m", "glassplate.web.server", name, *place]
    command += ["--host", settings.host, "--port", str(port[name]), "--origin", origins[name]]
    return subprocess.Popen(command, env=sweepable_environment(), start_new_session=True)
