"""Backups of a city's folder, and the way back from one (``docs/backup.md``)."""

from __future__ import annotations

from glassplate.backups.copying import Work
from glassplate.backups.making import Made, NobodyWrites, Stillness, make_backup
from glassplate.backups.restored import MARK_NAME, RestoredMark, read_restored, write_restored
from glassplate.backups.restoring import Restore, check_backup, names_witnesses, restore
from glassplate.backups.running import Backups, RunningStillness

__all__ = [
    "MARK_NAME",
    "Backups",
    "Made",
    "NobodyWrites",
    "Restore",
    "RestoredMark",
    "RunningStillness",
    "Stillness",
    "Work",
    "check_backup",
    "make_backup",
    "names_witnesses",
    "read_restored",
    "restore",
    "write_restored",
]
