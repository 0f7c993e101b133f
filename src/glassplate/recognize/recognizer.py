"""The seam of recognition: pixels in, plate candidates out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from glassplate.records import Alternative, FrameBox

Pixels = npt.NDArray[np.uint8]
"""RGB, height × width × 3, as the decoder returns them."""


@dataclass(frozen=True, slots=True)
class PlateCandidate:
    """One plate as read in one picture.

    ``text``: A–Z and 0–9 as read, never corrected. ``character_confidences``: one value in 0–1 for each
    character. ``box``: the line of characters with a little rim; the plate is larger. ``alternatives``:
    other readings where a character is doubtful, the likeliest first.
    """

    text: str = field(repr=False)
    character_confidences: tuple[float, ...]
    box: FrameBox
    alternatives: tuple[Alternative, ...] = ()

    def __post_init__(self) -> None:
        if len(self.text) != len(self.character_confidences):
            raise ValueError(
                "Give one confidence for each character: "
                f"got {len(self.character_confidences)} for {len(self.text)}."
            )

    @property
    def confidence(self) -> float:
        """The least sure character decides."""
        return min(self.character_confidences, default=0.0)


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
