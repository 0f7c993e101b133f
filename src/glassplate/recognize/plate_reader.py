"""Read one found plate: straightened, cut into bands, read by the own network, the bands' votes added up.

The bands cut the state name, the slogan and the frame away, each a little more than the one before; what the
plate says is the text that all of them together find likeliest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from glassplate.plate_text import is_plausible
from glassplate.recognize.ctc import Probabilities, ReadCharacter, greedy, log_likelihood
from glassplate.recognize.model_files import model

if TYPE_CHECKING:
    from glassplate.recognize.plate_detector import FoundPlate
    from glassplate.recognize.recognizer import Corners, Pixels

HEIGHT, WIDTH = 48, 192  # the network's input
FLAT_FROM = 3.2  # width by height from which a plate has no words above and below its characters
BANDS = (
    (0.07, 0.95),
    (-0.06, 1.06),
    (0.16, 0.90),
)  # top and bottom, in plate heights; the most telling first
FLAT_BANDS = ((-0.08, 1.08), (0.0, 1.0))
WORTH_READING_FROM = (
    0.4  # confidence in the first band under which a box holds no plate: lamps, badges, grilles
)
FEWEST_CHARACTERS = 3
TWO_LINES_BELOW = (
    1.6  # width by height under which a plate may have its characters in two lines (motorcycles)
)
LINES = ((0.02, 0.53), (0.47, 0.98))
SURE_FROM = 0.9  # confidence from which a reading is not looked at again
AGREEING = 2  # bands that read the same text, the last one surely, are enough
MARGIN_ACROSS = (
    0.08  # of the width, on both sides: a box that cuts the first or last character costs the plate
)

_IMPLAUSIBLE = -3.0  # in log likelihood a band: what no plate says must be much likelier to win


@dataclass(frozen=True, slots=True)
class PlateText:
    """What a plate says. ``others``: what else a band read and how sure it was, the likeliest first."""

    characters: tuple[ReadCharacter, ...] = field(repr=False)
    others: tuple[tuple[str, float], ...] = field(repr=False)

    @property
    def text(self) -> str:
        """A–Z and 0–9 as read."""
        return text_of(self.characters)

    @property
    def confidence(self) -> float:
        """Half the mean and half the least of the characters."""
        return confidence_of(self.characters)


class PlateNetwork:
    """The plate reader's network: pictures of one line in, probabilities a step out. One thread at a time."""

    def __init__(self) -> None:
        self._session = model("plate-reader").session()

    def steps(self, bands: list[npt.NDArray[np.uint8]]) -> list[Probabilities]:
        """For each band (RGB, ``HEIGHT`` × one width for all), width / 8 steps × 37 probabilities."""
        blue_first = np.stack(bands)[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        logits = self._session.run(None, {"x": np.ascontiguousarray((blue_first / 255 - 0.5) / 0.5)})[0]
        likely = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return [np.asarray(one / one.sum(axis=-1, keepdims=True), dtype=np.float32) for one in likely]


class PlateReader:
    """Reads plates that were found. One thread at a time."""

    def __init__(self, network: PlateNetwork) -> None:
        self._network = network

    def read(self, pixels: Pixels, plate: FoundPlate) -> PlateText | None:
        """The plate's text, or None where no band shows a character."""
        across, along = sides_of(plate.corners)
        if across > FLAT_FROM * along:
            return self._one_line(pixels, plate, FLAT_BANDS)
        one = self._one_line(pixels, plate, BANDS)
        if across > TWO_LINES_BELOW * along or (one is not None and one.confidence >= SURE_FROM):
            return one
        two = self._two_lines(pixels, plate)
        found = [one for one in (one, two) if one is not None]
        return max(found, key=lambda read: (is_plausible(read.text), read.confidence), default=None)

    def _one_line(
        self, pixels: Pixels, plate: FoundPlate, spans: tuple[tuple[float, float], ...]
    ) -> PlateText | None:
        steps: list[Probabilities] = []
        by_text: dict[str, list[tuple[ReadCharacter, ...]]] = {}
        for band in bands_of(pixels, plate.corners, spans):
            steps += self._network.steps([band])
            read = greedy(steps[-1])
            if len(steps) == 1 and (
                confidence_of(read) < WORTH_READING_FROM or len(read) < FEWEST_CHARACTERS
            ):
                return None
            by_text.setdefault(text_of(read), []).append(read)
            if len(by_text[text_of(read)]) == AGREEING and confidence_of(read) >= SURE_FROM:
                break
        by_text.pop("", None)
        best, *others = sorted(by_text, key=lambda text: (-score(text, steps), text))
        weaker = tuple((text, max(confidence_of(one) for one in by_text[text])) for text in others)
        return PlateText(_mean(by_text[best]), weaker)

    def _two_lines(self, pixels: Pixels, plate: FoundPlate) -> PlateText | None:
        upper, lower = map(greedy, self._network.steps(bands_of(pixels, plate.corners, LINES)))
        return PlateText(upper + lower, ()) if upper and lower else None


def score(text: str, steps: list[Probabilities]) -> float:
    """How likely all bands together find ``text``; what cannot be a plate has a handicap."""
    handicap = 0.0 if is_plausible(text) else _IMPLAUSIBLE
    return sum(max(log_likelihood(one, text), -20.0) + handicap for one in steps)


def bands_of(
    pixels: Pixels, corners_of_plate: Corners, spans: tuple[tuple[float, float], ...], width: int = WIDTH
) -> list[npt.NDArray[np.uint8]]:
    """The plate straightened by its corners, one ``HEIGHT`` × ``width`` picture a span (top, bottom)."""
    import cv2

    corners = np.array(corners_of_plate, np.float32)
    across, along = sides_of(corners_of_plate)
    bands = []
    for top, bottom in spans:
        source = _part(corners, top, bottom)
        seen = (max(8, round(across)), max(4, round(along * (bottom - top))))
        target = np.array([[0, 0], [seen[0], 0], [seen[0], seen[1]], [0, seen[1]]], np.float32)
        warp = cv2.getPerspectiveTransform(source, target)
        flat = cv2.warpPerspective(
            pixels, warp, seen, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        how = cv2.INTER_AREA if seen[0] > width else cv2.INTER_LINEAR
        bands.append(np.asarray(cv2.resize(flat, (width, HEIGHT), interpolation=how), dtype=np.uint8))
    return bands


def sides_of(corners_of_plate: Corners) -> tuple[float, float]:
    """Mean width and mean height by the corners, in pixels."""
    corners = np.array(corners_of_plate, np.float32)
    across = np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])
    along = np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])
    return float(across) / 2, float(along) / 2


