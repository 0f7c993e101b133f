"""One journal record: a leaf and its sealed bodies, as bytes and back.

A leaf without its bodies would be an accusation that nobody can open, so the two are one record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed, UsageError
from glassplate.log.tiles import MAX_ENTRY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODIES = 16  # auditors and the history key; more recipients is a mistake
MAX_BODY_BYTES = 1 << 20  # bodies have a few kilobytes; a megabyte is never one
MAX_KEY_ID_BYTES = 255  # one length byte
MAX_PAYLOAD_BYTES = 2 + MAX_ENTRY_BYTES + 1 + MAX_BODIES * (1 + MAX_KEY_ID_BYTES + 4 + MAX_BODY_BYTES)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """What is recorded before anybody is answered. ``bodies``: key id -> the body sealed to that key."""

    leaf: bytes = field(repr=False)
    bodies: Mapping[str, bytes] = field(repr=False)


def pack_record(record: LogRecord) -> bytes:
    """The payload of a journal frame.

    Raises:
        UsageError: when the record breaks a limit.
    """
    if not 0 < len(record.leaf) <= MAX_ENTRY_BYTES:
        raise UsageError(f"A log entry has 1 to {MAX_ENTRY_BYTES} bytes, not {len(record.leaf)}.")
    if len(record.bodies) > MAX_BODIES:
        raise UsageError(f"An entry has at most {MAX_BODIES} sealed bodies, not {len(record.bodies)}.")
    parts = [len(record.leaf).to_bytes(2, "big"), record.leaf, bytes([len(record.bodies)])]
    for key_id, body in sorted((_encode(key_id), body) for key_id, body in record.bodies.items()):
        if not 0 < len(key_id) <= MAX_KEY_ID_BYTES or len(body) > MAX_BODY_BYTES:
            raise UsageError(
                f"A key id has 1 to {MAX_KEY_ID_BYTES} bytes and a sealed body at most {MAX_BODY_BYTES}."
            )
        parts += [bytes([len(key_id)]), key_id, len(body).to_bytes(4, "big"), body]
    return b"".join(parts)


def parse_record(payload: bytes) -> LogRecord:
    """Inverse of ``pack_record``.

    Raises:
        StorageFailed: when the payload is not exactly what ``pack_record`` would have written.
    """
    reader = _Reader(payload)
    leaf = reader.take(2)
    bodies: dict[str, bytes] = {}
    try:
        for _ in range(reader.number(1)):
            key_id = reader.take(1).decode()
            bodies[key_id] = reader.take(4)
        record = LogRecord(leaf, bodies)
        if pack_record(record) != payload:
            raise StorageFailed("A journal record is not in its canonical form.")
    except (UnicodeDecodeError, UsageError):
        raise StorageFailed("A journal record breaks the limits of its format.") from None
    return record


def _encode(key_id: str) -> bytes:
    try:
        return key_id.encode()
    except UnicodeEncodeError:
        raise UsageError("A key id is not valid Unicode.") from None


class _Reader:
    """Length-prefixed fields, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self, width: int) -> int:
        return int.from_bytes(self._next(width), "big")

    def take(self, width: int) -> bytes:
        return self._next(self.number(width))

    def _next(self, count: int) -> bytes:
        start, self._position = self._position, self._position + count
        if self._position > len(self._data):
            raise StorageFailed("A journal record ends too early.")
        return self._data[start : self._position]
