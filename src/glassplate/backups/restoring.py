"""The way back from a backup.

(1) check      every file against the manifest, before anything is written        `check_backup`
(2) copy       into ``.<D>.restoring``, hashed again. With a mirror, log and keys come from there; the backup's log must
               be the beginning of the mirror's, and tombstones of either stay
(3) log        the journal is replayed: pages that a mirror does not have are written again, and a checkpoint that
               somebody kept must lie on its way
(4) dead keys  what lived and has no key here gets its tombstone: the vault deletes and logs it as dead
(5) numbers    a hot file whose segment the mirror's log has, and the backup has not, becomes late reads
(6) mark       ``restored.json``: the first start asks the witnesses before anything is signed
(7) rename     to D, which has to be empty or absent. A crash before leaves no D
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.backup_manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    Manifest,
    belongs,
)
from glassplate.backups.copying import PRIVATE_FILE, make_private_folders, open_plain, pieces, saying_full
from glassplate.backups.making import JOURNAL
from glassplate.backups.restored import RestoredMark, write_restored
from glassplate.config import CityFolder, load_settings
from glassplate.errors import ProofFailed, StorageFailed, UsageError
from glassplate.files import LocalFiles, fsync_folder
from glassplate.founding import VaultPaths
from glassplate.keys import Epoch
from glassplate.keys.destruction import key_path, read_records, tombstone_path
from glassplate.keys.key_files import tombstone_file
from glassplate.keys.keyring import KeyRecord
from glassplate.log import VerifierKey, open_checkpoint, replay_journal
from glassplate.mandate import Mandate
from glassplate.store.epoch_files import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from glassplate.backup_manifest import BackupFile
    from glassplate.backups.copying import Work
    from glassplate.log import Checkpoint

RESTORING = ".restoring"
MOST_NAMED = 5
PUBLIC_FILE, PUBLIC_FOLDER = 0o644, 0o755
MIRRORED = ("vault/log/", "vault/keys/")


@dataclass(frozen=True, slots=True)
class Restore:
    """What is asked for. ``newest_checkpoint``: one of this log that somebody kept. ``at``: for tombstones."""

    backup: Path
    root: Path
    mirror: Path | None
    newest_checkpoint: bytes | None
    operator_is_sure: bool
    at: datetime


def check_backup(backup: Path, work: Work) -> Manifest:
    """(1); returns the manifest of a backup that is whole.

    Raises:
        StorageFailed: files are missing or damaged; names them.
        InputRefused: the manifest is none.
    """
    manifest = read_manifest(backup)
    work.begin("checks", manifest.total_bytes)
    wrong: list[str] = []
    for file in manifest.files:
        try:
            is_right = _sha256_of(backup, file.path, work) == (file.size, file.sha256)
        except OSError as error:
            wrong.append(f"{file.path} ({error.strerror})")
        else:
            wrong += [] if is_right else [f"{file.path} (damaged)"]
    if wrong:
        more = f" and {len(wrong) - MOST_NAMED:,} more" if len(wrong) > MOST_NAMED else ""
        raise StorageFailed(
            f"The backup {backup} is not whole: {', '.join(wrong[:MOST_NAMED])}{more}. Nothing was written; use another "
            "backup, or another copy of this one."
        )
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """A backup's list of its files.

    Raises:
        StorageFailed: there is none.
        InputRefused: it is none.
    """
    try:
        with open_plain(backup / MANIFEST_NAME) as source:
            data = b"".join(pieces(source, 0, MAX_MANIFEST_BYTES + 1))
    except OSError as error:
        raise StorageFailed(
            f"{backup} is no backup: its {MANIFEST_NAME} cannot be read ({error.strerror}). See: glassplate backup --list"
        ) from None
    return Manifest.from_bytes(data)


def names_witnesses(backup: Path) -> bool:
    """Whether the backup's charter names witnesses, whom the first start will ask.

    Raises:
        CharterRejected: its charter does not verify.
    """
    public = backup / "public"
    log_vkey, publisher_vkey = (
        path.read_text().strip() for path in (public / "log" / "vkey", public / "bundle.vkey")
    )
    mandate = Mandate(VaultPaths(backup / "vault").charter, LocalFiles(), (log_vkey, publisher_vkey))
    mandate.load()
    return mandate.is_installed and bool(mandate.last().verified.charter.witnesses)


def restore(wanted: Restore, work: Work) -> RestoredMark:
    """(1) to (7).

    Raises:
        UsageError: D is not empty; or nothing says that no later checkpoint was published.
        StorageFailed: the backup is not whole, or the disk refuses; D is as it was.
        ProofFailed: this is not the newest log, or the mirror is another log's; D is as it was.
    """
    if wanted.root.exists() and (not wanted.root.is_dir() or any(wanted.root.iterdir())):
        raise UsageError(
            f"{wanted.root} is not empty. Restore into a new folder, and compare before you remove it."
        )
    manifest = check_backup(wanted.backup, work)
    assured_by = _assurance(wanted)
    partial = wanted.root.with_name(f".{wanted.root.name}{RESTORING}")
    with saying_full(partial.parent):
        shutil.rmtree(partial, ignore_errors=True)
        try:
            mark = _Restoring(wanted, manifest, partial, work).run(assured_by)
            partial.rename(wanted.root)  # (7)
            fsync_folder(partial.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return mark


def _assurance(wanted: Restore) -> str:
    if names_witnesses(wanted.backup):
        return "witnesses"
    if wanted.newest_checkpoint is not None:
        return "checkpoint"
    if wanted.operator_is_sure:
        return "operator"
    raise UsageError(
        "The charter names no witness that could say whether this is the newest log. Name the newest checkpoint that was "
        "published (--newest-checkpoint FILE: public/log/checkpoint from the public site, its mirror, or an auditor), or "
        "confirm that none was published after this backup."
    )


class _Restoring:
    def __init__(self, wanted: Restore, manifest: Manifest, partial: Path, work: Work) -> None:
        self._wanted, self._manifest, self._partial, self._work = wanted, manifest, partial, work
        self._city = CityFolder(partial)
        self._files = LocalFiles()
        self._root_at_newest: bytes | None = None

    def run(self, assured_by: str) -> RestoredMark:
        """(2) to (6)."""
        self._partial.mkdir(mode=PUBLIC_FOLDER)
        self._work.begin("copies", self._manifest.total_bytes)
        for file in self._manifest.files:  # (2)
            if self._wanted.mirror is None or not file.path.startswith(MIRRORED):
                self._copy(self._wanted.backup, file.path, file.path, file)
        if self._wanted.mirror is not None:
            self._copy_mirror(self._wanted.mirror)
        newest, closings = self._replay()  # (3)
        self._bury()  # (4)
        self._renumber(closings)  # (5)
        mark = RestoredMark(
            self._manifest.sha256,
            self._manifest.made_at,
            self._manifest.log_size,
            self._wanted.mirror is not None,
            assured_by,
        )
        write_restored(self._city.vault, mark, self._files)  # (6)
        self._demand_not_behind(newest)
        load_settings(self._city)
        for folder, _, _ in os.walk(self._partial):
            self._fsync(folder)
        return mark

    # --- (2) -----------------------------------------------------------------------------------------------------

    def _copy(self, root: Path, source: str, path: str, expected: BackupFile | None) -> None:
        target, digest = self._partial / path, hashlib.sha256()
        make_private_folders(self._partial, path)
        mode = PRIVATE_FILE if path.startswith("vault/") else PUBLIC_FILE
        written = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(written, "wb") as file, _opened_below(root, source) as descriptor:
            for piece in pieces(descriptor):
                digest.update(piece)
                file.write(piece)
                self._work.moved(len(piece))
            file.flush()
            os.fsync(file.fileno())
        if expected is not None and digest.hexdigest() != expected.sha256:
            raise StorageFailed(f"{path} changed in the backup while it was restored. Nothing was kept.")
        self._work.finished()

    def _copy_mirror(self, mirror: Path) -> None:
        """The mirror's log and keys; tombstones that only the backup has, too."""
        for name in ("log/journal", "log/.pending", "keys/root.json"):
            if not (mirror / name).is_file():
                raise UsageError(f"{mirror} is no mirror: it has no {name}.")
        self._demand_grown(mirror / "log" / "journal")
        found = ["vault/log/journal", "vault/log/.pending"]
        for folder, _, names in os.walk(mirror / "keys"):
            inside = os.path.relpath(folder, mirror)
            found += [f"vault/{inside}/{name}" for name in names]
        for path in found:
            if belongs(path, holds_epoch_keys=True):
                self._copy(mirror, path.removeprefix("vault/"), path, None)
        buried = {file.path: file for file in self._manifest.files if "/keys/tombstones/" in file.path}
        for path, file in buried.items():
            if not (self._partial / path).exists():
                self._copy(self._wanted.backup, path, path, file)

    def _demand_grown(self, journal: Path) -> None:
        """The backup's journal is the beginning of the mirror's."""
        ours = next((file for file in self._manifest.files if file.path == JOURNAL), None)
        if ours is None:
            raise StorageFailed("The backup has no journal; use another one.")
        digest, size = hashlib.sha256(), 0
        with open_plain(journal) as source:
            for piece in pieces(source, 0, ours.size):
                digest.update(piece)
                size += len(piece)
        if size < ours.size:
            raise ProofFailed(
                f"The mirror's journal {journal} is older than the backup. Restore without it, or from an older backup."
            )
        if digest.hexdigest() != ours.sha256:
            raise ProofFailed(
                f"The mirror's journal {journal} is of another log than the backup. Keep both as evidence."
            )

    # --- (3) -----------------------------------------------------------------------------------------------------

    def _replay(self) -> tuple[Checkpoint | None, Counter[str]]:
        """Write the pages that are missing; returns the kept checkpoint, and how many segments of an epoch are logged."""
        self._work.begin("replays the log", 0)
        key = VerifierKey.parse(self._manifest.log_vkey)
        kept = self._wanted.newest_checkpoint
        newest = open_checkpoint(kept, key) if kept is not None else None
        closings: Counter[str] = Counter()

        def visit(leaf: bytes) -> None:
            if epoch_id := _closed_epoch(leaf):
                closings[epoch_id] += 1

        paths = VaultPaths(self._city.vault)
        self._root_at_newest = replay_journal(
            paths.log,
            self._city.public / "log",
            key,
            self._files,
            visit,
            size=newest.size if newest is not None else None,
        )
        return newest, closings

    def _demand_not_behind(self, newest: Checkpoint | None) -> None:
        if newest is None:
            return
        if self._root_at_newest is None:
            raise ProofFailed(
                f"This log is behind: a checkpoint of {newest.size:,} entries was published, and here are fewer. To sign "
                "with it again would make two histories under one name. Restore with the mirror (--mirror), which has "
                "the entries that this backup lacks, or from a newer backup. Nothing was kept."
            )
        if self._root_at_newest != newest.root:
            raise ProofFailed(
                "The checkpoint is signed by this log's key for another history. Keep the file, the backup and the "
                "mirror as evidence, and tell the auditors. Nothing was kept."
            )

    # --- (4), (5) --------------------------------------------------------------------------------------------------

    def _bury(self) -> None:
        keys = VaultPaths(self._city.vault).keys
        if self._manifest.holds_epoch_keys and self._wanted.mirror is None:
            return
        known, _ = read_records(keys)
        for live in self._manifest.live:
            if live.epoch_id in known or key_path(keys, live.epoch_id).exists():
                continue
            epoch = Epoch(live.epoch_id, live.starts_at, live.ends_at, live.destroy_at)
            dead = KeyRecord(
                epoch, "destroyed", live.key_id, destroyed_at=self._wanted.at, in_memory=live.in_memory
            )
            path = tombstone_path(keys, live.epoch_id)
            make_private_folders(self._partial, f"vault/keys/tombstones/{path.name}")
            self._files.write_atomic(path, tombstone_file(dead), mode=0o600)

    def _renumber(self, closings: Counter[str]) -> None:
        store = VaultPaths(self._city.vault).store
        names = [path.name for path in store.iterdir()] if store.is_dir() else []
        for name in names:
            hot = FILE_NAME.fullmatch(name)
            if hot is None or hot[3] != "hot" or not name.endswith(".hot"):
                continue
            number, logged = int(hot[2]), closings[hot[1]]
            if number < logged and f"{hot[1]}.{number}.sealed" not in names:
                for end in ("hot", "hot-wal", "hot-journal", "images"):
                    with contextlib.suppress(FileNotFoundError):
                        (store / f"{hot[1]}.{number}.{end}").rename(store / f"{hot[1]}.{logged}.{end}")

    def _fsync(self, folder: str) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not os.path.relpath(folder, self._partial).startswith("vault"):
                os.fchmod(descriptor, PUBLIC_FOLDER)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _closed_epoch(leaf: bytes) -> str | None:
    """The epoch of which this entry logs a segment."""
    try:
        public = json.loads(leaf)["pub"]
        has_segment = (
            public["type"] in ("epoch-closed", "epoch-supplement") and public["segment_sha256"] != "none"
        )
        return str(public["epoch"]) if has_segment else None
    except (ValueError, KeyError, TypeError):
        return None


def _sha256_of(backup: Path, path: str, work: Work) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with _opened_below(backup, path) as source:
        for piece in pieces(source):
            digest.update(piece)
            size += len(piece)
            work.moved(len(piece))
    work.finished()
    return size, digest.hexdigest()


@contextlib.contextmanager
def _opened_below(root: Path, path: str) -> Iterator[int]:
    """A plain file that no link leads out of ``root`` to."""
    if (root.resolve() / path) != (root / path).resolve():
        raise OSError(errno.ELOOP, "it lies behind a link", path)
    with open_plain(root / path) as source:
        yield source
