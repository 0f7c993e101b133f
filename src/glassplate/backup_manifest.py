"""What a backup holds, file by file: its ``manifest.json`` (``docs/formats/backup.md``). No I/O.

A backup comes back from a disk that anybody may have had, so its list is a stranger's: every path is checked before a
file is opened, and what may never be in a backup (an epoch's key in a file, a socket, a lock) is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_json, parse_time, sha256_hex, time_text
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from datetime import datetime

MANIFEST_NAME = "manifest.json"
MAX_MANIFEST_BYTES = 256 * 1024 * 1024  # a million files of 200 bytes
MAX_FILES = 1_000_000
MAX_EPOCHS = 100_000
MAX_FILE_BYTES = 2**53 - 1
EPOCH_KEYS = "vault/keys/epochs/"
_NAME = re.compile(r"[0-9A-Za-z.][0-9A-Za-z+~._-]{0,199}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EPOCH_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z+-]{0,31}", re.ASCII)
_KEYS = re.compile(r"vault/keys/(root|(named|tombstones)/[^/]+)\.json", re.ASCII)
_NEVER = ("lock", "vault.sock")
_FOLDERS = ("charter", "holds", "keys", "log", "store")
_OF_THE_VAULT = (".json", ".note", ".db", ".db-wal", ".db-journal")
_LEFTOVERS = (".tmp", ".dead", "-shm")
_HIDDEN = "vault/log/.pending"
_EPOCH_KEY_DEPTH = 4
_TIMES = ("starts_at", "ends_at", "destroy_at")
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One file: its path below the city's folder, with slashes, its size and hash."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that lived when the backup was made, without its secret: what a tombstone needs."""

    epoch_id: str
    starts_at: datetime
    ends_at: datetime
    destroy_at: datetime
    key_id: str
    in_memory: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole backup. ``log_size`` and ``log_root``: the newest checkpoint that was signed then.

    ``holds_epoch_keys``: the key files of live epochs are in it, each wrapped by a key of its own that never leaves
    the hardware module; False for the file keyring, whose keys no backup may hold.
    """

    made_at: datetime
    log_vkey: str
    log_size: int
    log_root: str
    holds_epoch_keys: bool
    live: tuple[LiveKey, ...]
    files: tuple[BackupFile, ...]

    @property
    def total_bytes(self) -> int:
        """All files together."""
        return sum(file.size for file in self.files)

    def to_bytes(self) -> bytes:
        """The file's bytes, canonical JSON."""
        return canonical_json(
            {
                "v": 1,
                "made_at": time_text(self.made_at),
                "log": {"vkey": self.log_vkey, "size": self.log_size, "root": self.log_root},
                "holds_epoch_keys": self.holds_epoch_keys,
                "live": [_live_document(key) for key in self.live],
                "files": [{"path": f.path, "bytes": f.size, "sha256": f.sha256} for f in self.files],
            }
        )

    @property
    def sha256(self) -> str:
        """By which the record knows this backup."""
        return sha256_hex(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read one from a stranger.

        Raises:
            InputRefused: it is not one; or a path in it leads out of the folder, or to what no backup may hold.
        """
        document = parse_json(data, limit=MAX_MANIFEST_BYTES)
        try:
            if document["v"] != 1:
                raise InputRefused(
                    "The manifest is not of version 1; restore with the version that wrote it."
                )
            log, files, live = document["log"], document["files"], document["live"]
            manifest = cls(
                parse_time(document["made_at"]),
                _text(log["vkey"], 500),
                _number(log["size"]),
                _sha256(log["root"]),
                _truth(document["holds_epoch_keys"]),
                tuple(_live(one) for one in _list(live, MAX_EPOCHS)),
                tuple(_file(one) for one in _list(files, MAX_FILES)),
            )
        except (KeyError, TypeError):
            raise InputRefused("The manifest lacks a field, or one is of another kind.") from None
        if manifest.to_bytes() != data:
            raise InputRefused("The manifest is not canonical, or has a field too many.")
        _demand_lawful(manifest)
        return manifest


def belongs(path: str, *, holds_epoch_keys: bool) -> bool:
    """Whether a file below the city's folder is part of a backup. ``path``: relative, with slashes."""
    parts = path.split("/")
    if not all(_NAME.fullmatch(part) and set(part) != {"."} for part in parts) or len(parts) > MAX_DEPTH:
        return False
    name = parts[-1]
    if name in _NEVER or name.endswith(_LEFTOVERS):
        return False
    if any(part.startswith(".") for part in parts) and path != _HIDDEN:
        return False
    if path.startswith("vault/keys/"):
        is_epoch = path.startswith(EPOCH_KEYS) and name.endswith(".json") and len(parts) == _EPOCH_KEY_DEPTH
        return _KEYS.fullmatch(path) is not None or (is_epoch and holds_epoch_keys)
    if parts[0] == "vault":
        return len(parts) > 1 and (parts[1] in _FOLDERS if len(parts) > 2 else name.endswith(_OF_THE_VAULT))  # noqa: PLR2004
    return path == "settings.toml" or (parts[0] == "public" and len(parts) > 1)


def _demand_lawful(manifest: Manifest) -> None:
    paths = [file.path for file in manifest.files]
    for path in paths:
        if not belongs(path, holds_epoch_keys=manifest.holds_epoch_keys):
            raise InputRefused(f"The manifest names {path[:200]!r}, which is no part of a backup.")
    if paths != sorted(set(paths)):
        raise InputRefused("The manifest's files are not in order, or one is named twice.")
    folders = {path[:at] for path in paths for at, letter in enumerate(path) if letter == "/"}
    if both := folders.intersection(paths):
        raise InputRefused(f"The manifest names {min(both)[:200]!r} as a file and as a folder.")


def _file(one: Any) -> BackupFile:
    return BackupFile(_text(one["path"], 1000), _number(one["bytes"]), _sha256(one["sha256"]))


def _live(one: Any) -> LiveKey:
    if not _EPOCH_ID.fullmatch(_text(one["epoch_id"], 32)):
        raise InputRefused("The manifest names an epoch by what is no epoch's name.")
    starts_at, ends_at, destroy_at = (parse_time(one[name]) for name in _TIMES)
    key_id, in_memory = _text(one["key_id"], 100), _truth(one["in_memory"])
    return LiveKey(one["epoch_id"], starts_at, ends_at, destroy_at, key_id, in_memory)


def _live_document(key: LiveKey) -> dict[str, Any]:
    return {
        "epoch_id": key.epoch_id,
        "starts_at": time_text(key.starts_at),
        "ends_at": time_text(key.ends_at),
        "destroy_at": time_text(key.destroy_at),
        "key_id": key.key_id,
        "in_memory": key.in_memory,
    }


def _list(value: Any, most: int) -> list[Any]:
    if type(value) is not list or len(value) > most:
        raise InputRefused(f"The manifest has a list that is none, or has more than {most:,} items.")
    return value


def _text(value: Any, most: int) -> str:
    if type(value) is not str or not 0 < len(value) <= most:
        raise InputRefused("The manifest has a text that is none, or is too long.")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_FILE_BYTES:
        raise InputRefused("The manifest has a number that is none, or is too large.")
    return value


def _sha256(value: Any) -> str:
    if type(value) is not str or not _SHA256.fullmatch(value):
        raise InputRefused("The manifest has a hash that is none.")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise InputRefused("The manifest has neither true nor false where one is needed.")
    return value
