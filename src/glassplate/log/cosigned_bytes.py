"""What a witness signs (C2SP tlog-cosignature v1.0.0).

Ed25519 (0x04): ``cosignature/v1`` newline ``time <decimal>`` newline, then the whole note text.
ML-DSA-44 (0x06): ``subtree/v1`` newline NUL ‖ u8 length ‖ cosigner's name ‖ u64 time ‖ u8 length ‖ origin ‖
u64 start (0) ‖ u64 end (the size) ‖ root. It covers the cosigner's name and no extension line.
"""

from __future__ import annotations

from glassplate.errors import ProofFailed
from glassplate.log.text_fields import parse_decimal, parse_hash

TIME_BYTES = 8
_SUBTREE_LABEL = b"subtree/v1\n\0"
_CHECKPOINT_LINES = 3
_LONGEST_NAME = 255  # its length is written into one byte


def ed25519_message(text: str, time: int) -> bytes:
    """The bytes that an Ed25519 cosigner signs at ``time`` (POSIX seconds)."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def mldsa44_message(name: str, text: str, time: int) -> bytes:
    """The bytes that the ML-DSA-44 cosigner ``name`` signs at ``time`` (POSIX seconds).

    Raises:
        ProofFailed: ``text`` is no checkpoint, or a name is too long.
    """
    lines = text.split("\n")
    if len(lines) <= _CHECKPOINT_LINES:
        raise ProofFailed("Only a checkpoint can be cosigned; this text is none.")
    origin, size, root = lines[0], parse_decimal(lines[1], "checkpoint's size"), parse_hash(lines[2], "root")
    parts = [_SUBTREE_LABEL, _short(name), time.to_bytes(8, "big"), _short(origin)]
    return b"".join([*parts, bytes(8), size.to_bytes(8, "big"), root])


def _short(name: str) -> bytes:
    data = name.encode()
    if len(data) > _LONGEST_NAME:
        raise ProofFailed(f"A name of more than {_LONGEST_NAME} bytes cannot be cosigned.")
    return bytes([len(data)]) + data
