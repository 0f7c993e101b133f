"""Proof files and promises: each is bound to one log, one entry, one spelling."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_testing import OTHER, SIGNER, naive_root

from glassplate.errors import ProofFailed, UsageError
from glassplate.log import (
    Checkpoint,
    TlogProof,
    leaf_hash,
    merkle,
    open_checkpoint,
    open_promise,
    open_proof,
    sign_checkpoint,
    sign_note,
    verify_proof,
)
from glassplate.log.promise import Promise, sign_promise

KEY = SIGNER.verifier
LEAVES = [f"leaf {i}".encode() for i in range(11)]
NODES = merkle.nodes_of([leaf_hash(leaf) for leaf in LEAVES])
SIGNED = sign_checkpoint(Checkpoint(SIGNER.name, 11, naive_root(LEAVES)), SIGNER)
HASHES = tuple(merkle.inclusion_proof(NODES, 6, 11))
PROOF = TlogProof(6, HASHES, SIGNED).to_bytes()
RECORDED_AT = datetime(2026, 11, 2, 10, 30, 15, 42, tzinfo=UTC)
PROMISE = sign_promise(Promise(SIGNER.name, 6, leaf_hash(LEAVES[6]), RECORDED_AT), SIGNER)


def test_proof_shows_its_leaf_and_no_other():
    proof, checkpoint = verify_proof(PROOF, KEY, LEAVES[6])
    assert (proof.index, checkpoint.size) == (6, 11)
    for leaf in (LEAVES[5], b"", leaf_hash(LEAVES[6])):
        with pytest.raises(ProofFailed, match="does not lead to"):
            verify_proof(PROOF, KEY, leaf)


def test_proof_file_has_the_documented_lines():
    lines = PROOF.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 6"]
    assert [base64.b64decode(line) for line in lines[2:6]] == list(HASHES)
    assert PROOF.endswith(b"\n\n" + SIGNED)


def test_proof_with_extra_data_is_written_back_the_same():
    data = TlogProof(6, HASHES, SIGNED, extra=b"not trusted").to_bytes()
    assert TlogProof.parse(data).to_bytes() == data
    verify_proof(data, KEY, LEAVES[6])


def test_single_entry_log_needs_no_hash():
    signed = sign_checkpoint(Checkpoint(SIGNER.name, 1, leaf_hash(b"only")), SIGNER)
    verify_proof(TlogProof(0, (), signed).to_bytes(), KEY, b"only")


def _head(*lines):
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + SIGNED


TEXTS = [base64.b64encode(value).decode() for value in HASHES]
V1 = "c2sp.org/tlog-proof@v1"
BAD_PROOFS = {
    "empty": b"",
    "version missing": PROOF.split(b"\n", 1)[1],
    "version 2": PROOF.replace(b"@v1", b"@v2"),
    "index missing": _head(V1, *TEXTS),
    "index negative": _head(V1, "index -6", *TEXTS),
    "index with a leading zero": _head(V1, "index 06", *TEXTS),
    "index beyond the checkpoint": _head(V1, "index 11", *TEXTS),
    "index of a neighbor": _head(V1, "index 7", *TEXTS),
    "extra after the index": _head(V1, "index 6", "extra AAAA", *TEXTS),
    "extra twice": _head(V1, "extra AAAA", "extra AAAA", "index 6", *TEXTS),
    "extra not base64": _head(V1, "extra ?", "index 6", *TEXTS),
    "a hash too few": _head(V1, "index 6", *TEXTS[:-1]),
    "a hash too many": _head(V1, "index 6", *TEXTS, TEXTS[0]),
    "hashes in another order": _head(V1, "index 6", *TEXTS[::-1]),
    "a short hash": _head(V1, "index 6", *TEXTS[:-1], base64.b64encode(bytes(31)).decode()),
    "64 hashes": _head(V1, "index 6", *TEXTS * 16),
    "carriage returns": PROOF.replace(b"\n", b"\r\n"),
    "not ASCII": PROOF.replace(b"index", "ïndex".encode()),
    "checkpoint missing": PROOF[: -len(SIGNED)],
    "checkpoint signed by another key": PROOF.replace(
        SIGNED, sign_checkpoint(open_checkpoint(SIGNED, KEY), OTHER)
    ),
    "checkpoint of another tree": PROOF.replace(
        SIGNED, sign_checkpoint(Checkpoint(SIGNER.name, 11, naive_root(LEAVES[::-1])), SIGNER)
    ),
    "a promise in place of the checkpoint": PROOF.replace(SIGNED, PROMISE),
    "too long": PROOF + b"A" * 2_000_000,
}


@pytest.mark.parametrize("data", BAD_PROOFS.values(), ids=BAD_PROOFS.keys())
def test_bad_proof_is_refused(data):
    with pytest.raises(ProofFailed):
        verify_proof(data, KEY, LEAVES[6])


def test_checkpoint_of_a_proof_can_be_opened_without_the_leaf():
    proof, checkpoint = open_proof(PROOF, KEY)
    assert (proof.index, checkpoint.size) == (6, 11)
    with pytest.raises(ProofFailed):
        open_proof(PROOF, OTHER.verifier)


@settings(deadline=None)
@given(position=st.integers(0, len(PROOF) - 1), value=st.integers(0, 255))
def test_no_other_byte_anywhere_in_a_proof_is_accepted(position, value):
    changed = PROOF[:position] + bytes([value]) + PROOF[position + 1 :]
    if changed != PROOF:
        with pytest.raises(ProofFailed):
            verify_proof(changed, KEY, LEAVES[6])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_proof_parser_refuses_or_writes_back(data):
    for candidate in (
        data,
        f"{V1}\nindex 6\n".encode() + data,
        f"{V1}\nextra ".encode() + data + b"\nindex 1\n\n",
    ):
        try:
            assert TlogProof.parse(candidate).to_bytes() == candidate
        except ProofFailed:
            continue


# --- promises -------------------------------------------------------------------------------------


def test_promise_opens_from_bytes_and_from_text():
    for data in (PROMISE, PROMISE.decode()):
        assert open_promise(data, KEY) == Promise(SIGNER.name, 6, leaf_hash(LEAVES[6]), RECORDED_AT)


def test_promise_can_never_be_a_checkpoint_nor_the_other_way_round():
    with pytest.raises(ProofFailed):
        open_checkpoint(PROMISE, KEY)
    with pytest.raises(ProofFailed):
        open_checkpoint(PROMISE, KEY, origin="log-promise/v1")
    with pytest.raises(ProofFailed):
        open_promise(SIGNED, KEY)
    assert not PROMISE.decode().split("\n")[1].isdigit()


def test_promise_needs_a_time_in_utc():
    for time in (datetime(2026, 11, 2), datetime(2026, 11, 2, tzinfo=timezone(timedelta(hours=1)))):  # noqa: DTZ001
        with pytest.raises(UsageError):
            sign_promise(Promise(SIGNER.name, 6, leaf_hash(b""), time), SIGNER)


TEXT = PROMISE.decode().partition("\n\n")[0] + "\n"
BAD_PROMISES = {
    "another version": TEXT.replace("/v1", "/v2"),
    "another origin": TEXT.replace("log.example", "lag.example"),
    "index not a number": TEXT.replace("index 6", "index six"),
    "index with a space": TEXT.replace("index 6", "index  6"),
    "a line missing": TEXT.replace("index 6\n", ""),
    "a line added": TEXT + "more 1\n",
    "lines swapped": TEXT.replace("index", "x").replace("leaf", "index").replace("x", "leaf"),
    "local time": TEXT.replace("Z\n", "+01:00\n"),
    "time without microseconds": TEXT.replace(".000042Z", "Z"),
    "time with three digits of a second": TEXT.replace(".000042Z", ".000Z"),
    "time without leading zeros": TEXT.replace("2026-11-02", "2026-11-2"),
    "no such day": TEXT.replace("11-02", "02-30"),
    "leaf hash of 31 bytes": TEXT.replace(
        base64.b64encode(leaf_hash(LEAVES[6])).decode(), base64.b64encode(bytes(31)).decode()
    ),
}


@pytest.mark.parametrize("text", BAD_PROMISES.values(), ids=BAD_PROMISES.keys())
def test_bad_promise_is_refused_although_well_signed(text):
    assert text != TEXT
    with pytest.raises(ProofFailed):
        open_promise(sign_note(text, [SIGNER]), KEY)


def test_promise_by_another_key_is_refused():
    with pytest.raises(ProofFailed):
        open_promise(PROMISE, OTHER.verifier)
    with pytest.raises(ProofFailed):
        open_promise(PROMISE.decode().replace("index 6", "index 7"), KEY)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_promise_parser_refuses_garbage(text):
    for candidate in (text, f"log-promise/v1\n{text}"):
        with pytest.raises(ProofFailed):
            open_promise(candidate, KEY)
