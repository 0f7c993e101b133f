"""The bytes between a video camera and its caged worker. Imported by both, so it imports nothing heavy.

The parent sends one ``OPEN`` (followed by the address of a stream, for streams), then ``NEXT`` for each frame it can take.
The worker answers each of them with one ``ANSWER``; after ``PIXELS`` follow exactly width × height × 3 bytes of RGB. The
worker sends numbers only: a worker that a video took over has no text that could reach a screen or a log.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

OPEN = struct.Struct(">BIdI")
"""Kind, descriptor of the file or of the connected camera, frames wanted a second, length of the address."""

NEXT = b"N"
FILE, STREAM = 1, 2

_ANSWER = struct.Struct(">BBIIqIII")
SIZE_OF_ANSWER = _ANSWER.size
READY_BYTES = b"glassplate video 1\n"

OPENED = 1  # width and height as announced; microseconds: duration, 0 where unknown
PIXELS = 2  # microseconds since the start of the file, or before now for a stream
NOTHING_YET = 3
ENDED = 4  # microseconds: where the last frame lay

NOT_A_VIDEO = 10
WITHOUT_PICTURES = 11
TOO_LARGE = 12  # width and height say how large
TOO_FAST = 13
TOO_LONG = 14
UNAUTHORIZED = 20
NOT_THERE = 21
NO_ANSWER = 22

MAX_FRAMES_A_SECOND = 240  # slow-motion phones end here; street cameras at 60
MAX_SECONDS = 12 * 3600
CHANNELS = 3


class Answer(NamedTuple):
    """One answer of the worker. ``turns``: quarter turns counterclockwise that make the pixels upright.

    ``decoded``, ``dropped``, ``damaged``: frames so far that were decoded, thrown away because nobody took them in
    time, and parts that could not be decoded.
    """

    status: int
    turns: int = 0
    width: int = 0
    height: int = 0
    microseconds: int = 0
    decoded: int = 0
    dropped: int = 0
    damaged: int = 0

    def packed(self) -> bytes:
        """The answer's bytes."""
        return _ANSWER.pack(*self)

    @classmethod
    def parse(cls, data: bytes | bytearray) -> Answer:
        """The answer of these ``SIZE_OF_ANSWER`` bytes."""
        return cls(*_ANSWER.unpack(data))
