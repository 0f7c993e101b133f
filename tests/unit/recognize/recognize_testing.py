"""Pictures for the recognition tests, made here so that none has to be shipped."""

from __future__ import annotations

import csv
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import glassplate

DEMO_PHOTOS = Path(glassplate.__file__).parent / "demo_photos"


def demo_rows() -> list[dict[str, str]]:
    with (DEMO_PHOTOS / "photos.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def jpeg(width: int = 64, height: int = 48, **options) -> bytes:
    return encoded(_gradient(width, height), "JPEG", **options)


def png(width: int = 64, height: int = 48) -> bytes:
    return encoded(_gradient(width, height), "PNG")


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel, made row by row: kilobytes that claim gigabytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def writing(*lines: str, size: tuple[int, int] = (960, 540), letter_height: int = 60) -> np.ndarray:
    """Pixels of a street-gray picture with dark text on light plates, one below the other."""
    image = Image.new("RGB", size, (96, 98, 101))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(letter_height)
    for number, line in enumerate(lines):
        x, y = 240, 60 + number * letter_height * 3
        left, top, right, bottom = draw.textbbox((x, y), line, font=font)
        draw.rectangle((left - 20, top - 20, right + 20, bottom + 20), fill=(225, 225, 220))
        draw.text((x, y), line, font=font, fill=(20, 25, 50))
    return np.asarray(image)


def _gradient(width: int, height: int) -> Image.Image:
    return Image.merge(
        "RGB",
        (
            Image.linear_gradient("L").resize((width, height)),
            Image.radial_gradient("L").resize((width, height)),
            Image.linear_gradient("L").rotate(90).resize((width, height)),
        ),
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
