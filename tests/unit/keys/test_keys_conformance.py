"""The duties of ``Keyring``, for every back end. A new back end joins the fixture."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import replace
from datetime import timedelta

import pytest
from keys_testing import NOON, PASSPHRASE, TODAY, TOMORROW
from tests.support.softhsm import PIN, SoftToken

from glassplate.errors import KeyDestroyed, KeyUnavailable, Refused, UsageError
from glassplate.files import LocalFiles
from glassplate.keys import FileKeyring, Pkcs11Keyring


class FileBackEnd:
    """``FileKeyring`` in a folder."""

    def __init__(self, folder):
        self._folder = folder

    def create(self):
        return FileKeyring.create(self._folder, PASSPHRASE, LocalFiles())

    def reopen(self):
        return FileKeyring.open(self._folder, PASSPHRASE, LocalFiles())


class Pkcs11BackEnd:
    """``Pkcs11Keyring`` in a folder and a token of SoftHSM."""

    def __init__(self, folder, hsm_tokens):
        self._folder, self._token = folder, SoftToken(hsm_tokens)

    def create(self):
        return Pkcs11Keyring.create(self._folder, self._token.place, PIN, LocalFiles())

    def reopen(self):
        return Pkcs11Keyring.open(self._folder, self._token.place, PIN, LocalFiles())


@pytest.fixture(params=["file", "pkcs11"])
def back_end(request, tmp_path):
    if request.param == "file":
        return FileBackEnd(tmp_path / "keys")
    return Pkcs11BackEnd(tmp_path / "keys", request.getfixturevalue("hsm_tokens"))


def material(keyring, epoch_id):
    """Everything that comes from an epoch's secret."""
    secret = keyring.secret(epoch_id)
    numbers = [
        key.private_numbers().private_value for key in (secret.read_private_key(), secret.image_private_key())
    ]
    return [secret.segment_key(0), secret.segment_key(1), *numbers]


def test_a_key_opens_after_a_restart_and_has_one_secret_for_each_job(back_end):
    keyring = back_end.create()
    record = keyring.create_epoch(TODAY)
    before = material(keyring, TODAY.epoch_id)
    assert len({str(value) for value in before}) == 4
    assert record.is_alive
    assert record.public().destroy_at == TODAY.destroy_at
    reopened = back_end.reopen()
    assert material(reopened, TODAY.epoch_id) == before
    assert reopened.records() == [record]


def test_epochs_are_independent_and_creating_twice_changes_nothing(back_end):
    keyring = back_end.create()
    first, second = keyring.create_epoch(TODAY), keyring.create_epoch(TOMORROW)
    before = material(keyring, TODAY.epoch_id)
    assert not {*map(str, before)} & {*map(str, material(keyring, TOMORROW.epoch_id))}
    assert keyring.create_epoch(replace(TODAY, destroy_at=TODAY.destroy_at + timedelta(days=900))) == first
    assert material(keyring, TODAY.epoch_id) == before
    assert keyring.records() == [first, second]


def test_after_destruction_nothing_opens_and_the_neighbor_is_unharmed(back_end):
    keyring = back_end.create()
    keyring.create_epoch(TODAY)
    keyring.create_epoch(TOMORROW)
    neighbor = material(keyring, TOMORROW.epoch_id)
    keyring.destroy(TODAY.epoch_id, NOON)
    for ring in (keyring, back_end.reopen()):
        with pytest.raises(KeyDestroyed, match="2026-11-25"):
            ring.secret(TODAY.epoch_id)
        with pytest.raises(KeyDestroyed):
            ring.destroy(TODAY.epoch_id, NOON)
        with pytest.raises(KeyDestroyed):
            ring.create_epoch(TODAY)
        dead, alive = ring.records()
        assert (dead.epoch, dead.destroyed_at, dead.is_alive) == (TODAY, NOON, False)
        assert alive.is_alive
        assert material(ring, TOMORROW.epoch_id) == neighbor


def test_a_key_that_never_was_is_not_called_destroyed(back_end):
    keyring = back_end.create()
    for act in (keyring.secret, lambda epoch_id: keyring.destroy(epoch_id, NOON)):
        with pytest.raises(KeyUnavailable) as caught:
            act(TODAY.epoch_id)
        assert not isinstance(caught.value, KeyDestroyed)


def test_a_key_may_die_earlier_but_never_later(back_end):
    keyring = back_end.create()
    keyring.create_epoch(TODAY)
    before = material(keyring, TODAY.epoch_id)
    earlier = TODAY.destroy_at - timedelta(days=3)
    assert keyring.bring_forward(TODAY.epoch_id, earlier).epoch.destroy_at == earlier
    with pytest.raises(Refused, match="earlier"):
        keyring.bring_forward(TODAY.epoch_id, earlier + timedelta(seconds=1))
    reopened = back_end.reopen()
    assert reopened.records()[0].epoch.destroy_at == earlier
    assert material(reopened, TODAY.epoch_id) == before


def test_named_secrets_are_made_once_and_differ(back_end):
    keyring = back_end.create()
    labels = ["registry", "log", "bundle", "history/2026-11", "history/2026-12"]
    secrets = [keyring.named_secret(label) for label in labels]
    assert len(set(secrets)) == len(labels)
    assert {len(secret) for secret in secrets} == {32}
    reopened = back_end.reopen()
    assert [reopened.named_secret(label) for label in labels] == secrets


@pytest.mark.parametrize("label", ["", "../log", "a/b/c", "Log", "a//b", "log\n", "~", "a" * 65])
def test_labels_cannot_leave_their_folder(back_end, label):
    keyring = back_end.create()
    with pytest.raises(UsageError):
        keyring.named_secret(label)


