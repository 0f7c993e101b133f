"""The files of one epoch: immutable sealed segments, and at most one hot file that grows.

    <epoch>.<n>.hot       grows until segment n exists; dropped once that segment's hash is in the log
    <epoch>.<n>.sealed    segment n: 0 is the epoch, 1 and more are supplements of late reads
    <epoch>.<n>.images    the sealed images of n, hot or sealed: written once, before their reads; nothing copies them
    <epoch>.<n>.tmp       segment n while it is written; a leftover is deleted
    <any of them>.dead    of a dead epoch, about to be unlinked (``graveyard``)

Sealing, and what a crash on each line leaves:

    (1) write     all rows of the hot file to the temporary file; fsync       a leftover; the hot file counts
    (2) rename    the temporary file to segment n; fsync the folder           both; segment n counts
    (3) log       the segment's hash (the caller)                             sealing again answers the same
    (4) drop      the hot file of segment n                                   nothing is left to do
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed
from glassplate.store.cipher_file import naming
from glassplate.store.hot_file import HotFile
from glassplate.store.segment_writer import write_segment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.store.columns import Columns
    from glassplate.store.graveyard import Graveyard

FILE_NAME = re.compile(
    r"([0-9A-Za-z+-]+)\.(\d{1,9})\.(hot|sealed|images|tmp)(?:-wal|-shm|-journal)?", re.ASCII
)
COMPANIONS = ("-wal", "-shm", "-journal")


class EpochFiles:
    """Names, makes and removes them. The caller sees to it that nobody else does at the same time."""

    def __init__(self, folder: Path, epoch_id: str, files: Files, graveyard: Graveyard) -> None:
        self._folder = folder
        self._epoch_id = epoch_id
        self._files = files
        self._graveyard = graveyard
        self._numbers: dict[str, set[int]] = {}
        self.are_any = False
        """Whether the epoch has files."""
        self.has_hot = False
        """Whether there is a hot file."""
        self._last_logged = -1

    def expect(self, number: int) -> None:
        """The log has segment ``number``, whether or not its file is here: no other reads get its number."""
        self._last_logged = max(self._last_logged, number)

    def note(self, number: int, kind: str) -> None:
        """There is such a file."""
        self._numbers.setdefault(kind, set()).add(number)
        self.are_any = True
        self.has_hot = self.has_hot or kind == "hot"

    def look(self) -> None:
        """Read from the disk what there is: after a failure nothing else knows."""
        found: dict[str, set[int]] = {}
        for path in self._all():
            if name := FILE_NAME.fullmatch(path.name):
                found.setdefault(name[3], set()).add(int(name[2]))
        self._numbers, self.are_any, self.has_hot = found, bool(found), "hot" in found

    def path(self, number: int, kind: str) -> Path:
        """Where a file is or would be."""
        return self._folder / f"{self._epoch_id}.{number}.{kind}"

    def numbers(self, kind: str) -> list[int]:
        """The numbers of the files of one kind, ascending."""
        return sorted(self._numbers.get(kind, ()))

    def hot_number(self) -> int:
        """The number that incoming reads belong to: that of the next segment."""
        return 1 + max(self._last_logged, *self.numbers("sealed"), -1)

    def sealed_hot_numbers(self) -> list[int]:
        """Hot files that a segment covers, but that were not dropped yet."""
        sealed = set(self.numbers("sealed"))
        return [number for number in self.numbers("hot") if number in sealed]

    def open_hot(self, key: bytes) -> HotFile:
        """Open or create the hot file and its images."""
        number = self.hot_number()
        self.note(number, "images")
        self.note(number, "hot")
        return HotFile(self.path(number, "hot"), self.path(number, "images"), key, self._files)

    def seal(self, number: int, key: bytes, columns: Columns) -> None:
        """Steps (1) and (2).

        Raises:
            StorageFailed: the hot file counts as before, unless the segment is there.
        """
        temporary, path = self.path(number, "tmp"), self.path(number, "sealed")
        with naming(path):
            try:
                write_segment(temporary, key, self.path(number, "hot"), columns)
                self._files.rename(temporary, path)
                self.note(number, "sealed")
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise

    def drop_hot(self) -> bool:
        """Step (4). False: there is a hot file that no segment covers."""
        for number in self.sealed_hot_numbers():
            self.drop_hot_file(number)
        return not self.has_hot

    def drop_hot_file(self, number: int) -> None:
        """Delete a hot file that holds nothing that counts."""
        self._remove(self._with_companions(self.path(number, "hot")))

    def drop(self) -> None:
        """Take everything out of sight, to be deleted in a moment.

        Raises:
            StorageFailed: something is left; try again.
        """
        paths = [path for path in self._all() if FILE_NAME.fullmatch(path.name)]
        try:  # a file of SQLite's before the one it belongs to, so that a crash leaves that to be seen
            self._graveyard.bury(sorted(paths, key=lambda path: path.suffix.partition("-")[1] == ""))
            self._graveyard.try_again(self._epoch_id)
        finally:
            self.look()

    def remove_leftovers(self) -> None:
        """Delete temporary files that a crash left."""
        if self._numbers.get("tmp"):
            self._remove(self._leftovers())

    def _leftovers(self) -> list[Path]:
        return [path for path in self._all() if ".tmp" in path.name]

    def _all(self) -> list[Path]:
        """The epoch's files; a folder may have those of a thousand other epochs."""
        with os.scandir(self._folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(f"{self._epoch_id}.")]
        return [self._folder / name for name in sorted(names)]

    def _with_companions(self, path: Path) -> list[Path]:
        """A file and what SQLite keeps beside it; itself last, so that a crash leaves it to be seen."""
        return [path.with_name(path.name + end) for end in (*COMPANIONS, "")]

    def _remove(self, paths: Sequence[Path]) -> None:
        failed = []
        for path in paths:
            try:
                if path.exists():
                    self._files.remove(path)
            except OSError as error:
                failed.append(f"{path} ({error.strerror})")
        self.look()
        if failed:
            raise StorageFailed(f"Could not remove {', '.join(failed)}; it is tried again.")
