"""Read the characters of one line: PP-OCRv6's reader, its 18,710 classes narrowed to A–Z and 0–9.

Direct use of the network instead of the package's own reading, because a plate read needs one confidence and
one second choice *per character*, and because letters of other alphabets must not win over ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassplate.plate_text import ALPHABET
from glassplate.recognize.ctc import ReadCharacter, greedy
from glassplate.recognize.model_files import model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.recognizer import Pixels

NETWORK = "PP-OCRv6_rec_small"
LINE_HEIGHT = 48  # the network's input height
NARROWEST, WIDEST = 160, 480  # input widths; a plate of 8 wide characters needs about 320
LINES_AT_ONCE = 8  # bounds the memory of one pass: 8 × 60 steps × 18,710 classes × 4 bytes = 36 MB

_BLANK = 0
_COUNTED_AS_BLANK = frozenset(" -·.:•_|*~'\"–—")  # separators, bolts and rims between characters


class CharacterReader:
    """Reads crops that hold one line of text each. One thread at a time."""

    def __init__(self) -> None:
        self._session: Any = model(NETWORK).session()
        self._input_name: str = self._session.get_inputs()[0].name
        characters = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._classes = _classes_by_symbol(["", *characters, " "])

    def read(self, crops: Sequence[Pixels]) -> list[tuple[ReadCharacter, ...]]:
        """The characters of each crop, left to right; empty where none was seen."""
        lines: list[tuple[ReadCharacter, ...]] = []
        for first in range(0, len(crops), LINES_AT_ONCE):
            lines.extend(self._read_batch(crops[first : first + LINES_AT_ONCE]))
        return lines

    def _read_batch(self, crops: Sequence[Pixels]) -> list[tuple[ReadCharacter, ...]]:
        widths = [min(WIDEST, -(-LINE_HEIGHT * crop.shape[1] // crop.shape[0])) for crop in crops]
        batch = np.zeros((len(crops), 3, LINE_HEIGHT, max(NARROWEST, *widths)), dtype=np.float32)
        for index, (crop, width) in enumerate(zip(crops, widths, strict=True)):
            batch[index, :, :, :width] = _network_input(crop, width)
        (probabilities,) = self._session.run(None, {self._input_name: batch})
        return [greedy(self._narrowed(steps)) for steps in probabilities]

    def _narrowed(self, steps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Steps × 37 probabilities (blank, then the alphabet): classes that mean one symbol are summed."""
        narrowed = np.stack([steps[:, classes].sum(axis=1) for classes in self._classes], axis=1)
        total = narrowed.sum(axis=1, keepdims=True)
        return np.asarray(narrowed / np.maximum(total, np.finfo(np.float32).tiny), dtype=np.float32)


def _classes_by_symbol(characters: list[str]) -> list[npt.NDArray[np.intp]]:
    blank = [
        index
        for index, character in enumerate(characters)
        if index == _BLANK or character in _COUNTED_AS_BLANK
    ]
    symbols = [
        [index for index, one in enumerate(characters) if one.upper() == symbol] for symbol in ALPHABET
    ]
    return [np.array(classes, dtype=np.intp) for classes in (blank, *symbols)]


def _network_input(crop: Pixels, width: int) -> npt.NDArray[np.float32]:
    import cv2

    resized = cv2.resize(
        crop[:, :, ::-1], (width, LINE_HEIGHT)
    )  # the network was trained on blue, green, red
    scaled = (resized.astype(np.float32) / 255 - 0.5) / 0.5
    return np.asarray(scaled.transpose(2, 0, 1), dtype=np.float32)
