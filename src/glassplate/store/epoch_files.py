"""The files of one epoch: immutable sealed segments, and at most one hot file that grows.

    <epoch>.<n>.hot       grows until segment n exists; dropped once that segment's hash is in the log
    <epoch>.<n>.sealed    segment n: 0 is the epoch, 1 and more are supplements of late reads
    <epoch>.<n>.tmp       segment n while it is written; a leftover is deleted

Sealing, and what a crash on each line leaves:

    (1) write     all rows of the hot file to the temporary file; fsync       a leftover; the hot file counts
    (2) rename    the temporary file to segment n; fsync the folder           both; segment n counts
    (3) log       the segment's hash (the caller)                             sealing again answers the same
    (4) drop      the hot file of segment n                                   nothing is left to do
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed
from glassplate.store.cipher_file import naming
from glassplate.store.row_format import from_row
from glassplate.store.segment import HotFile, SealedFile, file_sha256, merkle_root, write_sealed
from glassplate.store.store import SegmentSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.store.segment import Match
    from glassplate.store.store import StoredRead, StoreQuery


class EpochFiles:
    """Everything of one epoch. The caller holds ``lock`` around each call.

    ``refused``: segments whose hash is not the logged one; the epoch is not served while one is there.
    """

    def __init__(self, folder: Path, epoch_id: str, files: Files) -> None:
        self.lock = threading.RLock()
        self.refused: set[str] = set()
        self._folder = folder
        self._epoch_id = epoch_id
        self._files = files
        self._hot: HotFile | None = None
        self._sealed: list[SealedFile] = []
        self._is_open = False
        self._is_gone = False
        self.in_memory = False

    def open(self, key: bytes) -> None:
        """Open what is there; nothing happens when it is open.

        Raises:
            StorageFailed: a file is damaged, the key is another, or the epoch was dropped meanwhile.
        """
        if self._is_gone:
            raise StorageFailed(f"The epoch {self._epoch_id} was destroyed a moment ago; its reads are gone.")
        if self._is_open:
            return
        with self._closing_on_failure():
            for path in self._numbered("sealed"):
                self._sealed.append(self._open_sealed(path, key))
            path = self._hot_path()
            if path.exists():
                with naming(path):
                    self._hot = HotFile(path, key)
        self._is_open = True

    def close(self) -> None:
        """Close every file, and so forget the key. Reads that are in memory only stay there."""
        if self.in_memory and not self._is_gone:
            return
        for sealed in self._sealed:
            sealed.close()
        if self._hot is not None:
            self._hot.close()
        self._hot, self._sealed, self._is_open = None, [], False

    def append(self, key: bytes, reads: Sequence[StoredRead]) -> list[bool]:
        """Take the reads that are new, in one durable transaction."""
        self.open(key)
        known = self._known([bytes.fromhex(stored.read.read_id) for stored in reads])
        new, is_new = [], []
        for stored in reads:
            read_id = bytes.fromhex(stored.read.read_id)
            is_new.append(read_id not in known)
            if read_id not in known:
                known.add(read_id)
                new.append(stored)
        if new:
            path = self._hot_path()
            with self._closing_on_failure(), naming(path):
                if self._hot is None:
                    self._hot = HotFile(None if self.in_memory else path, key)
                self._hot.append(new)
        return is_new

    def matching(self, query: StoreQuery, most: int) -> list[Match]:
        """Row id and read id of the newest ``most`` matches of each file."""
        found: list[Match] = []
        for path, file in self._open_files():
            with naming(path):
                found.extend(file.matching(query, most))
        return found

    def by_read_ids(self, read_ids: Sequence[bytes]) -> dict[str, StoredRead]:
        """Those reads that are here, by id."""
        found: dict[str, StoredRead] = {}
        for path, file in self._open_files():
            with naming(path):
                rows = file.by_read_ids(read_ids)
                found.update({row[1].hex(): from_row(row, self._epoch_id) for row in rows})
        return found

    def count(self) -> int | None:
        """Reads here; None while closed."""
        if not self._is_open:
            return None
        return sum(file.count for _, file in self._open_files())

    def has_hot(self) -> bool:
        """Whether there is a hot file, sealed already or not."""
        return bool(self._numbered("hot"))

    def seal(self, key: bytes) -> SegmentSummary | None:
        """Steps (1) and (2); see ``Store.seal_epoch``."""
        self.open(key)
        not_dropped = {_number(path) for path in self._numbered("hot")}
        for sealed in self._sealed:
            if sealed.number in not_dropped:
                return self._summary(sealed)
        if self._hot is None or not self._hot.count or self.in_memory:
            return None
        path = self._path(len(self._sealed), "sealed")
        with self._closing_on_failure(), naming(path):
            self._write_segment(path, self._hot, key)
            self._hot.close()
            self._hot = None
            self._sealed.append(self._open_sealed(path, key))
        return self._summary(self._sealed[-1])

    def drop_hot(self) -> bool:
        """Step (4); see ``Store.drop_hot``."""
        sealed = {_number(path) for path in self._numbered("sealed")}
        for path in self._numbered("hot"):
            if _number(path) in sealed:
                self._remove(_with_companions(path))
        return not self.has_hot()

    def drop(self) -> None:
        """Close and delete everything; needs no key."""
        self._is_gone = True
        self.close()
        hot = [companion for path in self._numbered("hot") for companion in _with_companions(path)]
        self._remove([*hot, *self._numbered("sealed"), *self._leftovers()])

    def remove_leftovers(self) -> None:
        """Delete temporary files that a crash left."""
        self._remove(self._leftovers())

    @contextlib.contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        """After a failure only the disk knows what was done, so everything is read from it again."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _write_segment(self, path: Path, hot: HotFile, key: bytes) -> None:
        temporary = self._path(_number(path), "tmp")
        try:
            write_sealed(temporary, key, hot.rows())
            self._files.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def _open_sealed(self, path: Path, key: bytes) -> SealedFile:
        if path.name in self.refused:
            raise StorageFailed(f"The segment {path} is not the one in the log. Restore the logged one.")
        with naming(path):
            return SealedFile(path, _number(path), key)

    def _open_files(self) -> Iterator[tuple[Path, HotFile | SealedFile]]:
        for sealed in self._sealed:
            yield self._path(sealed.number, "sealed"), sealed
        if self._hot is not None:
            yield self._hot_path(), self._hot

    def _known(self, ids: Sequence[bytes]) -> set[bytes]:
        known: set[bytes] = set()
        for path, file in self._open_files():
            with naming(path):
                known |= file.known(ids)
        return known

    def _summary(self, sealed: SealedFile) -> SegmentSummary:
        path = self._path(sealed.number, "sealed")
        with naming(path):
            root = merkle_root(sorted(sealed.hashes()))
            return SegmentSummary(self._epoch_id, path.stem, file_sha256(path), sealed.count, root)

    def _hot_path(self) -> Path:
        return self._path(1 + max(map(_number, self._numbered("sealed")), default=-1), "hot")

    def _path(self, number: int, kind: str) -> Path:
        return self._folder / f"{self._epoch_id}.{number}.{kind}"

    def _numbered(self, kind: str) -> list[Path]:
        return sorted(self._folder.glob(f"{self._epoch_id}.*.{kind}"), key=_number)

    def _leftovers(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._epoch_id}.*.tmp*"))

    def _remove(self, paths: Sequence[Path]) -> None:
        failed = []
        for path in paths:
            try:
                if path.exists():
                    self._files.remove(path)
            except OSError as error:
                failed.append(f"{path} ({error.strerror})")
        if failed:
            raise StorageFailed(f"Could not remove {', '.join(failed)}; it is tried again.")


def _number(path: Path) -> int:
    return int(path.name.split(".")[1])


def _with_companions(path: Path) -> list[Path]:
    """A hot file and what SQLite keeps beside it; itself last, so that a crash leaves it to be seen."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal", "")]
