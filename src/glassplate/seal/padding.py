"""Padding against telling lengths: length of the data (4 bytes, big-endian) ‖ data ‖ zeros."""

from __future__ import annotations

from glassplate.errors import InputRefused

_LENGTH_BYTES = 4


def pad(data: bytes, step: int) -> bytes:
    """``data`` padded to the next multiple of ``step`` bytes."""
    framed = len(data).to_bytes(_LENGTH_BYTES, "big") + data
    return framed + bytes(-len(framed) % step)


def unpad(padded: bytes, step: int) -> bytes:
    """Inverse of ``pad``; accepts only what ``pad`` would have written.

    Raises:
        InputRefused: wrong length, or something but zeros in the padding.
    """
    size = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    data = padded[_LENGTH_BYTES : _LENGTH_BYTES + size]
    if pad(data, step) != padded:
        raise InputRefused("Sealed data has a wrong padding.")
    return data
