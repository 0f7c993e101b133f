"""The file keyring: folder, passphrase, and what somebody who edits or restores its files achieves."""

from __future__ import annotations

import errno
import json
import shutil
import stat

import pytest
from keys_testing import FOR_EVER, NOON, PASSPHRASE, TODAY, TOMORROW, DiskFailure

from glassplate.encoding import canonical_json
from glassplate.errors import KeyDestroyed, KeyUnavailable, StorageFailed, UsageError
from glassplate.files import LocalFiles
from glassplate.keys import FileKeyring, destroy_due


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder):
    ring = FileKeyring.create(folder, PASSPHRASE, LocalFiles())
    ring.create_epoch(TODAY)
    ring.create_epoch(TOMORROW)
    return ring


def reopen(folder, files=None):
    return FileKeyring.open(folder, PASSPHRASE, files or LocalFiles())


def key_file(folder, epoch=TODAY):
    return folder / "epochs" / f"{epoch.epoch_id}.json"


def tombstone(folder, epoch=TODAY):
    return folder / "tombstones" / f"{epoch.epoch_id}.json"


def test_only_the_owner_may_read_the_folder_and_its_files(folder, keyring):
    keyring.named_secret("history/2026-11")
    keyring.destroy(TODAY.epoch_id, NOON)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_wrong_passphrase_is_one_clear_sentence(folder, keyring):
    with pytest.raises(KeyUnavailable, match="passphrase does not open this keyring"):
        FileKeyring.open(folder, b"guess", LocalFiles())


def test_a_folder_without_a_keyring_and_a_second_keyring_are_refused(folder, keyring, tmp_path):
    with pytest.raises(KeyUnavailable, match="holds no keyring"):
        FileKeyring.open(tmp_path / "elsewhere", PASSPHRASE, LocalFiles())
    with pytest.raises(UsageError, match="already holds"):
        FileKeyring.create(folder, PASSPHRASE, LocalFiles())
    with pytest.raises(UsageError, match="passphrase"):
        FileKeyring.create(tmp_path / "other", b"", LocalFiles())


ROOT_EDITS = {
    "more memory than the machine has": {"memory_kib": 1 << 30},
    "more iterations than anybody waits for": {"iterations": 1 << 20},
    "a fraction of a lane": {"lanes": 0.5},
    "another derivation": {"kdf": "none"},
    "no salt": {"salt": None},
    "another version": {"v": 2},
}


def test_a_passphrase_is_stretched_as_documented(folder, keyring):
    """RFC 9106 §4, the second recommended option."""
    root = json.loads((folder / "root.json").read_bytes())
    asked = [root[name] for name in ("kdf", "iterations", "lanes", "memory_kib")]
    assert asked == ["argon2id", 3, 4, 65_536]


@pytest.mark.parametrize("edit", ROOT_EDITS)
def test_an_edited_root_file_is_refused_before_it_costs_anything(folder, keyring, edit):
    path = folder / "root.json"
    path.write_bytes(canonical_json({**json.loads(path.read_bytes()), **ROOT_EDITS[edit]}))
    with pytest.raises(StorageFailed, match=r"root\.json is damaged"):
        reopen(folder)


KEY_EDITS = {
    "a later death": {"destroy_at": "2036-11-25T00:00:00.000000Z"},
    "an earlier death": {"destroy_at": "2026-11-26T00:00:00.000000Z"},
    "another period": {"ends_at": "2026-11-27T00:00:00.000000Z"},
    "another public key": {"read_key": "BA"},
    "another key id": {"key_id": "00" * 12},
    "one more field": {"note": "hello"},
}


@pytest.mark.parametrize("edit", KEY_EDITS)
def test_an_edited_key_file_opens_nothing(folder, keyring, edit):
    path = key_file(folder)
    path.write_bytes(canonical_json({**json.loads(path.read_bytes()), **KEY_EDITS[edit]}))
    for ring in (keyring, reopen(folder)):
        with pytest.raises(KeyUnavailable):
            ring.secret(TODAY.epoch_id)
        ring.secret(TOMORROW.epoch_id)
    assert reopen(folder).damaged == (f"epochs/{TODAY.epoch_id}.json",)


