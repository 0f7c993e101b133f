"""Invented license plates, rendered flat: what the detector and the reader are trained on.

Formats, colors and words come from ``recognize/regions.toml``; the rest (fonts, bolts, stickers, frames, relief)
is drawn by chance from one seeded generator. No serial belongs to anybody.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Canvas = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
GLYPH_HEIGHT = 96  # cap height in pixels at which glyphs are kept
SEPARATORS = " -.*"
GENERIC = (
    "LLLNNN",
    "LLL NNN",
    "NNN LLL",
    "LLL-NNNN",
    "LLL NNNN",
    "NLLLNNN",
    "NNNN LL",
    "LL NNNNN",
    "LNN NNNN",
    "LLN LNL",
    "LLN-LNL",
    "LL NN LL",
    "LNN LLL",
    "NNN-NNN",
    "NNN NNNN",
    "LLL NNL",
    "LNNNNN",
    "LL-NNNN",
    "NNL LLN",
    "LLN NNL",
    "NNN-LLLL",
    "LLLL NN",
    "NLN NNN",
    "NN-NNNL",
    "LLLL NNN",
    "NNNNNLL",
    "LLL*NNNN",
    "LLL*NNN",
    "LL*NNNNN",
    "LLN*NNNN",
)
WORDS = (
    "DEALER",
    "MOTORS",
    "AUTO",
    "SALES",
    "CHEVROLET",
    "FORD",
    "TOYOTA",
    "HONDA",
    "JEEP",
    "DODGE",
    "OF",
    "THE",
    "CITY",
    "LAKE",
    "VALLEY",
    "COUNTY",
    "GREAT",
    "STATE",
    "LAND",
    "PARK",
    "UNIVERSITY",
    "ALUMNI",
    "PROUD",
    "VETERAN",
    "WILDLIFE",
    "OCEAN",
    "MOUNTAIN",
    "SUNSHINE",
    "GOLDEN",
    "FIRST",
    "IN",
    "FLIGHT",
    "FREEDOM",
    "WWW.GOV",
    ".COM",
    "4X4",
    "LTD",
)


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


@dataclass(frozen=True)
class Design:
    """Colors and words of one kind of plate."""

    code: str
    formats: tuple[str, ...]
    background: tuple[tuple[int, int, int], ...]
    ink: tuple[int, int, int]
    name: str = ""
    name_color: tuple[int, int, int] = (20, 20, 80)
    name_place: str = "top"
    slogan: str = ""
    slogan_place: str = "bottom"
    emblem_place: str = "none"
    band: str = ""
    share: float = 1.0


def _color(text: str) -> tuple[int, int, int]:
    text = text.lstrip("#")
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def designs(path: Path) -> list[Design]:
    """Every design of ``regions.toml``, its region's formats with it."""
    found = []
    for region in tomllib.loads(path.read_text())["region"]:
        for one in region.get("design", [{}]):
            names, slogans = region.get("names_on_plate", []) or [""], region.get("slogans", []) or [""]
            found.append(
                Design(
                    region["code"],
                    tuple(region["formats"]),
                    tuple(_color(text) for text in one.get("background", ["#f4f4f4"])),
                    _color(one.get("ink", "#1a1a1a")),
                    one.get("name", names[0]),
                    _color(one.get("name_color", "#1a1a60")),
                    one.get("name_place", "top"),
                    one.get("slogan", slogans[0]),
                    one.get("slogan_place", "bottom"),
                    one.get("emblem_place", "none"),
                    one.get("band", ""),
                    float(one.get("share", 1.0)),
                )
            )
    return found


@dataclass
class Plate:
    """A rendered plate. ``canvas``: H×W×3 RGB 0–255; ``text``: what a reader must say."""

    canvas: Canvas
    text: str = field(repr=False)
    code: str
    print_box: tuple[float, float, float, float]
    """Left, top, right, bottom of the characters on the canvas."""


