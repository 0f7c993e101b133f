"""Pictures made so that a crop or a scene keeps what it must not: with the shipped networks where they can tell."""

import io

import numpy as np
import pytest
from invented_person import FACE, invented_person
from PIL import Image, ImageDraw, ImageFont
from scenes_testing import a

from glassplate.recognize.engines import engine
from glassplate.recognize.faces import FaceFinder, faces_under_letters
from glassplate.recognize.redaction import redact_scene
from glassplate.recognize.scenes import VehicleScenes

PLATE = (280, 300, 90, 24)


def on_a_board(text, letters, head, *, board=(480, 300, 320, 110), beside=False):
    """A street with a light board, on it letters so high and a drawn head of that scale behind or beside them."""
    image = Image.new("RGB", (1280, 720), (96, 98, 101))
    draw, (x, y, width, height) = ImageDraw.Draw(image), board
    draw.rectangle((x, y, x + width, y + height), fill=(225, 225, 220))
    if head:
        face = invented_person(head).crop([round(one * head) for one in FACE])
        place = (x + 4, y + 4) if beside else (x + (width - face.width) // 2, y + (height - face.height) // 2)
        image.paste(face, place, face)
    font = ImageFont.load_default(letters)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    draw.text(
        (x + (width - right - left) // 2, y + (height - bottom - top) // 2),
        text,
        font=font,
        fill=(20, 25, 50),
    )
    return np.asarray(image)


def faces_in(pixels):
    find = FaceFinder().find
    return [*find(pixels), *faces_under_letters(find, pixels)]


PORTRAITS = {
    "small letters on a small portrait": on_a_board("7KDR214", 40, 1.0),
    "letters as high as half the portrait": on_a_board("7KDR214", 60, 1.4),
    "a portrait larger than the board": on_a_board("7KDR214", 60, 3.0),
    "a portrait beside the letters": on_a_board("7KDR214", 50, 1.0, beside=True),
}


@pytest.mark.parametrize("pixels", PORTRAITS.values(), ids=PORTRAITS.keys())
def test_letters_over_a_portrait_keep_no_face(pixels):
    (candidate, *_) = engine().read(pixels)
    x, y, width, height = candidate.box
    around = np.s_[max(0, y - 150) : y + height + 150, x - 150 : x + width + 150]
    assert faces_in(pixels[around]), "the networks do see a face there"

    (kept,) = VehicleScenes().of(pixels, [candidate.box])

    assert kept.scene is None
    if kept.crop is not None:
        assert any("face" in what for what in kept.crop.what_was_removed)
        assert faces_in(np.asarray(Image.open(io.BytesIO(kept.crop.jpeg)))) == []


def test_the_same_board_without_a_portrait_is_kept():
    pixels = on_a_board("7KDR214", 60, 0)
    (candidate,) = engine().read(pixels)
    (kept,) = VehicleScenes().of(pixels, [candidate.box])
    assert kept.crop.what_was_removed == ("everything outside the plate", "metadata")


def test_a_placard_over_half_the_frame_is_read_and_not_kept():
    pixels = on_a_board("7KDR214", 160, 0, board=(240, 200, 800, 300))
    candidates = engine("whole-frame").read(pixels)
    assert "7KDR214" in [one.text for one in candidates]
    for kept in VehicleScenes().of(pixels, [one.box for one in candidates]):
        assert kept.crop is kept.scene is None


def test_of_two_plates_side_by_side_each_scene_shows_one():
    pixels = np.full((480, 640, 3), 128, dtype=np.uint8)
    left, right = (240, 300, 80, 24), (324, 300, 80, 24)
    for x, y, width, height in (left, right):
        pixels[y : y + height, x : x + width : 2] = 250
    car = a("car", (200, 150, 250, 220))
    for own, other in ((left, right), (right, left)):
        shown = np.asarray(
            Image.open(io.BytesIO(redact_scene(pixels, own, [car], [], [other]).jpeg)).convert("L")
        ).astype(int)
        clear, hidden = (
            shown[box[1] - 117 + 4 : box[1] - 117 + 20, box[0] - 162 + 8 : box[0] - 162 + 72]
            for box in (own, other)
        )
        assert clear.std() > 40
        assert hidden.std() < 12


def test_a_large_box_around_the_own_plate_is_hidden_around_it():
    pixels = np.full((480, 640, 3), 128, dtype=np.uint8)
    pixels[:, ::2] = 250
    car = a("car", (200, 150, 250, 220))
    image = redact_scene(pixels, PLATE, [car], [], [(220, 290, 210, 60)])
    shown = np.asarray(Image.open(io.BytesIO(image.jpeg)).convert("L")).astype(int)
    assert "1 other plate" in image.what_was_removed
    assert shown[305 - 117 : 320 - 117, 288 - 162 : 362 - 162].std() > 40
    assert shown[330 - 117 : 345 - 117, 240 - 162 : 420 - 162].std() < 12
