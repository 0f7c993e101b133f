"""The journal: the log's private, append-only file, where a record is durable before anybody is answered.

    file   = "log-journal/v1" newline, then frames
    frame  = u32 payload length ‖ 4-byte header check ‖ SHA-256(payload) ‖ payload
    payload = u16 leaf length ‖ leaf ‖ u8 number of bodies ‖ bodies in order of key id
    body   = u8 key id length ‖ key id ‖ u32 length ‖ sealed bytes

All integers big-endian. The header check is SHA-256("frame" ‖ u64 index ‖ length ‖ SHA-256(payload))[:4]: it
binds the frame to its index, and tells a damaged length from a frame that runs past the end of the file.

What a crash leaves: bytes that are missing or zero at the end of the file, and nothing else. Only that is cut
off on opening. Anything else is damage to an entry that somebody may have been answered for, and opening
refuses.
"""

from __future__ import annotations

import hashlib
import os
import threading
from array import array
from typing import TYPE_CHECKING, BinaryIO

from glassplate.errors import LogUnavailable, StorageFailed, UsageError
from glassplate.log.journal_record import MAX_PAYLOAD_BYTES, LogRecord, parse_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from glassplate.files import Files

MAGIC = b"log-journal/v1\n"
_HEADER_BYTES = 4 + 4 + 32
_UNWRITTEN = bytes(32)  # a sealed body or a leaf does not end in 32 zero bytes; a block never written does


class Journal:
    """Records by index. One writer at a time (the caller's duty); reads may run beside it."""

    def __init__(self, path: Path, files: Files, offsets: array[int]) -> None:
        self._path = path
        self._files = files
        self._offsets = offsets  # where each frame begins, and one more: where the next one will
        self._broken = False
        self._close_lock = threading.Lock()
        self._descriptor: int | None = os.open(path, os.O_RDONLY)

    @staticmethod
    def create(path: Path, files: Files) -> None:
        """Write an empty journal, durably."""
        files.write_atomic(path, MAGIC, mode=0o600)

    @classmethod
    def open(
        cls, path: Path, files: Files, visit: Callable[[LogRecord], None], *, at_least: int = 0
    ) -> Journal:
        """Check every record, hand each to ``visit`` in order, cut a torn tail off.

        Nothing is cut when fewer than ``at_least`` records (those under a signed checkpoint) are intact.

        Raises:
            StorageFailed: naming file and offset, when a record is damaged or signed ones are missing.
        """
        try:
            offsets = _scan(path, visit)
            if len(offsets) - 1 < at_least:
                raise StorageFailed(
                    f"{path} holds {len(offsets) - 1} intact entries, but a checkpoint was signed "
                    f"for {at_least}: an old backup, or damaged. Sign nothing more; restore the newest copy."
                )
            if path.stat().st_size != offsets[-1]:
                files.truncate(path, offsets[-1])
            # Records of a killed process may be in the page cache only; they count from now on: fsync.
            files.append(path, b"")
            return cls(path, files, offsets)
        except OSError as error:
            raise StorageFailed(f"{path} cannot be opened: {error.strerror or error}.") from None

    @property
    def size(self) -> int:
        """How many records are durable."""
        return len(self._offsets) - 1

    def append(self, payloads: Sequence[bytes]) -> int:
        """Write the packed records with one durable append; returns the first one's index.

        Raises:
            LogUnavailable: when the disk refused. No record of the call counts; if what was written could not
                be taken back, every later append is refused until the journal is opened again.
        """
        first, start = self.size, self._offsets[-1]
        frames = [_frame(first + i, payload) for i, payload in enumerate(payloads)]
        if self._descriptor is None:
            raise LogUnavailable(f"{self._path} is closed.")
        if self._broken:
            raise LogUnavailable(
                f"{self._path} is refused after a write error; open the log again to recover."
            )
        try:
            self._files.append(self._path, b"".join(frames))
        except OSError as error:
            self._take_back(start)
            raise LogUnavailable(f"{self._path} cannot be written: {error.strerror or error}.") from None
        except BaseException:
            self._broken = True  # interrupted: unknown what is on the disk, only opening again can tell
            raise
        for frame in frames:
            self._offsets.append(self._offsets[-1] + len(frame))
        return first

    def read(self, index: int) -> LogRecord:
        """One record, its checksum checked again.

        Raises:
            UsageError: when there is no such record.
            StorageFailed: when it was damaged since.
        """
        if not 0 <= index < self.size:
            raise UsageError(f"The log has {self.size} entries; there is no entry {index}.")
        start, end = self._offsets[index], self._offsets[index + 1]
        with self._close_lock:
            if self._descriptor is None:
                raise LogUnavailable(f"{self._path} is closed.")
            frame = os.pread(self._descriptor, end - start, start)
        payload = frame[_HEADER_BYTES:]
        if len(frame) != end - start or frame != _frame(index, payload):
            raise _damaged(self._path, start, index)
        return parse_record(payload)

    def close(self) -> None:
        """Let go of the file."""
        with self._close_lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _take_back(self, size: int) -> None:
        """After a failed append: nothing of it may stay, whether or not it reached the disk."""
        self._broken = True
        try:
            self._files.truncate(self._path, size)
            self._broken = self._path.stat().st_size != size
        except OSError:
            return  # stays broken


