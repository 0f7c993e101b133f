"""Making a backup, of a vault that runs or of a folder that nobody uses.

    (1) room       the destination lies outside of the city and has space; an interrupted backup's leftovers go
    (2) copy       everything, while the vault works: sealed segments do not change; the journal and image files only
                   grow, and are copied up to a length that was settled; a hot file is copied while its epoch takes no
                   reads. Again, until little is left
    (3) quiet      for a moment no duty runs, no entry is made and nothing is published: what changed since, the
                   registry, and the journal last, so that no copy knows more than the copied journal
    (4) durable    files, then the manifest, then the name without ``.partial``: a crash before leaves nothing that is
                   taken for a backup

What died during (2) is left out in (3). The keys of the file keyring's epochs are never copied (``belongs``).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from glassplate.backup_manifest import MANIFEST_NAME, LiveKey, Manifest, belongs
from glassplate.backups.copying import PRIVATE_FOLDER, Copier, saying_full
from glassplate.config import load_settings
from glassplate.errors import StorageFailed, UsageError
from glassplate.files import LocalFiles, fsync_folder, make_folder
from glassplate.founding import VaultPaths
from glassplate.keys.destruction import read_records
from glassplate.log import VerifierKey, open_checkpoint
from glassplate.log.recovery import JOURNAL_NAME, PENDING_NAME
from glassplate.store.epoch_files import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from glassplate.backups.copying import Work
    from glassplate.config import CityFolder

PARTIAL = ".partial"
ROUNDS = 4  # of (2): each copies what arrived during the one before, so the next has far less to do
LITTLE_BYTES = 32 * 1024 * 1024  # copied within a tenth of a second
ROOM_TO_SPARE = 64 * 1024 * 1024
STORE, JOURNAL, PENDING = "vault/store/", f"vault/log/{JOURNAL_NAME}", f"vault/log/{PENDING_NAME}"
TILES = "public/log/tile/"  # many; those that are missing are made from the journal again by a restore
REGISTRY = ("vault/registry.db", "vault/registry.db-wal", "vault/registry.db-journal")


class Stillness(Protocol):
    """What a running vault can keep from happening while a few bytes are copied. Each may be entered inside ``all``."""

    def all(self) -> AbstractContextManager[object]:
        """No duty, no entry, no publication, no change of the registry."""

    def epoch(self, epoch_id: str) -> AbstractContextManager[object]:
        """No read is written to the epoch, and nothing of it is sealed or dropped."""

    def log(self) -> AbstractContextManager[object]:
        """No entry is written."""


class NobodyWrites:
    """``Stillness`` of a folder whose lock the caller holds."""

    def all(self) -> AbstractContextManager[object]:
        """See ``Stillness``."""
        return contextlib.nullcontext()

    def epoch(self, epoch_id: str) -> AbstractContextManager[object]:
        """See ``Stillness``."""
        del epoch_id
        return contextlib.nullcontext()

    def log(self) -> AbstractContextManager[object]:
        """See ``Stillness``."""
        return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is durable."""

    folder: Path
    manifest: Manifest

    def told(self) -> dict[str, object]:
        """What a person wants to know of it."""
        return {
            "backup": str(self.folder),
            "files": len(self.manifest.files),
            "bytes": self.manifest.total_bytes,
            "log_size": self.manifest.log_size,
            "sha256": self.manifest.sha256,
            "holds_epoch_keys": self.manifest.holds_epoch_keys,
            "live": [key.epoch_id for key in self.manifest.live],
        }


def make_backup(city: CityFolder, destination: Path, at: datetime, still: Stillness, work: Work) -> Made:
    """Write a backup of ``city`` into a new folder below ``destination``; the caller sees to it that one runs at a time.

    Raises:
        UsageError: the destination lies inside of the city, or is missing.
        StorageFailed: the disk is too full, or refuses; nothing is left there.
        ProofFailed: the log's newest checkpoint is not the log's own.
    """
    with saying_full(destination):
        making = _Making(city, destination, at, still, work)
        making.demand_place()  # (1)
        making.sweep()
        making.demand_room()
        try:
            return making.run()
        except BaseException:
            shutil.rmtree(making.partial, ignore_errors=True)
            raise


