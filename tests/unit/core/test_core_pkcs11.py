"""A whole city whose keys lie in a hardware module (SoftHSM here)."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support import softhsm
from tests.support.city import make_city
from tests.support.invariants import public, refuses

from glassplate.charter import OFFICES
from glassplate.cli.connection import running_vault, start_vault
from glassplate.cli.init import make_city as make_by_command
from glassplate.cli.unlock import unlock_path
from glassplate.client import VaultClient
from glassplate.config import CityFolder, Settings
from glassplate.errors import CharterRejected, KeyStoreAway, KeyUnavailable, StorageFailed
from glassplate.files import LocalFiles
from glassplate.keys import still_owed
from glassplate.keys.destruction import key_path
from glassplate.keys.folder_keyring import REACHABLE_SECONDS
from glassplate.mirror import begin_mirror
from glassplate.verify import verify_city

PLATE = "7KDR214"
DAY = "2026-03-02"
pytestmark = pytest.mark.filterwarnings("ignore:.*OperationContext:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def token(tmp_path_factory):
    softhsm.module()
    return softhsm.SoftToken(softhsm.store(tmp_path_factory))


@pytest.fixture
def city(tmp_path, token):
    """Reads live two days."""
    settings = Settings(keyring="pkcs11", hsm_module=token.place.module, hsm_token=token.label)
    made = make_city(
        tmp_path / "city", settings=settings, secret=softhsm.PIN, retention_minutes=2880, max_search_days=2
    )
    made.vault.duties()
    yield made
    made.close()


def search(city):
    since = city.now() - timedelta(days=1)
    return city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE, since=since)).reads


def is_alive(city):
    return next(r.is_alive for r in city.vault.keyring.records() if r.epoch.epoch_id == DAY)


def test_reads_are_found_until_their_day_dies_and_the_record_holds(city):
    city.ingest(PLATE)
    city.reopen()
    assert len(search(city)) == 1
    assert city.vault.health.status().healthy
    assert "PKCS#11 module, token 'city-" in city.vault.health.status().keyring
    city.pass_days(3)
    assert search(city) == ()
    assert DAY in {entry["epoch"] for entry in public(city, "epoch-destroyed")}
    inventory = public(city, "key-inventory")[-1]
    assert inventory["count"] == str(len(inventory["live"].split(",")))
    city.vault.publish()
    assert not verify_city(city.folder.public, city.fingerprints, city.now()).findings


def test_a_production_charter_needs_keys_in_hardware(city, template_charter_city):
    production = city.charter(mark="production")
    city.vault.install_charter(city.signed(production))
    assert city.vault.mandate.summary().mark == "production"
    with pytest.raises(CharterRejected, match="hardware"):
        template_charter_city.vault.install_charter(
            template_charter_city.signed(template_charter_city.charter(mark="production"))
        )


@pytest.fixture
def template_charter_city(tmp_path):
    made = make_city(tmp_path / "in files")
    yield made
    made.close()


def test_the_whole_folder_of_day_1_with_the_module_of_day_40_gives_no_read(city, tmp_path):
    city.ingest(PLATE)
    city.close()
    shutil.copytree(city.root, tmp_path / "day 1", ignore=shutil.ignore_patterns("*.sock"))
    city.open()
    city.pass_days(39)
    city.close()
    day_40 = city.root.rename(tmp_path / "day 40")
    shutil.copytree(tmp_path / "day 1", city.root)
    city.clock.reboot(-timedelta(days=39))  # on another machine, whose clock the thief sets back, too
    city.open()
    assert search(city) == ()
    assert not city.vault.health.status().healthy
    with pytest.raises(KeyUnavailable):
        city.vault.keyring.secret(DAY)
    city.close()
    shutil.rmtree(city.root)
    day_40.rename(city.root)
    city.clock.reboot(timedelta(days=39))
    city.open()


def test_an_absent_module_stops_capture_and_search_and_turns_everything_red(city, token, tmp_path):
    city.ingest(PLATE)
    batch = city.batch("8ABC123")
    token.copy(tmp_path / "module")
    token.go_away()
    city.clock.advance(timedelta(seconds=REACHABLE_SECONDS))
    assert refuses(lambda: city.vault.intake.accept(batch), KeyStoreAway)
    assert refuses(lambda: search(city), KeyStoreAway)
    city.clock.advance(timedelta(days=2))
    for _ in range(2):
        city.vault.duties()
        assert is_alive(city)
        problems = " ".join(city.vault.health.status().problems)
        assert "tried again" in problems
        assert DAY in problems
    token.restore(tmp_path / "module")
    city.vault.duties()
    assert not is_alive(city)
    assert "tried again" not in " ".join(city.vault.health.status().problems)


def test_without_the_pin_the_vault_does_not_start_and_the_clock_has_closed_the_folder(city):
    city.ingest(PLATE)
    city.close()
    city.clock.advance(timedelta(days=2))
    city.secret = b"31415926"
    with pytest.raises(KeyUnavailable, match="refused the PIN"):
        city.open()
    assert DAY in still_owed(city.root / "vault" / "keys")
    city.secret = softhsm.PIN
    city.open()
    assert still_owed(city.root / "vault" / "keys") == []
    assert not is_alive(city)


def test_a_module_restored_from_a_copy_turns_the_city_red(city, token, tmp_path):
    city.ingest(PLATE)
    token.copy(tmp_path / "module of day 1")
    city.pass_days(3)
    city.close()
    token.restore(tmp_path / "module of day 1")
    city.open()
    assert (
        f"The key of {DAY} came back from a copy and was destroyed again."
        in city.vault.health.status().problems
    )
    assert search(city) == ()


def test_a_city_in_hardware_is_made_and_served_by_commands_and_the_pin_shows_nowhere(tmp_path, token):
    root, pin = tmp_path / "by hand", tmp_path / "pin"
    pin.write_bytes(softhsm.PIN + b"\n")
    offices = dict.fromkeys(OFFICES, "SHA256:" + "A" * 43)
    hsm = {"--hsm-module": token.place.module, "--hsm-token": token.label}
    make_by_command(root, offices, origin=None, administrator="it", unlock=pin, keyring="pkcs11", hsm=hsm)
    assert not (root / "unlock.secret").exists()
    assert 'keyring = "pkcs11"' in (root / "settings.toml").read_text()
    with running_vault(CityFolder(root), pin) as process, VaultClient(CityFolder(root).socket) as client:
        assert "SoftHSM is software" in client.status().keyring
        shown = b"".join(Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline",))
        assert softhsm.PIN not in shown
    for path in root.rglob("*"):
        assert not path.is_file() or softhsm.PIN not in path.read_bytes()
    with pytest.raises(KeyUnavailable, match="PIN of the hardware module"):
        start_vault(CityFolder(root), None)


def test_a_typed_pin_reaches_the_vault_through_a_pipe(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "271828")
    with unlock_path(None, tmp_path / "none", "PIN") as (path, inherited):
        read = subprocess.run(["/bin/cat", path], pass_fds=inherited, capture_output=True, check=True)
    assert read.stdout == b"271828"


def test_a_key_file_that_was_edited_while_the_vault_was_off_keeps_no_key_object_alive(city, token):
    """Its date is a hundred years later now; the label of the key object still bears the old one."""
    city.ingest(PLATE)
    city.close()
    path = city.root / "vault" / "keys" / "epochs" / f"{DAY}.json"
    path.write_bytes(path.read_bytes().replace(b'"destroy_at":"2026', b'"destroy_at":"2126'))
    city.open()
    assert search(city) == ()
    assert not city.vault.health.status().healthy
    assert any(DAY in label for label in token.labels())
    city.clock.advance(timedelta(days=2))
    city.vault.duties()
    assert not any(DAY in label for label in token.labels())


def test_a_mirror_that_is_away_keeps_no_key_in_the_module_alive(city, tmp_path):
    """The vault does not start without its mirror, but what is due dies first, in the module, too."""
    disk, vault = tmp_path / "disk", city.folder.vault
    disk.mkdir()
    city.close()
    vkey = (city.folder.public / "log" / "vkey").read_text().strip()
    begin_mirror(disk, city.root, vault / "log", vault / "keys", vkey, LocalFiles())
    city.settings = replace(city.settings, mirror=str(disk))
    city.open()
    city.ingest(PLATE)
    assert is_alive(city)
    city.close()
    disk.rename(tmp_path / "unplugged")
    city.clock.advance(timedelta(days=3))
    with pytest.raises(StorageFailed, match="is not there"):
        city.open()
    assert not key_path(vault / "keys", DAY).exists(), "removed, so the module's part is done"
    assert key_path(tmp_path / "unplugged" / "keys", DAY).exists()
    (tmp_path / "unplugged").rename(disk)
    city.open()
    city.vault.duties()
    assert not key_path(disk / "keys", DAY).exists()
    assert city.vault.health.status().healthy, city.vault.health.status().problems