def intact_bytes(path: Path) -> int:
    """How many bytes of a journal are intact records; behind them lies at most what a crash left.

    Raises:
        StorageFailed: naming file and offset, when a record is damaged.
        OSError: it cannot be read.
    """
    return _scan(path, lambda _record: None)[-1]


def _frame(index: int, payload: bytes) -> bytes:
    length, digest = len(payload).to_bytes(4, "big"), hashlib.sha256(payload).digest()
    return length + _header_check(index, length, digest) + digest + payload


def _header_check(index: int, length: bytes, digest: bytes) -> bytes:
    return hashlib.sha256(b"frame" + index.to_bytes(8, "big") + length + digest).digest()[:4]


def _scan(path: Path, visit: Callable[[LogRecord], None]) -> array[int]:
    """Offsets of all intact frames; stops at a torn tail, refuses damage."""
    offsets = array("Q")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise StorageFailed(f"{path} is not a log journal of version 1; restore it from a backup.")
        end = path.stat().st_size
        offsets.append(len(MAGIC))
        while offsets[-1] < end:
            index, start = len(offsets) - 1, offsets[-1]
            header = file.read(_HEADER_BYTES)
            length = int.from_bytes(header[:4], "big")
            if len(header) < _HEADER_BYTES:
                break
            if header[4:8] != _header_check(index, header[:4], header[8:]) or length > MAX_PAYLOAD_BYTES:
                _demand_only_zeros(file, path, start, index)  # nothing of the payload was written
                break
            payload = file.read(length)
            if len(payload) < length:
                break
            if hashlib.sha256(payload).digest() != header[8:]:
                if not payload.endswith(_UNWRITTEN):
                    raise _damaged(path, start, index)
                _demand_only_zeros(file, path, start, index)
                break
            visit(parse_record(payload))
            offsets.append(start + _HEADER_BYTES + length)
    return offsets


def _demand_only_zeros(file: BinaryIO, path: Path, start: int, index: int) -> None:
    """A torn tail has nothing but zeros behind it; otherwise the frame at ``start`` is damaged."""
    if any(any(chunk) for chunk in iter(lambda: file.read(1 << 16), b"")):
        raise _damaged(path, start, index)


def _damaged(path: Path, offset: int, index: int) -> StorageFailed:
    return StorageFailed(
        f"{path} is damaged at byte {offset} (entry {index}). Restore the newest copy of the journal; "
        "never cut entries off by hand: somebody may have been answered for them."
    )
