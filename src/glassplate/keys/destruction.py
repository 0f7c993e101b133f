"""Death of an epoch key. Needs the folder and the time: no root, no charter, no log.

    (1) tombstone   written durably beside the keys           crash: next start or tick finishes
    (2) overwrite   the key file in place, by the tombstone   crash: this folder opens nothing; (3) follows
    (3) erase       the wrapping key in the hardware module   crash: no copy opens anything; (4) follows
    (4) remove      the key file, and fsync the folder        crash: nothing is left to do

Step (2) needs no free space, so a full disk cannot keep a key alive: when (1) fails, the overwritten key file
is the tombstone until (1) can be made up for. An SSD may keep old blocks, and a copy of the folder brings
keys back; against that helps only (3). The file keyring has no (3), and is refused outside demo and trial charters.

Step (3) needs the module's session. Where there is none (no PIN yet, module away), (1) and (2) are done by the clock
alone, and the overwritten key file stays in its place: it says that (3) is still owed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused, KeyUnavailable, StorageFailed
from glassplate.keys.epochs import check_epoch_id
from glassplate.keys.key_files import parse_record, tombstone_file

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys.keyring import KeyRecord

PRIVATE_FILE = 0o600
Erase = Callable[[str], bool]
"""Step (3) for one epoch: True when nothing is left, False when it cannot be done from here; see ``Wrapping.erase``."""


def nothing_elsewhere(epoch_id: str) -> bool:
    """Step (3) of a keyring whose keys lie in its folder only."""
    del epoch_id
    return True


def owed(epoch_id: str) -> bool:
    """Step (3) without a session of the hardware module: it stays owed."""
    del epoch_id
    return False


def key_path(folder: Path, epoch_id: str) -> Path:
    """Where an epoch's key lies while it lives."""
    return folder / "epochs" / f"{check_epoch_id(epoch_id)}.json"


def tombstone_path(folder: Path, epoch_id: str) -> Path:
    """Where its tombstone lies afterwards."""
    return folder / "tombstones" / f"{check_epoch_id(epoch_id)}.json"


def destroy_key(
    folder: Path, record: KeyRecord, at: datetime, files: Files, erase: Erase = nothing_elsewhere
) -> KeyRecord:
    """Destroy one live key; returns the record of the dead one. Safe to repeat.

    Raises:
        StorageFailed: the key file is still there as it was.
        KeyUnavailable: the hardware module does not destroy its part now.
    """
    dead = replace(record, state="destroyed", read_key="", image_key="", destroyed_at=at)
    _bury(folder, dead, files, erase)
    return dead


def destroy_due(folder: Path, now: datetime, files: Files, erase: Erase = nothing_elsewhere) -> list[str]:
    """Destroy every key whose ``destroy_at`` has passed, and finish what a crash interrupted.

    One bad file never keeps another key alive: everything is tried before an error is raised. The tombstones
    tell what died, also after an error.

    Raises:
        StorageFailed: at least one due key could not be destroyed; try again.
    """
    destroyed: list[str] = []
    failures: list[str] = []
    try:
        destroyed += finish_destructions(folder, files, erase)
    except (StorageFailed, KeyUnavailable) as error:
        failures.append(str(error))
    for epoch_id in epoch_ids_in(folder / "epochs"):
        record = read_record(key_path(folder, epoch_id), epoch_id)
        if record is None or not record.is_alive or record.epoch.destroy_at > now:
            continue
        try:
            destroy_key(folder, record, now, files, erase)
            destroyed.append(epoch_id)
        except (StorageFailed, KeyUnavailable) as error:
            failures.append(str(error))
    if failures:
        raise StorageFailed(" ".join(failures))
    return sorted(destroyed)


def finish_destructions(folder: Path, files: Files, erase: Erase = nothing_elsewhere) -> list[str]:
    """Destroy again every key that lies beside its own tombstone; returns the epochs whose key was readable.

    That is the mark of an interrupted destruction or of a restored backup: nobody can tell them apart from
    here.

    Raises:
        StorageFailed: a dead key could not be removed, so nothing here may be used.
    """
    _remove_leftovers(folder, files)
    resurrected, failures = [], []
    for epoch_id in epoch_ids_in(folder / "epochs"):
        path = key_path(folder, epoch_id)
        in_place = read_record(path, epoch_id)
        buried = read_record(tombstone_path(folder, epoch_id), epoch_id)
        if buried is None and (in_place is None or in_place.is_alive):
            continue
        if in_place is not None and in_place.is_alive:
            resurrected.append(epoch_id)
        dead = buried or in_place
        if dead is not None:
            try:
                _bury(folder, dead, files, erase)
            except (StorageFailed, KeyUnavailable) as error:
                failures.append(str(error))
    if failures:
        raise StorageFailed(" ".join(failures))
    return resurrected


def still_owed(folder: Path) -> list[str]:
    """Dead epochs whose key in the hardware module may still be there."""
    records = ((i, read_record(key_path(folder, i), i)) for i in epoch_ids_in(folder / "epochs"))
    return [epoch_id for epoch_id, record in records if record is not None and not record.is_alive]


def read_records(folder: Path) -> tuple[dict[str, KeyRecord], list[str]]:
    """Every readable record, a tombstone before a key; and the names of files that are not readable."""
    records: dict[str, KeyRecord] = {}
    damaged = []
    for part in ("tombstones", "epochs"):
        for epoch_id in epoch_ids_in(folder / part):
            record = read_record(folder / part / f"{epoch_id}.json", epoch_id)
            if record is None:
                damaged.append(f"{part}/{epoch_id}.json")
            elif epoch_id not in records:
                records[epoch_id] = record
    return records, damaged


def read_record(path: Path, epoch_id: str) -> KeyRecord | None:
    """The record in one file; None when the file is missing or not readable as one."""
    try:
        return parse_record(path.read_bytes(), epoch_id)
    except (OSError, InputRefused):
        return None


def _bury(folder: Path, dead: KeyRecord, files: Files, erase: Erase) -> None:
    epoch_id = dead.epoch.epoch_id
    path, content = key_path(folder, epoch_id), tombstone_file(dead)
    has_tombstone = read_record(tombstone_path(folder, epoch_id), epoch_id) is not None or _done(
        lambda: files.write_atomic(tombstone_path(folder, epoch_id), content, mode=PRIVATE_FILE)
    )
    if not path.exists():
        erase(epoch_id)
        return
    is_overwritten = _done(lambda: files.overwrite(path, content.ljust(path.stat().st_size)))
    is_erased = erase(epoch_id)
    is_removed = has_tombstone and is_erased and _done(lambda: files.remove(path))
    if not (is_overwritten or is_removed):
        raise StorageFailed(f"The key {path} could not be destroyed; check the disk, it is tried again.")


def _done(act: Callable[[], None]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def _remove_leftovers(folder: Path, files: Files) -> None:
    """Temporary files of an interrupted write may hold a wrapped secret too."""
    for leftover in sorted((folder / "epochs").glob(".*.tmp")):
        with contextlib.suppress(OSError):
            files.overwrite(leftover, bytes(leftover.stat().st_size))
            files.remove(leftover)


def epoch_ids_in(folder: Path) -> list[str]:
    """The epochs and holds whose files lie in ``folder``, whatever is in them."""
    names = [path.stem for path in folder.glob("*.json")]
    return sorted(name for name in names if _is_epoch_id(name))


def _is_epoch_id(name: str) -> bool:
    try:
        check_epoch_id(name)
    except InputRefused:
        return False
    return True
