"""What may be said of the committed demo photos without looking at them. Looking is a person's job."""

from collections import Counter

import pytest
from PIL import Image
from recognize_testing import DEMO_PHOTOS, demo_rows

from glassplate.plate_text import is_plausible, normalize

MAX_TOTAL_BYTES = 4_000_000


def test_the_list_names_exactly_the_photos_there_are():
    assert [row["file"] for row in demo_rows()] == sorted(path.name for path in DEMO_PHOTOS.glob("*.jpg"))
    assert {path.name for path in DEMO_PHOTOS.iterdir()} - {row["file"] for row in demo_rows()} == {
        "NOTICE",
        "passage.mp4",
        "photos.csv",
    }


def test_plates_are_plausible_one_is_held_back_and_one_is_seen_twice():
    rows = demo_rows()
    base = Counter(row["plate"] for row in rows if row["role"] == "base")
    held_back = [row["plate"] for row in rows if row["role"] == "hotlist"]
    assert all(is_plausible(row["plate"]) and normalize(row["plate"]) == row["plate"] for row in rows)
    assert len(base) >= 13
    assert max(base.values()) >= 2
    assert len(held_back) == 1
    assert held_back[0] not in base
    assert {row["light"] for row in rows} == {"day", "dusk", "night"}


@pytest.mark.parametrize("row", demo_rows(), ids=lambda row: row["file"])
def test_a_photo_has_no_metadata(row):
    with Image.open(DEMO_PHOTOS / row["file"]) as photo:
        assert photo.format == "JPEG"
        assert not photo.getexif()
        assert set(photo.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_all_photos_together_stay_small():
    assert sum(path.stat().st_size for path in DEMO_PHOTOS.iterdir()) <= MAX_TOTAL_BYTES


def test_the_photographers_notice_is_kept():
    notice = (DEMO_PHOTOS / "NOTICE").read_text()
    assert "Copyright (c) 2020 Robert Lucian Chiriac" in notice
    assert "The above copyright notice and this permission notice shall be included" in notice
