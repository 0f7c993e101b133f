"""A camera that does not see leaves an entry, and one that sees again another; a blink leaves none."""

from __future__ import annotations

from datetime import timedelta

from test_core_cameras import CAMERA, beat, send
from tests.support.invariants import added, bodies, check_city

from glassplate.outages import AFTER_SECONDS

BLIND = {"state": "blind", "problem": "unreachable"}


def look(city, seconds=0.0):
    city.clock.advance(timedelta(seconds=seconds))
    city.vault.duties()


def types(new):
    return [name for name in new if name.startswith("camera-")]


def test_an_outage_and_its_end_are_entries(city):
    send(city, beat(city, 1))
    send(city, beat(city, 2, since=city.now(), **BLIND))
    with added(city) as new:
        look(city)
        look(city, AFTER_SECONDS)
        look(city, AFTER_SECONDS)
    assert types(new) == ["camera-out"]
    _, out = bodies(city, "camera-out")[0]
    assert (out["camera_id"], out["state"]) == (CAMERA, "silent")  # nothing was heard for a minute

    with added(city) as new:
        send(city, beat(city, 3))
        look(city)
        for number in range(4, 10):
            look(city, AFTER_SECONDS / 4)
            send(city, beat(city, number))
    assert types(new) == ["camera-back"]
    assert bodies(city, "camera-back")[0][1]["state"] == "seeing"
    check_city(city)


def test_a_start_neither_forgets_nor_repeats_an_outage(city):
    send(city, beat(city, since=city.now(), **BLIND))
    look(city)
    look(city, AFTER_SECONDS)
    with added(city) as new:
        city.reopen()
        look(city)
        look(city, 2 * AFTER_SECONDS)
        look(city, 2 * AFTER_SECONDS)
    assert types(new) == []


def test_a_blink_leaves_no_entry(city):
    with added(city) as new:
        for number in range(1, 20, 2):
            send(city, beat(city, number, since=city.now(), **BLIND))
            look(city, AFTER_SECONDS / 4)
            send(city, beat(city, number + 1))
            look(city, AFTER_SECONDS / 4)
    assert types(new) == []


def test_a_camera_that_nobody_watches_is_no_outage(city):
    with added(city) as new:
        look(city)
        look(city, 10 * AFTER_SECONDS)
    assert types(new) == []
