"""The photo with what was read drawn on it, for the person who asked for it.

It shows everything, so it is no evidence: nothing of a city stores it, and ``seal`` would refuse it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.recognizer import Pixels, PlateCandidate

JPEG_QUALITY = 90
_FRAME, _LABEL, _INK = (255, 190, 0), (20, 24, 32), (255, 255, 255)
_SMALLEST_LETTERS = 14
_LETTERS_OF_HEIGHT = 40  # one fortieth of the picture's height


def mark(pixels: Pixels, candidates: Sequence[PlateCandidate]) -> bytes:
    """A JPEG without metadata: each plate framed, its text, least confidence and region beside it."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    letters = max(_SMALLEST_LETTERS, image.height // _LETTERS_OF_HEIGHT)
    font = ImageFont.load_default(letters)
    for candidate in candidates:
        x, y, width, height = candidate.box
        outline = candidate.corners or ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
        draw.polygon(outline, outline=_FRAME, width=max(2, letters // 8))
        label = f"{candidate.text} {candidate.confidence:.2f} {candidate.region}"
        at = (x, y - 1.5 * letters if y >= 2 * letters else y + height + letters // 4)
        draw.rectangle(draw.textbbox(at, label, font=font, anchor="la"), fill=_LABEL, outline=_LABEL, width=4)
        draw.text(at, label, font=font, fill=_INK, anchor="la")
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=JPEG_QUALITY)
    return encoded.getvalue()
