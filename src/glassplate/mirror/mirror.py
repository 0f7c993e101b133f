"""One vault's mirror: opened at its start, kept by its timers, looked at by whoever asks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed
from glassplate.log import JOURNAL_NAME, PENDING_NAME
from glassplate.mirror.journal_check import demand_beginning, demand_not_newer
from glassplate.mirror.key_files import MirroredKeys
from glassplate.mirror.key_folders import dead_but_there, wanting
from glassplate.mirror.log_files import MirroredLog
from glassplate.mirror.place import MirrorAway, MirrorPlace, read_city

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files


class Mirror:
    """``log_files`` and ``key_files`` are handed to the log and the keyring; see there for what they promise."""

    def __init__(self, place: MirrorPlace, log: Path, keys: Path, files: Files) -> None:
        self.place = place
        self.log_files = MirroredLog(log, place, files)
        self.key_files = MirroredKeys(keys, place, files)

    @classmethod
    def open(cls, root: Path, log: Path, keys: Path, files: Files) -> Mirror:
        """The mirror in ``root`` of the folders ``log`` and ``keys``. Nothing of it is believed before ``demand_city``.

        Raises:
            StorageFailed: it is not there, or no mirror.
        """
        try:
            return cls(MirrorPlace(root, read_city(root)), log, keys, files)
        except MirrorAway as error:
            raise StorageFailed(_sentence(error)) from None

    def demand_city(self, vkey: str) -> None:
        """``vkey``: the key of the city's log.

        Raises:
            StorageFailed: it is another city's mirror.
        """
        if self.place.vkey != vkey:
            raise StorageFailed(
                f"The mirror {self.place.root} belongs to the log {self.place.vkey}, not to this city's, {vkey}. Mount the "
                "right disk, or set mirror in settings.toml to the right folder."
            )

    def check_log(self) -> None:
        """Before the log is opened: the mirror is not ahead of it, and not different.

        Raises:
            StorageFailed: it is, or it is away.
        """
        with contextlib.suppress(OSError):  # what a killed write left: wrapped secrets among it
            self.place.do(self._sweep)
        try:
            self.log_files.check()
        except MirrorAway as error:
            raise StorageFailed(_sentence(error)) from None

    def _sweep(self) -> None:
        for folder in (self.place.log, self.place.keys):
            for leftover in folder.rglob(".*.tmp"):
                leftover.unlink(missing_ok=True)

    def follow(self) -> None:
        """Bring the mirror's log up to the own one; its keys follow with the purge.

        Raises:
            StorageFailed: it is away, or at odds with the vault's.
        """
        self.key_files.demand_nothing_lost()
        try:
            self.log_files.follow()
        except MirrorAway as error:
            raise StorageFailed(_sentence(error)) from None


@dataclass(frozen=True, slots=True)
class MirrorState:
    """What a look at both folders showed; ``problem`` is empty where all is well."""

    mirror: str
    problem: str
    bytes_behind: int
    keys_behind: tuple[str, ...]
    dead_keys: tuple[str, ...]
    on_same_disk: bool


def mirror_state(root: Path, log: Path, keys: Path, vkey: str, files: Files) -> MirrorState:
    """Look, and change nothing; beside a running vault, too.

    Raises:
        StorageFailed: the mirror is away, or another city's.
    """
    found = Mirror.open(root, log, keys, files)
    found.demand_city(vkey)
    place, problem = found.place, ""
    try:
        there = place.do(lambda: (place.log / JOURNAL_NAME).stat().st_size)
        behind = (log / JOURNAL_NAME).stat().st_size - there
        try:
            demand_beginning(log / JOURNAL_NAME, place)
            demand_not_newer(log / PENDING_NAME, place)
        except StorageFailed as error:
            problem = str(error)
        return MirrorState(
            str(root),
            problem,
            max(behind, 0),
            tuple(place.do(lambda: wanting(keys, place.keys))),
            tuple(place.do(lambda: dead_but_there(keys, place.keys))),
            is_on_same_disk(root, log),
        )
    except MirrorAway as error:
        raise StorageFailed(_sentence(error)) from None


def is_on_same_disk(root: Path, log: Path) -> bool:
    """Whether both lie in one file system, which a broken disk takes away together."""
    return root.stat().st_dev == log.stat().st_dev


def _sentence(error: MirrorAway) -> str:
    words = str(error.strerror)
    return f"{words[:1].upper()}{words[1:]}."
