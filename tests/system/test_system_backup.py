"""A city is backed up and brought back by commands, beside its witness."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from tests.support.city import PASSPHRASE, make_city
from tests.support.commands import client, vault_process
from tests.support.ports import free_port
from tests.support.witnesses import running

from glassplate.backups import NobodyWrites, Restore, Work, make_backup, restore
from glassplate.charter import CharterWitness
from glassplate.cli.main import execute
from glassplate.cli.witness import read_key
from glassplate.errors import ProofFailed

NAME = re.compile(r"city-\d{8}T\d{6}Z")


def names(place):
    return sorted(path.name for path in place.iterdir())


def brought_back(young, backup, *words):
    """Restored as DIR ``again``, with its unlock secret in place."""
    said = young.must("restore", backup, "--dir", "again", *words)
    (young.place / "again/unlock.secret").write_bytes(PASSPHRASE)
    return said


def test_the_whole_way_by_commands(young):
    disk = young.place / "disk"
    assert young.run("backup", "disk", "--dir", "city").code == 2
    disk.mkdir()
    assert "There is no backup" in young.must("backup", "disk", "--dir", "city", "--list").words
    first = young.must("backup", "disk", "--dir", "city", "--json").json
    assert NAME.fullmatch(names(disk)[0])
    listed = young.must("backup", "disk", "--dir", "city", "--list", "--json").json
    assert [one["sha256"] for one in listed] == [first["sha256"]]
    whole = young.must("restore", first["backup"], "--check")
    assert "The backup is whole" in whole.words
    assert "holds no key of a day" in whole.words

    unsure = young.run("restore", first["backup"], "--dir", "again")
    assert unsure.code == 2
    assert "--newest-checkpoint" in unsure.words
    assert not (young.place / "again").exists()

    mirror = young.place / "mirror"
    for part in ("log", "keys"):
        shutil.copytree(young.place / "city/vault" / part, mirror / part)
    kept = young.place / "city/public/log/checkpoint"
    said = brought_back(young, first["backup"], "--mirror", "mirror", "--newest-checkpoint", kept)
    assert "with log and keys from the mirror" in said.words
    sessions = young.place / "state/glassplate/sessions.json"
    sessions.write_text(sessions.read_text().replace("/city", "/again"))
    case = ["--purpose", "stolen_vehicle", "--offense", "auto_theft", "--case", "26-004512"]
    found = young.must("search", "7KDR214", *case, "--dir", "again", "--json").json
    assert found["reads"]


def test_a_running_vault_is_backed_up_where_its_settings_say_without_a_session(young):
    disk = young.place / "disk"
    disk.mkdir()
    settings = young.place / "city/settings.toml"
    with vault_process(young.place / "city"):
        refused = young.run("backup", "disk", "--dir", "city")
        assert refused.code == 2
        line = re.search(r'backup_folder = "[^"]+"', refused.words)[0]
        settings.write_text(settings.read_text().replace('backup_folder = ""', line))
        for _ in range(3):
            made = young.must("backup", "--dir", "city", "--keep", "2", "--yes", "--json").json
            time.sleep(1.1)  # a name for each second
        assert len(made["removed"]) == 1
        assert len(names(disk)) == 2
        assert young.run("backup", "--dir", "city", "--keep", "1").code == 2, "nobody can be asked"
        with client(young.place / "city") as vault:
            assert vault.status().log_size > made["log_size"]


def test_a_backup_that_is_killed_is_no_backup(young):
    disk = young.place / "disk"
    disk.mkdir()
    (young.place / "city/public/large").write_bytes(os.urandom(200_000_000))
    command = [sys.executable, "-m", "glassplate.vault_process", "backup", "--dir", str(young.place / "city")]
    process = subprocess.Popen([*command, "--destination", str(disk)], stdout=subprocess.PIPE)
    while not list(disk.glob("*.partial/public/*")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [name.endswith(".partial") for name in names(disk)] == [True]
    assert "There is no backup" in young.must("backup", "disk", "--dir", "city", "--list").words
    young.must("backup", "disk", "--dir", "city")
    assert [name.endswith(".partial") for name in names(disk)] == [False]


@pytest.fixture
def world(tmp_path):
    """A city whose charter names one witness, in a process of its own."""
    city = make_city(tmp_path / "city")
    vkey = (city.folder.public / "log/vkey").read_text().strip()
    folder, port = tmp_path / "witness", free_port()
    folder.mkdir()
    assert execute(["witness", "keygen", "witness.example.org", "--out", str(folder / "witness.key")]) == 0
    with ExitStack() as stack:
        process = stack.enter_context(running(folder, vkey, port))
        key = str(read_key(folder / "witness.key").verifier)
        witness = CharterWitness(key, f"http://127.0.0.1:{port}")
        city.vault.install_charter(city.signed(city.charter(witnesses=(witness,), witness_quorum=1)))
        city.vault.publish()
        yield city, process
        city.close()


def lost(city, tmp_path, *, mirror):
    """What ``restore`` brings back, not open yet, of a city that worked on after its backup."""
    (tmp_path / "disk").mkdir()
    city.close()
    made = make_backup(city.folder, tmp_path / "disk", city.clock.wall(), NobodyWrites(), Work())
    city.open()
    city.ingest("7KDR214")
    city.vault.gate.search(city.sign_in("m.okafor"), city.request())
    city.close()
    if mirror:
        for part in ("log", "keys"):
            shutil.copytree(city.folder.vault / part, tmp_path / "mirror" / part)
    shutil.rmtree(city.root / "vault")
    city.close = lambda: None
    source = tmp_path / "mirror" if mirror else None
    restore(Restore(made.folder, tmp_path / "again", source, None, False, city.clock.wall()), Work())
    return replace(city, root=tmp_path / "again")


def test_a_backup_that_is_behind_the_witness_signs_nothing(world, tmp_path):
    city, _ = world
    back = lost(city, tmp_path, mirror=False)
    before = (back.folder.public / "log/checkpoint").read_bytes()
    with pytest.raises(ProofFailed, match="set back"):
        back.open()
    assert (back.folder.public / "log/checkpoint").read_bytes() == before
    assert (back.folder.vault / "restored.json").exists(), "the next start asks again"


def test_with_the_mirror_the_witness_cosigns_what_comes_next(world, tmp_path):
    city, _ = world
    back = lost(city, tmp_path, mirror=True)
    back.open()
    try:
        size = back.vault.log.published_size
        back.vault.publish()
        assert back.vault.log.published_size > size
        assert back.vault.log.is_cosigned
    finally:
        back.close()


def test_a_witness_that_is_away_holds_up_the_first_start(world, tmp_path):
    city, process = world
    back = lost(city, tmp_path, mirror=True)
    process.kill()
    process.wait()
    with pytest.raises(ProofFailed, match="After a restore 1 witnesses must be asked"):
        back.open()
