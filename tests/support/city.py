"""A whole city in one process: the real vault, a settable clock, software passkeys. Nothing is mocked.

``TestCity`` goes through the front door: charters are signed by three offices, people sign in with passkeys, reads
come as sealed, signed batches. Only the recognizer is left out: plates are given as text; and the passphrase is stretched
less than a real city's.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from glassplate import seal
from glassplate.charter import OFFICES, Charter, OfficePrivateKey, draft, sample_charter, shipped_policy, sign
from glassplate.config import CityFolder, Settings
from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.founding import create_city
from glassplate.keys import SettableClock, root_file
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.recognize.redaction import redact_to_plate
from glassplate.records import BatchOutcome, PlateRead, SearchRequest, Vehicle
from glassplate.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.recognize.redaction import RedactedImage

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSPHRASE = b"an invented passphrase"
CAMERAS = {"court-16th": "Court Street at 16th Street", "harbor-22nd": "Harbor Way at 22nd Street"}
PEOPLE = {
    "r.alvarez": ("officer", "supervisor"),
    "m.okafor": ("officer",),
    "j.doe": ("auditor",),
    "clerk": ("council",),
}
ADMINISTRATOR = "administrator"
UNSEEN = Vehicle()
STRETCHING = {"ITERATIONS": 1, "MEMORY_KIB": 64}
"""Of the passphrase, in root.json: cheap, because each test opens a vault and the shipped cost is 0.16 s of CPU each time."""


@dataclass
class TestCity:
    """One city below ``root``. ``reopen`` closes and opens the vault, as a restart would."""

    __test__ = False

    root: Path
    clock: SettableClock
    offices: dict[str, OfficePrivateKey]
    auditor_keys: list[seal.AuditorKey]
    camera_keys: dict[str, seal.CameraKey]
    vault: Vault
    passkeys: dict[str, DemoAuthenticator] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    secret: bytes = PASSPHRASE

    @property
    def folder(self) -> CityFolder:
        return CityFolder(self.root)

    @property
    def fingerprints(self) -> dict[str, str]:
        return {office: key.public.fingerprint for office, key in self.offices.items()}

    def now(self) -> datetime:
        return self.vault.time.latest()

    def sign_in(self, account_id: str) -> str:
        """A session token, by passkey."""
        origin = self.vault.settings.officer_origin
        options = self.vault.sign_in.sign_in_options(account_id)
        token, _ = self.vault.sign_in.sign_in(self.passkeys[account_id].sign_in(options, origin), origin)
        return token

    def enroll(self, account_id: str, invitation: str) -> None:
        authenticator = DemoAuthenticator.create(self.root / "people" / f"{account_id}.passkey.json")
        origin = self.vault.settings.officer_origin
        options = self.vault.sign_in.registration_options(invitation)
        self.vault.sign_in.register_passkey(invitation, authenticator.register(options, origin), origin)
        self.passkeys[account_id] = authenticator

    def batch(
        self,
        *plates: str,
        camera_id: str = "court-16th",
        captured_at: datetime | None = None,
        vehicle: Vehicle = UNSEEN,
    ) -> bytes:
        """A sealed, signed batch with one read for each plate, one second apart."""
        bundle_key = VerifierKey.parse((self.folder.public / "bundle.vkey").read_text().strip())
        sealer = open_bundle(self.vault.bundle(), bundle_key)
        first = captured_at or self.now() - timedelta(minutes=1)
        sealed = [
            sealer.seal(
                replace(plate_read(plate, camera_id, first + timedelta(seconds=n)), vehicle=vehicle),
                some_crop(),
            )
            for n, plate in enumerate(plates)
        ]
        return seal.BatchSigner(camera_id, self.camera_keys[camera_id].private_key).sign(0, sealed)

    def ingest(self, *plates: str, **words: Any) -> BatchOutcome:
        """Deliver a ``batch``."""
        return self.vault.intake.accept(self.batch(*plates, **words))

    def request(self, plate: str = "7KDR214", **changes: object) -> SearchRequest:
        """A lawful request, with changes; with ``?`` or ``*`` in the plate it is a wildcard search."""
        lawful = SearchRequest(
            plate=plate,
            purpose="stolen_vehicle",
            offense="auto_theft",
            case_number="26-004512",
            since=self.now() - timedelta(hours=12),
            until=self.now(),
            kind="wildcard" if set(plate) & set("?*") else "exact",
        )
        return replace(lawful, **changes)  # type: ignore[arg-type]

    def pass_days(self, days: float) -> None:
        """Let days pass with their duties."""
        self.vault.advance_demo_clock(self.clock.wall() + timedelta(days=days))

    def charter(self, **changes: object) -> Charter:
        """The charter in force, next version, with changes."""
        old = self.vault.mandate.last().verified.charter
        return replace(old, version=old.version + 1, **changes)  # type: ignore[arg-type]

    def signed(self, charter: Charter) -> dict[str, str]:
        documents = draft(charter, {o: (k.public,) for o, k in self.offices.items()}, shipped_policy())  # type: ignore[misc]
        for key in self.offices.values():
            documents = sign(documents, key)
        return documents

    def close(self) -> None:
        self.vault.close()

    def open(
        self, *, files: Files | None = None, observe: Callable[[int], None] = lambda _step: None
    ) -> None:
        self.vault = Vault(
            self.folder, self.settings, self.secret, clock=self.clock, files=files, observe=observe
        )

    def reopen(self, *, files: Files | None = None) -> None:
        self.close()
        self.open(files=files)


def make_city(
    root: Path,
    start: datetime = START,
    *,
    settings: Settings | None = None,
    secret: bytes = PASSPHRASE,
    **charter_changes: object,
) -> TestCity:
    """A city with an installed demo charter, everybody enrolled, alerts on unknown regions allowed."""
    offices = {office: OfficePrivateKey.generate() for office in OFFICES}
    fingerprints = {office: key.public.fingerprint for office, key in offices.items()}
    invitation = secrets.token_urlsafe(16)
    folder, settings = CityFolder(root), settings or Settings()
    with patch.multiple(root_file, **STRETCHING):
        log_vkey, bundle_vkey = create_city(
            folder, settings, secret, fingerprints, (ADMINISTRATOR, "City IT"), invitation, start
        )
    auditors = [seal.AuditorKey.generate() for _ in range(2)]
    cameras = {camera_id: seal.CameraKey.generate() for camera_id in CAMERAS}
    clock = SettableClock(start)
    city = TestCity(
        root,
        clock,
        dict(offices),
        auditors,
        cameras,
        Vault(folder, settings, secret, clock=clock),
        settings=settings,
        secret=secret,
    )
    charter = sample_charter(
        mark="demo",
        city="Exampleville",
        agency=("exampleville-pd", "Exampleville Police Department"),
        not_before=start,
        origin=settings.log_origin,
        log_vkey=log_vkey,
        bundle_vkey=bundle_vkey,
        auditor_keys={key.key_id: key.public_text for key in auditors},
        cameras=[(i, name, cameras[i].public_text) for i, name in CAMERAS.items()],
        recognizers=("test 1",),
    )
    charter = replace(charter, **{"alert_on_unknown_region": True, **charter_changes})  # type: ignore[arg-type]
    city.vault.install_charter(city.signed(charter))
    city.enroll(ADMINISTRATOR, invitation)
    administrator = city.sign_in(ADMINISTRATOR)
    for account_id, roles in PEOPLE.items():
        invited = city.vault.accounts.add(
            administrator, account_id, account_id.title(), roles, start + timedelta(days=365)
        )
        city.enroll(account_id, invited.invitation)
    return city


def plate_read(plate: str, camera_id: str, captured_at: datetime) -> PlateRead:
    identity = f"{camera_id}{captured_at.isoformat()}{plate}".encode()
    return PlateRead(
        read_id=hashlib.sha256(identity).hexdigest()[:32],
        text=plate,
        character_confidences=(0.99,) * len(plate),
        camera_id=camera_id,
        captured_at=captured_at,
        recognizer="test 1",
        box=(10, 10, 100, 24),
    )


@cache
def some_crop() -> RedactedImage:
    pixels = np.random.default_rng(7).integers(0, 255, (160, 240, 3), dtype=np.uint8)
    return redact_to_plate(pixels, (10, 10, 100, 24), [], [])
