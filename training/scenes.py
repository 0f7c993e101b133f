"""Training windows of the plate detector: real dash-camera scenes, invented plates pasted in, and what is no plate.

Real plates are those of RobertLucian/license-plate-dataset (MIT); their boxes have no corners. Pasted plates have
both. Pasted *negatives* (words, dates burnt in by a camera, signs, grilles, lamps, empty rectangles) carry no box.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from damage import lens
from plate_designs import WORDS, designs
from plate_fonts import Fonts
from plates import PlateRenderer

WINDOW = (192, 256)  # height, width
STRIDE = 8
POOL = 2500

Gray = npt.NDArray[np.float32]


@dataclass
class Photo:
    gray: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float32]
    """n × 4: left, top, right, bottom."""


def photos(folder: Path, split: str) -> list[Photo]:
    """The dash-camera photos of one split, as gray pixels."""
    rows: dict[str, list[list[float]]] = {}
    with (folder / "boxes.csv").open() as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                x, y, w, h = (float(row[one]) for one in "xywh")
                rows.setdefault(row["image"], []).append([x, y, x + w, y + h])
    return [
        Photo(cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE), np.array(boxes, np.float32))
        for name, boxes in sorted(rows.items())
    ]


class Windows:
    """Endless windows. ``make`` gives gray pixels, boxes (n×4) and corners (n×8, NaN where unknown)."""

    def __init__(self, scenes: list[Photo], fonts: Path, regions: Path, seed: int, pool: int = POOL) -> None:
        self.rng = np.random.default_rng(seed)
        self.scenes = scenes
        self.fonts = Fonts(fonts)
        renderer = PlateRenderer(self.fonts, designs(regions) if regions.exists() else [], self.rng)
        self.pool: list[npt.NDArray[np.uint8]] = []
        for at in range(pool):
            plate = renderer.two_line_plate() if at % 12 == 0 else renderer.render()
            self.pool.append(
                np.clip(plate.canvas @ np.array([0.299, 0.587, 0.114], np.float32), 0, 255).astype(np.uint8)
            )

    def make(self) -> tuple[Gray, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        rng = self.rng
        picture, boxes = self._place()
        corners = np.full((len(boxes), 8), np.nan, np.float32)
        taken = [box.copy() for box in boxes]
        for _ in range(int(rng.choice([0, 1, 1, 2, 3], p=[0.2, 0.25, 0.15, 0.25, 0.15]))):
            self._negative(picture, taken)
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.2, 0.4, 0.3, 0.1]))):
            pasted = self._plate(picture, taken)
            if pasted is not None:
                boxes = np.concatenate([boxes, pasted[0][None]])
                corners = np.concatenate([corners, pasted[1][None]])
        if rng.random() < 0.5:
            picture, boxes, corners = _mirrored(picture, boxes, corners)
        mean = picture.mean()
        if rng.random() < 0.3:  # the scenes are dusk and night; streets by day are brighter
            picture = 255 * (picture.clip(0, 255) / 255) ** rng.uniform(0.35, 0.9)
            mean = picture.mean()
        picture = (picture - mean) * rng.uniform(0.5, 1.3) + mean + rng.uniform(-40, 40)
        if rng.random() < 0.25:
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3))
        picture = picture + rng.normal(0, rng.uniform(0, 8), picture.shape).astype(np.float32)
        if not np.isfinite(picture).all():
            return self.make()  # a warp through a point at infinity, once in ten thousand
        return np.clip(picture, 0, 255), boxes, corners

    def _place(self) -> tuple[Gray, npt.NDArray[np.float32]]:
        """A part of a real photo at some scale."""
        rng = self.rng
        photo = self.scenes[rng.integers(len(self.scenes))]
        height, width = WINDOW
        if rng.random() < 0.6:
            left, top, right, bottom = photo.boxes[rng.integers(len(photo.boxes))]
            scale = float(np.exp(rng.uniform(np.log(16), np.log(120)))) / (right - left)
            x = (left + right) / 2 * scale - rng.uniform(0.12, 0.88) * width
            y = (top + bottom) / 2 * scale - rng.uniform(0.12, 0.88) * height
        else:
            scale = float(np.exp(rng.uniform(np.log(0.2), np.log(1.6))))
            x = rng.uniform(0, max(1.0, photo.gray.shape[1] * scale - width))
            y = rng.uniform(0, max(1.0, photo.gray.shape[0] * scale - height))
        matrix = np.array([[scale, 0, -x], [0, scale, -y]], np.float32)
        source, factor = photo.gray, scale
        if scale < 0.6:
            source = cv2.resize(photo.gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        picture = cv2.warpAffine(
            source,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=int(rng.integers(0, 255)),
        ).astype(np.float32)
        boxes = photo.boxes * factor - np.array([x, y, x, y], np.float32)
        inside = (np.minimum(boxes[:, 2], width) - np.maximum(boxes[:, 0], 0)) * (
            np.minimum(boxes[:, 3], height) - np.maximum(boxes[:, 1], 0)
        ).clip(0)
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        for box, share in zip(boxes, inside / area, strict=True):
            if 0 < share < 0.6:  # half a plate is neither: take it out
                left, top = (int(v) for v in (max(0, box[0] - 3), max(0, box[1] - 3)))
                right, bottom = (int(v) for v in (min(width, box[2] + 4), min(height, box[3] + 4)))
                if right > left and bottom > top:
                    tone = picture[top:bottom, left:right].mean()
                    picture[top:bottom, left:right] = tone + rng.normal(0, 6, (bottom - top, right - left))
        return picture, boxes[inside / area >= 0.6]

    def _free(
        self, box: npt.NDArray[np.float32], taken: list[npt.NDArray[np.float32]], gap: float = 4
    ) -> bool:
        return all(
            box[2] + gap < one[0] or one[2] + gap < box[0] or box[3] + gap < one[1] or one[3] + gap < box[1]
            for one in taken
        )

    def _plate(
        self, picture: Gray, taken: list[npt.NDArray[np.float32]]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
        rng = self.rng
        canvas = self.pool[rng.integers(len(self.pool))].astype(np.float32)
        height, width = canvas.shape
        seen = float(np.exp(rng.uniform(np.log(17), np.log(150))))
        ratio = height / width * rng.uniform(0.8, 1.15)
        half = np.array([[-1, -ratio], [1, -ratio], [1, ratio], [-1, ratio]], np.float32) * seen / 2
        angle = rng.normal(0, 0.05 if rng.random() < 0.7 else 0.14)
        turn = np.array(
            [
                [np.cos(angle), -np.sin(angle) + rng.normal(0, 0.05)],
                [np.sin(angle) + rng.normal(0, 0.05), np.cos(angle)],
            ],
            np.float32,
        )
        corners = half @ turn.T + rng.normal(0, 0.025, (4, 2)).astype(np.float32) * seen * np.array(
            [1, 0.5], np.float32
        )
        corners += np.array(
            [rng.uniform(0.05, 0.95) * picture.shape[1], rng.uniform(0.05, 0.95) * picture.shape[0]],
            np.float32,
        )
        box = np.concatenate([corners.min(0), corners.max(0)])
        if (
            box[0] < -0.2 * seen
            or box[2] > picture.shape[1] + 0.2 * seen
            or box[1] < 0
            or box[3] > picture.shape[0]
            or not self._free(box, taken)
        ):
            return None
        shrink = seen / width
        if shrink < 0.8:
            canvas = cv2.GaussianBlur(canvas, (0, 0), 0.42 / shrink)
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        warp = cv2.getPerspectiveTransform(source, corners)
        size = (picture.shape[1], picture.shape[0])
        around = cv2.warpPerspective(np.ones_like(canvas), warp, size, flags=cv2.INTER_LINEAR)
        around = cv2.GaussianBlur(around, (3, 3), 0)
        gain = rng.uniform(0.45, 1.2) if rng.random() < 0.9 else rng.uniform(1.2, 1.8)
        light = picture.mean() / 128 if rng.random() < 0.5 else 1.0
        drawn = cv2.warpPerspective(
            canvas, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ) * gain * np.clip(light, 0.4, 1.3) + rng.uniform(-20, 20)
        if rng.random() < 0.5:
            drawn = lens(drawn, rng, 0.8)
        if rng.random() < 0.3:  # the shadow of the bumper or of a recess around it
            shade = cv2.GaussianBlur(cv2.dilate(around, np.ones((5, 5), np.uint8)), (0, 0), 3)
            picture *= 1 - shade * rng.uniform(0.1, 0.6)
        if rng.random() < 0.06:  # night glare
            picture += cv2.GaussianBlur(around, (0, 0), seen * 0.15) * rng.uniform(30, 120)
        picture[:] = picture * (1 - around) + drawn * around
        taken.append(box)
        return box, corners.reshape(8)

    # --- what is no plate -----------------------------------------------------------------------------------

    def _negative(self, picture: Gray, taken: list[npt.NDArray[np.float32]]) -> None:
        rng = self.rng
        height, width = picture.shape
        w = float(np.exp(rng.uniform(np.log(20), np.log(180))))
        h = w * rng.uniform(0.15, 0.8)
        left, top = rng.uniform(-0.1 * w, width - 0.9 * w), rng.uniform(-0.1 * h, height - 0.9 * h)
        box = np.array([left, top, left + w, top + h], np.float32)
        if not self._free(box, taken):
            return
        kinds = (
            self._words,
            self._date,
            self._sign,
            self._grille,
            self._lamp,
            self._lamp,
            self._empty,
            self._badge,
            self._badge,
        )
        kinds[rng.integers(len(kinds))](picture, box)
        taken.append(box)

    def _area(self, picture: Gray, box: npt.NDArray[np.float32]) -> Gray:
        left, top, right, bottom = (max(0, round(float(v))) for v in box)
        return picture[top:bottom, left:right]

    def _lay(
        self, picture: Gray, box: npt.NDArray[np.float32], text: str, tone: float, share: float = 1.0
    ) -> None:
        area = self._area(picture, box)
        if area.shape[0] < 5 or area.shape[1] < 5:
            return
        mask = self.fonts.word(int(self.rng.integers(len(self.fonts.paths))), text)
        mask = cv2.resize(
            mask, (area.shape[1], max(3, round(area.shape[0] * share))), interpolation=cv2.INTER_AREA
        )
        top = (area.shape[0] - mask.shape[0]) // 2
        part = area[top : top + mask.shape[0]]
        part[:] = part * (1 - mask) + tone * mask

    def _words(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """Letters straight on the body or a window: a make, a slogan, a dealer's name."""
        rng = self.rng
        words = " ".join(WORDS[rng.integers(len(WORDS))] for _ in range(rng.integers(1, 4)))
        box = box.copy()
        box[3] = min(box[3], box[1] + (box[2] - box[0]) * rng.uniform(0.08, 0.3))
        self._lay(picture, box, words if rng.random() < 0.6 else words.title(), rng.uniform(0, 255))

    def _date(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """What cameras burn in: date, time, name, on the picture itself."""
        rng = self.rng
        a, b, c = rng.integers(1, 13), rng.integers(1, 32), rng.integers(0, 60)
        text = [
            f"20{b % 25:02}-{a:02}-{b:02} {a:02}:{c:02}:{b:02}",
            f"{a:02}/{b:02}/20{c % 25:02}",
            f"{a:02}:{c:02}:{b:02} PM",
            f"CAM {a}",
            f"20{c % 25:02}/{a:02}/{b:02}",
        ][rng.integers(5)]
        box = box.copy()
        box[3] = min(box[3], box[1] + (box[2] - box[0]) * rng.uniform(0.08, 0.22))
        tone = rng.choice([0.0, 255.0, 230.0])
        if rng.random() < 0.4:
            self._area(picture, box)[:] = 255 - tone
        self._lay(picture, box, text, tone, 0.8)

    def _sign(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """A board with words in several lines, or a sticker."""
        rng = self.rng
        area = self._area(picture, box)
        if area.shape[0] < 8:
            return
        ground = rng.uniform(0, 255)
        area[:] = area * 0.1 + ground * 0.9
        lines = int(rng.integers(2, 5))
        ink = 255 - ground + rng.uniform(-30, 30)
        step = (box[3] - box[1]) / lines
        for line in range(lines):
            inner = np.array(
                [
                    box[0] + (box[2] - box[0]) * rng.uniform(0.05, 0.25),
                    box[1] + step * (line + 0.1),
                    box[2] - (box[2] - box[0]) * rng.uniform(0.05, 0.25),
                    box[1] + step * (line + 0.9),
                ],
                np.float32,
            )
            self._lay(
                picture,
                inner,
                " ".join(WORDS[rng.integers(len(WORDS))] for _ in range(rng.integers(1, 3))),
                ink,
                rng.uniform(0.4, 0.9),
            )

    def _grille(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """Bars, vents and windows of houses: strong edges in a regular order."""
        rng = self.rng
        area = self._area(picture, box)
        if area.size == 0:
            return
        pitch = rng.uniform(2.5, 12)
        ys, xs = np.mgrid[0 : area.shape[0], 0 : area.shape[1]].astype(np.float32)
        wave = np.sin(2 * np.pi * (ys if rng.random() < 0.4 else xs) / pitch)
        if rng.random() < 0.3:
            wave = wave * np.sin(2 * np.pi * ys / (pitch * rng.uniform(0.6, 2)))
        area[:] = area * 0.3 + 0.7 * (rng.uniform(30, 200) + rng.uniform(20, 90) * np.sign(wave))

    def _lamp(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """A head or tail lamp: an oval or a box with a rim and one to three bright or dark discs in it."""
        rng = self.rng
        center, axes = _ellipse(box)
        tone = float(rng.uniform(0, 255))
        if rng.random() < 0.6:
            cv2.ellipse(picture, center, axes, float(rng.normal(0, 12)), 0, 360, tone, -1, cv2.LINE_AA)
        else:
            bend = rng.normal(0, 0.12, (4, 2)) * (axes[0], axes[1])
            points = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * axes + center + bend
            cv2.fillConvexPoly(picture, points.astype(np.int32), tone, cv2.LINE_AA)
        count = int(rng.integers(0, 4))
        for at in range(count):
            middle = (round(center[0] + axes[0] * ((at + 0.5) / count * 1.6 - 0.8)), center[1])
            radius = max(2, round(min(axes[1] * rng.uniform(0.4, 0.9), axes[0] / count * 0.7)))
            cv2.circle(picture, middle, radius, float(rng.uniform(0, 255)), -1, cv2.LINE_AA)
            cv2.circle(picture, middle, radius, float(rng.uniform(0, 255)), max(1, radius // 5), cv2.LINE_AA)
        cv2.ellipse(
            picture, center, axes, 0, 0, 360, float(rng.uniform(0, 255)), int(rng.integers(1, 4)), cv2.LINE_AA
        )
        area = self._area(picture, box)
        if area.size and rng.random() < 0.5:
            area += rng.normal(0, rng.uniform(2, 25), area.shape)
            area[:] = cv2.GaussianBlur(np.ascontiguousarray(area), (0, 0), rng.uniform(0.5, 2.0))

    def _badge(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """A maker's sign: a ring or an oval with a word, a letter or a few strokes."""
        rng = self.rng
        if rng.random() < 0.6:
            box = box.copy()
            box[2] = box[0] + (box[2] - box[0]) * rng.uniform(0.25, 0.7)
        center, axes = _ellipse(box)
        ground, ink = float(rng.uniform(0, 255)), float(rng.uniform(0, 255))
        if rng.random() < 0.8:
            cv2.ellipse(picture, center, axes, 0, 0, 360, ground, -1, cv2.LINE_AA)
        cv2.ellipse(picture, center, axes, 0, 0, 360, ink, max(1, axes[1] // 6), cv2.LINE_AA)
        inner = np.array(
            [
                center[0] - axes[0] * 0.75,
                center[1] - axes[1] * 0.6,
                center[0] + axes[0] * 0.75,
                center[1] + axes[1] * 0.6,
            ],
            np.float32,
        )
        if rng.random() < 0.6:
            text = (
                WORDS[rng.integers(len(WORDS))].title() if rng.random() < 0.6 else "HVTWMXAL"[rng.integers(8)]
            )
            self._lay(picture, inner, text, ink)
        else:
            for _ in range(int(rng.integers(1, 4))):
                points = np.stack([rng.uniform(inner[0], inner[2], 3), rng.uniform(inner[1], inner[3], 3)], 1)
                cv2.polylines(
                    picture,
                    [points.astype(np.int32)],
                    bool(rng.random() < 0.5),
                    ink,
                    max(1, axes[1] // 5),
                    cv2.LINE_AA,
                )

    def _empty(self, picture: Gray, box: npt.NDArray[np.float32]) -> None:
        """A rectangle without characters: panel, mirror, window, blank board."""
        rng = self.rng
        area = self._area(picture, box)
        if area.shape[0] < 6 or area.shape[1] < 30:
            return
        ramp = np.linspace(rng.uniform(-30, 30), rng.uniform(-30, 30), area.shape[1], dtype=np.float32)
        area[:] = rng.uniform(0, 255) + ramp
        if rng.random() < 0.5:
            cv2.rectangle(
                picture,
                (round(float(box[0])), round(float(box[1]))),
                (round(float(box[2])), round(float(box[3]))),
                float(rng.uniform(0, 255)),
                int(rng.integers(1, 4)),
            )


def _ellipse(box: npt.NDArray[np.float32]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Center and half axes of the oval that fills the box."""
    center = (round(float(box[0] + box[2]) / 2), round(float(box[1] + box[3]) / 2))
    return center, (max(2, round(float(box[2] - box[0]) / 2)), max(2, round(float(box[3] - box[1]) / 2)))


def _mirrored(
    picture: Gray, boxes: npt.NDArray[np.float32], corners: npt.NDArray[np.float32]
) -> tuple[Gray, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    width = picture.shape[1]
    boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
    points = corners.reshape(-1, 4, 2).copy()
    points[..., 0] = width - points[..., 0]
    return np.ascontiguousarray(picture[:, ::-1]), boxes, points[:, [1, 0, 3, 2]].reshape(-1, 8)
