"""The clock: set back, it stops search and capture but no purge; set forward, it only hides what it calls overdue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.invariants import check_city, public, refuses, types

from glassplate.errors import ClockRefused

PLATE = "7KDR214"
DAY = "2026-03-02"


@pytest.mark.parametrize("step", [timedelta(seconds=3), timedelta(hours=1), timedelta(days=30)])
def test_a_step_back_stops_search_and_capture(city, step):
    city.ingest(PLATE)
    token, batch, size = city.sign_in("r.alvarez"), city.batch("8ABC123"), city.vault.log.size
    request = city.request(PLATE)
    city.clock.step_wall(-step)
    acts = {
        "search": lambda: city.vault.gate.search(token, request),
        "capture": lambda: city.vault.intake.accept(batch),
        "keys for lanes": city.vault.bundle,
        "sign-in": lambda: city.sign_in("m.okafor"),
        "image": lambda: city.vault.gate.open_image(token, "0" * 32, 0, "crop"),
        "alerts": lambda: city.vault.alerts.waiting(token),
        "accounts": lambda: city.vault.accounts.all(token),
    }
    for name, act in acts.items():
        assert refuses(act, ClockRefused), name
    assert city.vault.log.size == size
    assert not city.vault.health.status().healthy
    city.vault.duties()
    city.clock.step_wall(step)
    assert len(city.vault.gate.search(token, request).reads) == 1
    check_city(city)


def test_purge_goes_on_while_the_clock_is_set_back(city):
    city.ingest(PLATE)
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    city.vault.advance_demo_clock(dies - timedelta(minutes=2))
    city.clock.step_wall(-timedelta(days=10))
    city.vault.duties()
    assert city.vault.keyring.records()[0].is_alive
    city.clock.advance(timedelta(minutes=2))
    city.vault.duties()
    assert not city.vault.keyring.records()[0].is_alive
    assert public(city, "epoch-destroyed")[0]["epoch"] == DAY
    assert public(city, "epoch-destroyed")[0]["done"] == dies.isoformat()
    city.clock.step_wall(timedelta(days=10))
    check_city(city)


def test_a_start_with_a_clock_before_the_record(closed_city):
    """Restarting does not make it younger: the record knows better. Purge and closing go on, search does not."""
    city = closed_city
    city.open()
    city.ingest(PLATE)
    token = city.sign_in("r.alvarez")
    city.vault.recorder.record(
        "search",
        {"plate": PLATE, "account_id": "r.alvarez"},
        at=city.now(),
        operation={
            "kind": "search_recorded",
            "account_id": "r.alvarez",
            "recorded_at": city.now().isoformat(),
            "purpose": "stolen_vehicle",
        },
    )
    city.close()
    city.clock.step_wall(-timedelta(days=1))
    city.open()
    with pytest.raises(ClockRefused):
        city.vault.gate.search(token, city.request(PLATE))
    assert city.vault.registry.open_searches() == [], "closed as interrupted, whatever the clock says"
    assert types(city)[-2:] == ["search-outcome", "vault-started"]
    city.clock.step_wall(timedelta(days=1))
    assert len(city.vault.gate.search(token, city.request(PLATE)).reads) == 1
    check_city(city)
    city.close()


def test_a_jump_forward_hides_what_it_calls_overdue_but_destroys_nothing(city):
    city.ingest(PLATE)
    token, request = city.sign_in("r.alvarez"), city.request(PLATE)
    assert len(city.vault.gate.search(token, request).reads) == 1
    city.clock.step_wall(timedelta(days=31))
    city.vault.duties()
    assert city.vault.keyring.records()[0].is_alive
    assert city.vault.gate.search(token, request).reads == (), "out of reach at once"
    city.clock.step_wall(-timedelta(days=31))
    assert len(city.vault.gate.search(token, request).reads) == 1, "nothing was lost"
    check_city(city)


def test_a_jump_that_is_confirmed_destroys(city):
    city.ingest(PLATE)
    city.clock.step_wall(timedelta(days=31))
    assert city.vault.purge.run() == []
    city.vault.time.confirm()
    assert DAY in city.vault.purge.run()


def test_times_in_the_record_never_fall(city):
    city.ingest(PLATE)
    for step in (timedelta(hours=2), -timedelta(hours=1), timedelta(minutes=30), -timedelta(minutes=10)):
        city.clock.step_wall(step)
        city.vault.duties()
        city.clock.advance(timedelta(minutes=20))
        city.vault.duties()
    times = [city.vault.recorder.open_body(index).fields["at"] for index in range(city.vault.log.size)]
    assert times == sorted(times)
