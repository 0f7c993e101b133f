"""What may be a plate's box, and who is left in its crop: the attacks on the one picture that needs no vehicle."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scenes_testing import a, noise

from glassplate.recognize.faces import faces_under_letters
from glassplate.recognize.plate_crop import MOST_HIDDEN, cut, is_same_plate, may_be_plate
from glassplate.recognize.redaction import redact_scene, redact_to_plate
from glassplate.recognize.scenes import VehicleScenes

FRAME = noise()
PLATE = (280, 300, 90, 24)


def crop(plate=PLATE, found=(), faces=(), *, pixels=FRAME):
    return cut(pixels, plate, found, faces)


PLATES = {
    "a European plate": (100, 100, 208, 44),
    "a line of nine narrow characters": (100, 100, 240, 38),
    "an American plate": (100, 100, 120, 60),
    "a motorcycle's plate": (100, 100, 90, 80),
    "a German motorcycle's plate, seen askew": (100, 100, 64, 90),
    "half as wide as the picture": (100, 100, 320, 60),
    "seven times as wide as high": (100, 100, 280, 40),
}
NO_PLATES = {
    "the whole frame": (0, 0, 640, 480),
    "a placard over half the frame": (100, 200, 330, 90),
    "a placard in the middle": (200, 100, 240, 160),
    "a portrait": (200, 100, 100, 150),
    "a person": (200, 100, 60, 180),
    "a line of a text": (100, 100, 287, 40),
    "a strip": (100, 100, 300, 20),
    "a column": (100, 100, 20, 300),
}


@pytest.mark.parametrize("box", PLATES.values(), ids=PLATES.keys())
def test_may_be_a_plate(box):
    assert may_be_plate(box, 640, 480)


@pytest.mark.parametrize("box", NO_PLATES.values(), ids=NO_PLATES.keys())
def test_of_no_plate_nothing_is_kept_whatever_is_around_it(box):
    assert not may_be_plate(box, 640, 480)
    around = [a("bus", (0, 0, 640, 480))]
    assert redact_to_plate(FRAME, box, around, []) is None
    assert redact_scene(FRAME, box, around, []) is None


NO_BOXES = {
    "negative": (-1, 10, 90, 24),
    "without width": (10, 10, 0, 24),
    "beyond the right edge": (600, 10, 90, 24),
    "huge": (10, 10, 1 << 40, 24),
    "not a number": (10, 10, float("nan"), 24),
    "endless": (10, 10, float("inf"), 24),
    "half pixels": (10.5, 10, 90, 24),
    "of numpy": (np.int64(10), 10, 90, 24),
    "three numbers": (10, 10, 90),
}


@pytest.mark.parametrize("box", NO_BOXES.values(), ids=NO_BOXES.keys())
def test_what_is_no_box_is_refused(box):
    with pytest.raises(ValueError, match=r"does not lie|is empty|not four whole numbers"):
        redact_to_plate(FRAME, box, [], [])


def test_a_face_in_the_crop_becomes_coarse_and_the_rest_stays():
    before = FRAME.copy()
    clean, hidden = crop(), crop(faces=[a("face", (290, 303, 14, 16))])

    assert np.array_equal(FRAME, before)
    assert (clean.faces, hidden.faces) == (0, 1)
    x, y = 290 - hidden.left, 303 - hidden.top
    assert len(np.unique(hidden.pixels[y : y + 16, x : x + 14].reshape(-1, 3), axis=0)) <= 16
    assert np.array_equal(clean.pixels[:, x + 20 :], hidden.pixels[:, x + 20 :])


def test_the_scene_shows_the_face_as_coarse_as_the_crop():
    car, face = a("car", (200, 150, 250, 220)), a("face", (290, 303, 14, 16))
    pixels = np.full_like(FRAME, 128)
    pixels[303:319:2, 290:304] = 255
    clear, hidden = (
        np.asarray(Image.open(io.BytesIO(redact_scene(pixels, PLATE, [car], faces).jpeg)))[186:202, 128:142]
        for faces in ([], [face])
    )
    assert hidden.std() < clear.std() / 2


WHO_LEAVES_NO_PLATE = {
    "a face as large as the plate": {"faces": [a("face", (290, 270, 80, 90))]},
    "a face that lies over all of it": {"faces": [a("face", (0, 0, 640, 480))]},
    "faces side by side": {"faces": [a("face", (280 + 20 * n, 300, 14, 24)) for n in range(3)]},
    "a person inside": {"found": [a("person", (300, 296, 60, 30))]},
}


@pytest.mark.parametrize("who", WHO_LEAVES_NO_PLATE.values(), ids=WHO_LEAVES_NO_PLATE.keys())
def test_nothing_is_kept_where_people_cover_the_plate(who):
    assert crop(**who) is None


def test_a_driver_behind_the_plate_a_face_beside_it_and_a_figure_that_may_be_a_digit_cost_nothing():
    kept = crop(
        found=[a("person", (250, 100, 150, 300)), a("person", (350, 302, 10, 20), 0.29)],
        faces=[a("face", (500, 100, 40, 40))],
    )
    assert (kept.persons, kept.faces) == (0, 0)
    assert np.array_equal(kept.pixels, crop().pixels)


def test_a_person_is_hidden_from_the_confidence_and_the_half_on_that_the_docs_say():
    half_in = 352, 298, 40, 28  # the crop ends at 373: 21 of its 40 columns
    kept = crop(found=[a("person", (283, 302, 10, 20), 0.30), a("person", half_in, 0.9)])
    assert kept.persons == 2
    assert (
        not (kept.pixels == crop().pixels)
        .all(axis=2)[302 - kept.top : 322 - kept.top, 283 - kept.left : 293 - kept.left]
        .any()
    )
    less_than_half_in = 354, 298, 40, 28
    assert crop(found=[a("person", less_than_half_in, 0.9)]).persons == 0


@pytest.mark.parametrize(("columns", "is_kept"), [(36, True), (37, False)])
def test_two_fifths_of_the_plate_may_be_hidden_and_no_more(columns, is_kept):
    person = a("person", (280, 290, columns, 44))
    assert (crop(found=[person]) is not None) is is_kept


BOXES = st.tuples(st.integers(-99, 640), st.integers(-99, 480), st.integers(1, 300), st.integers(1, 300))


@settings(max_examples=150, deadline=None)
@given(st.lists(BOXES, max_size=5))
def test_whatever_a_face_covers_is_coarse_or_not_kept(boxes):
    kept = crop(faces=[a("face", box) for box in boxes])
    covered = np.zeros(FRAME.shape[:2], dtype=bool)
    for x, y, width, height in boxes:
        covered[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = True
    if kept is None:
        assert boxes
        return
    x, y, width, height = PLATE
    assert covered[y : y + height, x : x + width].mean() <= MOST_HIDDEN
    part = np.s_[kept.top : kept.top + kept.pixels.shape[0], kept.left : kept.left + kept.pixels.shape[1]]
    same = (kept.pixels == FRAME[part]).all(axis=2)
    assert same[covered[part]].sum() <= 0.1 * covered[part].sum() + 4  # noise may equal its own mean


SAME = {
    "itself": PLATE,
    "found a little larger": (270, 296, 110, 30),
    "its line of characters": (285, 306, 80, 12),
    "its middle": (300, 304, 50, 16),
}
OTHERS = {
    "a plate beside it": (372, 300, 90, 24),
    "a plate below it": (280, 326, 90, 24),
    "a plate half over it": (335, 310, 90, 24),
    "a large box around both": (200, 250, 300, 100),
    "a large box whose center is elsewhere": (250, 290, 500, 60),
    "a small one in its middle": (320, 308, 10, 6),
}


@pytest.mark.parametrize("other", SAME.values(), ids=SAME.keys())
def test_is_the_same_plate(other):
    assert is_same_plate(PLATE, other)
    assert is_same_plate(other, PLATE)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_is_another_plate(other):
    assert not is_same_plate(PLATE, other)
    assert not is_same_plate(other, PLATE)


def test_faces_are_looked_for_around_a_plate_without_a_scene_and_in_smaller_pictures():
    looked_at = []

    def faces(pixels):
        looked_at.append(pixels.copy())
        return []

    VehicleScenes(lambda _: [], faces, lambda _: []).of(FRAME, [PLATE])

    # Half the plate's width on each side, one and a half of its height above and below.
    assert np.array_equal(looked_at[0], FRAME[264:360, 235:415])
    assert [one.shape[:2] for one in looked_at[1:]] == [(48, 90), (34, 63), (24, 45)]


def test_a_large_scene_is_looked_at_scaled_down_so_the_plate_gets_a_look_of_its_own():
    sizes = []

    def faces(pixels):
        sizes.append(pixels.shape[:2])
        return [a("face", (768, 915, 30, 30))] if len(sizes) == 1 else [a("face", (18, 35, 30, 30))]

    car, plate = a("car", (300, 200, 1400, 1200)), (900, 1000, 300, 80)
    (kept,) = VehicleScenes(lambda _: [car], faces, lambda _: []).of(noise(1500, 2000), [plate])

    assert sizes == [(1500, 2000), (320, 600), (160, 300), (112, 210), (80, 150)]
    # The second look found the first one's face; the smaller ones saw others.
    assert "4 faces" in kept.scene.what_was_removed


def test_what_a_smaller_look_finds_counts_from_a_higher_confidence_on():
    def find(pixels):
        sure = 0.31 if pixels.shape[1] == 45 else 0.29
        return [a("face", (10, 4, 8, 9), sure)]

    (face,) = faces_under_letters(find, FRAME[:96, :180])
    assert face.box == (40, 16, 32, 36)


def test_a_second_look_that_finds_a_larger_face_hides_all_of_it():
    sizes = []

    def faces(pixels):
        sizes.append(pixels.shape)
        boxes = {1: (750 + 150, 880 + 120, 30, 30), 2: (140, 110, 50, 50)}
        return [a("face", boxes[len(sizes)])] if len(sizes) in boxes else []

    car, plate = a("car", (300, 200, 1400, 1200)), (900, 1000, 300, 80)
    (kept,) = VehicleScenes(lambda _: [car], faces, lambda _: []).of(noise(1500, 2000), [plate])
    assert "2 faces" in kept.crop.what_was_removed
