"""Data sets: read as they are, and broken ones say where and what to do. Pictures are not opened here."""

import pytest

from glassplate.errors import InputRefused
from glassplate.recognize import labeled_photos
from glassplate.recognize.labeled_photos import LabeledPhoto, each_plate, read_dataset, spread
from glassplate.recognize.measure import Truth


@pytest.fixture
def dataset(tmp_path):
    """A folder with three empty pictures and a list of these lines."""

    def make(*lines, encoding="utf-8"):
        for name in ("a.jpg", "b.png", "c.JPG"):
            (tmp_path / name).touch()
        if lines:
            (tmp_path / "plates.csv").write_text("\n".join(lines) + "\n", encoding=encoding)
        return tmp_path

    return make


def test_a_list_with_boxes_and_regions(dataset):
    folder = dataset("image,plate,region,x,y,w,h", "a.jpg,7kdr-214,US,10,20,30,15", "b.png,ABC1234,br,,,,")
    assert read_dataset(folder) == (
        LabeledPhoto(folder / "a.jpg", (Truth("7KDR214", "us", "", (10, 20, 30, 15)),)),
        LabeledPhoto(folder / "b.png", (Truth("ABC1234", "br", "", None),)),
    )


def test_a_list_with_states_is_divided_by_their_country(dataset):
    folder = dataset("image,plate,state", "a.jpg,DWH486,us-nd")
    assert read_dataset(folder)[0].truths == (Truth("DWH486", "us", "US-ND"),)


def test_two_lines_of_one_picture_are_two_plates_in_it(dataset):
    folder = dataset("image,plate", "a.jpg,7KDR214", "b.png,AB12", "a.jpg,4TBM908")
    photos = read_dataset(folder)
    assert [[truth.text for truth in photo.truths] for photo in photos] == [["7KDR214", "4TBM908"], ["AB12"]]
    assert [(photo.path.name, photo.truths[0].text) for photo in each_plate(photos)] == [
        ("a.jpg", "7KDR214"),
        ("a.jpg", "4TBM908"),
        ("b.png", "AB12"),
    ]


def test_a_list_from_a_spreadsheet_and_columns_that_mean_nothing_here(dataset):
    folder = dataset("image,plate,weather", "a.jpg,7KDR214,rain", encoding="utf-8-sig")
    assert read_dataset(folder)[0].truths == (Truth("7KDR214"),)


def test_pictures_named_after_their_plate(tmp_path):
    for name in ("7KDR214.jpg", "4tbm-908_rear.PNG", "AB12_2.jpeg", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "FOLDER.jpg").mkdir()
    assert {photo.path.name: photo.truths[0].text for photo in read_dataset(tmp_path)} == {
        "4tbm-908_rear.PNG": "4TBM908",
        "7KDR214.jpg": "7KDR214",
        "AB12_2.jpeg": "AB12",
    }


BROKEN = {
    "no column for the plate": (["image,text", "a.jpg,7KDR214"], "has no column plate. Its first line"),
    "no heading": (["a.jpg,7KDR214"], "has no column image and plate"),
    "an empty list": (["image,plate"], "holds no photo with a plate"),
    "no plate": (["image,plate", "a.jpg,--"], "line 2: no plate. Write its letters"),
    "no picture of this name": (
        ["image,plate", "a.jpg,AB12", "d.jpg,AB13"],
        "line 3: there is no picture 'd.jpg'",
    ),
    "a picture elsewhere": (["image,plate", "../a.jpg,AB12"], r"line 2: there is no picture '\.\./a\.jpg'"),
    "a line that is too short": (["plate,image", "AB12"], "line 2: there is no picture ''"),
    "half a box": (
        ["image,plate,x,y,w,h", "a.jpg,AB12,10,20,,"],
        "line 2: x, y, w and h must be four numbers",
    ),
    "a box in words": (["image,plate,x,y,w,h", "a.jpg,AB12,left,1,2,3"], "must be four numbers of pixels"),
    "an endless box": (["image,plate,x,y,w,h", "a.jpg,AB12,0,0,inf,5"], "must be four numbers of pixels"),
    "an empty box": (["image,plate,x,y,w,h", "a.jpg,AB12,0,0,0,5"], "the box 0, 0, 0, 5 is empty"),
    "a box that begins outside": (
        ["image,plate,x,y,w,h", "a.jpg,AB12,-3,0,9,5"],
        "begins outside the picture",
    ),
}


@pytest.mark.parametrize(("lines", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_list_is_refused(dataset, lines, said):
    with pytest.raises(InputRefused, match=said):
        read_dataset(dataset(*lines))


def test_a_list_that_is_no_text_is_refused(dataset):
    folder = dataset("image,plate", "a.jpg,AB12")
    (folder / "plates.csv").write_bytes(b"image,plate\n\xff\xfe\x00,AB12\n")
    with pytest.raises(InputRefused, match=r"plates\.csv cannot be read as CSV in UTF-8"):
        read_dataset(folder)


def test_a_missing_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(InputRefused, match="absent is not a folder; give the folder that holds the photos"):
        read_dataset(tmp_path / "absent")
    with pytest.raises(InputRefused, match=r"holds no photo with a plate.*such as 7KDR214\.jpg"):
        read_dataset(tmp_path)


def test_a_picture_without_a_plate_in_its_name_is_refused(tmp_path):
    (tmp_path / "__.jpg").touch()
    with pytest.raises(InputRefused, match=r"__\.jpg is not named after its plate\. Rename it"):
        read_dataset(tmp_path)


def test_a_list_without_an_end_is_refused(dataset, monkeypatch):
    monkeypatch.setattr(labeled_photos, "MAX_PLATES", 3)
    folder = dataset("image,plate", *["a.jpg,AB12"] * 3)
    with pytest.raises(InputRefused, match="more than 3 lines"):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("limit", "kept"), [(1, [0]), (2, [0, 5]), (5, [0, 2, 4, 6, 8]), (10, None), (99, None)]
)
def test_a_limit_takes_photos_evenly_from_beginning_to_end(tmp_path, limit, kept):
    photos = tuple(LabeledPhoto(tmp_path / f"{number}.jpg", (Truth("AB12"),)) for number in range(10))
    expected = photos if kept is None else tuple(photos[number] for number in kept)
    assert spread(photos, limit) == expected
