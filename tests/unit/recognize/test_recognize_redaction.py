import copy
import dataclasses
import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from recognize_testing import encoded

from glassplate.recognize.decode import Decoder
from glassplate.recognize.redaction import MAX_CROP_WIDTH, RedactedImage, redact_to_plate

FRAME = np.random.default_rng(3).integers(0, 256, (120, 200, 3), dtype=np.uint8)
BOX = (60, 50, 80, 20)


def an_image() -> RedactedImage:
    return redact_to_plate(FRAME, BOX, [], [])


def subclass_it() -> None:
    type("Forged", (RedactedImage,), {})


FORGERIES = {
    "by its constructor": lambda: RedactedImage(b"x", 1, 1, ()),
    "with any token": lambda: RedactedImage(b"x", 1, 1, (), object()),
    "with None as token": lambda: RedactedImage(b"x", 1, 1, (), None),
    "by replacing the picture": lambda: dataclasses.replace(an_image(), jpeg=b"x"),
    "by replacing with a token": lambda: dataclasses.replace(an_image(), jpeg=b"x", maker=object()),
    "by copying": lambda: copy.copy(an_image()),
    "by deep copying": lambda: copy.deepcopy(an_image()),
    "by pickling": lambda: pickle.dumps(an_image()),
    "by subclassing": subclass_it,
    "by assigning": lambda: setattr(an_image(), "jpeg", b"x"),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_redacted_image_cannot_be_made_outside_the_redaction(forgery):
    with pytest.raises((TypeError, ValueError, dataclasses.FrozenInstanceError)):
        forgery()


def test_a_redacted_image_shows_no_bytes_in_its_repr():
    assert "jpeg" not in repr(an_image())
    assert "everything outside the plate" in repr(an_image())


def test_the_crop_is_the_plate_and_its_margins():
    image = an_image()
    assert (image.width, image.height) == (80 + 2 * 3, 20 + 2 * 2)
    assert Image.open(io.BytesIO(image.jpeg)).size == (image.width, image.height)


def test_nothing_outside_the_margins_reaches_the_crop():
    other = np.zeros_like(FRAME)
    other[48:72, 57:143] = FRAME[48:72, 57:143]
    assert redact_to_plate(other, BOX, [], []).jpeg == an_image().jpeg
    other[48, 57] ^= 255
    assert redact_to_plate(other, BOX, [], []).jpeg != an_image().jpeg


def test_a_wide_crop_is_scaled_down():
    image = redact_to_plate(np.zeros((1800, 4000, 3), np.uint8), (100, 200, 1600, 400), [], [])
    assert image.width == MAX_CROP_WIDTH
    assert image.height == round(464 * 640 / 1696)


def test_no_metadata_of_the_photo_survives():
    picture = Image.fromarray(FRAME)
    exif = picture.getexif()
    exif[0x010E] = "secret description"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.0), 3: "W", 4: (0.0, 7.0, 0.0)})
    data = encoded(picture, "JPEG", exif=exif, comment=b"secret comment", icc_profile=b"secret profile")
    assert data.count(b"secret") == 3
    with Decoder() as decoder:
        crop = redact_to_plate(decoder.decode(data, "street.jpg"), BOX, [], [])
    assert b"secret" not in crop.jpeg
    assert b"Exif" not in crop.jpeg
    found = Image.open(io.BytesIO(crop.jpeg))
    assert not found.getexif()
    assert set(found.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@settings(max_examples=60, deadline=None)
@given(st.integers(-5, 205), st.integers(-5, 125), st.integers(-2, 110), st.integers(-2, 60))
def test_any_box_gives_a_crop_no_larger_than_its_margins_or_is_refused(x, y, width, height):
    box = x, y, width, height
    inside = x >= 0 and y >= 0 and width >= 1 and height >= 1 and x + width <= 200 and y + height <= 120
    if not inside:
        with pytest.raises(ValueError, match=r"does not lie in the picture|is empty"):
            redact_to_plate(FRAME, box, [], [])
        return
    image = redact_to_plate(FRAME, box, [], [])
    if image is None:
        assert width > 100 or width * height > 2400 or not 0.7 <= width / height <= 7
        return
    assert width <= image.width <= width * 1.06 + 2
    assert height <= image.height <= height * 1.16 + 2
