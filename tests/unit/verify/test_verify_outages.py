"""Outages of cameras in the record: each ends once, none begins twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glassplate.verify.findings import Verification
from glassplate.verify.outages import check_outages
from glassplate.verify.tree import PublicEntry

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def judged(*told, hidden=()):
    entries = [PublicEntry(index, kind, NOW, {}, b"") for index, (kind, _) in enumerate(told)]
    opened = {index: {"camera_id": camera} for index, (_, camera) in enumerate(told) if index not in hidden}
    result = Verification()
    check_outages(opened, entries, result)
    return result


OUT, BACK = ("camera-out", "court"), ("camera-back", "court")


def test_outages_that_begin_and_end_hold_and_are_counted():
    result = judged(OUT, ("search", ""), ("camera-out", "harbor"), BACK, OUT)

    assert result.findings == []
    assert result.facts == ["3 camera outages are recorded; 2 had not ended."]


WRONG = {
    "an end without a beginning": ((BACK,), "ends an outage that had not begun"),
    "a second end": ((OUT, BACK, BACK), "ends an outage that had not begun"),
    "a second beginning": ((OUT, OUT), "begins an outage that had begun"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_outage_whose_half_was_left_out_is_found(what):
    told, expected = WRONG[what]

    assert any(expected in finding.what for finding in judged(*told).findings)


def test_what_lies_behind_a_body_that_is_not_opened_is_not_judged():
    assert judged(("search", ""), BACK, hidden={0}).findings == []
