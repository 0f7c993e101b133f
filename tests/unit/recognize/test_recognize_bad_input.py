"""Pictures that no street ever gave, from their bytes through the decoder to the recognizer. Damaged files: test_recognize_decode."""

import io

import numpy as np
import pytest
from PIL import Image
from recognize_testing import encoded, writing

from glassplate.recognize.decode import Decoder
from glassplate.recognize.engines import engine
from glassplate.recognize.reading import read_photo

PLATE = "7KDR214"


@pytest.fixture(scope="module")
def read():
    """Read encoded bytes as the lane does; returns the reading."""
    recognizer = engine()
    with Decoder() as decoder:
        yield lambda data, name="picture": read_photo(data, name, decoder, recognizer)


def plain(width: int, height: int, color: tuple[int, int, int] = (128, 128, 128)) -> bytes:
    return encoded(Image.new("RGB", (width, height), color), "PNG", compress_level=1)


def noise(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return encoded(Image.fromarray(pixels), "PNG", compress_level=1)


def checkers(width: int, height: int) -> bytes:
    """The hardest edges there are, everywhere."""
    rows, columns = np.indices((height, width))
    return encoded(Image.fromarray(((rows // 8 + columns // 8) % 2 * 255).astype(np.uint8)), "PNG")


NO_PLATE = {
    "all black": plain(1280, 720, (0, 0, 0)),
    "all white": plain(1280, 720, (255, 255, 255)),
    "noise": noise(1280, 720),
    "a chessboard": checkers(640, 480),
    "one pixel": plain(1, 1),
    "one row": plain(640, 1),
    "one column": plain(1, 480),
    "a strip as wide as is accepted": plain(8192, 24),
    "a strip as high as is accepted": plain(24, 8192),
    "as many pixels as are accepted": plain(5000, 5000),
    "gray without color": encoded(Image.linear_gradient("L").resize((640, 480)), "JPEG"),
}


@pytest.mark.parametrize("data", NO_PLATE.values(), ids=NO_PLATE.keys())
def test_a_picture_of_nothing_is_read_as_nothing(read, data):
    reading = read(data)
    assert reading.candidates == ()
    assert (reading.width, reading.height) == Image.open(io.BytesIO(data)).size


def sixteen_bits() -> Image.Image:
    gray = np.asarray(Image.fromarray(writing(PLATE)).convert("L"), dtype=np.uint16)
    return Image.fromarray(gray * 257)


def palette() -> Image.Image:
    return Image.fromarray(writing(PLATE)).quantize(32)


def with_alpha() -> Image.Image:
    return Image.fromarray(writing(PLATE)).convert("RGBA")


def turned(orientation: int, transpose: Image.Transpose) -> bytes:
    """As a phone stores it: the pixels lie on their side, and a tag says how to hold them."""
    picture = Image.fromarray(writing(PLATE)).transpose(transpose)
    exif = picture.getexif()
    exif[0x0112] = orientation
    return encoded(picture, "JPEG", exif=exif, quality=95)


def strip() -> bytes:
    """A plate in a panorama of the widest kind."""
    picture = Image.new("RGB", (8192, 540), (96, 98, 101))
    picture.paste(Image.fromarray(writing(PLATE)), (3600, 0))
    return encoded(picture, "JPEG", quality=95)


STILL_READ = {
    "gray JPEG": lambda: encoded(Image.fromarray(writing(PLATE)).convert("L"), "JPEG", quality=95),
    "CMYK JPEG": lambda: encoded(Image.fromarray(writing(PLATE)).convert("CMYK"), "JPEG", quality=95),
    "progressive JPEG": lambda: encoded(
        Image.fromarray(writing(PLATE)), "JPEG", quality=95, progressive=True
    ),
    "PNG of 16 bits": lambda: encoded(sixteen_bits(), "PNG"),
    "PNG with a palette": lambda: encoded(palette(), "PNG"),
    "PNG with transparency": lambda: encoded(with_alpha(), "PNG"),
    "PNG of one bit": lambda: encoded(Image.fromarray(writing(PLATE)).convert("1", dither=0), "PNG"),
    "held upside down": lambda: turned(3, Image.Transpose.ROTATE_180),
    "held to the left": lambda: turned(6, Image.Transpose.ROTATE_90),
    "held to the right": lambda: turned(8, Image.Transpose.ROTATE_270),
    "mirrored by a front camera": lambda: turned(2, Image.Transpose.FLIP_LEFT_RIGHT),
    "25 megapixels": lambda: encoded(
        Image.fromarray(writing(PLATE, size=(5000, 5000), letter_height=300)), "JPEG"
    ),
}


@pytest.mark.parametrize("make", STILL_READ.values(), ids=STILL_READ.keys())
def test_a_plate_is_read_however_its_picture_is_stored(read, make):
    reading = read(make())
    assert [candidate.text for candidate in reading.candidates] == [PLATE]
    x, y, width, height = reading.candidates[0].box
    assert 0 <= x < x + width <= reading.width
    assert 0 <= y < y + height <= reading.height


def test_a_plate_in_the_widest_panorama_breaks_nothing(read):
    reading = read(strip())
    assert (reading.width, reading.height) == (8192, 540)
    assert {candidate.text for candidate in reading.candidates} <= {PLATE}


def test_a_wall_of_plates_gives_a_few_and_not_all(read):
    """Ten thousand boxes are a sign shop; whatever is found stays bounded and lies in the picture."""
    tile = Image.fromarray(writing(PLATE, size=(400, 120), letter_height=20)[30:100, 205:355])
    wall = Image.new("RGB", (2700, 2800))
    for number in range(18 * 40):
        wall.paste(tile, (number % 18 * tile.width, number // 18 * tile.height))
    reading = read(encoded(wall, "JPEG", quality=90))
    assert 1 <= len(reading.candidates) <= 16
    for x, y, width, height in (candidate.box for candidate in reading.candidates):
        assert 0 <= x < x + width <= wall.width
        assert 0 <= y < y + height <= wall.height
