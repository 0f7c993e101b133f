"""Bytes to pixels, in a caged worker process (``_decode_worker``), because decoding is where images attack.

Rules, checked in this order: at most 20 MB; JPEG or PNG by content, whatever the name says; at most 25
megapixels and 8192 pixels a side, checked before anything is decoded; decoded to the last row, so a truncated
file is refused; turned upright by its EXIF orientation. Only pixels come back: no metadata survives.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import numpy as np

from glassplate.errors import InputRefused
from glassplate.recognize import _decode_protocol as protocol
from glassplate.recognize._caged_process import CagedProcess
from glassplate.recognize._decode_protocol import MAX_IMAGE_BYTES, MAX_PIXELS, MAX_SIDE

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels

__all__ = ["MAX_IMAGE_BYTES", "MAX_PIXELS", "MAX_SIDE", "Decoder"]

SECONDS_FOR_ONE_IMAGE = 20.0  # 25 megapixels of PNG take about 1 s on a slow core; hours would be an attack


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


class _Worker(CagedProcess):
    """One worker process. Raises OSError when it fails; then end it."""

    def __init__(self) -> None:
        ready = protocol.ANSWER.pack(protocol.READY, 0, 0)
        super().__init__("glassplate.recognize._decode_worker", "image decoder", ready)

    def decode(self, data: bytes, seconds: float) -> tuple[int, int, int, bytearray]:
        self.begin(seconds)
        self.send(protocol.REQUEST.pack(len(data)) + data)
        status, width, height = protocol.ANSWER.unpack(self.receive(protocol.ANSWER.size))
        if status != protocol.PIXELS:
            return status, width, height, bytearray()
        if width < 1 or height < 1 or protocol.is_too_large(width, height):
            raise ConnectionError("The decoder's answer breaks its protocol.")
        return status, width, height, self.receive(width * height * protocol.CHANNELS)


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
