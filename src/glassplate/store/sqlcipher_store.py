"""The store: SQLCipher files in one folder, one key for each epoch."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused, ProofFailed, StorageFailed
from glassplate.files import make_folder
from glassplate.store.epoch_files import EpochFiles
from glassplate.store.row_format import captured_order
from glassplate.store.segment import file_sha256
from glassplate.store.store import StoredPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from glassplate.files import Files
    from glassplate.store.segment import Match
    from glassplate.store.store import SegmentSummary, StoredRead, StoreQuery

    Answer = TypeVar("Answer")

MAX_OPEN_EPOCHS = 64  # file handles and 4 MB of cache each; the least recently used is closed
PRIVATE_FOLDER = 0o700
_EPOCH_ID = re.compile(
    r"[0-9A-Za-z][0-9A-Za-z+-]{0,31}", re.ASCII
)  # no dot: it ends an epoch's name in a file's
_FILE = re.compile(r"([0-9A-Za-z+-]+)\.\d+\.(?:hot|sealed|tmp)(?:-wal|-shm|-journal)?", re.ASCII)
_CURSOR = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{32})", re.ASCII)
_SEGMENT = re.compile(r"([0-9A-Za-z+-]+)\.\d+", re.ASCII)


class SqlcipherStore:
    """``Store`` in a folder that one process owns."""

    def __init__(self, folder: Path, files: Files) -> None:
        """Find what is there and delete interrupted work; opens nothing.

        Raises:
            StorageFailed: the folder cannot be used.
        """
        try:
            make_folder(folder, mode=PRIVATE_FOLDER)
            folder.chmod(PRIVATE_FOLDER)
        except OSError as error:
            raise StorageFailed(f"The store {folder} cannot be used ({error.strerror}).") from error
        self._folder = folder
        self._files = files
        self._lock = threading.Lock()
        self._epochs: dict[str, EpochFiles] = {}  # in the order of their last use
        for epoch_id in self.epoch_ids():
            self._epoch(epoch_id).remove_leftovers()

    def create_epoch(self, epoch_id: str, *, in_memory: bool = False) -> None:
        """See ``Store.create_epoch``."""
        self._epoch(epoch_id).in_memory = in_memory

    def append(self, epoch_id: str, key: bytes, reads: Sequence[StoredRead]) -> list[bool]:
        """See ``Store.append``."""
        return self._with(epoch_id, lambda epoch: epoch.append(key, reads))

    def search(self, query: StoreQuery, keys: Mapping[str, bytes]) -> StoredPage:
        """See ``Store.search``."""
        unserved: dict[str, str] = {}
        found: dict[bytes, tuple[int, str]] = {}  # read id -> row id, epoch
        for epoch_id in self._present(keys):
            with _noting(unserved, epoch_id):
                for row_id, read_id in self._opened(epoch_id, keys[epoch_id], _matching(query)):
                    found[read_id] = (row_id, epoch_id)
        keys_of = {read_id: (captured_order(row[0]), read_id) for read_id, row in found.items()}
        newest = sorted(found, key=keys_of.__getitem__, reverse=True)
        if query.cursor is not None:
            shown = _parsed(query.cursor)
            newest = [read_id for read_id in newest if keys_of[read_id] < shown]
        wanted = newest[: query.limit]
        opened: dict[str, StoredRead] = {}
        for epoch_id in dict.fromkeys(found[read_id][1] for read_id in wanted):
            ids = [read_id for read_id in wanted if found[read_id][1] == epoch_id]
            with _noting(unserved, epoch_id):
                opened.update(self._opened(epoch_id, keys[epoch_id], _by_read_ids(ids)))
        reads = tuple(opened[read_id.hex()] for read_id in wanted if read_id.hex() in opened)
        is_cut = len(newest) > query.limit
        cursor = f"{keys_of[wanted[-1]][0]:x}-{wanted[-1].hex()}" if is_cut else None
        return StoredPage(reads, is_cut, tuple(sorted(unserved.items())), cursor)

    def get(self, read_ids: Sequence[str], keys: Mapping[str, bytes]) -> list[StoredRead]:
        """See ``Store.get``."""
        ids = [bytes.fromhex(read_id) for read_id in read_ids]
        found: dict[str, StoredRead] = {}
        failure: StorageFailed | None = None
        for epoch_id in self._present(keys):
            if len(found) == len(set(ids)):
                break
            try:
                found.update(self._opened(epoch_id, keys[epoch_id], _by_read_ids(ids)))
            except StorageFailed as error:
                failure = error
        if failure is not None and len(found) < len(set(ids)):
            raise failure
        return [found[read_id] for read_id in dict.fromkeys(read_ids) if read_id in found]

    def seal_epoch(self, epoch_id: str, key: bytes) -> SegmentSummary | None:
        """See ``Store.seal_epoch``."""
        return self._with(epoch_id, lambda epoch: epoch.seal(key))

    def drop_hot(self, epoch_id: str) -> bool:
        """See ``Store.drop_hot``."""
        return self._with(epoch_id, EpochFiles.drop_hot)

    def has_hot(self, epoch_id: str) -> bool:
        """See ``Store.has_hot``."""
        return self._with(epoch_id, EpochFiles.has_hot)

    def drop_epoch(self, epoch_id: str) -> None:
        """See ``Store.drop_epoch``."""
        self._with(epoch_id, EpochFiles.drop)
        with self._lock:
            self._epochs.pop(epoch_id, None)

    def epoch_ids(self) -> list[str]:
        """See ``Store.epoch_ids``."""
        names = (_FILE.fullmatch(path.name) for path in self._folder.iterdir())
        with self._lock:
            in_memory = {epoch_id for epoch_id, epoch in self._epochs.items() if epoch.in_memory}
        return sorted({name[1] for name in names if name} | in_memory)

    def counts(self, keys: Mapping[str, bytes] | None = None) -> dict[str, int]:
        """See ``Store.counts``."""
        counts = {}
        for epoch_id in self.epoch_ids():
            key = (keys or {}).get(epoch_id)
            try:
                count = self._opened(epoch_id, key, EpochFiles.count)
            except StorageFailed:
                continue
            if count is not None:
                counts[epoch_id] = count
        return counts

    def verify_segment(self, name: str, sha256: str) -> None:
        """See ``Store.verify_segment``."""
        segment = _SEGMENT.fullmatch(name)
        if segment is None:
            raise InputRefused("A segment's name is its epoch's id, a dot and a number.")
        path = self._folder / f"{name}.sealed"
        try:
            actual = file_sha256(path)
        except OSError as error:
            raise StorageFailed(f"The segment {path} cannot be read ({error.strerror}).") from error
        if actual != sha256:
            self._with(segment[1], lambda epoch: _refuse(epoch, name))
            raise ProofFailed(
                f"The segment {path} has the hash {actual}, but the log says {sha256}: it was replaced."
            )

    def close(self) -> None:
        """See ``Store.close``."""
        with self._lock:
            epochs = list(self._epochs.values())
            self._epochs.clear()
        for epoch in epochs:
            with epoch.lock:
                epoch.close()

    def __repr__(self) -> str:
        return f"SqlcipherStore({str(self._folder)!r})"

    def _present(self, keys: Mapping[str, bytes]) -> list[str]:
        return [epoch_id for epoch_id in reversed(self.epoch_ids()) if epoch_id in keys]

    def _opened(self, epoch_id: str, key: bytes | None, act: Callable[[EpochFiles], Answer]) -> Answer:
        def opened(epoch: EpochFiles) -> Answer:
            if key is not None:
                epoch.open(key)
            return act(epoch)

        return self._with(epoch_id, opened)

    def _with(self, epoch_id: str, act: Callable[[EpochFiles], Answer]) -> Answer:
        epoch = self._epoch(epoch_id)
        with epoch.lock:
            answer = act(epoch)
        self._close_idle()
        return answer

    def _epoch(self, epoch_id: str) -> EpochFiles:
        if not _EPOCH_ID.fullmatch(epoch_id):
            raise InputRefused(
                "An epoch id has letters, digits, plus and minus; this one has something else."
            )
        with self._lock:
            epoch = self._epochs.pop(epoch_id, None) or EpochFiles(self._folder, epoch_id, self._files)
            self._epochs[epoch_id] = epoch
            return epoch

    def _close_idle(self) -> None:
        with self._lock:
            idle = list(self._epochs.values())[:-MAX_OPEN_EPOCHS]
        for epoch in idle:
            if epoch.lock.acquire(blocking=False):  # somebody who uses it keeps it open
                try:
                    epoch.close()
                finally:
                    epoch.lock.release()


def _parsed(cursor: str) -> tuple[int, bytes]:
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise InputRefused("The cursor is not one that a page gave; begin again with the first page.")
    return int(parts[1], 16), bytes.fromhex(parts[2])


def _refuse(epoch: EpochFiles, name: str) -> None:
    epoch.close()
    epoch.refused.add(f"{name}.sealed")


def _matching(query: StoreQuery) -> Callable[[EpochFiles], list[Match]]:
    if query.cursor is None:
        return lambda epoch: epoch.matching(query, query.limit + 1)
    return lambda epoch: epoch.matching(query, sys.maxsize)


def _by_read_ids(read_ids: Sequence[bytes]) -> Callable[[EpochFiles], dict[str, StoredRead]]:
    return lambda epoch: epoch.by_read_ids(read_ids)


@contextlib.contextmanager
def _noting(unserved: dict[str, str], epoch_id: str) -> Iterator[None]:
    """One epoch that fails is named, and keeps no other from being served."""
    try:
        yield
    except StorageFailed as error:
        unserved[epoch_id] = str(error)
