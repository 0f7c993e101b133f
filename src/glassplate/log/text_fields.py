"""Values as the C2SP texts write them: standard base64 and decimals, each with exactly one accepted spelling.

Two spellings of one value would let a stranger make a second, different file that verifies as well; so
whatever the writer would not have written is refused (Go's note package is laxer on purpose, we are not).
"""

from __future__ import annotations

import base64
import binascii
import re

from glassplate.errors import ProofFailed

HASH_BYTES = 32  # SHA-256
MAX_DECIMAL = 2**63 - 1  # sizes, indices and times fit a signed 64-bit integer in every implementation
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def to_base64(data: bytes) -> str:
    """RFC 4648 §4, with padding."""
    return base64.b64encode(data).decode()


def from_base64(text: str, what: str) -> bytes:
    """Inverse of ``to_base64``; ``what`` names the value in the message.

    Raises:
        ProofFailed: when ``text`` is not exactly what ``to_base64`` would have written.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofFailed(f"The {what} is not base64.") from None
    if to_base64(data) != text:
        raise ProofFailed(f"The {what} is not in the one canonical form of base64.")
    return data


def split_head(data: bytes, limit: int, what: str) -> tuple[list[str], bytes]:
    """Lines before the first empty line, and the signed note behind it, of at most ``limit`` bytes together.

    Raises:
        ProofFailed: when there is no such line, too much, or a line that is not ASCII; ``what`` names it.
    """
    head, separator, note = data.partition(b"\n\n")
    if len(data) > limit or not separator:
        raise ProofFailed(f"The {what} is malformed: too long, or without a checkpoint after an empty line.")
    try:
        return head.decode("ascii").split("\n"), note
    except UnicodeDecodeError:
        raise ProofFailed(f"The {what} is malformed: its first part is not ASCII.") from None


def parse_hash(text: str, what: str) -> bytes:
    """A base64 SHA-256 value.

    Raises:
        ProofFailed: when it is malformed or does not have 32 bytes.
    """
    data = from_base64(text, what)
    if len(data) != HASH_BYTES:
        raise ProofFailed(f"The {what} has {len(data)} bytes, expected {HASH_BYTES}.")
    return data


def parse_decimal(text: str, what: str) -> int:
    """ASCII digits without sign, spaces, underscores or leading zeros, below 2⁶³.

    Raises:
        ProofFailed: for anything else.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_DECIMAL:
        raise ProofFailed(f"The {what} is not a plain decimal number below 2^63.")
    return int(text)
