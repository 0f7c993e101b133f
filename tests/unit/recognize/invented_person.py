"""A drawn person whom nobody resembles, and whom the networks take for one: real people belong into no test."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 200, 560
FACE = (66, 20, 134, 114)
"""Left, top, right, bottom of the head in the drawing."""
_FINER = 4

_SKIN, _SHADOW, _HAIR = (214, 164, 134, 255), (172, 120, 95, 255), (60, 40, 28, 255)
_COAT, _SLEEVE, _TROUSERS, _SHOE = (
    (60, 78, 120, 255),
    (50, 66, 105, 255),
    (45, 45, 55, 255),
    (25, 25, 25, 255),
)


def invented_person(scale: float = 1.0) -> Image.Image:
    """The person on a transparent ground, 200 × 560 pixels times ``scale``."""
    size = WIDTH * _FINER, HEIGHT * _FINER
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    _polygon(draw, _TROUSERS, (62, 250), (138, 250), (134, 530), (104, 530), (100, 330), (96, 530), (66, 530))
    _ellipse(draw, _SHOE, 60, 520, 98, 545)
    _ellipse(draw, _SHOE, 102, 520, 140, 545)
    _polygon(draw, _COAT, (58, 118), (142, 118), (156, 150), (146, 270), (54, 270), (44, 150))
    _polygon(draw, _SLEEVE, (46, 140), (58, 120), (56, 290), (40, 290))
    _polygon(draw, _SLEEVE, (154, 140), (142, 120), (144, 290), (160, 290))
    _ellipse(draw, _SKIN, 38, 284, 58, 308)
    _ellipse(draw, _SKIN, 142, 284, 162, 308)
    _polygon(draw, _SHADOW, (86, 95), (114, 95), (118, 124), (82, 124))
    _draw_head(draw)
    smooth = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(1.2))
    return smooth.resize((round(WIDTH * scale), round(HEIGHT * scale)), Image.Resampling.LANCZOS)


def _draw_head(draw: ImageDraw.ImageDraw) -> None:
    _ellipse(draw, _HAIR, 68, 22, 132, 112)
    _ellipse(draw, _SKIN, 72, 30, 128, 112)
    _ellipse(draw, _HAIR, 70, 20, 130, 58)
    _ellipse(draw, _SKIN, 66, 62, 74, 82)
    _ellipse(draw, _SKIN, 126, 62, 134, 82)
    for x in (87, 113):
        _ellipse(draw, (245, 240, 235, 255), x - 8, 62, x + 8, 72)
        _ellipse(draw, (50, 35, 25, 255), x - 4, 62, x + 4, 72)
        _polygon(draw, _HAIR, (x - 9, 55), (x + 9, 54), (x + 9, 57), (x - 9, 58))
    _polygon(draw, _SHADOW, (100, 68), (94, 86), (106, 86))
    _ellipse(draw, (170, 80, 80, 255), 90, 92, 110, 101)


def _ellipse(draw: ImageDraw.ImageDraw, fill: tuple[int, ...], *box: int) -> None:
    draw.ellipse([one * _FINER for one in box], fill=fill)


def _polygon(draw: ImageDraw.ImageDraw, fill: tuple[int, ...], *corners: tuple[int, int]) -> None:
    draw.polygon([(x * _FINER, y * _FINER) for x, y in corners], fill=fill)
