"""What the keys' tests share: an honest fake of a failing disk, and epochs of invented days."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta

from glassplate.files import LocalFiles
from glassplate.keys import epoch_for

PASSPHRASE = b"correct horse battery staple"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
RETENTION = timedelta(days=30)
TODAY = epoch_for(NOON, 1440, RETENTION)
TOMORROW = epoch_for(NOON + timedelta(days=1), 1440, RETENTION)
FOR_EVER = 10_000


class DiskFailure(LocalFiles):
    """The real disk, whose writes fail from number ``first`` on, ``count`` times.

    ``is_written``: the write is done but reported as failed, as after a failed fsync.
    """

    def __init__(self, first: int, count: int = FOR_EVER, *, is_written: bool = False) -> None:
        self._failing = range(first, first + count)
        self._is_written = is_written
        self.writes = 0

    def write_atomic(self, path, data, *, mode=0o644):
        self._step(lambda: LocalFiles.write_atomic(self, path, data, mode=mode))

    def overwrite(self, path, data):
        self._step(lambda: LocalFiles.overwrite(self, path, data))

    def remove(self, path):
        self._step(lambda: LocalFiles.remove(self, path))

    def _step(self, act):
        number, self.writes = self.writes, self.writes + 1
        if number not in self._failing:
            act()
            return
        if self._is_written:
            act()
        raise OSError(errno.ENOSPC, "No space left on device")
