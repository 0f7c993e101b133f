"""The seam of recognition: pixels in, plate candidates out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from glassplate.records import Alternative, FrameBox

Pixels = npt.NDArray[np.uint8]
"""RGB, height × width × 3, as the decoder returns them."""

Corners = tuple[tuple[float, float], ...]
"""The plate's four corners (x, y) in pixels of the picture: from the top left one, clockwise."""

_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
_CORNERS = 4


@dataclass(frozen=True, slots=True)
class PlateCandidate:
    """One plate as read in one picture.

    ``text``: A–Z and 0–9 as read, never corrected. ``character_confidences``: one value in 0–1 for each
    character. ``box``: x, y, width, height in pixels of the picture: the whole plate, or the line of characters
    with a little rim where the recognizer finds no plates (``WholeFrameRecognizer``). ``alternatives``: other
    readings where a character is doubtful, the likeliest first. ``region``: ISO 3166-2 of a US state ("US-CA"),
    ISO 3166-1 of a country ("DE"), or "unknown", with ``region_confidence`` in 0–1. ``corners``: where known.

    Raises:
        ValueError: the fields contradict each other, so the recognizer is wrong.
    """

    text: str = field(repr=False)
    character_confidences: tuple[float, ...]
    box: FrameBox
    alternatives: tuple[Alternative, ...] = ()
    region: str = UNKNOWN
    region_confidence: float = 0.0
    corners: Corners | None = None

    def __post_init__(self) -> None:
        if len(self.text) != len(self.character_confidences):
            raise ValueError(
                "Give one confidence for each character: "
                f"got {len(self.character_confidences)} for {len(self.text)}."
            )
        if self.region != UNKNOWN and not _REGION.fullmatch(self.region):
            raise ValueError(f"A region is a code such as US-CA or DE, or unknown; got {self.region!r}.")
        if not 0 <= self.region_confidence <= 1:
            raise ValueError(f"A region's confidence lies in 0–1; got {self.region_confidence}.")
        if self.corners is not None and not _are_corners(self.corners):
            raise ValueError("A plate has four corners of finite x and y.")

    @property
    def confidence(self) -> float:
        """The least sure character decides."""
        return min(self.character_confidences, default=0.0)


def _are_corners(corners: Corners) -> bool:
    return len(corners) == _CORNERS and all(math.isfinite(x) and math.isfinite(y) for x, y in corners)


class Recognizer(Protocol):
    """Reads plates from pixels.

    Duties: the same pixels give the same candidates; best candidate first; an empty list means that the
    picture was looked at and holds no legible plate. A recognizer that cannot work raises instead of
    returning an empty list. One thread at a time.
    """

    @property
    def version(self) -> str:
        """Names engine, models and their bytes; stored with every read."""

    def read(self, pixels: Pixels) -> list[PlateCandidate]:
        """Every plate in ``pixels``."""
