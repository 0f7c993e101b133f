"""Invented serials, and how they are printed: one font, pitch, relief, separators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from plate_designs import GENERIC, SEPARATORS
from plate_fonts import GLYPH_HEIGHT, Mask

if TYPE_CHECKING:
    from plate_parts import Canvas, Painter

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class SerialPrinter:
    """Draws serials by chance and prints them."""

    def __init__(self, painter: Painter) -> None:
        self.painter, self.rng = painter, painter.rng

    def serial(self, shape: str) -> str:
        rng = self.rng
        out = []
        for one in shape:
            if one == "L":
                out.append(
                    LETTERS[rng.integers(26)] if rng.random() < 0.93 else "OIQDBSZGWMN"[rng.integers(11)]
                )
            elif one == "N":
                out.append(DIGITS[rng.integers(10)] if rng.random() < 0.94 else "01"[rng.integers(2)])
            else:
                out.append(one)
        return "".join(out)

    def _random_shape(self) -> str:
        rng = self.rng
        count = rng.integers(4, 9)
        shape = "".join("LN"[int(rng.random() < 0.5)] for _ in range(count))
        if rng.random() < 0.5:
            at = rng.integers(1, count)
            shape = shape[:at] + SEPARATORS[rng.integers(4)] + shape[at:]
        return shape if "N" in shape else shape[:-1] + "N"

    def generic_shape(self) -> str:
        return GENERIC[self.rng.integers(len(GENERIC))] if self.rng.random() < 0.6 else self._random_shape()

    def print(
        self,
        canvas: Canvas,
        serial: str,
        span: tuple[float, float],
        center_y: float,
        cap: float,
        ink: tuple[int, int, int],
        seal: float = 0.15,
    ) -> tuple[str, Box]:
        """Print ``serial`` within ``span``; returns its text and its box."""
        rng, fonts = self.rng, self.painter.fonts
        font = int(rng.integers(len(fonts.paths)))
        stretch = rng.uniform(0.75, 1.2)
        gap = rng.uniform(0.06, 0.2) * cap
        monospaced = rng.random() < 0.5
        pitch = cap * rng.uniform(0.42, 0.6)
        glyphs: list[tuple[str, Mask | None, float]] = []
        for one in serial:
            if one in SEPARATORS:
                kind = one if one != " " else " "
                if kind == " " and rng.random() < 0.12:
                    kind = "*"
                glyphs.append(
                    (kind, None, cap * rng.uniform(0.25, 0.7) if kind != "*" else cap * rng.uniform(0.5, 0.8))
                )
                continue
            mask = fonts.glyph(font, one)
            native = mask.shape[1] * cap / GLYPH_HEIGHT * stretch
            wide = one not in "1I"
            glyphs.append((one, mask, (0.75 * pitch + 0.25 * native if monospaced and wide else native)))
        total = sum(width for _, _, width in glyphs) + gap * (len(glyphs) - 1)
        room = span[1] - span[0]
        shrink = min(1.0, room / total) if total > 0 else 1.0
        if rng.random() < 0.5:
            shrink = min(room / total, max(shrink, 1.0) * rng.uniform(1.0, 1.25)) if total < room else shrink
        relief = rng.random() < 0.4
        x = span[0] + max(0.0, (room - total * shrink)) * (
            0.5 if rng.random() < 0.8 else rng.uniform(0.3, 0.7)
        )
        start, top = x, center_y - cap / 2
        thicken = rng.random()
        for kind, mask, natural in glyphs:
            width = natural * shrink
            if mask is None:
                self._separator(canvas, kind, x + width / 2, center_y, cap, width, ink, seal)
            else:
                sized = cv2.resize(
                    mask, (max(2, round(width)), max(4, round(cap))), interpolation=cv2.INTER_AREA
                )
                if thicken < 0.2:
                    sized = cv2.dilate(sized, np.ones((2, 2), np.uint8))
                elif thicken < 0.28 and cap > 50:
                    sized = cv2.erode(sized, np.ones((2, 2), np.uint8))
                if relief:
                    self.painter.paint(canvas, sized * 0.5, x + 1.6, top + 1.6, (30, 30, 30))
                    self.painter.paint(canvas, sized * 0.5, x - 1.2, top - 1.2, (255, 255, 255))
                self.painter.paint(canvas, sized, x, top + rng.normal(0, 0.4), ink)
            x += width + gap * shrink
        text = "".join(one for one in serial if one not in SEPARATORS)
        return text, (start, top, x, top + cap)

    def _separator(
        self,
        canvas: Canvas,
        kind: str,
        x: float,
        y: float,
        cap: float,
        width: float,
        ink: tuple[int, int, int],
        seal: float,
    ) -> None:
        rng = self.rng
        if kind == "-":
            w, h = width * rng.uniform(0.5, 0.9), cap * rng.uniform(0.08, 0.14)
            cv2.rectangle(
                canvas, (round(x - w / 2), round(y - h / 2)), (round(x + w / 2), round(y + h / 2)), ink, -1
            )
        elif kind == ".":
            cv2.circle(
                canvas,
                (round(x), round(y + rng.normal(0, cap * 0.05))),
                max(2, round(cap * 0.07)),
                ink,
                -1,
                cv2.LINE_AA,
            )
        elif kind == "*":
            self.painter.blob(canvas, x, y, min(width * 0.6, cap * 0.4), strength=rng.uniform(0.5, 1.0))
        elif rng.random() < seal:
            for side in (-1, 1) if rng.random() < 0.5 else (0,):
                cv2.circle(
                    canvas,
                    (round(x), round(y + side * cap * 0.25)),
                    max(3, round(min(width, cap * 0.4) * 0.4)),
                    tuple(float(v) for v in rng.uniform(0, 255, 3)),
                    -1,
                    cv2.LINE_AA,
                )
