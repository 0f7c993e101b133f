"""Vectors that other implementations publish and pass."""

from __future__ import annotations

import base64
import json

import pytest
from log_testing import NO_VECTORS, VECTORS

from glassplate.errors import InputRefused, ProofFailed
from glassplate.log import SigningKey, TileReader, VerifierKey, open_checkpoint, open_note, sign_note
from glassplate.log.merkle import verify_consistency, verify_inclusion
from glassplate.log.tiles import RightEdge

pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason=NO_VECTORS)
GOLDEN = VECTORS / "golden-log"
GOLDEN_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
INCLUSION = sorted((VECTORS / "rfc6962" / "inclusion").rglob("*.json"))
CONSISTENCY = sorted((VECTORS / "rfc6962" / "consistency").rglob("*.json"))


def _name(path):
    return "/".join(path.relative_to(VECTORS / "rfc6962").parts)


def _bytes(text):
    return base64.b64decode(text or "")


def _hashes(texts):
    return [_bytes(text) for text in texts or []]


def test_all_196_proofs_are_there():
    assert len(INCLUSION) + len(CONSISTENCY) == 196


@pytest.mark.parametrize("path", INCLUSION, ids=_name)
def test_inclusion_proof(path):
    case = json.loads(path.read_text())
    arguments = (
        _bytes(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        _hashes(case["proof"]),
        _bytes(case["root"]),
    )
    if case["wantErr"]:
        with pytest.raises(ProofFailed):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


@pytest.mark.parametrize("path", CONSISTENCY, ids=_name)
def test_consistency_proof(path):
    case = json.loads(path.read_text())
    arguments = (
        case["size1"],
        _bytes(case["root1"]),
        case["size2"],
        _bytes(case["root2"]),
        _hashes(case["proof"]),
    )
    if case["wantErr"]:
        with pytest.raises(ProofFailed):
            verify_consistency(*arguments)
    else:
        verify_consistency(*arguments)


@pytest.mark.parametrize("size", range(16))
def test_every_golden_checkpoint_and_its_tiles_check(size):
    checkpoint = open_checkpoint((GOLDEN / f"checkpoint.{size}").read_bytes(), VerifierKey.parse(GOLDEN_KEY))
    assert checkpoint.size == size
    TileReader(GOLDEN).check(size, checkpoint.root)
    assert TileReader(GOLDEN).root(size) == checkpoint.root


def test_our_edge_writes_the_golden_files_byte_for_byte():
    edge = RightEdge()
    for size, entry in enumerate(TileReader(GOLDEN).entries(15), start=1):
        assert edge.push([entry]) == []
        files = edge.partials()
        assert [file.path for file in files] == [f"tile/entries/000.p/{size}", f"tile/0/000.p/{size}"]
        assert all((GOLDEN / file.path).read_bytes() == file.data for file in files)


def test_golden_proofs_between_all_sizes():
    reader = TileReader(GOLDEN)
    roots = [reader.root(size) for size in range(16)]
    for size in range(1, 16):
        for index in range(size):
            proof = reader.inclusion_proof(index, size)
            verify_inclusion(reader.leaf_hash(index, size), index, size, proof, roots[size])
        for old in range(1, size + 1):
            verify_consistency(old, roots[old], size, roots[size], reader.consistency_proof(old, size))


def test_note_signed_by_go_is_signed_the_same_by_us():
    golden = json.loads((VECTORS / "note-golden.json").read_text())
    name, _, encoded = golden["skey"].removeprefix("PRIVATE+KEY+").split("+", 2)
    key = SigningKey.from_seed(name, base64.b64decode(encoded)[1:])
    assert str(key.verifier) == golden["vkey"]
    assert sign_note(golden["text"], [key]) == golden["note"].encode()
    opened = open_note(golden["note"].encode(), demand=VerifierKey.parse(golden["vkey"]))
    assert opened.text == golden["text"]


def test_example_of_the_signed_note_specification_opens():
    example = json.loads((VECTORS / "note-golden.json").read_text())["c2sp_signed_note_example"]
    opened = open_note(example["note"].encode(), demand=VerifierKey.parse(example["vkey"]))
    assert opened.text == "This is an example message.\n"


def test_malformed_verifier_keys_are_refused():
    for text in json.loads((VECTORS / "note-golden.json").read_text())["bad_vkeys"]:
        with pytest.raises(InputRefused):
            VerifierKey.parse(text)


def test_real_checkpoint_whose_origin_is_not_its_key_name():
    data = (VECTORS / "sumdb-real-checkpoint.txt").read_bytes()
    key = VerifierKey.parse(SUMDB_KEY)
    assert open_checkpoint(data, key, origin="go.sum database tree").size == 35_225_469
    with pytest.raises(ProofFailed, match=r"expected sum\.golang\.org"):
        open_checkpoint(data, key)
