"""The keyring in hardware: what copies of disk and module open, and what happens while the module is away."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pkcs11
import pytest
from keys_testing import FOR_EVER, NOON, PASSPHRASE, TODAY, TOMORROW, DiskFailure
from pkcs11 import Attribute, ObjectClass
from tests.support.softhsm import PIN, SoftToken

from glassplate.encoding import canonical_json
from glassplate.errors import KeyDestroyed, KeyStoreAway, KeyUnavailable, StorageFailed, UsageError
from glassplate.files import LocalFiles
from glassplate.keys import FileKeyring, Pkcs11Keyring, SettableClock, destroy_due, still_owed
from glassplate.keys.destruction import owed
from glassplate.keys.hsm import Hsm

# python-pkcs11 complains on standard error when it drops a search in a session that died
pytestmark = pytest.mark.filterwarnings("ignore:.*OperationContext:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder, token):
    ring = Pkcs11Keyring.create(folder, token.place, PIN, LocalFiles())
    ring.create_epoch(TODAY)
    ring.create_epoch(TOMORROW)
    return ring


def reopen(folder, token, files=None):
    return Pkcs11Keyring.open(folder, token.place, PIN, files or LocalFiles())


def key_file(folder, epoch=TODAY):
    return folder / "epochs" / f"{epoch.epoch_id}.json"


def label_of(epoch):
    return f"{epoch.epoch_id} {epoch.destroy_at:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_each_epoch_has_a_key_object_of_its_own_that_cannot_leave_the_module(keyring, token):
    assert token.labels() == sorted([label_of(TODAY), label_of(TOMORROW), "root"])
    for found in token.objects():
        assert found[Attribute.SENSITIVE]
        assert not found[Attribute.EXTRACTABLE]
        assert found[Attribute.NEVER_EXTRACTABLE]
        assert found[Attribute.LOCAL]
        assert not found[Attribute.WRAP]
        assert not found[Attribute.COPYABLE]
        with pytest.raises(pkcs11.AttributeSensitive):
            found[Attribute.VALUE]
        with pytest.raises(pkcs11.PKCS11Error):
            found.copy({Attribute.LABEL: "kept for later"})


def test_a_folder_from_day_1_opens_nothing_that_todays_module_destroyed(folder, keyring, token, tmp_path):
    """The whole key folder is copied while the epoch lives and put back after it has died."""
    keyring.secret(TODAY.epoch_id)
    shutil.copytree(folder, tmp_path / "day 1")
    keyring.destroy(TODAY.epoch_id, NOON)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "day 1", folder)
    snapshot = reopen(folder, token)
    with pytest.raises(KeyUnavailable, match="does not hold this key"):
        snapshot.secret(TODAY.epoch_id)
    snapshot.secret(TOMORROW.epoch_id)
    assert snapshot.damaged == (f"epochs/{TODAY.epoch_id}.json",)


def test_a_module_restored_from_a_copy_is_purged_again_and_alarmed(folder, keyring, token, tmp_path):
    token.copy(tmp_path / "module on day 1")
    keyring.destroy(TODAY.epoch_id, NOON)
    assert label_of(TODAY) not in token.labels()
    token.restore(tmp_path / "module on day 1")
    assert label_of(TODAY) in token.labels()
    reopened = reopen(folder, token)
    assert reopened.resurrected == (TODAY.epoch_id,)
    assert label_of(TODAY) not in token.labels()
    assert reopen(folder, token).resurrected == ()
    reopened.secret(TOMORROW.epoch_id)


def test_folder_and_module_from_one_copy_die_by_the_clock_of_the_next_start(folder, keyring, token, tmp_path):
    """Nobody can tell such a copy from the original; the clock is what is left."""
    token.copy(tmp_path / "module")
    shutil.copytree(folder, tmp_path / "day 1")
    keyring.destroy(TODAY.epoch_id, NOON)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "day 1", folder)
    token.restore(tmp_path / "module")
    reopened = reopen(folder, token)
    assert reopened.destroy_due(TODAY.destroy_at) == [TODAY.epoch_id]
    assert token.labels() == sorted([label_of(TOMORROW), "root"])


def test_an_absent_module_keeps_the_key_due_and_the_next_try_destroys_it(folder, keyring, token, tmp_path):
    token.copy(tmp_path / "module")
    token.go_away()
    for _ in range(2):
        with pytest.raises(KeyStoreAway, match="tried again"):
            keyring.destroy(TODAY.epoch_id, NOON)
    assert keyring.records()[0].is_alive  # so that it counts as overdue and everything stays red
    with pytest.raises(KeyDestroyed):
        keyring.secret(TODAY.epoch_id)  # the tombstone holds already
    assert b"wrapped" not in key_file(folder).read_bytes()
    with pytest.raises(KeyStoreAway):
        keyring.secret(TOMORROW.epoch_id)
    token.restore(tmp_path / "module")
    keyring.destroy(TODAY.epoch_id, NOON)
    assert not keyring.records()[0].is_alive
    assert label_of(TODAY) not in token.labels()
    keyring.secret(TOMORROW.epoch_id)
    assert reopen(folder, token).resurrected == ()


def test_kept_secrets_stand_for_a_module_for_ten_seconds_and_are_wiped_when_it_is_away(
    folder, token, tmp_path
):
    clock = SettableClock(NOON)
    keyring = Pkcs11Keyring.create(folder, token.place, PIN, LocalFiles(), clock)
    keyring.create_epoch(TODAY)
    before = keyring.secret(TODAY.epoch_id).segment_key(0)
    held = keyring._kept._kept[TODAY.epoch_id].secret
    token.copy(tmp_path / "module")
    token.go_away()
    clock.advance(timedelta(seconds=9))
    assert keyring.secret(TODAY.epoch_id).segment_key(0) == before
    clock.advance(timedelta(seconds=1))
    for ask in (keyring.demand_reachable, lambda: keyring.secret(TODAY.epoch_id)):
        with pytest.raises(KeyStoreAway):
            ask()
    assert held.reveal() == bytes(32)
    token.restore(tmp_path / "module")
    assert keyring.secret(TODAY.epoch_id).segment_key(0) == before


def test_any_sign_of_an_absent_module_wipes_every_kept_secret(folder, keyring, token):
    keyring.secret(TODAY.epoch_id)
    held = keyring._kept._kept[TODAY.epoch_id].secret
    token.go_away()
    with pytest.raises(KeyStoreAway):
        keyring.secret(TOMORROW.epoch_id)
    assert held.reveal() == bytes(32)


def test_a_token_without_the_root_key_is_away_and_not_empty(folder, keyring, token, tmp_path):
    """An emptied or exchanged token of the same name must not pass for one that destroyed everything."""
    root = next(found for found in token.objects() if found.label.endswith(" root"))
    root.destroy()
    with pytest.raises(KeyStoreAway, match="root key"):
        keyring.destroy(TODAY.epoch_id, NOON)
    with pytest.raises(KeyUnavailable):
        reopen(folder, token)


def test_the_clock_alone_kills_this_folder_and_the_module_follows(folder, keyring, token):
    """Purge without a PIN: tombstone and file are done, the module's part stays owed until somebody logs in."""
    assert destroy_due(folder, TODAY.destroy_at, LocalFiles(), owed) == [TODAY.epoch_id]
    assert still_owed(folder) == [TODAY.epoch_id]
    assert b"wrapped" not in key_file(folder).read_bytes()
    assert label_of(TODAY) in token.labels()
    reopened = reopen(folder, token)
    assert reopened.resurrected == ()
    assert [record.is_alive for record in reopened.records()] == [False, True]
    assert label_of(TODAY) not in token.labels()
    assert still_owed(folder) == []


