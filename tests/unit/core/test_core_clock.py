"""The clock: set back, it stops search and capture but no purge; set forward, it only hides what it calls overdue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.city import ADMINISTRATOR
from tests.support.failing_files import FailingFiles, journal
from tests.support.invariants import check_city, public, refuses, types
from tests.support.time_confirmation import approved, confirm

from glassplate.errors import ClockRefused, LogUnavailable, PurgeLate

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
    city.vault.time.confirm(city.clock.wall())
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


# --- over restarts, and confirmed ---------------------------------------------------------------------------------


def restart_after(city, act):
    city.close()
    act()
    city.open()


def is_alive(city):
    return city.vault.keyring.records()[0].is_alive


def test_an_honest_stop_of_forty_days_ends_with_a_purge_before_anything_opens(city):
    """The machine stayed up, so its boot clock says how long it was."""
    city.ingest(PLATE)
    restart_after(city, lambda: city.clock.advance(timedelta(days=40)))
    assert not is_alive(city)
    assert public(city, "epoch-destroyed")[0]["epoch"] == DAY


def test_a_clock_set_forward_while_the_vault_is_off_destroys_nothing(city):
    city.ingest(PLATE)
    restart_after(city, lambda: city.clock.step_wall(timedelta(days=730)))
    city.vault.duties()
    assert is_alive(city)
    assert any("ahead of what is certain" in problem for problem in city.vault.health.status().problems)
    restart_after(city, lambda: city.clock.step_wall(-timedelta(days=730)))
    assert is_alive(city)
    assert city.vault.health.status().healthy
    check_city(city)


def test_after_a_power_cut_the_city_works_hides_what_is_overdue_and_waits_with_destroying(city):
    city.ingest(PLATE)
    restart_after(city, lambda: city.clock.reboot(timedelta(days=40)))
    city.vault.duties()
    assert is_alive(city)
    assert not city.vault.health.status().healthy
    assert city.ingest("8ABC123").accepted
    token = city.sign_in("r.alvarez")
    everything = city.request("8A*", since=city.now() - timedelta(days=30))
    assert [found.read.text for found in city.vault.gate.search(token, everything).reads] == ["8ABC123"]
    for _ in range(2):
        restart_after(city, lambda: city.clock.reboot(timedelta(minutes=5)))
        assert is_alive(city), "what was logged by an unconfirmed time is no more certain for it"
    times = [city.vault.recorder.open_body(index).fields["at"] for index in range(city.vault.log.size)]
    assert times == sorted(times)
    confirm(city, timedelta(minutes=1))
    assert not is_alive(city)
    assert city.vault.health.status().healthy
    confirmed = public(city, "time-confirmed")[0]
    assert (confirmed["by"], int(confirmed["minutes_ahead"]) > 39 * 1440) == ("two-persons", True)


def test_a_second_source_confirms_by_itself_and_a_wrong_one_never(city):
    city.ingest(PLATE)
    asked = []
    answers = {"says": lambda: city.clock.wall() - timedelta(days=40)}

    def source():
        asked.append(1)
        return answers["says"]()

    city.vault.timekeeping.second_source = source
    city.vault.duties()
    assert asked == [], "nobody is asked without a jump"
    city.clock.step_wall(timedelta(days=40))
    for _ in range(3):
        city.vault.duties()
    assert len(asked) == 1, "and then once a minute"
    assert is_alive(city)
    assert any("second source says" in problem for problem in city.vault.health.status().problems)
    answers["says"] = city.clock.wall
    city.clock.advance(timedelta(minutes=2))
    city.vault.duties()
    city.vault.duties()
    assert not is_alive(city)
    assert public(city, "time-confirmed")[0]["by"] == "source"
    assert city.vault.health.status().healthy


def test_a_confirmation_that_cannot_be_recorded_confirms_nothing(closed_city):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    city.clock.step_wall(timedelta(days=40))
    request_id = approved(city)
    token = city.sign_in(ADMINISTRATOR)
    files.fails = journal
    with pytest.raises(LogUnavailable):
        city.vault.confirm_time(token, request_id)
    assert city.vault.time.unconfirmed()
    assert is_alive(city)
    files.heal()
    city.vault.confirm_time(token, request_id)
    assert not is_alive(city)
    city.close()


def test_a_mark_that_was_taken_away_or_forged_makes_nothing_die_early(city):
    city.ingest(PLATE)
    mark = city.root / "vault" / "clock.json"
    restart_after(city, mark.unlink)
    assert is_alive(city)
    restart_after(city, lambda: mark.write_bytes(b"{}"))
    assert is_alive(city)
    assert city.vault.health.status().healthy
    restart_after(city, lambda: (mark.unlink(), city.clock.reboot(timedelta(days=40))))
    assert is_alive(city)
    assert not city.vault.health.status().healthy


def test_a_sleep_of_days_is_followed_by_a_purge_at_once(city):
    city.ingest(PLATE)
    city.clock.sleep(timedelta(days=40))
    assert city.vault.has_woken()
    token = city.sign_in("r.alvarez")
    assert refuses(lambda: city.vault.gate.search(token, city.request(PLATE)), PurgeLate)
    city.vault.duties()
    assert not is_alive(city)
    assert city.vault.gate.search(token, city.request(PLATE)).reads == ()


def test_a_key_that_is_late_to_die_turns_everything_red_and_stops_every_search(closed_city):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    city.vault.advance_demo_clock(dies - timedelta(minutes=1))
    city.ingest("8ABC123")
    files.fails = lambda act, path: "epochs" in path.parts or "tombstones" in path.parts
    city.clock.advance(timedelta(minutes=2))
    city.vault.duties()
    token = city.sign_in("r.alvarez")
    assert len(city.vault.gate.search(token, city.request("8ABC123")).reads) == 1, "a few minutes are a tick"
    assert DAY in city.vault.health.status().overdue
    city.clock.advance(timedelta(minutes=20))
    token = city.sign_in("r.alvarez")
    size = city.vault.log.size
    for plate in (PLATE, "8ABC123"):
        assert refuses(lambda plate=plate: city.vault.gate.search(token, city.request(plate)), PurgeLate)
    assert city.vault.log.size == size
    assert any("Nothing is searched" in problem for problem in city.vault.health.status().problems)
    files.heal()
    city.vault.duties()
    assert len(city.vault.gate.search(token, city.request("8ABC123")).reads) == 1
    city.close()
