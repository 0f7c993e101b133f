"""The only maker of images that may leave the lane: the plate, and the vehicle that carries it.

What stands for the scene is the vehicle with a margin, from pixels on which, in this order, (1) people, (2) faces,
(3) windshields and (4) other plates were made unrecognizable, and (5) the read's own plate was put back as the crop
shows it. It fails closed: where the vehicle or its windows were not found, only the plate is kept; where the box cannot be
a plate's, or people cover it, nothing is.
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
from glassplate.recognize.plate_crop import cut, is_same_plate
from glassplate.recognize.shown import shown_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from glassplate.recognize.found import Found
    from glassplate.recognize.hiding import HiddenArea
    from glassplate.recognize.plate_crop import PlateCrop
    from glassplate.recognize.recognizer import Pixels
    from glassplate.recognize.shown import Shown
    from glassplate.records import FrameBox

MAX_CROP_WIDTH = 640  # enough to judge every character by eye, too little for a scene
JPEG_QUALITY = 90  # below 85 a B and an 8 of 20 pixels begin to look alike

BLANK_SIZE, BLANK_COLOR = (96, 24), (128, 128, 128)

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


def redact_to_plate(
    pixels: Pixels, plate: FrameBox, found: Sequence[Found], faces: Sequence[Found]
) -> RedactedImage | None:
    """Keep only ``plate`` and its margins, encoded from its pixels without any metadata.

    ``found``: people of the picture; ``faces``: those in and around the plate. ``pixels`` stay as they are.

    None, so that nothing is kept of this plate: see ``plate_crop.cut``.

    Raises:
        ValueError: ``plate`` is empty or does not lie in the picture.
    """
    from PIL import Image

    crop = cut(pixels, plate, found, faces)
    if crop is None:
        return None
    height, width = crop.pixels.shape[:2]
    image = Image.frombytes("RGB", (width, height), crop.pixels.tobytes())
    if width > MAX_CROP_WIDTH:
        size = MAX_CROP_WIDTH, max(1, round(height * MAX_CROP_WIDTH / width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    hidden = [
        _counted(what, count)
        for what, count in (("{} person{}", crop.persons), ("{} face{}", crop.faces))
        if count
    ]
    return _encoded(image, JPEG_QUALITY, 0, ("everything outside the plate", *hidden, "metadata"))


def blank_crop() -> RedactedImage:
    """A gray picture in the place of a crop: of a read whose picture could not be redacted, because a network failed."""
    from PIL import Image

    image = Image.new("RGB", BLANK_SIZE, BLANK_COLOR)
    return _encoded(
        image, JPEG_QUALITY, 0, ("everything: what had to be hidden could not be looked for", "metadata")
    )


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
    boxes than a picture can hold; or nothing at all, when ``redact_to_plate`` keeps nothing.

    Raises:
        ValueError: a plate's box is empty, or ``plate`` does not lie in the picture.
    """
    from PIL import Image

    for other in other_plates:
        check_box(other)
    frame_height, frame_width = pixels.shape[:2]
    own = cut(pixels, plate, found, faces)
    shown = shown_with(plate, found, frame_width, frame_height)
    if own is None or shown is None or len(found) + len(faces) + len(other_plates) > MAX_AREAS:
        return None
    left, top, width, height = shown.part
    right, bottom = left + width, top + height
    scene = pixels[top:bottom, left:right].copy()  # from here on the rest of the picture is not at hand
    removed = ["everything outside the vehicle"]
    for what, areas in _hidden(shown, plate, found, faces, other_plates).items():
        count = hide(scene, [area.moved(left, top) for area in areas])
        removed += [_counted(what, count)] if count else []
    _put_back(scene, left, top, own)
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


def _put_back(scene: Pixels, left: int, top: int, own: PlateCrop) -> None:
    """Write the own plate, as the crop shows it, into the scene that was cut out at ``left``, ``top``."""
    x, y = own.left - left, own.top - top
    from_x, from_y = max(0, -x), max(0, -y)
    part = own.pixels[from_y : max(0, scene.shape[0] - y), from_x : max(0, scene.shape[1] - x)]
    scene[y + from_y : y + from_y + part.shape[0], x + from_x : x + from_x + part.shape[1]] = part


def _counted(what: str, count: int) -> str:
    return what.format(count, "" if count == 1 else "s")


def _encoded(image: Image.Image, quality: int, subsampling: int, removed: tuple[str, ...]) -> RedactedImage:
    """A baseline JPEG of nothing but these pixels."""
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality, subsampling=subsampling)
    return RedactedImage(encoded.getvalue(), image.width, image.height, removed, _MAKER)
