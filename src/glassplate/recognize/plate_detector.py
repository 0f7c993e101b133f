"""Where the plates are: the own detector, a small anchor-free network on gray pixels (``training/detector.py``).

The picture is looked at twice, large and small, because the network knows plates of 16–150 pixels only. Each
plate comes with a box and four corners; the corners let the reader straighten it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glassplate.recognize.model_files import model

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels

LONG_SIDES = (800, 320)  # pixels of the two looks
LEAST_SCORE = 0.3
MAX_PLATES = 16
SMALLEST_SIDE = 16  # no plate is legible in a smaller picture
WIDEST_SHAPE = 8  # long by short side; beyond it a picture is a strip and its short side would vanish
FARTHEST_CORNER = 0.5  # of the box, from the box's own corner; a plate that is turned further cannot be read
OVERLAP = 0.3  # intersection over union from which two boxes are one plate

_STRIDE, _MULTIPLE = 8, 16
_MIDDLE, _SPREAD = 128.0, 64.0
_CANDIDATES_A_LOOK = 64

Boxes = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FoundPlate:
    """``box``: left, top, right, bottom; ``corners``: 4 × (x, y), top left first, clockwise. Pixels of the picture."""

    score: float
    box: tuple[float, float, float, float]
    corners: tuple[tuple[float, float], ...]


class PlateDetector:
    """Finds plates. One thread at a time."""

    def __init__(self) -> None:
        self._session = model("plate-detector").session()

    def find(self, pixels: Pixels, least_score: float = LEAST_SCORE) -> list[FoundPlate]:
        """Plates in ``pixels``, the surest first, at most ``MAX_PLATES``."""
        import cv2

        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST_SIDE or max(height, width) > WIDEST_SHAPE * min(height, width):
            return []
        gray = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        looks = [self._look(gray, side / max(height, width), least_score) for side in LONG_SIDES]
        scores, boxes, corners = (np.concatenate(parts) for parts in zip(*looks, strict=True))
        kept = distinct(scores, boxes)[:MAX_PLATES]
        return [_found(scores[at], boxes[at], corners[at], width, height) for at in kept]

    def _look(
        self, gray: npt.NDArray[np.uint8], scale: float, least_score: float
    ) -> tuple[Boxes, Boxes, Boxes]:
        import cv2

        size = (max(8, round(gray.shape[1] * scale)), max(8, round(gray.shape[0] * scale)))
        small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        padded = np.zeros(
            (1, 1, -(-size[1] // _MULTIPLE) * _MULTIPLE, -(-size[0] // _MULTIPLE) * _MULTIPLE), np.float32
        )
        padded[0, 0, : size[1], : size[0]] = (small.astype(np.float32) - _MIDDLE) / _SPREAD
        cells = np.asarray(self._session.run(None, {"gray": padded})[0][0], dtype=np.float32)
        scores, boxes, corners = decode(cells, least_score)
        stretch = np.array([gray.shape[1] / size[0], gray.shape[0] / size[1]], np.float32)
        return scores, boxes * np.tile(stretch, 2), corners * np.tile(stretch, 4)


def decode(cells: npt.NDArray[np.float32], least_score: float) -> tuple[Boxes, Boxes, Boxes]:
    """Scores (n), boxes (n × 4) and corners (n × 8) of the 13 × rows × columns output, in input pixels.

    A plate is a cell whose score is the highest of its 3 × 3 neighbors.
    """
    logits = cells[0]
    around = np.pad(logits, 1, constant_values=-np.inf)
    highest = np.max(
        [around[y : y + logits.shape[0], x : x + logits.shape[1]] for y in range(3) for x in range(3)], axis=0
    )
    threshold = np.log(least_score / (1 - least_score))
    rows, columns = np.nonzero((logits >= highest) & (logits >= threshold))
    order = np.argsort(-logits[rows, columns], kind="stable")[:_CANDIDATES_A_LOOK]
    rows, columns = rows[order], columns[order]
    at = cells[:, rows, columns]
    x, y = (columns + 0.5) * _STRIDE, (rows + 0.5) * _STRIDE
    left, top, right, bottom = (at[side] * _STRIDE for side in range(1, 5))
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1).astype(np.float32)
    sizes = np.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]], axis=1)
    frame = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]]
    offsets = at[5:13].clip(-FARTHEST_CORNER, FARTHEST_CORNER)
    corners = frame + offsets.T * np.tile(sizes, (1, 4))
    scores = 1 / (1 + np.exp(-at[0]))
    return scores.astype(np.float32), boxes, corners.astype(np.float32)


def distinct(scores: Boxes, boxes: Boxes) -> list[int]:
    """Indexes of the boxes that stay when of two that overlap the surer one is kept, the surest first."""
    kept: list[int] = []
    for at in np.argsort(-scores, kind="stable"):
        if all(intersection_over_union(boxes[at], boxes[other]) < OVERLAP for other in kept):
            kept.append(int(at))
    return kept


def intersection_over_union(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Of two boxes (left, top, right, bottom), 0–1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = float(width * height)
    areas = float((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]))
    return shared / (areas - shared)


def _found(
    score: np.float32, box: npt.NDArray[np.float32], corners: npt.NDArray[np.float32], width: int, height: int
) -> FoundPlate:
    left, right = np.clip(box[[0, 2]], 0, width).tolist()
    top, bottom = np.clip(box[[1, 3]], 0, height).tolist()
    points = tuple((float(x), float(y)) for x, y in corners.reshape(4, 2))
    return FoundPlate(float(score), (left, top, right, bottom), points)
