"""Leaves, disclosures and bodies: what is shown can be checked, what is not shown cannot be guessed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.encoding import canonical_json
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log import (
    DIGEST_COUNT,
    Commitment,
    body_hash,
    check_body,
    check_disclosure,
    check_sealed,
    disclosure,
    leaf_bytes,
    parse_leaf,
)

K = bytes(range(32))
FIELDS = {
    "plate": "ZZZ0042",
    "count": 3,
    "filters": ["a", {"b": None}],
    "flag": True,
    "officer": "Ä. Example",
}
PUBLIC = {"type": "search", "hour": "2026-11-01T10:00:00Z"}
BODY = b"sealed body"
LEAF = leaf_bytes(PUBLIC, Commitment.of(FIELDS, K), {"auditor-1": body_hash(BODY)})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_leaf_has_the_documented_bytes():
    """Recomputed from docs/formats/log.md with nothing of ours."""
    digests = []
    for name, value in FIELDS.items():
        salt = _b64(hmac.new(K, f"salt:{name}".encode(), "sha256").digest()[:16])
        text = json.dumps([salt, name, value], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digests.append(_b64(hashlib.sha256(_b64(text.encode()).encode()).digest()))
    for number in range(32 - len(FIELDS)):
        decoy = hmac.new(K, f"decoy:{number}".encode(), "sha256").digest()
        digests.append(_b64(hashlib.sha256(decoy).digest()))
    expected = {
        "v": 1,
        "pub": PUBLIC,
        "sd": sorted(digests),
        "sealed": {"auditor-1": _b64(hashlib.sha256(BODY).digest())},
    }
    assert json.dumps(expected, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == LEAF


@settings(deadline=None)
@given(
    st.dictionaries(st.text(min_size=1, max_size=8), json_values, max_size=DIGEST_COUNT),
    st.binary(min_size=32, max_size=32),
)
def test_every_field_can_be_disclosed_and_every_digest_accounted_for(fields, k):
    leaf = leaf_bytes(PUBLIC, Commitment.of(fields, k), {})
    assert len(set(parse_leaf(leaf).commitment.digests)) == DIGEST_COUNT
    check_body(leaf, fields, k)
    for name, value in fields.items():
        assert check_disclosure(leaf, disclosure(name, value, k)) == (name, value)


def test_number_of_fields_does_not_show_in_the_length():
    lengths = {
        len(leaf_bytes(PUBLIC, Commitment.of({f"f{i}": i for i in range(n)}, K), {})) for n in range(33)
    }
    assert len(lengths) == 1


def test_parsed_leaf_gives_back_what_went_in():
    leaf = parse_leaf(LEAF)
    assert leaf.public == PUBLIC
    assert leaf.sealed == {"auditor-1": body_hash(BODY)}


def test_sealed_body_is_tied_to_its_leaf():
    check_sealed(LEAF, "auditor-1", BODY)
    for key_id, body in (("auditor-1", BODY + b"x"), ("auditor-2", BODY)):
        with pytest.raises(ProofFailed):
            check_sealed(LEAF, key_id, body)


FALSE_DISCLOSURES = {
    "another value": disclosure("plate", "ZZZ0043", K),
    "another name": disclosure("plates", "ZZZ0042", K),
    "another entry's key": disclosure("plate", "ZZZ0042", bytes(32)),
    "one for true": disclosure("flag", 1, K),
    "text for a number": disclosure("count", "3", K),
    "padded base64": disclosure("plate", "ZZZ0042", K) + "=",
    "empty": "",
}


@pytest.mark.parametrize("text", FALSE_DISCLOSURES.values(), ids=FALSE_DISCLOSURES.keys())
def test_false_disclosure_fails(text):
    with pytest.raises(ProofFailed):
        check_disclosure(LEAF, text)


def test_disclosure_that_is_no_text_of_ours_is_refused_even_when_committed_to():
    odd = [
        _b64(b"no JSON"),
        _b64(canonical_json([1, "name", "value"])),
        _b64(canonical_json(["salt", "name"])),
    ]
    for text in odd:
        digests = sorted([_b64(hashlib.sha256(text.encode()).digest()), *Commitment.of({}, K).digests[1:]])
        leaf = leaf_bytes(PUBLIC, Commitment(tuple(digests)), {})
        with pytest.raises(InputRefused):
            check_disclosure(leaf, text)
    with pytest.raises(InputRefused):
        check_disclosure(LEAF, "é")


FALSE_BODIES = {
    "a value changed": ({**FIELDS, "count": 4}, K),
    "a field left out": ({n: v for n, v in FIELDS.items() if n != "flag"}, K),
    "a field added": ({**FIELDS, "extra": 1}, K),
    "another key": (FIELDS, bytes(32)),
    "a key of another length": (FIELDS, K[:-1]),
    "too many fields": ({str(i): i for i in range(33)}, K),
    "a float": ({**FIELDS, "count": 3.0}, K),
}


@pytest.mark.parametrize(("fields", "k"), FALSE_BODIES.values(), ids=FALSE_BODIES.keys())
def test_false_body_fails(fields, k):
    with pytest.raises(ProofFailed):
        check_body(LEAF, fields, k)


def test_decoy_hidden_among_the_digests_is_found():
    swapped = sorted(
        [*Commitment.of(FIELDS, K).digests[1:], _b64(hashlib.sha256(b"secret channel").digest())]
    )
    with pytest.raises(ProofFailed):
        check_body(leaf_bytes(PUBLIC, Commitment(tuple(swapped)), {}), FIELDS, K)


UNCOMMITTABLE = {
    "33 fields": ({str(i): i for i in range(33)}, K),
    "an empty name": ({"": 1}, K),
    "a float": ({"a": 1.5}, K),
    "a float deep inside": ({"a": [{"b": [1.0]}]}, K),
    "bytes": ({"a": b"x"}, K),
    "a number as a name": ({"a": {1: 2}}, K),
    "a lone surrogate in a value": ({"a": "\ud800"}, K),
    "a lone surrogate in a name": ({"\ud800": 1}, K),
    "a short key": ({"a": 1}, K[1:]),
}


@pytest.mark.parametrize(("fields", "k"), UNCOMMITTABLE.values(), ids=UNCOMMITTABLE.keys())
def test_what_has_no_one_spelling_is_not_committed_to(fields, k):
    with pytest.raises(UsageError):
        Commitment.of(fields, k)


def test_too_deep_a_value_is_not_committed_to():
    value = 1
    for _ in range(40):
        value = [value]
    with pytest.raises(UsageError, match="deeper"):
        Commitment.of({"a": value}, K)


def test_leaf_that_fits_no_bundle_is_not_made():
    with pytest.raises(UsageError, match="at most 65535"):
        leaf_bytes({"a": "x" * 65_000}, Commitment.of(FIELDS, K), {})
    with pytest.raises(UsageError):
        leaf_bytes(PUBLIC, Commitment.of(FIELDS, K), {"auditor": b"short"})


def _changed(**members):
    return canonical_json({**json.loads(LEAF), **members})


SD = json.loads(LEAF)["sd"]
BAD_LEAVES = {
    "empty": b"",
    "not JSON": b"leaf",
    "a list": b"[]",
    "a space": LEAF.replace(b":", b": ", 1),
    "unsorted members": b'{"v":1,' + LEAF[1:-7] + b"}",
    "an escaped letter": LEAF.replace(b"search", b"\\u0073earch"),
    "an extra member": _changed(extra=1),
    "a missing member": canonical_json({n: v for n, v in json.loads(LEAF).items() if n != "sealed"}),
    "version 2": _changed(v=2),
    "version true": _changed(v=True),
    "version 1.0": _changed(v=1.0),
    "31 digests": _changed(sd=SD[:-1]),
    "33 digests": _changed(sd=sorted([*SD, _b64(bytes(32))])),
    "a digest twice": _changed(sd=sorted([*SD[:-1], SD[0]])),
    "digests unsorted": _changed(sd=SD[::-1]),
    "a digest of 31 bytes": _changed(sd=sorted([*SD[:-1], _b64(bytes(31))])),
    "a digest that is a number": _changed(sd=[*SD[:-1], 5]),
    "a body hash that is no text": _changed(sealed={"a": None}),
    "pub a list": _changed(pub=[]),
    "sealed a list": _changed(sealed=[]),
    "an empty key id": _changed(sealed={"": _b64(bytes(32))}),
    "a float in pub": _changed(pub={"a": 1.5}),
    "not UTF-8": LEAF.replace(b"search", b"s\xffarch"),
    "a member twice": LEAF[:-1] + b',"v":1}',
    "too long": b" " * 70_000,
}


@pytest.mark.parametrize("data", BAD_LEAVES.values(), ids=BAD_LEAVES.keys())
def test_bad_leaf_is_refused(data):
    with pytest.raises(InputRefused):
        parse_leaf(data)


def test_public_leaf_gives_no_plate_away_to_brute_force():
    """Unsalted, or with a salt that does not depend on the secret key, one of these guesses would hit."""
    digests = set(json.loads(LEAF)["sd"])
    candidates = [f"ZZZ{number:04d}" for number in range(100)]
    guesses = [plate.encode() for plate in candidates]
    guesses += [disclosure("plate", plate, bytes(32)).encode() for plate in candidates]
    guesses += [_b64(canonical_json(["", "plate", plate])).encode() for plate in candidates]
    assert digests.isdisjoint(_b64(hashlib.sha256(guess).digest()) for guess in guesses)
    assert b"ZZZ" not in LEAF
    assert _b64(hashlib.sha256(disclosure("plate", "ZZZ0042", K).encode()).digest()) in digests


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(LEAF) - 1), st.integers(0, 255))
def test_leaf_parser_refuses_or_writes_back(garbage, position, value):
    for data in (garbage, LEAF[:position] + bytes([value]) + LEAF[position + 1 :], LEAF[:position] + garbage):
        try:
            leaf = parse_leaf(data)
        except InputRefused:
            continue
        assert leaf_bytes(leaf.public, leaf.commitment, leaf.sealed) == data
