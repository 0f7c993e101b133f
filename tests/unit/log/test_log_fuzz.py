"""Parsers of strangers' bytes raise only what they document; 600 changes to a small log are each found, or harmless."""

from __future__ import annotations

import contextlib
import random
import shutil
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_testing import SIGNER, create, folders, record

from glassplate.errors import InputRefused, ProofFailed, StorageFailed
from glassplate.log import (
    Checkpoint,
    Commitment,
    CosigningKey,
    Promise,
    TileReader,
    TlogProof,
    VerifierKey,
    check_disclosure,
    disclosure,
    leaf_bytes,
    open_checkpoint,
    open_note,
    open_promise,
    parse_leaf,
    sign_checkpoint,
    verify_proof,
)
from glassplate.log.promise import sign_promise
from glassplate.log.tiles import bundle_bytes, parse_bundle

MUTATIONS = 600
ENTRIES = 270
SEED = 20261125
KEY = SIGNER.verifier
K = bytes(range(32))
LEAF = leaf_bytes({"type": "act"}, Commitment.of({"name": "value"}, K), {"ab" * 12: bytes(32)})
WITNESSES = [CosigningKey.from_seed(f"witness-{kind}.example", bytes(32), kind=kind) for kind in (4, 6)]
TEXT = Checkpoint(SIGNER.name, 1, bytes(32)).text()
NOTE = (
    sign_checkpoint(Checkpoint(SIGNER.name, 1, bytes(32)), SIGNER)
    + "".join(witness.cosign(TEXT, 1_795_600_000) for witness in WITNESSES).encode()
)
PROMISE = sign_promise(Promise(SIGNER.name, 3, bytes(32), datetime(2026, 11, 25, tzinfo=UTC)), SIGNER)
PROOF = TlogProof(0, (bytes(32),) * 3, NOTE, extra=b"extra").to_bytes()
BUNDLE = bundle_bytes([LEAF, b"", b"x" * 300])
DISCLOSURE = disclosure("name", "value", K)


@st.composite
def mutated(draw, whole: bytes):
    """Something else than ``whole``, near it or far from it."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.integers(0, len(data)))
        end = draw(st.integers(position, min(len(data), position + 40)))
        data[position:end] = draw(
            st.binary(max_size=8) | st.sampled_from([b"\n\n", b"\n", b"+", b"=", b"{", b'"'])
        )
    return bytes(data)


def _keys():
    return [witness.verifier for witness in WITNESSES]


PARSERS = {
    "note": (NOTE, lambda data: open_note(data, _keys(), demand=KEY), (ProofFailed,)),
    "checkpoint": (NOTE, lambda data: open_checkpoint(data, KEY), (ProofFailed,)),
    "promise": (PROMISE, lambda data: open_promise(data, KEY), (ProofFailed,)),
    "proof": (PROOF, lambda data: verify_proof(data, KEY, LEAF), (ProofFailed,)),
    "bundle": (BUNDLE, lambda data: parse_bundle(data, 3, "a bundle"), (ProofFailed,)),
    "leaf": (LEAF, parse_leaf, (InputRefused,)),
    "disclosure": (
        DISCLOSURE.encode(),
        lambda data: check_disclosure(LEAF, data.decode("latin-1")),
        (ProofFailed, InputRefused),
    ),
    "verifier key": (
        str(WITNESSES[0].verifier).encode(),
        lambda data: VerifierKey.parse(data.decode("utf-8", "surrogateescape")),
        (InputRefused,),
    ),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_takes_any_bytes(name):
    whole, parse, documented = PARSERS[name]

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=400) | mutated(whole))
    def run(data):
        with contextlib.suppress(documented):
            parse(data)

    run()


@pytest.mark.parametrize("name", ["note", "promise", "leaf", "disclosure", "bundle"])
def test_what_is_fuzzed_is_accepted_unchanged(name):
    whole, parse, _ = PARSERS[name]
    parse(whole)


def test_every_change_to_a_small_log_is_found_or_harmless(tmp_path):
    log = create(tmp_path / "log")
    for first in (0, 100, 256, 265):
        last = {0: 100, 100: 256, 256: 265, 265: ENTRIES}[first]
        log.append([record(number) for number in range(first, last)])
        log.publish()
    log.close()
    _, public = folders(tmp_path / "log")
    chance = random.Random(SEED)
    truth, names = _read(public), sorted(p for p in public.rglob("*") if p.is_file())
    found = 0
    for _ in range(MUTATIONS):
        undo = _change(chance, chance.choice(names), names, tmp_path / "kept")
        try:
            assert _read(public) == truth  # harmless: the same record, under the same signed root
        except (ProofFailed, StorageFailed):
            found += 1
        undo()

    assert _read(public) == truth
    assert found > MUTATIONS // 3  # the rest hit partial tiles that the full ones have replaced


def _read(public):
    """All that an outsider reads, checked."""
    checkpoint = open_checkpoint((public / "checkpoint").read_bytes(), KEY)
    reader = TileReader(public)
    reader.check(checkpoint.size, checkpoint.root)
    return checkpoint, list(reader.entries(checkpoint.size))


def _change(chance, path, names, kept):
    """Change one file; returns what takes it back."""
    whole = path.read_bytes()
    kind = chance.choice(("flip", "cut", "insert", "double", "empty", "swap", "truncate"))
    position = chance.randrange(len(whole) or 1)
    other = chance.choice(names)
    changed = {
        "flip": whole[:position]
        + bytes([whole[position] ^ chance.randrange(1, 256)])
        + whole[position + 1 :],
        "cut": whole[:position] + whole[position + 1 :],
        "insert": whole[:position] + bytes([chance.randrange(256)]) + whole[position:],
        "double": whole + whole,
        "empty": b"",
        "swap": other.read_bytes(),
        "truncate": whole[:position],
    }[kind]
    shutil.copy(path, kept)
    path.write_bytes(changed)
    return lambda: shutil.copy(kept, path)