def test_a_key_whose_file_was_taken_away_dies_by_the_date_in_its_label(folder, keyring, token):
    key_file(folder).unlink()
    reopened = reopen(folder, token)
    reopened.destroy_due(TODAY.destroy_at - timedelta(seconds=1))
    assert label_of(TODAY) in token.labels()
    reopened.destroy_due(TODAY.destroy_at)
    assert token.labels() == sorted([label_of(TOMORROW), "root"])


def test_the_file_of_before_an_earlier_death_opens_no_more(folder, keyring, token):
    before = key_file(folder).read_bytes()
    earlier = TODAY.destroy_at - timedelta(days=3)
    keyring.bring_forward(TODAY.epoch_id, earlier)
    assert token.labels() == sorted(
        [label_of(replace(TODAY, destroy_at=earlier)), label_of(TOMORROW), "root"]
    )
    key_file(folder).write_bytes(before)
    with pytest.raises(KeyUnavailable):
        keyring.secret(TODAY.epoch_id)
    with pytest.raises(KeyUnavailable):
        reopen(folder, token).secret(TODAY.epoch_id)


KEY_EDITS = {
    "a later death": {"destroy_at": "2036-11-25T00:00:00.000000Z"},
    "another epoch": {"epoch_id": TOMORROW.epoch_id},
    "another public key": {"read_key": "BA"},
    "no key of the module": {"hsm_key": None},
    "a path for a key": {"hsm_key": "../../root"},
    "one more field": {"note": "hello"},
}


