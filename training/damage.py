"""What light, distance, lens and compression do to a picture of a plate. All in place of, never beside, the truth."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]


def light(picture: Picture, rng: np.random.Generator) -> Picture:
    """Contrast, brightness, color cast, a shadow's edge, glare; gray in one of five."""
    height, width = picture.shape[:2]
    mean = picture.mean()
    picture = (picture - mean) * rng.uniform(0.35, 1.25) + mean + rng.uniform(-60, 45)
    picture = picture * rng.normal(1, 0.06, 3).astype(np.float32)
    if rng.random() < 0.3:
        a, b, c = rng.normal(0, 1, 3)
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        side = (a * xs / width + b * ys / height + c * 0.3) > 0
        picture = picture * np.where(side, 1.0, rng.uniform(0.35, 0.85)).astype(np.float32)[..., None]
    if rng.random() < 0.12:
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        spot = np.exp(
            -(
                ((xs - rng.uniform(0, width)) / (width * 0.3)) ** 2
                + ((ys - rng.uniform(0, height)) / (height * 0.6)) ** 2
            )
        )
        picture = picture + spot[..., None] * rng.uniform(30, 140)
    if rng.random() < 0.2:
        picture = np.repeat(picture.mean(2, keepdims=True), 3, 2)
    return picture


def dirt(picture: Picture, rng: np.random.Generator) -> Picture:
    """Mud and scratches on one plate in seven."""
    if rng.random() > 0.15:
        return picture
    height, width = picture.shape[:2]
    noise = cv2.resize(
        rng.normal(0, 1, (6, 14)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    mask = np.clip(noise - rng.uniform(0.8, 1.8), 0, 1)[..., None] * rng.uniform(0.2, 0.7)
    return picture * (1 - mask) + rng.uniform(40, 170, 3).astype(np.float32) * mask


def lens(picture: Picture, rng: np.random.Generator, strength: float = 1.0) -> Picture:
    """Motion or focus blur in pixels of the picture as it is, then noise."""
    kind = rng.random()
    if kind < 0.25:
        length = int(rng.integers(2, 2 + max(2, round(5 * strength))))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.normal(0, 0.5)
        center = (length - 1) / 2
        dx, dy = np.cos(angle) * center, np.sin(angle) * center
        cv2.line(
            kernel, (round(center - dx), round(center - dy)), (round(center + dx), round(center + dy)), 1.0, 1
        )
        picture = cv2.filter2D(picture, -1, kernel / max(kernel.sum(), 1e-6))
    elif kind < 0.65:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.3 * strength))
    if rng.random() < 0.15:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
        picture = picture + (picture - soft) * rng.uniform(0.3, 1.5)
    return picture + rng.normal(0, abs(rng.normal(0, 7)), picture.shape).astype(np.float32)


def compress(picture: Picture, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Eight bits, and JPEG in six of ten."""
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return pixels
