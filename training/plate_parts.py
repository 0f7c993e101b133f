"""The parts of an invented plate beside its characters: ground, pictures, words, bolts, stickers, frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from plate_designs import WORDS, Design

if TYPE_CHECKING:
    from plate_fonts import Fonts, Mask

Canvas = npt.NDArray[np.float32]


class Painter:
    """Paints parts onto a canvas, by chance from one generator."""

    def __init__(self, fonts: Fonts, rng: np.random.Generator) -> None:
        self.fonts, self.rng = fonts, rng

    def ground(self, size: tuple[int, int], colors: tuple[tuple[int, int, int], ...]) -> Canvas:
        width, height = size
        stops = np.array(colors, np.float32)
        at = np.linspace(0, len(stops) - 1, height)
        rows = np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], 1)
        canvas = np.repeat(rows[:, None, :], width, 1).astype(np.float32)
        if self.rng.random() < 0.4:
            canvas += self.cloud(width, height, 3) * self.rng.uniform(3, 14)
        return canvas

    def cloud(self, width: int, height: int, cells: int) -> Canvas:
        noise = self.rng.normal(0, 1, (cells, cells * 2)).astype(np.float32)
        return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]

    def scenery(self, canvas: Canvas) -> None:
        rng = self.rng
        height, width = canvas.shape[:2]
        mask = np.clip(
            self.cloud(width, height, int(rng.integers(2, 6))) * rng.uniform(0.3, 1.2), 0, 1
        ) * rng.uniform(0.2, 0.6)
        color = rng.uniform(0, 255, 3).astype(np.float32)
        canvas[:] = canvas * (1 - mask) + color * mask

    def blob(self, canvas: Canvas, x: float, y: float, radius: float, *, strength: float) -> None:
        """A picture's stand-in: a star, a state's outline or a disc of one color."""
        rng = self.rng
        count = int(rng.integers(5, 11))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radii = radius * rng.uniform(0.4, 1.1, count)
        points = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], 1).astype(np.int32)
        layer = np.zeros(canvas.shape[:2], np.float32)
        cv2.fillPoly(layer, [points], 1.0)
        layer = cv2.GaussianBlur(layer, (0, 0), 1)[..., None] * strength
        canvas[:] = canvas * (1 - layer) + rng.uniform(0, 255, 3).astype(np.float32) * layer

    def paint(
        self, canvas: Canvas, mask: Mask, x: float, y: float, color: tuple[float, ...] | np.ndarray
    ) -> None:
        """Lay ``mask`` in ``color`` with its top left corner at (x, y), cut at the rim."""
        height, width = canvas.shape[:2]
        left, top = round(x), round(y)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + mask.shape[1]), min(height, top + mask.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        part = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
        canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - part) + np.asarray(color, np.float32) * part

    def small_word(
        self, canvas: Canvas, x: float, y: float, text: str, height: float, color: tuple[float, ...]
    ) -> None:
        if not text:
            return
        mask = self.fonts.word(int(self.rng.integers(len(self.fonts.paths))), text)
        width = min(canvas.shape[1] * 0.92, mask.shape[1] * height / mask.shape[0])
        mask = cv2.resize(mask, (max(2, round(width)), max(2, round(height))), interpolation=cv2.INTER_AREA)
        self.paint(canvas, mask, x - mask.shape[1] / 2, y - mask.shape[0] / 2, color)

    def words(self, canvas: Canvas, design: Design) -> None:
        rng = self.rng
        places = {"top": rng.uniform(14, 24), "bottom": rng.uniform(137, 148)}
        if design.name_place in places and rng.random() < 0.93:
            self.small_word(
                canvas,
                160 + rng.normal(0, 6),
                places[design.name_place],
                design.name,
                rng.uniform(15, 26),
                design.name_color,
            )
        place = design.slogan_place if design.slogan_place != design.name_place else "none"
        if place in places and rng.random() < 0.6:
            self.small_word(
                canvas,
                160 + rng.normal(0, 8),
                places[place],
                design.slogan,
                rng.uniform(9, 16),
                design.name_color,
            )

    def bolts(self, canvas: Canvas) -> None:
        rng = self.rng
        if rng.random() < 0.35:
            return
        height, width = canvas.shape[:2]
        tone = rng.uniform(10, 230)
        places = (
            [(0.22, 0.1), (0.78, 0.1)]
            if rng.random() < 0.6
            else [(0.22, 0.1), (0.78, 0.1), (0.22, 0.9), (0.78, 0.9)]
        )
        for fx, fy in places:
            cv2.circle(
                canvas,
                (round(width * fx + rng.normal(0, 4)), round(height * fy + rng.normal(0, 2))),
                int(rng.integers(3, 7)),
                (tone, tone, tone * 0.95),
                -1,
                cv2.LINE_AA,
            )

    def stickers(self, canvas: Canvas) -> None:
        rng = self.rng
        height, width = canvas.shape[:2]
        for corner in ((0.07, 0.12), (0.93, 0.12), (0.07, 0.9), (0.93, 0.9)):
            if rng.random() < 0.22:
                w, h = rng.uniform(18, 40), rng.uniform(14, 26)
                x, y = corner[0] * width, corner[1] * height
                color = tuple(float(v) for v in rng.uniform(20, 255, 3))
                cv2.rectangle(
                    canvas,
                    (round(x - w / 2), round(y - h / 2)),
                    (round(x + w / 2), round(y + h / 2)),
                    color,
                    -1,
                )
                if rng.random() < 0.7:
                    text = ["JAN", "MAR", "JUL", "OCT", "12", "19", "24", "7", "06", "2011", "DEC"][
                        rng.integers(11)
                    ]
                    mask = cv2.resize(
                        self.fonts.word(int(rng.integers(len(self.fonts.paths))), text),
                        (max(2, round(w * 0.7)), max(2, round(h * 0.6))),
                        interpolation=cv2.INTER_AREA,
                    )
                    self.paint(
                        canvas,
                        mask,
                        x - mask.shape[1] / 2,
                        y - mask.shape[0] / 2,
                        (0, 0, 0) if sum(color) > 380 else (255, 255, 255),
                    )

    def frame(self, canvas: Canvas, box: tuple[float, float, float, float]) -> None:
        """A dealer's frame or a holder: covers the rim, never the characters."""
        rng = self.rng
        height, width = canvas.shape[:2]
        tone = (rng.uniform(0, 60),) * 3 if rng.random() < 0.6 else (rng.uniform(120, 240),) * 3
        top = round(min(box[1] - 3, rng.uniform(2, 24) * height / 160))
        bottom = round(max(box[3] + 3, height - rng.uniform(2, 28) * height / 160))
        side = round(min(rng.uniform(1, 8), max(1.0, box[0] - 2)))
        for area in (canvas[: max(0, top)], canvas[bottom:], canvas[:, :side], canvas[:, width - side :]):
            area[:] = tone
        ink = (235, 235, 235) if tone[0] < 100 else (20, 20, 20)
        for y, room in ((top / 2, top), ((bottom + height) / 2, height - bottom)):
            if room > 9 and rng.random() < 0.75:
                words = " ".join(WORDS[rng.integers(len(WORDS))] for _ in range(rng.integers(1, 4)))
                self.small_word(canvas, width / 2, y, words, room * rng.uniform(0.4, 0.75), ink)