def test_a_wrapped_key_cannot_be_moved_to_another_epoch(folder, keyring):
    shutil.copy(key_file(folder, TOMORROW), key_file(folder))
    with pytest.raises(KeyUnavailable, match="something else"):
        keyring.secret(TODAY.epoch_id)
    today, tomorrow = (json.loads(key_file(folder, e).read_bytes()) for e in (TODAY, TOMORROW))
    moved = {**today, "epoch_id": TODAY.epoch_id, "nonce": tomorrow["nonce"], "wrapped": tomorrow["wrapped"]}
    key_file(folder).write_bytes(canonical_json(moved))
    with pytest.raises(KeyUnavailable):
        keyring.secret(TODAY.epoch_id)


def test_a_named_secret_cannot_be_moved_to_another_label(folder, keyring):
    keyring.named_secret("log")
    keyring.named_secret("registry")
    shutil.copy(folder / "named" / "log.json", folder / "named" / "registry.json")
    with pytest.raises(KeyUnavailable, match="another label"):
        keyring.named_secret("registry")


def test_a_key_restored_from_a_backup_is_destroyed_again_at_the_next_start(folder, keyring):
    backup = key_file(folder).read_bytes()
    keyring.destroy(TODAY.epoch_id, NOON)
    key_file(folder).write_bytes(backup)
    with pytest.raises(KeyDestroyed):
        keyring.secret(TODAY.epoch_id)
    reopened = reopen(folder)
    assert reopened.resurrected == (TODAY.epoch_id,)
    assert not key_file(folder).exists()
    with pytest.raises(KeyDestroyed):
        reopened.secret(TODAY.epoch_id)
    assert reopen(folder).resurrected == ()


def test_the_key_files_bytes_are_overwritten_in_their_place_before_they_are_removed(
    folder, keyring, tmp_path
):
    second_name = tmp_path / "hard link"
    second_name.hardlink_to(key_file(folder))
    wrapped = json.loads(second_name.read_bytes())["wrapped"].encode()
    keyring.destroy(TODAY.epoch_id, NOON)
    assert wrapped not in second_name.read_bytes()


def test_an_interrupted_change_leaves_no_second_copy_of_a_dead_key(folder, keyring):
    leftover = folder / "epochs" / f".{TODAY.epoch_id}.json.0a1b2c3d.tmp"
    shutil.copy(key_file(folder), leftover)
    reopen(folder)
    assert not leftover.exists()


# --- destruction by the clock alone -----------------------------------------------------------------------


def test_destroying_what_is_due_needs_no_passphrase(folder, keyring):
    assert destroy_due(folder, TODAY.destroy_at.replace(year=2025), LocalFiles()) == []
    assert destroy_due(folder, TODAY.destroy_at, LocalFiles()) == [TODAY.epoch_id]
    assert destroy_due(folder, TODAY.destroy_at, LocalFiles()) == []
    ring = reopen(folder)
    assert [record.is_alive for record in ring.records()] == [False, True]
    assert ring.resurrected == ()


class RemovalFails(LocalFiles):
    """A disk that cannot change one file."""

    def __init__(self, path):
        self._path = path

    def overwrite(self, path, data):
        self._refuse(path)
        super().overwrite(path, data)

    def remove(self, path):
        self._refuse(path)
        super().remove(path)

    def _refuse(self, path):
        if path == self._path:
            raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("was_tried_before", [False, True])
def test_a_key_that_cannot_be_destroyed_keeps_no_other_key_alive(folder, keyring, was_tried_before):
    disk = RemovalFails(key_file(folder))
    if was_tried_before:
        with pytest.raises(StorageFailed):
            destroy_due(folder, TODAY.destroy_at, disk)
    with pytest.raises(StorageFailed, match=str(key_file(folder))):
        destroy_due(folder, TOMORROW.destroy_at, disk)
    assert not key_file(folder, TOMORROW).exists()
    assert tombstone(folder, TOMORROW).exists()
    assert destroy_due(folder, TOMORROW.destroy_at, LocalFiles()) == [TODAY.epoch_id]


def test_one_bad_key_file_keeps_no_other_key_alive(folder, keyring):
    key_file(folder).write_bytes(b"\x00 damaged")
    assert destroy_due(folder, TOMORROW.destroy_at, LocalFiles()) == [TOMORROW.epoch_id]


def test_an_open_keyring_knows_what_the_clock_destroyed(folder, keyring):
    assert keyring.destroy_due(TODAY.destroy_at) == [TODAY.epoch_id]
    assert [record.is_alive for record in keyring.records()] == [False, True]


