"""Was a write-ahead log damaged, or only cut short by a crash?

SQLite ends its recovery at the first frame that does not hold, in silence, and so would drop acknowledged reads behind
one flipped bit. A crash spoils frames of the last transaction only (a power cut any of them, since the disk writes in its
own order): one of a later transaction that holds is proof of damage. What cannot be told apart: a flipped bit in the very
last transaction, and one that a crash interrupted before it was acknowledged.

Bytes: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed

if TYPE_CHECKING:
    from pathlib import Path

_HEADER, _FRAME_HEADER, _SUMMED = 32, 24, 8
_LITTLE, _BIG = 0x377F0682, 0x377F0683  # the byte order of the words that are summed
_WORD = 0xFFFFFFFF


def check_wal(database: Path) -> None:
    """Look at the write-ahead log that a crash left beside ``database``, before SQLite does.

    Raises:
        StorageFailed: it is damaged; names it.
        OSError: it cannot be read.
    """
    path = database.with_name(f"{database.name}-wal")
    if path.exists() and _is_damaged(path.read_bytes()):
        raise StorageFailed(
            f"The segment {path} failed: it is damaged, and reads behind the damage would be lost. Restore it from a "
            "copy of the disk; other epochs are still served."
        )


def _is_damaged(data: bytes) -> bool:
    if len(data) < _HEADER + _FRAME_HEADER:
        return False
    magic, _, page_size = struct.unpack_from(">3I", data)
    salts, stored = data[16:24], struct.unpack_from(">2I", data, 24)
    order = {_LITTLE: "<", _BIG: ">"}.get(magic)
    if order is None or _sum(order, data[:24], (0, 0)) != stored:
        return True
    has_gap = is_over = False
    size = _FRAME_HEADER + page_size
    for at in range(_HEADER, len(data) - size + 1, size):
        commits, is_ours = data[at + 4 : at + 8] != b"\0" * 4, data[at + 8 : at + 16] == salts
        summed = data[at : at + _SUMMED] + data[at + _FRAME_HEADER : at + size]
        before, stored = stored, struct.unpack_from(">2I", data, at + 16)
        holds = is_ours and _sum(order, summed, before) == stored
        if holds and is_over:
            return True
        has_gap = has_gap or not holds
        is_over = is_over or (has_gap and is_ours and commits)
    return False


def _sum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    first, second = start
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & _WORD
        second = (second + odd + first) & _WORD
    return first, second
