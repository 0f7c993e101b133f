"""Faces, in order to hide them: CenterFace (MIT). It tells where a face is, never whose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassplate.errors import GlassplateError
from glassplate.recognize.found import Found
from glassplate.recognize.model_files import model
from glassplate.recognize.vehicles import distinct, whole_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.recognize.recognizer import Pixels
    from glassplate.recognize.vehicles import Floats

NETWORK = "centerface"
CONFIDENCE = 0.20
LONG_SIDE = 640  # larger finds no more faces, and takes twice as long at 960
OVERLAP = 0.3  # of two boxes, above which the less sure is the same face
SMALLER_LOOKS = (
    0.5,
    0.35,
    0.25,
)  # of the size; one of them is coarse enough for the letters and fine enough for the face
SMALLER_CONFIDENCE = 0.30  # below it a whole small plate looks like a face
_STEP = 32  # sides of the input are multiples of it
_STRIDE = 4
_LARGEST_LOG = 7.0  # e^7 × 4 is wider than any input; beyond it the exponential would overflow


class FaceFinder:
    """Finds faces from about 10 pixels on. One thread at a time."""

    def __init__(
        self,
        session: Any = None,
        *,
        long_side: int = LONG_SIDE,
        confidence: float = CONFIDENCE,
        most_enlarged: float = 1.0,
    ) -> None:
        """``session``: an onnxruntime session of the network; without it, the shipped file is loaded and checked.

        Pictures are scaled to ``long_side`` pixels, smaller ones by ``most_enlarged`` at most.
        """
        self._session = model(NETWORK).session() if session is None else session
        self._long_side = long_side
        self._confidence = confidence
        self._most_enlarged = most_enlarged

    def find(self, pixels: Pixels) -> list[Found]:
        """Every face, the surest first, in pixels of the picture.

        Raises:
            GlassplateError: the network answered with something that is no number.
        """
        import cv2

        height, width = pixels.shape[:2]
        scale = min(self._most_enlarged, self._long_side / max(height, width))
        columns, rows = (max(1, -int(-side * scale // _STEP)) * _STEP for side in (width, height))
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(pixels, (columns, rows), interpolation=kind)
        canvas = np.ascontiguousarray(resized.transpose(2, 0, 1)[None], dtype=np.float32)
        heat, log_size, offset = self._session.run(["heat", "log_size", "offset"], {"input": canvas})
        if not all(np.isfinite(one).all() for one in (heat, log_size, offset)):
            raise GlassplateError(f"The network {NETWORK} answered with something that is no number.")
        boxes, confidences = _decoded(heat[0, 0], log_size[0], offset[0], self._confidence)
        boxes *= np.array([width / columns, height / rows] * 2, dtype=np.float32)
        return [
            Found("face", float(min(1.0, confidences[one])), whole_pixels(*boxes[one].tolist()))
            for one in distinct(boxes, confidences, self._confidence, OVERLAP)
        ]


def faces_under_letters(find: Callable[[Pixels], list[Found]], pixels: Pixels) -> list[Found]:
    """Faces that letters lie on: in a smaller picture the letters melt into the face, and the network sees it again.

    ``find`` looks at ``pixels`` at each of ``SMALLER_LOOKS``; answers in pixels of the picture. A face may be in it twice.
    """
    import cv2

    height, width = pixels.shape[:2]
    faces = []
    for share in SMALLER_LOOKS:
        size = max(1, round(width * share)), max(1, round(height * share))
        smaller = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        across, along = width / size[0], height / size[1]
        for face in find(smaller):
            x, y, wide, high = face.box
            if face.confidence >= SMALLER_CONFIDENCE:
                box = whole_pixels(x * across, y * along, wide * across, high * along)
                faces.append(replace(face, box=box))
    return faces


def _decoded(heat: Floats, log_size: Floats, offset: Floats, least: float) -> tuple[Floats, Floats]:
    """x, y, width, height in pixels of the input, and confidences. Channel 0 of size and offset is vertical."""
    row, column = np.nonzero(heat >= least)
    height, width = np.exp(np.minimum(log_size[:, row, column], _LARGEST_LOG)) * _STRIDE
    y = (row + offset[0, row, column] + 0.5) * _STRIDE - height / 2
    x = (column + offset[1, row, column] + 0.5) * _STRIDE - width / 2
    return np.stack([x, y, width, height], axis=1).astype(np.float32), heat[row, column]
