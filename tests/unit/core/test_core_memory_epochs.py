"""Charters that keep reads for minutes: keys and reads in memory only, and a restart that says what it lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.city import make_city
from tests.support.invariants import public

from glassplate.errors import CharterRejected, InputRefused, KeyUnavailable
from glassplate.keys import SecretBytes
from glassplate.verify import verify_city

PLATE = "7KDR214"


@pytest.fixture
def city(tmp_path):
    """Reads live three minutes, under keys of one minute."""
    made = make_city(
        tmp_path / "city", retention_minutes=3, epoch_minutes=1, max_search_days=1, searches_per_hour=900
    )
    made.vault.duties()
    yield made
    made.close()


def search(city):
    since = city.now() - timedelta(minutes=3)
    return city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE, since=since)).reads


def living(city):
    return [record for record in city.vault.keyring.records() if record.is_alive]


def test_the_store_is_told_before_the_first_read(tmp_path, monkeypatch):
    told = []

    def note(self, epoch_id, *, in_memory=False):
        told.append((epoch_id, in_memory))

    monkeypatch.setattr("glassplate.store.SqlcipherStore.create_epoch", note)
    brief = make_city(tmp_path / "brief", retention_minutes=15, epoch_minutes=1, max_search_days=1)
    assert told
    assert all(in_memory for _, in_memory in told)
    brief.close()
    told.clear()
    longer = make_city(tmp_path / "longer", retention_minutes=16, epoch_minutes=1, max_search_days=1)
    assert told
    assert not any(in_memory for _, in_memory in told)
    assert all("kept" not in entry for entry in public(longer, "epoch-created"))
    longer.close()


def test_no_secret_lies_in_any_file_and_the_record_and_the_status_say_so(city):
    city.ingest(PLATE, captured_at=city.now())
    city.clock.advance(timedelta(seconds=1))
    assert len(search(city)) == 1
    for path in (city.root / "vault" / "keys" / "epochs").iterdir():
        assert b'"memory-epoch"' in path.read_bytes()
        assert b"wrapped" not in path.read_bytes()
    assert {entry["kept"] for entry in public(city, "epoch-created")} == {"memory"}
    status = city.vault.health.status()
    assert status.epochs_in_memory == len(living(city)) == 2
    assert all(epoch.in_memory for epoch in city.vault.oversight.epochs(city.sign_in("clerk")))


def test_reads_die_after_three_minutes(city):
    city.ingest(PLATE, captured_at=city.now())
    for _ in range(5):
        city.clock.advance(timedelta(minutes=1))
        city.vault.duties()
    assert search(city) == ()
    assert {entry["cause"] for entry in public(city, "epoch-destroyed")} == {"due"}
    city.vault.publish()
    result = verify_city(city.folder.public, city.fingerprints, city.now())
    assert result.holds, result.findings


def test_a_restart_loses_them_and_says_so(city):
    city.ingest(PLATE, captured_at=city.now())
    lost = {record.epoch.epoch_id for record in living(city)}
    city.clock.advance(timedelta(seconds=10))
    city.reopen()
    assert city.vault.keyring.lost() == []
    assert search(city) == ()
    ended = {entry["epoch"]: entry["cause"] for entry in public(city, "epoch-destroyed")}
    assert ended == dict.fromkeys(lost, "restart")
    assert city.vault.health.status().healthy
    for _ in range(2):
        city.clock.advance(timedelta(minutes=1))
        city.vault.duties()
    assert city.ingest(PLATE, captured_at=city.now()).accepted, "the next epochs have new keys"
    city.clock.advance(timedelta(seconds=1))
    assert len(search(city)) == 1
    city.vault.publish()
    result = verify_city(city.folder.public, city.fingerprints, city.now())
    assert result.holds, result.findings


def test_memory_that_cannot_be_locked_holds_no_key(city, monkeypatch):
    monkeypatch.setattr(
        SecretBytes, "is_locked", property(lambda self: False, lambda self, value: None), raising=False
    )
    city.clock.advance(timedelta(minutes=2))
    with pytest.raises(KeyUnavailable, match="ulimit"):
        city.vault.epochs.make_ahead(city.now())


@pytest.mark.parametrize(
    "changes",
    [
        {"retention_minutes": 2, "epoch_minutes": 1},
        {"retention_minutes": 3 * 366 * 1440 + 1},
        {"retention_minutes": 60, "epoch_minutes": 15, "retention_floor_minutes": 46},
        {"retention_minutes": 10, "epoch_minutes": 15},
    ],
)
def test_a_retention_that_cannot_be_kept_is_not_installed(city, changes):
    with pytest.raises((CharterRejected, InputRefused)):
        city.vault.install_charter(city.signed(city.charter(**changes)))


def test_keys_for_days_ahead_never_outlive_the_retention_or_begin_after_the_charter(tmp_path):
    """Three years kept, and a charter that ends tomorrow: two keys, each for its three years and not a day more."""
    city = make_city(tmp_path / "city", retention_minutes=3 * 366 * 1440)
    charter = city.vault.mandate.last().verified.charter
    city.clock.advance(charter.expires_at - city.now() - timedelta(days=1, hours=1))
    city.vault.duties()
    for record in living(city):
        assert record.epoch.starts_at < charter.expires_at
        assert record.epoch.destroy_at - record.epoch.starts_at == timedelta(minutes=3 * 366 * 1440)
    newest = max(record.epoch.starts_at for record in living(city))
    assert newest < charter.expires_at <= newest + timedelta(days=1)
    listed = city.vault.bundle()
    assert f'"epoch_id":"{charter.expires_at + timedelta(days=1):%Y-%m-%d}"' not in listed
    city.close()
