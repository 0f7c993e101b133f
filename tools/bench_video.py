"""How many frames of video one core can take: decoding in the cage, motion gate, tracking, and with a recognizer.

    python tools/bench_video.py [FILE] [--engine glassplate] [--all-frames]

CPU seconds of this process and of the caged decoder, so that a busy machine does not matter. Without FILE: the demo's clip,
and a street at 720p and 1080p that is made on the spot, 20 seconds at 15 frames a second with a car in view a third of
the time. ``--all-frames`` takes the motion gate away.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from glassplate.capture.video import VideoFile
from glassplate.recognize.engines import engine
from glassplate.recognize.motion import MotionGate
from glassplate.recognize.passage import PassageReader
from glassplate.recognize.recognizer import PlateCandidate

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels, Recognizer

CLIP = Path(__file__).parents[1] / "src" / "glassplate" / "demo_photos" / "passage.mp4"
MADE = {"720p": (1280, 720), "1080p": (1920, 1080)}
SECONDS, RATE, SCENE_SECONDS, CAR_SECONDS = 20, 15, 6, 2
AS_MANY_AS_COME = 240.0


class NoReader:
    """Says at once that there is one plate in the middle: what is left is the walk's own work."""

    version = "none"

    def read(self, pixels: Pixels) -> list[PlateCandidate]:
        """Always the same."""
        height, width = pixels.shape[:2]
        return [PlateCandidate("7KDR214", (0.9,) * 7, (width // 2, height // 2, 120, 40))]


@dataclass(frozen=True)
class Measured:
    """Frames handed over, looked at closely, vehicles told, CPU seconds in all."""

    frames: int
    looked: int
    vehicles: int
    cpu_seconds: float


def main() -> None:
    """Print one line for each video and recognizer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--engine", default="glassplate")
    parser.add_argument("--all-frames", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        films = {options.file.name: options.file} if options.file else {"demo clip": CLIP, **made(folder)}
        for reader in (NoReader(), engine(options.engine, video=True)):
            for name, path in films.items():
                one = measured(path, reader, gated=not options.all_frames)
                print(
                    f"{reader.version[:28]:<28} {name:<10} {one.frames:>4} frames, {one.looked:>4} looked at, "
                    f"{one.vehicles} vehicles: {one.frames / one.cpu_seconds:>6.1f} frames a CPU second, "
                    f"{1000 * one.cpu_seconds / one.frames:.2f} ms a frame"
                )


def measured(path: Path, reader: Recognizer, *, gated: bool) -> Measured:
    """One walk over a file, without sealing."""
    reader.read(np.zeros((480, 640, 3), np.uint8))  # networks load at first need
    before = cpu_seconds()
    gate, passages = MotionGate(), PassageReader()
    frames = looked = vehicles = 0
    for frame in VideoFile(path, "bench", datetime.now(UTC), frames_a_second=AS_MANY_AS_COME).frames():
        if frame is None:
            continue
        frames += 1
        if gated and not gate.wants(frame.pixels, frame.captured_at):
            vehicles += len(passages.hold(frame.captured_at))
            continue
        looked += 1
        found = reader.read(frame.pixels)
        vehicles += len(passages.look(frame.pixels, frame.captured_at, frame.frame_id, found))
    return Measured(frames, looked, vehicles + len(passages.end()), cpu_seconds() - before)


def cpu_seconds() -> float:
    """Of this process and of the workers that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def made(folder: str) -> dict[str, Path]:
    """Streets of their own, in H.264 as a street camera sends it."""
    films = {}
    for name, (width, height) in MADE.items():
        films[name] = Path(folder) / f"{name}.mp4"
        random = np.random.default_rng(1)
        street = random.integers(60, 160, (height // 8, width // 8, 3), dtype=np.uint8)
        street = street.repeat(8, axis=0).repeat(8, axis=1)
        with av.open(films[name], "w") as container:
            stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "26"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for number in range(SECONDS * RATE):
                picture = street.copy()
                at = number / RATE % SCENE_SECONDS
                if at < CAR_SECONDS:
                    x = round(width * 0.8 * at / CAR_SECONDS)
                    picture[height // 2 : height * 3 // 4, x : x + width // 6] = 210
                noisy = np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
            container.mux(stream.encode(None))
    return films


if __name__ == "__main__":
    main()
