"""Make the demo photos: street scenes in which every license plate is an invented one.

    python tools/make_demo_photos.py DATA_FOLDER OUT_FOLDER [--seed 7]

DATA_FOLDER holds the photos and ``boxes.csv`` of RobertLucian/license-plate-dataset (MIT). For each scene:

1. cut out the part without legible neighbors, people or signs with names, and enlarge it;
2. take out the camera's color cast;
3. erase the plate: what surrounds it replaces its pixels, so that nothing of it is left under the paint;
4. coarsen every other labeled plate and every rectangle listed as private until nothing in it can be told;
5. paint the invented plate, in the light, blur and noise of the scene, and save without metadata.

Look at every picture before it is committed, for plates, faces and names: the list below was made that way.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.float32]
Rectangle = tuple[int, int, int, int]
"""x, y, width, height in pixels of the photo as published."""

SIZE = (960, 720)
JPEG_QUALITY = 85
PLATE_FONT = "DejaVuSansCondensed-Bold.ttf"
CANVAS = (600, 300)  # a plate of 12 × 6 inches
OVER_OLD_WIDTH = 0.86  # the new plate's width, in widths of the old one, which is flatter
PRINT_FROM_X, PRINT_FROM_Y, PRINT_STEP, PRINT_HEIGHT, PRINT_GAP = 27, 92, 78, 148, 14  # on the canvas
LENS_BLUR = 0.6  # standard deviation in pixels of the published photo; more where the scene is out of focus
ISSUER = "DEMO CITY"  # of no state: none of these plates is anybody's
COLUMNS = ("file", "plate", "light", "role")


@dataclass(frozen=True)
class Scene:
    """One photo to make. ``tilt``: degrees the plate hangs clockwise. ``private``: rectangles to coarsen."""

    photo: str
    crop: Rectangle
    plate: str
    light: str
    tilt: float = 0.0
    role: str = "base"
    width: float = OVER_OLD_WIDTH
    blur: float = LENS_BLUR
    private: tuple[Rectangle, ...] = ()


SCENES = (
    Scene("dayride_type1_001_t37", (240, 170, 720, 540), "6HNV372", "day", private=((460, 280, 50, 55),)),
    Scene("dayride_type1_001_t87", (230, 190, 680, 510), "8BXW615", "day", private=((410, 258, 345, 98),)),
    Scene("dayride_type1_002_t244", (600, 270, 580, 435), "5MRT480", "day"),
    Scene(
        "dayride_type1_002_t334",
        (40, 230, 600, 450),
        "7KDR214",
        "day",
        private=((262, 440, 70, 26), (375, 437, 95, 30)),
    ),
    Scene(
        "dayride_type1_002_t528",
        (440, 250, 600, 450),
        "7KDR214",
        "day",
        private=((645, 455, 75, 24), (810, 448, 75, 28)),
    ),
    Scene(
        "dayride_type1_002_t650",
        (400, 255, 620, 465),
        "3GPL927",
        "day",
        width=0.75,
        private=(
            (395, 380, 75, 50),
            (600, 365, 270, 92),
        ),
    ),
    Scene("dayride_type1_003_t46", (725, 190, 540, 405), "9WCA158", "day"),
    Scene(
        "dayride_type1_003_t315",
        (400, 210, 660, 495),
        "4YFJ639",
        "day",
        private=(
            (950, 370, 80, 40),
            (590, 345, 285, 76),
        ),
    ),
    Scene("dayride_type1_002_t817", (500, 225, 660, 495), "2LSE843", "day", tilt=1.5),
    Scene(
        "dayride_type1_003_t121",
        (500, 270, 480, 360),
        "8TUK306",
        "day",
        blur=1.2,
        private=((645, 358, 225, 66),),
    ),
    Scene("dayride_type1_001_t607", (400, 200, 690, 517), "5NZH791", "dusk"),
    Scene("dayride_type1_001_t769", (290, 150, 720, 540), "6CVM452", "dusk"),
    Scene("dayride_type1_001_t833", (440, 225, 650, 487), "3RXB968", "dusk"),
    Scene("dayride_type1_001_t695", (560, 110, 720, 540), "7PLG523", "dusk", blur=1.2),
    Scene("nightride_type3_001_t110", (120, 180, 710, 532), "9JEM274", "night", role="hotlist"),
    Scene("nightride_type3_001_t263", (330, 220, 660, 495), "4TBM908", "night"),
    Scene("nightride_type3_001_t311", (330, 100, 800, 600), "4TBM908", "night", blur=1.2),
    Scene("nightride_type3_001_t543", (200, 100, 820, 615), "2DWF587", "night", blur=1.3),
    Scene("nightride_type3_001_t412", (60, 140, 760, 570), "6SKY134", "night", blur=2.3),
)


def main() -> None:
    """Make every scene's photo and ``photos.csv``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_folder", type=Path)
    parser.add_argument("out_folder", type=Path)
    parser.add_argument("--seed", type=int, default=7, help="of the painted noise")
    options = parser.parse_args()
    photos, boxes = _labels(options.data_folder)
    random = np.random.default_rng(options.seed)
    options.out_folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, scene in enumerate(SCENES, start=1):
        name = f"photo-{number:02}.jpg"
        source = np.asarray(Image.open(options.data_folder / photos[scene.photo]).convert("RGB"))
        picture = make_photo(source, boxes[scene.photo], scene, random)
        image = Image.frombytes("RGB", SIZE, picture.tobytes())
        image.save(options.out_folder / name, "JPEG", quality=JPEG_QUALITY, optimize=True)
        rows.append((name, scene.plate, scene.light, scene.role))
        print(name, scene.photo, scene.plate)
    with (options.out_folder / "photos.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def make_photo(
    source: npt.NDArray[np.uint8], boxes: list[Rectangle], scene: Scene, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The finished picture of one scene."""
    x, y, width, height = scene.crop
    scale = SIZE[0] / width
    crop = source[y : y + height, x : x + width]
    enlarged = cv2.resize(_without_cast(crop), SIZE, interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(enlarged, dtype=np.float32)
    in_crop = [_moved(box, scene.crop, scale) for box in boxes]
    old = max(in_crop, key=_visible_width)
    others = [_grown(box, 0.1, 0.2) for box in in_crop if box != old]
    for box in (*others, *(_moved(box, scene.crop, scale) for box in scene.private)):
        _coarsen(picture, box)
    paper, ink = _light_of(picture, old)
    picture = _erase(picture, _grown(old, 0.07, 0.22))
    picture = _paint(picture, old, scene, paper, ink)
    grain = random.normal(0.0, 3.0, picture.shape).astype(np.float32)
    return np.asarray(
        (picture + _near(old, cv2.GaussianBlur(grain, (0, 0), 0.8) * 1.6)).clip(0, 255), dtype=np.uint8
    )


def _labels(folder: Path) -> tuple[dict[str, str], dict[str, list[Rectangle]]]:
    photos: dict[str, str] = {}
    boxes: dict[str, list[Rectangle]] = {}
    with (folder / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            scene = row["image"].split("_", 1)[1].removesuffix(".jpg")
            photos[scene] = row["image"]
            boxes.setdefault(scene, []).append((int(row["x"]), int(row["y"]), int(row["w"]), int(row["h"])))
    return photos, boxes


def _without_cast(crop: npt.NDArray[np.uint8], strength: float = 0.6) -> npt.NDArray[np.uint8]:
    """Gray-world balance but for the lamps: the camera had no infrared filter, so everything is magenta."""
    means = crop.reshape(-1, 3).astype(np.float32).mean(axis=0)
    gains = (means.mean() / means.clip(1.0)) ** strength
    brightness = crop.max(axis=2, keepdims=True).astype(np.float32)
    share = 1 - ((brightness - 215) / 40).clip(0, 1)
    return np.asarray((crop * (1 + (gains - 1) * share)).clip(0, 255), dtype=np.uint8)


def _moved(box: Rectangle, crop: Rectangle, scale: float) -> Rectangle:
    return (
        round((box[0] - crop[0]) * scale),
        round((box[1] - crop[1]) * scale),
        round(box[2] * scale),
        round(box[3] * scale),
    )


def _visible_width(box: Rectangle) -> int:
    inside = box[0] >= 0 and box[0] + box[2] <= SIZE[0]
    return box[2] if inside else 0


def _grown(box: Rectangle, across: float, along: float) -> Rectangle:
    dx, dy = round(box[2] * across), round(box[3] * along)
    return box[0] - dx, box[1] - dy, box[2] + 2 * dx, box[3] + 2 * dy


def _inside(box: Rectangle) -> tuple[slice, slice]:
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(SIZE[0], box[0] + box[2]), min(SIZE[1], box[1] + box[3])
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def _coarsen(picture: Picture, box: Rectangle) -> None:
    """Replace the rectangle by so few averages that nothing in it can be told, fading out around it."""
    wide = _grown(box, 12 / max(box[2], 1), 12 / max(box[3], 1))
    part = picture[_inside(wide)]
    if not part.size:
        return
    cells = (max(2, part.shape[1] // 28), max(2, part.shape[0] // 28))
    few = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(few, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_CUBIC)
    sharp = np.zeros(picture.shape[:2], dtype=np.float32)
    sharp[_inside(wide)] = 1
    share = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 4), dtype=np.float32)
    share[_inside(box)] = 1  # the rectangle itself is replaced in full
    share_of_part = share[_inside(wide)][..., None]
    picture[_inside(wide)] = coarse * share_of_part + part * (1 - share_of_part)


def _light_of(picture: Picture, old: Rectangle) -> tuple[Picture, Picture]:
    """The colors that white paper and black ink had on the old plate, kept far enough apart to be legible."""
    pixels = picture[_inside(old)].reshape(-1, 3)
    paper = np.percentile(pixels, 80, axis=0).clip(70, 245)
    paper = paper * 0.5 + paper.mean() * 0.5  # white paint, in light that is only partly as red as the lamps
    ink = np.minimum(np.percentile(pixels, 6, axis=0), paper * 0.45)
    return paper.astype(np.float32), ink.astype(np.float32)


def _erase(picture: Picture, box: Rectangle) -> Picture:
    mask = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    mask[_inside(box)] = 255
    filled = cv2.inpaint(picture.clip(0, 255).astype(np.uint8), mask, 7, cv2.INPAINT_TELEA).astype(np.float32)
    soft = cv2.GaussianBlur(filled, (0, 0), 4)
    picture = picture.copy()
    picture[mask > 0] = soft[mask > 0]
    return picture


def _paint(picture: Picture, old: Rectangle, scene: Scene, paper: Picture, ink: Picture) -> Picture:
    coverage, darkness = _plate(scene.plate)
    width = old[2] * scene.width
    height = width * CANVAS[1] / CANVAS[0]
    center_x, center_y = old[0] + old[2] / 2, old[1] + old[3] / 2
    turn = np.deg2rad(scene.tilt)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    half = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    corners = (half @ rotation.T + [center_x, center_y]).astype(np.float32)
    canvas = np.array([[0, 0], [CANVAS[0], 0], CANVAS, [0, CANVAS[1]]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(canvas, corners)
    blur = scene.blur * SIZE[0] / scene.crop[2]  # of the lens, in pixels of the enlarged picture
    fineness = (
        0.35 * CANVAS[0] / width
    )  # canvas pixels that fall on one of the picture, as a blur against moire
    over, dark = (
        cv2.GaussianBlur(_warped(cv2.GaussianBlur(layer, (0, 0), fineness), transform), (0, 0), blur)[
            ..., None
        ]
        for layer in (coverage, darkness)
    )
    shadow = 1 - 0.45 * np.roll(cv2.GaussianBlur(over, (0, 0), 4), 3, axis=0)[..., None] * (1 - over)
    from_above = np.linspace(1.04, 0.94, SIZE[1], dtype=np.float32)[:, None, None]
    plate = (paper * (1 - dark) + ink * dark) * from_above
    return np.asarray(picture * shadow * (1 - over) + plate * over, dtype=np.float32)


def _warped(layer: cv2.typing.MatLike, transform: cv2.typing.MatLike) -> Picture:
    return np.asarray(cv2.warpPerspective(layer, transform, SIZE, flags=cv2.INTER_AREA), dtype=np.float32)


def _plate(text: str) -> list[Picture]:
    """Where the plate is, and how dark its print is there; both 0–1 on the canvas."""
    coverage, darkness = Image.new("L", CANVAS), Image.new("L", CANVAS)
    ImageDraw.Draw(coverage).rounded_rectangle((2, 2, CANVAS[0] - 3, CANVAS[1] - 3), radius=22, fill=255)
    draw = ImageDraw.Draw(darkness)
    draw.rounded_rectangle((10, 10, CANVAS[0] - 11, CANVAS[1] - 11), radius=16, outline=110, width=4)
    draw.text((CANVAS[0] / 2, 46), ISSUER, font=ImageFont.truetype(PLATE_FONT, 40), fill=150, anchor="mm")
    for bolt_x in (95, CANVAS[0] - 95):
        for bolt_y in (34, CANVAS[1] - 34):
            draw.ellipse((bolt_x - 9, bolt_y - 9, bolt_x + 9, bolt_y + 9), fill=120)
    for position, character in enumerate(text):
        darkness.paste(245, (round(PRINT_FROM_X + PRINT_STEP * position), PRINT_FROM_Y), _glyph(character))
    return [np.asarray(layer, dtype=np.float32) / np.float32(255) for layer in (coverage, darkness)]


def _glyph(character: str) -> Image.Image:
    """A character as a plate's die stamps it: every one of the same height, none wider than its place."""
    font = ImageFont.truetype(PLATE_FONT, 2 * PRINT_HEIGHT)
    left, top, right, bottom = font.getbbox(character)
    glyph = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(glyph).text((-left, -top), character, font=font, fill=255)
    width = min(PRINT_STEP - PRINT_GAP, round(glyph.width * PRINT_HEIGHT / glyph.height))
    place = Image.new("L", (PRINT_STEP, PRINT_HEIGHT))
    place.paste(glyph.resize((width, PRINT_HEIGHT), Image.Resampling.LANCZOS), ((PRINT_STEP - width) // 2, 0))
    return place


def _near(box: Rectangle, grain: Picture) -> Picture:
    kept = np.zeros_like(grain)
    kept[_inside(_grown(box, 0.1, 0.9))] = grain[_inside(_grown(box, 0.1, 0.9))]
    return kept


if __name__ == "__main__":
    main()
