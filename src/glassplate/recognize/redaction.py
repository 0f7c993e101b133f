"""The only maker of images that may leave the lane: the plate, and the vehicle that carries it.

What stands for the scene is the vehicle with a margin, from pixels on which, in this order, (1) people, (2) faces,
(3) windshields and (4) other plates were made unrecognizable, and (5) the read's own plate was put back as the crop
shows it. It fails closed: where the vehicle or its windows were not found, only the plate is kept.
"""

from __future__ import annotations

import io
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, NoReturn

from glassplate.recognize.found import VEHICLES, check_box, holds
from glassplate.recognize.hiding import (
    face_area,
    glass_above_plate,
    glass_area,
    hide,
    person_area,
    plate_area,
)
from glassplate.recognize.shown import shown_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from glassplate.recognize.found import Found
    from glassplate.recognize.hiding import HiddenArea
    from glassplate.recognize.recognizer import Pixels
    from glassplate.recognize.shown import Shown
    from glassplate.records import FrameBox

MARGIN_ACROSS = 0.03  # of the box's width: the box holds characters, the plate's rim lies just outside
MARGIN_ALONG = 0.2  # of the box's height: state name above and slogan below the characters
MAX_CROP_WIDTH = 640  # enough to judge every character by eye, too little for a scene
JPEG_QUALITY = 90  # below 85 a B and an 8 of 20 pixels begin to look alike

MAX_SCENE_SIDE = 960  # enough to tell a make by eye
SCENE_JPEG_QUALITY = 80
MAX_AREAS = 400  # more people and vehicles than this are in no picture: something is wrong with the network

_MAKER = object()


@dataclass(frozen=True, slots=True)
class RedactedImage:
    """A JPEG that shows nothing but what the redaction left. Nothing outside this module can make one.

    ``seal`` accepts this type only, so that an unredacted picture has no way out. Copying, pickling,
    replacing fields and subclassing are refused for the same reason.
    """

    jpeg: bytes = field(repr=False)
    width: int
    height: int
    what_was_removed: tuple[str, ...]
    maker: InitVar[object]

    def __post_init__(self, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError(
                "A RedactedImage is made by the redaction only: call redact_to_plate or redact_scene."
            )

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("RedactedImage cannot be subclassed.")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A RedactedImage cannot be copied or pickled.")


def redact_to_plate(pixels: Pixels, box: FrameBox) -> RedactedImage:
    """Keep only the plate at ``box`` and its margins, encoded from its pixels without any metadata.

    Raises:
        ValueError: ``box`` is empty or does not lie in the picture.
    """
    from PIL import Image

    left, top, right, bottom = _grown(box, pixels.shape[1], pixels.shape[0])
    crop = pixels[
        top:bottom, left:right
    ].copy()  # the copy cuts the tie to the picture before anything is written
    height, width = crop.shape[:2]
    image = Image.frombytes("RGB", (width, height), crop.tobytes())
    if width > MAX_CROP_WIDTH:
        size = MAX_CROP_WIDTH, max(1, round(height * MAX_CROP_WIDTH / width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return _encoded(image, JPEG_QUALITY, 0, ("everything outside the plate", "metadata"))


def redact_scene(
    pixels: Pixels,
    plate: FrameBox,
    found: Sequence[Found],
    faces: Sequence[Found],
    other_plates: Sequence[FrameBox] = (),
) -> RedactedImage | None:
    """The vehicle that carries ``plate``, with nobody in it and no other plate to be read.

    ``found``: vehicles and people of the picture; ``faces``: its faces; ``other_plates``: every other plate, read
    or not: who opens one vehicle's scene has asked for no other. ``pixels`` stay as they are.

    None, so that only the plate crop is kept, when nothing may be ``shown_with`` the plate, or when there are more
    boxes than a picture can hold.

    Raises:
        ValueError: a plate's box is empty, or ``plate`` does not lie in the picture.
    """
    from PIL import Image

    for other in other_plates:
        check_box(other)
    frame_height, frame_width = pixels.shape[:2]
    own = _grown(plate, frame_width, frame_height)
    shown = shown_with(plate, found, frame_width, frame_height)
    if shown is None or len(found) + len(faces) + len(other_plates) > MAX_AREAS:
        return None
    left, top, width, height = shown.part
    right, bottom = left + width, top + height
    scene = pixels[top:bottom, left:right].copy()  # from here on the rest of the picture is not at hand
    removed = ["everything outside the vehicle"]
    for what, areas in _hidden(shown, plate, found, faces, other_plates).items():
        count = hide(scene, [area.moved(left, top) for area in areas])
        removed += [what.format(count, "" if count == 1 else "s")] if count else []
    x, y, end_x, end_y = max(own[0], left), max(own[1], top), min(own[2], right), min(own[3], bottom)
    scene[y - top : end_y - top, x - left : end_x - left] = pixels[y:end_y, x:end_x]
    image = Image.frombytes("RGB", (width, height), scene.tobytes())
    longest = max(width, height)
    if longest > MAX_SCENE_SIDE:  # after the hiding, whose cells follow the boxes in the frame
        scale = MAX_SCENE_SIDE / longest
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = image.resize(size, Image.Resampling.BOX)  # a third of the time of the finer ones
    return _encoded(image, SCENE_JPEG_QUALITY, 2, (*removed, "metadata"))


def _hidden(
    shown: Shown,
    plate: FrameBox,
    found: Sequence[Found],
    faces: Sequence[Found],
    other_plates: Sequence[FrameBox],
) -> dict[str, list[HiddenArea]]:
    """Areas by what is told of them, in the order of hiding."""
    vehicles = [one for one in found if one.kind in VEHICLES and one is not shown.vehicle]
    return {
        "{} person{}": [person_area(one) for one in found if one.kind == "person"],
        "{} face{}": [face_area(one) for one in faces],
        "windshields in {} place{}": [shown.glass, *(_windows(one, shown, plate) for one in vehicles)],
        "{} other plate{}": [plate_area(one) for one in other_plates if not is_same_plate(one, plate)],
    }


def _windows(other: Found, shown: Shown, plate: FrameBox) -> HiddenArea:
    """Of another box: as the shown vehicle's, if it is of the same vehicle too and so holds the plate."""
    if holds(other.box, plate):
        return glass_above_plate(other, plate, shown.part[1]) or glass_area(other)
    return glass_area(other)


def is_same_plate(one: FrameBox, other: FrameBox) -> bool:
    """Whether two boxes are of one plate, though found by different networks: a center lies in the other box."""
    return holds(one, other) or holds(other, one)


def _encoded(image: Image.Image, quality: int, subsampling: int, removed: tuple[str, ...]) -> RedactedImage:
    """A baseline JPEG of nothing but these pixels."""
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality, subsampling=subsampling)
    return RedactedImage(encoded.getvalue(), image.width, image.height, removed, _MAKER)


def _grown(box: FrameBox, frame_width: int, frame_height: int) -> tuple[int, int, int, int]:
    x, y, width, height = box
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > frame_width or y + height > frame_height:
        raise ValueError(
            f"The plate box {box} does not lie in the picture of {frame_width}×{frame_height} pixels."
        )
    across, along = round(width * MARGIN_ACROSS), round(height * MARGIN_ALONG)
    return (
        max(0, x - across),
        max(0, y - along),
        min(frame_width, x + width + across),
        min(frame_height, y + height + along),
    )
