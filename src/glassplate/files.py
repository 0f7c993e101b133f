"""The one seam through which durable bytes are written, so that a test can fail each write.

Duties of an implementation: when a method returns, the change survives a power cut (file and directory are
fsynced), but for ``set_aside``. When one raises ``OSError``, either nothing changed or all of it did; the caller
must be right both ways.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Files(Protocol):
    """Durable writes below one folder tree."""

    def write_atomic(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Replace ``path`` by ``data``: temporary file, fsync, rename, fsync of the directory."""

    def append(self, path: Path, data: bytes) -> None:
        """Append ``data`` to ``path`` (made when absent) and fsync it."""

    def truncate(self, path: Path, size: int) -> None:
        """Cut ``path`` to ``size`` bytes and fsync it."""

    def overwrite(self, path: Path, data: bytes) -> None:
        """Write ``data`` over the first bytes of an existing file, in its own blocks, and fsync it.

        Needs no free space. For shredding: ``write_atomic`` would leave the old blocks as they are.
        """

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file whose content is durable already, in its folder, and fsync that folder."""

    def set_aside(self, source: Path, target: Path) -> None:
        """Rename a file without fsync: for what is done again when a power cut has undone it."""

    def remove(self, path: Path) -> None:
        """Remove ``path`` when present and fsync its directory."""


class LocalFiles:
    """``Files`` on the local disk."""

    def write_atomic(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """See ``Files.write_atomic``."""
        make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        fsync_folder(path.parent)

    def append(self, path: Path, data: bytes) -> None:
        """See ``Files.append``."""
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            fsync_folder(path.parent)

    def truncate(self, path: Path, size: int) -> None:
        """See ``Files.truncate``."""
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def overwrite(self, path: Path, data: bytes) -> None:
        """See ``Files.overwrite``."""
        descriptor = os.open(path, os.O_WRONLY)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """See ``Files.rename``."""
        source.replace(target)
        fsync_folder(target.parent)

    def set_aside(self, source: Path, target: Path) -> None:
        """See ``Files.set_aside``."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """See ``Files.remove``."""
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        if path.parent.exists():
            fsync_folder(path.parent)


def make_folder(folder: Path, *, mode: int = 0o755) -> None:
    """Make ``folder`` and its parents, and fsync every directory that got a new child."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=mode, exist_ok=True)
        fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make the folder's list of names durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
