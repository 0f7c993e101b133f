"""Accounts end, lists end, and nobody is turned into a colleague."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.support.city import ADMINISTRATOR, START, make_city

from glassplate.errors import NotSignedIn, Refused, UsageError
from glassplate.verify import verify_city

if TYPE_CHECKING:
    from glassplate.records import HotlistEntry

PLATE = "9JEM274"


@pytest.fixture
def city(tmp_path):
    made = make_city(tmp_path / "city")
    yield made
    made.close()


def arm(city, *plates: str, days: int = 3) -> list[HotlistEntry]:
    ends = (city.now() + timedelta(days=days)).isoformat()
    rows = [
        {"plate": p, "category": "stolen_vehicle", "reason": "Report", "expires_at": ends} for p in plates
    ]
    administrator = city.sign_in(ADMINISTRATOR)
    assert city.vault.alerts.import_hotlist(administrator, rows, "State file, invented").armed == len(plates)
    return list(city.vault.alerts.hotlist(administrator).entries)


def last_body(city):
    return city.vault.recorder.open_body(city.vault.log.size - 1)


def test_an_administrator_cannot_be_invited_into_a_colleagues_account(city):
    administrator = city.sign_in(ADMINISTRATOR)
    with pytest.raises(Refused) as refused:
        city.vault.accounts.add(administrator, "r.alvarez", "Sgt. R. Alvarez", ("officer",), START)
    assert refused.value.rules == ("account-exists",)
    assert city.vault.registry.account("r.alvarez").passkeys == 1


def test_an_administrator_cannot_take_a_role(city):
    administrator = city.sign_in(ADMINISTRATOR)
    with pytest.raises(Refused):
        city.vault.accounts.add(administrator, ADMINISTRATOR, "City IT", ("administrator", "officer"), START)
    assert city.vault.registry.account(ADMINISTRATOR).roles == ("administrator",)


def test_a_closed_account_loses_its_sessions_and_its_passkey_opens_nothing(city):
    officer = city.sign_in("r.alvarez")
    city.vault.accounts.close(city.sign_in(ADMINISTRATOR), "r.alvarez", "Left the department")
    with pytest.raises(NotSignedIn):
        city.vault.gate.search(officer, city.request())
    with pytest.raises(NotSignedIn):
        city.sign_in("r.alvarez")


@pytest.mark.parametrize("act", ["close", "renew_training"])
def test_nobody_decides_about_the_own_account(city, act):
    administrator = city.sign_in(ADMINISTRATOR)
    detail = "tired" if act == "close" else START + timedelta(days=999)
    with pytest.raises(Refused) as refused:
        getattr(city.vault.accounts, act)(administrator, ADMINISTRATOR, detail)
    assert refused.value.rules == ("not-yourself",)


def test_an_officer_closes_nobody(city):
    with pytest.raises(Refused):
        city.vault.accounts.close(city.sign_in("r.alvarez"), "m.okafor", "rival")
    assert city.vault.registry.account("m.okafor").active


def test_training_that_lapsed_can_be_renewed(city):
    city.pass_days(364.9)
    city.clock.advance(timedelta(hours=6))
    until = START + timedelta(days=500)
    features = tuple(replace(feature, expires_at=until) for feature in city.charter().features)
    charter = city.charter(expires_at=until, features=features, not_before=city.now().replace(microsecond=0))
    city.vault.install_charter(city.signed(charter))
    with pytest.raises(Refused) as refused:
        city.vault.gate.search(city.sign_in("r.alvarez"), city.request())
    assert "training-current" in refused.value.rules
    city.vault.accounts.renew_training(
        city.sign_in(ADMINISTRATOR), "r.alvarez", city.now() + timedelta(days=90)
    )
    assert city.vault.gate.search(city.sign_in("r.alvarez"), city.request()).reads == ()


def test_a_withdrawn_entry_raises_no_alert(city):
    (entry,) = arm(city, PLATE)
    city.vault.alerts.withdraw(city.sign_in(ADMINISTRATOR), entry.entry_id, "Vehicle was found")
    city.ingest(PLATE)
    assert city.vault.registry.alerts() == []
    with pytest.raises(UsageError):
        city.vault.alerts.withdraw(city.sign_in(ADMINISTRATOR), entry.entry_id, "again")


def test_an_ended_entry_is_forgotten_the_same_night(city):
    (entry,) = arm(city, PLATE)
    city.pass_days(4)
    assert city.vault.registry.hotlist_entry(entry.entry_id) is None


def test_the_record_of_an_alert_keeps_no_place(city):
    arm(city, PLATE)
    city.ingest(PLATE)
    body = last_body(city)
    assert body.public["type"] == "alert"
    assert "court-16th" not in str(body.fields)
    (alert,) = city.vault.alerts.waiting(city.sign_in("r.alvarez"))
    assert alert.camera_name == "Court Street at 16th Street"


def test_a_key_that_died_before_its_day_is_a_finding(city):
    first = city.vault.keyring.records()[0].epoch.epoch_id
    city.vault.keyring.destroy(first, city.now())
    city.vault.duties()
    city.vault.publish()
    result = verify_city(city.folder.public, city.fingerprints, city.now())
    assert any("before its day" in str(finding) for finding in result.findings)


def test_a_search_says_which_day_has_no_key_any_more(city):
    city.ingest(PLATE)
    day = city.vault.keyring.records()[0].epoch.epoch_id
    city.close()
    next((city.root / "vault" / "keys").rglob(f"*{day}*")).unlink()
    city.open()
    result = city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE))
    assert (day, "Its key is missing.") in result.unserved