@pytest.mark.parametrize("edit", KEY_EDITS)
def test_an_edited_key_file_opens_nothing(folder, keyring, token, edit):
    path = key_file(folder)
    keyring.secret(TODAY.epoch_id)  # so that it is kept
    path.write_bytes(canonical_json({**json.loads(path.read_bytes()), **KEY_EDITS[edit]}))
    with pytest.raises(KeyUnavailable):
        keyring.secret(TODAY.epoch_id)
    keyring.secret(TOMORROW.epoch_id)


def test_a_file_wrapped_for_one_epoch_does_not_open_with_anothers_key_object(folder, keyring, token):
    today, tomorrow = (json.loads(key_file(folder, e).read_bytes()) for e in (TODAY, TOMORROW))
    for taken in (("nonce", "wrapped"), ("nonce", "wrapped", "hsm_key")):
        moved = {**today, **{name: tomorrow[name] for name in taken}}
        key_file(folder).write_bytes(canonical_json(moved))
        with pytest.raises(KeyUnavailable):
            keyring.secret(TODAY.epoch_id)


def test_a_key_that_was_brought_into_the_module_from_outside_is_not_taken(token):
    hsm = Hsm(token.place, PIN)
    make = hsm._session.generate_key

    class Careless:
        """A module that lets keys out, whatever it is told."""

        def __getattr__(self, name):
            return getattr(session, name)

        def generate_key(self, *arguments, template, **options):
            return make(*arguments, template={**template, Attribute.EXTRACTABLE: True}, **options)

    session, hsm._session = hsm._session, Careless()
    with pytest.raises(KeyUnavailable, match="could be taken out"):
        hsm.make_key("glassplate test")
    assert token.objects() == []


# --- logging in ---------------------------------------------------------------------------------------------


def test_a_refused_pin_is_told_once_and_never_tried_again(folder, keyring, token):
    keyring.close()
    with pytest.raises(KeyUnavailable, match="refused the PIN") as caught:
        Pkcs11Keyring.open(folder, token.place, b"31415926", LocalFiles())
    assert "31415926" not in str(caught.value)
    assert PIN.decode() not in repr(keyring) + repr(token.place) + repr(keyring._hsm_wrapping._hsm)
    reopen(folder, token)


def test_a_closed_keyring_opens_nothing(keyring):
    keyring.close()
    with pytest.raises(KeyUnavailable):
        keyring.secret(TODAY.epoch_id)


