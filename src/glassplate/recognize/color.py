"""A vehicle's color, by clustering its paint's pixels in CIE LAB. Nothing at night or in infrared light.

Seven names can be told apart, and the first of them is often wrong where the first or second is right: so every
name has its share of the votes. Neutral colors depend on the exposure; "silver or gray" is one name for that reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

WHITE, BLACK, SILVER, RED = "white", "black", "silver or gray", "red"
GREEN, BLUE, YELLOW = "green", "blue", "yellow or beige"
NAMES = (WHITE, SILVER, BLACK, RED, GREEN, BLUE, YELLOW)
"""Red holds orange; yellow or beige holds brown."""

SAMPLED_PIXELS = 4000  # of each region; half as many change the first name of 5 in 79 vehicles
FEWEST_PIXELS = 50
CLUSTERS, ITERATIONS = 5, 30

# No color is named where it is too dark, where nothing has any (an infrared camera's picture), or where the light has one
LEAST_LIGHT = 25.0  # mean of L over the frame; lamps alone make highlights at night
DARKEST_HIGHLIGHTS = 45.0  # 95th percentile of L
LEAST_CHROMA = 1.5  # 95th percentile of chroma
STRONGEST_CAST = (
    10.0  # length of the mean (a, b) around the vehicle: a close one in strong red is no red light
)
FEWEST_AROUND = 400  # sampled pixels; of a vehicle that fills the frame the whole frame is taken
FRAME_PIXELS = 8000

_FULL_EXPOSURE = 88.0
_LEAST_GAIN, _MOST_GAIN = 0.85, 1.5
_DARK, _COLORLESS = 28.0, 12.0  # tires, glass and shadow: half a vote

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ColorVote:
    """A color's name and its share of the votes, in 0–1."""

    name: str
    confidence: float


def color_votes(pixels: Pixels, vehicle: FrameBox, plate: FrameBox) -> tuple[ColorVote, ...]:
    """Every name with a vote, the likeliest first; empty where the light allows no name.

    ``pixels``: the frame before anything in it was redacted. The same arguments give the same votes.
    """
    frame = _lab(_sample(pixels.reshape(-1, 3), FRAME_PIXELS))
    around = _lab(_around(pixels, vehicle))
    if not _shows_colors(frame, around if len(around) >= FEWEST_AROUND else frame):
        return ()
    brightest = float(np.percentile(frame[:, 0], 95))
    gain = min(_MOST_GAIN, max(_LEAST_GAIN, _FULL_EXPOSURE / brightest))
    votes = dict.fromkeys(NAMES, 0.0)
    for region in _regions(pixels, vehicle, plate):
        for name, weight in _region_votes(_lab(_sample(region, SAMPLED_PIXELS)), gain):
            votes[name] += weight
    total = sum(votes.values())
    if not total:
        return ()
    ranked = sorted(votes.items(), key=lambda one: -one[1])
    return tuple(ColorVote(name, round(vote / total, 4)) for name, vote in ranked if vote)


