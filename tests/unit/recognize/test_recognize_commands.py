"""``glassplate read`` and the recognition part of ``glassplate doctor``, through the front door."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from PIL import Image
from plug_ins import HONEST, install
from recognize_testing import DEMO_PHOTOS

from glassplate.cli.charter import _recognizer_versions
from glassplate.cli.console import vehicle_words
from glassplate.cli.main import execute
from glassplate.recognize import engines, model_files
from glassplate.recognize.marked_picture import mark
from glassplate.recognize.model_files import MANIFEST
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.self_test import PLATE, demand_that_it_reads, picture
from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.seal.read_format import decode_read, encode_read

PHOTO = DEMO_PHOTOS / "photo-01.jpg"
DOUBTFUL = """
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.records import Alternative

class Recognizer:
    version = "doubtful/1"

    def read(self, pixels):
        return [
            PlateCandidate(
                "7KDR214", (0.99,) * 6 + (0.6,), (100, 200, 300, 150),
                (Alternative("7KDR21A", 0.3),), "US-CA", 0.987, ((100.0, 200.04), (400, 200), (400, 350), (100, 350)),
            ),
            PlateCandidate("AB12", (0.5,) * 4, (1, 1, 4, 4)),
        ]
"""


@pytest.fixture
def doubtful(tmp_path, monkeypatch):
    folder = tmp_path / "plug-in"
    folder.mkdir()
    install(folder, monkeypatch, "doubtful", DOUBTFUL)


@pytest.fixture
def run(capsys):
    def words(*arguments):
        code = execute([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return words


def test_read_shows_region_vehicle_and_alternatives_as_they_come(doubtful, run):
    code, out, _ = run("read", PHOTO, "--engine", "doubtful")
    first, second = out.splitlines()
    assert code == 0
    assert first.startswith("photo-01.jpg: 7KDR214  (7:0.99 K:0.99")
    assert "US-CA 0.99, vehicle " in first
    assert first.endswith("  or 7KDR21A 0.30")
    assert "region unknown, vehicle unknown" in second
    assert " or " not in second


def test_read_as_json_has_every_field_of_a_candidate(doubtful, run):
    code, out, err = run("read", PHOTO, "--engine", "doubtful", "--json")
    assert (code, err) == (0, "")
    plate, other = json.loads(out)[0]["plates"]
    assert (plate["region"], plate["region_confidence"]) == ("US-CA", 0.987)
    assert plate["corners"] == [[100.0, 200.0], [400, 200], [400, 350], [100, 350]]
    assert plate["alternatives"] == [["7KDR21A", 0.3]]
    assert set(plate["vehicle"]) == {
        f"{one}{end}" for one in ("body", "color", "second_color") for end in ("", "_confidence")
    }
    assert (other["region"], other["corners"], other["vehicle"]["body"]) == ("unknown", None, "unknown")


SEEN = {
    "car, silver or gray, or white": Vehicle("car", 0.9, "silver or gray", 0.5, "white", 0.3),
    "car, red": Vehicle("car", 0.9, "red", 1.0),
    "motorcycle": Vehicle("motorcycle", 0.9),
    "unknown": Vehicle(),
}


@pytest.mark.parametrize(("said", "vehicle"), SEEN.items())
def test_a_vehicle_is_said_with_its_two_likeliest_colors(said, vehicle):
    assert vehicle_words(vehicle) == said


def test_read_names_the_recognizers_there_are_when_one_is_missing(run):
    code, _, err = run("read", PHOTO, "--engine", "tesseract")
    assert (code, "There are: glassplate, whole-frame" in err) == (2, True)


def test_a_picture_is_drawn_for_its_owner_without_metadata(doubtful, run, tmp_path):
    marked = tmp_path / "marked.jpg"
    code, _, err = run("read", PHOTO, "--engine", "doubtful", "--picture", marked)
    assert (code, "delete it when it has served" in err) == (0, True)
    assert marked.stat().st_mode & 0o777 == 0o600
    with Image.open(PHOTO) as before, Image.open(marked) as after:
        assert (after.format, after.size, dict(after.getexif())) == ("JPEG", before.size, {})
        changed = [
            place
            for place in ((100, 275), (250, 350), (900, 700))
            if max(abs(a - b) for a, b in zip(before.getpixel(place), after.getpixel(place), strict=True))
            > 40
        ]
    assert changed == [(100, 275), (250, 350)]  # two edges of the plate's frame, and nothing far from it


REFUSED = {
    "two photos": ((PHOTO, PHOTO), "marked.jpg", "--picture takes one photo, got 2"),
    "another kind of picture": ((PHOTO,), "marked.png", "--picture writes a JPEG; name it marked.jpg"),
    "an existing file": ((PHOTO,), "there.jpg", "exists and is not overwritten"),
    "a link to nowhere": ((PHOTO,), "link.jpg", "exists and is not overwritten"),
}


@pytest.mark.parametrize(("photos", "name", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_read(
    doubtful, run, tmp_path, photos, name, said
):
    (tmp_path / "there.jpg").write_text("mine")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    code, out, err = run("read", *photos, "--engine", "doubtful", "--picture", tmp_path / name)
    assert (code, out, said in err) == (2, "", True)
    assert (tmp_path / "there.jpg").read_text() == "mine"
    assert not (tmp_path / "elsewhere.jpg").exists()


def test_a_photo_that_is_refused_leaves_no_picture(doubtful, run, tmp_path):
    (tmp_path / "note.jpg").write_text("Dear Sir or Madam")
    code, _, err = run(
        "read", tmp_path / "note.jpg", "--engine", "doubtful", "--picture", tmp_path / "marked.jpg"
    )
    assert (code, "is not a JPEG or PNG image" in err) == (1, True)
    assert not (tmp_path / "marked.jpg").exists()


def test_a_plate_at_the_very_edge_can_be_marked_too():
    pixels = picture()
    width = pixels.shape[1]
    corner = PlateCandidate("AB12", (0.5,) * 4, (width - 1, 0, 1, 1), (Alternative("A812", 0.2),))
    assert mark(pixels, [corner])[:2] == b"\xff\xd8"
    assert mark(pixels[:1, :1], [PlateCandidate("AB12", (0.5,) * 4, (0, 0, 1, 1))])[:2] == b"\xff\xd8"


def checks(run, folder):
    """What doctor says, by name of the check; and its exit code."""
    code, out, _ = run("doctor", "--dir", folder, "--json")
    return code, [(one["check"], one["ok"], one["detail"]) for one in json.loads(out)]


def test_doctor_checks_every_network_and_reads_a_plate(run, tmp_path):
    _, said = checks(run, tmp_path)
    networks = [detail.partition(":")[0] for name, ok, detail in said if name == "network" and ok]
    assert networks == [one.name for one in model_files.models()]
    assert ("recognizer", True, f"reads {PLATE} in a test picture") in said


def test_doctor_is_red_where_a_network_is_another_one(run, tmp_path, monkeypatch):
    models = shutil.copytree(MANIFEST.parent, tmp_path / "models")
    victim = next(one for one in model_files.models() if not one.package)
    (models / victim.file).write_bytes(b"\0" * victim.size_bytes)
    monkeypatch.setattr(model_files, "MANIFEST", models / MANIFEST.name)
    code, said = checks(run, tmp_path)
    assert code == 1
    bad = [detail for name, ok, detail in said if name == "network" and not ok]
    assert len(bad) == 1
    assert bad[0].startswith(f"The network {victim.name} is not the pinned one: expected sha256")
    _, out, _ = run("doctor", "--dir", tmp_path)
    assert f"✗ LOOK  network     The network {victim.name} is not" in out


def test_doctor_is_red_where_the_list_of_networks_is_broken(run, tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "MANIFEST", tmp_path / "models.toml")
    code, said = checks(run, tmp_path)
    assert code == 1
    assert [ok for name, ok, _ in said if name == "network"] == [False]


def failing():
    raise RuntimeError("out of order")


class Blind:
    version = "blind/1"

    def read(self, pixels):
        return []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Blind, f"did not read {PLATE} in a plain picture of it, but nothing"),
        (failing, "It fails with RuntimeError: out of order"),
    ],
)
def test_doctor_is_red_where_the_recognizer_does_not_read(run, tmp_path, monkeypatch, make, said):
    monkeypatch.setitem(engines._OWN, "glassplate", lambda **_: make())
    code, found = checks(run, tmp_path)
    assert code == 1
    assert [said in detail for name, ok, detail in found if name == "recognizer" and not ok] == [True]


def test_the_self_test_passes_for_whoever_reads_its_plate(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "honest", HONEST)
    demand_that_it_reads(engines.engine("honest"))


def test_a_draft_names_each_recognizer_once_by_what_its_reads_will_say(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "honest", HONEST)
    assert _recognizer_versions(None) == _recognizer_versions(["glassplate"])
    versions = _recognizer_versions(["honest", "whole-frame", "honest"])
    assert [version.split()[0].split("@")[0] for version in versions] == ["honest/1", "whole-frame/1"]


@pytest.mark.parametrize("name", [one.name for one in engines.engines() if one.name != "fast-alpr"])
def test_what_a_draft_names_fits_into_a_sealed_read(name):
    (version,) = _recognizer_versions([name])
    read = PlateRead(
        "0" * 32, "AB12", (0.5,) * 4, "court-16th", datetime(2026, 11, 25, tzinfo=UTC), version, (0, 0, 4, 4)
    )
    assert decode_read(encode_read(read)).recognizer == version
