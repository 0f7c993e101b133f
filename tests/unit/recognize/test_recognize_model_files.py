"""The list of networks is strict, and what is loaded is what was checked."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from glassplate.errors import GlassplateError
from glassplate.recognize import model_files
from glassplate.recognize.model_files import (
    MANIFEST,
    MAX_OWN_BYTES,
    digest_of_networks,
    joint_digest,
    model,
    models,
    read_manifest,
)

DATA = b"no network, but bytes that can be hashed"
ROW = {
    "name": "own",
    "file": "own.onnx",
    "sha256": hashlib.sha256(DATA).hexdigest(),
    "size_bytes": len(DATA),
    "license": "Apache-2.0",
    "origin": "made for this test",
    "date": "2026-11",
    "task": "nothing",
    "figures": "none",
}


def manifest(folder: Path, *rows, before: str = "") -> Path:
    """A list in ``folder``, and the file of its usual row."""
    (folder / "own.onnx").write_bytes(DATA)
    lines = [before]
    for row in rows:
        lines.append("[[model]]")
        lines += [f"{key} = {value if isinstance(value, int) else repr(value)}" for key, value in row.items()]
    path = folder / "models.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def without(key):
    return {name: value for name, value in ROW.items() if name != key}


@pytest.mark.parametrize("one", models(), ids=lambda one: one.name)
def test_every_network_of_the_product_has_the_pinned_bytes_and_can_be_run(one):
    session = one.session()
    assert session.get_inputs()
    assert session.get_outputs()
    assert session.get_providers() == ["CPUExecutionProvider"]


def test_every_network_beside_the_list_is_in_it_and_is_small():
    own = [one for one in models() if not one.package]
    assert {one.file for one in own} == {path.name for path in MANIFEST.parent.glob("*.onnx")}
    assert all(one.size_bytes <= MAX_OWN_BYTES for one in own)


def test_networks_that_came_from_elsewhere_have_their_license_beside_them():
    notice = (MANIFEST.parent / "LICENSES.md").read_text()
    foreign = [one for one in models() if not one.package and "training/" not in one.origin]
    assert foreign
    assert [one.name for one in foreign if f"## {one.file}" not in notice] == []


def test_a_session_has_one_thread_and_no_arena():
    options = model("nanodet-g-416").session().get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert not options.enable_cpu_mem_arena


def test_the_network_given_to_the_text_finder_is_the_checked_one(monkeypatch):
    from glassplate.recognize.text_lines import NETWORK, TextLineFinder

    made = []
    session = model_files.ModelFile.session
    monkeypatch.setattr(
        model_files.ModelFile, "session", lambda self: made.append((self.name, session(self))) or made[-1][1]
    )
    finder = TextLineFinder()
    finder.find(np.zeros((64, 64, 3), dtype=np.uint8))
    assert [name for name, _ in made] == [NETWORK]
    assert finder._engine.text_det.session.session is made[0][1]


def test_a_listed_network_is_loaded_with_its_bytes(tmp_path):
    (one,) = read_manifest(manifest(tmp_path, ROW))
    assert one.load() == DATA


def test_one_digest_over_named_hashes_changes_with_each_name_each_hash_and_their_order():
    hashes = (("one", "aa"), ("two", "bb"))
    digest = joint_digest(hashes)
    assert digest == hashlib.sha256(b"one aa\ntwo bb\n").hexdigest()[:40]
    others = (hashes[::-1], hashes[:1], (("one", "ab"), hashes[1]), (("ine", "aa"), hashes[1]))
    assert len({digest, *map(joint_digest, others)}) == 5
    assert digest_of_networks(["plate-reader"]) == joint_digest(
        [("plate-reader", model("plate-reader").sha256)]
    )


CHANGED_FILES = {
    "other bytes of the same length": (
        DATA[::-1],
        ".*expected sha256 .*…, got .*…; install glassplate again",
    ),
    "a byte more": (DATA + b"!", ".*expected 40 bytes, got more than 40; install glassplate again"),
    "cut short": (DATA[:-1], ".*expected 40 bytes, got 39"),
    "empty": (b"", ".*expected 40 bytes, got 0"),
    "gone": (None, "is missing or unreadable .*No such file"),
}


@pytest.mark.parametrize(("data", "said"), CHANGED_FILES.values(), ids=CHANGED_FILES.keys())
def test_a_network_with_other_bytes_is_not_used(tmp_path, data, said):
    (one,) = read_manifest(manifest(tmp_path, ROW))
    path = tmp_path / "own.onnx"
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(GlassplateError, match=f"The network own {said}"):
        one.load()
    with pytest.raises(GlassplateError, match="The network own"):
        one.session()


def test_the_bytes_that_were_hashed_are_the_bytes_that_run(tmp_path, monkeypatch):
    """A file that changes right after the check has changed too late."""
    import onnxruntime

    (one,) = read_manifest(manifest(tmp_path, ROW))
    load = model_files.ModelFile.load

    def load_and_swap(self):
        data = load(self)
        (tmp_path / "own.onnx").write_bytes(b"another network")
        return data

    given = []
    monkeypatch.setattr(model_files.ModelFile, "load", load_and_swap)
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda data, options, providers: given.append(data) or "session"
    )
    assert one.session() == "session"
    assert given == [DATA]


def test_pinned_bytes_that_are_no_network_are_told_apart_from_changed_ones(tmp_path):
    (one,) = read_manifest(manifest(tmp_path, ROW))
    with pytest.raises(GlassplateError, match=r"The network own cannot be run by onnxruntime \d"):
        one.session()


def test_a_network_of_a_package_that_is_not_installed_says_so(tmp_path, monkeypatch):
    (one,) = read_manifest(manifest(tmp_path, {**ROW, "package": "rapidocr"}))
    monkeypatch.setattr(model_files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GlassplateError, match="its package is not installed; install rapidocr again"):
        one.load()


BROKEN_LISTS = {
    "a key that does not exist": (
        [{**ROW, "licence": "MIT"}],
        r"network 1 \(own\) has the unknown key licence",
    ),
    "no hash": ([without("sha256")], r"network 1 \(own\) lacks sha256"),
    "no name": ([without("name")], "network 1 lacks name"),
    "an empty license": ([{**ROW, "license": ""}], "license must be text, and not empty"),
    "a number for a text": ([{**ROW, "task": 7}], "task must be text"),
    "a text for a number": ([{**ROW, "size_bytes": "40"}], "size_bytes must be a whole number"),
    "a file elsewhere": ([{**ROW, "file": "../own.onnx"}], "file must be the bare name of an .onnx file"),
    "another kind of file": ([{**ROW, "file": "own.pt"}], "file must be the bare name of an .onnx file"),
    "half a hash": ([{**ROW, "sha256": "00ff"}], "sha256 must be 64 hexadecimal digits"),
    "a hash in upper case": ([{**ROW, "sha256": ROW["sha256"].upper()}], "sha256 must be 64"),
    "a date in words": ([{**ROW, "date": "last spring"}], "date must be a year, month or day"),
    "a package nobody looks into": ([{**ROW, "package": "os"}], "package must be one of rapidocr; got 'os'"),
    "own weights of eleven megabytes": (
        [{**ROW, "size_bytes": 11_000_000}],
        "has 11,000,000 bytes; at most 10,000,000 are accepted",
    ),
    "the same name twice": ([ROW, {**ROW, "file": "other.onnx"}], "has the name 'own' twice"),
    "the same file twice": ([ROW, {**ROW, "name": "other"}], "has the file 'own.onnx' twice"),
    "nothing": ([], "must hold 1 to 50"),
}


@pytest.mark.parametrize(("rows", "said"), BROKEN_LISTS.values(), ids=BROKEN_LISTS.keys())
def test_a_list_that_is_not_as_it_should_be_is_refused(tmp_path, rows, said):
    with pytest.raises(GlassplateError, match=said):
        read_manifest(manifest(tmp_path, *rows))


def test_a_list_that_holds_something_else_or_is_no_toml_is_refused(tmp_path):
    with pytest.raises(GlassplateError, match="and nothing else"):
        read_manifest(manifest(tmp_path, ROW, before='mirror = "https://example.org"'))
    (tmp_path / "broken.toml").write_text("[[model")
    with pytest.raises(GlassplateError, match=r"broken\.toml cannot be read"):
        read_manifest(tmp_path / "broken.toml")
    with pytest.raises(GlassplateError, match=r"absent\.toml cannot be read"):
        read_manifest(tmp_path / "absent.toml")


def test_an_unknown_network_is_named_with_those_there_are():
    with pytest.raises(GlassplateError, match=r"no network 'plates'\. The list has: PP-OCRv6_det_small,"):
        model("plates")
