"""``glassplate bench recognition`` through the front door, on pictures made here and with a recognizer made for it."""

import json

import pytest
from PIL import Image
from plug_ins import install
from recognize_testing import writing

from glassplate.cli.main import execute
from glassplate.errors import GlassplateError
from glassplate.recognize.engine_process import EngineProcess

# Says what a picture's color tells it to: a plate, nonsense, nothing; or fails, or ends its whole process.
PAINTER = """
import os
from glassplate.recognize.recognizer import PlateCandidate

class Recognizer:
    version = "painter/1"

    def read(self, pixels):
        y, x = (side // 2 for side in pixels.shape[:2])
        red, green, blue = (int(value) > 128 for value in pixels[y, x])
        height, width = pixels.shape[:2]
        def plate(text, **fields):
            return PlateCandidate(text, (0.9,) * len(text), (width // 3, height // 3, width // 3, height // 3), **fields)
        if green and blue:
            raise RuntimeError("cannot see cyan")
        if blue:
            os._exit(7)
        if red and green:
            return [plate("NONSENSE1"[:8]), plate("7KDR214", region="US-TX", region_confidence=0.97)]
        return [plate("7KDR214")] if red else []
"""
RED, YELLOW, BLACK, CYAN, BLUE = (255, 0, 0), (255, 255, 0), (0, 0, 0), (0, 255, 255), (0, 0, 255)


@pytest.fixture
def painter(tmp_path, monkeypatch):
    folder = tmp_path / "plug-in"
    folder.mkdir()
    install(folder, monkeypatch, "painter", PAINTER)


