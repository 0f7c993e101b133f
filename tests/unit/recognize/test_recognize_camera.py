import hashlib
import os
from datetime import UTC, datetime

import pytest

from glassplate.capture.camera import Camera, FolderCamera, Frame
from glassplate.errors import InputRefused
from glassplate.recognize.decode import MAX_IMAGE_BYTES

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.jpeg", "c.png", ".hidden.jpg", "notes.txt", "photos.csv"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "d.jpg").symlink_to("/etc/passwd")
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


def test_frames_are_the_pictures_by_name_and_nothing_else(folder):
    camera: Camera = FolderCamera(folder, "elm-street", captured_at=lambda _path: NOON)
    frames = list(camera.frames())
    assert [frame.data for frame in frames] == [b"a.jpeg", b"b.JPG", b"c.png"]
    assert {(frame.camera_id, frame.captured_at) for frame in frames} == {("elm-street", NOON)}
    assert frames[0].sha256 == hashlib.sha256(b"a.jpeg").hexdigest()


def test_the_same_folder_gives_the_same_frames_again(folder):
    camera = FolderCamera(folder, "elm-street")
    assert list(camera.frames()) == list(camera.frames())


def test_a_photo_was_captured_when_its_file_was_written_unless_told_otherwise(folder):
    os.utime(folder / "a.jpeg", (NOON.timestamp(), NOON.timestamp()))
    assert next(FolderCamera(folder, "elm-street").frames()).captured_at == NOON


def test_a_picture_that_is_too_large_stops_the_folder_or_is_reported_and_passed_over(folder):
    with (folder / "a.jpeg").open("wb") as file:
        file.truncate(MAX_IMAGE_BYTES + 1)
    with pytest.raises(InputRefused, match=r"a\.jpeg has more than 20 MB"):
        list(FolderCamera(folder, "elm-street").frames())
    heard: list[InputRefused] = []
    frames = list(FolderCamera(folder, "elm-street", on_refused=heard.append).frames())
    assert [frame.data for frame in frames] == [b"b.JPG", b"c.png"]
    assert len(heard) == 1


def test_a_missing_folder_is_no_empty_folder(tmp_path):
    with pytest.raises(InputRefused, match="is not a folder"):
        list(FolderCamera(tmp_path / "absent", "elm-street").frames())


def test_a_frame_shows_no_picture_in_its_repr():
    assert "secret" not in repr(Frame("elm-street", NOON, "00", b"secret"))
