"""Invented plates of several looks on the back of a car, drawn here: the same pictures on every machine.

The typeface is the one inside Pillow, so no font of the machine is needed; it is stretched, thickened and spaced into
other faces. Letters O, I and Q are left out, as in many real series: this typeface cannot tell them from 0 and 1.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels

SEED = 20_261_125
LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
STREETS = ((96, 98, 101), (70, 74, 70), (140, 138, 134), (48, 50, 58))
CARS = ((58, 66, 82), (150, 40, 36), (188, 190, 192), (24, 26, 28), (36, 84, 60))
SIZE = (720, 480)


@dataclass(frozen=True)
class Look:
    """How a plate looks. ``size``: width and height as drawn, before it is scaled down."""

    name: str
    size: tuple[int, int]
    series: str  # L letter, N digit, space a gap
    top: tuple[int, int, int]
    bottom: tuple[int, int, int]
    ink: tuple[int, int, int]
    letters: float = 0.5  # of the plate's height
    title: str = ""
    slogan: str = ""
    band: str = ""  # where a blue band runs: left, top


LOOKS = (
    Look(
        "white state",
        (400, 200),
        "NLLLNNN",
        (240, 240, 236),
        (240, 240, 236),
        (22, 34, 90),
        title="NORTH RIVER",
    ),
    Look(
        "sunrise state",
        (400, 200),
        "LLL NNNN",
        (255, 214, 150),
        (250, 250, 250),
        (120, 20, 30),
        title="EASTLAND",
        slogan="THE QUIET STATE",
    ),
    Look(
        "blue sky state",
        (400, 200),
        "LLLNNN",
        (150, 200, 240),
        (250, 250, 250),
        (16, 22, 40),
        slogan="LAND OF LAKES",
    ),
    Look(
        "dark state", (400, 200), "NNN LLL", (24, 46, 96), (24, 46, 96), (236, 232, 210), title="OLD HARBOR"
    ),
    Look(
        "blue band at the left",
        (520, 112),
        "LL NNN LL",
        (244, 244, 240),
        (244, 244, 240),
        (14, 14, 16),
        0.64,
        band="left",
    ),
    Look("yellow", (520, 112), "LLNN LLL", (246, 204, 40), (246, 204, 40), (14, 14, 16), 0.64),
    Look(
        "blue band on top",
        (400, 130),
        "LLLNLNN",
        (242, 242, 242),
        (242, 242, 242),
        (14, 14, 18),
        0.54,
        band="top",
    ),
    Look(
        "gray",
        (400, 130),
        "LLL NNNN",
        (176, 178, 180),
        (176, 178, 180),
        (20, 20, 22),
        0.54,
        title="PORTO NOVO",
    ),
)


@dataclass(frozen=True)
class RenderedPhoto:
    """A picture and the one plate on it."""

    look: str
    text: str
    pixels: Pixels


def photos(count: int) -> list[RenderedPhoto]:
    """The first ``count`` photos, the looks in turn."""
    randomness = random.Random(SEED)
    return [_photo(LOOKS[number % len(LOOKS)], randomness) for number in range(count)]


def _photo(look: Look, randomness: random.Random) -> RenderedPhoto:
    shown = "".join(
        {"L": randomness.choice(LETTERS), "N": randomness.choice(DIGITS)}.get(c, c) for c in look.series
    )
    street = Image.new("RGB", SIZE, randomness.choice(STREETS))
    draw = ImageDraw.Draw(street)
    draw.rounded_rectangle((140, 40, 580, 430), radius=44, fill=randomness.choice(CARS))
    draw.rectangle((190, 70, 530, 170), fill=(30, 36, 44))
    width = randomness.randint(130, 240) if look.size[1] < look.size[0] / 3 else randomness.randint(110, 190)
    _mount(street, _plate(look, shown, randomness), width, randomness)
    return RenderedPhoto(look.name, shown.replace(" ", ""), _damaged(street, randomness))


def _plate(look: Look, shown: str, randomness: random.Random) -> Image.Image:
    width, height = look.size
    plate = Image.composite(
        Image.new("RGB", look.size, look.bottom),
        Image.new("RGB", look.size, look.top),
        Image.linear_gradient("L").resize(look.size),
    )
    draw = ImageDraw.Draw(plate)
    left, top = 0, 0
    if look.band == "left":
        left = width // 11
        draw.rectangle((0, 0, left, height), fill=(20, 50, 150))
    elif look.band == "top":
        top = height // 4
        draw.rectangle((0, 0, width, top), fill=(20, 50, 150))
    small = ImageFont.load_default(height * 0.13)
    draw.text((width / 2, height * 0.05), look.title, font=small, fill=look.ink, anchor="ma")
    draw.text((width / 2, height * 0.96), look.slogan, font=small, fill=look.ink, anchor="md")
    characters = _characters(look, shown, (width - left) * 0.9, height * look.letters, randomness)
    x = left + (width - left - characters.width) // 2
    y = top + (height - top - characters.height) // 2 + (height // 24 if look.title else 0)
    plate.paste(Image.new("RGB", characters.size, look.ink), (x, y), characters)
    draw.rectangle((0, 0, width - 1, height - 1), outline=look.ink, width=3)
    return plate


def _characters(
    look: Look, shown: str, most_width: float, height: float, randomness: random.Random
) -> Image.Image:
    """The series as a mask, its letters thick and narrow as plates have them."""
    font = ImageFont.load_default(height * 1.4)
    spaced = (" " * randomness.randint(0, 1)).join(shown.replace(" ", "  "))
    box = font.getbbox(spaced, stroke_width=2)
    mask = Image.new("L", (round(box[2] - box[0]), round(box[3] - box[1])))
    ImageDraw.Draw(mask).text((-box[0], -box[1]), spaced, font=font, fill=255, stroke_width=2)
    width = min(most_width, mask.width * randomness.uniform(0.75, 1.0))
    return mask.resize((round(width), round(height)), Image.Resampling.LANCZOS)


def _mount(street: Image.Image, plate: Image.Image, width: int, randomness: random.Random) -> None:
    """Scale, turn a little and shear the plate onto the car."""
    height = round(width * plate.height / plate.width)
    room = (round(width * 1.3), round(height * 1.6))
    turn, shear = randomness.uniform(-0.06, 0.06), randomness.uniform(-0.12, 0.12)
    scale = plate.width / width
    middle = (room[0] / 2, room[1] / 2)
    # from a pixel of the room to one of the plate
    matrix = (
        *(scale, scale * shear, plate.width / 2 - scale * (middle[0] + shear * middle[1])),
        *(scale * turn, scale, plate.height / 2 - scale * (turn * middle[0] + middle[1])),
    )
    soft = plate.filter(ImageFilter.GaussianBlur(scale / 3))
    turned = soft.transform(room, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    mask = Image.new("L", plate.size, 255).transform(room, Image.Transform.AFFINE, matrix)
    x = randomness.randint(160, 560 - room[0])
    street.paste(turned, (x, randomness.randint(250, 420 - room[1])), mask)


def _damaged(street: Image.Image, randomness: random.Random) -> Pixels:
    """A little out of focus, too dark or bright, noisy, and through JPEG."""
    soft = street.filter(ImageFilter.GaussianBlur(randomness.uniform(0.2, 0.9)))
    light = np.asarray(soft, dtype=np.float32) * randomness.uniform(0.55, 1.1) + randomness.uniform(-8, 12)
    noise = np.random.default_rng(randomness.randrange(1 << 32)).normal(
        0, randomness.uniform(0, 7), light.shape
    )
    encoded = io.BytesIO()
    picture = Image.fromarray((light + noise).clip(0, 255).astype(np.uint8))
    picture.save(encoded, "JPEG", quality=randomness.randint(55, 92))
    return np.asarray(Image.open(encoded))


def state_plate(name: str, slogan: str, serial: str) -> Pixels:
    """A flat plate of 240 × 120 pixels that fills its picture: words above and below an invented serial."""
    look = Look("state", (480, 240), "", (244, 244, 240), (244, 244, 240), (22, 34, 90), 0.46, name, slogan)
    plate = _plate(look, serial, random.Random(SEED))
    return np.asarray(plate.resize((240, 120), Image.Resampling.LANCZOS))
