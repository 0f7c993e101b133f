"""Make the picture of docs/recognition-redaction.md: frames, and what a lane keeps of them.

    python -m tools.redaction_sheet docs/pictures/redaction.jpg

The frames are the demo photos (MIT, their plates are invented), some with a drawn person in them; nobody real is shown.
What is kept comes from the recognizer and the redaction as they are; where only the plate is kept, only the plate is
shown. Look at the result before it is committed.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tests.unit.recognize.invented_person import FACE, invented_person

import glassplate
from glassplate.recognize.engines import engine
from glassplate.recognize.scenes import VehicleScenes

PHOTOS = Path(glassplate.__file__).parent / "demo_photos"
TILE, GAP, LINE = (400, 300), 8, 26
PAIRS_IN_ROW = 2
BACKGROUND, INK = (250, 250, 248), (40, 44, 50)
JPEG_QUALITY = 82


@dataclass(frozen=True)
class Case:
    """A frame. ``people``: scale, x, y and opacity of drawn persons; ``heads``: the same, of heads alone."""

    photo: str
    caption: str
    people: tuple[tuple[float, int, int, float], ...] = ()
    heads: tuple[tuple[float, int, int, float], ...] = ()


CASES = (
    Case("photo-01.jpg", "day"),
    Case(
        "photo-05.jpg",
        "a drawn person beside the vehicle, two in it",
        people=((0.75, 40, 280, 1.0),),
        heads=((1.3, 360, 130, 0.75), (1.3, 560, 130, 0.75)),
    ),
    Case("photo-14.jpg", "dusk, a person in the street", people=((0.42, 470, 340, 1.0),)),
    Case("photo-18.jpg", "night"),
    Case("photo-17.jpg", "night, the vehicle's upper part dark"),
    Case("photo-13.jpg", "no vehicle found: the plate alone is kept"),
)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    recognizer, scenes = engine(), VehicleScenes()
    rows = -(-len(CASES) // PAIRS_IN_ROW)
    pair = 2 * (TILE[0] + GAP)
    sheet = Image.new("RGB", (PAIRS_IN_ROW * (pair + 2 * GAP), rows * (TILE[1] + LINE + GAP)), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, case in enumerate(CASES):
        x = GAP + (number % PAIRS_IN_ROW) * (pair + 2 * GAP)
        y = (number // PAIRS_IN_ROW) * (TILE[1] + LINE + GAP)
        frame = _frame(case)
        pixels = np.asarray(frame)
        plates = [candidate.box for candidate in recognizer.read(pixels)]
        (kept,) = scenes.of(pixels, plates)
        image = kept.scene or kept.crop
        draw.text((x, y + 5), f"Frame: {case.caption}", INK, font)
        draw.text((x + TILE[0] + GAP, y + 5), f"Kept: {kept.vehicle.body}, {kept.vehicle.color}", INK, font)
        _put(sheet, frame, x, y + LINE)
        _put(sheet, Image.open(io.BytesIO(image.jpeg)), x + TILE[0] + GAP, y + LINE)
        print(case.photo, image.what_was_removed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(options.out, "JPEG", quality=JPEG_QUALITY, optimize=True)


def _frame(case: Case) -> Image.Image:
    frame = Image.open(PHOTOS / case.photo).convert("RGB")
    for scale, x, y, opacity in case.heads:
        left, top, right, bottom = (round(one * scale) for one in FACE)
        _paste(frame, invented_person(scale).crop((left, top, right, bottom)), x, y, opacity)
    for scale, x, y, opacity in case.people:
        _paste(frame, invented_person(scale), x, y, opacity)
    return frame


def _paste(frame: Image.Image, image: Image.Image, x: int, y: int, opacity: float) -> None:
    frame.paste(image, (x, y), image.getchannel("A").point(lambda value: round(value * opacity)))


def _put(sheet: Image.Image, image: Image.Image, x: int, y: int) -> None:
    small = image.copy()
    small.thumbnail(TILE)
    sheet.paste(small, (x, y))


if __name__ == "__main__":
    main()
