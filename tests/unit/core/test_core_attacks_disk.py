"""A rogue administrator who can write every file of the city, but does not know the unlock secret."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import PASSPHRASE
from tests.support.invariants import types

from glassplate.accounts import account_operation
from glassplate.charter import (
    OFFICES,
    OfficePrivateKey,
    PolicyHashes,
    build_stop,
    draft,
    shipped_policy,
    sign,
)
from glassplate.config import Settings
from glassplate.encoding import canonical_json
from glassplate.errors import CharterRejected, InputRefused, ProofFailed, Refused
from glassplate.vault import Vault

DAY = "2026-03-02"


def problems(city):
    return " ".join(city.vault.health.status().problems)


def stop_it(city):
    verified = city.vault.mandate.last().verified
    return city.vault.stop(build_stop(city.offices["chief"], "misuse found", city.now(), verified=verified))


def edit_key_folder(city, edit):
    city.close()
    edit(city.folder.vault / "keys")
    city.open()


# --- who the offices are ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["json", "his own note", "nothing"])
def test_offices_of_his_own_are_not_trusted(city, content):
    charter = city.vault.mandate.last().verified.charter
    city.close()
    city.offices = {office: OfficePrivateKey.generate() for office in OFFICES}
    trust = city.folder.vault / "charter" / "trust.note"
    honest = trust.read_bytes()
    pinned = canonical_json({o: k.public.fingerprint for o, k in city.offices.items()})
    signature = honest.partition(b"\n\n")[2]
    forged = {"json": pinned, "his own note": b"glassplate-trust/v1\n" + pinned + b"\n\n" + signature}
    if content in forged:
        trust.write_bytes(forged[content])
    else:
        trust.unlink()
    for name, text in city.signed(charter).items():
        (city.folder.vault / "charter" / str(charter.version) / name).write_text(text)
    with pytest.raises(CharterRejected) as refusal:
        city.open()
    assert refusal.value.rules == ("charter-trust",)
    trust.write_bytes(honest)  # his documents remain: they are not signed by the offices that are trusted
    with pytest.raises(CharterRejected):
        city.open()
    with pytest.raises(CharterRejected):
        Vault(city.folder, Settings(), PASSPHRASE, clock=city.clock)
    shutil.rmtree(city.folder.vault / "charter" / str(charter.version))
    city.open()  # no charter at all: nothing is answered, and the fixture can close it


def test_an_administrator_of_his_own_making_is_nobody(city):
    operation = account_operation(
        "mallory", "Mallory", ("officer",), city.now() + timedelta(days=365), "an invitation", city.now()
    )
    for name in ("first-administrator.json", "first-administrator.note"):
        (city.folder.vault / name).write_bytes(canonical_json(operation))
    city.vault.install_charter(city.signed(city.charter()))
    assert city.vault.registry.account("mallory") is None
    with pytest.raises(InputRefused):
        city.enroll("mallory", "an invitation")
    assert not (city.folder.vault / "first-administrator.note").exists()


# --- what the record remembers of the charter ------------------------------------------------------------------------


def test_a_charter_version_that_was_taken_away_stops_the_city(city):
    old = city.vault.mandate.documents_of(1)
    city.vault.install_charter(city.signed(city.charter(searches_per_hour=1)))
    city.close()
    shutil.rmtree(city.folder.vault / "charter" / "2")
    city.open()
    assert "charter version 2" in problems(city)
    with pytest.raises(Refused) as refusal:
        city.vault.gate.search(city.sign_in("m.okafor"), city.request())
    assert "stop-in-force" in refusal.value.rules
    with pytest.raises(CharterRejected):
        city.ingest("7KDR214")
    city.close()
    shutil.rmtree(city.folder.vault / "charter" / "1")  # none left: the old one may not be installed anew
    city.open()
    with pytest.raises(CharterRejected) as rejected:
        city.vault.install_charter(old)
    assert rejected.value.rules == ("charter-rollback",)


def test_a_later_version_ends_the_halt(city):
    later = city.signed(replace(city.charter(), version=3))
    city.vault.install_charter(city.signed(city.charter()))
    city.close()
    shutil.rmtree(city.folder.vault / "charter" / "2")
    city.open()
    city.vault.install_charter(later)
    city.ingest("7KDR214")
    assert len(city.vault.gate.search(city.sign_in("m.okafor"), city.request()).reads) == 1
    assert city.vault.health.status().healthy


def test_a_stop_that_was_taken_away_still_stops(city):
    stop_it(city)
    city.close()
    (city.folder.vault / "charter" / "stop.json").unlink()
    city.open()
    assert "its stop is gone" in problems(city)
    with pytest.raises(Refused) as refusal:
        city.vault.gate.search(city.sign_in("m.okafor"), city.request())
    assert refusal.value.rules == ("stop-in-force",)


def test_a_stop_whose_entry_a_crash_kept_is_logged_at_the_next_start(city):
    verified = city.vault.mandate.last().verified
    city.vault.mandate.stop(build_stop(city.offices["clerk"], "crash", city.now(), verified=verified))
    assert "emergency-stop" not in types(city)
    city.reopen()
    city.reopen()
    assert types(city).count("emergency-stop") == 1


def test_one_office_cannot_stop_versions_to_come(city):
    verified = city.vault.mandate.last().verified
    later = replace(verified, charter=replace(verified.charter, version=999_999))
    text = build_stop(city.offices["chief"], "for ever", city.now(), verified=later)
    with pytest.raises(CharterRejected):
        city.vault.stop(text)
    assert not city.vault.mandate.is_stopped()


def test_a_stop_of_an_earlier_version_does_not_keep_the_vault_from_starting(city):
    stop_it(city)
    new_chief = OfficePrivateKey.generate()
    city.vault.install_charter(city.signed(city.charter()))
    path = city.folder.vault / "charter" / "stop.json"
    forged = json.loads(path.read_text())
    forged["signature"]["keyid"] = new_chief.public.tuf_key.keyid  # as after a change of the office's key
    path.write_text(canonical_json(forged).decode())
    city.reopen()
    assert not city.vault.mandate.is_stopped()


# --- what offices are made to sign -----------------------------------------------------------------------------------


def test_rules_without_a_prohibition_are_not_installed(city):
    shipped = shipped_policy()
    start = shipped.base.index('@id("case-given")')
    weak = replace(shipped, base=shipped.base[:start] + shipped.base[shipped.base.index("@id(", start + 1) :])
    hashes = PolicyHashes(weak.base_sha256, weak.overlay_sha256, weak.schema_sha256)
    keys = {office: (key.public,) for office, key in city.offices.items()}
    documents = draft(city.charter(policy=hashes), keys, weak)
    for key in city.offices.values():
        documents = sign(documents, key)
    with pytest.raises(CharterRejected) as rejected:
        city.vault.install_charter(documents)
    assert rejected.value.rules == ("charter-policy",)


def test_keys_in_files_are_refused_under_a_production_charter(city):
    with pytest.raises(CharterRejected) as rejected:
        city.vault.install_charter(city.signed(city.charter(mark="production")))
    assert rejected.value.rules == ("charter-keyring",)


def test_a_clock_that_stands_still_is_for_demos_only(city):
    city.vault.only_for_demo()
    with pytest.raises(CharterRejected) as rejected:
        city.vault.install_charter(city.signed(city.charter(mark="trial")))
    assert rejected.value.rules == ("demo-only",)
    city.vault.is_for_demo = False
    city.vault.install_charter(city.signed(city.charter(mark="trial")))
    with pytest.raises(CharterRejected):
        city.vault.only_for_demo()


# --- keys and log from a copy ----------------------------------------------------------------------------------------


@pytest.fixture
def short_lived(city):
    """Reads live two days here."""
    city.vault.install_charter(city.signed(city.charter(retention_minutes=2 * 1440)))
    city.pass_days(1)  # the first epochs still have the long life they were made with
    city.pass_days(2)
    return city


def restored(city, *, with_tombstones):
    """The key folder as it was, brought back after its keys died."""
    keys, copy = city.folder.vault / "keys", city.root.parent / "copy-of-keys"
    city.close()
    shutil.copytree(keys, copy)
    city.open()
    victim = next(
        r.epoch.epoch_id
        for r in city.vault.keyring.records()
        if r.is_alive and r.epoch.destroy_at < city.now() + timedelta(days=3)
    )
    city.pass_days(4)
    city.close()
    if with_tombstones:
        shutil.copy(copy / "epochs" / f"{victim}.json", keys / "epochs")
    else:
        shutil.rmtree(keys)
        shutil.copytree(copy, keys)
    city.open()
    return victim


@pytest.mark.parametrize("with_tombstones", [True, False])
def test_a_key_from_a_copy_is_destroyed_again_and_alarmed(short_lived, with_tombstones):
    victim = restored(short_lived, with_tombstones=with_tombstones)
    assert f"The key of {victim} came back" in problems(short_lived)
    assert not (short_lived.folder.vault / "keys" / "epochs" / f"{victim}.json").exists()


def test_a_key_that_was_taken_away_is_an_alarm_and_is_not_made_anew(city):
    path = city.folder.vault / "keys" / "epochs" / f"{DAY}.json"
    edit_key_folder(city, lambda _keys: path.unlink())
    city.vault.duties()
    assert f"The key of {DAY} is missing" in problems(city)
    assert not path.exists()


def test_a_forged_tombstone_is_an_alarm(city):
    def forge(keys):
        plain = json.loads((keys / "epochs" / f"{DAY}.json").read_text())
        names = ("v", "epoch_id", "starts_at", "ends_at", "destroy_at", "key_id")
        forged = {name: plain[name] for name in names}
        forged |= {"kind": "tombstone", "destroyed_at": plain["starts_at"]}
        (keys / "tombstones" / f"{DAY}.json").write_bytes(canonical_json(forged))

    edit_key_folder(city, forge)
    assert f"The key of {DAY} died before its time" in problems(city)


def test_a_log_from_a_copy_is_refused_while_the_registry_knows_more(city):
    city.ingest("7KDR214")
    city.close()
    folders = [(city.folder.vault / "log", city.root.parent / "old-log")]
    folders.append((city.folder.public, city.root.parent / "old-public"))
    for folder, copy in folders:
        shutil.copytree(folder, copy)
    city.open()
    city.vault.gate.search(city.sign_in("m.okafor"), city.request())
    city.close()
    newest = city.root.parent / "newest"
    for folder, copy in folders:
        shutil.copytree(folder, newest / folder.name)
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)
    with pytest.raises(ProofFailed, match="set back"):
        city.open()
    for folder, _ in folders:
        shutil.rmtree(folder)
        shutil.copytree(newest / folder.name, folder)
    city.open()


def test_an_alert_forgets_the_place_when_its_read_dies(short_lived):
    city = short_lived
    token = city.sign_in("r.alvarez")
    entry = {
        "plate": "7KDR214",
        "category": city.vault.mandate.last().verified.charter.hotlist_categories[0],
        "reason": "an invented report",
        "expires_at": (city.now() + timedelta(days=30)).isoformat(),
    }
    city.vault.alerts.import_hotlist(token, [entry], "an invented order")
    city.ingest("7KDR214")
    assert [alert.camera_name for alert in city.vault.alerts.waiting(token)] == [
        "Court Street at 16th Street"
    ]
    city.pass_days(4)
    alerts = city.vault.alerts.waiting(city.sign_in("r.alvarez"))
    assert [alert.camera_name for alert in alerts] == ["no longer kept"]
