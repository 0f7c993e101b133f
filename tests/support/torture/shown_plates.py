"""A city's processes in which planted reads are shown in every way that there is, and then die.

Vault, its workers and the officer face run as ``glassplate serve`` starts them; what is asked comes over the socket and
over HTTP. Whoever asks is another process: theirs is not looked at.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from tests.support.city import PASSPHRASE, make_city

from glassplate.cli.connection import running_vault
from glassplate.client import VaultClient
from glassplate.config import Settings
from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.errors import ApprovalNeeded, Refused
from glassplate.freed_memory import sweepable_environment
from glassplate.records import ActSignature, ExportRequest, SearchRequest, Vehicle
from glassplate.web.officer.app import COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glassplate.config import CityFolder
    from glassplate.records import SearchResult

OFFICER, CAMERA, CASE = "m.okafor", "court-16th", "26-004512"
APPROVERS = ("r.alvarez", "j.doe")  # a supervisor and an auditor
WAIT_SECONDS = 30.0
HOUR = timedelta(hours=1)


@dataclass
class ShownCity:
    """The processes of one city, and people who ask it."""

    folder: CityFolder
    now: datetime
    read_at: datetime
    dies_at: datetime
    of_another_day: tuple[bytes, ...]
    """Batches of the day after."""
    origin: str
    vault: subprocess.Popen[bytes]
    face: subprocess.Popen[bytes]

    def processes(self) -> dict[str, int]:
        """What of ours runs: its kind and its process id."""
        found = {"vault": self.vault.pid, "officer face": self.face.pid}
        for number, pid in enumerate(_children(self.vault.pid)):
            found[f"worker {number}"] = pid
        return found

    @contextlib.contextmanager
    def person(self, account_id: str) -> Iterator[VaultClient]:
        with VaultClient(self.folder.socket) as anybody:
            token, _ = anybody.sign_in(
                self._passkey(account_id).sign_in(anybody.sign_in_options(account_id), self.origin),
                self.origin,
            )
        with VaultClient(self.folder.socket, token) as client:
            client.token = token  # type: ignore[attr-defined]
            yield client

    def _passkey(self, account_id: str) -> DemoAuthenticator:
        return DemoAuthenticator.load(self.folder.root / "people" / f"{account_id}.passkey.json")

    def request(self, **words: Any) -> SearchRequest:
        since, until = self.read_at - HOUR, self.read_at + HOUR
        lawful = SearchRequest("", "stolen_vehicle", "auto_theft", CASE, since, until)
        return replace(lawful, **words)

    def show_everything(self, plates: tuple[str, ...]) -> None:
        """Every plate in an exact search, then all of them by look-alikes, wildcards, a camera's window, images, an export."""
        with self.person(OFFICER) as officer:
            searched = [officer.search(self.request(plate=plate)) for plate in plates]
            searched.append(officer.search(self.request(plate=plates[0], kind="look_alike")))
            searched.append(officer.search(self.request(plate=f"{plates[0][:3]}*", kind="wildcard")))
            for words in (
                {"kind": "vehicle", "bodies": ("car",), "camera_ids": (CAMERA,)},
                {"kind": "camera_window", "camera_ids": (CAMERA,), "warrant": "SW-26-118"},
            ):
                asked = self.request(**words)
                searched.append(self.search_approved(officer, asked))
            for result in searched:
                assert result.reads
            window = searched[-1]
            for found in window.reads:
                officer.open_image(found.read.read_id, window.receipt.entry_index, "crop")
            self.export(officer, window)
            officer.my_searches()
            self.show_pages(officer, plates)

    def export(self, officer: VaultClient, shown: SearchResult) -> None:
        ids = tuple(found.read.read_id for found in shown.reads)
        asked = ExportRequest(
            case_number=CASE, reason="discovery", read_ids=ids, search_index=shown.receipt.entry_index
        )
        with contextlib.suppress(ApprovalNeeded):
            officer.export(asked)
        self.approve()
        request_id = next(one.request_id for one in officer.approvals() if one.action == "export")
        officer.export(asked, self._signature(OFFICER, officer.use_options(request_id)))

    def search_approved(self, officer: VaultClient, asked: SearchRequest) -> SearchResult:
        with contextlib.suppress(ApprovalNeeded):
            officer.search(asked)
        self.approve()
        return officer.search(asked)

    def approve(self) -> None:
        """Whoever may, approves what the officer has asked for."""
        for approver in APPROVERS:
            with self.person(approver) as second:
                for asked in second.approvals():
                    if asked.state in ("waiting", "approved") and asked.asked_by == OFFICER:
                        with contextlib.suppress(Refused):
                            self._decide(second, approver, asked)

    def _decide(self, second: VaultClient, approver: str, asked: Any) -> None:
        shown = second.show_approval(asked.request_id)
        words = {"approve": True, "reason": "Read it"}
        options = second.decision_options(shown.request_id, shown.request_sha256, **words)
        signature = self._signature(approver, options)
        second.decide_approval(shown.request_id, shown.request_sha256, **words, signature=signature)

    def _signature(self, who: str, options: dict[str, Any] | None) -> ActSignature | None:
        if options is None:
            return None
        return ActSignature(self._passkey(who).sign_in(options, self.origin), self.origin)

    def show_pages(self, officer: VaultClient, plates: tuple[str, ...]) -> None:
        """The same in the officer face, as a browser posts it."""
        words = {"purpose": "stolen_vehicle", "offense": "auto_theft", "case_number": CASE}
        words |= {"declared_use": "own_case", "period": "everything"}
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self.origin}
        headers["Cookie"] = f"{COOKIE}={officer.token}"  # type: ignore[attr-defined]
        with httpx.Client(base_url=self.origin, headers=headers) as browser:
            for plate in plates:
                page = browser.post("/search", data={**words, "plate": plate})
                assert page.status_code == 200, page.text
                assert plate in page.text
            assert browser.get("/searches").status_code == 200

    def problems(self) -> list[str]:
        with VaultClient(self.folder.socket) as anybody:
            return list(anybody.status().problems)

    def pass_time(self, to: datetime) -> None:
        with VaultClient(self.folder.socket) as anybody:
            anybody.advance_demo_clock(to)
        self.now = to


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