class _Making:
    def __init__(
        self, city: CityFolder, destination: Path, at: datetime, still: Stillness, work: Work
    ) -> None:
        self._city, self._destination, self._at = city, destination, at
        self._still, self._work = still, work
        self._holds_epoch_keys = load_settings(city).keyring != "file"
        self.partial = destination / f"{city.root.name}-{at:%Y%m%dT%H%M%SZ}{PARTIAL}"
        self._copier = Copier(city.root, self.partial, work)

    def demand_place(self) -> None:
        """Refuse a destination that is none."""
        if not self._destination.is_dir():
            raise UsageError(f"{self._destination} is no folder. Make it, or attach the disk that it is on.")
        place, root = self._destination.resolve(), self._city.root.resolve()
        if place == root or root in place.parents:
            raise UsageError(f"{place} lies inside of the city's folder; choose another disk for a backup.")

    def demand_room(self) -> None:
        """Refuse what cannot end well, before anything is written."""
        place = self._destination
        needed, free = self._size() + ROOM_TO_SPARE, shutil.disk_usage(place).free
        if free < needed:
            raise StorageFailed(
                f"The backup needs {_megabytes(needed)}, but the disk of {place} has {_megabytes(free)} free. Remove old "
                "backups there (glassplate backup --keep), or choose another disk."
            )
        if self.partial.with_suffix("").exists():
            raise StorageFailed(
                f"{self.partial.with_suffix('')} exists already. Wait a second and try again."
            )

    def sweep(self) -> None:
        """Remove what an interrupted backup of this city left."""
        ours = re.compile(
            rf"{re.escape(self._city.root.name)}-\d{{8}}T\d{{6}}Z{re.escape(PARTIAL)}", re.ASCII
        )
        for leftover in self._destination.iterdir():
            if ours.fullmatch(leftover.name):
                shutil.rmtree(leftover)

    def run(self) -> Made:
        """(2) to (4)."""
        make_folder(self.partial, mode=PRIVATE_FOLDER)
        self._work.begin("copies", self._size())
        for _ in range(ROUNDS):
            before = self._work.done_bytes
            self._copy_round()
            if self._work.done_bytes - before < LITTLE_BYTES:
                break
        with self._still.all():  # (3)
            self._copy_round(TILES)
            gone = self._gone()
            for path in (*REGISTRY, PENDING):
                self._copier.copy(path)
            self._grow_journal()
            live = self._live_keys()
            vkey, checkpoint = self._checkpoint()
        for path in gone:
            self._copier.forget(path)
        self._work.begin("makes durable", 0)  # (4)
        files = self._copier.finish()
        size, root = checkpoint
        manifest = Manifest(self._at, vkey, size, root, self._holds_epoch_keys, live, files)
        LocalFiles().write_atomic(self.partial / MANIFEST_NAME, manifest.to_bytes(), mode=0o600)
        folder = self.partial.with_suffix("")
        self.partial.rename(folder)
        fsync_folder(self._destination)
        return Made(folder, manifest)

    def _copy_round(self, passed_over: str = "") -> None:
        for path in self._listed(passed_over):
            if path == JOURNAL:
                self._grow_journal()
            elif path.startswith(STORE):
                self._copy_of_store(path)
            elif path not in REGISTRY and path != PENDING:
                self._copier.copy(path)

    def _copy_of_store(self, path: str) -> None:
        name = FILE_NAME.fullmatch(path.removeprefix(STORE))
        if name is None:
            return
        if name[3] == "images":
            with contextlib.suppress(FileNotFoundError):
                with self._still.epoch(name[1]):
                    settled = (self._city.root / path).stat().st_size
                self._copier.grow(path, settled)
        elif path.endswith(".sealed"):
            self._copier.copy(path)
        elif path.endswith(".hot") and path not in self._copier.paths:
            # the file and its log of one moment; images only grow from then on
            with self._still.epoch(name[1]):
                for part in (path, f"{path}-wal", f"{path}-journal"):
                    self._copier.copy(part)
            self._copy_of_store(f"{STORE}{name[1]}.{name[2]}.images")

    def _gone(self) -> set[str]:
        """Copies of what is no more. A hot file's log goes with the file: SQLite may have taken only the log away."""
        there = set(self._listed(TILES))
        looked_at = (path for path in self._copier.paths if not path.startswith(TILES))
        return {path for path in looked_at if re.sub(r"\.hot-\w+$", ".hot", path) not in there}

    def _grow_journal(self) -> None:
        with self._still.log():
            settled = (self._city.root / JOURNAL).stat().st_size
        self._copier.grow(JOURNAL, settled)

    def _live_keys(self) -> tuple[LiveKey, ...]:
        records, _ = read_records(VaultPaths(self._city.vault).keys)
        return tuple(
            LiveKey(
                epoch_id,
                record.epoch.starts_at,
                record.epoch.ends_at,
                record.epoch.destroy_at,
                record.key_id,
                record.in_memory,
            )
            for epoch_id, record in sorted(records.items())
            if record.is_alive
        )

    def _checkpoint(self) -> tuple[str, tuple[int, str]]:
        vkey = (self._city.public / "log" / "vkey").read_text().strip()
        signed = (self._city.root / PENDING).read_bytes()
        checkpoint = open_checkpoint(signed, VerifierKey.parse(vkey))
        return vkey, (checkpoint.size, checkpoint.root.hex())

    def _size(self) -> int:
        total = 0
        for path in self._listed():
            with contextlib.suppress(FileNotFoundError):
                total += (self._city.root / path).stat().st_size
        return total

    def _listed(self, passed_over: str = "") -> Iterator[str]:
        """Everything that belongs, images last: rows that were copied name nothing that was not written before.

        ``passed_over``: a folder that is not looked into.
        """
        root = self._city.root
        found = ["settings.toml"]
        for part in ("public", "vault"):
            for folder, inner, names in os.walk(root / part):
                inside = Path(folder).relative_to(root).as_posix()
                inner[:] = [name for name in inner if f"{inside}/{name}/" != passed_over]
                found += [f"{inside}/{name}" for name in names]
        lawful = [path for path in found if belongs(path, holds_epoch_keys=self._holds_epoch_keys)]
        yield from sorted(lawful, key=lambda path: (path.endswith(".images"), path))


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"
