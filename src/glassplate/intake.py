"""The walk of a read, inside the vault.

    (1) verify   the batch's signature, by a camera that the charter lists          `seal.verify_batch`
                 and that does not deliver more than its share                      `Deliveries.take_room`
    (2) place    each read's capture epoch: alive, or refused and counted           `intake._refusal`
    (3) open     the read once, with the epoch's read key; the images stay sealed   `seal.OpeningWorker`
    (4) write    to the epoch's segment; durable when it returns                    `Store.append`
    (5) match    against armed hot-list entries; an alert is an entry               `alert.Alerts.match`
    (6) answer   what the lane may delete; reads that never came are recorded       `Deliveries.missing_before`

A crash before (4) loses nothing: the lane still holds the batch. A crash between (4) and (6) makes the lane deliver
again; the read id absorbs it, and (5) runs for duplicates as well, so no alert is lost: its id comes from the read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError, Refused
from glassplate.records import BatchOutcome
from glassplate.seal import verify_batch
from glassplate.store import StoredRead

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.alert import Alerts
    from glassplate.charter import Charter
    from glassplate.deliveries import Deliveries
    from glassplate.keys import KeyRecord, Keyring, TrustedTime
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import PlateRead, SealedRead
    from glassplate.seal import Batch, OpeningWorker
    from glassplate.store import Store

    _Received = tuple[SealedRead, tuple[bytes, bytes, bytes]]

DESTROYED = "its epoch's key has been destroyed"
NO_EPOCH = "no key was ever made for its capture time"
NOT_PINNED = "its recognizer is not one that the charter names"
FUTURE = "its capture time lies in the future"
CLOCKS_DIFFER = timedelta(minutes=2)  # a lane's clock may run ahead by less than a heartbeat would notice


@dataclass(slots=True)
class _Taken:
    """What has become of one batch's reads so far."""

    camera_id: str
    accepted: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes batches from lanes. Callable from several threads at once."""

    mandate: Mandate
    keyring: Keyring
    store: Store
    alerts: Alerts
    recorder: Recorder
    time: TrustedTime
    deliveries: Deliveries
    opener: OpeningWorker

    def accept(self, data: bytes) -> BatchOutcome:
        """Take one signed batch; everything named ``accepted`` or ``duplicate`` is durable.

        Raises:
            InputRefused, ProofFailed: the batch is malformed or not signed by a listed camera; nothing was taken.
            StorageFailed: nothing was acknowledged; deliver again, what was written already counts as duplicate.
            CharterRejected, ClockRefused: capture has stopped.
            Refused: the camera delivers more than its share; nothing was taken.
        """
        now = self.time.now()
        charter = self.mandate.current(now).verified.charter
        batch = verify_batch(data, {camera.id: camera.public_key for camera in charter.cameras})
        self._demand_room(batch, len(data), now)
        taken = _Taken(batch.camera_id)
        for epoch_id, received in self._placed(batch, taken).items():
            self._take(epoch_id, received, charter, taken, now)
        if taken.refused:
            self._record_refused(batch.camera_id, taken.refused, now)
        self._note_missing(batch, now)
        return BatchOutcome(tuple(taken.accepted), tuple(taken.duplicate), tuple(taken.refused))

    def _placed(self, batch: Batch, taken: _Taken) -> dict[str, list[_Received]]:
        """The reads by epoch; what belongs into none that is alive is refused."""
        records = {record.epoch.epoch_id: record for record in self.keyring.records()}
        searchable_at = self.time.searchable_at()
        by_epoch: dict[str, list[_Received]] = {}
        for sealed, digests in zip(batch.reads, batch.digests, strict=True):
            reason = _refusal(sealed, records.get(sealed.epoch_id), searchable_at)
            if reason:
                taken.refused.append((sealed.read_id, reason))
            else:
                by_epoch.setdefault(sealed.epoch_id, []).append((sealed, digests))
        return by_epoch

    def _take(
        self, epoch_id: str, received: list[_Received], charter: Charter, taken: _Taken, now: datetime
    ) -> None:
        """Steps (3) to (5) for the reads of one epoch."""
        found = self.opener.open_all(
            lambda: self.keyring.secret(epoch_id).read_private_key(),
            [sealed for sealed, _digests in received],
            agency_id=charter.agency.id,
            camera_id=taken.camera_id,
        )
        opened: list[StoredRead] = []
        for read, (sealed, digests) in zip(found, received, strict=True):
            if isinstance(read, GlassplateError):
                taken.refused.append((sealed.read_id, str(read)))
            elif read.recognizer not in charter.recognizers:
                taken.refused.append((sealed.read_id, NOT_PINNED))
            else:
                opened.append(_stored(epoch_id, read, sealed, digests))
        is_new = self.store.append(epoch_id, self.keyring.secret(epoch_id).segment_key(0), opened)
        for stored, new in zip(opened, is_new, strict=True):
            (taken.accepted if new else taken.duplicate).append(stored.read.read_id)
        self.alerts.match([(epoch_id, stored.read) for stored in opened], now)

    def _demand_room(self, batch: Batch, size: int, now: datetime) -> None:
        try:
            self.deliveries.take_room(batch, size, now)
        except Refused as refusal:
            if self.deliveries.is_news(batch.camera_id, now):
                self.recorder.record(
                    "camera-held-back",
                    {"camera_id": batch.camera_id, "rules": list(refusal.rules)},
                    at=now,
                    operation={"kind": "refused", "rules": list(refusal.rules)},
                )
            raise

    def _note_missing(self, batch: Batch, now: datetime) -> None:
        """Recorded first: a crash in between makes the lane deliver again, and then it is told twice, not never."""
        with self.deliveries.noting:
            missing = self.deliveries.missing_before(batch)
            if missing:
                self.recorder.record(
                    "reads-missing",
                    {"camera_id": batch.camera_id, "missing": missing},
                    at=now,
                    public={"missing": str(missing)},
                    operation={"kind": "counted", "counts": {"reads missing": missing}},
                )
            self.deliveries.note(batch, missing)

    def _record_refused(self, camera_id: str, refused: list[tuple[str, str]], now: datetime) -> None:
        counts: dict[str, int] = {}
        for _read_id, reason in refused:
            counts[reason] = counts.get(reason, 0) + 1
        self.recorder.record(
            "reads-refused",
            {"camera_id": camera_id, "reasons": counts},
            at=now,
            operation={"kind": "counted", "counts": {f"reads refused:{r}": n for r, n in counts.items()}},
        )


def _refusal(sealed: SealedRead, record: KeyRecord | None, now: datetime) -> str | None:
    if record is None:
        return NO_EPOCH
    if not record.is_alive or record.epoch.destroy_at <= now:
        return DESTROYED
    if not record.epoch.starts_at <= sealed.captured_at < record.epoch.ends_at:
        return NO_EPOCH
    if sealed.captured_at > now + CLOCKS_DIFFER:
        return FUTURE
    return None


def _stored(
    epoch_id: str, read: PlateRead, sealed: SealedRead, digests: tuple[bytes, bytes, bytes]
) -> StoredRead:
    """``sealed_sha256``: of the digests of read, crop and scene, so that the epoch's Merkle root binds all three."""
    return StoredRead(
        epoch_id=epoch_id,
        read=read,
        crop_sealed=sealed.crop,
        scene_sealed=sealed.scene,
        sealed_sha256=sha256_hex(b"".join(digests)),
    )
