"""The bytes between the decoder and its caged worker. Imported by both, so it imports nothing heavy.

Request: length of the image (4 bytes, big endian), then the image.
Answer: status (1 byte), width, height (4 bytes each, big endian), then exactly width × height × 3 bytes of
RGB when the status is ``PIXELS`` and nothing otherwise. The worker sends numbers only: a worker that was
taken over by an image has no text that could reach a screen or a log.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct(">I")
ANSWER = struct.Struct(">BII")

READY = 0
PIXELS = 1
NOT_AN_IMAGE = 2
TOO_LARGE = 3
DAMAGED = 4

MAX_IMAGE_BYTES = 20_000_000  # a 25-megapixel JPEG at quality 95 has about 15 MB
MAX_PIXELS = 25_000_000  # today's street cameras end at 12, phones commonly at 12 or 24
MAX_SIDE = 8_192
CHANNELS = 3


def is_too_large(width: int, height: int) -> bool:
    """Whether a picture of this size is refused before it is decoded."""
    return width * height > MAX_PIXELS or max(width, height) > MAX_SIDE
