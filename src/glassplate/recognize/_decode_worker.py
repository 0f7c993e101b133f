"""The caged process that turns JPEG and PNG into pixels. Started by ``decode.Decoder``, never imported by it.

An image comes from a stranger and a decoder is C code, so this process is built to be worthless to whoever
takes it over: it has no secrets, no environment, no file it can open or make, no way to gain privileges,
little memory, and one socket, to its parent. The cage closes before the first image arrives:

1. core dumps off, file size 0, address space 700 MB;
2. no new privileges;
3. Landlock, where the kernel has it: no file, folder or TCP port at all;
4. own network namespace, where the kernel lets an ordinary user make one;
5. no free file descriptor: every ``open`` and ``socket`` fails.
"""

from __future__ import annotations

import ctypes
import io
import resource
import struct
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, UnidentifiedImageError

from glassplate.recognize import _decode_protocol as protocol

ADDRESS_SPACE_BYTES = (
    700_000_000  # 25 megapixels take 100 MB decoded, as much again rotated, and 75 MB as RGB
)
STANDARD_DESCRIPTORS = 3

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446  # the same numbers on every architecture
_LANDLOCK_CREATE_RULESET_VERSION = 1
_FILE_RIGHTS_BY_ABI = {
    1: (1 << 13) - 1,
    2: (1 << 14) - 1,
    3: (1 << 15) - 1,
    4: (1 << 15) - 1,
    5: (1 << 16) - 1,
}
_NETWORK_RIGHTS = 0b11  # bind and connect TCP, from Landlock 4 on
_NETWORK_ABI = 4

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
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _forbid_files_and_ports(libc)
    libc.unshare(
        _CLONE_NEWUSER | _CLONE_NEWNET
    )  # an extra wall; refused inside many containers, and then absent
    resource.setrlimit(resource.RLIMIT_NOFILE, (STANDARD_DESCRIPTORS, STANDARD_DESCRIPTORS))


def _forbid_files_and_ports(libc: ctypes.CDLL) -> None:
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    if version < 1:
        return  # a kernel without Landlock; the other walls remain
    files = _FILE_RIGHTS_BY_ABI[min(version, max(_FILE_RIGHTS_BY_ABI))]
    handled = (
        struct.pack("=QQ", files, _NETWORK_RIGHTS) if version >= _NETWORK_ABI else struct.pack("=Q", files)
    )
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0 or libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    libc.close(ruleset)


if __name__ == "__main__":
    main()
