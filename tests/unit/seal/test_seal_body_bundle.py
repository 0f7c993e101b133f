"""Bodies of log entries, auditors' keys, and the list of epoch keys."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seal_testing import AGENCY, CAMERA_KEY, EPOCH, READ

from glassplate.encoding import canonical_json
from glassplate.errors import InputRefused, KeyUnavailable, ProofFailed
from glassplate.files import LocalFiles
from glassplate.seal import AuditorKey, auditor_key_id, bundle_text, open_body, parse_bundle, seal_body

AUDITOR = AuditorKey.generate()
INFO = b'glassplate/body/v1\n{"type":"search"}'


@given(st.binary(max_size=3000))
def test_an_auditor_opens_a_body_in_its_place(plain):
    body = seal_body(plain, AUDITOR.public_text, INFO)
    assert open_body(body, AUDITOR.private_key, INFO) == plain
    with pytest.raises(ProofFailed):
        open_body(body, AUDITOR.private_key, INFO + b" ")
    with pytest.raises(ProofFailed):
        open_body(body, AuditorKey.generate().private_key, INFO)


def test_bodies_have_lengths_in_steps():
    lengths = {len(seal_body(bytes(size), AUDITOR.public_text, INFO)) for size in range(0, 508, 7)}
    assert len(lengths) == 1
    assert len(seal_body(bytes(509), AUDITOR.public_text, INFO)) == lengths.pop() + 512


def test_a_body_seals_to_a_key_object_as_well():
    body = seal_body(b"plain", AUDITOR.private_key.public_key(), INFO)
    assert open_body(body, AUDITOR.private_key, INFO) == b"plain"


def test_an_auditors_key_is_its_owners_alone_and_loads_again(tmp_path):
    path = tmp_path / "auditor.key"
    AUDITOR.save(path, LocalFiles())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = AuditorKey.load(path)
    assert (loaded.public_text, loaded.key_id) == (AUDITOR.public_text, auditor_key_id(AUDITOR.public_text))
    assert repr(AUDITOR) == f"AuditorKey({AUDITOR.key_id})"
    CAMERA_KEY.save(path, LocalFiles())
    with pytest.raises(KeyUnavailable, match="not a P-256 key"):
        AuditorKey.load(path)
    path.write_text("x")
    with pytest.raises(KeyUnavailable, match="damaged"):
        AuditorKey.load(path)
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        AuditorKey.load(tmp_path / "missing")


def test_the_list_of_keys_comes_back_as_it_was():
    later = replace(EPOCH, epoch_id="2026-11-26", starts_at=EPOCH.ends_at, ends_at=EPOCH.destroy_at)
    text = bundle_text(AGENCY, READ.captured_at, [EPOCH, later])
    assert text.endswith("\n")
    assert text.count("\n") == 1
    bundle = parse_bundle(text)
    assert (bundle.agency_id, bundle.issued_at, bundle.keys) == (AGENCY, READ.captured_at, (EPOCH, later))


GOOD = json.loads(bundle_text(AGENCY, READ.captured_at, [EPOCH]))
KEY = GOOD["keys"][0]
BAD_BUNDLES = {
    "another version": {**GOOD, "v": 2},
    "another kind of list": {**GOOD, "kind": "auditor-keys"},
    "an agency that is a number": {**GOOD, "agency_id": 1},
    "an unknown field": {**GOOD, "hello": 1},
    "keys that are no list": {**GOOD, "keys": {}},
    "a key that is a number": {**GOOD, "keys": [3]},
    "a key that is no point": {**GOOD, "keys": [{**KEY, "read_key": "BA"}]},
    "an epoch that ends before it starts": {**GOOD, "keys": [{**KEY, "ends_at": KEY["starts_at"]}]},
    "an epoch that dies before it ends": {**GOOD, "keys": [{**KEY, "destroy_at": KEY["starts_at"]}]},
    "a time without a zone": {**GOOD, "issued_at": "2026-11-25T06:30:00"},
    "more keys than anybody needs": {**GOOD, "keys": [KEY] * 501},
}


@pytest.mark.parametrize("fault", BAD_BUNDLES)
def test_a_wrong_list_of_keys_is_refused(fault):
    with pytest.raises(InputRefused):
        parse_bundle(canonical_json(BAD_BUNDLES[fault]).decode() + "\n")


@given(st.text(max_size=200))
def test_arbitrary_text_is_no_list_of_keys(text):
    with pytest.raises(InputRefused):
        parse_bundle(text)