PLACES = {
    "no such module": (lambda place: replace(place, module="/nowhere.so"), "hsm_module"),
    "no such token": (lambda place: replace(place, token="nobody's"), "not there"),
    "another slot": (lambda place: replace(place, slot=999_999_999), "not there"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_wrong_place_is_one_clear_sentence(folder, keyring, token, name):
    change, said = PLACES[name]
    with pytest.raises(KeyUnavailable, match=said):
        Pkcs11Keyring.open(folder, change(token.place), PIN, LocalFiles())


def test_another_token_opens_nothing(folder, keyring, hsm_tokens):
    other = SoftToken(hsm_tokens)
    with pytest.raises(KeyUnavailable, match="does not hold this key"):
        reopen(folder, other)


def test_each_back_end_refuses_the_others_folder(folder, keyring, token, tmp_path):
    with pytest.raises(StorageFailed, match=r"root\.json"):
        FileKeyring.open(folder, PASSPHRASE, LocalFiles())
    FileKeyring.create(tmp_path / "file", PASSPHRASE, LocalFiles())
    with pytest.raises(StorageFailed, match="not the root of a keyring in hardware"):
        reopen(tmp_path / "file", token)
    with pytest.raises(UsageError, match="already holds"):
        Pkcs11Keyring.create(folder, token.place, PIN, LocalFiles())


def test_a_session_that_died_is_opened_again(keyring, token):
    token.restart()
    keyring.secret(TODAY.epoch_id)
    keyring.create_epoch(replace(TOMORROW, epoch_id="2026-11-27"))


# --- a failing disk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_written", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("count", [1, FOR_EVER])
def test_whatever_the_disk_does_the_module_destroys(folder, keyring, token, step, is_written, count):
    disk = DiskFailure(step, count, is_written=is_written)
    failing = reopen(folder, token, disk)
    try:
        failing.destroy(TODAY.epoch_id, NOON)
    except StorageFailed:
        failing._files = LocalFiles()
        failing.destroy(TODAY.epoch_id, NOON)
    assert label_of(TODAY) not in token.labels()
    reopened = reopen(folder, token)
    with pytest.raises(KeyDestroyed):
        reopened.secret(TODAY.epoch_id)
    reopened.secret(TOMORROW.epoch_id)
    assert reopened.resurrected == ()


def test_a_crash_between_key_and_file_leaves_no_second_key(folder, keyring, token):
    failing = reopen(folder, token, DiskFailure(0))
    day = replace(TOMORROW, epoch_id="2026-11-27")
    with pytest.raises(StorageFailed):
        failing.create_epoch(day)
    assert len(token.labels()) == 4
    reopen(folder, token).create_epoch(day)
    assert len(token.labels()) == 4


def test_a_key_in_memory_has_no_object_in_the_module_and_dies_without_it(folder, token, tmp_path):
    ring = Pkcs11Keyring.create(folder, token.place, PIN, LocalFiles())
    ring.create_epoch(TODAY, in_memory=True)
    assert token.labels() == ["root"]
    token.go_away()
    ring.destroy(TODAY.epoch_id, NOON)
    assert not ring.records()[0].is_alive


def test_an_object_that_somebody_put_beside_a_key_keeps_it_from_opening_and_not_from_dying(
    folder, keyring, token
):
    mine = next(found for found in token.objects() if label_of(TODAY) in found.label)
    session = mine.session
    session.create_object(
        {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: pkcs11.KeyType.AES,
            Attribute.ID: mine.id,
            Attribute.LABEL: mine.label,
            Attribute.TOKEN: True,
            Attribute.VALUE: bytes(32),
        }
    )
    reopened = reopen(folder, token)
    with pytest.raises(StorageFailed, match="Two keys"):
        reopened.secret(TODAY.epoch_id)
    assert reopened.damaged == (f"epochs/{TODAY.epoch_id}.json",)
    reopened.destroy_due(TODAY.destroy_at)
    assert label_of(TODAY) not in token.labels()
