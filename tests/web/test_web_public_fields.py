"""Public fields as people read them; what was recorded stays beside the short form."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from glassplate.web.public_fields import public_fields

SHORT = {
    "a word": ("version", "3", "Version", "3"),
    "a time": ("destroy_at", "2026-12-27T00:00:00+00:00", "Destroy at", "Dec 27, 2026, 00:00 UTC"),
    "a day stays": ("date", "2026-11-25", "Date", "2026-11-25"),
    "a hash": ("segment_sha256", "ab12" * 16, "Segment hash", "ab12ab12ab12…"),
    "few rules": ("rules", "case-given,prohibited-use", "Rules", "case-given, prohibited-use"),
    "not quite a time": ("note", "Tuesday", "Note", "Tuesday"),
    "a time without a zone is left alone": ("at", "2026-12-27T00:00:00", "At", "2026-12-27T00:00:00"),
    "empty": ("rules", "", "Rules", ""),
}


@pytest.mark.parametrize(("name", "value", "label", "short"), SHORT.values(), ids=SHORT.keys())
def test_a_value_is_shortened_for_the_table(name: str, value: str, label: str, short: str) -> None:
    (field,) = public_fields({"type": "x", "time": "x", "agency": "x", name: value})

    assert (field.name, field.short, field.value, field.items) == (label, short, value, ())


def test_a_long_list_is_counted_and_keeps_its_items() -> None:
    days = [f"2026-11-{day:02d}" for day in range(30, 0, -1)]

    (field,) = public_fields({"live": ",".join(days)})

    assert field.short == "30, from 2026-11-01 to 2026-11-30"
    assert list(field.items) == days


def test_times_are_told_in_the_citys_zone() -> None:
    (field,) = public_fields({"due": "2026-11-25T02:00:00+00:00"}, ZoneInfo("America/Los_Angeles"))

    assert field.short == "Nov 24, 2026, 18:00 PST"
