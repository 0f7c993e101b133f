"""A keyring's folder, for every back end; what wraps its secrets is ``Wrapping``'s.

keys/root.json               the root, wrapped by the passphrase or by the hardware module
keys/epochs/<id>.json        a live epoch key
keys/tombstones/<id>.json    a dead one
keys/named/<label>.json      a named secret ("/" in a label is "~" in the name)
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glassplate.errors import (
    InputRefused,
    KeyDestroyed,
    KeyStoreAway,
    KeyUnavailable,
    Refused,
    StorageFailed,
    UsageError,
)
from glassplate.files import make_folder
from glassplate.keys.clock import SystemClock
from glassplate.keys.destruction import (
    PRIVATE_FILE,
    destroy_due,
    destroy_key,
    finish_destructions,
    key_path,
    read_record,
    read_records,
    still_owed,
    tombstone_path,
)
from glassplate.keys.epoch_secret import SECRET_BYTES, EpochSecret
from glassplate.keys.kept_secrets import KeptSecrets
from glassplate.keys.key_files import epoch_fields, memory_epoch_file, parse_record, parse_wrapped, wrap
from glassplate.keys.memory import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys.clock import Clock
    from glassplate.keys.epochs import Epoch
    from glassplate.keys.keyring import KeyRecord
    from glassplate.keys.wrapping import Wrapping

ROOT_FILE = "root.json"
PRIVATE_FOLDER = 0o700
REACHABLE_SECONDS = 10.0  # so long one answer of a module stands for its being there
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,63})?", re.ASCII)


class FolderKeyring:
    """``Keyring`` in a folder; one process at a time. ``FileKeyring`` and ``Pkcs11Keyring`` make and open one.

    ``resurrected``: epochs whose key was there again beside its tombstone and was destroyed again: an alarm.
    ``damaged``: files that are not readable, or do not unwrap; their epochs cannot be opened.

    An epoch's secret is unwrapped once and kept (``KeptSecrets``) until the epoch dies, its file changes, or the module
    is away: every secret is forgotten as soon as that is noticed, ``REACHABLE_SECONDS`` later at most.
    """

    def __init__(self, folder: Path, wrapping: Wrapping, files: Files, clock: Clock | None = None) -> None:
        self._folder = folder
        self._files = files
        self._wrapping = wrapping
        self._clock = clock or SystemClock()
        self._answered_at = float("-inf")
        self._in_memory: dict[str, SecretBytes] = {}
        self._kept = KeptSecrets()
        self._lock = threading.RLock()
        buried = [i for i, r in read_records(folder)[0].items() if not r.is_alive]
        owed = still_owed(folder)
        came_back = wrapping.came_back([epoch_id for epoch_id in buried if epoch_id not in owed])
        finished = finish_destructions(folder, files, wrapping.erase)
        for epoch_id in came_back:
            wrapping.erase(epoch_id)
        self.resurrected = tuple(sorted({*finished, *came_back}))
        self._records: dict[str, KeyRecord] = {}
        records, damaged = read_records(folder)
        for epoch_id, record in records.items():
            if not record.is_alive or record.in_memory or self._unwraps(epoch_id, damaged):
                self._records[epoch_id] = record
        self.damaged = tuple(damaged)

    @property
    def in_hardware(self) -> bool:
        """See ``Keyring.in_hardware``."""
        return self._wrapping.in_hardware

    def words(self) -> str:
        """See ``Keyring.words``."""
        return self._wrapping.words()

    def demand_reachable(self) -> None:
        """See ``Keyring.demand_reachable``."""
        with self._lock:
            now = self._clock.boot_seconds()
            if not 0 <= now - self._answered_at < REACHABLE_SECONDS:
                try:
                    self._wrapping.demand_reachable()
                except KeyUnavailable:  # away, or its PIN is refused now
                    self._forget_kept()
                    raise
                self._answered_at = now

    def close(self) -> None:
        """Forget every secret; nothing works afterwards."""
        with self._lock:
            for secret in self._in_memory.values():
                secret.wipe()
            self._in_memory.clear()
            self._forget_kept()
            self._wrapping.close()

    def create_epoch(self, epoch: Epoch, *, in_memory: bool = False) -> KeyRecord:
        """See ``Keyring.create_epoch``."""
        path = key_path(self._folder, epoch.epoch_id)
        with self._lock:
            known = self._records.get(epoch.epoch_id)
            if known is not None and known.is_alive:
                return known
            self._refuse_dead(epoch.epoch_id)
            if path.exists():
                raise StorageFailed(f"{path} is damaged; move it away to make a new key for that epoch.")
            if in_memory:
                return self._create_in_memory(epoch, path)
            self._wrapping.erase(epoch.epoch_id)  # what a crash between wrapping key and file left
            content, _ = self._epoch_file(epoch, secrets.token_bytes(SECRET_BYTES))
            return self._write(path, content, epoch.epoch_id)

    def bring_forward(self, epoch_id: str, destroy_at: datetime) -> KeyRecord:
        """See ``Keyring.bring_forward``."""
        with self._lock:
            secret = self._unwrap(epoch_id)
            record = self._records[epoch_id]
            if destroy_at > record.epoch.destroy_at:
                raise Refused(
                    f"The key of {epoch_id} dies at {record.epoch.destroy_at.isoformat()}; it may only die earlier.",
                    ("destroy-at-only-earlier",),
                )
            earlier, path = replace(record.epoch, destroy_at=destroy_at), key_path(self._folder, epoch_id)
            if record.in_memory:
                return self._write(path, memory_epoch_file(earlier, secret), epoch_id)
            content, fields = self._epoch_file(earlier, secret)
            record = self._write(path, content, epoch_id)
            self._wrapping.erase(epoch_id, keep=fields)  # so that a copy of the old file does not open again
            return record

    def lost(self) -> list[str]:
        """See ``Keyring.lost``."""
        with self._lock:
            return [
                i for i, r in self._records.items() if r.is_alive and r.in_memory and i not in self._in_memory
            ]

    def secret(self, epoch_id: str) -> EpochSecret:
        """See ``Keyring.secret``."""
        with self._lock:
            return EpochSecret(epoch_id, self._unwrap(epoch_id))

    def destroy(self, epoch_id: str, at: datetime) -> None:
        """See ``Keyring.destroy``."""
        with self._lock:
            record = self._records.get(epoch_id)
            if record is None or not record.is_alive:
                self._refuse_dead(epoch_id)
                raise KeyUnavailable(f"There is no key for {epoch_id}.")
            # a tombstone beside a key that is still there is not the end
            self._records[epoch_id] = destroy_key(self._folder, record, at, self._files, self._erase)

    def destroy_due(self, now: datetime) -> list[str]:
        """``destruction.destroy_due`` for this folder, keeping ``records`` right."""
        with self._lock:
            try:
                return destroy_due(self._folder, now, self._files, self._erase)
            finally:
                buried, _ = read_records(self._folder)
                self._records.update({i: r for i, r in buried.items() if not r.is_alive and self._is_gone(i)})

    def records(self) -> list[KeyRecord]:
        """See ``Keyring.records``."""
        return self._sorted(of_holds=False)

    def hold_records(self) -> list[KeyRecord]:
        """See ``Keyring.hold_records``."""
        return self._sorted(of_holds=True)

    def named_secret(self, label: str) -> bytes:
        """See ``Keyring.named_secret``.

        Raises:
            KeyUnavailable: the file was changed, or belongs to another keyring.
            StorageFailed: it cannot be read or written.
        """
        if not _LABEL.fullmatch(label):
            raise UsageError(
                "A secret's label has lower-case letters, digits and dashes, and at most one slash."
            )
        path = self._folder / "named" / f"{label.replace('/', '~')}.json"
        with self._lock:
            if path.exists():
                return self._read_named(path, label)
            secret = secrets.token_bytes(SECRET_BYTES)
            content = wrap(secret, self._wrapping.root(), {"v": 1, "kind": "named", "label": label})
            try:
                self._files.write_atomic(path, content, mode=PRIVATE_FILE)
            except OSError as error:
                raise not_written(path, error) from error
            return secret

    def named_labels(self) -> list[str]:
        """Labels of the named secrets that exist."""
        return sorted(path.stem.replace("~", "/") for path in (self._folder / "named").glob("*.json"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._folder)!r}, secrets hidden)"

    def _create_in_memory(self, epoch: Epoch, path: Path) -> KeyRecord:
        secret = SecretBytes(secrets.token_bytes(SECRET_BYTES))
        if not secret.is_locked:
            raise KeyUnavailable(
                "Memory cannot be locked, so a key that lives in memory only could be swapped to a disk. Raise the limit "
                "of locked memory (ulimit -l, LimitMEMLOCK=)."
            )
        record = self._write(path, memory_epoch_file(epoch, secret.reveal()), epoch.epoch_id)
        self._in_memory[epoch.epoch_id] = secret
        return record

    def _epoch_file(self, epoch: Epoch, secret: bytes) -> tuple[bytes, dict[str, Any]]:
        fields = {**epoch_fields(epoch, secret), **self._wrapping.new_fields(epoch)}
        return wrap(secret, self._wrapping.epoch_root(fields), fields), fields

    def _read_named(self, path: Path, label: str) -> bytes:
        try:
            parsed = parse_wrapped(path.read_bytes())
        except (OSError, InputRefused) as error:
            raise StorageFailed(f"{path} cannot be read: {error} Restore it from its backup.") from None
        if parsed.fields.get("label") != label:
            raise KeyUnavailable(f"{path} holds the secret of another label. Restore it from its backup.")
        return parsed.unwrap(self._wrapping.root())

    def _erase(self, epoch_id: str) -> bool:
        """Step (3) of a destruction: what is in memory is wiped, a module's key destroyed."""
        if (secret := self._in_memory.pop(epoch_id, None)) is not None:
            secret.wipe()
        self._kept.forget(epoch_id)
        record = self._records.get(epoch_id)
        if record is not None and record.in_memory:
            return True
        with self._forgetting_when_away():
            return self._wrapping.erase(epoch_id)

    @contextlib.contextmanager
    def _forgetting_when_away(self) -> Iterator[None]:
        """Where the module is away, what it gave before counts no more."""
        try:
            yield
        except KeyStoreAway:
            self._forget_kept()
            raise

    def _forget_kept(self) -> None:
        self._kept.forget_all()
        self._answered_at = float("-inf")

    def _sorted(self, *, of_holds: bool) -> list[KeyRecord]:
        with self._lock:
            wanted = [record for record in self._records.values() if record.epoch.is_hold is of_holds]
        return sorted(wanted, key=lambda record: (record.epoch.starts_at, record.epoch.epoch_id))

    def _unwrap(self, epoch_id: str) -> bytes:
        self._refuse_dead(epoch_id)
        if (secret := self._in_memory.get(epoch_id)) is not None:
            return secret.reveal()
        path = key_path(self._folder, epoch_id)
        try:
            data = path.read_bytes()
            self.demand_reachable()
            if (kept := self._kept.get(epoch_id, data)) is not None:
                return kept
            unwrapped = self._unwrap_file(data, epoch_id)
        except FileNotFoundError:
            raise KeyUnavailable(f"There is no key for {epoch_id}.") from None
        except OSError as error:
            raise StorageFailed(f"{path} cannot be read ({error.strerror}).") from error
        except KeyStoreAway:
            raise
        except (InputRefused, KeyUnavailable) as error:
            raise KeyUnavailable(f"The key of {epoch_id} does not open: {error}") from None
        self._kept.keep(epoch_id, data, unwrapped)
        return unwrapped

    def _unwrap_file(self, data: bytes, epoch_id: str) -> bytes:
        parse_record(data, epoch_id)
        parsed = parse_wrapped(data)
        with self._forgetting_when_away():
            return parsed.unwrap(self._wrapping.epoch_root(parsed.fields))

    def _unwraps(self, epoch_id: str, damaged: list[str]) -> bool:
        try:
            self._unwrap(epoch_id)
        except KeyStoreAway:
            raise  # nothing is known of the file
        except (KeyUnavailable, StorageFailed):
            damaged.append(f"epochs/{epoch_id}.json")
            return False
        return True

    def _is_gone(self, epoch_id: str) -> bool:
        in_place = read_record(key_path(self._folder, epoch_id), epoch_id)
        return in_place is None or not in_place.is_alive

    def _write(self, path: Path, content: bytes, epoch_id: str) -> KeyRecord:
        self._kept.forget(epoch_id)  # the file of before opens no more, should it be put back
        try:
            self._files.write_atomic(path, content, mode=PRIVATE_FILE)
        except OSError as error:
            raise not_written(path, error) from error
        record = self._records[epoch_id] = parse_record(content, epoch_id)
        return record

    def _refuse_dead(self, epoch_id: str) -> None:
        """The tombstone on the disk decides, whatever this process remembers."""
        known = self._records.get(epoch_id)
        buried = read_record(tombstone_path(self._folder, epoch_id), epoch_id) or known
        if buried is not None and not buried.is_alive:
            self._kept.forget(epoch_id)
            raise KeyDestroyed(
                f"The key of {epoch_id} was destroyed on {buried.destroyed_at:%Y-%m-%d %H:%M} UTC; "
                "nothing opens its reads again."
            )


