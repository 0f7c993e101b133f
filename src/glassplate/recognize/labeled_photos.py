"""Data sets of photos with their true plates, for measuring: a folder with ``plates.csv``, or one of ``TEXT.jpg``.

``plates.csv`` has a heading and one row for each plate. ``image`` and ``plate`` are needed; ``region`` (any word; the
table is divided by it), ``state`` ("us-tx", "US-TX") and ``x``, ``y``, ``w``, ``h`` (the plate's box in pixels) are
used where they are; other columns are passed over. Without it each picture's name up to the first "_" is its plate.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused
from glassplate.plate_text import normalize
from glassplate.recognize.measure import Truth

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.records import FrameBox

LIST_NAME = "plates.csv"
MAX_PLATES = 100_000  # a day of measuring at a second each
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_BOX = ("x", "y", "w", "h")


@dataclass(frozen=True, slots=True)
class LabeledPhoto:
    """A picture and what is on it, never nothing."""

    path: Path
    truths: tuple[Truth, ...]


def read_dataset(folder: Path) -> tuple[LabeledPhoto, ...]:
    """The photos of a data set, in the order of its list or of their names. Pictures are not opened.

    Raises:
        InputRefused: it is missing, empty or broken; says where, and what to do.
    """
    if not folder.is_dir():
        raise InputRefused(
            f"{folder} is not a folder; give the folder that holds the photos and {LIST_NAME}."
        )
    photos = _listed(folder) if (folder / LIST_NAME).exists() else _named(folder)
    if not photos:
        raise InputRefused(
            f"{folder} holds no photo with a plate. Give a folder with {LIST_NAME} (columns image, plate), "
            "or one of pictures that are named after their plate, such as 7KDR214.jpg."
        )
    return photos


def spread(photos: tuple[LabeledPhoto, ...], limit: int) -> tuple[LabeledPhoto, ...]:
    """``limit`` of the photos, taken evenly, so that every part of the data set stays in it."""
    if limit >= len(photos):
        return photos
    return tuple(photos[number * len(photos) // limit] for number in range(limit))


def each_plate(photos: tuple[LabeledPhoto, ...]) -> tuple[LabeledPhoto, ...]:
    """The same plates, each as a photo of its own."""
    return tuple(LabeledPhoto(photo.path, (truth,)) for photo in photos for truth in photo.truths)


def _listed(folder: Path) -> tuple[LabeledPhoto, ...]:
    path = folder / LIST_NAME
    truths: dict[str, list[Truth]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [name for name in ("image", "plate") if name not in (rows.fieldnames or [])]
            if missing:
                raise InputRefused(
                    f"{path} has no column {' and '.join(missing)}. Its first line names the columns."
                )
            for row in rows:
                if rows.line_num > MAX_PLATES:
                    raise InputRefused(f"{path} has more than {MAX_PLATES:,} lines. Divide it.")
                image, truth = _row(row, folder, f"{path}, line {rows.line_num}")
                truths.setdefault(image, []).append(truth)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{path} cannot be read as CSV in UTF-8: {error}.") from None
    return tuple(LabeledPhoto(folder / image, tuple(found)) for image, found in truths.items())


def _row(row: dict[str, str | None], folder: Path, where: str) -> tuple[str, Truth]:
    image, text = (row["image"] or "").strip(), normalize(row["plate"] or "")
    if not text:
        raise InputRefused(f"{where}: no plate. Write its letters and digits, or take the line out.")
    if not image or "/" in image or image.startswith(".") or not (folder / image).is_file():
        raise InputRefused(
            f"{where}: there is no picture {image!r} in {folder}. Copy it there, or take the line out."
        )
    state = (row.get("state") or "").strip().upper()
    group = (row.get("region") or state.partition("-")[0]).strip().lower()
    return image, Truth(text, group, state, _box(row, where))


def _box(row: dict[str, str | None], where: str) -> FrameBox | None:
    values = [(row.get(name) or "").strip() for name in _BOX]
    if not any(values):
        return None
    try:
        x, y, width, height = (round(float(value)) for value in values)
    except (ValueError, OverflowError):
        raise InputRefused(f"{where}: x, y, w and h must be four numbers of pixels, or all empty.") from None
    if min(x, y) < 0 or min(width, height) < 1:
        raise InputRefused(
            f"{where}: the box {x}, {y}, {width}, {height} is empty or begins outside the picture."
        )
    return x, y, width, height


def _named(folder: Path) -> tuple[LabeledPhoto, ...]:
    pictures = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    named = [(path, normalize(path.stem.partition("_")[0])) for path in pictures]
    for path, text in named:
        if not text:
            raise InputRefused(
                f"{path.name} is not named after its plate. Rename it, such as 7KDR214.jpg, or add {LIST_NAME}."
            )
    return tuple(LabeledPhoto(path, (Truth(text),)) for path, text in named)
