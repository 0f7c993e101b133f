"""Measure scenes and their redaction on labeled photos.

    python tools/measure_redaction.py FOLDER … [--narrowest 60]

Each folder holds photos and ``boxes.csv`` or ``plates.csv`` (columns image, x, y, w, h: every plate). For each group of
photos (folder, and for names with "night" in them night) one line says: plates; those that the rule for a plate's box
refuses; those that faces or people cover, so that nothing is kept; crops with a face made coarse; those in a vehicle's
box; scenes made; faces that a stricter look (CenterFace at 960, .3) found where a scene would be, before and after;
vehicles without a color. Then the CPU milliseconds of each step on one thread, median and 95th percentile.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from glassplate.recognize.color import color_votes
from glassplate.recognize.faces import FaceFinder
from glassplate.recognize.found import carrier
from glassplate.recognize.plate_crop import cut, may_be_plate
from glassplate.recognize.redaction import redact_scene
from glassplate.recognize.scenes import VehicleScenes
from glassplate.recognize.shown import shown_with
from glassplate.recognize.vehicles import VehicleDetector

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.records import FrameBox

COLUMNS = (
    "plates",
    "no plate's box",
    "covered",
    "with a face",
    "in a vehicle",
    "scenes",
    "faces before",
    "faces after",
    "without color",
)


class Stopwatch:
    """CPU time of calls, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its calls measured."""

        def call(*arguments: Any) -> Any:
            started = time.process_time()
            result = function(*arguments)
            self.seconds[name].append(time.process_time() - started)
            return result

        return call


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--narrowest", type=int, default=60, help="pixels; narrower plates are left out")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    watch, counts = Stopwatch(), defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    sizes: list[int] = []
    vehicles = watch.timed("vehicles and people", VehicleDetector().find)
    faces = FaceFinder().find
    strict = FaceFinder(long_side=960, confidence=0.3, most_enlarged=4.0)
    for folder in options.folders:
        for name, boxes in _labels(folder).items():
            pixels = np.asarray(Image.open(folder / name).convert("RGB"))
            found = vehicles(pixels)
            row = counts[f"{folder.name}{' night' if 'night' in name else ''}"]
            for plate in boxes:
                if plate[2] >= options.narrowest and _inside(plate, pixels):
                    others = [one for one in boxes if one != plate]
                    _measure(pixels, plate, others, found, faces, strict, watch, row, sizes)
    for name, row in counts.items():
        print(f"{name}: " + ", ".join(f"{column} {count}" for column, count in row.items()))
    for name, seconds in watch.seconds.items():
        print(f"{name}: {np.median(seconds) * 1000:.1f} ms, 95th {np.percentile(seconds, 95) * 1000:.1f}")
    print(f"bytes of a scene: median {np.median(sizes):.0f}, 95th percentile {np.percentile(sizes, 95):.0f}")


def _measure(
    pixels: np.ndarray,
    plate: FrameBox,
    others: list[FrameBox],
    found: list[Any],
    faces: Callable[..., Any],
    strict: FaceFinder,
    watch: Stopwatch,
    row: dict[str, int],
    sizes: list[int],
) -> None:
    row["plates"] += 1
    if not may_be_plate(plate, pixels.shape[1], pixels.shape[0]):
        row["no plate's box"] += 1
        return
    scenes = VehicleScenes(lambda _: found, faces, lambda _: [])
    near = watch.timed("faces, all looks", scenes._faces_near)(pixels, plate, found)  # noqa: SLF001 - timed alone
    crop = cut(pixels, plate, found, near)
    if crop is None:
        row["covered"] += 1
        return
    row["with a face"] += crop.persons + crop.faces > 0
    vehicle = carrier(found, plate)
    if vehicle is None:
        return
    row["in a vehicle"] += 1
    row["without color"] += not watch.timed("color", color_votes)(pixels, vehicle.box, plate)
    shown = shown_with(plate, found, pixels.shape[1], pixels.shape[0])
    if shown is None:
        return
    scene = watch.timed("redaction", redact_scene)(pixels, plate, found, near, others)
    if scene is None:
        return
    row["scenes"] += 1
    sizes.append(len(scene.jpeg))
    x, y, width, height = shown.part
    row["faces before"] += len(strict.find(pixels[y : y + height, x : x + width]))
    row["faces after"] += len(strict.find(np.asarray(Image.open(io.BytesIO(scene.jpeg)))))


def _labels(folder: Path) -> dict[str, list[FrameBox]]:
    labels: dict[str, list[FrameBox]] = defaultdict(list)
    (path,) = (one for one in (folder / "boxes.csv", folder / "plates.csv") if one.exists())
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            x, y, width, height = (round(float(row[key])) for key in ("x", "y", "w", "h"))
            labels[row["image"]].append((x, y, width, height))
    return labels


def _inside(box: FrameBox, pixels: np.ndarray) -> bool:
    height, width = pixels.shape[:2]
    return min(box[:2]) >= 0 and box[0] + box[2] <= width and box[1] + box[3] <= height


if __name__ == "__main__":
    main()
