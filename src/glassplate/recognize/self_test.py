"""Does a recognizer work here? It is shown a picture that is drawn on the spot, and has to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glassplate.errors import GlassplateError

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels, Recognizer

PLATE = "7KDR214"
_PICTURE = (960, 540)
_STREET, _CAR, _RIM, _PAPER, _INK = (98, 100, 103), (58, 66, 82), (30, 30, 32), (236, 236, 230), (24, 32, 70)
_CAR_AREA, _PLATE_AREA = (240, 60, 720, 470), (370, 300, 610, 420)
_NAME_HEIGHT, _LETTER_HEIGHT = 22, 50


def demand_that_it_reads(recognizer: Recognizer) -> None:
    """Show it one plain plate.

    Raises:
        GlassplateError: it read something else, or failed.
    """
    read = [candidate.text for candidate in recognizer.read(picture())]
    if PLATE not in read:
        raise GlassplateError(
            f"The recognizer did not read {PLATE} in a plain picture of it, but {', '.join(read) or 'nothing'}. "
            "Install glassplate and its dependencies again, in the versions of requirements/run.txt."
        )


def picture() -> Pixels:
    """A dark car's back with a light plate, in Pillow's own typeface: no file, no font of this machine."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", _PICTURE, _STREET)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle(_CAR_AREA, radius=40, fill=_CAR)
    draw.rounded_rectangle(_PLATE_AREA, radius=8, fill=_PAPER, outline=_RIM, width=3)
    left, top, right, bottom = _PLATE_AREA
    middle = (left + right) / 2
    name, letters = ImageFont.load_default(_NAME_HEIGHT), ImageFont.load_default(_LETTER_HEIGHT)
    draw.text((middle, top + 6), "TEST", font=name, fill=_INK, anchor="ma")
    draw.text((middle, (top + bottom) / 2 + 10), PLATE, font=letters, fill=_INK, anchor="mm", stroke_width=1)
    return np.asarray(image)