@pytest.fixture
def dataset(tmp_path):
    """A data set of plain pictures: (color, line of the list)."""
    folder = tmp_path / "photos"
    folder.mkdir()

    def make(*rows, heading="image,plate,region"):
        lines = [heading]
        for number, (color, rest) in enumerate(rows):
            Image.new("RGB", (90, 60), color).save(folder / f"{number}.png")
            lines.append(f"{number}.png,{rest}")
        (folder / "plates.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make


@pytest.fixture
def bench(capsys):
    """Run the command with these words: exit code, and its one JSON document or its words."""

    def run(*words, as_json=True):
        code = execute(["bench", "recognition", *map(str, words), *(["--json"] if as_json else [])])
        said = capsys.readouterr()
        return code, json.loads(said.out) if as_json else said.out + said.err

    return run


def test_the_document_has_every_figure_the_machine_and_the_recognizers_version(painter, dataset, bench):
    folder = dataset((RED, "7KDR214,us"), (YELLOW, "7KDR214,us"), (BLACK, "7KDR214,br"), (RED, "7KDR2I4,br"))
    code, said = bench(folder, "--engine", "painter")
    assert code == 0
    assert (said["dataset"], said["photos"], said["crops"]) == ("photos", 4, False)
    assert all(said["machine"][key] for key in ("processor", "cores", "system", "python", "onnxruntime"))
    (engine,) = said["engines"]
    assert (engine["engine"], engine["version"], engine["failed"]) == ("painter", "painter/1", [])
    assert engine["peak_megabytes"] > 10
    assert {name: one["exact"]["hits"] for name, one in engine["groups"].items()} == {
        "br": 0,
        "us": 2,
        "all": 2,
    }
    everything = engine["groups"]["all"]
    assert everything["exact"] == {"rate": 0.5, "from": 0.15, "to": 0.85, "hits": 2, "of": 4}
    assert (everything["top_1"]["hits"], everything["folded"]["hits"]) == (1, 3)
    assert everything["characters"] == pytest.approx((1 + 1 + 0 + 6 / 7) / 4, abs=1e-4)
    assert everything["junk_per_photo"] == 0.25
    assert everything["localized"] is None
    assert everything["cpu_ms_median"] >= 0
    assert everything["regions"] == []


def test_recognizers_take_turns_on_the_same_photos(painter, dataset, bench, tmp_path):
    folder = dataset(*[(RED, "7KDR214,us")] * 3)
    code, said = bench(
        folder, "--engine", "painter", "--engine", "whole-frame", "--out", tmp_path / "lines.jsonl"
    )
    assert code == 0
    assert [one["engine"] for one in said["engines"]] == ["painter", "whole-frame"]
    assert [one["groups"]["all"]["exact"]["hits"] for one in said["engines"]] == [3, 0]
    assert said["engines"][1]["version"].startswith("whole-frame/1@")
    lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert [(line["engine"], line["photo"]) for line in lines] == [
        (engine, f"{number}.png") for engine in ("painter", "whole-frame") for number in range(3)
    ]


def test_a_photo_that_fails_is_named_counted_as_not_read_and_the_next_is_read(
    painter, dataset, bench, tmp_path
):
    folder = dataset(*[(color, "7KDR214,us") for color in (RED, CYAN, BLUE, RED)])
    (folder / "0.png").write_bytes(b"no picture")
    code, said = bench(folder, "--engine", "painter", "--out", tmp_path / "lines.jsonl")
    assert code == 1
    (engine,) = said["engines"]
    assert {one["photo"]: one["reason"] for one in engine["failed"]} == {
        "0.png": "0.png is not a JPEG or PNG image.",
        "1.png": "GlassplateError: The recognizer 'painter' failed on a picture (RuntimeError). "
        "Report it to whoever made it.",
        "2.png": "The recognizer 'painter' ended with status 7 instead of an answer.",
    }
    everything = engine["groups"]["all"]
    assert (everything["photos"], everything["failed"], everything["exact"]["hits"]) == (4, 3, 1)
    assert everything["exact"]["of"] == 4
    lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert ["failed" in line for line in lines] == [True, True, True, False]


def test_lines_hold_what_was_read_for_their_owner_only_and_no_file_is_overwritten(
    painter, dataset, bench, tmp_path
):
    out = tmp_path / "lines.jsonl"
    folder = dataset((YELLOW, "7KDR214,us"))
    assert bench(folder, "--engine", "painter", "--out", out)[0] == 0
    (line,) = map(json.loads, out.read_text().splitlines())
    assert (line["truths"], line["group"], line["junk"]) == (["7KDR214"], "us", 1)
    assert line["plates"] == [{"exact": True, "top_1": False, "folded": True, "overlap": None}]
    assert [one["text"] for one in line["outputs"]] == ["NONSENSE", "7KDR214"]
    assert line["outputs"][1]["region"] == ["US-TX", 0.97]
    assert line["outputs"][1]["box"] == [30, 20, 30, 20]
    assert out.stat().st_mode & 0o777 == 0o600
    before = out.read_bytes()
    code, said = bench(folder, "--engine", "painter", "--out", out)
    assert (code, "is not overwritten" in said["detail"]) == (2, True)
    assert out.read_bytes() == before


def test_states_are_held_against_the_truth(painter, dataset, bench):
    folder = dataset(
        (YELLOW, "7KDR214,us-tx"),
        (YELLOW, "7KDR214,us-ca"),
        (RED, "7KDR214,us-tx"),
        heading="image,plate,state",
    )
    _, said = bench(folder, "--engine", "painter")
    statements = {one["least_confidence"]: one for one in said["engines"][0]["groups"]["all"]["regions"]}
    assert (statements[0.95]["coverage"]["hits"], statements[0.95]["coverage"]["of"]) == (2, 3)
    assert (statements[0.95]["right"]["hits"], statements[0.95]["right"]["of"]) == (1, 2)
    assert statements[0.99]["coverage"]["hits"] == 0
    words = bench(folder, "--engine", "painter", as_json=False)[1]
    assert "right where stated" in words


def test_boxes_of_the_truth_are_compared(painter, dataset, bench):
    folder = dataset((RED, "7KDR214,30,20,30,20"), (RED, "7KDR214,0,0,9,9"), heading="image,plate,x,y,w,h")
    _, said = bench(folder, "--engine", "painter")
    assert said["engines"][0]["groups"]["all"]["localized"]["hits"] == 1


def test_crops_are_put_on_an_empty_street_where_their_place_is_known(painter, dataset, bench):
    folder = dataset((RED, "7KDR214"), heading="image,plate")
    code, said = bench(folder, "--engine", "painter", "--crops")
    everything = said["engines"][0]["groups"]["all"]
    assert (code, said["crops"], everything["exact"]["hits"], everything["localized"]["hits"]) == (
        0,
        True,
        1,
        1,
    )


def test_with_boxes_crops_are_the_boxes_each_plate_for_itself(painter, dataset, bench):
    folder = dataset((BLACK, "7KDR214,0,0,9,9"), heading="image,plate,x,y,w,h")
    picture = Image.open(folder / "0.png")
    picture.paste(RED, (30, 20, 60, 40))
    picture.save(folder / "0.png")
    with (folder / "plates.csv").open("a") as file:
        file.write("0.png,7KDR214,30,20,30,20\n0.png,7KDR214,80,50,30,20\n")
    code, said = bench(folder, "--engine", "painter", "--crops")
    (engine,) = said["engines"]
    assert (code, said["photos"], engine["groups"]["all"]["exact"]["hits"]) == (1, 3, 1)
    assert [one["reason"] for one in engine["failed"]] == [
        "The plate's box (80, 50, 30, 20) does not lie in the picture. Mend it in plates.csv."
    ]


def test_a_limit_reads_fewer(painter, dataset, bench):
    folder = dataset(*[(RED, "7KDR214,us")] * 5)
    assert bench(folder, "--engine", "painter", "--limit", "2")[1]["photos"] == 2


def test_the_table_shows_every_part_and_the_doubt(painter, dataset, bench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    folder = dataset((RED, "7KDR214,us"), (BLACK, "AB12,br"))
    code, words = bench(folder, "--engine", "painter", as_json=False)
    assert code == 0
    for part in (
        "painter/1",
        "exact %",
        "50.0 (9–91)",
        "100.0 (21–100)",
        "junk a photo",
        "CPU ms",
        "Measured on ",
    ):
        assert part in words
    assert "7KDR214" not in words


REFUSED = {
    "a folder that does not exist": (["absent"], 1, "absent is not a folder"),
    "a recognizer that does not exist": (["photos", "--engine", "tesseract"], 1, "no recognizer 'tesseract'"),
    "a limit of nothing": (["photos", "--limit", "0"], 2, "--limit"),
}


@pytest.mark.parametrize(("words", "exit_code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_measured_is_refused(dataset, bench, tmp_path, monkeypatch, words, exit_code, said):
    dataset((RED, "7KDR214,us"))
    monkeypatch.chdir(tmp_path)
    code, answer = bench(*words)
    assert (code, said in answer["detail"]) == (exit_code, True)


def test_without_a_name_our_own_recognizer_is_measured(tmp_path, bench):
    Image.fromarray(writing("7KDR214")).save(tmp_path / "7KDR214.png")
    code, said = bench(tmp_path)
    assert code == 0
    assert [one["engine"] for one in said["engines"]] == ["glassplate"]
    assert said["engines"][0]["groups"]["all"]["exact"]["hits"] == 1
    assert said["engines"][0]["groups"]["all"]["cpu_ms_median"] > 1


def test_a_recognizer_that_hangs_is_ended(painter, monkeypatch):
    monkeypatch.setattr("glassplate.recognize.engine_process.SECONDS_TO_START", 0.0)
    with pytest.raises(GlassplateError, match="'painter' gave no answer within 0 seconds"):
        EngineProcess("painter")
