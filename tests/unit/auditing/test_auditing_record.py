"""What the record says for good: the fields that laws ask for, another build, and nothing by its timing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.city import START, make_city
from tests.support.invariants import public

from glassplate.log import TileReader, VerifierKey, open_checkpoint, parse_leaf

INTERVAL = 600  # seconds between publications; divides the hour to which public times are cut


def test_a_search_and_its_outcome_hold_what_the_laws_ask_for(audit):
    audit.pull()
    opened = audit.opened()
    search = opened[audit.of_type("search")[0]].fields
    asked = {
        "at", "account_id", "display_name", "organization", "on_behalf_of", "purpose", "offense", "case_number",
        "plate", "since", "until", "camera_ids", "declared_use", "feature", "limit", "asked_by", "charter_version",
        "policy_sha256", "engine_version", "cedar_request", "cedar_entities", "sign_in_method",
    }  # fmt: skip
    assert asked <= set(search)
    outcome = next(e.fields for e in opened.values() if e.entry.entry_type == "search-outcome")
    assert {"search_index", "outcome", "reads_shown", "read_ids"} <= set(outcome)
    assert outcome["reads_shown"] == len(outcome["read_ids"]) == 1


def is_told(city) -> bool:
    return any("is not what the charter approves" in one for one in city.vault.health.status().problems)


def test_another_build_than_the_approved_one_is_told_at_each_start(audit, monkeypatch):
    city = audit.city
    assert public(city, "configuration-drift") == []
    approved = public(city, "vault-started")[-1]["build_sha256"]
    for start in range(2):
        city.close()
        for room in ("tenure", "health"):
            monkeypatch.setattr(f"glassplate.{room}.build_sha256", lambda: "f" * 64)
        city.open()
        drifts = public(city, "configuration-drift")
        assert len(drifts) == start + 1
        assert (drifts[-1]["approved"], drifts[-1]["running"]) == (approved, "f" * 64)
        assert is_told(city)
    city.vault.install_charter(city.signed(city.charter()))  # the offices approve what runs
    city.reopen()
    assert len(public(city, "configuration-drift")) == 2
    assert not is_told(city)
    city.vault.install_charter(city.signed(city.charter(builds=("a" * 64, approved))))  # and then another
    city.reopen()
    drift = public(city, "configuration-drift")[-1]
    assert (drift["approved"], drift["running"]) == ("a" * 64, "f" * 64)
    assert is_told(city)


class Watcher:
    """Somebody outside who looks at the public folder every minute, and hears every dispatched call."""

    def __init__(self, city) -> None:
        self.log = city.folder.public / "log"
        self.key = VerifierKey.parse((self.log / "vkey").read_text().strip())
        self.seen = self.size()

    def size(self) -> int:
        return open_checkpoint((self.log / "checkpoint").read_bytes(), self.key).size

    def look(self) -> list[dict[str, object]]:
        """The new public halves."""
        size = self.size()
        leaves = TileReader(self.log).entries(size, self.seen) if size > self.seen else ()
        self.seen = size
        return [dict(parse_leaf(leaf).public) for leaf in leaves]


@pytest.fixture
def watched(tmp_path, monkeypatch):
    city = make_city(tmp_path / "city", publication_interval_seconds=INTERVAL, searches_per_hour=1000)

    class CityTime(datetime):
        @classmethod
        def now(cls, tz=None):
            return city.now().astimezone(tz or UTC)

    monkeypatch.setattr("glassplate.vault.datetime", CityTime)  # pacing by the city's clock
    city.vault.publish()
    assert city.now() == START
    yield city
    city.close()


def play(city, watcher, moments):
    """One interval in steps of 30 s: searches at ``moments`` (seconds into it); (second, public half) of each sight."""
    token, sights = city.sign_in("m.okafor"), []
    for second in range(30, INTERVAL + 1, 30):
        city.clock.advance(timedelta(seconds=30))
        for _ in [moment for moment in moments if second - 30 < moment <= second]:
            city.vault.gate.search(token, city.request("9ZZ9999"))
        city.vault.duties()
        sights += [(second, said) for said in watcher.look()]
    return sights


def test_public_times_tell_no_more_of_a_search_than_its_interval(watched):
    """Each interval has two dispatched calls; a coin decides after which one the officer searches.

    48 coins: a guesser has 24 hits on average with a deviation of 3.5; 12 and 36 lie at 3.5 deviations (1 in 2,000).
    """
    chance, watcher = random.Random(20260302), Watcher(watched)
    hits = dict.fromkeys(("the later call", "the earlier call", "the call nearest to a sight"), 0)
    for _ in range(48):
        calls = sorted(chance.sample(range(30, INTERVAL - 60, 30), 2))
        truth = chance.randrange(2)
        sights = play(watched, watcher, [calls[truth] + 20])
        assert [said["type"] for _, said in sights].count("search") == 1
        assert {second for second, _ in sights} == {
            INTERVAL
        }  # everything appears at once, at the interval's end
        assert all(str(said["time"]).endswith(":00:00Z") for _, said in sights)
        seen_at = next(second for second, said in sights if said["type"] == "search")
        nearest = min((0, 1), key=lambda call: abs(calls[call] - seen_at))
        for guesser, guess in zip(hits, (1, 0, nearest), strict=True):
            hits[guesser] += guess == truth
    assert all(12 < count < 36 for count in hits.values()), hits


def test_between_intervals_the_same_watcher_does_tell(watched):
    """The control: whoever joins the feed as above knows in which interval a search was made, every time."""
    chance, watcher = random.Random(3), Watcher(watched)
    for _ in range(4):
        truth = chance.randrange(2)
        sights = [play(watched, watcher, [100] if truth == interval else []) for interval in range(2)]
        found = [any(said["type"] == "search" for _, said in part) for part in sights]
        assert found.index(True) == truth
