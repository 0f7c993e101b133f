"""The caged process that turns JPEG and PNG into pixels. Started by ``decode.Decoder``, never imported by it.

An image comes from a stranger and a decoder is C code, so this process is built to be worthless to whoever
takes it over: it has no secrets, no environment, no file it can open or make, no way to gain privileges,
little memory (700 MB), and one socket, to its parent. The cage (``_cage``) closes before the first image arrives.
"""

from __future__ import annotations

import io
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, UnidentifiedImageError

from glassplate.recognize import _cage
from glassplate.recognize import _decode_protocol as protocol

ADDRESS_SPACE_BYTES = (
    700_000_000  # 25 megapixels take 100 MB decoded, as much again rotated, and 75 MB as RGB
)

# Pillow imports these on first need; in the cage nothing can be imported any more.
_PRELOADED = (MpoImagePlugin, TiffImagePlugin)


def main() -> None:
    """Close the cage, say so, and answer images until the parent hangs up."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before decoding, with a better message
    Image.preinit()
    _close_cage()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _answer(answers, protocol.READY, 0, 0)
    while True:
        header = requests.read(protocol.REQUEST.size)
        if len(header) < protocol.REQUEST.size:
            return
        (length,) = protocol.REQUEST.unpack(header)
        if length > protocol.MAX_IMAGE_BYTES:
            return
        _answer(answers, *_decode(requests.read(length)))


def _decode(data: bytes) -> tuple[int, int, int, bytes]:
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    except UnidentifiedImageError:
        return protocol.NOT_AN_IMAGE, 0, 0, b""
    except Exception:  # noqa: BLE001 - whatever a decoder raises on bytes from a stranger, the bytes are at fault
        return protocol.DAMAGED, 0, 0, b""
    width, height = image.size
    if protocol.is_too_large(width, height):
        return protocol.TOO_LARGE, width, height, b""
    try:
        if image.format == "PNG":
            Image.open(
                io.BytesIO(data), formats=("PNG",)
            ).verify()  # the checksums, which decoding passes over
        upright = ImageOps.exif_transpose(_decoded(image))
        pixels = upright.convert("RGB").tobytes()
    except Exception:  # noqa: BLE001 - as above; MemoryError too, which leaves this process usable
        return protocol.DAMAGED, width, height, b""
    return protocol.PIXELS, *upright.size, pixels


def _decoded(image: Image.Image) -> Image.Image:
    image.load()  # the whole picture; raises when it is cut short
    if image.mode.startswith(
        "I"
    ):  # 16 bits a pixel: keep the upper 8, a plain conversion would clip to white
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image


def _answer(answers: BinaryIO, status: int, width: int, height: int, pixels: bytes = b"") -> None:
    answers.write(protocol.ANSWER.pack(status, width, height))
    answers.write(pixels)
    answers.flush()


def _close_cage() -> None:
    _cage.limit_resources(ADDRESS_SPACE_BYTES)
    _cage.forbid_files_and_ports()
    _cage.leave_the_network()
    _cage.limit_descriptors()


if __name__ == "__main__":
    main()
