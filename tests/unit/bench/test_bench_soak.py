"""A few seconds of the soak, and that its checks can fail."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench_store import soak
from bench_store.lanes import made_city
from bench_store.soak import BURST, Seen, burst_seconds, soaked
from glassplate.errors import StorageFailed


def test_bursts_are_spread_and_keep_the_mean():
    hour = burst_seconds(3600)
    assert len(hour) * BURST < 3600 * 17 < (len(hour) + 20) * BURST
    assert len(set(hour)) == len(hour)
    assert burst_seconds(4) == (2,)


@pytest.mark.timeout(120)
def test_a_short_soak_loses_nothing_and_matches_every_wanted_plate(tmp_path, monkeypatch):
    monkeypatch.setattr(soak, "BURST", 300)
    result = soaked(tmp_path, seconds=4, wanted=1_000)
    assert result["lost"] == result["alerts_missing"] == result["refused"] == 0
    assert (result["unanswered"], result["failures"]) == (0, [])
    assert result["reads"] >= 300
    assert result["armed_plates_seen"] > 0


def test_what_the_vault_does_not_answer_is_told(tmp_path, monkeypatch):
    def refuses(*_):
        raise StorageFailed("the disk is full")

    monkeypatch.setattr(soak, "BURST", 100)
    monkeypatch.setattr("glassplate.intake.Intake.accept", refuses)
    result = soaked(tmp_path, seconds=1, wanted=10)
    assert (result["reads"], result["failures"][0], result["passed"]) == (0, "the disk is full", False)
    assert result["unanswered"] >= 100


def test_a_read_that_is_not_there_and_an_alert_that_never_came_are_told(tmp_path):
    city = made_city(tmp_path / "city", datetime.now(UTC).replace(microsecond=0))
    seen = Seen(acknowledged=["0" * 32], armed=[("1" * 32, soak.ARMED[0])])
    assert soak._checked(city, seen) == (1, 1)
