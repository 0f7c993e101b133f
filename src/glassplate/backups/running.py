"""Backups of a vault that runs: one at a time, in a thread, told to whoever asks.

Whoever reaches the socket may ask, as for a purge: it goes only below the folder that the operator set, into a new
folder of its own, and takes nothing away.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.backups.copying import Work
from glassplate.backups.making import make_backup
from glassplate.config import load_settings
from glassplate.errors import CharterRejected, GlassplateError, LogUnavailable, StorageFailed, UsageError
from glassplate.records import BackupState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from glassplate.backups.making import Made
    from glassplate.config import CityFolder
    from glassplate.log import TransparencyLog
    from glassplate.record import Recorder
    from glassplate.registry import Registry
    from glassplate.store import SqlcipherStore


@dataclass(slots=True)
class RunningStillness:
    """``Stillness`` of a running vault. Locks are taken in the order in which the vault's own acts take them."""

    one_duty: threading.RLock
    recorder: Recorder
    log_: TransparencyLog
    registry: Registry
    store: SqlcipherStore
    _has_all: bool = False

    @contextlib.contextmanager
    def all(self) -> Iterator[None]:
        """See ``Stillness``."""
        with self.one_duty, self.recorder.still(), self.log_.still(), self.registry.still():
            self._has_all = True
            try:
                yield
            finally:
                self._has_all = False

    def epoch(self, epoch_id: str) -> AbstractContextManager[object]:
        """See ``Stillness``."""
        return self.store.still(epoch_id)

    def log(self) -> AbstractContextManager[object]:
        """See ``Stillness``."""
        return contextlib.nullcontext() if self._has_all else self.log_.not_growing()


@dataclass(slots=True)
class Backups:
    """Starts a backup and remembers what became of the last one."""

    city: CityFolder
    still: RunningStillness
    recorder: Recorder
    has_charter: Callable[[], bool]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _work: Work = field(default_factory=Work)
    _ended: BackupState = field(default_factory=lambda: BackupState(is_running=False))

    def start(self) -> None:
        """Begin one below the settings' ``backup_folder``.

        Raises:
            UsageError: one runs already, or the settings name no folder.
        """
        destination = load_settings(self.city).backup_folder
        if not destination:
            raise UsageError(
                f'Say where backups lie: add backup_folder = "/…" to {self.city.settings_file}. No restart is needed.'
            )
        with self._lock:
            if self._is_running():
                raise UsageError("A backup runs already; wait for its end.")
            self._work = Work()
            self._ended = BackupState(is_running=False)
            self._thread = threading.Thread(target=self._run, args=(Path(destination),), name="backup")
            self._thread.start()

    def state(self) -> BackupState:
        """The one that runs, or the last one."""
        with self._lock:
            work, ended, is_running = self._work, self._ended, self._is_running()
        return BackupState(
            is_running, work.doing, work.done_bytes, work.total_bytes, ended.made, ended.problem, ended.kind
        )

    def close(self) -> None:
        """Give up the one that runs, and wait for that."""
        self._work.stop()
        if self._thread is not None:
            self._thread.join()

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self, destination: Path) -> None:
        try:
            at = datetime.now(UTC)  # names only: a demo's clock stands still
            made = make_backup(self.city, destination, at, self.still, self._work)
            self._record(made)
            self._ended = BackupState(is_running=False, made=made.told())
        except (GlassplateError, OSError) as error:
            kind = error.kind if isinstance(error, GlassplateError) else StorageFailed.__name__
            self._ended = BackupState(is_running=False, problem=str(error), kind=kind)
        except Exception as error:  # noqa: BLE001 - told to whoever asked, who would else wait for nothing
            words = f"The backup failed unexpectedly ({type(error).__name__}); nothing was kept."
            self._ended = BackupState(is_running=False, problem=words, kind=StorageFailed.__name__)

    def _record(self, made: Made) -> None:
        """A backup that cannot be recorded is good all the same; so it is kept, and the failure is told."""
        if not self.has_charter():
            return
        manifest = made.manifest
        try:
            self.recorder.record(
                "backup-made",
                {"by": "operator", "folder": str(made.folder), "bytes": manifest.total_bytes},
                at=self.recorder.now(),
                public={"backup_sha256": manifest.sha256, "log_size": str(manifest.log_size)},
            )
        except (LogUnavailable, CharterRejected, StorageFailed) as error:
            raise StorageFailed(
                f"The backup {made.folder} is good, but could not be recorded: {error}"
            ) from None
