"""The drill: a disk is lost, and the city comes back. Live days open, dead ones never, the log goes on without a fork."""

from __future__ import annotations

import shutil
import threading
from datetime import timedelta

import pytest
from backup_testing import (
    DAY_1,
    DAY_2,
    cold_backup,
    facts,
    findings,
    hot_backup,
    mirror_of,
    plates,
    restored,
)
from tests.support.invariants import public

from glassplate.backups import MARK_NAME, Work, check_backup
from glassplate.errors import InputRefused, ProofFailed, StorageFailed, UsageError
from glassplate.keys.destruction import key_path
from glassplate.store.cipher_file import opens


def every_key(city):
    """All that a thief finds in the folder, with its passphrase."""
    keyring = city.vault.keyring
    keys = [keyring.secret(r.epoch.epoch_id).segment_key(0) for r in keyring.records() if r.is_alive]
    return [*keys, *(keyring.named_secret(label) for label in keyring.named_labels())]


def test_after_the_loss_live_days_open_dead_ones_never_and_the_log_goes_on(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    closed_city.open()
    closed_city.pass_days(1.75)  # day 1 dies; day 2 was sealed after the backup; day 3 came after it
    closed_city.ingest("9XYZ999")
    officer_saw = closed_city.vault.log.size
    closed_city.close()
    mirror = mirror_of(closed_city, tmp_path / "mirror")
    shutil.rmtree(closed_city.folder.vault)

    city, mark = restored(made, closed_city, tmp_path / "again", mirror=mirror)
    assert mark.from_mirror
    city.open()
    try:
        assert plates(city) == [DAY_2], "what the backup has of a live day is found, of the dead day nothing"
        sealed = next((made.folder / "vault/store").glob(f"{DAY_1}.*.sealed"))
        assert not any(opens(sealed, key) for key in every_key(city))
        assert not list((city.folder.vault / "store").glob(f"{DAY_1}*"))
        assert public(city, "restored")[0]["mirror"] == "yes"
        assert city.vault.log.size > officer_saw
        assert not (city.folder.vault / MARK_NAME).exists()
        assert len(city.ingest("7KDR214").accepted) == 1
        city.pass_days(0.5)
        assert f"{DAY_2}.0" in " ".join(city.vault.health.status().problems), "what was lost is told"
    finally:
        city.close()
    assert findings(city) == []
    assert "restored from the mirror's log" in facts(city)
    city.open()  # and once only
    assert len(public(city, "restored")) == 1
    city.close()


def test_late_reads_get_the_number_behind_what_the_log_has(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    closed_city.open()
    closed_city.ingest("8ABC123")  # lost: only the log knows the segment that has it
    closed_city.pass_days(1)
    closed_city.close()
    city, _ = restored(made, closed_city, tmp_path / "again", mirror=mirror_of(closed_city, tmp_path / "m"))
    city.open()
    city.pass_days(0.25)
    assert plates(city) == [DAY_1, DAY_2]
    assert [row["epoch"] for row in public(city, "epoch-supplement")] == [DAY_2]
    city.close()
    city.open()
    assert plates(city) == [DAY_1, DAY_2], "the supplement is the one in the log"
    city.close()
    assert findings(city) == []


def test_without_a_mirror_no_day_opens_and_the_record_says_so(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    assert not made.manifest.holds_epoch_keys
    assert not list((made.folder / "vault/keys").rglob("epochs/*"))
    city, _ = restored(made, closed_city, tmp_path / "again")
    city.open()
    try:
        assert plates(city) == []
        assert {row["epoch"] for row in public(city, "epoch-destroyed")} >= {DAY_1, DAY_2}
        assert city.vault.store.epoch_ids() == [], "nothing is left that nothing opens"
        assert (
            public(city, "restored")[0] | {"mirror": "no", "assured_by": "operator"}
            == public(city, "restored")[0]
        )
        assert "only the operator says" in (city.vault.publish() and facts(city))
    finally:
        city.close()


def test_a_key_that_lived_when_the_backup_was_made_stays_dead_by_the_mirrors_tombstone(closed_city, tmp_path):
    """A thief of the backup's time keeps a key file; put beside the mirror's tombstone, it is destroyed again."""
    made = cold_backup(closed_city, tmp_path / "disk")
    stolen = key_path(closed_city.folder.vault / "keys", DAY_1).read_bytes()
    closed_city.open()
    closed_city.pass_days(1.75)
    closed_city.close()
    city, _ = restored(made, closed_city, tmp_path / "again", mirror=mirror_of(closed_city, tmp_path / "m"))
    path = key_path(city.folder.vault / "keys", DAY_1)
    path.write_bytes(stolen)
    city.open()
    assert not path.exists()
    assert any(DAY_1 in problem and "came back" in problem for problem in city.vault.health.status().problems)
    city.close()


def test_an_old_clock_kills_what_is_due_only_once_the_time_is_certain(closed_city, tmp_path):
    """The backup's clock is days old: what only the new time calls due is hidden at once, and dies once confirmed."""
    made = cold_backup(closed_city, tmp_path / "disk")
    mirror = mirror_of(closed_city, tmp_path / "m")  # that broke on the same day
    city, _ = restored(made, closed_city, tmp_path / "again", mirror=mirror)
    city.clock.reboot(timedelta(days=1.75))  # to another machine, days later
    city.open()
    try:
        alive = {r.epoch.epoch_id for r in city.vault.keyring.records() if r.is_alive}
        assert DAY_1 in alive, "nothing dies by a time that nobody confirmed"
        assert plates(city, days=2.9) == [DAY_2], "but it is not searched"
        city.vault.time.confirm(city.clock.wall())
        city.vault.duties()
        assert DAY_1 in {row["epoch"] for row in public(city, "epoch-destroyed")}
    finally:
        city.close()


# --- the log is not forked --------------------------------------------------------------------------------------------


def test_a_backup_behind_a_kept_checkpoint_is_refused_and_with_the_mirror_it_is_not(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    closed_city.open()
    closed_city.pass_days(0.5)
    closed_city.ingest("9XYZ999")
    closed_city.vault.gate.search(closed_city.sign_in("r.alvarez"), closed_city.request())
    closed_city.close()  # publishes
    kept = (closed_city.folder.public / "log/checkpoint").read_bytes()
    words = {"newest_checkpoint": kept, "operator_is_sure": False}
    with pytest.raises(ProofFailed, match=r"behind.*--mirror"):
        restored(made, closed_city, tmp_path / "again", **words)
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob("*.restoring"))
    city, mark = restored(
        made, closed_city, tmp_path / "again", mirror=mirror_of(closed_city, tmp_path / "m"), **words
    )
    assert mark.assured_by == "checkpoint"
    city.open()
    city.close()
    assert findings(city) == []


def test_without_a_witness_somebody_has_to_know(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    with pytest.raises(UsageError, match="--newest-checkpoint"):
        restored(made, closed_city, tmp_path / "again", operator_is_sure=False)


def test_a_checkpoint_of_another_log_or_history_is_refused(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    kept = (closed_city.folder.public / "log/checkpoint").read_bytes()
    other = kept.replace(kept.splitlines()[0], b"other.example/glassplate", 1)
    with pytest.raises(ProofFailed):
        restored(made, closed_city, tmp_path / "again", newest_checkpoint=other)
    closed_city.open()  # the key signs on in the lost city, and in a copy of the backup: two histories
    closed_city.pass_days(0.5)
    closed_city.close()
    city, _ = restored(made, closed_city, tmp_path / "twin")
    city.open()
    for _ in range(9):
        city.vault.gate.search(city.sign_in("r.alvarez"), city.request())
    city.close()
    twin = cold_backup(city, tmp_path / "twins")
    forked = (closed_city.folder.public / "log/checkpoint").read_bytes()
    with pytest.raises(ProofFailed, match="another history"):
        restored(twin, city, tmp_path / "again", newest_checkpoint=forked)


def test_a_mirror_that_is_older_or_of_another_city_is_refused(city, tmp_path):
    older = mirror_of(city, tmp_path / "older")
    city.ingest("9XYZ999")
    city.vault.gate.search(city.sign_in("r.alvarez"), city.request())
    made = hot_backup(city, tmp_path / "disk")
    with pytest.raises(ProofFailed, match="older than the backup"):
        restored(made, city, tmp_path / "again", mirror=older)
    journal = older / "log/journal"
    journal.write_bytes(journal.read_bytes() + bytes(100_000))
    with pytest.raises(ProofFailed, match="another log"):
        restored(made, city, tmp_path / "again", mirror=older)
    with pytest.raises(UsageError, match="no mirror"):
        restored(made, city, tmp_path / "again", mirror=tmp_path)


# --- while the vault works ---------------------------------------------------------------------------------------------


def test_every_read_acknowledged_before_a_backup_began_is_in_it(city, tmp_path):
    stop, delivered, problems = threading.Event(), [], []
    batches = [city.batch(f"8T{n:05d}") for n in range(300)]

    def deliver():
        for batch in batches:
            if stop.is_set():
                return
            try:
                delivered.extend(city.vault.intake.accept(batch).accepted)
            except Exception as error:  # noqa: BLE001 - shown by the test
                problems.append(error)

    thread = threading.Thread(target=deliver)
    thread.start()
    while len(delivered) < 20:
        stop.wait(0.01)
    before = list(delivered)
    made = hot_backup(city, tmp_path / "disk")
    during = len(delivered)
    stop.set()
    thread.join()
    assert problems == []
    assert during >= len(before)
    city.close()
    back, _ = restored(made, city, tmp_path / "again", mirror=mirror_of(city, tmp_path / "m"))
    back.open()
    keys = {
        r.epoch.epoch_id: back.vault.keyring.secret(r.epoch.epoch_id).segment_key(0)
        for r in back.vault.keyring.records()
        if r.is_alive
    }
    stored = back.vault.store.get(before, keys)
    assert [one.read.read_id for one in stored] == before
    assert all(one.crop_sealed for one in stored), "with their pictures"
    back.close()
    city.open()


class _Watched(Work):
    """Does something once, when so many files were copied."""

    def __init__(self, at, act):
        super().__init__(watch=self._look)
        self._at, self._act = at, act

    def _look(self, work):
        if self._act is not None and work.doing == "copies" and work.files >= self._at:
            act, self._act = self._act, None
            act()


@pytest.mark.parametrize("files", [0, 5, 25, 40])
def test_a_day_that_is_sealed_or_dies_during_a_backup_leaves_a_whole_one(city, tmp_path, files):
    from glassplate.backups import make_backup

    (tmp_path / "disk").mkdir()
    passing = _Watched(files, lambda: city.pass_days(1.75))  # day 1 dies, day 2 is sealed
    made = make_backup(city.folder, tmp_path / "disk", city.now(), city.vault.backups.still, passing)
    names = {file.path for file in made.manifest.files}
    assert not any(DAY_1 in name for name in names if "/store/" in name)
    assert f"vault/store/{DAY_2}.0.sealed" in names
    check_backup(made.folder, Work())
    city.close()
    back, _ = restored(made, city, tmp_path / "again", mirror=mirror_of(city, tmp_path / "m"))
    back.open()
    assert plates(back) == [DAY_2]
    assert back.vault.health.status().problems == ()
    back.close()
    city.open()


def test_a_purge_does_not_wait_while_a_backup_copies(city, tmp_path):
    """The duties run in the midst of the copying: nothing that they need is held."""
    from glassplate.backups import make_backup

    (tmp_path / "disk").mkdir()
    ran = []

    def purge():
        thread = threading.Thread(target=lambda: ran.append(city.vault.purge.run()))
        thread.start()
        thread.join(30)

    make_backup(city.folder, tmp_path / "disk", city.now(), city.vault.backups.still, _Watched(20, purge))
    assert ran == [[]]


def test_a_running_vault_makes_backups_where_the_operator_said_and_records_them(city, tmp_path):
    with pytest.raises(UsageError, match="backup_folder"):
        city.vault.backups.start()
    (tmp_path / "disk").mkdir()
    settings = city.folder.settings_file
    settings.write_text(
        settings.read_text().replace('backup_folder = ""', f'backup_folder = "{tmp_path / "disk"}"')
    )
    city.vault.backups.start()
    city.vault.backups._thread.join()
    state = city.vault.backups.state()
    assert not state.problem
    assert public(city, "backup-made")[0]["backup_sha256"] == state.made["sha256"]


# --- damage and thieves ---------------------------------------------------------------------------------------------------


def test_a_damaged_or_missing_file_is_named_and_nothing_is_written(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    journal, bundle = made.folder / "vault/log/journal", made.folder / "public/bundle.vkey"
    data = bytearray(journal.read_bytes())
    data[1000] ^= 1
    journal.write_bytes(data)
    bundle.unlink()
    with pytest.raises(StorageFailed, match=r"public/bundle.vkey.*vault/log/journal \(damaged\)"):
        restored(made, closed_city, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_link_in_a_backup_leads_nowhere(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    (tmp_path / "elsewhere").mkdir()
    for name in ("registry.db",):
        inside = made.folder / "vault" / name
        inside.rename(tmp_path / "elsewhere" / name)
        inside.symlink_to(tmp_path / "elsewhere" / name)
    with pytest.raises(StorageFailed, match=r"registry\.db"):
        restored(made, closed_city, tmp_path / "again")
    shutil.move(tmp_path / "elsewhere/registry.db", tmp_path / "elsewhere/back")
    (made.folder / "vault/registry.db").unlink()
    shutil.move(tmp_path / "elsewhere/back", made.folder / "vault/registry.db")
    holds = made.folder / "vault/charter"
    shutil.move(holds, tmp_path / "elsewhere/charter")
    holds.symlink_to(tmp_path / "elsewhere/charter")
    with pytest.raises(StorageFailed, match="behind a link"):
        restored(made, closed_city, tmp_path / "again")


def test_a_folder_that_is_not_empty_stays_as_it_is(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    (tmp_path / "again").mkdir()
    (tmp_path / "again/mine").write_text("kept")
    with pytest.raises(UsageError, match="not empty"):
        restored(made, closed_city, tmp_path / "again")
    assert (tmp_path / "again/mine").read_text() == "kept"


def test_a_backup_does_not_go_into_the_city_nor_onto_a_full_disk(closed_city, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="inside of the city"):
        cold_backup(closed_city, closed_city.folder.public / "backups")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(StorageFailed, match=r"needs .* MB, but"):
        cold_backup(closed_city, tmp_path / "disk")
    assert list((tmp_path / "disk").iterdir()) == []


def test_only_this_citys_leftovers_are_swept(closed_city, tmp_path):
    for name in ("city-20260302T090000Z.partial", "city-hall-20260302T090000Z.partial", "mine.partial"):
        (tmp_path / "disk" / name).mkdir(parents=True)
    cold_backup(closed_city, tmp_path / "disk")
    assert {path.name for path in (tmp_path / "disk").glob("*.partial")} == {
        "city-hall-20260302T090000Z.partial",
        "mine.partial",
    }


def test_a_disk_that_fills_up_leaves_nothing_behind(closed_city, tmp_path, monkeypatch):
    import errno

    from glassplate.backups.copying import Copier

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Copier, "finish", full)
    with pytest.raises(StorageFailed, match="is full"):
        cold_backup(closed_city, tmp_path / "disk")
    assert list((tmp_path / "disk").iterdir()) == []


def test_no_secret_session_or_planted_plate_lies_readable_in_a_backup(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    words = [b"7KDR214", b"8ABC123", closed_city.secret]
    for path in made.folder.rglob("*"):
        if path.is_file():
            assert not any(word in path.read_bytes() for word in words), path
    assert not {path.name for path in made.folder.rglob("*")} & {
        "unlock.secret",
        "lock",
        "vault.sock",
        "people",
    }


def test_a_restored_folder_without_its_mark_in_order_is_not_opened(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    city, _ = restored(made, closed_city, tmp_path / "again")
    mark = city.folder.vault / MARK_NAME
    mark.write_text(mark.read_text().replace('"operator"', '"witnesses"'))
    with pytest.raises(ProofFailed, match="names no witness"):
        city.open()
    mark.write_text("{}")
    with pytest.raises(StorageFailed, match="damaged"):
        city.open()


def test_a_manifest_that_names_a_key_of_a_day_is_no_manifest(closed_city, tmp_path):
    made = cold_backup(closed_city, tmp_path / "disk")
    path = made.folder / "manifest.json"
    path.write_bytes(
        path.read_bytes().replace(b'"vault/keys/root.json"', b'"vault/keys/epochs/2026-03-02.json"')
    )
    with pytest.raises(InputRefused, match="no part of a backup"):
        restored(made, closed_city, tmp_path / "again")


def test_whatever_a_vault_keeps_is_in_a_backup_or_left_out_on_purpose(closed_city, tmp_path):
    """A new file of the vault's that no backup takes fails here by its name."""
    made = cold_backup(closed_city, tmp_path / "disk")
    listed = {file.path for file in made.manifest.files}
    root = closed_city.root
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    left_out = {path for path in there - listed if path.startswith(("vault/", "public/"))}
    on_purpose = ("/lock", "-shm")
    assert {
        p for p in left_out if not p.endswith(on_purpose) and not p.startswith("vault/keys/epochs/")
    } == set()
    assert {p.split("/")[0] for p in there - listed} <= {"vault", "people", "lane", "unlock.secret"}
