"""A city's folder on the vault's side: what lies where, who owns it, and how it was made."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.accounts import account_operation
from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import FolderBusy, KeyUnavailable, StorageFailed
from glassplate.files import LocalFiles, make_folder
from glassplate.keys import create_keyring, destroy_due, erase_by_clock
from glassplate.log import (
    VERIFIER_KEY_NAME,
    SigningKey,
    TransparencyLog,
    VerifierKey,
    open_note,
    sign_note,
)
from glassplate.mandate import Mandate
from glassplate.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from glassplate.config import CityFolder, Settings
    from glassplate.files import Files
    from glassplate.keys.destruction import Erase
    from glassplate.registry import Operation

LOG_KEY = "log"
PUBLISHER_KEY = "publisher"
REGISTRY_KEY = "registry"
FIRST_ADMINISTRATOR = "first-administrator.note"
FIRST_ADMINISTRATOR_VERSION = "glassplate-first-administrator/v1"
MAX_FIRST_ADMINISTRATOR_BYTES = 4096


@dataclass(frozen=True, slots=True)
class VaultPaths:
    """What lies where below ``D/vault``."""

    root: Path

    @property
    def keys(self) -> Path:
        """The keyring's own folder; never part of a data backup."""
        return self.root / "keys"

    @property
    def log(self) -> Path:
        """Journal and pending checkpoint."""
        return self.root / "log"

    @property
    def store(self) -> Path:
        """Segments."""
        return self.root / "store"

    @property
    def holds(self) -> Path:
        """Held reads, sealed to their holds' keys."""
        return self.root / "holds"

    @property
    def registry(self) -> Path:
        """The registry's file."""
        return self.root / "registry.db"

    @property
    def deliveries(self) -> Path:
        """Which reads came from which outbox."""
        return self.root / "deliveries.json"

    @property
    def cameras(self) -> Path:
        """What live lanes said last."""
        return self.root / "cameras.json"

    @property
    def clock(self) -> Path:
        """What the last run knew of the time."""
        return self.root / "clock.json"

    @property
    def charter(self) -> Path:
        """Pinned fingerprints and installed charters."""
        return self.root / "charter"


def create_city(
    folder: CityFolder,
    settings: Settings,
    secret: bytes,
    fingerprints: dict[str, str],
    administrator: tuple[str, str],
    invitation: str,
    now: datetime,
) -> tuple[str, str]:
    """Make a new city's folder: keys, empty log, pinned fingerprints. Returns (log vkey, bundle vkey).

    ``secret``: a passphrase, or the PIN of the token that the settings name.

    Raises:
        FolderBusy, StorageFailed: the folder is in use, or a city was made there already.
        UsageError, KeyUnavailable: the settings name no token; or it is away, or refuses the PIN.
    """
    files = LocalFiles()
    paths = VaultPaths(folder.vault)
    if folder.vault.exists():
        raise StorageFailed(
            f"{folder.root} already holds a city. Choose another folder, or remove this one yourself."
        )
    make_folder(folder.vault, mode=0o700)
    with (
        folder_lock(folder.vault),
        contextlib.closing(create_keyring(settings, paths.keys, secret, files)) as keyring,
    ):
        log_key = SigningKey.from_seed(settings.log_origin, keyring.named_secret(LOG_KEY))
        publisher = SigningKey.from_seed(
            f"{settings.log_origin}/publisher", keyring.named_secret(PUBLISHER_KEY)
        )
        make_folder(folder.public / "log")
        TransparencyLog.create(paths.log, folder.public / "log", log_key, files).close()
        files.write_atomic(folder.public / "bundle.vkey", f"{publisher.verifier}\n".encode())
        operation = account_operation(
            administrator[0], administrator[1], ("administrator",), now + timedelta(days=365), invitation, now
        )
        text = f"{FIRST_ADMINISTRATOR_VERSION}\n{canonical_json(operation).decode()}\n"
        files.write_atomic(paths.root / FIRST_ADMINISTRATOR, sign_note(text, [publisher]), mode=0o600)
        mandate = Mandate(paths.charter, files, (str(log_key.verifier), str(publisher.verifier)))
        mandate.trust(fingerprints, publisher)
        files.write_atomic(folder.settings_file, settings.to_toml().encode())
    return str(log_key.verifier), str(publisher.verifier)


def purge_by_clock(
    settings: Settings, folder: CityFolder, now: datetime | None, files: Files
) -> tuple[list[str], Mirror | None]:
    """Destroy what is due at ``now``, with nothing but folders and clock; then its copies in the mirror, if there is one.

    ``now``: None where no time is certain; then only what is dead in one of both dies in the other one. Returns the epochs
    that were alive in the vault's own folder, and the mirror. Everything is tried before an error is raised.

    Raises:
        StorageFailed: a key could not be destroyed; or the mirror is away, or another city's.
    """
    keys, by_clock = VaultPaths(folder.vault).keys, erase_by_clock(settings)
    died: list[str] = []
    mirror, failures = None, []
    try:
        died += destroy_due(keys, now, files, by_clock) if now is not None else []
    except StorageFailed as error:
        failures.append(str(error))
    try:
        if settings.mirror:
            mirror = Mirror.open(Path(settings.mirror), VaultPaths(folder.vault).log, keys, files)
            died += _purge_mirror(mirror, published_key(folder), now, by_clock)
    except (StorageFailed, KeyUnavailable) as error:
        failures.append(str(error))
    if failures:
        raise StorageFailed(" ".join(failures))
    return died, mirror


def _purge_mirror(mirror: Mirror, vkey: str | None, now: datetime | None, by_clock: Erase) -> list[str]:
    if vkey is None:
        return []  # the public folder is gone: whose mirror it is, is certain only once the log's key is unlocked
    mirror.demand_city(vkey)
    came_back = mirror.key_files.bury_again(by_clock)
    mirror.key_files.destroy(now)
    return came_back


def published_key(folder: CityFolder) -> str | None:
    """The key of the city's log, as published; None where the public folder lacks it."""
    path = folder.public / "log" / VERIFIER_KEY_NAME
    return path.read_text().strip() if path.exists() else None


def read_first_administrator(path: Path, publisher: VerifierKey) -> Operation:
    """The operation that ``create_city`` signed: whoever can write the folder makes nobody.

    Raises:
        ProofFailed: not signed by this vault.
        StorageFailed: another note.
    """
    note = open_note(path.read_bytes()[:MAX_FIRST_ADMINISTRATOR_BYTES], demand=publisher)
    version, _, signed = note.text.partition("\n")
    if version != FIRST_ADMINISTRATOR_VERSION:
        raise StorageFailed(f"{path} is not the note of the first administrator.")
    return dict(parse_json(signed.encode(), limit=MAX_FIRST_ADMINISTRATOR_BYTES))


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """One vault a folder.

    Raises:
        FolderBusy: another process holds it.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderBusy(
                f"Another vault already runs on {folder.parent}. Use it, or stop it first (glassplate doctor shows it)."
            ) from None
        yield
    finally:
        os.close(descriptor)
