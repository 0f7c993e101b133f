"""The walk of a read, inside the vault.

    (1) verify   the batch's signature, by a camera that the charter lists          `seal.verify_batch`
    (2) place    each read's capture epoch: alive, or refused and counted           `Intake._refusal`
    (3) open     the read once, with the epoch's read key; the images stay sealed   `seal.ReadOpener`
    (4) write    to the epoch's segment; durable when it returns                    `Store.append`
    (5) match    against armed hot-list entries; an alert is an entry               `alert.Alerts.match`
    (6) answer   what the lane may delete

A crash before (4) loses nothing: the lane still holds the batch. A crash between (4) and (6) makes the lane deliver
again; the read id absorbs it, and (5) runs for duplicates as well, so no alert is lost: its id comes from the read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError, InputRefused
from glassplate.records import BatchOutcome
from glassplate.seal import ReadOpener, verify_batch
from glassplate.store import StoredRead

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.alert import Alerts
    from glassplate.charter import Charter
    from glassplate.keys import KeyRecord, Keyring, TrustedTime
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import PlateRead, SealedRead
    from glassplate.store import Store

DESTROYED = "its epoch's key has been destroyed"
NO_EPOCH = "no key was ever made for its capture time"
NOT_PINNED = "its recognizer is not one that the charter names"
FUTURE = "its capture time lies in the future"
CLOCKS_DIFFER = timedelta(minutes=2)  # a lane's clock may run ahead by less than a heartbeat would notice


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes batches from lanes. Callable from several threads at once."""

    mandate: Mandate
    keyring: Keyring
    store: Store
    alerts: Alerts
    recorder: Recorder
    time: TrustedTime

    def accept(self, data: bytes) -> BatchOutcome:
        """Take one signed batch; everything named ``accepted`` or ``duplicate`` is durable.

        Raises:
            InputRefused, ProofFailed: the batch is malformed or not signed by a listed camera; nothing was taken.
            StorageFailed: nothing was acknowledged; deliver again, what was written already counts as duplicate.
            CharterRejected, ClockRefused: capture has stopped.
        """
        now = self.time.now()
        charter = self.mandate.current(now).verified.charter
        batch = verify_batch(data, {camera.id: camera.public_key for camera in charter.cameras})
        records = {record.epoch.epoch_id: record for record in self.keyring.records()}
        accepted: list[str] = []
        duplicate: list[str] = []
        refused: list[tuple[str, str]] = []
        by_epoch: dict[str, list[SealedRead]] = {}
        for sealed in batch.reads:
            reason = _refusal(sealed, records.get(sealed.epoch_id), self.time.searchable_at())
            if reason:
                refused.append((sealed.read_id, reason))
            else:
                by_epoch.setdefault(sealed.epoch_id, []).append(sealed)
        for epoch_id, sealed_reads in by_epoch.items():
            opened, broken = self._open(epoch_id, sealed_reads, batch.camera_id, charter)
            refused.extend(broken)
            key = self.keyring.secret(epoch_id).segment_key(0)
            is_new = self.store.append(epoch_id, key, opened)
            accepted.extend(s.read.read_id for s, new in zip(opened, is_new, strict=True) if new)
            duplicate.extend(s.read.read_id for s, new in zip(opened, is_new, strict=True) if not new)
            self.alerts.match([(epoch_id, s.read) for s in opened], now)
        if refused:
            self._record_refused(batch.camera_id, refused, now)
        return BatchOutcome(tuple(accepted), tuple(duplicate), tuple(refused))

    def _open(
        self, epoch_id: str, sealed_reads: list[SealedRead], camera_id: str, charter: Charter
    ) -> tuple[list[StoredRead], list[tuple[str, str]]]:
        opener = ReadOpener(self.keyring.secret(epoch_id).read_private_key(), agency_id=charter.agency.id)
        opened: list[StoredRead] = []
        broken: list[tuple[str, str]] = []
        for sealed in sealed_reads:
            try:
                read = opener.open(sealed, camera_id=camera_id)
            except GlassplateError as error:
                broken.append((sealed.read_id, str(error)))
                continue
            if read.recognizer not in charter.recognizers:
                broken.append((sealed.read_id, NOT_PINNED))
                continue
            opened.append(_stored(epoch_id, read, sealed))
        return opened, broken

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


def _hashes(sealed: SealedRead) -> list[bytes]:
    """SHA-256 of read, crop and scene (32 zero bytes where none was kept): the epoch's Merkle root binds all three."""
    return [
        hashlib.sha256(part).digest() if part is not None else bytes(32)
        for part in (sealed.read, sealed.crop, sealed.scene)
    ]


def _stored(epoch_id: str, read: PlateRead, sealed: SealedRead) -> StoredRead:
    if not sealed.crop:
        raise InputRefused("A read came without its plate crop.")
    return StoredRead(
        epoch_id=epoch_id,
        read=read,
        crop_sealed=sealed.crop,
        scene_sealed=sealed.scene,
        sealed_sha256=sha256_hex(b"".join(_hashes(sealed))),
    )