def _around(pixels: Pixels, vehicle: FrameBox) -> Pixels:
    """Pixels evenly from all over the frame, without those of the vehicle."""
    height, width = pixels.shape[:2]
    step = max(1, math.isqrt(height * width // FRAME_PIXELS))
    rows, columns = np.ogrid[0:height:step, 0:width:step]
    x, y, across, along = vehicle
    on_vehicle = (columns >= x) & (columns < x + across) & (rows >= y) & (rows < y + along)
    return pixels[::step, ::step][~on_vehicle]


def _shows_colors(frame: Floats, around: Floats) -> bool:
    """Whether the light lets a color be named: bright enough, with some color in it, and not colored itself."""
    chroma = np.hypot(frame[:, 1], frame[:, 2])
    return (
        float(frame[:, 0].mean()) >= LEAST_LIGHT
        and float(np.percentile(frame[:, 0], 95)) >= DARKEST_HIGHLIGHTS
        and float(np.percentile(chroma, 95)) >= LEAST_CHROMA
        and math.hypot(float(around[:, 1].mean()), float(around[:, 2].mean())) <= STRONGEST_CAST
    )


def _regions(pixels: Pixels, vehicle: FrameBox, plate: FrameBox) -> Iterator[Pixels]:
    """Pixels of the lower body, and of the panel around the plate; without the plate itself."""
    x, y, width, height = vehicle
    lower = (x + 0.08 * width, y + 0.45 * height, x + 0.92 * width, y + 0.88 * height)
    middle = plate[0] + plate[2] / 2
    panel = (
        middle - 1.6 * plate[2],
        plate[1] - 4.0 * plate[3],
        middle + 1.6 * plate[2],
        plate[1] + plate[3] + 2.2 * plate[3],
    )
    below = _without(pixels, lower, plate)
    around = _without(pixels, panel, plate)
    yield below
    yield around if len(around) >= FEWEST_PIXELS else below


def _without(pixels: Pixels, region: tuple[float, float, float, float], plate: FrameBox) -> Pixels:
    height, width = pixels.shape[:2]
    left, right = (min(width, max(0, round(one))) for one in (region[0], region[2]))
    top, bottom = (min(height, max(0, round(one))) for one in (region[1], region[3]))
    step = max(1, math.isqrt(max(0, right - left) * max(0, bottom - top) // (4 * SAMPLED_PIXELS)))
    rows, columns = np.ogrid[top:bottom:step, left:right:step]
    grown_x, grown_y = plate[2] * 0.25, plate[3] * 0.25
    on_plate = (
        (columns >= plate[0] - grown_x)
        & (columns <= plate[0] + plate[2] + grown_x)
        & (rows >= plate[1] - grown_y)
        & (rows <= plate[1] + plate[3] + grown_y)
    )
    return pixels[top:bottom:step, left:right:step][~on_plate]


def _sample(pixels: Pixels, most: int) -> Pixels:
    return pixels[:: max(1, -(-len(pixels) // most))]


def _lab(pixels: Pixels) -> Floats:
    """L in 0–100, a and b of each of n pixels."""
    import cv2

    if not len(pixels):
        return np.zeros((0, 3), dtype=np.float32)
    scaled = np.asarray(pixels, dtype=np.float32)[None] / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab)[0], dtype=np.float32)


def _region_votes(region: Floats, gain: float) -> Iterator[tuple[str, float]]:
    import cv2

    if len(region) < FEWEST_PIXELS:
        return
    region = region * np.array([gain, 1, 1], dtype=np.float32)
    # The start decides the end: clusters begin as fifths of the pixels by lightness, not by chance.
    start = (np.argsort(np.argsort(region[:, 0], kind="stable")) * CLUSTERS // len(region)).astype(np.int32)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, ITERATIONS, 0.0)
    _, ends, centers = cv2.kmeans(
        region, CLUSTERS, start.reshape(-1, 1), criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS
    )
    shares = np.bincount(np.asarray(ends, dtype=np.int64).ravel(), minlength=CLUSTERS) / len(region)
    for (lightness, a, b), share in zip(centers.tolist(), shares.tolist(), strict=True):
        chroma = math.hypot(a, b)
        weight = share * (0.5 if lightness < _DARK and chroma < _COLORLESS else 1.0)
        yield _name(lightness, a, b), weight * (1 + 0.5 * min(30.0, max(0.0, chroma - _COLORLESS)) / 30)


def _name(lightness: float, a: float, b: float) -> str:
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    if chroma > _COLORLESS:
        return _colored(lightness, chroma, hue)
    if 55 < hue < 115 and chroma > 6 and lightness > 45:  # noqa: PLR2004 - bounds of names in LAB
        return YELLOW
    if lightness < _DARK:
        return BLACK
    return SILVER if lightness < 72 else WHITE  # noqa: PLR2004


def _colored(lightness: float, chroma: float, hue: float) -> str:
    """Bounds of names in LAB: hue in degrees; bright, strong hues between red and yellow are orange."""
    if hue < 40 or hue >= 330:  # noqa: PLR2004
        return RED
    if hue < 70:  # noqa: PLR2004
        return RED if chroma > 45 and lightness > 45 else YELLOW  # noqa: PLR2004
    if hue < 110:  # noqa: PLR2004
        return YELLOW
    return GREEN if hue < 225 else BLUE  # noqa: PLR2004
