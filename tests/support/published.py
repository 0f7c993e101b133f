"""A published city with a history, and a forger's tools: what an insider with the log's or publisher's key could do."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.city import ADMINISTRATOR, make_city

from glassplate.build_identity import build_sha256
from glassplate.encoding import base64url, canonical_json, sha256_hex
from glassplate.errors import Refused
from glassplate.files import LocalFiles
from glassplate.founding import LOG_KEY, PUBLISHER_KEY
from glassplate.log import (
    Commitment,
    LogRecord,
    SigningKey,
    TileReader,
    TransparencyLog,
    body_hash,
    leaf_bytes,
    open_checkpoint,
    open_note,
    sign_note,
)
from glassplate.seal.body import body_info, seal_body
from glassplate.verify.bodies import open_with_commitment_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from tests.support.city import TestCity

    from glassplate.seal import AuditorKey

RETENTION_DAYS = 3
OLD_PARTIAL = 30  # the width of a stale partial tile
ENTRIES_WANTED = 260  # more than one tile, so that there are full and partial ones


@dataclass(frozen=True)
class Published:
    """What an outsider has (``public``, ``fingerprints``), an auditor has, and (for forging) an insider has."""

    root: Path
    fingerprints: dict[str, str]
    now: datetime
    auditor_key: AuditorKey
    log_key: SigningKey
    publisher: SigningKey

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def pulled(self) -> Path:
        return self.root / "pulled"

    @property
    def auditor_key_file(self) -> Path:
        return self.root / "auditor.key"

    def copy_to(self, root: Path) -> Published:
        shutil.copytree(self.root, root)
        return Published(root, self.fingerprints, self.now, self.auditor_key, self.log_key, self.publisher)

    @property
    def arguments(self) -> list[str]:
        """Of ``glassplate verify``."""
        roots = [
            part for office, mark in self.fingerprints.items() for part in ("--root", f"{office}={mark}")
        ]
        return ["verify", str(self.public), *roots, "--as-of", self.now.isoformat()]

    @property
    def audit_arguments(self) -> list[str]:
        return ["--bodies", str(self.pulled), "--auditor-key", str(self.auditor_key_file)]

    # --- reading ------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        return open_checkpoint((self.public / "log/checkpoint").read_bytes(), self.log_key.verifier).size

    def leaves(self) -> list[bytes]:
        return list(TileReader(self.public / "log").entries(self.size))

    def index_of(self, entry_type: str, occurrence: int = 0) -> int:
        """The index of the n-th entry of a type; -1 is the last."""
        types = [json.loads(leaf)["pub"]["type"] for leaf in self.leaves()]
        return [index for index, name in enumerate(types) if name == entry_type][occurrence]

    # --- an insider's hand ----------------------------------------------------------------------------------------

    def rebuild(self, leaves: list[bytes]) -> None:
        """The whole tree anew from other leaves, signed by the log's own key."""
        shutil.rmtree(self.public / "log")
        work = self.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        log = TransparencyLog.create(work, self.public / "log", self.log_key, LocalFiles())
        log.append([LogRecord(leaf=leaf, bodies={}) for leaf in leaves])
        log.publish()
        log.close()

    def drop(self, index: int) -> None:
        leaves = self.leaves()
        del leaves[index]
        self.rebuild(leaves)

    def change_entry(self, index: int, **public: str) -> None:
        """Other public fields in one entry, the rest as it was."""
        leaves = self.leaves()
        said = json.loads(leaves[index])
        said["pub"].update(public)
        leaves[index] = canonical_json(said)
        self.rebuild(leaves)

    def insert(self, index: int, public: dict[str, str]) -> None:
        """One more entry, with nothing sealed."""
        leaves = self.leaves()
        leaves.insert(index, leaf_bytes(public, Commitment.of({}, bytes(32)), {}))
        self.rebuild(leaves)

    def lie_in_body(self, index: int, fields: dict[str, Any]) -> None:
        """A leaf that commits to a body whose fields are not those that it commits to."""
        leaves = self.leaves()
        said = json.loads(leaves[index])
        plain = {"v": 1, "pub": said["pub"], "fields": fields, "k": base64url(bytes(32))}
        body = seal_body(canonical_json(plain), self.auditor_key.public_text, body_info(said["pub"]))
        said["sealed"] = {self.auditor_key.key_id: base64url(body_hash(body))}
        leaves[index] = canonical_json(said)
        (self.pulled / f"{index}.{self.auditor_key.key_id}.body").write_bytes(body)
        self.rebuild(leaves)

    def body_fields(self, index: int) -> tuple[dict[str, Any], bytes]:
        """What one entry sealed, and its key ``k``."""
        path = self.pulled / f"{index}.{self.auditor_key.key_id}.body"
        return open_with_commitment_key(self.leaves()[index], path.read_bytes(), self.auditor_key)

    def forge_entry(self, index: int, change: Callable[[dict[str, Any]], None], **public: str) -> None:
        """A vault that lies from the start: leaf, commitment and body agree, and say something else."""
        fields, k = self.body_fields(index)
        change(fields)
        leaves = self.leaves()
        shown = {**json.loads(leaves[index])["pub"], **public}
        plain = {"v": 1, "pub": shown, "fields": fields, "k": base64url(k)}
        body = seal_body(canonical_json(plain), self.auditor_key.public_text, body_info(shown))
        sealed = {self.auditor_key.key_id: body_hash(body)}
        leaves[index] = leaf_bytes(shown, Commitment.of(fields, k), sealed)
        (self.pulled / f"{index}.{self.auditor_key.key_id}.body").write_bytes(body)
        self.rebuild(leaves)

    def edit_note(self, name: str, change: Callable[[str], str], key: SigningKey | None = None) -> None:
        """Change a note's text and sign it, by the publisher's own key unless ``key`` is given."""
        path = self.public / name
        text = open_note(path.read_bytes(), demand=self.publisher.verifier).text
        path.write_bytes(sign_note(change(text), [key or self.publisher]))

    def sign_pages(self) -> None:
        """The publisher's list anew for the pages that lie there now."""
        names = sorted(
            path.name for path in self.public.iterdir() if path.suffix in {".html", ".json", ".css", ".py"}
        )
        lines = "".join(f"{sha256_hex((self.public / name).read_bytes())} {name}\n" for name in names)
        self.edit_note("site.note", lambda _text: f"glassplate-site/v1\n{lines}")


