"""Writing a sealed segment: rows as they are, and three indexes that are arrays in rows.

    read        id -> data, ids as in ``segment_ids``                    what a search answers with
    plate       code -> its ids, ascending                               who was where: one look for one plate
    chunk       number -> up to 256 entries of one camera, ascending:    a camera's window, a vehicle
                id, body, first color, second color
    known       bucket -> entries tag, id: 16 bits of a read id's hash   was this read taken already?
    word, long_plate                                                     as in the hot file
    meta        ``base`` and ``sequence_bits`` (``segment_ids``), ``width`` (bytes of an id), ``count``, ``last``,
                ``plates`` (the distinct codes), ``chunks`` (camera, first and last id of each chunk),
                ``root`` (as the log has it)

An entry of an index is 5 to 8 bytes instead of the 20 of a row in a B-tree, and numpy reads a thousand at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from glassplate.distinct import distinct
from glassplate.store.cipher_file import OWNER_ONLY, open_for_sealing
from glassplate.store.merkle import merkle_root
from glassplate.store.read_row import DIGEST
from glassplate.store.segment_ids import SMALL_ID, SegmentIds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from glassplate.store.cipher_file import Connection
    from glassplate.store.columns import Columns

CHUNK = 256
BUCKET = 256
CHUNKS = np.dtype([("camera", "<u2"), ("first", "<u8"), ("last", "<u8")])
LOOK_BYTES = 3
TAG_BYTES = 2
_SCHEMA = (
    "create table meta (name text primary key, value blob not null)",
    "create table word (kind integer not null, number integer not null, text text not null)",
    "create table long_plate (code integer primary key, text text not null)",
    "create table read (id integer primary key, data blob not null)",
    "create table plate (code integer primary key, ids blob not null)",
    "create table chunk (number integer primary key, entries blob not null)",
    "create table known (bucket integer primary key, entries blob not null)",
)
DIGESTS = f"select substr(data, {DIGEST.start + 1}, {DIGEST.stop - DIGEST.start}) from main.read"  # noqa: S608
_HASH = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_MASK = (1 << 64) - 1


def write_segment(temporary: Path, key: bytes, hot: Path, columns: Columns) -> None:
    """Write the complete segment of a hot file to ``temporary`` and fsync it.

    The rows go from file to file inside SQLite, so other threads go on meanwhile.
    """
    connection = open_for_sealing(temporary, key)
    try:
        connection.execute("attach database ? as hot key ?", (str(hot), f"x'{key.hex()}'"))
        order = np.argsort(columns["ids"])
        ids = columns["ids"][order]
        scale = SegmentIds.of(ids)
        connection.execute("begin")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"insert into read select {SMALL_ID}, data from hot.read order by id", scale)  # noqa: S608
        connection.execute("insert into word select kind, number, text from hot.word")
        connection.execute("insert into long_plate select code, text from hot.long_plate")
        _write_indexes(connection, scale, scale.small(ids), columns, order)
        connection.execute("commit")
    finally:
        connection.close()
    temporary.chmod(OWNER_ONLY)
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bucket_and_tag(read_id: bytes, buckets: int) -> tuple[int, int]:
    """Where a read id is noted."""
    mixed = (
        int.from_bytes(read_id[8:], "little") * _HASH[0] ^ int.from_bytes(read_id[:8], "little") * _HASH[1]
    )
    mixed &= _MASK
    return (mixed >> 32) % buckets, mixed >> 16 & 0xFFFF


def buckets_of(count: int) -> int:
    """How many buckets note ``count`` reads."""
    return max(1, count // BUCKET)


def _write_indexes(
    connection: Connection,
    scale: SegmentIds,
    ids: NDArray[np.uint64],
    columns: Columns,
    order: NDArray[np.intp],
) -> None:
    width = max(1, -(-int(ids[-1]).bit_length() // 8))
    packed = ids.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    codes = columns["codes"][order]
    plates = distinct([codes])
    connection.executemany("insert into plate values (?,?)", _grouped(codes, packed))
    chunks = _write_chunks(connection, ids, packed, columns, order)
    _write_known(connection, packed, columns, order)
    meta: dict[str, Any] = {
        **scale._asdict(),
        "width": width,
        "count": len(ids),
        "last": int(ids[-1]),
        "plates": plates.astype("<u8").tobytes(),
        "chunks": chunks.tobytes(),
        "root": merkle_root(row[0] for row in connection.execute(DIGESTS)),
    }
    connection.executemany("insert into meta values (?,?)", meta.items())


def _write_chunks(
    connection: Connection,
    ids: NDArray[np.uint64],
    packed: NDArray[np.uint8],
    columns: Columns,
    order: NDArray[np.intp],
) -> NDArray[Any]:
    cameras = columns["camera"][order]
    looks = np.stack([columns[name][order] for name in ("body", "color", "second")], axis=1)
    by_camera = np.argsort(cameras, kind="stable")
    entries = np.hstack([packed, looks])[by_camera]
    sorted_cameras, sorted_ids = cameras[by_camera], ids[by_camera]
    starts: list[int] = []
    for start, end in runs_of(sorted_cameras):
        starts.extend(range(start, end, CHUNK))
    ends = [*starts[1:], len(ids)]
    chunks = np.zeros(len(starts), dtype=CHUNKS)
    chunks["camera"] = sorted_cameras[starts]
    chunks["first"] = sorted_ids[starts]
    chunks["last"] = sorted_ids[np.array(ends) - 1]
    rows = ((n, entries[a:b].tobytes()) for n, (a, b) in enumerate(zip(starts, ends, strict=True)))
    connection.executemany("insert into chunk values (?,?)", rows)
    return chunks


def _write_known(
    connection: Connection, packed: NDArray[np.uint8], columns: Columns, order: NDArray[np.intp]
) -> None:
    high, low = columns["read_high"][order], columns["read_low"][order]
    mixed = low * np.uint64(_HASH[0]) ^ high * np.uint64(_HASH[1])
    buckets = (mixed >> np.uint64(32)) % np.uint64(buckets_of(len(order)))
    tags = (mixed >> np.uint64(16)).astype("<u2").view(np.uint8).reshape(-1, TAG_BYTES)
    connection.executemany("insert into known values (?,?)", _grouped(buckets, np.hstack([tags, packed])))


def _grouped(keys: NDArray[np.uint64], entries: NDArray[np.uint8]) -> Iterator[tuple[int, bytes]]:
    """For each distinct key, ascending: its entries, in their order."""
    order = np.argsort(keys, kind="stable")
    sorted_keys, data = keys[order], entries[order].tobytes()
    size = entries.shape[1]
    runs = runs_of(sorted_keys)
    for (start, end), key in zip(runs, sorted_keys[[start for start, _ in runs]].tolist(), strict=True):
        yield key, data[start * size : end * size]


def runs_of(values: NDArray[Any]) -> list[tuple[int, int]]:
    """Start and end of each run of equal values."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = [0, *edges.tolist()]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))