class PlateRenderer:
    """Draws plates. ``designs`` may be empty: then every plate is a generic one."""

    def __init__(self, fonts: Fonts, known: list[Design], rng: np.random.Generator) -> None:
        self.fonts, self.rng = fonts, rng
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

    # --- serials --------------------------------------------------------------------------------------------

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

    # --- kinds ----------------------------------------------------------------------------------------------

    def _american_plate(self) -> Plate:
        rng = self.rng
        design = self._pick(self._american)
        canvas = self._ground((320, 160), design.background)
        if rng.random() < (0.25 if design.emblem_place == "background" else 0.12):
            self._scenery(canvas)
        if design.emblem_place == "center" or rng.random() < 0.12:
            self._blob(
                canvas,
                160 + rng.normal(0, 12),
                85 + rng.normal(0, 8),
                rng.uniform(16, 46),
                strength=rng.uniform(0.15, 0.8),
            )
        shape = design.formats[rng.integers(len(design.formats))] if rng.random() < 0.8 else self._generic()
        cap = rng.uniform(0.42, 0.56) * 160
        center_y = rng.uniform(0.49, 0.57) * 160
        left, right = sorted((rng.uniform(6, 24), 320 - rng.uniform(6, 24)))
        if design.emblem_place == "left" and rng.random() < 0.8:
            self._blob(canvas, 28, center_y, rng.uniform(12, 24), strength=0.8)
            left = max(left, 48)
        self._words(canvas, design)
        box = self._print(canvas, self.serial(shape), (left, right), center_y, cap, design.ink)
        self._bolts(canvas)
        self._stickers(canvas)
        text = self._last_text
        if rng.random() < 0.4:
            self._frame(canvas, box)
        return Plate(canvas, text, design.code, box)

    def _european_plate(self) -> Plate:
        rng = self.rng
        design = self._pick(self._narrow)
        two_thirds = rng.random() < 0.9
        width, height = (420, 92) if two_thirds else (320, 130)
        yellow = rng.random() < 0.08
        ground = ((250, 200, 40),) if yellow else design.background
        canvas = self._ground((width, height), ground)
        left = rng.uniform(8, 20)
        if rng.random() < 0.72:
            band = rng.uniform(30, 44)
            canvas[:, : int(band)] = (
                20 + rng.uniform(0, 30),
                50 + rng.uniform(0, 40),
                140 + rng.uniform(0, 60),
            )
            self._small_word(
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
        shape = design.formats[rng.integers(len(design.formats))] if rng.random() < 0.85 else self._generic()
        cap = rng.uniform(0.6, 0.82) * height
        box = self._print(
            canvas,
            self.serial(shape),
            (left, right),
            height * rng.uniform(0.48, 0.53),
            cap,
            design.ink,
            seal=0.5,
        )
        if rng.random() < 0.25:
            self._bolts(canvas)
        text = self._last_text
        if rng.random() < 0.4:
            self._frame(canvas, box)
        return Plate(canvas, text, design.code, box)

    def _brazilian_plate(self, *, old: bool) -> Plate:
        rng = self.rng
        width, height = 400, 130
        if old:
            gray = rng.uniform(135, 205)
            canvas = self._ground((width, height), ((int(gray), int(gray), int(gray + 6)),))
            self._small_word(
                canvas,
                200,
                16,
                ["SP - SAO PAULO", "RJ - NITEROI", "MG - CONTAGEM", "PR - CURITIBA"][rng.integers(4)],
                14,
                (20, 20, 20),
            )
            ink, shape, top = (15, 15, 15), "LLL" + ".- *"[rng.integers(4)].replace("*", ".") + "NNNN", 24
        else:
            canvas = self._ground((width, height), ((240, 240, 242),))
            canvas[:26] = (20, 40, 140)
            self._small_word(
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
        box = self._print(canvas, self.serial(shape), (10, width - 10), top + (height - top) * 0.5, cap, ink)
        text = self._last_text
        if rng.random() < 0.35:
            self._frame(canvas, box)
        return Plate(canvas, text, "BR", box)

    def two_line_plate(self) -> Plate:
        """A motorcycle's plate, or a square one: two lines. The reader never sees it whole, the detector does."""
        rng = self.rng
        canvas = self._ground((200, 150), self._pick(self._narrow).background)
        ink = (rng.uniform(0, 40),) * 3
        if rng.random() < 0.7:
            cv2.rectangle(canvas, (1, 1), (198, 148), (20, 20, 20), int(rng.integers(2, 5)))
        upper, lower = [("LLL", "NNNN"), ("LL NN", "LLL"), ("LL", "NNN LL"), ("LLL", "NLNN"), ("NNN", "LLL")][
            rng.integers(5)
        ]
        cap = rng.uniform(44, 56)
        first = self._print(canvas, self.serial(upper), (14, 186), 45, cap, ink)
        text = self._last_text
        second = self._print(canvas, self.serial(lower), (14, 186), 106, cap, ink)
        return Plate(canvas, text + self._last_text, "", (first[0], first[1], first[2], second[3]))

    # --- parts ----------------------------------------------------------------------------------------------

    def _generic(self) -> str:
        return GENERIC[self.rng.integers(len(GENERIC))] if self.rng.random() < 0.6 else self._random_shape()

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

    def _ground(self, size: tuple[int, int], colors: tuple[tuple[int, int, int], ...]) -> Canvas:
        width, height = size
        stops = np.array(colors, np.float32)
        at = np.linspace(0, len(stops) - 1, height)
        rows = np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], 1)
        canvas = np.repeat(rows[:, None, :], width, 1).astype(np.float32)
        if self.rng.random() < 0.4:
            canvas += self._cloud(width, height, 3) * self.rng.uniform(3, 14)
        return canvas

    def _cloud(self, width: int, height: int, cells: int) -> Canvas:
        noise = self.rng.normal(0, 1, (cells, cells * 2)).astype(np.float32)
        return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]

    def _scenery(self, canvas: Canvas) -> None:
        rng = self.rng
        height, width = canvas.shape[:2]
        mask = np.clip(
            self._cloud(width, height, int(rng.integers(2, 6))) * rng.uniform(0.3, 1.2), 0, 1
        ) * rng.uniform(0.2, 0.6)
        color = rng.uniform(0, 255, 3).astype(np.float32)
        canvas[:] = canvas * (1 - mask) + color * mask

    def _blob(self, canvas: Canvas, x: float, y: float, radius: float, *, strength: float) -> None:
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

    def _paint(
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

    def _small_word(
        self, canvas: Canvas, x: float, y: float, text: str, height: float, color: tuple[float, ...]
    ) -> None:
        if not text:
            return
        mask = self.fonts.word(int(self.rng.integers(len(self.fonts.paths))), text)
        width = min(canvas.shape[1] * 0.92, mask.shape[1] * height / mask.shape[0])
        mask = cv2.resize(mask, (max(2, round(width)), max(2, round(height))), interpolation=cv2.INTER_AREA)
        self._paint(canvas, mask, x - mask.shape[1] / 2, y - mask.shape[0] / 2, color)

    def _words(self, canvas: Canvas, design: Design) -> None:
        rng = self.rng
        places = {"top": rng.uniform(14, 24), "bottom": rng.uniform(137, 148)}
        if design.name_place in places and rng.random() < 0.93:
            self._small_word(
                canvas,
                160 + rng.normal(0, 6),
                places[design.name_place],
                design.name,
                rng.uniform(15, 26),
                design.name_color,
            )
        place = design.slogan_place if design.slogan_place != design.name_place else "none"
        if place in places and rng.random() < 0.6:
            self._small_word(
                canvas,
                160 + rng.normal(0, 8),
                places[place],
                design.slogan,
                rng.uniform(9, 16),
                design.name_color,
            )

    def _print(
        self,
        canvas: Canvas,
        serial: str,
        span: tuple[float, float],
        center_y: float,
        cap: float,
        ink: tuple[int, int, int],
        seal: float = 0.15,
    ) -> tuple[float, float, float, float]:
        """Print ``serial`` within ``span``; returns its box and leaves the text in ``_last_text``."""
        rng, fonts = self.rng, self.fonts
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
                    self._paint(canvas, sized * 0.5, x + 1.6, top + 1.6, (30, 30, 30))
                    self._paint(canvas, sized * 0.5, x - 1.2, top - 1.2, (255, 255, 255))
                self._paint(canvas, sized, x, top + rng.normal(0, 0.4), ink)
            x += width + gap * shrink
        self._last_text = "".join(one for one in serial if one not in SEPARATORS)
        return start, top, x, top + cap

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
            self._blob(canvas, x, y, min(width * 0.6, cap * 0.4), strength=rng.uniform(0.5, 1.0))
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

    def _bolts(self, canvas: Canvas) -> None:
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

    def _stickers(self, canvas: Canvas) -> None:
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
                    self._paint(
                        canvas,
                        mask,
                        x - mask.shape[1] / 2,
                        y - mask.shape[0] / 2,
                        (0, 0, 0) if sum(color) > 380 else (255, 255, 255),
                    )

    def _frame(self, canvas: Canvas, box: tuple[float, float, float, float]) -> None:
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
                self._small_word(canvas, width / 2, y, words, room * rng.uniform(0.4, 0.75), ink)
