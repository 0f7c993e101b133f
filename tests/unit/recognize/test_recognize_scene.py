"""Of the scene beside a plate: what is in it, and what is in no byte of it."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from recognize_testing import writing
from scenes_testing import a, noise

from glassplate.recognize.redaction import MAX_AREAS, MAX_SCENE_SIDE, redact_scene

FRAME = noise()
PLATE = (280, 300, 90, 24)
CAR = a("car", (200, 150, 250, 220))
PART = (162, 117, 326, 286)
"""Of the frame: the car and its margin."""


def scene(found=(CAR,), faces=(), others=(), *, pixels=FRAME, plate=PLATE):
    return redact_scene(pixels, plate, list(found), list(faces), others)


def shown(image):
    return np.asarray(Image.open(io.BytesIO(image.jpeg)).convert("RGB")).astype(int)


def smooth_frame():
    """Gradients survive a JPEG, so that what differs was made to."""
    rows, columns = np.mgrid[0:480, 0:640]
    return np.stack([rows // 2, columns // 3, (rows + columns) // 5], axis=2).astype(np.uint8)


def test_the_scene_is_the_vehicle_and_its_margin():
    image = scene()
    assert (image.width, image.height) == PART[2:]
    assert image.what_was_removed == (
        "everything outside the vehicle",
        "windshields in 1 place",
        "metadata",
    )


def test_nothing_outside_of_it_reaches_the_scene():
    other = np.zeros_like(FRAME)
    x, y, width, height = PART
    other[y : y + height, x : x + width] = FRAME[y : y + height, x : x + width]
    assert scene(pixels=other).jpeg == scene().jpeg


def test_the_frame_itself_stays_as_it_is():
    before = FRAME.copy()
    scene([CAR, a("person", (210, 200, 50, 120))], [a("face", (220, 210, 20, 20))], [(400, 300, 40, 20)])
    assert np.array_equal(FRAME, before)


def test_what_was_hidden_is_counted():
    found = [
        CAR,
        a("person", (210, 200, 50, 120)),
        a("person", (380, 200, 50, 120)),
        a("person", (0, 0, 5, 5)),
        a("truck", (440, 200, 90, 90)),
    ]
    image = scene(found, [a("face", (220, 210, 20, 20))], [(400, 300, 40, 20)])
    assert image.what_was_removed == (
        "everything outside the vehicle",
        "2 persons",
        "1 face",
        "windshields in 2 places",
        "1 other plate",
        "metadata",
    )


HIDING = {
    "a person": ({"found": (CAR, a("person", (205, 280, 60, 84)))}, (205, 280, 60, 84)),
    "a face": ({"faces": (a("face", (390, 310, 30, 30)),)}, (384, 304, 42, 42)),
    "the glass": ({}, (200, 150, 250, 126)),
    "another vehicle's glass": ({"found": (CAR, a("bus", (400, 280, 80, 100)))}, (400, 280, 80, 60)),
    "another plate": ({"others": ((390, 320, 48, 16),)}, (378, 316, 72, 24)),
}


@pytest.mark.parametrize(("arguments", "box"), HIDING.values(), ids=HIDING.keys())
def test_pixels_of_a_cell_can_change_places_and_no_byte_tells(arguments, box):
    """If the scene kept more of the area than means, its bytes would differ."""
    pixels = FRAME.copy()
    x, y = box[0] + box[2] // 2, box[1] + box[3] // 2
    for beside_x, beside_y in (
        (x + 1, y),
        (x, y + 1),
        (x - 1, y),
        (x, y - 1),
    ):  # one of them is in the same cell
        swapped = pixels.copy()
        swapped[y, x], swapped[beside_y, beside_x] = pixels[beside_y, beside_x], pixels[y, x]
        if scene(pixels=swapped, **arguments).jpeg == scene(**arguments).jpeg:
            break
    else:
        pytest.fail("every exchange of two neighbors is visible")


def test_the_own_plate_stays_legible_under_whatever_is_found_on_it():
    pixels = smooth_frame()
    pixels[300:324, 280:370] = (230, 230, 225)
    pixels[304:320, 290:360:8] = (20, 20, 40)
    clean = shown(scene(pixels=pixels))
    x, y = PLATE[0] - PART[0], PLATE[1] - PART[1]
    over = scene(
        [CAR, a("person", (260, 280, 150, 80)), a("car", (0, 200, 640, 280))],
        [a("face", (375, 330, 10, 10))],
        [(270, 296, 110, 30)],
        pixels=pixels,
    )

    # The outermost row and column of JPEG blocks share their colors with what is around the plate.
    inner = np.s_[y + 2 : y + 22, x + 4 : x + 86]
    assert np.abs(shown(over)[inner] - clean[inner]).mean() < 8
    assert np.abs(shown(over)[inner] - pixels[302:322, 284:366].astype(int)).mean() < 12


def test_another_plate_cannot_be_read():
    from glassplate.recognize.whole_frame import WholeFrameRecognizer

    pixels = writing("7KDR214", "6HNV372", size=(960, 700))
    car = a("car", (100, 0, 760, 500))
    own, other = (215, 230, 330, 110), (215, 50, 330, 110)
    texts = {one.text for one in WholeFrameRecognizer().read(pixels)}
    assert texts == {"7KDR214", "6HNV372"}

    image = redact_scene(pixels, own, [car], [], [other])

    assert [one.text for one in WholeFrameRecognizer().read(shown(image).astype(np.uint8))] == ["6HNV372"]


NO_SCENE = {
    "no vehicle": {"found": ()},
    "no vehicle around the plate": {"found": (a("car", (0, 0, 200, 200)),)},
    "only a person around the plate": {"found": (a("person", (200, 150, 250, 220)),)},
    "a vehicle that ends at the plate": {"found": (a("car", (200, 280, 250, 90)),)},
    "a plate as wide as its vehicle": {"found": (a("car", (275, 150, 100, 220)),)},
    "a plate as high as half its vehicle": {"plate": (250, 255, 120, 110)},
    "more boxes than a picture holds": {"found": (CAR, *[a("person", (9, 9, 5, 5))] * MAX_AREAS)},
    "ten thousand faces": {"faces": [a("face", (n % 600, n % 400, 30, 30)) for n in range(10_000)]},
    "ten thousand other plates": {"others": [(n % 600, n % 400, 30, 10) for n in range(10_000)]},
}


@pytest.mark.parametrize("arguments", NO_SCENE.values(), ids=NO_SCENE.keys())
def test_only_the_plate_is_kept_with(arguments):
    assert scene(**arguments) is None


@pytest.mark.parametrize("plate", [(-1, 0, 10, 10), (0, 0, 0, 5), (639, 0, 2, 5), (0, 470, 10, 20)])
def test_a_plate_beside_the_frame_is_refused(plate):
    with pytest.raises(ValueError, match=r"does not lie in the picture|is empty"):
        scene(plate=plate)


def test_another_plate_without_size_is_refused():
    with pytest.raises(ValueError, match="is empty"):
        scene(others=[(5, 5, 0, 5)])


def test_a_large_scene_is_scaled_down_and_a_small_one_never_up():
    large = redact_scene(noise(1500, 2000), (900, 1000, 300, 80), [a("car", (300, 200, 1400, 1200))], [])
    assert max(large.width, large.height) == MAX_SCENE_SIDE
    small = redact_scene(noise(60, 80), (30, 40, 12, 4), [a("car", (20, 15, 40, 35))], [])
    assert (small.width, small.height) == (52, 47)


def test_cells_do_not_get_finer_when_the_scene_is_scaled_down():
    stripes = np.zeros((1500, 2000, 3), dtype=np.uint8)
    stripes[:, np.arange(2000) % 16 < 8] = 255
    car, person = a("car", (300, 200, 1400, 1200)), a("person", (400, 1000, 300, 380))
    image = shown(redact_scene(stripes, (900, 1000, 300, 80), [car, person], []))

    scale = image.shape[1] / 1820  # the scene begins at 90, 20
    body = image[round(990 * scale) : round(1350 * scale), round(320 * scale) : round(600 * scale)]
    street = image[round(990 * scale) : round(1350 * scale), round(1300 * scale) : round(1500 * scale)]
    assert np.ptp(body) < 60
    assert np.ptp(street) > 200


def test_a_scene_has_no_metadata():
    image = Image.open(io.BytesIO(scene().jpeg))
    assert not image.getexif()
    assert set(image.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


KINDS = st.sampled_from(["person", "bicycle", "car", "motorcycle", "bus", "truck"])
BOXES = st.tuples(st.integers(-800, 800), st.integers(-800, 800), st.integers(1, 900), st.integers(1, 900))
FOUND = st.lists(st.builds(a, KINDS, BOXES, st.floats(0, 1)), max_size=12)
FACES = st.lists(st.builds(a, st.just("face"), BOXES), max_size=5)
PLATES = st.tuples(st.integers(0, 540), st.integers(0, 440), st.integers(1, 100), st.integers(1, 40))
SMOOTH = smooth_frame()


@settings(max_examples=150, deadline=None)
@given(FOUND, FACES, PLATES, st.lists(BOXES, max_size=4))
def test_any_boxes_give_a_scene_within_the_frame_or_none(found, faces, plate, others):
    before = SMOOTH.copy()
    image = redact_scene(SMOOTH, plate, found, faces, others)

    assert np.array_equal(SMOOTH, before)
    if image is not None:
        assert 1 <= image.width <= 640
        assert 1 <= image.height <= 480
        assert any(one.kind != "person" for one in found)
        assert image.what_was_removed[0] == "everything outside the vehicle"
        assert image.what_was_removed[-1] == "metadata"
