"""What cameras deliver: which reads did not arrive, and no more than a camera's share of the disk.

* A lane's outbox numbers its reads without a gap (``docs/formats/seal.md``, Batch). A number that never came is a read that
  was removed from the outbox or on the way. It is counted, shown and recorded; nothing is refused for it.
* A camera that delivers more than its share, with a stolen key perhaps, is held back: its lane keeps the reads and tries
  again. A share is a bucket that holds an hour of it and fills all the time, so a lane may catch up after an outage.

Kept in memory, and in ``vault/deliveries.json`` when something is missing and at the end. After a crash the file is older
than the reads, so the first batch of each outbox is then believed: no false alarm, and no word on what a crash hid.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import GlassplateError, Refused
from glassplate.seal import NO_OUTBOX

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys import Clock
    from glassplate.seal import Batch

LEAST_READ_BYTES = 20_000  # what a read counts at least: small ones fill memory and tables, not the disk
MAX_OUTBOXES = 8  # remembered of one camera; a lane makes a new one when it is set up again
MAX_MISSING = 1_000_000  # counted at once: a camera with a stolen key can name any number
MAX_FILE_BYTES = 4 << 20
HOUR = timedelta(hours=1)
MEGABYTE = 1_000_000


@dataclass(slots=True)
class _Camera:
    """``last_numbers``: outbox -> number of the last read that came, the newest outbox last. ``room``: bytes left."""

    room: float
    filled_at: float
    last_numbers: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    held_back_at: datetime | None = None
    recorded_at: datetime | None = None


class Deliveries:
    """Callable from several threads at once."""

    def __init__(self, clock: Clock, files: Files, path: Path, megabytes_per_hour: int) -> None:
        self._clock = clock
        self._files = files
        self._path = path
        self._share = megabytes_per_hour * MEGABYTE
        self._lock = threading.Lock()
        self.noting = threading.Lock()
        """Held from ``missing_before`` to ``note``: a batch that arrives twice at once is counted once."""
        self._cameras: dict[str, _Camera] = {}
        self._is_complete = self._read()
        self._write(is_complete=False)

    def take_room(self, batch: Batch, size: int, now: datetime) -> None:
        """Count a batch of ``size`` bytes against its camera's share.

        Raises:
            Refused: the share is used up; deliver again later.
        """
        with self._lock:
            camera = self._camera(batch.camera_id)
            at = self._clock.boot_seconds()
            camera.room += (at - camera.filled_at) / HOUR.total_seconds() * self._share
            camera.room, camera.filled_at = min(camera.room, float(self._share)), at
            if camera.room <= 0:
                camera.held_back_at = now
                raise Refused(
                    f"The camera {batch.camera_id} delivers more than {self._share // MEGABYTE} MB an hour. Its reads "
                    "wait in the lane; if that many vehicles do pass, raise camera_megabytes_per_hour.",
                    ("camera-share",),
                )
            camera.room -= max(size, LEAST_READ_BYTES * len(batch.reads))

    def is_news(self, camera_id: str, now: datetime) -> bool:
        """Whether to record that the camera is held back: once an hour."""
        with self._lock:
            camera = self._camera(camera_id)
            if camera.recorded_at is not None and now - camera.recorded_at < HOUR:
                return False
            camera.recorded_at = now
            return True

    def missing_before(self, batch: Batch) -> int:
        """How many reads should have come before this batch and did not; 0 for one that is delivered again."""
        with self._lock:
            last = self._camera(batch.camera_id).last_numbers.get(batch.outbox)
        if batch.outbox == NO_OUTBOX or (last is None and not self._is_complete):
            return 0
        return min(MAX_MISSING, max(0, batch.first - (last or 0) - 1))

    def note(self, batch: Batch, missing: int) -> None:
        """The batch is durable, and what is missing before it is recorded."""
        with self._lock:
            camera = self._camera(batch.camera_id)
            last = max(camera.last_numbers.pop(batch.outbox, 0), batch.first + len(batch.reads) - 1)
            camera.last_numbers[batch.outbox] = last
            while len(camera.last_numbers) > MAX_OUTBOXES:
                del camera.last_numbers[next(iter(camera.last_numbers))]
            camera.missing += missing
            if missing:
                self._write(is_complete=False)

    def missing(self, camera_id: str) -> int:
        """How many of the camera's reads never came."""
        with self._lock:
            return self._camera(camera_id).missing

    def held_back_since(self, camera_id: str, now: datetime) -> datetime | None:
        """When the camera was last held back, if that was within the hour."""
        with self._lock:
            at = self._camera(camera_id).held_back_at
        return at if at is not None and now - at < HOUR else None

    def close(self) -> None:
        """Keep everything; from the next start on, nothing is missing from memory."""
        with self._lock:
            self._write(is_complete=True)

    # --- what outlives the process -------------------------------------------------------------------------------

    def _camera(self, camera_id: str) -> _Camera:
        if camera_id not in self._cameras:
            self._cameras[camera_id] = _Camera(float(self._share), self._clock.boot_seconds())
        return self._cameras[camera_id]

    def _write(self, *, is_complete: bool) -> None:
        cameras = {
            camera_id: {"outboxes": list(camera.last_numbers.items()), "missing": camera.missing}
            for camera_id, camera in self._cameras.items()
            if camera.last_numbers or camera.missing
        }
        content = canonical_json({"v": 1, "is_complete": is_complete, "cameras": cameras})
        with contextlib.suppress(OSError):  # a full disk shows elsewhere, and the record has every number
            self._files.write_atomic(self._path, content, mode=0o600)

    def _read(self) -> bool:
        """Whether the file knows of every read that came; a damaged one is forgotten."""
        if not self._path.exists():
            return True  # a new city; where somebody removed the file, what came before it shows as missing
        try:
            plain: dict[str, Any] = parse_json(self._path.read_bytes(), limit=MAX_FILE_BYTES)
            is_complete = plain["is_complete"] is True
            for camera_id, one in plain["cameras"].items():
                camera = self._camera(camera_id)
                camera.missing = int(one["missing"])
                if is_complete:
                    camera.last_numbers = {str(outbox): int(last) for outbox, last in one["outboxes"]}
        except (GlassplateError, OSError, KeyError, TypeError, ValueError, AttributeError):
            self._cameras.clear()
            return False
        return is_complete
