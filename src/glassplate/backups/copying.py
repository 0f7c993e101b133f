"""Copies of files, hashed while they are read; told to whoever watches."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.backup_manifest import BackupFile
from glassplate.errors import StorageFailed
from glassplate.files import fsync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SYNCS_AT_ONCE = 16
PIECE_BYTES = 1024 * 1024
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


@dataclass(slots=True)
class Work:
    """How far a backup or a restore has come, for a bar. Read from other threads."""

    doing: str = "begins"
    files: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    watch: Callable[[Work], None] | None = None
    is_stopped: bool = False

    def stop(self) -> None:
        """Whoever does the work gives up at the next piece."""
        self.is_stopped = True

    def begin(self, doing: str, total_bytes: int) -> None:
        """Another part of the work."""
        self.doing, self.files, self.done_bytes, self.total_bytes = doing, 0, 0, total_bytes
        self._tell()

    def moved(self, size: int) -> None:
        """Bytes were read."""
        self.done_bytes += size
        self._tell()

    def finished(self) -> None:
        """A file is done."""
        self.files += 1
        self._tell()

    def _tell(self) -> None:
        if self.is_stopped:
            raise StorageFailed("The vault stopped, and the backup with it; nothing was kept.")
        if self.watch is not None:
            self.watch(self)


@dataclass(slots=True)
class _Copied:
    stamp: tuple[int, int, int]
    size: int
    digest: hashlib._Hash


class Copier:
    """Copies files from below ``source`` to below ``target`` under the same relative paths."""

    def __init__(self, source: Path, target: Path, work: Work) -> None:
        self._source, self._target, self._work = source, target, work
        self._copied: dict[str, _Copied] = {}

    @property
    def paths(self) -> set[str]:
        """What was copied."""
        return set(self._copied)

    def copy(self, path: str) -> None:
        """Copy a file, unless it was copied as it is now. One that is gone is passed over.

        Raises:
            OSError: it cannot be read or written.
        """
        known = self._copied.get(path)
        with contextlib.suppress(FileNotFoundError):
            state = os.lstat(self._source / path)
            is_link = stat.S_ISLNK(state.st_mode)  # nothing of ours is one
            if is_link or (known is not None and known.stamp == _stamp(state)):
                return
            with open_plain(self._source / path) as source:
                self._copied[path] = _Copied(_stamp(os.fstat(source)), 0, hashlib.sha256())
                self._move(source, path, 0, None)

    def grow(self, path: str, until: int) -> None:
        """Copy a file that only grows up to byte ``until``, from where the last call ended."""
        with open_plain(self._source / path) as source:
            known = self._copied.setdefault(path, _Copied((0, 0, 0), 0, hashlib.sha256()))
            if known.size < until or not until:
                self._move(source, path, known.size, until)

    def forget(self, path: str) -> None:
        """Take a copy away again: what it is of is gone."""
        del self._copied[path]
        (self._target / path).unlink(missing_ok=True)

    def finish(self) -> tuple[BackupFile, ...]:
        """Make everything durable; returns what there is, in order of the paths."""
        folders = {parent for path in self._copied for parent in _parents(path)}
        with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:  # a disk makes many durable in the time of one
            list(pool.map(self._sync, self._copied))
            list(pool.map(fsync_folder, [self._target, *(self._target / folder for folder in folders)]))
        return tuple(BackupFile(p, c.size, c.digest.hexdigest()) for p, c in sorted(self._copied.items()))

    def _sync(self, path: str) -> None:
        descriptor = os.open(self._target / path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _move(self, source: int, path: str, start: int, until: int | None) -> None:
        copied, target = self._copied[path], self._target / path
        make_private_folders(self._target, path)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if not start else 0)
        written = os.open(target, flags, PRIVATE_FILE)
        with os.fdopen(written, "wb", buffering=0) as file:
            file.seek(start)
            for piece in pieces(source, start, until):
                file.write(piece)
                copied.digest.update(piece)
                copied.size += len(piece)
                self._work.moved(len(piece))
        if until is not None and copied.size != until:
            raise StorageFailed(f"{self._source / path} became shorter while it was copied. Try again.")
        self._work.finished()


def pieces(source: int, start: int = 0, until: int | None = None) -> Iterator[bytes]:
    """The bytes of an open file from ``start`` on, up to ``until`` or the end."""
    at = start
    while until is None or at < until:
        size = PIECE_BYTES if until is None else min(PIECE_BYTES, until - at)
        piece = os.pread(source, size, at)
        if not piece:
            return
        at += len(piece)
        yield piece


@contextlib.contextmanager
def open_plain(path: Path) -> Iterator[int]:
    """A plain file, opened for reading; a link, a pipe or a folder is refused.

    Raises:
        OSError: it is none, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def make_private_folders(root: Path, path: str) -> None:
    """The folders above a file, readable by their owner only."""
    for parent in reversed(_parents(path)):
        (root / parent).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


@contextlib.contextmanager
def saying_full(place: Path) -> Iterator[None]:
    """Turn the disk's errors into words.

    Raises:
        StorageFailed: naming the file, or the disk that is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFailed(
                f"The disk below {place} is full. Free space, or choose another place; nothing was kept there."
            ) from None
        raise StorageFailed(f"{error.filename or place}: {error.strerror}. Nothing was kept.") from None


def _stamp(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_size, state.st_mtime_ns, state.st_ino


def _parents(path: str) -> list[str]:
    """``a/b`` and ``a`` for ``a/b/c``."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
