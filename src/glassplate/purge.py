"""Death of an epoch. Needs nothing but the clock: no charter, no unlocked root, no writable log.

    (1) due        epochs whose ``destroy_at`` has passed, by a time that cannot be set back
    (2) destroy    tombstone durable, then the key overwritten and removed      `Keyring.destroy`
    (3) drop       segments closed and deleted, names and caches with them      `Store.drop_epoch`
                   the process that opened the epoch's reads ended              `OpeningWorker.forget`
    (4) mirror     the copy of the key, where the city has a mirror             `MirroredKeys.keep`
    (5) log        entry ``epoch-destroyed``; a log that is down, or a mirror that is away, delays only this
    (6) overwrite  what the process has let go of it, by the timers              `MemorySweep`

An epoch in memory whose secret the last run took with it is destroyed and logged like one that is due.
A hold dies at its end by the same steps: its files are dropped, and its entry is ``hold-ended``.

A crash after the tombstone is finished at the next start, before anything else opens; a key that came back from a
backup is destroyed again and reported.
"""

from __future__ import annotations

import threading  # noqa: TC003 - the type of a field
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import CharterRejected, KeyUnavailable, LogUnavailable, StorageFailed
from glassplate.keys import overdue_epochs

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.freed_memory import MemorySweep
    from glassplate.keys import FolderKeyring, KeyRecord, TrustedTime
    from glassplate.mirror import Mirror
    from glassplate.record import Recorder
    from glassplate.registry import Registry
    from glassplate.seal import OpeningWorker
    from glassplate.store import HeldFiles, Store


@dataclass(frozen=True, slots=True)
class Purge:
    """Destroys what is due and logs it afterwards."""

    keyring: FolderKeyring
    store: Store
    held: HeldFiles
    opener: OpeningWorker
    registry: Registry
    recorder: Recorder
    time: TrustedTime
    mirror: Mirror | None
    memory: MemorySweep
    one_at_a_time: threading.RLock
    """Shared with ``EpochDuties``: an epoch is not sealed while it dies, nor logged twice."""

    def run(self) -> list[str]:
        """Destroy every due epoch; returns their ids. Callable at any time, by anybody: it can only do its duty.

        Raises:
            StorageFailed: something due is still there; everything else was destroyed. Try again.
        """
        with self.one_at_a_time:
            return self._run()

    def _run(self) -> list[str]:
        destroyed: list[str] = []
        failures: list[str] = []
        now = self.time.purge_now()
        due = list(dict.fromkeys([*self.keyring.lost(), *self.overdue()]))
        for epoch_id in due:
            try:
                self.keyring.destroy(epoch_id, now)
                destroyed.append(epoch_id)
            except (StorageFailed, KeyUnavailable) as error:
                failures.append(str(error))
        if due:
            self.opener.forget()
        failures += self._drop_dead_segments()
        failures += self._drop_dead_holds()
        owed = self._keep_mirror(now)
        if not owed:  # the record says "destroyed" of what is dead everywhere
            self.recorder.reconcile()  # what is in the log already is not logged a second time
            self._log_destroyed()
            self._log_ended_holds()
        failures += owed
        if failures:
            raise StorageFailed(" ".join(failures))
        return destroyed

    def overdue(self) -> list[str]:
        """Epochs and holds that should be dead and are not: everything turns red on these."""
        return [epoch.epoch_id for epoch in overdue_epochs(self.keyring, self.time.purge_now())]

    def _drop_dead_segments(self) -> list[str]:
        """Delete ciphertext whose key is gone, now or before a crash between (2) and (3); returns what failed."""
        failures = []
        dead = {r.epoch.epoch_id for r in self.keyring.records() if not r.is_alive}
        for epoch_id in sorted(dead & set(self.store.epoch_ids())):
            try:
                self.store.drop_epoch(epoch_id)
            except StorageFailed as error:
                failures.append(str(error))
            self.memory.ask()
        return failures

    def _drop_dead_holds(self) -> list[str]:
        """The same for held files; returns what failed."""
        failures = []
        dead = {r.epoch.epoch_id for r in self.keyring.hold_records() if not r.is_alive}
        for hold_id in sorted(dead & self.held.hold_ids()):
            try:
                self.held.drop(hold_id)
            except StorageFailed as error:
                failures.append(str(error))
            self.memory.ask()
        return failures

    def _keep_mirror(self, now: datetime) -> list[str]:
        """What is dead here dies in the mirror; returns what failed."""
        if self.mirror is not None:
            try:
                self.mirror.key_files.keep(now, self.keyring.damaged)
            except StorageFailed as error:
                return [str(error)]
        return []

    def _log_ended_holds(self) -> None:
        """Entries for the deaths of holds that stood; an unfinished one has its outcome instead."""
        for record in self.keyring.hold_records():
            stored = self.registry.hold(record.epoch.epoch_id)
            if record.is_alive or stored is None or stored.state != "held":
                continue
            try:
                self.recorder.record(
                    "hold-ended",
                    {},
                    at=self.recorder.now(),
                    public={
                        "hold": record.epoch.epoch_id,
                        "key_id": record.key_id,
                        "due": record.epoch.destroy_at.isoformat(),
                        "done": (record.destroyed_at or record.epoch.destroy_at).isoformat(),
                    },
                    operation={"kind": "hold_ended", "hold_id": record.epoch.epoch_id},
                )
            except (LogUnavailable, CharterRejected, StorageFailed):
                return

    def _log_destroyed(self) -> None:
        """Entries for deaths that have none yet; a log that cannot be written is tried again at the next tick."""
        for record in self.keyring.records():
            logged = self.registry.epoch(record.epoch.epoch_id)
            if record.is_alive or (logged is not None and logged.destroyed_index is not None):
                continue
            try:
                self._log(record)
            except (LogUnavailable, CharterRejected, StorageFailed):
                return

    def _log(self, record: KeyRecord) -> None:
        due, done = record.epoch.destroy_at, record.destroyed_at or record.epoch.destroy_at
        public = {
            "epoch": record.epoch.epoch_id,
            "key_id": record.key_id,
            "due": due.isoformat(),
            "done": done.isoformat(),
        }
        if record.in_memory:
            public["cause"] = "restart" if done < due else "due"
        self.recorder.record(
            "epoch-destroyed",
            {},
            at=self.recorder.now(),
            public=public,
            operation={"kind": "epoch_destroyed", "epoch_id": record.epoch.epoch_id},
        )
