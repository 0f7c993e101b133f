"""Invented license plates, rendered flat: what the detector and the reader are trained on.

Formats, colors and words come from ``recognize/regions.toml``; the rest (fonts, bolts, stickers, frames, relief)
is drawn by chance from one seeded generator. No serial belongs to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from plate_designs import GENERIC, WORDS, Design
from plate_parts import Canvas, Painter
from plate_serials import Box, SerialPrinter

if TYPE_CHECKING:
    from plate_fonts import Fonts


@dataclass
class Plate:
    """A rendered plate. ``canvas``: H×W×3 RGB 0–255; ``text``: what a reader must say."""

    canvas: Canvas
    text: str = field(repr=False)
    code: str
    print_box: Box
    """Left, top, right, bottom of the characters on the canvas."""


class PlateRenderer:
    """Draws plates. ``designs`` may be empty: then every plate is a generic one."""

    def __init__(self, fonts: Fonts, known: list[Design], rng: np.random.Generator) -> None:
        self.rng = rng
        self.painter = Painter(fonts, rng)
        self.printer = SerialPrinter(self.painter)
        self._american = [one for one in known if one.code.startswith(("US-", "CA-", "MX"))]
        self._narrow = [one for one in known if not one.code.startswith(("US-", "CA-", "MX"))]

    def render(self) -> Plate:
        rng = self.rng
        kind = rng.random()
        if kind < 0.62:
            return self._american_plate()
        if kind < 0.72:
            return self._brazilian_plate(old=bool(rng.random() < 0.55))
        return self._european_plate()

    def _american_plate(self) -> Plate:
        rng = self.rng
        design = self._pick(self._american)
        canvas = self.painter.ground((320, 160), design.background)
        if rng.random() < (0.25 if design.emblem_place == "background" else 0.12):
            self.painter.scenery(canvas)
        if design.emblem_place == "center" or rng.random() < 0.12:
            self.painter.blob(
                canvas,
                160 + rng.normal(0, 12),
                85 + rng.normal(0, 8),
                rng.uniform(16, 46),
                strength=rng.uniform(0.15, 0.8),
            )
        shape = (
            design.formats[rng.integers(len(design.formats))]
            if rng.random() < 0.8
            else self.printer.generic_shape()
        )
        cap = rng.uniform(0.42, 0.56) * 160
        center_y = rng.uniform(0.49, 0.57) * 160
        left, right = sorted((rng.uniform(6, 24), 320 - rng.uniform(6, 24)))
        if design.emblem_place == "left" and rng.random() < 0.8:
            self.painter.blob(canvas, 28, center_y, rng.uniform(12, 24), strength=0.8)
            left = max(left, 48)
        self.painter.words(canvas, design)
        text, box = self.printer.print(
            canvas, self.printer.serial(shape), (left, right), center_y, cap, design.ink
        )
        self.painter.bolts(canvas)
        self.painter.stickers(canvas)
        if rng.random() < 0.4:
            self.painter.frame(canvas, box)
        return Plate(canvas, text, design.code, box)

    def _european_plate(self) -> Plate:
        rng = self.rng
        design = self._pick(self._narrow)
        two_thirds = rng.random() < 0.9
        width, height = (420, 92) if two_thirds else (320, 130)
        yellow = rng.random() < 0.08
        ground = ((250, 200, 40),) if yellow else design.background
        canvas = self.painter.ground((width, height), ground)
        left = rng.uniform(8, 20)
        if rng.random() < 0.72:
            band = rng.uniform(30, 44)
            canvas[:, : int(band)] = (
                20 + rng.uniform(0, 30),
                50 + rng.uniform(0, 40),
                140 + rng.uniform(0, 60),
            )
            self.painter.small_word(
                canvas,
                band / 2,
                height * 0.76,
                "DFIENLBPSKCZROHUGSLO"[rng.integers(20)],
                height * 0.2,
                (240, 240, 240),
            )
            if rng.random() < 0.7:
                cv2.circle(canvas, (int(band / 2), int(height * 0.33)), int(band * 0.26), (230, 200, 40), 2)
            left = band + rng.uniform(4, 14)
        if rng.random() < 0.6:
            cv2.rectangle(canvas, (1, 1), (width - 2, height - 2), (20, 20, 20), int(rng.integers(2, 5)))
        right = width - rng.uniform(8, 22)
        if rng.random() < 0.06:
            right -= 36
            canvas[4:-4, int(right + 6) : width - 4] = (30, 60, 150)
        shape = (
            design.formats[rng.integers(len(design.formats))]
            if rng.random() < 0.85
            else self.printer.generic_shape()
        )
        cap = rng.uniform(0.6, 0.82) * height
        text, box = self.printer.print(
            canvas,
            self.printer.serial(shape),
            (left, right),
            height * rng.uniform(0.48, 0.53),
            cap,
            design.ink,
            seal=0.5,
        )
        if rng.random() < 0.25:
            self.painter.bolts(canvas)
        if rng.random() < 0.4:
            self.painter.frame(canvas, box)
        return Plate(canvas, text, design.code, box)

    def _brazilian_plate(self, *, old: bool) -> Plate:
        rng = self.rng
        width, height = 400, 130
        if old:
            gray = rng.uniform(135, 205)
            canvas = self.painter.ground((width, height), ((int(gray), int(gray), int(gray + 6)),))
            self.painter.small_word(
                canvas,
                200,
                16,
                ["SP - SAO PAULO", "RJ - NITEROI", "MG - CONTAGEM", "PR - CURITIBA"][rng.integers(4)],
                14,
                (20, 20, 20),
            )
            ink, shape, top = (15, 15, 15), "LLL" + ".- *"[rng.integers(4)].replace("*", ".") + "NNNN", 24
        else:
            canvas = self.painter.ground((width, height), ((240, 240, 242),))
            canvas[:26] = (20, 40, 140)
            self.painter.small_word(
                canvas,
                200,
                13,
                ["BRASIL", "REPUBLICA ARGENTINA", "URUGUAY", "PARAGUAY"][int(rng.random() ** 3 * 4)],
                14,
                (240, 240, 240),
            )
            ink, shape, top = (
                (15, 15, 20),
                ["LLLNLNN", "LLLNNNN", "LL NNN LL", "LLLL NNN"][int(rng.random() ** 2 * 4)],
                28,
            )
        cap = rng.uniform(0.62, 0.76) * (height - top)
        text, box = self.printer.print(
            canvas, self.printer.serial(shape), (10, width - 10), top + (height - top) * 0.5, cap, ink
        )
        if rng.random() < 0.35:
            self.painter.frame(canvas, box)
        return Plate(canvas, text, "BR", box)

    def two_line_plate(self) -> Plate:
        """A motorcycle's plate, or a square one: two lines. The reader never sees it whole, the detector does."""
        rng = self.rng
        canvas = self.painter.ground((200, 150), self._pick(self._narrow).background)
        ink = (rng.uniform(0, 40),) * 3
        if rng.random() < 0.7:
            cv2.rectangle(canvas, (1, 1), (198, 148), (20, 20, 20), int(rng.integers(2, 5)))
        upper, lower = [("LLL", "NNNN"), ("LL NN", "LLL"), ("LL", "NNN LL"), ("LLL", "NLNN"), ("NNN", "LLL")][
            rng.integers(5)
        ]
        cap = rng.uniform(44, 56)
        text, first = self.printer.print(canvas, self.printer.serial(upper), (14, 186), 45, cap, ink)
        lower_text, second = self.printer.print(canvas, self.printer.serial(lower), (14, 186), 106, cap, ink)
        return Plate(canvas, text + lower_text, "", (first[0], first[1], first[2], second[3]))

    def _pick(self, known: list[Design]) -> Design:
        rng = self.rng
        if known and rng.random() < 0.75:
            return known[rng.integers(len(known))]
        light = rng.random() < 0.85
        base = rng.uniform(190, 255, 3) if light else rng.uniform(10, 110, 3)
        ink = rng.uniform(0, 90, 3) if light else rng.uniform(190, 255, 3)
        if light and rng.random() < 0.5:
            ink = np.full(3, rng.uniform(0, 50))
        count = int(rng.integers(1, 4))
        grounds = tuple(
            tuple(int(v) for v in np.clip(base + rng.normal(0, 22, 3), 0, 255)) for _ in range(count)
        )
        words = [WORDS[rng.integers(len(WORDS))] for _ in range(4)]
        return Design(
            "", GENERIC, grounds, tuple(int(v) for v in ink), " ".join(words[: rng.integers(1, 3)]),  # type: ignore[arg-type]
            tuple(int(v) for v in rng.uniform(0, 160, 3)), slogan=" ".join(words[1 : rng.integers(2, 5)]),  # type: ignore[arg-type]
            emblem_place="center" if rng.random() < 0.15 else "none",
        )  # fmt: skip
