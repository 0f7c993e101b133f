"""Glyphs and small words of free fonts, as masks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Mask = npt.NDArray[np.float32]

GLYPH_HEIGHT = 96  # cap height in pixels at which glyphs are kept


class Fonts:
    """Glyph masks and words of every font of a folder, kept after the first drawing."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted([*folder.rglob("*.ttf"), *folder.rglob("*.otf")])
        if not self.paths:
            raise SystemExit(f"No fonts in {folder}: run `python training/fetch_fonts.py {folder}` first.")
        self._glyphs: dict[tuple[int, str], Mask] = {}
        self._words: dict[tuple[int, str], Mask] = {}
        self._sized: dict[tuple[int, int], ImageFont.FreeTypeFont] = {}

    def glyph(self, font: int, character: str) -> Mask:
        """The character, 0–1, ``GLYPH_HEIGHT`` tall, cut tight left and right."""
        key = (font, character)
        if key not in self._glyphs:
            self._glyphs[key] = self._draw_glyph(font, character)
        return self._glyphs[key]

    def word(self, font: int, text: str) -> Mask:
        """A line of small text, 0–1, cut tight; about 40 pixels tall."""
        key = (font, text)
        if key not in self._words:
            if len(self._words) > 4000:
                self._words.clear()
            self._words[key] = _tight(self._draw(font, text, 44))
        return self._words[key]

    def _draw(self, font: int, text: str, size: int) -> Mask:
        key = (font, size)
        if key not in self._sized:
            self._sized[key] = ImageFont.truetype(str(self.paths[font]), size)
        face = self._sized[key]
        left, top, right, bottom = face.getbbox(text)
        image = Image.new("L", (max(1, int(right - left)) + 8, max(1, int(bottom - top)) + 8))
        ImageDraw.Draw(image).text((4 - left, 4 - top), text, fill=255, font=face)
        return np.asarray(image, np.float32) / 255

    def _draw_glyph(self, font: int, character: str) -> Mask:
        mask = _tight(self._draw(font, character, 150))
        width = max(4, round(mask.shape[1] * GLYPH_HEIGHT / mask.shape[0]))
        return cv2.resize(mask, (width, GLYPH_HEIGHT), interpolation=cv2.INTER_AREA)


def _tight(mask: Mask) -> Mask:
    rows, columns = np.where(mask.max(1) > 0.2)[0], np.where(mask.max(0) > 0.2)[0]
    if len(rows) == 0:
        return np.zeros((8, 8), np.float32)
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
