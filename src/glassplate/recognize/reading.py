"""Read the plates of one photo: decode in the cage, recognize, take the time. Nothing is stored."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.recognizer import PlateCandidate, Recognizer


@dataclass(frozen=True, slots=True)
class PhotoReading:
    """What was read in one photo. No candidates: no legible plate, which is an answer and no error."""

    name: str
    width: int
    height: int
    candidates: tuple[PlateCandidate, ...]
    milliseconds: float


def read_photo(
    data: bytes,
    name: str,
    decoder: Decoder,
    recognizer: Recognizer,
    *,
    seconds: Callable[[], float] = time.perf_counter,
) -> PhotoReading:
    """Read every plate of the encoded image ``data``; ``name`` is what messages call it.

    Raises:
        InputRefused: ``data`` is not an image that can be accepted.
    """
    started = seconds()
    pixels = decoder.decode(data, name)
    candidates = recognizer.read(pixels)
    return PhotoReading(
        name=name,
        width=pixels.shape[1],
        height=pixels.shape[0],
        candidates=tuple(candidates),
        milliseconds=(seconds() - started) * 1000,
    )
