"""Searches that run beside other things: an hour that passes, a purge, each other, a camera that seals rubbish."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import plate_read, some_crop
from tests.support.invariants import bodies, check_city, public_half

from glassplate import seal
from glassplate.errors import Refused
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey, open_promise

PLATE = "7KDR214"


class Stepping:
    """Does something at one step of the first search that reaches it."""

    def __init__(self, step, act):
        self._step, self._act = step, act

    def __call__(self, number):
        if number == self._step and self._act is not None:
            act, self._act = self._act, None
            act()


@pytest.mark.parametrize("step", [4, 6])
def test_another_hour_begins_while_a_search_runs(closed_city, step):
    """The record stays in the order of time, however long a search takes."""
    city = closed_city

    def an_hour_later():
        city.clock.advance(timedelta(hours=1))
        city.sign_in("m.okafor")

    city.open(observe=Stepping(step, an_hour_later))
    city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE))
    times = [entry["time"] for entry in map(public_half(city), range(city.vault.log.size))]
    assert len(set(times)) == 2
    assert times == sorted(times)
    check_city(city)
    city.close()


def test_a_key_dies_while_its_read_is_being_opened(closed_city):
    """The answer names the day that could not be served; it neither fails nor leaves the day out in silence."""
    city = closed_city

    def a_month_later():
        city.clock.advance(timedelta(days=29))
        assert city.vault.purge.run() == ["2026-03-02"]

    city.open(observe=Stepping(5, a_month_later))
    city.ingest(PLATE)
    city.pass_days(1)
    city.ingest(PLATE)
    result = city.vault.gate.search(
        city.sign_in("r.alvarez"), city.request(PLATE, since=city.now() - timedelta(days=2))
    )
    assert [found.read.captured_at.day for found in result.reads] == [3]
    assert [epoch for epoch, _ in result.unserved] == ["2026-03-02"]
    outcome = bodies(city, "search-outcome")[-1][1]
    assert outcome["read_ids"] == [found.read.read_id for found in result.reads]
    assert city.vault.registry.open_searches() == []
    city.close()


def test_a_camera_that_seals_rubbish_for_a_picture_hides_no_other_read(city):
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    sealer = open_bundle(city.vault.bundle(), bundle_key)
    captured_at = city.now() - timedelta(minutes=1)
    good, bad = (
        sealer.seal(plate_read(PLATE, "court-16th", captured_at + timedelta(seconds=n)), some_crop())
        for n in range(2)
    )
    rubbish = replace(bad, crop=good.crop)
    signer = seal.BatchSigner("court-16th", city.camera_keys["court-16th"].private_key)
    assert len(city.vault.intake.accept(signer.sign(1, [good, rubbish])).accepted) == 2
    result = city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE))
    assert [found.read.read_id for found in result.reads] == [good.read_id]
    assert [epoch for epoch, _ in result.unserved] == ["2026-03-02"]
    check_city(city)


def test_searches_that_come_together_are_counted_together(city):
    city.vault.install_charter(city.signed(city.charter(searches_per_hour=5)))
    token, outcomes = city.sign_in("r.alvarez"), []
    start = threading.Barrier(12)

    def search():
        start.wait()
        try:
            city.vault.gate.search(token, city.request(PLATE))
            outcomes.append("answered")
        except Refused as refusal:
            outcomes.extend(refusal.rules)

    threads = [threading.Thread(target=search) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["answered"] * 5 + ["rate-limit"] * 7
    check_city(city)


def test_a_result_says_what_the_record_says(city):
    city.ingest(PLATE, "8ABC123")
    token = city.sign_in("r.alvarez")
    result = city.vault.gate.search(token, city.request("7kdr 214", camera_ids=("court-16th",)))
    log_key = VerifierKey.parse((city.folder.public / "log" / "vkey").read_text().strip())
    promise = open_promise(result.receipt.promise, log_key)
    assert (promise.index, promise.leaf_hash.hex()) == (result.receipt.entry_index, result.receipt.entry_hash)
    index, asked = bodies(city, "search")[0]
    assert index == result.receipt.entry_index
    assert (asked["plate"], asked["camera_ids"], asked["account_id"]) == (
        "7kdr 214",
        ["court-16th"],
        "r.alvarez",
    )
    assert asked["since"] == result.searched_since.isoformat()
    assert asked["until"] == result.searched_until.isoformat()
    assert [found.read.text for found in result.reads] == [PLATE]
    assert bodies(city, "search-outcome")[0][1]["read_ids"] == [result.reads[0].read.read_id]
    assert result.reads[0].destroyed_at == city.vault.keyring.records()[0].epoch.destroy_at
    past = city.vault.gate.my_searches(token)
    assert [(line.entry_index, line.asked, line.reads_shown) for line in past] == [(index, "7kdr 214", 1)]
    assert city.vault.gate.my_searches(city.sign_in("m.okafor")) == []


def test_a_page_is_cut_and_says_so(city):
    city.ingest(*(f"7KDR21{n}" for n in range(4)))
    token = city.sign_in("r.alvarez")
    cut = city.vault.gate.search(token, city.request("7KDR21?", limit=3))
    assert (len(cut.reads), cut.truncated) == (3, True)
    whole = city.vault.gate.search(token, city.request("7KDR21?", limit=4))
    assert (len(whole.reads), whole.truncated) == (4, False)
    check_city(city)
