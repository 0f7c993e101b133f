"""Files of dead epochs: out of the way at once, and gone a little later.

    (1) rename     to ``<name>.dead``: nobody opens it any more. A small file is unlinked at once.
    (2) unlink     in a thread: a file system takes 0.3 s to free a gigabyte, and a purge does not wait for that

What is left between the two is ciphertext whose key is destroyed, so (1) need not survive a power cut: the epoch is
dropped again then. A crash leaves it too: the next start goes on with (2).
What cannot be unlinked is told to whoever drops the epoch again, and stays the epoch's until it is gone.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.files import Files

END = ".dead"
SMALL_BYTES = 1024 * 1024  # unlinked within a millisecond


class Graveyard:
    """Callable from several threads at once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._waiting: deque[Path] = deque()
        self._failed: dict[Path, str] = {}
        self._thread: threading.Thread | None = None

    def bury(self, paths: Sequence[Path]) -> None:
        """See to it that nothing has these names any more, and that the files will be gone.

        Raises:
            StorageFailed: one is still there under its name; the others are not. Try again.
        """
        failed = []
        for path in paths:
            try:
                self._bury(path)
            except OSError as error:
                failed.append(f"{path} ({error.strerror})")
        if failed:
            raise _left(failed)

    def expect(self, dead: Path) -> None:
        """Unlink a file that is renamed already."""
        with self._lock:
            self._waiting.append(dead)
            if self._thread is None:
                self._thread = threading.Thread(target=self._unlink_all, daemon=True)
                self._thread.start()

    def epoch_ids(self) -> set[str]:
        """Epochs of which something could not be unlinked."""
        with self._lock:
            return {path.name.partition(".")[0] for path in self._failed}

    def try_again(self, epoch_id: str) -> None:
        """Unlink what could not be unlinked of an epoch.

        Raises:
            StorageFailed: something is left; try again.
        """
        with self._lock:
            dead = [path for path in self._failed if path.name.startswith(f"{epoch_id}.")]
        for path in dead:
            self._unlink(path)
        with self._lock:
            failed = [f"{path} ({self._failed[path]})" for path in dead if path in self._failed]
        if failed:
            raise _left(failed)

    def close(self) -> None:
        """Wait until nothing waits."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _bury(self, path: Path) -> None:
        if path.stat().st_size <= SMALL_BYTES:
            self._files.remove(path)
            return
        dead = path.with_name(path.name + END)
        try:
            self._files.set_aside(path, dead)
        except OSError:  # a file system too full for a longer name
            self._files.remove(path)
        if dead.exists():  # also after a rename that was done and told as failed
            self.expect(dead)

    def _unlink_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                path = self._waiting.popleft()
            self._unlink(path)

    def _unlink(self, path: Path) -> None:
        try:
            self._files.remove(path)
        except OSError as error:
            with self._lock:
                self._failed[path] = error.strerror or "the disk refused"
        else:
            with self._lock:
                self._failed.pop(path, None)


def _left(failed: Sequence[str]) -> StorageFailed:
    return StorageFailed(f"Could not remove {', '.join(failed)}; it is tried again.")