def not_written(path: Path, error: OSError) -> StorageFailed:
    """What to say when a key file could not be written."""
    return StorageFailed(
        f"{path} cannot be written ({error.strerror}). Free space or check the disk, then try again."
    )


def make_key_folder(folder: Path, root_file: bytes, files: Files) -> None:
    """The folders of a new keyring, and its root file.

    Raises:
        UsageError: the folder already holds a keyring.
        StorageFailed: it cannot be written.
    """
    demand_no_keyring(folder)
    path = folder / ROOT_FILE
    try:
        for part in (folder, folder / "epochs", folder / "tombstones", folder / "named"):
            make_folder(part, mode=PRIVATE_FOLDER)
            part.chmod(PRIVATE_FOLDER)
        files.write_atomic(path, root_file, mode=PRIVATE_FILE)
    except OSError as error:
        raise not_written(path, error) from error


def demand_no_keyring(folder: Path) -> None:
    """Raises ``UsageError`` when there is one already."""
    if (folder / ROOT_FILE).exists():
        raise UsageError(f"{folder} already holds a keyring; open it instead.")


def read_root_file(folder: Path) -> bytes:
    """The bytes of the root file.

    Raises:
        KeyUnavailable: there is none.
        StorageFailed: it cannot be read.
    """
    path = folder / ROOT_FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise KeyUnavailable(f"{folder} holds no keyring. Check the folder, or make a new city.") from None
    except OSError as error:
        raise StorageFailed(f"{path} cannot be read ({error.strerror}).") from error
