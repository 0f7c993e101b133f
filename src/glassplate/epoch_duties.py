"""The daily life of epoch keys: made ahead, closed at their end, counted every day. Death is ``purge``'s.

Each step is safe to repeat; start-up and every tick run the same code, so recovery cannot rot:

* created    key file durable, then entry ``epoch-created``; a key without its entry gets one at the next tick
* shortened  when a new charter keeps reads for less time: key file first, then entry ``epoch-shortened``
* closed     segment sealed (temporary file, fsync, rename), then entry ``epoch-closed`` with its hash, count and
             Merkle root, then the hot file is dropped; a late read makes a supplement with its own entry
* inventory  one entry a UTC day with every live key: silence is what an outsider alarms on
"""

from __future__ import annotations

import threading  # noqa: TC003 - the type of a field
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.keys import epoch_for
from glassplate.seal import keys_sha256
from glassplate.store import NO_FILE

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.keys import Epoch, KeyRecord, Keyring
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.registry import Registry
    from glassplate.store import Store

EPOCHS_AHEAD = 2  # a lane that is cut off can go on sealing for two more epochs
EPOCHS_AHEAD_IN_MEMORY = 1  # a restart takes them with it, and what a lane sealed for them
MEMORY_ONLY_MINUTES = 15
"""A charter that keeps reads for no longer than this keeps them in memory only: what lives so briefly needs no disk."""
CLOSE_GRACE = timedelta(minutes=10)  # a lane's last batch of the epoch may still be on its way


