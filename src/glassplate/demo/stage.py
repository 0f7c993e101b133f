"""What the demo's chapters share: the folder, the clock, the people and how they speak to the vault."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.cli.console import say
from glassplate.cli.login import demo_enroll, demo_sign_in
from glassplate.client import VaultClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from glassplate.config import CityFolder, Settings

DAYS = 31  # the ceremony's day and the retention of 30, so that a key dies in front of the audience
CITY = "Exampleville"
AGENCY = ("exampleville-pd", "Exampleville Police Department")
CAMERAS = {
    "court-16th": "Court Street at 16th Street",
    "harbor-22nd": "Harbor Way at 22nd Street",
    "station-10th": "Station Road at 10th Street",
}
PEOPLE = {
    "administrator": ("City IT", ("administrator",)),
    "r.alvarez": ("Sgt. R. Alvarez", ("officer", "supervisor")),
    "m.okafor": ("Lt. M. Okafor", ("supervisor",)),
    "j.doe": ("J. Doe, independent auditor", ("auditor",)),
    "clerk": ("City Clerk", ("council",)),
}
OFFICER, SUPERVISOR, AUDITOR, ADMINISTRATOR = "r.alvarez", "m.okafor", "j.doe", "administrator"


@dataclass(slots=True)
class Stage:
    """One demo run."""

    folder: CityFolder
    settings: Settings
    started_at: datetime
    fingerprints: dict[str, str] = field(default_factory=dict)
    invitation: str = field(default="", repr=False)
    chapter: int = 0

    @property
    def photo_day(self) -> datetime:
        """Midnight of the day on which the photos are taken: the demo's second day."""
        return (self.started_at + timedelta(days=1)).replace(hour=0)

    @property
    def attacks(self) -> Path:
        """What thieves and forgers made of public or stolen bytes, kept for the curious."""
        return self.folder.root / "attacks"

    def open_chapter(self, title: str) -> None:
        """A numbered heading."""
        self.chapter += 1
        say(f"\n[bold]({self.chapter}) {title}[/]")

    def advance(self, to: datetime) -> datetime:
        """Let the demo's days pass up to ``to``, each with its duties."""
        with VaultClient(self.folder.socket) as client:
            return client.advance_demo_clock(to)

    def now(self) -> datetime:
        """What the vault's clock says."""
        with VaultClient(self.folder.socket) as client:
            return client.status().now

    @contextmanager
    def person(self, account_id: str) -> Iterator[VaultClient]:
        """A client signed in as this person, with the demo's software passkey."""
        with VaultClient(self.folder.socket) as anybody:
            token, _session = demo_sign_in(anybody, self.folder, account_id)
        with VaultClient(self.folder.socket, token) as client:
            yield client

    def enroll(self, account_id: str, invitation: str) -> None:
        """Make a software passkey for the person and register it with the invitation."""
        with VaultClient(self.folder.socket) as client:
            demo_enroll(client, self.folder, account_id, invitation)


def start_of_demo(today: datetime) -> datetime:
    """31 days ago, at six in the morning UTC: photos of that morning are not in its future."""
    day = (today - timedelta(days=DAYS)).astimezone(UTC)
    return day.replace(hour=6, minute=0, second=0, microsecond=0)
