"""A real city behind real faces: vault and faces as processes, as ``glassplate serve`` starts them. Nothing is faked
but the clock, the camera's pictures and the plates.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))  # for ``tests.support``, however pytest was started

from tests.support.city import ADMINISTRATOR, PASSPHRASE, make_city
from tests.support.ports import free_ports

from glassplate.cli.connection import start_vault
from glassplate.cli.login import demo_sign_in
from glassplate.client import VaultClient
from glassplate.config import CityFolder, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.city import TestCity

PLATE = "7KDR214"
WANTED = ("6SKY134", "4TBM908", "9JEM274")  # one waiting alert each, for one test each
OFFICER, AUDITOR = "r.alvarez", "j.doe"
FACES = ("officer", "oversight", "public")
START_SECONDS = 30.0
STOP_SECONDS = 15.0


@dataclass
class RealCity:
    """The processes of one city, and the administrator's way to them."""

    folder: CityFolder
    settings: Settings
    clock: str
    damaged_day: str
    """The epoch whose segment on the disk was changed."""
    vault: subprocess.Popen[bytes] | None = None
    faces: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def officer(self) -> str:
        return self.settings.officer_origin

    @property
    def oversight(self) -> str:
        return self.settings.oversight_origin

    @property
    def public(self) -> str:
        return self.settings.public_origin

    def now(self) -> datetime:
        return datetime.fromisoformat(self.clock)

    def start_vault(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ResourceWarning
            )  # httpcore leaves a socket that nobody answered open
            self.vault = start_vault(self.folder, None, demo_clock=self.clock)

    def stop_vault(self) -> None:
        assert self.vault is not None
        stop(self.vault)

    @contextlib.contextmanager
    def administrator(self) -> Iterator[VaultClient]:
        with VaultClient(self.folder.socket) as anybody:
            token, _ = demo_sign_in(anybody, self.folder, ADMINISTRATOR)
        with VaultClient(self.folder.socket, token) as client:
            yield client

    def link(self, account_id: str) -> str:
        """A one-time sign-in secret."""
        with self.administrator() as administrator:
            return administrator.issue_link(account_id)

    def invite(self, account_id: str, name: str, roles: tuple[str, ...] = ("officer",)) -> str:
        """A new person's invitation."""
        with self.administrator() as administrator:
            valid = administrator.status().now + timedelta(days=365)
            return administrator.add_account(account_id, name, roles, valid).invitation

    def publish(self) -> None:
        with self.administrator() as administrator:
            administrator.publish()

    def command(self, *words: str, state: Path) -> subprocess.Popen[str]:
        """``glassplate …`` in a process of its own, with a home of its own."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("glassplate")), *words, "--dir", str(self.folder.root)],
            env={**os.environ, "XDG_STATE_HOME": str(state), "NO_COLOR": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextlib.contextmanager
def running_city(root: Path) -> Iterator[RealCity]:
    """Ten days of a city, then its processes for the length of the block."""
    settings = Settings(
        **dict(zip(("officer_port", "oversight_port", "public_port"), free_ports(3), strict=True))
    )
    city = _ten_days(root, settings)
    try:
        city.start_vault()
        city.faces = [_start_face(name, city) for name in FACES]
        for origin in (city.officer, city.oversight, city.public):
            _wait_for(f"{origin}/")
        yield city
    finally:
        for process in (*city.faces, city.vault):
            if process is not None:
                stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _ten_days(root: Path, settings: Settings) -> RealCity:
    """Made in this process: it is quick, and the tests' city goes through the front door, too."""
    made = make_city(root)
    made.ingest(PLATE, "5MRT480")
    damaged_day = f"{made.now():%Y-%m-%d}"
    made.pass_days(9)
    made.ingest(PLATE, "8BXW615", camera_id="harbor-22nd")
    made.pass_days(1)
    made.ingest(PLATE)
    _want(made)
    made.close()
    _damage(root, damaged_day)
    folder = CityFolder(root)
    folder.settings_file.write_text(settings.to_toml())
    folder.unlock_file.write_bytes(PASSPHRASE)
    return RealCity(folder, settings, made.clock.wall().isoformat(), damaged_day)


def _want(city: TestCity) -> None:
    ends = f"{city.now() + timedelta(days=3):%Y-%m-%d}"
    rows = [
        {"plate": plate, "category": "stolen_vehicle", "reason": "Stolen vehicle report", "expires_at": ends}
        for plate in WANTED
    ]
    city.vault.alerts.import_hotlist(city.sign_in(ADMINISTRATOR), rows, "State stolen vehicle file, invented")
    city.ingest(*WANTED)


def _damage(root: Path, epoch_id: str) -> None:
    """A disk that forgets: bytes in the middle of the day's sealed segment are gone."""
    (segment,) = (root / "vault" / "store").glob(f"{epoch_id}*.sealed")
    content = bytearray(segment.read_bytes())
    content[100:-100] = bytes(len(content) - 200)
    segment.chmod(0o600)
    segment.write_bytes(content)


def _start_face(name: str, city: RealCity) -> subprocess.Popen[bytes]:
    port = {"officer": city.settings.officer_port, "oversight": city.settings.oversight_port}
    place = (
        ["--public", str(city.folder.public)] if name == "public" else ["--socket", str(city.folder.socket)]
    )
    command = [sys.executable, "-m", "glassplate.web.server", name, *place]
    return subprocess.Popen([*command, "--port", str(port.get(name, city.settings.public_port))])


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(address)
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"nothing answers at {address}"
            time.sleep(0.05)
        else:
            return


def pairing_code(process: subprocess.Popen[str]) -> str:
    """The code that ``glassplate login`` shows, as soon as it shows it."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", line):
            return found[0]
    raise AssertionError("glassplate login ended without a code")
