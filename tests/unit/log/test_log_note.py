"""Signed notes, verifier keys, cosignatures, checkpoints: what opens, and every way in which it must not."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from log_testing import OTHER, SIGNER

from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log import (
    Checkpoint,
    SigningKey,
    VerifierKey,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    sign_note,
)
from glassplate.log.merkle import EMPTY_ROOT
from glassplate.log.note import MAX_NOTE_BYTES, MAX_SIGNATURES
from glassplate.log.note_keys import ED25519, ED25519_COSIGNATURE

KEY = SIGNER.verifier
TEXT = "first\n\nthird, after an empty line\n"
NOTE = sign_note(TEXT, [SIGNER])
WITNESS_SEED = bytes([7]) * 32
WITNESS = VerifierKey(
    "witness.example.org",
    ED25519_COSIGNATURE,
    Ed25519PrivateKey.from_private_bytes(WITNESS_SEED).public_key().public_bytes_raw(),
)


def _cosignature(text: str, time: int, key: VerifierKey = WITNESS) -> bytes:
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(WITNESS_SEED).sign(message)
    return _line(key.name, key.key_id + time.to_bytes(8, "big") + signature)


def _line(name: str, value: bytes) -> bytes:
    return f"— {name} {base64.b64encode(value).decode()}\n".encode()


def _non_canonical(note: bytes) -> bytes:
    """The same signature, with unused bits of the last base64 character set."""
    assert note.endswith(b"=\n")
    last = note[-3:-2]
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return note[:-3] + alphabet[alphabet.index(last) + 1 :][:1] + note[-2:]


def test_note_with_empty_lines_in_its_text_opens():
    assert open_note(NOTE, demand=KEY).text == TEXT


def test_signatures_by_strangers_are_ignored():
    stranger = SigningKey.from_seed("stranger.example.org", bytes([9]) * 32)
    opened = open_note(sign_note(TEXT, [stranger, SIGNER]), demand=KEY)
    assert opened.verified == (KEY,)


def test_sixteen_signatures_and_more_are_accepted():
    keys = [SigningKey.from_seed(f"key{i}.example.org", bytes([i]) * 32) for i in range(MAX_SIGNATURES - 1)]
    assert open_note(sign_note(TEXT, [*keys, SIGNER]), demand=KEY).verified == (KEY,)


def test_cosignature_is_verified_and_its_time_told():
    opened = open_note(NOTE + _cosignature(TEXT, 1_790_000_000), [WITNESS], demand=KEY)
    assert opened.verified == (KEY, WITNESS)
    assert opened.cosigned_at == ((WITNESS, 1_790_000_000),)


def test_known_witness_alone_does_not_stand_in_for_the_log():
    only_witness = TEXT.encode() + b"\n" + _cosignature(TEXT, 5)
    with pytest.raises(ProofFailed, match="not signed by log"):
        open_note(only_witness, [WITNESS], demand=KEY)


def test_key_used_as_another_type_has_another_id():
    twin = VerifierKey(KEY.name, ED25519_COSIGNATURE, KEY.public_key)
    assert twin.key_id != KEY.key_id
    with pytest.raises(ProofFailed, match="not signed by"):
        open_note(NOTE, demand=twin)
    forged = TEXT.encode() + b"\n" + _line(KEY.name, twin.key_id + SIGNER._private.sign(TEXT.encode()))
    with pytest.raises(ProofFailed, match="72 bytes"):
        open_note(forged, demand=twin)


MUTATED_NOTES = {
    "empty": b"",
    "no signature": TEXT.encode() + b"\n",
    "no empty line before the signatures": NOTE.replace(b"line\n\n", b"line\n"),
    "last newline missing": NOTE[:-1],
    "an extra newline at the end": NOTE + b"\n",
    "text changed": NOTE.replace(b"first", b"First"),
    "signature changed": NOTE[:-12] + b"AAAA" + NOTE[-8:],
    "signature by the same name with another key": sign_note(TEXT, [OTHER]),
    "non-canonical base64": _non_canonical(NOTE),
    "base64 without padding": NOTE[:-2] + b"\n",
    "base64url": NOTE[:-12] + b"-_-_" + NOTE[-8:],
    "a space inside base64": NOTE[:-12] + b" " + NOTE[-12:],
    "carriage return": NOTE.replace(b"first\n", b"first\r\n"),
    "tab in the text": sign_note("a b\n", [SIGNER]).replace(b"a b", b"a\tb"),
    "zero byte": NOTE.replace(b"first", b"fir\0t"),
    "not UTF-8": NOTE.replace(b"first", b"fir\xfft"),
    "hyphen in place of the dash": NOTE.replace("—".encode(), b"-"),
    "empty key name": NOTE + _line("", bytes(40)),
    "plus in a stranger's key name": NOTE + _line("a+b", bytes(40)),
    "non-breaking space in a stranger's key name": NOTE + _line("a\u00a0b", bytes(40)),
    "line separator in a stranger's key name": NOTE + _line("a\u2028b", bytes(40)),
    "a stranger's signature of four bytes": NOTE + _line("stranger.example.org", bytes(4)),
    "known key signs well and then badly": NOTE + _line(KEY.name, KEY.key_id + bytes(64)),
    "signature one byte longer": TEXT.encode()
    + b"\n"
    + _line(KEY.name, KEY.key_id + SIGNER._private.sign(TEXT.encode()) + b"\0"),
    "too many signatures": NOTE + _line("stranger.example.org", bytes(68)) * MAX_SIGNATURES,
    "too long": sign_note("x\n", [SIGNER]).replace(b"x", b"x" * MAX_NOTE_BYTES),
}


@pytest.mark.parametrize("data", MUTATED_NOTES.values(), ids=MUTATED_NOTES.keys())
def test_mutated_note_is_refused(data):
    with pytest.raises(ProofFailed):
        open_note(data, demand=KEY)


BAD_COSIGNATURES = {
    "over another text": _cosignature("other\n", 6),
    "one byte short": _line(WITNESS.name, WITNESS.key_id + bytes(71)),
    "a good one, then one with another time": _cosignature(TEXT, 6)
    + _line(WITNESS.name, WITNESS.key_id + (7).to_bytes(8, "big") + bytes(64)),
    "a time beyond 63 bits": _cosignature(TEXT, 2**63),
}


@pytest.mark.parametrize("lines", BAD_COSIGNATURES.values(), ids=BAD_COSIGNATURES.keys())
def test_bad_cosignature_by_a_known_witness_rejects_the_whole_note(lines):
    with pytest.raises(ProofFailed):
        open_note(NOTE + lines, [WITNESS], demand=KEY)
    assert open_note(NOTE + lines, demand=KEY).verified == (KEY,)


UNSIGNABLE_TEXTS = {
    "no newline": "x",
    "control character": "a\x01b\n",
    "empty": "",
    "carriage return": "a\r\n",
}


@pytest.mark.parametrize("text", UNSIGNABLE_TEXTS.values(), ids=UNSIGNABLE_TEXTS.keys())
def test_text_that_no_note_can_hold_is_not_signed(text):
    with pytest.raises(UsageError):
        sign_note(text, [SIGNER])


def test_seed_is_in_no_repr():
    seed = bytes(range(32))
    assert seed.hex() not in repr(SIGNER)
    assert base64.b64encode(seed).decode() not in repr(SIGNER)
    assert "private" not in repr(SIGNER).lower()


VKEY = str(KEY)
BAD_VERIFIER_KEYS = {
    "empty": "",
    "two parts": f"{KEY.name}+{KEY.key_id.hex()}",
    "empty name": VKEY[len(KEY.name) :],
    "space in the name": VKEY.replace("log.", "log ."),
    "another name": VKEY.replace("log.", "lag."),
    "id in capitals": VKEY.replace(KEY.key_id.hex(), KEY.key_id.hex().upper()),
    "id of seven digits": VKEY.replace(KEY.key_id.hex(), KEY.key_id.hex()[:7]),
    "nothing after the id": VKEY[: len(KEY.name) + 10],
    "key one byte short": VKEY[:-44] + base64.b64encode(b"\1" + KEY.public_key[:-1]).decode(),
    "newline at the end": VKEY + "\n",
    "too long": VKEY + "A" * 2000,
}


@pytest.mark.parametrize("text", BAD_VERIFIER_KEYS.values(), ids=BAD_VERIFIER_KEYS.keys())
def test_malformed_verifier_key_is_refused(text):
    with pytest.raises(InputRefused):
        VerifierKey.parse(text)


def test_verifier_key_is_written_back_the_same():
    assert VerifierKey.parse(VKEY) == KEY
    assert VerifierKey.parse(str(WITNESS)) == WITNESS
    assert KEY.kind == ED25519


# --- checkpoints ----------------------------------------------------------------------------------

CHECKPOINT = Checkpoint(SIGNER.name, 7, bytes(range(32)))
ROOT = base64.b64encode(bytes(range(32))).decode()


def test_checkpoint_is_written_back_the_same():
    assert open_checkpoint(sign_checkpoint(CHECKPOINT, SIGNER), KEY) == CHECKPOINT
    assert CHECKPOINT.text() == f"{SIGNER.name}\n7\n{ROOT}\n"


def test_extension_lines_of_others_are_ignored():
    assert open_checkpoint(sign_note(CHECKPOINT.text() + "extension\n", [SIGNER]), KEY) == CHECKPOINT


def test_key_does_not_sign_for_another_origin():
    with pytest.raises(UsageError):
        sign_checkpoint(Checkpoint("elsewhere", 0, EMPTY_ROOT), SIGNER)


def test_cosigners_key_cannot_be_a_logs_key():
    with pytest.raises(ProofFailed, match="cosigner"):
        open_checkpoint(sign_checkpoint(CHECKPOINT, SIGNER), WITNESS)


BAD_CHECKPOINTS = {
    "another origin": f"elsewhere.example.org\n7\n{ROOT}\n",
    "empty origin": f"\n7\n{ROOT}\n",
    "no root": f"{SIGNER.name}\n7\n",
    "leading zero": f"{SIGNER.name}\n07\n{ROOT}\n",
    "sign": f"{SIGNER.name}\n+7\n{ROOT}\n",
    "underscore": f"{SIGNER.name}\n1_0\n{ROOT}\n",
    "space": f"{SIGNER.name}\n 7\n{ROOT}\n",
    "digits of another script": f"{SIGNER.name}\n\u0667\n{ROOT}\n",
    "superscript digit": f"{SIGNER.name}\n7\u00b2\n{ROOT}\n",
    "size of 2^63": f"{SIGNER.name}\n{2**63}\n{ROOT}\n",
    "root of 31 bytes": f"{SIGNER.name}\n7\n{base64.b64encode(bytes(31)).decode()}\n",
    "root not canonical": f"{SIGNER.name}\n7\n{ROOT[:-2]}9=\n",
    "empty extension line": f"{SIGNER.name}\n7\n{ROOT}\n\nextension\n",
    "empty log with a root": f"{SIGNER.name}\n0\n{ROOT}\n",
}


@pytest.mark.parametrize("text", BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS.keys())
def test_bad_checkpoint_is_refused_although_well_signed(text):
    with pytest.raises(ProofFailed):
        open_checkpoint(sign_note(text, [SIGNER]), KEY)


# --- fuzz -----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(position=st.integers(0, len(NOTE) - 1), value=st.integers(0, 255))
def test_no_other_byte_anywhere_in_a_note_is_accepted(position, value):
    changed = NOTE[:position] + bytes([value]) + NOTE[position + 1 :]
    if changed != NOTE:
        with pytest.raises(ProofFailed):
            open_note(changed, demand=KEY)


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_garbage_is_refused_and_nothing_else_happens(head, tail):
    for data in (head, head + b"\n\n" + tail, head + "\n\n— x ".encode() + tail + b"\n", NOTE + tail + b"!"):
        with pytest.raises(ProofFailed):
            open_note(data, demand=KEY)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_checkpoint_parser_refuses_or_understands(text):
    for candidate in (text, f"{SIGNER.name}\n{text}\n{ROOT}\n", f"{SIGNER.name}\n3\n{text}\n"):
        try:
            checkpoint = Checkpoint.parse(candidate)
        except ProofFailed:
            continue
        assert candidate.startswith(checkpoint.text())


@settings(deadline=None)
@given(st.text(max_size=100))
def test_verifier_key_parser_refuses_or_writes_back(text):
    for candidate in (text, f"{KEY.name}+{KEY.key_id.hex()}+{text}"):
        try:
            assert str(VerifierKey.parse(candidate)) == candidate
        except InputRefused:
            continue
