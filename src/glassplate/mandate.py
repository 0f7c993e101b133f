"""The charter in force: loaded, verified, remembered. The one place that says under which authority we act.

State, all below ``D/vault/charter``: ``trust.note`` (the offices' fingerprints, given when the city was made) and
``<version>/`` with the documents of each installed version. A version that was ever installed is never accepted
again below; the log's entry ``charter-installed`` is what outsiders see.

Whoever can write these files is not believed: ``trust.note`` is signed by the publisher's key, which only the keyring
gives, and what the record knows better (a later version, a stop) halts everything but oversight and purging.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.charter import PolicyEngine, Stop, VerifiedCharter, verify_charter, verify_stop
from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import CharterRejected, GlassplateError, InputRefused, LogUnavailable, StorageFailed
from glassplate.log import VerifierKey, open_note, sign_note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.log import SigningKey
    from glassplate.records import CharterSummary

STOP_NAME = "stop.json"
TRUST_NAME = "trust.note"
TRUST_VERSION = "glassplate-trust/v1"
MAX_TRUST_BYTES = 4096  # three fingerprints and a signature


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
        self._halt: str | None = None

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
            if path.exists() and _stopped_version(path.read_text()) >= versions[-1]:
                self._stop = verify_stop(path.read_text(), self._in_force.verified)

    def install(self, documents: dict[str, str], now: datetime) -> InForce:
        """Verify a new version; nothing is kept or used yet: ``keep`` it, then log it ``acting_under`` it.

        Raises:
            CharterRejected: with the reason; the charter in force stays.
        """
        last_version = (self.installed_versions() or [0])[-1]
        in_force = self._in_force.verified.charter.version if self._in_force else 0
        if in_force < last_version and documents == self.documents_of(last_version):
            last_version -= 1  # kept, but could not be logged: install it again
        return self._verify(documents, now=now, last_version=last_version)

    @contextlib.contextmanager
    def acting_under(self, installed: InForce) -> Iterator[None]:
        """Act under ``installed`` from now on (in memory), unless its entry, made inside, cannot be written."""
        with self._lock:
            before, halted = self._in_force, self._halt
            self._in_force, self._halt = installed, None
        try:
            yield
        except LogUnavailable:
            with self._lock:
                self._in_force, self._halt = before, halted
            raise

    def halt(self, reason: str) -> None:
        """Stop capture and search until a new charter version: the record contradicts what lies on disk."""
        with self._lock:
            self._halt = reason

    def keep(self, installed: InForce) -> None:
        """Store the documents of a version: all of them, or (after a crash) none.

        Raises:
            StorageFailed: the disk refused; nothing is installed.
        """
        version = installed.verified.charter.version
        if version in self.installed_versions():
            return  # by an installation that could not be logged, with the same documents
        unfinished = self._folder / f".{version}.new"
        try:
            for leftover in unfinished.glob("*"):
                self._files.remove(leftover)
            for name, text in installed.documents.items():
                self._files.write_atomic(unfinished / name, text.encode())
            self._files.rename(unfinished, self._folder / str(version))
        except OSError as error:
            raise StorageFailed(
                f"The charter cannot be stored below {self._folder} ({error.strerror}). Free space, install again."
            ) from None

    def stop(self, text: str) -> Stop:
        """An office stops the city: durable and in effect when this returns.

        Raises:
            CharterRejected: not signed by an office of the charter in force, or for another version.
        """
        stop = verify_stop(text, self.last().verified)
        # One office stops what is in force; it must not stop beforehand what all offices will sign.
        if stop.charter_version != self.last().verified.charter.version:
            raise CharterRejected(
                "This stop is for another charter version than the one in force.", ("charter-stop",)
            )
        self._files.write_atomic(self._folder / STOP_NAME, text.encode())
        with self._lock:
            self._stop = stop
        return stop

    def is_stopped(self) -> bool:
        """Whether an office has stopped the charter in force."""
        if self._halt is not None:
            return True
        return self._stop is not None and self._stop.stops(self.last().verified.charter.version)

    @property
    def stop_in_force(self) -> Stop | None:
        """The office's stop of the charter in force, if there is one."""
        stop = self._stop
        return stop if stop is not None and stop.stops(self.last().verified.charter.version) else None

    def current(self, now: datetime) -> InForce:
        """What is in force now.

        Raises:
            CharterRejected: no charter, not yet, no longer, or stopped.
        """
        in_force = self.last()
        charter = in_force.verified.charter
        if self._halt is not None:
            raise CharterRejected(self._halt, ("charter-rollback",))
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

    def summary(self) -> CharterSummary:
        """The last installed charter in plain data, for pages."""
        verified = self.last().verified
        return verified.charter.summary(verified.signed_by)

    def retention(self) -> timedelta:
        """How long a read lives."""
        return timedelta(minutes=self.last().verified.charter.retention_minutes)

    def agency_id(self) -> str:
        """The agency the charter names."""
        return self.last().verified.charter.agency.id

    def auditor_keys(self) -> dict[str, str]:
        """Key id -> public key of every auditor key of the charter."""
        return {key.id: key.hpke_public_key for key in self.last().verified.charter.auditor_keys}

    # --- disk --------------------------------------------------------------------------------------------------

    def trust(self, fingerprints: dict[str, str], publisher: SigningKey) -> None:
        """Pin the offices' fingerprints; done once, when the city is made."""
        text = f"{TRUST_VERSION}\n{canonical_json(fingerprints).decode()}\n"
        self._files.write_atomic(self._folder / TRUST_NAME, sign_note(text, [publisher]))

    def trusted_fingerprints(self) -> dict[str, str]:
        """The pinned fingerprints."""
        path = self._folder / TRUST_NAME
        try:
            with path.open("rb") as file:
                note = open_note(file.read(MAX_TRUST_BYTES), demand=VerifierKey.parse(self._vkeys[1]))
            version, _, pinned = note.text.partition("\n")
            if version != TRUST_VERSION:
                raise InputRefused(f"it is of version {version!r}")
            return dict(parse_json(pinned.encode(), limit=MAX_TRUST_BYTES))
        except (OSError, GlassplateError) as error:
            raise CharterRejected(
                f"The offices' fingerprints ({path}) are missing or are not the ones this vault pinned ({error}). "
                "Restore the file from a backup, and find out who changed it.",
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
        return InForce(verified, documents, PolicyEngine(verified.policy))


def _stopped_version(text: str) -> int:
    """Up to which version a stop says it stops; a malformed one counts as for every version, so that it is judged."""
    try:
        return int(json.loads(text)["signed"]["charter_version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return sys.maxsize
