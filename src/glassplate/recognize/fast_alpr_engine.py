"""The engine ``fast-alpr``: the MIT package of that name behind our seam. Optional: ``pip install 'glassplate[fast-alpr]'``.

The package brings code only. When it is first started it fetches its two networks from GitHub into the user's cache,
so that start needs the user's own network; afterwards it works without. ``version`` names the package's version and
the hashes of the cached files. They are hashed *before* the package opens them: an exchanged file shows at the next
start, but an exchange between the two moments cannot be excluded, as it is for our own networks (``ModelFile``).
States are left unknown: what the package says of regions was not measured here.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Any

import numpy as np

from glassplate.errors import GlassplateError
from glassplate.plate_text import normalize
from glassplate.recognize.recognizer import PlateCandidate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

DETECTOR = "yolo-v9-s-608-license-plate-end2end"  # the pair with the best published figures
READER = "cct-s-v2-global-model"
_SHOWN_DIGITS = 12
_LONGEST_TEXT = 16


class FastAlprRecognizer:
    """``Recognizer`` by fast-alpr. See the module for what its version can promise."""

    def __init__(self) -> None:
        """Load the networks, from the user's network the first time.

        Raises:
            GlassplateError: the package is not installed, or a network cannot be fetched.
        """
        try:
            import fast_alpr
            import onnxruntime
            from fast_plate_ocr.inference.hub import download_model as fetch_reader
            from open_image_models.detection.core.hub import download_model as fetch_detector
        except ImportError as error:
            raise GlassplateError(
                f"fast-alpr is not installed ({error.name} is missing). "
                "Install it with: pip install 'glassplate[fast-alpr]'"
            ) from None
        try:
            detector_hash = _hash([fetch_detector(DETECTOR)])
            reader_hash = _hash(fetch_reader(READER))
        except OSError as error:
            raise GlassplateError(
                f"The networks of fast-alpr are not here and cannot be fetched ({error}). "
                "Start it once where GitHub can be reached; it keeps them in the cache of the user."
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        self._alpr: Any = fast_alpr.ALPR(
            detector_model=DETECTOR,
            detector_providers=["CPUExecutionProvider"],
            detector_sess_options=options,
            ocr_model=READER,
            ocr_providers=["CPUExecutionProvider"],
            ocr_sess_options=options,
        )
        self._version = (
            f"fast-alpr/{package_version('fast-alpr')} yolo-v9-s-608@{detector_hash} cct-s-v2@{reader_hash}"
        )

    @property
    def version(self) -> str:
        """Package version, and networks by the first digits of their hashes."""
        return self._version

    def read(self, pixels: Pixels) -> list[PlateCandidate]:
        """Every plate, the surest first; see ``Recognizer``."""
        results = self._alpr.predict(np.ascontiguousarray(pixels[:, :, ::-1]))
        height, width = pixels.shape[:2]
        found = [_candidate(result, width, height) for result in results if result.ocr is not None]
        return sorted((one for one in found if one is not None), key=lambda one: -one.confidence)


def _candidate(result: Any, frame_width: int, frame_height: int) -> PlateCandidate | None:
    """The package's result as ours; None where nothing is left of its text or box."""
    box = _box(result.detection.bounding_box, frame_width, frame_height)
    text, confidence = result.ocr.text, result.ocr.confidence
    each = list(confidence) if isinstance(confidence, list) else [confidence] * len(text)
    # the package drops padding from the text's end but keeps its confidences, hence not strict
    read = [(normalize(one), sure) for one, sure in zip(text, each, strict=False)]
    kept = [(one, sure) for one, sure in read if one][:_LONGEST_TEXT]
    if not kept or box is None:
        return None
    return PlateCandidate(
        text="".join(one for one, _ in kept),
        character_confidences=tuple(round(min(1.0, max(0.0, float(sure))), 4) for _, sure in kept),
        box=box,
    )


def _box(found: Any, frame_width: int, frame_height: int) -> FrameBox | None:
    left, top = max(0, int(found.x1)), max(0, int(found.y1))
    right, bottom = min(frame_width, int(found.x2)), min(frame_height, int(found.y2))
    if right <= left or bottom <= top:
        return None
    return left, top, right - left, bottom - top


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_SHOWN_DIGITS]
