"""Bytes to pixels, in a caged worker process (``_decode_worker``), because decoding is where images attack.

Rules, checked in this order: at most 20 MB; JPEG or PNG by content, whatever the name says; at most 25
megapixels and 8192 pixels a side, checked before anything is decoded; decoded to the last row, so a truncated
file is refused; turned upright by its EXIF orientation. Only pixels come back: no metadata survives.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

import numpy as np

from glassplate.errors import GlassplateError, InputRefused
from glassplate.recognize import _decode_protocol as protocol
from glassplate.recognize._decode_protocol import MAX_IMAGE_BYTES, MAX_PIXELS, MAX_SIDE

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels

__all__ = ["MAX_IMAGE_BYTES", "MAX_PIXELS", "MAX_SIDE", "Decoder"]

SECONDS_FOR_ONE_IMAGE = 20.0  # 25 megapixels of PNG take about 1 s on a slow core; hours would be an attack
SECONDS_TO_START = 60.0
_RECEIVE_BYTES = 1 << 20


class Decoder:
    """Decodes images in one caged worker, started at the first image and again whenever it died.

    Safe to call from several threads; they wait for each other. Leaving the ``with`` block ends the worker.
    """

    def __init__(self, *, seconds_for_one_image: float = SECONDS_FOR_ONE_IMAGE) -> None:
        self._seconds_for_one_image = seconds_for_one_image
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker. A later ``decode`` starts a new one."""
        with self._lock:
            self._end_worker()

    def decode(self, data: bytes, name: str) -> Pixels:
        """The pixels of the encoded image ``data``, upright; ``name`` is what a refusal calls it.

        Raises:
            InputRefused: saying what is wrong with the image. The decoder stays usable.
            GlassplateError: the worker cannot be started, which is no fault of the image.
        """
        if not data:
            raise InputRefused(f"{name} is empty (0 bytes).")
        if len(data) > MAX_IMAGE_BYTES:
            raise InputRefused(
                f"{name} has {len(data) / 1e6:.1f} MB; "
                f"at most {MAX_IMAGE_BYTES / 1e6:.0f} are accepted. Scale it down."
            )
        with self._lock:
            status, width, height, pixels = self._ask(data, name)
        if status != protocol.PIXELS:
            raise InputRefused(_refusal(name, status, width, height))
        return np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, protocol.CHANNELS)

    def _ask(self, data: bytes, name: str) -> tuple[int, int, int, bytearray]:
        if self._worker is not None and not self._worker.is_alive():
            self._end_worker()  # it died between two images; the one at hand is not to blame
        if self._worker is None:
            self._worker = _Worker()
        try:
            return self._worker.decode(data, self._seconds_for_one_image)
        except TimeoutError:
            self._end_worker()
            raise InputRefused(
                f"{name} was not decoded within {self._seconds_for_one_image:g} seconds; it is refused."
            ) from None
        except OSError:
            self._end_worker()
            raise InputRefused(f"{name} made the image decoder stop; it is refused.") from None

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None


class _Worker:
    """One worker process and the socket to it. Raises OSError when it fails; then end it."""

    def __init__(self) -> None:
        self._socket, far_end = socket.socketpair()
        with far_end:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "glassplate.recognize._decode_worker"],
                stdin=far_end.fileno(),
                stdout=far_end.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,  # Ctrl-C is for the parent, which then ends the worker
            )
        try:
            self._deadline = time.monotonic() + SECONDS_TO_START
            status, _, _, _ = self._receive_answer()
            if status != protocol.READY:
                raise ConnectionError
        except OSError:
            self.end()
            raise GlassplateError(
                "The image decoder does not start; see what is wrong with: "
                f"{sys.executable} -I -m glassplate.recognize._decode_worker"
            ) from None

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._socket.close()
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=SECONDS_TO_START)

    def decode(self, data: bytes, seconds: float) -> tuple[int, int, int, bytearray]:
        self._deadline = time.monotonic() + seconds
        self._socket.settimeout(self._remaining_seconds())
        self._socket.sendall(protocol.REQUEST.pack(len(data)) + data)
        return self._receive_answer()

    def _receive_answer(self) -> tuple[int, int, int, bytearray]:
        status, width, height = protocol.ANSWER.unpack(self._receive(protocol.ANSWER.size))
        if status != protocol.PIXELS:
            return status, width, height, bytearray()
        if width < 1 or height < 1 or protocol.is_too_large(width, height):
            raise ConnectionError("The decoder's answer breaks its protocol.")
        return status, width, height, self._receive(width * height * protocol.CHANNELS)

    def _receive(self, size: int) -> bytearray:
        received = bytearray(size)
        view = memoryview(received)
        while view:
            self._socket.settimeout(self._remaining_seconds())
            count = self._socket.recv_into(view, min(len(view), _RECEIVE_BYTES))
            if count == 0:
                raise ConnectionError("The decoder hung up.")
            view = view[count:]
        return received

    def _remaining_seconds(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


def _refusal(name: str, status: int, width: int, height: int) -> str:
    if status == protocol.NOT_AN_IMAGE:
        return f"{name} is not a JPEG or PNG image."
    if status == protocol.TOO_LARGE:
        return _too_large(name, width, height)
    return f"{name} is damaged or cut short: it cannot be decoded to its end. Copy it again from its source."


def _too_large(name: str, width: int, height: int) -> str:
    if width * height > MAX_PIXELS:
        megapixels = f"{width * height / 1e6:.4g}"
        return (
            f"{name} has {width}×{height} pixels = {megapixels} megapixels; "
            f"at most {MAX_PIXELS // 1_000_000} are accepted. Scale it down."
        )
    return f"{name} has {width}×{height} pixels; a side may have at most {MAX_SIDE}. Scale it down."
