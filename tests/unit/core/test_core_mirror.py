"""The mirror of log and keys, through a whole vault: always as new, and a dead key is dead in both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.failing_files import HOW, FailingFiles
from tests.support.invariants import check_city, public, types

from glassplate.cli.main import execute
from glassplate.errors import LogUnavailable, StorageFailed, UsageError
from glassplate.founding import purge_by_clock
from glassplate.keys import FileKeyring
from glassplate.keys.destruction import key_path, read_record, tombstone_path
from glassplate.log import SigningKey
from glassplate.mirror import begin_mirror, city_text, mirror_state

PLATE, DAY = "7KDR214", "2026-03-02"


@pytest.fixture
def closed_city(brief_closed_city, tmp_path):
    """Whose mirror is begun; the vault is not open."""
    city = brief_closed_city
    disk = tmp_path / "disk"
    disk.mkdir()
    city.settings = replace(city.settings, mirror=str(disk))
    begin(city)
    return city


@pytest.fixture
def city(closed_city):
    closed_city.open()
    yield closed_city
    closed_city.close()


def disk(city):
    return city.root.parent / "disk"


def vkey(city):
    return (city.folder.public / "log" / "vkey").read_text().strip()


def begin(city):
    vault = city.folder.vault
    files = FailingFiles()
    begin_mirror(disk(city), city.root, vault / "log", vault / "keys", vkey(city), files)


def unmount(city):
    disk(city).rename(city.root.parent / "unplugged")
    disk(city).mkdir()


def mount(city):
    disk(city).rmdir()
    (city.root.parent / "unplugged").rename(disk(city))


def search(city):
    since = city.now() - city.vault.mandate.retention()
    return city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE, since=since))


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def is_in_step(city):
    """Both folders are the same, byte for byte."""
    for part in ("log", "keys"):
        assert tree(disk(city) / part) == tree(city.folder.vault / part), part
    return True


def is_dead_in(folder, epoch_id=DAY):
    return not key_path(folder, epoch_id).exists() and tombstone_path(folder, epoch_id).exists()


def let_the_first_day_die(city):
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    city.vault.advance_demo_clock(dies - timedelta(minutes=1))
    city.clock.advance(timedelta(minutes=2))


def test_every_entry_and_every_key_is_in_both_folders_when_it_is_answered(city):
    city.ingest(PLATE)
    assert len(search(city).reads) == 1
    journal = (city.folder.vault / "log" / "journal").read_bytes()
    assert (disk(city) / "log" / "journal").read_bytes() == journal
    city.pass_days(1)
    city.vault.publish()
    assert is_in_step(city)
    city.pass_days(2.5)
    assert is_dead_in(city.folder.vault / "keys")
    assert is_dead_in(disk(city) / "keys")
    assert is_in_step(city)
    check_city(city)
    assert city.vault.health.status().healthy


def test_a_mirror_that_is_away_stops_every_entry_and_says_what_to_do(city):
    city.ingest(PLATE)
    token, batch, size = city.sign_in("r.alvarez"), city.batch("8ABC123"), city.vault.log.size
    unmount(city)
    with pytest.raises(LogUnavailable, match=r"mirror .* is away .*; mount its disk, or take mirror out"):
        city.vault.gate.search(token, city.request(PLATE))
    assert city.vault.log.size == size
    city.vault.duties()
    status = city.vault.health.status()
    assert not status.healthy
    assert any("is away" in problem for problem in status.problems)
    assert city.vault.intake.accept(batch), "reads need no entry, and go on"
    assert list(disk(city).iterdir()) == [], "an empty mount point is never filled"
    mount(city)
    assert len(city.vault.gate.search(token, city.request(PLATE)).reads) == 1
    city.vault.duties()
    assert city.vault.health.status().healthy
    assert is_in_step(city)
    check_city(city)


def test_keys_die_here_though_the_mirror_is_away_and_there_as_soon_as_it_is_back(city):
    city.ingest(PLATE)
    let_the_first_day_die(city)
    unmount(city)
    with pytest.raises(StorageFailed, match=f"A copy of a key that died .* may still lie in it: {DAY}"):
        city.vault.purge.run()
    assert is_dead_in(city.folder.vault / "keys")
    assert key_path(city.root.parent / "unplugged" / "keys", DAY).exists()
    city.vault.duties()
    assert any(
        DAY in problem and "may still lie" in problem for problem in city.vault.health.status().problems
    )
    mount(city)
    assert "epoch-destroyed" not in types(city), "the record says destroyed of what is dead everywhere"
    city.vault.duties()
    assert is_dead_in(disk(city) / "keys")
    assert [entry["epoch"] for entry in public(city, "epoch-destroyed")] == [DAY]
    assert city.vault.health.status().healthy
    assert is_in_step(city)


def test_a_key_that_died_while_the_mirror_was_away_dies_there_before_the_vault_unlocks(closed_city):
    city = closed_city
    city.open()
    city.ingest(PLATE)
    let_the_first_day_die(city)
    unmount(city)
    with pytest.raises(StorageFailed):
        city.vault.purge.run()
    city.close()
    with pytest.raises(StorageFailed, match=r"is not there .* begin a new mirror"):
        city.open()
    mount(city)
    with pytest.raises(Exception, match="passphrase"):
        replace(city, secret=b"forgotten").open()
    assert is_dead_in(disk(city) / "keys")
    city.open()
    city.vault.duties()
    assert is_in_step(city)
    assert city.vault.health.status().healthy, city.vault.health.status().problems
    city.close()


def test_a_stolen_copy_of_the_mirror_opens_nothing_that_is_dead(city, tmp_path):
    city.ingest(PLATE)
    shutil.copytree(disk(city), tmp_path / "stolen while it lived")
    let_the_first_day_die(city)
    city.vault.duties()
    shutil.copytree(disk(city), tmp_path / "stolen after it died")
    files = FailingFiles()
    early = FileKeyring.open(tmp_path / "stolen while it lived" / "keys", city.secret, files)
    assert early.secret(DAY), "as documented: a copy of a file keyring, taken in time, opens what lived then"
    late = FileKeyring.open(tmp_path / "stolen after it died" / "keys", city.secret, files)
    with pytest.raises(Exception, match="was destroyed"):
        late.secret(DAY)
    secret = early.secret(DAY).segment_key(0)
    assert all(secret not in content for content in tree(tmp_path / "stolen after it died").values())
    early.close()
    late.close()


def test_a_key_that_is_dead_in_the_mirror_never_lives_again_in_the_vault(city, tmp_path):
    """It died before its time; then the whole key folder was set back, tombstones and all."""
    keys = city.folder.vault / "keys"
    city.ingest(PLATE)
    shutil.copytree(keys, tmp_path / "backup")
    city.vault.keyring.destroy(DAY, city.now())
    city.vault.duties()
    city.close()
    shutil.rmtree(keys)
    shutil.copytree(tmp_path / "backup", keys)
    came_back, _ = purge_by_clock(city.settings, city.folder, city.clock.wall(), FailingFiles())
    assert came_back == [DAY]
    assert is_dead_in(keys)
    shutil.rmtree(keys)
    shutil.copytree(tmp_path / "backup", keys)
    city.open()
    assert is_dead_in(keys)
    assert any(DAY in problem and "came back" in problem for problem in city.vault.health.status().problems)
    assert is_dead_in(disk(city) / "keys")


@pytest.mark.parametrize("part", ["journal", ".pending"])
def test_an_own_log_that_was_set_back_does_not_start(closed_city, tmp_path, part):
    city = closed_city
    shutil.copytree(city.folder.vault / "log", tmp_path / "old")
    city.open()
    city.ingest(PLATE)
    search(city)
    city.vault.publish()
    city.close()
    kept = tree(disk(city) / "log")
    shutil.copy(tmp_path / "old" / part, city.folder.vault / "log" / part)
    with pytest.raises(StorageFailed, match=r"set back.*glassplate restore BACKUP --mirror MIRROR"):
        city.open()
    assert tree(disk(city) / "log") == kept
    shutil.copy(disk(city) / "log" / part, city.folder.vault / "log" / part)  # a restore is a copy
    city.open()
    check_city(city)
    city.close()


def test_two_histories_do_not_start(closed_city):
    city = closed_city
    path = disk(city) / "log" / "journal"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageFailed, match=r"damaged at byte|differ at byte"):
        city.open()


def test_a_mirror_that_lags_catches_up_at_the_start(closed_city, tmp_path):
    city = closed_city
    shutil.copytree(disk(city), tmp_path / "old disk")
    city.open()
    city.ingest(PLATE)
    search(city)
    city.pass_days(1)
    city.close()
    shutil.rmtree(disk(city))
    shutil.copytree(tmp_path / "old disk", disk(city))
    with (disk(city) / "log" / "journal").open("ab") as file:
        file.write(bytes(3000))  # blocks that a power cut left unwritten
    city.open()
    city.vault.duties()
    assert is_in_step(city)
    assert city.vault.health.status().healthy
    city.close()


def test_a_mirror_of_another_city_is_refused_and_left_as_it_is(closed_city):
    city = closed_city
    other = str(SigningKey.from_seed(city.settings.log_origin, bytes(32)).verifier)
    (disk(city) / "city.txt").write_bytes(city_text(other))
    before = tree(disk(city))
    with pytest.raises(StorageFailed, match="belongs to the log"):
        city.open()
    assert tree(disk(city)) == before
    shutil.rmtree(city.folder.public / "log")  # so that only the unlocked key tells
    with pytest.raises(StorageFailed, match="belongs to the log"):
        city.open()
    assert tree(disk(city)) == before


def test_another_citys_disk_at_the_same_place_is_never_written(city):
    token = city.sign_in("r.alvarez")
    unmount(city)
    other = str(SigningKey.from_seed(city.settings.log_origin, bytes(32)).verifier)
    (disk(city) / "city.txt").write_bytes(city_text(other))
    before = tree(disk(city))
    with pytest.raises(LogUnavailable, match="another city's"):
        city.vault.gate.search(token, city.request(PLATE))
    city.vault.duties()
    assert tree(disk(city)) == before
    (disk(city) / "city.txt").unlink()
    mount(city)


@pytest.mark.parametrize("how", HOW)
def test_no_key_is_made_that_the_mirror_lacks(closed_city, how):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    files.how, files.fails = (
        how,
        lambda act, path: act == "write_atomic" and path.is_relative_to(disk(city) / "keys"),
    )
    known = set(tree(city.folder.vault / "keys"))
    city.clock.advance(timedelta(days=1))
    city.vault.duties()
    assert set(tree(city.folder.vault / "keys")) == known
    assert not city.vault.health.status().healthy
    files.heal()
    city.vault.duties()
    assert set(tree(city.folder.vault / "keys")) > known
    assert is_in_step(city)
    assert city.vault.health.status().healthy, city.vault.health.status().problems
    city.close()


def test_a_key_that_only_the_mirror_has_is_red_and_is_kept(closed_city):
    city = closed_city
    key_path(city.folder.vault / "keys", DAY).unlink()
    kept = tree(disk(city) / "keys")
    city.open()
    city.vault.duties()
    assert any(
        "has keys that" in problem and DAY in problem for problem in city.vault.health.status().problems
    )
    assert tree(disk(city) / "keys") == kept
    city.close()


def test_an_earlier_death_reaches_the_mirror(city):
    city.vault.install_charter(
        city.signed(replace(city.charter(), retention_minutes=1440, max_search_days=1))
    )
    city.vault.duties()
    own, there = (
        read_record(key_path(f, DAY), DAY) for f in (city.folder.vault / "keys", disk(city) / "keys")
    )
    assert own == there
    assert is_in_step(city)


class Killed(BaseException):
    """The process ends here, and writes nothing more."""


class KilledFiles(FailingFiles):
    def _step(self, act, path, whole):
        try:
            super()._step(act, path, whole)
        except OSError:
            self.fails = lambda _act, _path: True
            raise Killed from None


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("folder", ["log", "keys"])
def test_killed_between_the_two_writes_the_mirror_catches_up(closed_city, folder, how):
    """An entry, or a day's new key, is durable here, and the process dies before or after the mirror's write."""
    city, files = closed_city, KilledFiles()
    city.open(files=files)
    city.ingest(PLATE)
    if folder == "keys":
        city.clock.advance(timedelta(days=1))
    files.how, files.fails = how, lambda _act, path: path.is_relative_to(disk(city) / folder)
    with pytest.raises(Killed):
        city.sign_in("r.alvarez") if folder == "log" else city.vault.duties()
    city.vault._closing.close()
    city.open()
    city.vault.duties()
    assert is_in_step(city)
    assert city.vault.health.status().healthy, city.vault.health.status().problems
    assert len(search(city).reads) == 1
    check_city(city)
    city.close()


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("how", HOW)
def test_each_write_of_a_death_in_the_mirror_fails_both_ways(closed_city, number, how):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    let_the_first_day_die(city)
    seen = []

    def fails(_act, path):
        seen.extend([path] if path.is_relative_to(disk(city)) else [])
        return path.is_relative_to(disk(city)) and len(seen) == number + 1

    files.fails, files.how = fails, how
    try:
        city.vault.purge.run()
    except StorageFailed:
        assert files.failed == 1
    assert files.failed == 1
    assert is_dead_in(city.folder.vault / "keys")
    files.heal()
    city.clock.advance(timedelta(minutes=11))
    city.vault.duties()
    assert is_dead_in(disk(city) / "keys")
    assert city.vault.health.status().healthy, city.vault.health.status().problems
    check_city(city)
    city.close()


def test_what_a_mirror_is_begun_in(closed_city, tmp_path):
    city, vault = closed_city, closed_city.folder.vault
    inside = vault / "mirror"
    inside.mkdir()
    used = tmp_path / "used"
    (used / "photos").mkdir(parents=True)
    for root, said in (
        (disk(city), "is a mirror already"),
        (tmp_path / "nothing", "is no folder"),
        (inside, "inside the city's own folder"),
        (used, "not empty: photos"),
    ):
        with pytest.raises(UsageError, match=said):
            begin_mirror(root, city.root, vault / "log", vault / "keys", vkey(city), FailingFiles())
    inside.rmdir()


@pytest.mark.parametrize("number", range(6))
def test_a_mirror_that_was_not_begun_to_the_end_is_none(brief_closed_city, tmp_path, number):
    city = brief_closed_city
    (tmp_path / "disk").mkdir()
    vault, files = city.folder.vault, FailingFiles()
    files.fails = lambda act, path: len(files.writes) > number * 2
    with pytest.raises(StorageFailed, match="Empty the folder and begin again"):
        begin_mirror(disk(city), city.root, vault / "log", vault / "keys", vkey(city), files)
    with pytest.raises(StorageFailed, match="is not there"):
        replace(city, settings=replace(city.settings, mirror=str(disk(city)))).open()


def test_show_says_how_the_mirror_is(closed_city):
    city, vault = closed_city, closed_city.folder.vault

    def state():
        return mirror_state(disk(city), vault / "log", vault / "keys", vkey(city), FailingFiles())

    assert (state().bytes_behind, state().keys_behind, state().dead_keys, state().problem) == (0, (), (), "")
    assert state().on_same_disk
    city.settings = replace(city.settings, mirror="")
    city.open()
    city.pass_days(2.5)
    city.close()
    assert state().bytes_behind > 0
    assert state().keys_behind
    assert state().dead_keys == (DAY,)


def test_the_commands_begin_and_show(brief_closed_city, tmp_path, capsys):
    city = brief_closed_city
    directory = ["--dir", str(city.root)]

    def said(*words):
        code = execute([*words, *directory])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    assert "No mirror is set" in said("mirror", "show")[1]
    (tmp_path / "disk").mkdir()
    city.settings = replace(city.settings, mirror=str(tmp_path / "disk"))
    city.folder.settings_file.write_text(city.settings.to_toml())
    code, words = said("mirror", "show")
    assert (code, "is not there" in words) == (StorageFailed.exit_code, True)
    code, words = said("mirror", "begin")
    assert (code, "same disk as the vault" in words) == (0, True)
    assert "is a mirror already" in said("mirror", "begin")[1]
    city.open()
    code, words = said("mirror", "show")
    assert code == 0
    assert words.count("as new as the vault") == 2
    assert "already runs" in said("mirror", "begin")[1], "never beside a vault"
    city.close()
    journal = city.folder.vault / "log" / "journal"
    journal.write_bytes(journal.read_bytes()[:-300])
    code, words = said("mirror", "show")
    assert (code, "set back" in words) == (StorageFailed.exit_code, True)


def test_purge_without_a_vault_reaches_the_mirror(closed_city, tmp_path):
    city = closed_city
    city.folder.settings_file.write_text(city.settings.to_toml())
    command = [sys.executable, "-m", "glassplate.vault_process", "purge", "--dir", str(city.root)]
    unmount(city)
    away = subprocess.run(command, capture_output=True, text=True, check=False)
    assert away.returncode == StorageFailed.exit_code
    assert "is not there" in away.stdout
    mount(city)
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0
