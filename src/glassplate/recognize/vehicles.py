"""Vehicles and people: NanoDet-g (Apache-2.0), one look at the whole picture.

Its classes beside these are not looked at. "Truck" is a lorry, and no sign of a pickup; body types finer than these
cannot be told honestly from one picture of unknown view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassplate.errors import GlassplateError
from glassplate.recognize.found import Found
from glassplate.recognize.model_files import model

if TYPE_CHECKING:
    from glassplate.recognize.found import Kind
    from glassplate.recognize.recognizer import Pixels

NETWORK = "nanodet-g-416"
VEHICLE_CONFIDENCE = 0.20  # every second vehicle box is lost at night from .3 on
PERSON_CONFIDENCE = 0.15  # a missed person costs more than blurred scenery
SIDE = 416
OVERLAP = 0.5  # of two boxes of one kind, above which the less sure is the same object

_CLASSES: dict[Kind, int] = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7}
_STRIDES = (8, 16, 32)
_BINS = 11
_MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)  # blue, green, red
_DEVIATION = np.array([57.375, 57.12, 58.395], dtype=np.float32)

Floats = npt.NDArray[np.float32]


class VehicleDetector:
    """Finds vehicles and people. One thread at a time."""

    def __init__(self, session: Any = None) -> None:
        """``session``: an onnxruntime session of the network; without it, the shipped file is loaded and checked."""
        self._session = model(NETWORK).session() if session is None else session

    def find(self, pixels: Pixels) -> list[Found]:
        """Every vehicle from confidence .20 and every person from .15, the surest first.

        Raises:
            GlassplateError: the network answered with something that is no number.
        """
        canvas, scale, left, top = _letterboxed(pixels)
        scores, distances = self._answer(canvas)
        boxes = _boxes(distances)
        found = []
        for kind, number in _CLASSES.items():
            least = PERSON_CONFIDENCE if kind == "person" else VEHICLE_CONFIDENCE
            kept = distinct(boxes, scores[:, number], least, OVERLAP)
            for box, confidence in zip(boxes[kept], scores[kept, number], strict=True):
                x, y, width, height = (box - (left, top, 0, 0)) / scale
                found.append(Found(kind, float(min(1.0, confidence)), whole_pixels(x, y, width, height)))
        return sorted(found, key=lambda one: -one.confidence)

    def _answer(self, canvas: Floats) -> tuple[Floats, Floats]:
        names = [f"{part}_{stride}" for part in ("scores", "distances") for stride in _STRIDES]
        answers = self._session.run(names, {"input": canvas})
        scores = np.concatenate([one[0] for one in answers[:3]])
        distances = np.concatenate([one[0] for one in answers[3:]])
        if not (np.isfinite(scores).all() and np.isfinite(distances).all()):
            raise GlassplateError(f"The network {NETWORK} answered with something that is no number.")
        return scores, distances


def distinct(boxes: Floats, confidences: Floats, least: float, overlap: float) -> npt.NDArray[np.intp]:
    """Which boxes (x, y, width, height) are from ``least`` on and no copies of a surer one, the surest first."""
    import cv2

    able = np.flatnonzero(confidences >= least)
    if not len(able):
        return able
    # OpenCV's limit is exclusive, and applied already
    kept = cv2.dnn.NMSBoxes(boxes[able].tolist(), confidences[able].tolist(), 0.0, overlap)
    return able[np.asarray(kept, dtype=np.intp).reshape(-1)]


def whole_pixels(x: float, y: float, width: float, height: float) -> tuple[int, int, int, int]:
    """The least box of whole pixels that holds this one, one pixel at least."""
    left, top = int(np.floor(x)), int(np.floor(y))
    return left, top, max(1, int(np.ceil(x + width)) - left), max(1, int(np.ceil(y + height)) - top)


def _letterboxed(pixels: Pixels) -> tuple[Floats, float, int, int]:
    """The network's input, the scale, and where the picture's top left corner lies in it."""
    import cv2

    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    resized = cv2.resize(pixels, inner, interpolation=kind)
    canvas[top : top + inner[1], left : left + inner[0]] = resized[..., ::-1]
    canvas -= _MEAN
    canvas /= _DEVIATION
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)[None]), scale, left, top


def _boxes(distances: Floats) -> Floats:
    """x, y, width, height on the network's canvas of every place, from 4 sides × 11 bins."""
    bins = distances.reshape(-1, 4, _BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    sides = (weights @ np.arange(_BINS, dtype=np.float32)) / weights.sum(axis=2)
    places = np.concatenate([_places(stride) for stride in _STRIDES])
    sides *= places[:, 2:]
    left, top, right, bottom = sides.T
    x, y = places[:, 0] - left, places[:, 1] - top
    return np.stack([x, y, left + right, top + bottom], axis=1)


def _places(stride: int) -> Floats:
    """Center x, center y and stride of each place, row by row."""
    line = (np.arange(SIDE // stride, dtype=np.float32) + 0.5) * stride - 0.5
    y, x = np.meshgrid(line, line, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, stride, dtype=np.float32)], axis=1)
