"""sigstore's Python and JavaScript code on our checkpoint and inclusion proofs: accepts honest ones, rejects others."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from glassplate.log import TileReader

REPOSITORY = Path(__file__).parents[2]

HERE = Path(__file__).parent
PYTHON = REPOSITORY / ".tools" / "sigstore" / "bin" / "python"
MODULES = REPOSITORY / ".tools" / "sigstore-npm"
CHECKERS = {
    "sigstore (PyPI)": ([str(PYTHON), str(HERE / "check_with_sigstore.py")], PYTHON.exists()),
    "@sigstore/verify (npm)": (
        ["node", str(HERE / "check_with_sigstore.js"), str(MODULES)],
        bool(shutil.which("node")) and (MODULES / "node_modules").is_dir(),
    ),
}


@pytest.fixture(params=CHECKERS)
def judge(request, demand):
    """Hand a question to one of the two; its exit status and words."""
    command, is_there = CHECKERS[request.param]
    demand(is_there, request.param)

    def run(said):
        done = subprocess.run(
            command, input=json.dumps(said), capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    return run


def question(city, index):
    reader, key = TileReader(city.public / "log"), city.log_key.verifier
    return {
        "name": key.name,
        "public_key": key.public_key.hex(),
        "key_id": key.key_id.hex(),
        "checkpoint": (city.public / "log/checkpoint").read_text(),
        "index": index,
        "leaf": base64.b64encode(reader.entry(index, city.size)).decode(),
        "hashes": [base64.b64encode(h).decode() for h in reader.inclusion_proof(index, city.size)],
    }


@pytest.mark.parametrize("index", [0, 255, 261])
def test_an_honest_entry_holds(published, judge, index):
    assert judge(question(published, index)) == (0, "holds\n")


CHANGES = {
    "another leaf": lambda said: said.update(leaf=base64.b64encode(b"another").decode()),
    "another place": lambda said: said.update(index=said["index"] + 1),
    "a hash too few": lambda said: said["hashes"].pop(),
    "another hash": lambda said: said["hashes"].reverse(),
    "another size": lambda said: said.update(checkpoint=said["checkpoint"].replace("\n262\n", "\n263\n")),
    "another key": lambda said: said.update(public_key="00" * 32),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_rejected(published, judge, change):
    said = question(published, 100)
    assert published.size == 262
    CHANGES[change](said)

    code, words = judge(said)

    assert code == 1
    assert "WRONG" in words