@dataclass(frozen=True, slots=True)
class EpochDuties:
    """Creates, closes and counts epochs. Timers, lanes and installations all ask for it, each in its own thread."""

    mandate: Mandate
    keyring: Keyring
    store: Store
    registry: Registry
    recorder: Recorder
    one_at_a_time: threading.RLock
    """Shared with ``Purge``; held while a key is born or dies until the record says so: nothing is logged twice, and no
    inventory counts in between."""

    def run(self, now: datetime) -> None:
        """Everything that is due. Closing comes first: it outlives a charter, making new keys does not."""
        with self.one_at_a_time:
            self.recorder.reconcile()  # what is in the log already is not logged a second time
            self._log_created()
            self._shorten()
            self._close_ended(now)
            self.make_ahead(now)

    def make_ahead(self, now: datetime) -> None:
        """Keys for this epoch and the next ones, never beyond the charter's end."""
        charter = self.mandate.current(now).verified.charter
        retention = timedelta(minutes=charter.retention_minutes)
        in_memory = charter.retention_minutes <= MEMORY_ONLY_MINUTES
        at = now
        with self.one_at_a_time:
            self.recorder.reconcile()
            known = {record.epoch.epoch_id for record in self.keyring.records()}
            for _ in range(1 + (EPOCHS_AHEAD_IN_MEMORY if in_memory else EPOCHS_AHEAD)):
                epoch = epoch_for(at, epoch_minutes=charter.epoch_minutes, retention=retention)
                if epoch.starts_at >= charter.expires_at:
                    break
                # A key that is logged but not here was taken away: a second one under its name would hide that.
                if epoch.epoch_id not in known and self.registry.epoch(epoch.epoch_id) is None:
                    self.store.create_epoch(epoch.epoch_id, in_memory=in_memory)
                    self.keyring.create_epoch(epoch, in_memory=in_memory)
                at = epoch.ends_at
            self._log_created()

    def _log_created(self) -> None:
        """Entries for keys that have none yet."""
        for record in self.keyring.records():
            logged = self.registry.epoch(record.epoch.epoch_id)
            if logged is None or logged.created_index is None:
                keys = keys_sha256(record.public()) if record.is_alive else "none"
                kept = {"kept": "memory"} if record.in_memory else {}
                self.recorder.record(
                    "epoch-created",
                    {},
                    at=self.recorder.now(),
                    public={**_period(record.epoch), "key_id": record.key_id, "public_keys": keys, **kept},
                    operation={
                        "kind": "epoch_created",
                        "epoch_id": record.epoch.epoch_id,
                        "destroy_at": record.epoch.destroy_at.isoformat(),
                    },
                )

    def _shorten(self) -> None:
        """A charter with a shorter retention reaches the keys that live already; a longer one never does."""
        retention = self.mandate.retention()
        for record in self.keyring.records():
            epoch = record.epoch
            if record.is_alive and epoch.starts_at + retention < epoch.destroy_at:
                epoch = self.keyring.bring_forward(epoch.epoch_id, epoch.starts_at + retention).epoch
            logged = self.registry.epoch(epoch.epoch_id)
            if logged is not None and logged.destroy_at is not None and epoch.destroy_at < logged.destroy_at:
                self._log_shortened(epoch, record.key_id)

    def _log_shortened(self, epoch: Epoch, key_id: str) -> None:
        self.recorder.record(
            "epoch-shortened",
            {},
            at=self.recorder.now(),
            public={
                "epoch": epoch.epoch_id,
                "key_id": key_id,
                "destroy_at": epoch.destroy_at.isoformat(),
            },
            operation={
                "kind": "epoch_shortened",
                "epoch_id": epoch.epoch_id,
                "destroy_at": epoch.destroy_at.isoformat(),
            },
        )

    def _close_ended(self, now: datetime) -> None:
        """Seal what ended, log its hash, drop the hot file."""
        for record in self.keyring.records():
            if record.in_memory:
                continue  # nothing of it is in a file that could be sealed
            if record.is_alive and record.epoch.ends_at + CLOSE_GRACE <= now < record.epoch.destroy_at:
                self._close(record)

    def _close(self, record: KeyRecord) -> None:
        epoch_id = record.epoch.epoch_id
        logged = self.registry.epoch(epoch_id)
        is_first = logged is None or logged.closed_index is None
        if not is_first and not self.store.has_hot(epoch_id):
            return
        key = self.keyring.secret(epoch_id).segment_key(0)
        summary = self.store.seal_epoch(epoch_id, key)
        if not is_first and (summary is None or summary.name in self.registry.segments()):
            self.store.drop_hot(epoch_id)  # a crash came between the entry and this
            return
        segments = (
            [
                {
                    "name": summary.name,
                    "sha256": summary.sha256,
                    "reads": summary.count,
                    "root": summary.merkle_root,
                }
            ]
            if summary and summary.sha256 != NO_FILE
            else []
        )
        self.recorder.record(
            "epoch-closed" if is_first else "epoch-supplement",
            {},
            at=self.recorder.now(),
            public={
                "epoch": epoch_id,
                "key_id": record.key_id,
                "reads": str(summary.count if summary else 0),
                "segment_sha256": summary.sha256 if summary else NO_FILE,
                "reads_root": summary.merkle_root if summary else "none",
            },
            operation={
                "kind": "epoch_closed",
                "epoch_id": epoch_id,
                "reads": summary.count if summary else 0,
                "segments": segments,
            },
        )
        self.store.drop_hot(epoch_id)

    def inventory(self, now: datetime) -> None:
        """The day's list of live keys, once a UTC day; not before the record knows every birth and death."""
        with self.one_at_a_time:
            self.recorder.reconcile()
            counter = f"inventory:{now:%Y-%m-%d}"
            if counter not in self.registry.totals() and self._is_all_logged():
                self._record_inventory(counter, now)

    def _is_all_logged(self) -> bool:
        """False where an entry could not be written; it is tried again at the next tick, and so is the inventory."""
        logged = self.registry.epochs()
        return all(
            (known := logged.get(record.epoch.epoch_id)) is not None
            and known.created_index is not None
            and (record.is_alive or known.destroyed_index is not None)
            for record in self.keyring.records()
        )

    def _record_inventory(self, counter: str, now: datetime) -> None:
        live = sorted(
            (r.epoch for r in self.keyring.records() if r.is_alive), key=lambda epoch: epoch.starts_at
        )
        self.recorder.record(
            "key-inventory",
            {},
            at=now,
            public={
                "date": f"{now:%Y-%m-%d}",
                "live": ",".join(epoch.epoch_id for epoch in live),
                "count": str(len(live)),
                "oldest": live[0].epoch_id if live else "none",
            },
            operation={"kind": "counted", "counts": {counter: 1}},
        )


def _period(epoch: Epoch) -> dict[str, str]:
    return {
        "epoch": epoch.epoch_id,
        "starts": epoch.starts_at.isoformat(),
        "ends": epoch.ends_at.isoformat(),
        "destroy_at": epoch.destroy_at.isoformat(),
    }