def test_secrets_hide_from_repr_pickle_and_tracebacks(back_end):
    keyring = back_end.create()
    keyring.create_epoch(TODAY)
    secret = keyring.secret(TODAY.epoch_id)
    segment_key = secret.segment_key(0)
    shown = repr(secret) + repr(keyring) + repr(keyring._kept) + str(keyring.records())
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    keyring.destroy(TODAY.epoch_id, NOON)
    try:
        keyring.secret(TODAY.epoch_id)
    except KeyDestroyed:
        shown += traceback.format_exc()
    assert segment_key.hex() not in shown
    assert str(secret.read_private_key().private_numbers().private_value) not in shown


def test_a_key_in_memory_works_like_any_other_and_ends_with_the_process(back_end):
    keyring = back_end.create()
    record = keyring.create_epoch(TODAY, in_memory=True)
    assert (record.in_memory, record.is_alive, keyring.lost()) == (True, True, [])
    before = material(keyring, TODAY.epoch_id)
    earlier = TODAY.destroy_at - timedelta(days=3)
    assert keyring.bring_forward(TODAY.epoch_id, earlier).in_memory
    assert material(keyring, TODAY.epoch_id) == before
    reopened = back_end.reopen()
    assert reopened.lost() == [TODAY.epoch_id]
    with pytest.raises(KeyUnavailable):
        reopened.secret(TODAY.epoch_id)
    with pytest.raises(KeyUnavailable):
        reopened.bring_forward(TODAY.epoch_id, NOON)
    reopened.destroy(TODAY.epoch_id, NOON)
    assert reopened.lost() == []
    (dead,) = back_end.reopen().records()
    assert (dead.is_alive, dead.in_memory, dead.epoch.destroy_at) == (False, True, earlier)


def test_a_key_in_memory_is_wiped_when_it_is_destroyed(back_end):
    keyring = back_end.create()
    keyring.create_epoch(TODAY, in_memory=True)
    held = keyring._in_memory[TODAY.epoch_id]
    keyring.destroy(TODAY.epoch_id, NOON)
    assert held.reveal() == bytes(32)
    with pytest.raises(KeyDestroyed):
        keyring.secret(TODAY.epoch_id)
    with pytest.raises(KeyDestroyed):
        keyring.create_epoch(TODAY, in_memory=True)


# --- secrets that were unwrapped once -----------------------------------------------------------------------


def kept(keyring, epoch=TODAY):
    """The secret that the keyring keeps, as it lies in locked memory."""
    return keyring._kept._kept[epoch.epoch_id].secret


@pytest.fixture
def used(back_end):
    """A keyring that has unwrapped the keys of two days."""
    keyring = back_end.create()
    for epoch in (TODAY, TOMORROW):
        keyring.create_epoch(epoch)
        keyring.secret(epoch.epoch_id)
    return keyring


def test_a_secret_is_unwrapped_once_and_the_same_each_time(used, monkeypatch):
    before = material(used, TODAY.epoch_id)
    monkeypatch.setattr(used, "_unwrap_file", lambda *_: pytest.fail("it was unwrapped again"))
    assert material(used, TODAY.epoch_id) == before
    assert kept(used).is_locked


def test_a_kept_secret_is_wiped_when_its_epoch_dies_and_the_neighbors_stays(used):
    held = kept(used)
    used.destroy(TODAY.epoch_id, NOON)
    assert held.reveal() == bytes(32)
    assert kept(used, TOMORROW).reveal() != bytes(32)


def test_kept_secrets_are_wiped_when_the_keyring_is_closed(used):
    held = [kept(used), kept(used, TOMORROW)]
    used.close()
    assert [secret.reveal() for secret in held] == [bytes(32), bytes(32)]
    with pytest.raises(KeyUnavailable):
        used.secret(TODAY.epoch_id)


def test_a_tombstone_on_the_disk_decides_against_a_kept_secret(used, back_end):
    back_end.reopen().destroy(TODAY.epoch_id, NOON)
    held = kept(used)
    assert held.reveal() != bytes(32)  # this one was not told
    with pytest.raises(KeyDestroyed):
        used.secret(TODAY.epoch_id)
    assert held.reveal() == bytes(32)


DISK_CHANGES = {
    "a key file that is gone": lambda path: path.unlink(),
    "a key file with another date": lambda path: path.write_bytes(
        path.read_bytes().replace(b'"destroy_at":"2026', b'"destroy_at":"2036')
    ),
    "a key file that is damaged": lambda path: path.write_bytes(path.read_bytes()[:-9]),
}


@pytest.mark.parametrize("change", DISK_CHANGES)
def test_a_kept_secret_is_not_given_out_for_a_file_that_has_changed(used, tmp_path, change):
    DISK_CHANGES[change](tmp_path / "keys" / "epochs" / f"{TODAY.epoch_id}.json")
    with pytest.raises(KeyUnavailable):
        used.secret(TODAY.epoch_id)


def test_an_earlier_death_leaves_the_kept_secret_right(used):
    before = material(used, TODAY.epoch_id)
    used.bring_forward(TODAY.epoch_id, TODAY.destroy_at - timedelta(days=3))
    assert material(used, TODAY.epoch_id) == before


def test_nothing_is_kept_where_memory_cannot_be_locked(back_end, monkeypatch):
    keyring = back_end.create()
    keyring.create_epoch(TODAY)
    monkeypatch.setattr("glassplate.keys.memory._libc", lambda: None)
    before = material(keyring, TODAY.epoch_id)
    assert TODAY.epoch_id not in keyring._kept._kept
    assert material(keyring, TODAY.epoch_id) == before
