"""The real disk, of which chosen writes fail: an honest fake of ``Files``.

``Files`` promises that a failed write either changed nothing or changed everything. Both are made here:
``"not written"`` and ``"written"`` (done, but reported as failed, as after a failed fsync).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Literal

from glassplate.files import LocalFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

How = Literal["not written", "written"]
HOW: tuple[How, ...] = ("not written", "written")


def nothing(_act: str, _path: Path) -> bool:
    """No write fails."""
    return False


class FailingFiles(LocalFiles):
    """Fails every write for which ``fails(act, path)`` says so; counts all of them in ``writes``."""

    def __init__(self, fails: Callable[[str, Path], bool] = nothing, how: How = "not written") -> None:
        self.fails = fails
        self.how: How = how
        self.writes: list[tuple[str, Path]] = []
        self.failed = 0

    def heal(self) -> None:
        """From now on nothing fails."""
        self.fails = nothing

    def fail_number(self, number: int, how: How) -> None:
        """Exactly the ``number``-th write from now on (0 is the next) fails."""
        start = len(self.writes)
        self.how = how
        self.fails = lambda _act, _path: len(self.writes) - 1 == start + number

    def write_atomic(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        self._step("write_atomic", path, lambda: LocalFiles.write_atomic(self, path, data, mode=mode))

    def append(self, path: Path, data: bytes) -> None:
        self._step("append", path, lambda: LocalFiles.append(self, path, data))

    def truncate(self, path: Path, size: int) -> None:
        self._step("truncate", path, lambda: LocalFiles.truncate(self, path, size))

    def overwrite(self, path: Path, data: bytes) -> None:
        self._step("overwrite", path, lambda: LocalFiles.overwrite(self, path, data))

    def rename(self, source: Path, target: Path) -> None:
        self._step("rename", target, lambda: LocalFiles.rename(self, source, target))

    def set_aside(self, source: Path, target: Path) -> None:
        self._step("set_aside", target, lambda: LocalFiles.set_aside(self, source, target))

    def remove(self, path: Path) -> None:
        self._step("remove", path, lambda: LocalFiles.remove(self, path))

    def _step(self, act: str, path: Path, whole: Callable[[], None]) -> None:
        self.writes.append((act, path))
        if not self.fails(act, path):
            whole()
            return
        self.failed += 1
        if self.how == "written":
            whole()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))


def journal(act: str, path: Path) -> bool:
    """The log cannot be appended to; what a failed append left can be taken back."""
    return path.name == "journal" and act == "append"


def whole_journal(_act: str, path: Path) -> bool:
    """The log can be neither appended to nor cut."""
    return path.name == "journal"
