"""Read the plates of one photo: decode in the cage, recognize, describe vehicles, take the time. Nothing is stored."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.recognizer import PlateCandidate, Recognizer
    from glassplate.recognize.scenes import Scenes
    from glassplate.records import Vehicle


@dataclass(frozen=True, slots=True)
class PhotoReading:
    """What was read in one photo. No candidates: no legible plate, which is an answer and no error.

    ``vehicles``: one for each candidate where they were asked for, else none.
    """

    name: str
    width: int
    height: int
    candidates: tuple[PlateCandidate, ...]
    milliseconds: float
    vehicles: tuple[Vehicle, ...] = ()


def read_photo(
    data: bytes,
    name: str,
    decoder: Decoder,
    recognizer: Recognizer,
    *,
    scenes: Scenes | None = None,
    seconds: Callable[[], float] = time.perf_counter,
) -> PhotoReading:
    """Read every plate of the encoded image ``data``; ``name`` is what messages call it.

    With ``scenes``, the vehicles that carry the plates are described; what else it makes is dropped.

    Raises:
        InputRefused: ``data`` is not an image that can be accepted.
    """
    started = seconds()
    pixels = decoder.decode(data, name)
    candidates = recognizer.read(pixels)
    kept = scenes.of(pixels, [candidate.box for candidate in candidates]) if scenes else []
    return PhotoReading(
        name=name,
        width=pixels.shape[1],
        height=pixels.shape[0],
        candidates=tuple(candidates),
        milliseconds=(seconds() - started) * 1000,
        vehicles=tuple(one.vehicle for one in kept),
    )
