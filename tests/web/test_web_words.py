"""How values read on a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fake_vault import NOW, READS

from glassplate.records import Vehicle
from glassplate.web import words

UNTIL = {
    "weeks": (timedelta(days=27, hours=23), "in 27 days"),
    "exactly a day": (timedelta(days=1), "in 1 day"),
    "hours": (timedelta(hours=5, minutes=59), "in 5 hours"),
    "minutes": (timedelta(minutes=12), "in 12 minutes"),
    "seconds": (timedelta(seconds=1), "in less than a minute"),
    "now": (timedelta(), "due now"),
    "overdue": (timedelta(days=-3), "due now"),
}


@pytest.mark.parametrize(("left", "said"), UNTIL.values(), ids=UNTIL.keys())
def test_what_is_left_is_rounded_down(left: timedelta, said: str) -> None:
    assert words.until(NOW + left, NOW) == said


SPANS = {3: "3 minutes", 60: "1 hour", 90: "90 minutes", 1440: "1 day", 43_200: "30 days", 0: "0 minutes"}


@pytest.mark.parametrize(("minutes", "said"), SPANS.items())
def test_spans_are_said_in_the_largest_whole_unit(minutes: int, said: str) -> None:
    assert words.minutes_in_words(minutes) == said


def test_doubt_is_never_rounded_away() -> None:
    assert words.percent(0.7999) == "79 %"
    assert [character.is_doubtful for character in words.characters(READS[1].read)] == [
        False, False, True, False, False, False, False,
    ]  # fmt: skip


VEHICLES = {
    "sure": (Vehicle("sedan", 0.9, "silver", 0.9), "Sedan, silver"),
    "a guess": (Vehicle("suv", 0.9, "black", 0.4), "SUV, black?"),
    "two colors, neither sure": (
        Vehicle("car", 0.9, "white", 0.4, "silver or gray", 0.3),
        "Car, white, or silver or gray?",
    ),
    "a sure color needs no second": (Vehicle("car", 0.9, "red", 0.8, "blue", 0.1), "Car, red"),
    "only a color": (Vehicle("unknown", 0.0, "red", 0.7), "Red"),
    "nothing honest": (Vehicle(), "Not known"),
}


@pytest.mark.parametrize(("seen", "said"), VEHICLES.values(), ids=VEHICLES.keys())
def test_a_vehicle_is_described_with_its_doubt(seen: Vehicle, said: str) -> None:
    assert words.vehicle(seen) == said


def test_times_are_told_in_the_citys_zone_and_say_which() -> None:
    moment = datetime(2026, 11, 21, 5, 7, 31, tzinfo=UTC)

    assert words.minute(moment) == "Nov 21, 2026, 05:07 UTC"
    assert words.minute(moment, ZoneInfo("America/Los_Angeles")) == "Nov 20, 2026, 21:07 PST"
