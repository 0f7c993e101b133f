"""The charter in force: loaded, verified, remembered. The one place that says under which authority we act.

State, all below ``D/vault/charter``: ``trust.json`` (the offices' fingerprints, given when the city was made) and
``<version>/`` with the documents of each installed version. A version that was ever installed is never accepted
again below; the log's entry ``charter-installed`` is what outsiders see.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.charter import PolicyEngine, Stop, VerifiedCharter, verify_charter, verify_stop
from glassplate.encoding import canonical_json
from glassplate.errors import CharterRejected

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files

STOP_NAME = "stop.json"
ANSWER_LEVELS = ("L1",)  # what the gate can promise today; more is refused rather than quietly not kept


@dataclass(frozen=True, slots=True)
class InForce:
    """A verified charter, its documents as signed, and the engine that decides by its policy."""

    verified: VerifiedCharter
    documents: dict[str, str]
    engine: PolicyEngine


class Mandate:
    """Loads and installs charters. Callable from several threads at once."""

    def __init__(self, folder: Path, files: Files, origin_vkeys: tuple[str, str]) -> None:
        """``origin_vkeys``: this vault's own log and bundle verifier keys; a charter must name exactly these."""
        self._folder = folder
        self._files = files
        self._vkeys = origin_vkeys
        self._lock = threading.Lock()
        self._in_force: InForce | None = None
        self._stop: Stop | None = None

    def load(self) -> None:
        """Load the newest installed version, without judging the time (that is ``current``'s job).

        Raises:
            CharterRejected: when what lies on disk no longer verifies.
        """
        versions = self.installed_versions()
        if versions:
            documents = self.documents_of(versions[-1])
            self._in_force = self._verify(documents, now=None, last_version=versions[-1] - 1)
            path = self._folder / STOP_NAME
            if path.exists():
                self._stop = verify_stop(path.read_text(), self._in_force.verified)

    def install(self, documents: dict[str, str], now: datetime) -> InForce:
        """Verify a new version; call ``keep`` once its installation stands in the log.

        Raises:
            CharterRejected: with the reason; the charter in force stays.
        """
        versions = self.installed_versions()
        return self._verify(documents, now=now, last_version=versions[-1] if versions else 0)

    def use(self, installed: InForce) -> None:
        """Act under ``installed`` from now on (in memory)."""
        with self._lock:
            self._in_force = installed

    def keep(self, installed: InForce) -> None:
        """Store the documents of a version."""
        folder = self._folder / str(installed.verified.charter.version)
        for name, text in installed.documents.items():
            self._files.write_atomic(folder / name, text.encode())

    def stop(self, text: str) -> Stop:
        """An office stops the city: durable and in effect when this returns.

        Raises:
            CharterRejected: not signed by an office of the charter in force, or for another version.
        """
        stop = verify_stop(text, self.last().verified)
        if not stop.stops(self.last().verified.charter.version):
            raise CharterRejected("This stop is for an earlier charter version.", ("charter-stop",))
        self._files.write_atomic(self._folder / STOP_NAME, text.encode())
        with self._lock:
            self._stop = stop
        return stop

    def is_stopped(self) -> bool:
        """Whether an office has stopped the charter in force."""
        return self._stop is not None and self._stop.stops(self.last().verified.charter.version)

    def current(self, now: datetime) -> InForce:
        """What is in force now.

        Raises:
            CharterRejected: no charter, not yet, no longer, or stopped.
        """
        in_force = self.last()
        charter = in_force.verified.charter
        if self._stop is not None and self.is_stopped():
            raise CharterRejected(
                f"The {self._stop.office} has stopped the system ({self._stop.reason}). Capture and search start "
                "again with a new charter version, signed by all offices.",
                ("stop-in-force",),
            )
        if now >= charter.expires_at:
            raise CharterRejected(
                f"The charter (version {charter.version}) expired on {charter.expires_at:%Y-%m-%d}. Capture and search "
                "have stopped; the council must sign a new version.",
                ("charter-in-force",),
            )
        if now < charter.not_before:
            raise CharterRejected(
                f"The charter (version {charter.version}) takes effect on {charter.not_before:%Y-%m-%d %H:%M} UTC, "
                "not before.",
                ("charter-in-force",),
            )
        return in_force

    def last(self) -> InForce:
        """The last installed charter, expired or not (its auditors still read the record).

        Raises:
            CharterRejected: when none was ever installed.
        """
        if self._in_force is None:
            raise CharterRejected(
                "No charter is installed. Draft one (glassplate charter draft), have the three offices sign it "
                "(glassplate charter sign) and install it (glassplate charter install).",
                ("charter-in-force",),
            )
        return self._in_force

    @property
    def is_installed(self) -> bool:
        """Whether any charter was ever installed."""
        return self._in_force is not None

    def is_demo(self) -> bool:
        """Whether the charter is marked demo."""
        return self.is_installed and self.last().verified.charter.mark == "demo"

    def agency_id(self) -> str:
        """The agency the charter names."""
        return self.last().verified.charter.agency.id

    def auditor_keys(self) -> dict[str, str]:
        """Key id -> public key of every auditor key of the charter."""
        return {key.id: key.hpke_public_key for key in self.last().verified.charter.auditor_keys}

    # --- disk --------------------------------------------------------------------------------------------------

    def trust(self, fingerprints: dict[str, str]) -> None:
        """Pin the offices' fingerprints; done once, when the city is made."""
        self._files.write_atomic(self._folder / "trust.json", canonical_json(fingerprints))

    def trusted_fingerprints(self) -> dict[str, str]:
        """The pinned fingerprints."""
        try:
            return dict(json.loads((self._folder / "trust.json").read_bytes()))
        except (OSError, ValueError):
            raise CharterRejected(
                "The offices' fingerprints are missing (vault/charter/trust.json). Restore them from a backup, "
                "or compare with the ordinance and run glassplate init again.",
                ("charter-trust",),
            ) from None

    def installed_versions(self) -> list[int]:
        """Every version on disk, ascending."""
        if not self._folder.exists():
            return []
        return sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdigit())

    def documents_of(self, version: int) -> dict[str, str]:
        """The documents of one installed version, as signed."""
        return {path.name: path.read_text() for path in sorted((self._folder / str(version)).iterdir())}

    def _verify(self, documents: dict[str, str], *, now: datetime | None, last_version: int) -> InForce:
        verified = verify_charter(
            documents, now=now, last_version=last_version, trusted_fingerprints=self.trusted_fingerprints()
        )
        named = (verified.charter.log_vkey, verified.charter.bundle_vkey)
        if named != self._vkeys:
            raise CharterRejected(
                f"The charter names the log key {named[0]!r}; this vault's log signs with {self._vkeys[0]!r}. "
                "Draft it again from this vault's own keys (glassplate charter draft).",
                ("charter-log-key",),
            )
        if verified.charter.answer_level not in ANSWER_LEVELS:
            raise CharterRejected(
                f"The charter asks for answers at level {verified.charter.answer_level}; this version can answer at "
                f"{', '.join(ANSWER_LEVELS)}. Sign a charter that asks for it, or update Glassplate.",
                ("charter-answer-level",),
            )
        return InForce(verified, documents, PolicyEngine(verified.policy))
