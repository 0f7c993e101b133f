"""A new mirror: begun once, explicitly, so that the empty folder of an unmounted disk is never filled by itself.

(1) demand    an existing, empty folder outside the city's own
(2) copy      keys, then the log's journal, then ``.pending``
(3) name      ``city.txt``; before it nobody takes the folder for a mirror       crash: empty it and begin again
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed, UsageError
from glassplate.files import make_folder
from glassplate.log import JOURNAL_NAME, PENDING_NAME
from glassplate.mirror.key_folders import copy_file, destroy_dead, wanting
from glassplate.mirror.log_files import COPY_BYTES, PRIVATE_FILE
from glassplate.mirror.place import CITY_FILE, city_text

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files

PRIVATE_FOLDER = 0o700
OF_THE_DISK = {"lost+found"}


def begin_mirror(root: Path, city: Path, log: Path, keys: Path, vkey: str, files: Files) -> None:
    """Make ``root`` the mirror of ``log`` and ``keys``, which belong to the folder ``city``.

    Call under the folder's lock, after what is due was destroyed in ``keys``.

    Raises:
        UsageError: the folder is missing, not empty, or inside the city's own.
        StorageFailed: it could not be written; empty it and begin again.
    """
    _demand_empty(root, city)
    try:
        for part in (
            root / "keys",
            *(root / "keys" / p.name for p in keys.iterdir() if p.is_dir()),
            root / "log",
        ):
            make_folder(part, mode=PRIVATE_FOLDER)
            part.chmod(PRIVATE_FOLDER)
        for name in wanting(keys, root / "keys"):
            copy_file(keys, root / "keys", name, files)
        destroy_dead(keys, root / "keys", None, files)
        _copy(log / JOURNAL_NAME, root / "log" / JOURNAL_NAME, files)
        files.write_atomic(root / "log" / PENDING_NAME, (log / PENDING_NAME).read_bytes(), mode=PRIVATE_FILE)
        files.write_atomic(root / CITY_FILE, city_text(vkey))
    except OSError as error:
        raise StorageFailed(
            f"The mirror {root} could not be begun ({error.strerror or error}). Empty the folder and begin again."
        ) from None


def _demand_empty(root: Path, city: Path) -> None:
    if not root.is_dir():
        raise UsageError(f"The mirror {root} is no folder. Mount its disk, or make the folder first.")
    if (root / CITY_FILE).exists():
        raise UsageError(f"{root} is a mirror already. glassplate mirror show says how it is.")
    if root.resolve().is_relative_to(city.resolve()):
        raise UsageError(f"The mirror {root} lies inside the city's own folder, and would be lost with it.")
    if left := sorted({path.name for path in root.iterdir()} - OF_THE_DISK):
        raise UsageError(
            f"The mirror {root} is not empty: {', '.join(left[:3])}. Empty it, or choose another folder."
        )


def _copy(source: Path, target: Path, files: Files) -> None:
    with source.open("rb") as file:
        while chunk := file.read(COPY_BYTES):
            files.append(target, chunk)
