"""Strangers' bytes for the single file's parsers and for receipts: nothing but their own errors comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_verify_single_file import checker

from glassplate.auditing.receipt import check_receipt
from glassplate.errors import GlassplateError
from glassplate.log import Checkpoint, SigningKey, sign_checkpoint

SIGNER = SigningKey.from_seed("log.example", bytes(32))
NOTE = sign_checkpoint(Checkpoint("log.example", 1, bytes(32)), SIGNER)
LEAF = b'{"pub":{"agency":"a","time":"2026-03-02T09:00:00Z","type":"t"},"sd":[],"sealed":{},"v":1}'


def parsers():
    module = checker()
    key = module.parse_key(str(SIGNER.verifier))
    return {
        "note": (NOTE, lambda data: module.open_note(data, key)),
        "checkpoint": (NOTE, lambda data: module.open_checkpoint(data, key)),
        "leaf": (LEAF, module.parse_leaf),
        "key": (str(SIGNER.verifier).encode(), lambda data: module.parse_key(data.decode("latin-1"))),
        "proof": (
            b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE,
            lambda data: module.check_proof(data, key, [LEAF], module.Result()),
        ),
        "promise": (
            b"log-promise/v1\n",
            lambda data: module.check_promise(data, key, [LEAF], module.Result()),
        ),
        "receipt": (
            b'{"charter":null,"disclosures":[],"kind":"glassplate-receipt","leaf":"","promise":null,"proof":"","v":1}\n',
            lambda data: module.check_receipt(data, key, [LEAF], module.Result()),
        ),
        "tile name": (
            b"log/tile/0/000.p/7",
            lambda data: module.tile_bytes(data.decode("latin-1"), [[]], []),
        ),
    }


def near(whole):
    """Changed in one or two places, or something else altogether."""
    edit = st.tuples(st.integers(0, len(whole)), st.integers(0, 6), st.binary(max_size=4))

    def apply(edits):
        data = whole
        for position, length, put in edits:
            data = data[:position] + put + data[position + length :]
        return data

    return st.binary(max_size=300) | st.lists(edit, min_size=1, max_size=3).map(apply)


@pytest.mark.parametrize(
    "name", ["note", "checkpoint", "leaf", "key", "proof", "promise", "receipt", "tile name"]
)
def test_the_single_file_s_parsers_take_any_bytes(name):
    whole, parse = parsers()[name]

    @settings(max_examples=150, deadline=None)
    @given(near(whole))
    def run(data):
        try:
            parse(data)
        except checker().Bad:
            pass

    run()


@settings(max_examples=200, deadline=None)
@given(
    near(
        b'{"charter":null,"disclosures":[],"kind":"glassplate-receipt","leaf":"AAAA","promise":null,"proof":"x","v":1}\n'
    )
)
def test_a_receipt_takes_any_bytes(data):
    with pytest.raises(GlassplateError):
        check_receipt(data, vkey=str(SIGNER.verifier))