@contextlib.contextmanager
def shown_city(root: Path, plates: tuple[str, ...]) -> Iterator[ShownCity]:
    """A young city that has taken ``plates``, with its processes."""
    settings = Settings(officer_port=_free_port())
    city = make_city(root, settings=settings, retention_minutes=2 * 1440, max_search_days=3)
    features = tuple(replace(feature, approved=True) for feature in city.charter().features)
    city.vault.install_charter(city.signed(city.charter(features=features)))
    car = Vehicle("car", 0.9, "white", 0.8)
    read_at = city.now() - timedelta(minutes=30)
    batch = city.batch(*plates, vehicle=car, captured_at=read_at)
    others = [[f"5{letter}TH{n:03d}" for n in range(40)] for letter in "ABC"]
    later = tuple(city.batch(*plates, captured_at=read_at + 24 * HOUR) for plates in others)
    dies_at = min(record.epoch.destroy_at for record in city.vault.keyring.records())
    city.close()
    folder = city.folder
    folder.unlock_file.write_bytes(PASSPHRASE)
    folder.settings_file.write_text(settings.to_toml())
    with contextlib.ExitStack() as running:
        vault = running.enter_context(running_vault(folder, demo_clock=city.now().isoformat()))
        with VaultClient(folder.socket) as lane:
            lane.deliver(batch)
        face = running.enter_context(_face(folder, settings))
        yield ShownCity(folder, city.now(), read_at, dies_at, later, settings.officer_origin, vault, face)


@contextlib.contextmanager
def _face(folder: CityFolder, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "glassplate.web.server", "officer", "--socket", str(folder.socket)]
    command += ["--port", str(settings.officer_port), "--origin", settings.officer_origin]
    face = subprocess.Popen(command, env=sweepable_environment())
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(settings.officer_origin)
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield face
    finally:
        face.terminate()
        face.wait(WAIT_SECONDS)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
