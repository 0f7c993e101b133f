"""The adapter for fast-alpr, against fake packages with that one's names: the real one would need the network."""

import errno
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from glassplate.errors import GlassplateError
from glassplate.recognize import fast_alpr_engine
from glassplate.recognize.engines import engine

PICTURE = np.zeros((60, 100, 3), dtype=np.uint8)
PICTURE[..., 0] = 200  # red


def found(text, confidence, box=(10, 20, 50, 40)):
    """A result as ``fast_alpr.ALPR.predict`` gives it."""
    corners = SimpleNamespace(**dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)))
    ocr = (
        None
        if text is None
        else SimpleNamespace(text=text, confidence=confidence, region="Texas", region_confidence=0.9)
    )
    return SimpleNamespace(detection=SimpleNamespace(bounding_box=corners), ocr=ocr)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The three packages, with files for networks; ``package.results`` is what will be found."""
    for name in ("detector.onnx", "reader.onnx", "reader.yaml"):
        (tmp_path / name).write_text(name)
    fake = SimpleNamespace(results=[], seen=[], made_with=[], loaded=[], folder=tmp_path)

    class ALPR:
        def __init__(self, **options):
            fake.made_with.append(options)
            fake.loaded += [Path(options[f"ocr_{part}_path"]).read_bytes() for part in ("model", "config")]

        def predict(self, frame):
            fake.seen.append(frame)
            return fake.results

    def module(name, **content):
        made = ModuleType(name)
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)

    module("fast_alpr", ALPR=ALPR)

    def create_detector(path, **options):
        fake.before_load()
        fake.loaded.append(path.read_bytes())
        fake.paths.append(path)
        return options

    fake.before_load, fake.paths = (lambda: None), []
    module("open_image_models", create_detector=create_detector)
    for name in ("fast_plate_ocr", "fast_plate_ocr.inference"):
        module(name)
    module("open_image_models.detection")
    module("open_image_models.detection.core")
    module(
        "fast_plate_ocr.inference.hub",
        download_model=lambda name: (tmp_path / "reader.onnx", tmp_path / "reader.yaml"),
    )
    module("open_image_models.detection.core.hub", download_model=lambda name: tmp_path / "detector.onnx")
    monkeypatch.setattr(fast_alpr_engine, "package_version", lambda name: {"fast-alpr": "0.4.0"}[name])
    return fake


def test_it_is_offered_by_name_and_says_how_to_get_it_where_it_is_not_installed():
    with pytest.raises(GlassplateError, match=r"not installed.*pip install 'glassplate\[fast-alpr\]'"):
        engine("fast-alpr")


def test_its_version_changes_with_the_package_and_with_every_file_of_its_networks(package):
    before = engine("fast-alpr").version
    assert re.fullmatch(r"fast-alpr/0\.4\.0@[0-9a-f]{40}", before)
    versions = {before}
    for name in ("detector.onnx", "reader.onnx", "reader.yaml"):
        (package.folder / name).write_text("exchanged")
        versions.add(engine("fast-alpr").version)
    assert len(versions) == 4


def test_it_runs_on_one_thread_of_the_processor(package):
    engine("fast-alpr")
    (options,) = package.made_with
    for providers, session in (
        (options["detector"]["providers"], options["detector"]["sess_options"]),
        (options["ocr_providers"], options["ocr_sess_options"]),
    ):
        assert (session.intra_op_num_threads, session.inter_op_num_threads) == (1, 1)
        assert providers == ["CPUExecutionProvider"]


def test_what_is_loaded_is_what_was_hashed_even_if_the_files_are_exchanged_in_between(package):
    before = engine("fast-alpr").version

    def exchange():
        for name in ("detector.onnx", "reader.onnx", "reader.yaml"):
            (package.folder / name).write_text("exchanged")

    package.before_load, package.loaded = exchange, []
    assert engine("fast-alpr").version == before
    assert package.loaded == [b"detector.onnx", b"reader.onnx", b"reader.yaml"]


def test_nobody_can_change_the_bytes_between_their_hash_and_their_loading(package):
    refused = []

    def create(path, **options):
        with path.open("r+b", buffering=0) as file, pytest.raises(PermissionError) as error:
            file.write(b"exchanged")
        refused.append(error.value.errno)

    sys.modules["open_image_models"].create_detector = create
    engine("fast-alpr")
    assert refused == [errno.EPERM]


def test_the_package_gets_blue_green_red(package):
    assert engine("fast-alpr").read(PICTURE) == []
    assert package.seen[0][0, 0].tolist() == [0, 0, 200]


READ = {
    "one confidence a character": (found("7KDR", [0.9, 0.8, 0.7, 0.6]), ("7KDR", (0.9, 0.8, 0.7, 0.6))),
    "confidences of the padding that was dropped": (found("7K", [0.9, 0.8, 0.99, 0.99]), ("7K", (0.9, 0.8))),
    "one confidence for all": (found("7K", 0.75), ("7K", (0.75, 0.75))),
    "a dash inside keeps each character's own confidence": (
        found("7-K", [0.9, 0.1, 0.8]),
        ("7K", (0.9, 0.8)),
    ),
    "lower case": (found("7kß", [0.9, 0.8, 0.7]), ("7K", (0.9, 0.8))),
    "a confidence a little above one": (found("7", [1.0000002]), ("7", (1.0,))),
}


@pytest.mark.parametrize(("result", "expected"), READ.values(), ids=READ.keys())
def test_what_it_read_becomes_a_candidate_without_a_state(package, result, expected):
    package.results = [result]
    (candidate,) = engine("fast-alpr").read(PICTURE)
    assert (candidate.text, candidate.character_confidences) == expected
    assert candidate.box == (10, 20, 40, 20)
    assert (candidate.region, candidate.region_confidence) == ("unknown", 0.0)


def test_boxes_are_cut_at_the_edge_and_what_is_nothing_is_dropped(package):
    package.results = [
        found("AB12", 0.9, (-5, -5, 20, 10)),
        found("CD34", 0.8, (90, 50, 130, 80)),
        found("EF56", 0.7, (120, 0, 140, 10)),
        found("---", 0.9),
        found("", 0.9),
        found(None, None),
    ]
    assert [(one.text, one.box) for one in engine("fast-alpr").read(PICTURE)] == [
        ("AB12", (0, 0, 20, 10)),
        ("CD34", (90, 50, 10, 10)),
    ]


def test_the_surest_comes_first(package):
    package.results = [found("AB12", 0.5), found("CD34", 0.9)]
    assert [one.text for one in engine("fast-alpr").read(PICTURE)] == ["CD34", "AB12"]


def test_networks_that_cannot_be_fetched_are_said_in_plain_words(package, monkeypatch):
    def unreachable(name):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(sys.modules["open_image_models.detection.core.hub"], "download_model", unreachable)
    with pytest.raises(
        GlassplateError, match=r"cannot be fetched \(Network is unreachable\)\. Start it once where"
    ):
        engine("fast-alpr")