def _part(corners: npt.NDArray[np.float32], top: float, bottom: float) -> npt.NDArray[np.float32]:
    """Corners of the band from ``top`` to ``bottom`` (0 = upper rim, 1 = lower rim), a little wider."""
    top_left, top_right, bottom_right, bottom_left = corners
    left, right = bottom_left - top_left, bottom_right - top_right
    rows = np.array(
        [top_left + left * top, top_right + right * top, top_right + right * bottom, top_left + left * bottom]
    )
    upper, lower = (rows[1] - rows[0]) * MARGIN_ACROSS, (rows[2] - rows[3]) * MARGIN_ACROSS
    return np.asarray(rows + np.array([-upper, upper, lower, -lower]), dtype=np.float32)


def text_of(characters: tuple[ReadCharacter, ...]) -> str:
    """The characters as one word."""
    return "".join(one.character for one in characters)


def confidence_of(characters: tuple[ReadCharacter, ...]) -> float:
    """Half the mean and half the least, 0 where there is none."""
    values = [one.confidence for one in characters] or [0.0]
    return sum(values) / len(values) / 2 + min(values) / 2


def _mean(readings: list[tuple[ReadCharacter, ...]]) -> tuple[ReadCharacter, ...]:
    """Readings of one text as one: mean confidence, the likeliest second choice."""
    joined = []
    for same in zip(*readings, strict=True):
        second = max(same, key=lambda one: one.second_confidence)
        mean = sum(one.confidence for one in same) / len(same)
        joined.append(ReadCharacter(same[0].character, mean, second.second, second.second_confidence))
    return tuple(joined)
