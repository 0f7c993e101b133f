"""The engine ``fast-alpr``: the MIT package of that name behind our seam. Optional: ``pip install 'glassplate[fast-alpr]'``.

The package brings code only. When it is first started it fetches its two networks from GitHub into the user's cache,
so that start needs the user's own network; afterwards it works without. ``version`` names the package's version and one
digest over the networks' files. What runs is what was hashed: each file is read once, its bytes are sealed in memory
(``memfd_create(2)``, so that not even this user can change them), and the package loads them from there.
States are left unknown: what the package says of regions was not measured here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import ExitStack
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassplate.errors import GlassplateError
from glassplate.plate_text import normalize
from glassplate.recognize.model_files import joint_digest
from glassplate.recognize.recognizer import PlateCandidate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

DETECTOR = "yolo-v9-s-608-license-plate-end2end"  # the pair with the best published figures
READER = "cct-s-v2-global-model"
LEAST_SCORE = 0.4  # of a found plate, as the package has it by default
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
            from open_image_models import create_detector
            from open_image_models.detection.core.hub import download_model as fetch_detector
        except ImportError as error:
            raise GlassplateError(
                f"fast-alpr is not installed ({error.name} is missing). "
                "Install it with: pip install 'glassplate[fast-alpr]'"
            ) from None
        try:
            files = [path.read_bytes() for path in (fetch_detector(DETECTOR), *fetch_reader(READER))]
        except OSError as error:
            raise GlassplateError(
                f"The networks of fast-alpr are not here and cannot be fetched ({error}). "
                "Start it once where GitHub can be reached; it keeps them in the cache of the user."
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        how = {"providers": ["CPUExecutionProvider"], "sess_options": options}
        with ExitStack() as until_loaded:
            detector, reader, reader_config = (_sealed(data, until_loaded) for data in files)
            self._alpr: Any = fast_alpr.ALPR(
                detector=create_detector(
                    detector,
                    backend="yolo_v9",
                    class_labels=("License Plate",),
                    conf_thresh=LEAST_SCORE,
                    **how,
                ),
                ocr_model=None,
                ocr_model_path=reader,
                ocr_config_path=reader_config,
                **{f"ocr_{name}": value for name, value in how.items()},
            )
        self._version = f"fast-alpr/{package_version('fast-alpr')}@{_digest(files)}"

    @property
    def version(self) -> str:
        """Package version, and one digest over its networks."""
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


def _digest(files: Iterable[bytes]) -> str:
    names = ("detector", "reader", "reader.yaml")
    return joint_digest(
        (name, hashlib.sha256(data).hexdigest()) for name, data in zip(names, files, strict=True)
    )


def _sealed(data: bytes, until: ExitStack) -> Path:
    """A file in memory that holds ``data`` and that nobody can change any more; gone when ``until`` ends."""
    descriptor = os.memfd_create("fast-alpr", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    until.callback(os.close, descriptor)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return Path(f"/proc/self/fd/{descriptor}")
