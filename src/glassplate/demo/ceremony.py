"""Chapter 1: the charter ceremony. Three offices, three keys on three paths, one charter that all of them sign."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from glassplate import seal
from glassplate.build_identity import build_sha256
from glassplate.charter import (
    OFFICES,
    OfficePrivateKey,
    draft,
    sample_charter,
    shipped_policy,
    sign,
)
from glassplate.cli.console import say
from glassplate.cli.init import make_city
from glassplate.client import VaultClient
from glassplate.demo.stage import ADMINISTRATOR, AGENCY, CAMERAS, CITY, PEOPLE
from glassplate.files import LocalFiles
from glassplate.recognize.engines import engine
from glassplate.recognize.scenes import shipped_version, stored_version

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.charter import Office
    from glassplate.demo.stage import Stage

AUDITOR_KEYS = {
    "auditor": "body.key",
    "clerk": "body.key",
}  # two readers of the record, neither on the server


def make_office_keys(stage: Stage) -> dict[Office, OfficePrivateKey]:
    """A key for each office, each on its own path; in real life on its own machine."""
    keys: dict[Office, OfficePrivateKey] = {}
    for office in OFFICES:
        key = OfficePrivateKey.generate()
        path = office_folder(stage, office) / "office.key"
        LocalFiles().write_atomic(path, key.to_pem(), mode=0o600)
        keys[office] = key
        stage.fingerprints[office] = key.public.fingerprint
        say(f"  {office:<8} key in {path.relative_to(stage.folder.root)}   {key.public.fingerprint}")
    say("  These fingerprints go into the ordinance; they are all that an outsider has to believe.")
    return keys


def make_folder(stage: Stage) -> dict[str, str]:
    """The vault makes its own keys, pins the offices' fingerprints, starts an empty log."""
    made = make_city(
        stage.folder.root,
        stage.fingerprints,
        origin=stage.settings.log_origin,
        administrator=ADMINISTRATOR,
        administrator_name=PEOPLE[ADMINISTRATOR][0],
        unlock=None,
        now=stage.started_at.isoformat(),
    )
    stage.invitation = made["invitation"]
    return made


def sign_charter(stage: Stage, made: dict[str, str], keys: dict[Office, OfficePrivateKey]) -> dict[str, str]:
    """Draft, let each office sign with its own key, return the documents."""
    auditors: dict[str, str] = {}
    cameras: list[tuple[str, str, str]] = []
    for office, name in AUDITOR_KEYS.items():
        reader = seal.AuditorKey.generate()
        reader.save(office_folder(stage, office) / name, LocalFiles())
        auditors[reader.key_id] = reader.public_text
    for camera_id, camera_name in CAMERAS.items():
        camera = seal.CameraKey.generate()
        camera.save(stage.folder.lane(camera_id) / "camera.key", LocalFiles())
        cameras.append((camera_id, camera_name, camera.public_text))
    charter = sample_charter(
        mark="demo",
        city=CITY,
        agency=AGENCY,
        not_before=stage.started_at,
        origin=stage.settings.log_origin,
        log_vkey=made["log_vkey"],
        bundle_vkey=made["bundle_vkey"],
        auditor_keys=auditors,
        cameras=cameras,
        recognizers=(stored_version(engine(), shipped_version()),),
        builds=(build_sha256(),),
    )
    charter = replace(
        charter, alert_on_unknown_region=True
    )  # the thin recognizer states no region: the eye decides
    documents = draft(charter, {office: (key.public,) for office, key in keys.items()}, shipped_policy())
    for office, key in keys.items():
        documents = sign(documents, key)
        say(f"  signed by the {office}")
    return documents


def install(stage: Stage, documents: dict[str, str]) -> None:
    """Hand the signed charter to the running vault."""
    with VaultClient(stage.folder.socket) as client:
        receipt = client.install_charter(documents)
        charter = client.charter()
    say(
        f"  Charter version {charter.version} of {charter.city} is in force (entry {receipt.entry_index}), marked "
        f"[bold]{charter.mark}[/]; reads live {charter.retention_minutes // 1440} days; sharing is closed."
    )


def office_folder(stage: Stage, office: str) -> Path:
    """Where the demo keeps an office's keys."""
    return stage.folder.root / "offices" / office
