"""The registry is a view of the log: what a crash kept from it is applied, in order, once; nothing is skipped."""

from __future__ import annotations

import sqlite3

import pytest
from tests.support.city import PASSPHRASE
from tests.support.invariants import check_city, check_registry, count_questions, tables, types

from glassplate.errors import KeyUnavailable, StorageFailed
from glassplate.registry import Registry

PLATE = "7KDR214"


class Killed(BaseException):
    pass


def die(*_):
    raise Killed


def crash(city):
    """The process is gone: nothing is published or said, only the lock is free again."""
    city.vault._closing.close()


def test_a_crash_between_append_and_apply(city):
    """Whatever act it hits, the restart applies exactly that entry."""
    officer, administrator = city.sign_in("r.alvarez"), city.sign_in("administrator")
    row = {"plate": PLATE, "category": "stolen_vehicle", "reason": "reported", "expires_at": "2026-12-01"}
    acts = {
        "search": lambda: city.vault.gate.search(officer, city.request(PLATE)),
        "refusal": lambda: city.vault.gate.search(officer, city.request(PLATE, case_number="")),
        "hotlist-imported": lambda: city.vault.alerts.import_hotlist(administrator, [row], "test"),
        "account-changed": lambda: city.vault.accounts.add(
            administrator, "new.one", "New One", ("officer",), city.now()
        ),
        "sign-in": lambda: city.sign_in("m.okafor"),
        "alert": lambda: city.ingest(PLATE),
        "sign-out": lambda: city.vault.sign_in.sign_out(city.vault.gate.who(officer), officer),
    }
    for entry_type, act in acts.items():
        store = count_questions(city)
        city.vault.registry.apply = die
        with pytest.raises(Killed):
            act()
        assert types(city)[-1] == entry_type
        size = city.vault.log.size
        assert city.vault.registry.applied_size == size - 1
        assert store.asked == 0
        crash(city)
        city.open()
        assert city.vault.registry.applied_size == city.vault.log.size > size
        check_registry(city)
    check_city(city)
    assert city.vault.registry.account("new.one")
    assert len(city.vault.registry.hotlist(city.now())) == 1
    assert len(city.vault.registry.alerts()) == 1


def test_an_operation_of_an_unknown_kind_stops_the_start(city):
    """A registry that skipped something would lie."""
    with pytest.raises(StorageFailed, match="does not know"):
        city.vault.recorder.record(
            "account-changed", {}, at=city.now(), operation={"kind": "account_blessed", "account_id": "x"}
        )
    with pytest.raises(StorageFailed, match="does not know"):
        city.sign_in("r.alvarez")
    crash(city)
    for _ in range(2):
        with pytest.raises(StorageFailed, match="account_blessed"):
            city.open()
    # so that the fixture has something to close
    city.vault = type("Closed", (), {"close": lambda _self: None})()


def test_the_applied_size_never_falls_and_never_skips(city):
    seen = [city.vault.registry.applied_size]
    for _ in range(3):
        city.sign_in("r.alvarez")
        seen.append(city.vault.registry.applied_size)
        city.reopen()
        seen.append(city.vault.registry.applied_size)
    assert seen == sorted(set(seen))
    assert seen[-1] == city.vault.log.size
    before = tables(city.vault.registry)
    assert city.vault.recorder.reconcile() == 0
    assert tables(city.vault.registry) == before


def test_losing_the_registry_loses_no_fact(city):
    city.ingest(PLATE)
    token = city.sign_in("r.alvarez")
    city.vault.gate.search(token, city.request(PLATE))
    before = tables(city.vault.registry)
    city.close()
    for path in (city.root / "vault").glob("registry.db*"):
        path.unlink()
    city.open()
    after = tables(city.vault.registry)
    for name, rows in before.items():
        if name not in ("meta", "counter"):
            assert after[name] == rows, name
    assert city.vault.gate.who(token)
    check_city(city)


def test_the_file_is_ciphertext_and_opens_with_its_own_key_only(city):
    path = city.root / "vault" / "registry.db"
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("select * from account")
    with pytest.raises(KeyUnavailable):
        Registry(path, bytes(32))
    assert b"r.alvarez" not in path.read_bytes()
    city.close()
    with pytest.raises(KeyUnavailable):
        city_with_another_passphrase(city)
    city.open()
    assert PASSPHRASE not in path.read_bytes()


def city_with_another_passphrase(city):
    from glassplate.config import Settings
    from glassplate.vault import Vault

    return Vault(city.folder, Settings(), b"another passphrase", clock=city.clock)


def test_an_edited_row_is_found_by_replaying_the_log(city):
    """The honest limit: who holds the registry's key can edit it; the log still says what is true."""
    city.vault.registry._database.execute("update account set roles='officer' where account_id='j.doe'")
    with pytest.raises(AssertionError):
        check_registry(city)


def test_a_registry_of_version_1_is_brought_up_to_date(city):
    """What it held is kept; the columns and indexes are those of a new one."""
    city.vault.alerts.import_hotlist(
        city.sign_in("administrator"),
        [{"plate": PLATE, "category": "stolen_vehicle", "reason": "reported", "expires_at": "2026-12-01"}],
        "test",
    )
    city.ingest(PLATE)
    database = city.vault.registry._database
    made = set(database.execute("select type, name, tbl_name from sqlite_master"))
    columns = database.execute("pragma table_info(alert)").fetchall()
    database.executescript(
        "drop index alert_by_time; alter table alert drop column matched; drop index hotlist_by_plate;"
        "drop index hotlist_by_end; create index hotlist_by_folded on hotlist(folded); pragma user_version=0;"
    )
    crash(city)
    city.open()
    database = city.vault.registry._database
    assert set(database.execute("select type, name, tbl_name from sqlite_master")) == made
    assert database.execute("pragma table_info(alert)").fetchall() == columns
    assert [a.matched for a in city.vault.registry.alerts()] == ["exact"]
    assert city.vault.registry.hot_plates.same([PLATE]) == {(0, PLATE)}
    city.reopen()
    check_city(city)
