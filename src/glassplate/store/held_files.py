"""Where held reads lie: sealed parts in one folder, ``<hold id>.<part>.held``. Knows no key and opens nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from glassplate.encoding import sha256_hex
from glassplate.errors import ProofFailed, StorageFailed
from glassplate.files import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files

MAX_PART_BYTES = 512 * 1024 * 1024  # 50 reads with the largest images that a batch takes
_NAME = re.compile(r"(hold-[0-9a-f]{16})\.(\d{1,6})\.held", re.ASCII)
_MODE = 0o600


class HeldFiles:
    """One file for each part of a hold. Callable from several threads at once."""

    def __init__(self, folder: Path, files: Files) -> None:
        """Find what is there; a folder that is not there yet is made at the first hold."""
        self._folder = folder
        self._files = files

    def write(self, hold_id: str, part: int, sealed: bytes) -> str:
        """Keep one part, durable on return; its SHA-256.

        Raises:
            StorageFailed: the disk refused.
        """
        path = self._path(hold_id, part)
        try:
            make_folder(self._folder, mode=0o700)
            self._files.write_atomic(path, sealed, mode=_MODE)
        except OSError as error:
            raise StorageFailed(f"{path} cannot be written ({error.strerror}); nothing is held.") from None
        return sha256_hex(sealed)

    def read(self, hold_id: str, part: int, sha256: str) -> bytes:
        """One part as it was written.

        Raises:
            StorageFailed: missing or unreadable.
            ProofFailed: it is not the one that the record names.
        """
        path = self._path(hold_id, part)
        try:
            with path.open("rb") as file:
                sealed = file.read(MAX_PART_BYTES)
        except OSError as error:
            raise StorageFailed(
                f"{path} cannot be read ({error.strerror}). Restore it from a backup."
            ) from None
        if sha256_hex(sealed) != sha256:
            raise ProofFailed(f"{path} is not the part that the record names: it was changed or replaced.")
        return sealed

    def hold_ids(self) -> set[str]:
        """Holds that have files."""
        names = (
            (_NAME.fullmatch(path.name) for path in self._folder.iterdir()) if self._folder.is_dir() else ()
        )
        return {name[1] for name in names if name}

    def drop(self, hold_id: str) -> None:
        """Delete everything of a hold, also what an interrupted write left; needs no key.

        Raises:
            StorageFailed: something is left; try again.
        """
        for path in sorted(self._folder.glob(f"{hold_id}.*.held")) + sorted(
            self._folder.glob(f".{hold_id}.*.tmp")
        ):
            try:
                self._files.remove(path)
            except OSError as error:
                raise StorageFailed(
                    f"Could not remove {path} ({error.strerror}); it is tried again."
                ) from None

    def _path(self, hold_id: str, part: int) -> Path:
        return self._folder / f"{hold_id}.{part}.held"
