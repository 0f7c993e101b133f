"""One process owns a log's folder. The lock dies with the process: a killed one leaves nothing to clean."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from glassplate.errors import FolderBusy, StorageFailed

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "lock"


class FolderLock:
    """An exclusive flock, held until ``release`` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock at once.

        Raises:
            FolderBusy: when somebody holds it.
            StorageFailed: when the folder cannot be used.
        """
        path = folder / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageFailed(f"{path} cannot be opened: {error.strerror}.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise FolderBusy(f"{folder} is in use by another process; stop that one first.") from None
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let others have the folder. Does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
