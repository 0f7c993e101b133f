"""A hold that an operator lets live too long, hides or counts wrong is found in the public half."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from glassplate.verify.findings import Verification
from glassplate.verify.hold_life import check_holds
from glassplate.verify.tree import PublicEntry

PLACED = datetime(2026, 3, 2, 9, tzinfo=UTC)
UNTIL = PLACED + timedelta(days=30)
HOLD, KEY = "hold-0123456789abcdef", "ab" * 12


def entries(**changes):
    """A lawful life, with changes of one field each: ``ended__done`` is ``done`` of the entry ``ended``."""
    lawful = {
        "hold": {"hold": HOLD, "until": UNTIL.isoformat()},
        "outcome": {"hold": HOLD, "outcome": "kept", "reads": "3", "key_id": KEY},
        "ended": {"hold": HOLD, "key_id": KEY, "due": UNTIL.isoformat(), "done": UNTIL.isoformat()},
    }
    for name, value in changes.items():
        entry, _, part = name.partition("__")
        if part:
            lawful[entry][part] = value
        else:
            del lawful[entry]
    types = {"hold": ("hold", PLACED), "outcome": ("hold-outcome", PLACED), "ended": ("hold-ended", UNTIL)}
    return [
        PublicEntry(index, types[name][0], types[name][1], public, b"")
        for index, (name, public) in enumerate(lawful.items())
    ]


def findings(found, now=UNTIL + timedelta(hours=2)):
    result = Verification()
    check_holds(found, now, result)
    return [str(finding) for finding in result.findings]


def test_a_lawful_life_holds():
    assert findings(entries()) == []
    assert findings(entries(ended=None), now=UNTIL) == []


WRONG = {
    "the end is missing": ({"ended": None}, "does not show that it did"),
    "the placing is missing": ({"hold": None}, "never placed"),
    "the outcome is missing": ({"outcome": None}, "does not stand"),
    "another key died": ({"ended__key_id": "cd" * 12}, "another key"),
    "it ended late": ({"ended__done": (UNTIL + timedelta(hours=2)).isoformat()}, "ended late"),
    "its end was moved": ({"ended__due": (UNTIL + timedelta(days=2)).isoformat()}, "moved to later"),
    "it kept nothing": ({"outcome__reads": "0"}, "contradict"),
    "it failed and kept something": ({"outcome__outcome": "failed"}, "contradict"),
    "an unknown outcome": ({"outcome__outcome": "fine"}, "contradict"),
    "no number": ({"outcome__reads": "many"}, "not those of format 1"),
    "no time": ({"hold__until": "soon"}, "not those of format 1"),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_hold_is_found(changes, words):
    assert any(words in finding for finding in findings(entries(**changes)))


def test_twice_the_same_is_found():
    assert any("second time" in finding for finding in findings([*entries(), entries()[0]]))
    assert any("already" in finding for finding in findings([*entries()[:2], entries()[1]]))
