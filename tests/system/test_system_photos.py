"""Files that are no photos, through ``read`` and ``ingest``: each named in one sentence, and nothing of them stored."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image
from tests.system.conftest import CAMERA
from tests.unit.recognize.plug_ins import HONEST, install


def png_header(width, height):
    """A PNG that says to be this large; a decoder that believed it would need 300 MB."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    start = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    return start + struct.pack(">I", 10) + b"IDAT" + bytes(14)


def grey_picture(path):
    Image.new("RGB", (640, 480), (127, 127, 127)).save(path, "JPEG")
    return path.read_bytes()


REFUSALS = {
    "note.jpg": "note.jpg is not a JPEG or PNG image.",
    "empty.png": "empty.png is empty (0 bytes).",
    "huge.png": "huge.png has 10000×10000 pixels = 100 megapixels; at most 25 are accepted. Scale it down.",
    "cut.jpg": "cut.jpg is damaged or cut short",
    "large.jpg": "large.jpg has",
}


@pytest.fixture
def odd_photos(person, photos, photo):
    """One good photo, one without a plate, and everything that is no photo."""
    (photos / "note.jpg").write_text("Dear Sir or Madam")
    (photos / "empty.png").touch()
    (photos / "huge.png").write_bytes(png_header(10_000, 10_000))
    (photos / "cut.jpg").write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])
    (photos / "large.jpg").write_bytes(bytes(21_000_000))
    grey_picture(photos / "grey.jpg")
    return photos


def test_read_names_every_file_that_is_no_photo(person, odd_photos, photo):
    names = [*REFUSALS, "grey.jpg", photo.name, "nowhere.jpg"]

    outcome = person.run("read", *(f"photos/{name}" for name in names))

    assert outcome.code == 1
    for sentence in REFUSALS.values():
        assert sentence in outcome.words
    assert "grey.jpg: no plate found." in outcome.words
    assert "photo-01.jpg: 6HNV372" in outcome.words
    assert "photos/nowhere.jpg cannot be read: No such file or directory." in outcome.words


def test_read_as_json_is_one_document(person, odd_photos, photo):
    outcome = person.run("read", "photos/note.jpg", "photos/grey.jpg", f"photos/{photo.name}", "--json")

    assert outcome.code == 1
    assert outcome.err == ""
    plates = {said["photo"]: [p["text"] for p in said["plates"]] for said in outcome.json if "photo" in said}
    assert plates == {"grey.jpg": [], "photo-01.jpg": ["6HNV372"]}
    assert [said["error"] for said in outcome.json if "error" in said] == [REFUSALS["note.jpg"]]


def test_a_photo_without_a_plate_is_an_answer_and_no_error(person, odd_photos):
    assert person.must("read", "photos/grey.jpg").words == "grey.jpg: no plate found."


def test_ingest_names_what_it_refuses_and_stores_the_rest(person, odd_photos, roots):
    outcome = person.run("ingest", "photos", "--camera", CAMERA, "--dir", "city")

    assert outcome.code == 1
    for sentence in REFUSALS.values():
        expected = "large.jpg has more than 20 MB" if sentence == "large.jpg has" else sentence
        assert expected in outcome.words
    assert "7 photos: 1 plate read, 1 photo without a plate, 5 files refused." in outcome.words
    assert "1 read sealed and stored, 0 there already." in outcome.words
    again = person.run("ingest", "photos", "--camera", CAMERA, "--dir", "city", "--json")
    assert again.code == 1
    assert again.err == ""
    assert (again.json["delivered"], again.json["already_there"], len(again.json["refused_files"])) == (
        0,
        1,
        5,
    )
    assert {path.name for path in odd_photos.iterdir()} == {*REFUSALS, "grey.jpg", "photo-01.jpg"}
    assert person.must("verify", "city/public", *roots, "--json").json["holds"]


def test_ingest_needs_a_folder_a_camera_and_a_time_with_a_zone(person, photos):
    words = ("--dir", "city", "--json")

    nowhere = person.run("ingest", "nowhere", "--camera", CAMERA, *words)
    assert (nowhere.code, "nowhere is not a folder" in nowhere.json["detail"]) == (1, True)
    camera = person.run("ingest", "photos", "--camera", "moon-1", *words)
    assert camera.code == 2
    assert "No key for camera 'moon-1'" in camera.json["detail"]
    naive = person.run("ingest", "photos", "--camera", CAMERA, "--captured-at", "2026-11-25T08:00", *words)
    assert naive.code == 2
    assert "has no zone. Write 2026-11-25T08:00Z." in naive.json["detail"]


def test_reads_of_another_time_than_the_keys_are_refused_by_the_vault_and_told(person, photos):
    future = person.run(
        *(
            "ingest",
            "photos",
            "--camera",
            CAMERA,
            "--dir",
            "city",
            "--captured-at",
            "2031-01-01T00:00Z",
            "--json",
        )
    )

    assert future.code == 1
    assert "2031-01-01" in future.out


def test_a_recognizer_that_the_charter_does_not_name_is_refused_before_the_first_photo(
    person, photos, tmp_path, monkeypatch
):
    (tmp_path / "plug-in").mkdir()
    install(tmp_path / "plug-in", monkeypatch, "honest", HONEST)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plug-in"))

    refused = person.run(
        "ingest", "photos", "--camera", CAMERA, "--dir", "city", "--engine", "honest", "--json"
    )

    assert refused.code == 3
    assert refused.json["rules"] == ["recognizer-pinned"]
    assert "none of its reads would be accepted: honest/1" in refused.json["detail"]
    assert not (person.place / "city/lane" / CAMERA / "outbox.db").exists()
