"""Two key folders side by side, the vault's own and its mirror's: what must die in which, and what is copied.

Nothing here needs a root: files are read as records, and moved as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused, KeyUnavailable, StorageFailed
from glassplate.keys import destroy_due
from glassplate.keys.destruction import (
    PRIVATE_FILE,
    destroy_key,
    epoch_ids_in,
    finish_destructions,
    key_path,
    read_record,
    tombstone_path,
)
from glassplate.keys.key_files import MAX_KEY_FILE_BYTES, parse_wrapped

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.files import Files
    from glassplate.keys import KeyRecord
    from glassplate.keys.destruction import Erase

NAMED, EPOCHS, TOMBSTONES = "named", "epochs", "tombstones"


def destroy_dead(own: Path, mirror: Path, now: datetime | None, files: Files) -> None:
    """Destroy in the mirror what is dead in the own folder, and what is due at ``now`` (None: no time is certain).

    Everything is tried before an error is raised.

    Raises:
        StorageFailed: at least one key could not be destroyed; try again.
    """
    failures: list[str] = []
    own_dead, there = set(epoch_ids_in(own / TOMBSTONES)), set(epoch_ids_in(mirror / EPOCHS))
    buried = set(epoch_ids_in(mirror / TOMBSTONES))
    for epoch_id in sorted((own_dead - buried) | (there & (own_dead | set(epoch_ids_in(own / EPOCHS))))):
        dead = record_in(own, epoch_id)
        if dead is None or dead.destroyed_at is None:
            continue
        try:
            destroy_key(mirror, dead, dead.destroyed_at, files)
        except (StorageFailed, KeyUnavailable) as error:
            failures.append(str(error))
    try:
        if now is not None:
            destroy_due(mirror, now, files)
        else:
            finish_destructions(mirror, files)
    except (StorageFailed, KeyUnavailable) as error:
        failures.append(str(error))
    if failures:
        raise StorageFailed(" ".join(failures))


def bury_again(own: Path, mirror: Path, files: Files, erase: Erase) -> list[str]:
    """Destroy in the own folder what is dead in the mirror: it came back from a copy. Returns those epochs.

    Raises:
        StorageFailed, KeyUnavailable: such a key could not be destroyed.
    """
    came_back = []
    for epoch_id in sorted(set(epoch_ids_in(own / EPOCHS)) & set(epoch_ids_in(mirror / TOMBSTONES))):
        record, dead = record_in(own, epoch_id), record_in(mirror, epoch_id)
        if record is not None and record.is_alive and dead is not None and dead.destroyed_at is not None:
            destroy_key(own, record, dead.destroyed_at, files, erase)
            came_back.append(epoch_id)
    return came_back


def copy_file(own: Path, mirror: Path, name: str, files: Files) -> None:
    """Make one file of the mirror what the own one is; a key that is dead in either of them is never copied.

    ``name``: below the folder, such as ``epochs/2026-03-02.json``.

    Raises:
        OSError: it could not be copied.
    """
    part, epoch_id = Path(name).parent.name, Path(name).stem
    if part == TOMBSTONES or (part == EPOCHS and not _lives_in_both(own, mirror, epoch_id)):
        return
    try:
        content = (own / name).read_bytes()
        if part != EPOCHS:
            parse_wrapped(content)
    except (FileNotFoundError, InputRefused):  # a damaged file is not worth the mirror's
        return
    if not (mirror / name).exists() or (mirror / name).read_bytes() != content:
        files.write_atomic(mirror / name, content, mode=PRIVATE_FILE)


def wanting(own: Path, mirror: Path) -> list[str]:
    """Names of live keys and secrets that ``own`` has and ``mirror`` has not, or has otherwise."""
    names = [f"{EPOCHS}/{i}.json" for i in epoch_ids_in(own / EPOCHS) if _lives_in_both(own, mirror, i)]
    names += [
        path.relative_to(own).as_posix() for path in (*own.glob("*.json"), *(own / NAMED).glob("*.json"))
    ]
    return sorted(name for name in names if _content(own / name) != _content(mirror / name))


def lost_in(own: Path, mirror: Path) -> list[str]:
    """Names of live keys and secrets that the mirror has, and of which the own folder knows nothing."""
    keys = [
        f"{EPOCHS}/{i}.json"
        for i in epoch_ids_in(mirror / EPOCHS)
        if not (key_path(own, i).exists() or tombstone_path(own, i).exists()) and _is_alive(mirror, i)
    ]
    named = {path.name for path in (mirror / NAMED).glob("*.json")}
    return keys + sorted(f"{NAMED}/{name}" for name in named if not (own / NAMED / name).exists())


def dead_but_there(own: Path, mirror: Path) -> list[str]:
    """Epochs that are dead in the own folder and not in the mirror."""
    there = epoch_ids_in(mirror / EPOCHS)
    return [
        i
        for i in there
        if (dead := record_in(own, i)) is not None and not dead.is_alive and _is_alive(mirror, i)
    ]


def record_in(folder: Path, epoch_id: str) -> KeyRecord | None:
    """What a folder says of an epoch: its tombstone before its key."""
    return read_record(tombstone_path(folder, epoch_id), epoch_id) or read_record(
        key_path(folder, epoch_id), epoch_id
    )


def _is_alive(folder: Path, epoch_id: str) -> bool:
    record = record_in(folder, epoch_id)
    return record is not None and record.is_alive


def _lives_in_both(own: Path, mirror: Path, epoch_id: str) -> bool:
    """It lives in the own folder, and is not dead in the mirror."""
    there = record_in(mirror, epoch_id)
    return _is_alive(own, epoch_id) and (there is None or there.is_alive)


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
