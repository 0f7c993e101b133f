"""Between the vault and its opening worker: one private key with the envelopes it opens, and what was in them.

    question    private key (32 bytes) · count u32 · count × (bytes of the info u32, of the envelope u32) · all of them
    answer      count × bytes i32 · all of them: a plaintext, or, its length negative, why there is none

Little-endian. Both ends are the same version of this program, so nothing here is a format that lasts.
"""

from __future__ import annotations

import struct
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from glassplate.errors import GlassplateError, error_from_kind
from glassplate.seal.envelope import open_envelope
from glassplate.seal.read_format import MAX_READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

READY = b"opening worker ready\n"
_KEY_BYTES = 32
_HEAD = struct.Struct(f"<{_KEY_BYTES}sI")
_SIZES = struct.Struct("<II")
_SIZE = struct.Struct("<i")


def pack_question(
    private_key: ec.EllipticCurvePrivateKey, infos: Sequence[bytes], envelopes: Sequence[bytes]
) -> bytes:
    """The bytes to send; each envelope has its ``info``."""
    scalar = private_key.private_numbers().private_value.to_bytes(_KEY_BYTES, "big")
    both = list(zip(infos, envelopes, strict=True))
    sizes = (_SIZES.pack(len(info), len(envelope)) for info, envelope in both)
    return b"".join((_HEAD.pack(scalar, len(both)), *sizes, *chain.from_iterable(both)))


def answer_to_next(receive: Callable[[int], bytearray]) -> bytes:
    """Read a question and open what it brings; the key is overwritten where it was received."""
    head = receive(_HEAD.size)
    scalar, count = _HEAD.unpack(head)
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    head[:] = bytes(len(head))
    sizes = list(_SIZES.iter_unpack(receive(_SIZES.size * count)))
    data = bytes(receive(sum(map(sum, sizes))))
    parts: list[bytes] = []
    marks: list[bytes] = []
    at = 0
    for info_bytes, envelope_bytes in sizes:
        sealed_at, end = at + info_bytes, at + info_bytes + envelope_bytes
        try:
            parts.append(open_envelope(data[sealed_at:end], key, data[at:sealed_at]))
            marks.append(_SIZE.pack(len(parts[-1])))
        except GlassplateError as error:
            parts.append(f"{error.kind}\n{error}".encode())
            marks.append(_SIZE.pack(-len(parts[-1])))
        at = end
    return b"".join((*marks, *parts))


def receive_answer(count: int, receive: Callable[[int], bytearray]) -> list[bytes | GlassplateError]:
    """What was in each of ``count`` envelopes, or why it does not open.

    Raises:
        ValueError: no worker of ours answers so.
    """
    sizes = [size for (size,) in _SIZE.iter_unpack(receive(_SIZE.size * count))]
    if max(map(abs, sizes), default=0) > MAX_READ_BYTES:
        raise ValueError("longer than a read")
    data = bytes(receive(sum(map(abs, sizes))))
    ends = list(accumulate(map(abs, sizes)))
    parts = (data[end - abs(size) : end] for size, end in zip(sizes, ends, strict=True))
    return [part if size >= 0 else _error(part) for part, size in zip(parts, sizes, strict=True)]


def _error(part: bytes) -> GlassplateError:
    kind, _, message = part.decode().partition("\n")
    return error_from_kind(kind, message)
