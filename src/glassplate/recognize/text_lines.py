"""Lines of text anywhere in a picture: PP-OCRv6's detector, through ``rapidocr``, and crops of its boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassplate.recognize.model_files import model

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels

Quadrilateral = npt.NDArray[np.float32]
"""Four corners (x, y): top left, top right, bottom right, bottom left."""

NETWORK = "PP-OCRv6_det_small"
MAX_SIDE = 2000  # beyond it the detector takes seconds and gains nothing; larger pictures are scaled down
FRUGAL_SIDE = 960
FLATTEST_SHAPE = (
    4  # long by short side; flatter pictures are padded, because the detector scales the short side up
)
SMALLEST_SIDE = 16  # no character is legible below it
UPRIGHT_FROM = 1.5  # height by width from which a crop holds text that runs upward


class TextLineFinder:
    """Boxes of text lines. One thread at a time.

    ``frugal``: look at most at ``FRUGAL_SIDE`` pixels a side. Without it small pictures are scaled up too, which finds
    smaller lines and takes three times the time and memory.
    """

    def __init__(self, *, frugal: bool = False) -> None:
        from omegaconf import flag_override
        from rapidocr import RapidOCR

        size = {"Det.limit_type": "max", "Det.limit_side_len": FRUGAL_SIDE} if frugal else {}
        self._engine: Any = RapidOCR(params={"Global.log_level": "error", **size})
        settings = self._engine.cfg
        with flag_override(settings, "allow_objects", True):
            # given, so that nothing is looked up or downloaded
            settings.Det.session = model(NETWORK).session()

    def find(self, pixels: Pixels) -> list[Quadrilateral]:
        """Every text line's corners in the pixels of ``pixels``, in no meaningful order."""
        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST_SIDE:
            return []
        canvas, scale = _canvas(pixels)
        found = self._engine(canvas[:, :, ::-1].copy(), use_det=True, use_cls=False, use_rec=False)
        if found.boxes is None:
            return []
        corners = np.asarray(found.boxes, dtype=np.float32) / scale
        corners[..., 0] = corners[..., 0].clip(0, width)
        corners[..., 1] = corners[..., 1].clip(0, height)
        return list(corners)


def cut_out(pixels: Pixels, corners: Quadrilateral) -> Pixels:
    """The line at ``corners`` as an upright picture of its own."""
    import cv2

    top_left, top_right, bottom_right, bottom_left = corners
    width = round(max(_distance(top_left, top_right), _distance(bottom_left, bottom_right)))
    height = round(max(_distance(top_left, bottom_left), _distance(top_right, bottom_right)))
    width, height = max(width, 1), max(height, 1)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    crop = cv2.warpPerspective(
        pixels, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(np.rot90(crop) if height >= UPRIGHT_FROM * width else crop, dtype=np.uint8)


def _canvas(pixels: Pixels) -> tuple[Pixels, float]:
    """``pixels`` scaled to the detector's bounds and padded below or right, and the scale applied."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        height, width = pixels.shape[:2]
    shortest = -(-max(height, width) // FLATTEST_SHAPE)
    below, right = max(0, shortest - height), max(0, shortest - width)
    if below or right:
        pixels = np.pad(pixels, ((0, below), (0, right), (0, 0)))
    return pixels, scale


def _distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other))
