"""The manifest comes back from a disk that anybody may have had: it is read as a stranger's."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassplate.backup_manifest import BackupFile, LiveKey, Manifest, belongs
from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import InputRefused

AT = datetime(2026, 3, 2, tzinfo=UTC)
HASH = "ab" * 32
PLAIN = Manifest(
    AT,
    "city.example+00+x",
    7,
    HASH,
    False,
    (LiveKey("2026-03-02", AT, AT, AT, "key", False),),
    (BackupFile("settings.toml", 3, HASH), BackupFile("vault/log/journal", 15, HASH)),
)

NO_PART = {
    "above the folder": "vault/../../etc/passwd",
    "absolute": "/etc/passwd",
    "nothing between slashes": "vault//log",
    "this folder": "vault/./log",
    "only dots": "vault/.../log",
    "a backslash": "vault\\log",
    "a newline": "vault/log\n",
    "a zero": "vault/log\0",
    "another part of the city": "people/clerk.passkey.json",
    "the secret": "unlock.secret",
    "a lane": "lane/court-16th/camera.key",
    "a lock": "vault/log/lock",
    "the socket": "vault/vault.sock",
    "a day's key in a file": "vault/keys/epochs/2026-03-02.json",
    "a strange key": "vault/keys/elsewhere.json",
    "a key deeper": "vault/keys/named/epochs/x.json",
    "a library to be loaded": "vault/module.so",
    "a folder that no vault has": "vault/more/module",
    "a hidden file": "vault/.hidden",
    "unfinished": "vault/store/2026-03-02.0.tmp",
    "of a dead day": "vault/store/2026-03-02.0.sealed.dead",
    "too deep": "vault/" + "a/" * 20 + "b",
    "too long": "vault/" + "a" * 300,
    "empty": "",
    "a letter that looks like another": "vault/lоg",
}


@pytest.mark.parametrize("words", NO_PART)
def test_what_is_no_part_of_a_backup_is_refused(words):
    assert not belongs(NO_PART[words], holds_epoch_keys=False)
    bad = replace(PLAIN, files=(BackupFile(NO_PART[words], 1, HASH),))
    with pytest.raises(InputRefused):
        Manifest.from_bytes(bad.to_bytes())


def test_a_days_key_belongs_only_where_a_hardware_module_wraps_it():
    path = "vault/keys/epochs/2026-03-02.json"
    assert belongs(path, holds_epoch_keys=True)
    assert not belongs("vault/keys/epochs/deeper/2026-03-02.json", holds_epoch_keys=True)


def test_it_reads_back_what_it_wrote():
    assert Manifest.from_bytes(PLAIN.to_bytes()) == PLAIN


@pytest.mark.parametrize(
    "files",
    [
        (BackupFile("vault/a", 1, HASH), BackupFile("vault/a", 1, HASH)),
        (BackupFile("vault/b", 1, HASH), BackupFile("vault/a", 1, HASH)),
        (BackupFile("vault/a", 1, HASH), BackupFile("vault/a/b", 1, HASH)),
        (BackupFile("vault/a", -1, HASH),),
        (BackupFile("vault/a", 2**60, HASH),),
        (BackupFile("vault/a", 1, HASH.upper()),),
    ],
)
def test_files_that_cannot_be(files):
    with pytest.raises(InputRefused):
        Manifest.from_bytes(replace(PLAIN, files=files).to_bytes())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=300) | JSON.map(canonical_json))
def test_fuzz_any_bytes_are_refused_or_a_manifest(data):
    with pytest.raises(InputRefused):
        Manifest.from_bytes(data)


@given(st.data())
def test_fuzz_any_value_in_any_place_is_refused_or_reads_back(data):
    document = parse_json(PLAIN.to_bytes(), limit=10_000)
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    written = canonical_json(document)
    with contextlib.suppress(InputRefused):
        assert Manifest.from_bytes(written).to_bytes() == written


def test_a_field_more_is_no_manifest():
    document = parse_json(PLAIN.to_bytes(), limit=10_000)
    document["log"]["more"] = 1
    with pytest.raises(InputRefused):
        Manifest.from_bytes(canonical_json(document))