def publish_city(root: Path) -> Published:
    """Searches, refusals, an alert, destroyed epochs, two charter versions, full and partial tiles, pulled bodies."""
    city = make_city(root / "city", retention_minutes=RETENTION_DAYS * 1440, builds=(build_sha256(),))
    officer, auditor = city.sign_in("r.alvarez"), city.sign_in("j.doe")
    city.ingest("7KDR214", "8ABC123")
    city.vault.gate.search(officer, city.request())
    with suppress(Refused):
        city.vault.gate.search(officer, city.request(case_number=""))
    raise_alert(city, officer)
    city.vault.publish()
    city.pass_days(RETENTION_DAYS + 1.5)
    city.vault.install_charter(city.signed(city.charter(city="Exampleville upon Sea")))
    city.vault.publish()
    officer, auditor = city.sign_in("r.alvarez"), city.sign_in("j.doe")
    while city.vault.log.size < ENTRIES_WANTED:
        with suppress(Refused):
            city.vault.gate.search(officer, city.request(case_number=""))
    city.vault.gate.search(officer, city.request())
    city.vault.publish()
    _pull(city, auditor, root / "pulled")
    city.auditor_keys[0].save(root / "auditor.key", LocalFiles())
    now = city.now()
    keys = city.vault.keyring
    origin = city.vault.settings.log_origin
    shutil.copytree(city.folder.public, root / "public")
    _leave_old_partials(root / "public" / "log" / "tile")
    made = Published(
        root,
        city.fingerprints,
        now,
        city.auditor_keys[0],
        SigningKey.from_seed(origin, keys.named_secret(LOG_KEY)),
        SigningKey.from_seed(f"{origin}/publisher", keys.named_secret(PUBLISHER_KEY)),
    )
    city.close()
    shutil.rmtree(root / "city")
    return made


def raise_alert(city: TestCity, officer: str) -> None:
    """A wanted plate passes, and an officer looks at the alert and closes it."""
    administrator = city.sign_in(ADMINISTRATOR)
    wanted = {
        "plate": "5XYZ678",
        "category": "stolen_vehicle",
        "reason": "Stolen vehicle report",
        "expires_at": f"{city.now() + timedelta(days=2):%Y-%m-%d}",
    }
    city.vault.alerts.import_hotlist(administrator, [wanted], "State file, invented")
    city.ingest("5XYZ678")
    alert = city.vault.alerts.waiting(officer)[0]
    city.vault.alerts.show(officer, alert.alert_id)
    city.vault.alerts.decide(
        officer, alert.alert_id, confirmed=False, disposition="wrong_plate", note="Another plate."
    )


def _leave_old_partials(tile: Path) -> None:
    """Partials of a tile that is full now, as a killed publication or an older program leaves them: true, and stale."""
    entries, left = (tile / "entries" / "000").read_bytes(), 0
    for _ in range(OLD_PARTIAL):
        left += 2 + int.from_bytes(entries[left : left + 2], "big")
    for full, size in ((tile / "0" / "000", OLD_PARTIAL * 32), (tile / "entries" / "000", left)):
        partial = full.with_name("000.p") / str(OLD_PARTIAL)
        partial.parent.mkdir()
        partial.write_bytes(full.read_bytes()[:size])


def _pull(city: TestCity, auditor: str, to: Path) -> None:
    to.mkdir()
    for body in city.vault.oversight.bodies(auditor, 0, 500):
        if body.key_id == city.auditor_keys[0].key_id:
            (to / f"{body.index}.{body.key_id}.body").write_bytes(body.body)
