"""Small videos, made here so that none has to be shipped: a light bar that moves over a gray street."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (320, 192)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Frame ``number``: its bar's left edge is at 4 × number."""
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    left = 4 * number % size[0]
    pixels[size[1] // 3 : size[1] // 2, left : left + 40] = (230, 60, 60)
    return pixels


def video(
    kind: str = "mp4",
    codec: str = "mpeg4",
    *,
    frames: int = 30,
    rate: int = 15,
    size: tuple[int, int] = SIZE,
    times: list[int] | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video's bytes. ``times``: each frame's own, in milliseconds, instead of an even rate."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind, options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 800_000
        stream.codec_context.gop_size = 10
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1_000)
        for number in range(len(times) if times is not None else frames):
            frame = av.VideoFrame.from_ndarray(picture(number, size), format="rgb24")
            if times is not None:
                frame.time_base, frame.pts = Fraction(1, 1_000), times[number]
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return buffer.getvalue()


def sound_only() -> bytes:
    """A second of silence in MP4."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8_000, layout="mono")
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1_000), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8_000, number * 1_000
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return buffer.getvalue()


def written(data: bytes, path: Path) -> Path:
    """``path``, holding ``data``."""
    path.write_bytes(data)
    return path
