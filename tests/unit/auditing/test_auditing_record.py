"""What the record says for good: the fields that laws ask for, another build, and nothing by its timing."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.city import START, make_city
from tests.support.invariants import public

from glassplate.log import TileReader, VerifierKey, open_checkpoint, parse_leaf
from glassplate.report import next_publication

INTERVAL = 600  # seconds between publications; divides the hour to which public times are cut
CLOCK_TICK_NANOSECONDS = 20_000_000  # file systems stamp files by a coarser clock than time.time_ns


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


def test_every_entry_is_sealed_to_each_auditor_and_to_its_months_history_key(audit):
    log, auditors = audit.city.vault.log, {key.key_id for key in audit.city.auditor_keys}
    assert len(auditors) >= 2
    for index in range(log.size):
        readers = set(log.record(index).bodies)
        [month] = readers - auditors
        assert readers - {month} == auditors
        at = audit.city.vault.recorder.open_body(index).fields["at"]
        assert month == f"history/{at[:7]}"


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
        self.folder = city.folder.public
        self.files = self.look_at_files()

    def look_at_files(self) -> dict[str, tuple[int, bytes]]:
        """Every public file: the time that a server gives as Last-Modified, and its bytes."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    def new_files(self) -> dict[str, tuple[int, bytes]]:
        """Those that are not as they were at the last look."""
        old, self.files = self.files, self.look_at_files()
        return {name: file for name, file in self.files.items() if old.get(name) != file}

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


def test_no_public_file_tells_when_within_its_interval_a_search_was(watched):
    """Names, bytes and times of all files: nothing changes before the interval's end; nothing new is older than that."""
    chance, watcher = random.Random(5), Watcher(watched)
    for _ in range(4):
        token = watched.sign_in("m.okafor")
        moment, told = 30 * chance.randrange(2, 18), []
        for second in range(30, INTERVAL + 1, 30):
            watched.clock.advance(timedelta(seconds=30))
            if second == moment:
                told.append(watched.now())
                watched.vault.gate.search(token, watched.request("9ZZ9999"))
            began = time.time_ns()
            watched.vault.duties()
            changed = watcher.new_files()
            assert bool(changed) == (second == INTERVAL)
        assert any("/tile/" in name for name in changed)
        assert min(modified for modified, _ in changed.values()) >= began - CLOCK_TICK_NANOSECONDS
        [at] = told
        words = [f"{at:%H:%M:%S}".encode(), str(int(at.timestamp())).encode()]
        assert [name for name, (_, data) in changed.items() if any(word in data for word in words)] == []


def test_no_publication_spans_an_hour_whenever_the_vault_was_started(watched):
    """Else the hours of its entries would tell on which side of the hour a search was: finer than the interval."""
    watched.clock.advance(timedelta(seconds=240))
    watched.vault.publish()  # out of turn, as at a start
    watcher, token, grown = Watcher(watched), watched.sign_in("m.okafor"), []
    for step in range(1, 160):
        watched.clock.advance(timedelta(seconds=30))
        watched.vault.duties()
        sights = watcher.look()
        assert len({said["time"] for said in sights}) <= 1
        if sights:
            grown.append(step * 30)
        if step % 2:
            watched.vault.gate.search(token, watched.request("9ZZ9999"))
        if step % 50 == 0:
            token = watched.sign_in("m.okafor")
    assert grown[0] == 960
    assert {later - sooner for sooner, later in pairwise(grown)} == {INTERVAL}


@given(
    st.integers(0, 2**31),
    st.integers(1, 86_400),
)
def test_publications_come_at_whole_intervals(second, seconds):
    last, interval = datetime.fromtimestamp(second, UTC), timedelta(seconds=seconds)
    due = next_publication(last, interval)
    assert due.timestamp() % seconds == 0
    assert interval / 2 <= due - last <= 2 * interval
    assert next_publication(due + min(interval / 4, timedelta(seconds=1.5)), interval) == due + interval
