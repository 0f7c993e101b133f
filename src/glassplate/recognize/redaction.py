"""The only maker of images that may leave the lane.

There is no model for people, faces or vehicles here yet, so the redaction fails closed: of a picture it keeps
the plate and a narrow margin around it, nothing else. Scene images come with the recognition issue, once
people, faces and windshields can be found and covered; until then nothing can make one.
"""

from __future__ import annotations

import io
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

MARGIN_ACROSS = 0.03  # of the box's width: the box holds characters, the plate's rim lies just outside
MARGIN_ALONG = 0.2  # of the box's height: state name above and slogan below the characters
MAX_CROP_WIDTH = 640  # enough to judge every character by eye, too little for a scene
JPEG_QUALITY = 90  # below 85 a B and an 8 of 20 pixels begin to look alike

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
            raise TypeError("A RedactedImage is made by the redaction only: call redact_to_plate.")

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
    image = Image.frombytes("RGB", (right - left, bottom - top), crop.tobytes())
    if image.width > MAX_CROP_WIDTH:
        height = max(1, round(image.height * MAX_CROP_WIDTH / image.width))
        image = image.resize((MAX_CROP_WIDTH, height), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return RedactedImage(
        jpeg=encoded.getvalue(),
        width=image.width,
        height=image.height,
        what_was_removed=("everything outside the plate", "metadata"),
        maker=_MAKER,
    )


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