STEPS_OF_DESTROY = {"tombstone": 0, "overwrite": 1, "remove": 2}


@pytest.mark.parametrize("is_written", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize("step", STEPS_OF_DESTROY)
def test_a_single_failed_write_does_not_keep_a_key_alive(folder, keyring, step, is_written):
    disk = DiskFailure(STEPS_OF_DESTROY[step], 1, is_written=is_written)
    assert destroy_due(folder, TODAY.destroy_at, disk) == [TODAY.epoch_id]
    assert_dead_for_good(folder)


@pytest.mark.parametrize("is_written", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize("step", STEPS_OF_DESTROY)
def test_a_disk_that_fails_from_a_step_on_is_told_and_made_up_for(folder, keyring, step, is_written):
    disk = DiskFailure(STEPS_OF_DESTROY[step], FOR_EVER, is_written=is_written)
    try:
        destroy_due(folder, TODAY.destroy_at, disk)
    except StorageFailed as error:
        assert str(key_file(folder)) in str(error)  # noqa: PT017 - both ways out are right, silence is not
    else:
        assert b'"tombstone"' in key_file(folder).read_bytes() if key_file(folder).exists() else True
    if tombstone(folder).exists():
        with pytest.raises(KeyDestroyed):
            keyring.secret(TODAY.epoch_id)
    destroy_due(folder, TODAY.destroy_at, LocalFiles())
    assert_dead_for_good(folder)


def test_a_destruction_that_failed_can_be_tried_again(folder, keyring):
    disk = DiskFailure(1, 6)  # the tombstone is written, then overwriting and removing fail, three times
    failing = reopen(folder, disk)
    with pytest.raises(StorageFailed, match="could not be destroyed"):
        failing.destroy(TODAY.epoch_id, NOON)
    assert failing.records()[0].is_alive  # so that whoever looks for overdue keys still sees it
    with pytest.raises(KeyDestroyed):
        failing.secret(TODAY.epoch_id)
    with pytest.raises(StorageFailed):
        failing.destroy_due(TODAY.destroy_at)
    assert failing.records()[0].is_alive
    failing.destroy(TODAY.epoch_id, NOON)
    assert not failing.records()[0].is_alive
    with pytest.raises(KeyDestroyed):
        failing.destroy(TODAY.epoch_id, NOON)
    assert_dead_for_good(folder)


def test_a_full_disk_cannot_keep_a_key_alive(folder, keyring):
    disk = DiskFailure(0, 1)  # the tombstone needs space, overwriting and removing do not
    disk.remove = pytest.fail  # without a durable tombstone the overwritten key file is the tombstone
    assert destroy_due(folder, TODAY.destroy_at, disk) == [TODAY.epoch_id]
    assert json.loads(key_file(folder).read_bytes())["kind"] == "tombstone"
    with pytest.raises(KeyUnavailable):
        keyring.secret(TODAY.epoch_id)
    assert_dead_for_good(folder)


def assert_dead_for_good(folder):
    """A restart finds one tombstone, no key, and an unharmed neighbor."""
    ring = reopen(folder)
    with pytest.raises(KeyDestroyed):
        ring.secret(TODAY.epoch_id)
    ring.secret(TOMORROW.epoch_id)
    assert tombstone(folder).exists()
    assert not key_file(folder).exists()
    assert b"wrapped" not in tombstone(folder).read_bytes()


def test_a_dead_key_that_cannot_be_removed_stops_the_start(folder, keyring):
    backup = key_file(folder).read_bytes()
    keyring.destroy(TODAY.epoch_id, NOON)
    key_file(folder).write_bytes(backup)
    with pytest.raises(StorageFailed, match="could not be destroyed"):
        reopen(folder, DiskFailure(0))


@pytest.mark.parametrize("is_written", [False, True], ids=["not written", "written"])
def test_a_key_that_could_not_be_written_is_not_used(folder, is_written):
    FileKeyring.create(folder, PASSPHRASE, LocalFiles())
    ring = FileKeyring.open(folder, PASSPHRASE, DiskFailure(0, is_written=is_written))
    with pytest.raises(StorageFailed, match="No space left"):
        ring.create_epoch(TODAY)
    assert ring.records() == []
    with pytest.raises(StorageFailed):
        ring.named_secret("log")
