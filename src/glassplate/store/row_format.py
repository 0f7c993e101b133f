"""One read as a row of a segment, and back. Only ever written into an encrypted file.

``id`` = microseconds since 2020 << 12 | a number within that microsecond: unique in its segment, and ordered
by capture time, so that a time range is a range of row ids and needs no index.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from glassplate.encoding import canonical_json, parse_time, time_text
from glassplate.plate_text import fold, skeleton
from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.store.store import StoredRead

ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)
SEQUENCE_BITS = 12
SAME_INSTANT = 1 << SEQUENCE_BITS
_MICROSECOND = timedelta(microseconds=1)
_LATEST = datetime(
    2090, 1, 1, tzinfo=UTC
)  # 2^51 microseconds after the origin an id would no longer fit 63 bits

SCHEMA = """
create table read (id integer primary key, read_id blob not null, plate text not null, skeleton text not null,
                   camera text not null, sealed_sha256 blob not null, body text not null);
create table image (id integer primary key, crop blob not null, scene blob);
"""
INDEXES = """
create index by_skeleton on read (skeleton, plate);
create index by_camera on read (camera, id);
create unique index by_read_id on read (read_id);
"""
COLUMNS = "read.id, read_id, plate, skeleton, camera, sealed_sha256, body, crop, scene"
Row = tuple[int, bytes, str, str, str, bytes, str, bytes, bytes | None]


def first_id_at(at: datetime) -> int:
    """The lowest row id of a read captured then; times outside the format's years are cut to its ends."""
    return ((min(max(at, ORIGIN), _LATEST) - ORIGIN) // _MICROSECOND) << SEQUENCE_BITS


def captured_order(row_id: int) -> int:
    """Microseconds from the origin to the capture: what rows of several segments are ordered by."""
    return row_id >> SEQUENCE_BITS


def to_row(row_id: int, stored: StoredRead) -> Row:
    """The row of ``stored``. ``plate`` is the search key; the text as read is in ``body``, unchanged."""
    read = stored.read
    body = {
        **{name: value for name, value in asdict(read).items() if name not in ("read_id", "camera_id")},
        "captured_at": time_text(read.captured_at),
    }
    return (
        row_id,
        bytes.fromhex(read.read_id),
        fold(read.text),
        skeleton(read.text),
        read.camera_id,
        bytes.fromhex(stored.sealed_sha256),
        canonical_json(body).decode(),
        stored.crop_sealed,
        stored.scene_sealed,
    )


def from_row(row: Row, epoch_id: str) -> StoredRead:
    """Inverse of ``to_row``."""
    _, read_id, _, _, camera_id, sealed_sha256, body, crop, scene = row
    fields: dict[str, Any] = json.loads(body)
    read = PlateRead(
        read_id=read_id.hex(),
        camera_id=camera_id,
        text=fields["text"],
        character_confidences=tuple(fields["character_confidences"]),
        captured_at=parse_time(fields["captured_at"]),
        recognizer=fields["recognizer"],
        box=tuple(fields["box"]),
        alternatives=tuple(Alternative(**other) for other in fields["alternatives"]),
        region=fields["region"],
        region_confidence=fields["region_confidence"],
        vehicle=Vehicle(**fields["vehicle"]),
    )
    return StoredRead(epoch_id, read, crop, scene, sealed_sha256.hex())
