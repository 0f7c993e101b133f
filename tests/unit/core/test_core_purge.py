"""Death of an epoch: it needs nothing but the clock, and nothing else's failure keeps a key alive."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.city import make_city
from tests.support.copies import copy_of
from tests.support.failing_files import HOW, FailingFiles, journal, whole_journal
from tests.support.invariants import added, bodies, check_city, public, types

from glassplate.errors import PurgeLate, StorageFailed
from glassplate.keys.destruction import key_path, read_record, tombstone_path
from glassplate.seal.opening_worker import LEAST_READS
from glassplate.verify import verify_city

PLATE = "7KDR214"
DAY = "2026-03-02"


def keys_folder(city):
    return city.root / "vault" / "keys"


@pytest.fixture
def closed_city(brief_closed_city):
    return brief_closed_city


def search(city, plate=PLATE, **changes):
    since = city.now() - city.vault.mandate.retention()
    return city.vault.gate.search(
        city.sign_in("r.alvarez"), city.request(plate, **{"since": since, **changes})
    )


def let_the_first_day_die(city):
    """To a moment after its key is due, as a live vault would come there; nothing was done yet."""
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    city.vault.advance_demo_clock(dies - timedelta(minutes=1))
    city.clock.advance(timedelta(minutes=2))


def state_of(city, epoch_id=DAY):
    return next(e.state for e in city.vault.oversight.epochs(city.sign_in("clerk")) if e.epoch_id == epoch_id)


def is_gone(city, epoch_id=DAY):
    assert not key_path(keys_folder(city), epoch_id).exists()
    assert tombstone_path(keys_folder(city), epoch_id).exists()
    assert epoch_id not in city.vault.store.epoch_ids()
    return True


def test_a_read_lives_to_the_last_instant_and_not_one_longer(city):
    """Hour by hour, then second by second around the edge: found while its epoch lives, never after, purged or not."""
    city.ingest(PLATE, captured_at=city.now().replace(hour=0))
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    assert dies == city.now().replace(hour=0) + timedelta(days=2)
    city.vault.advance_demo_clock(dies - timedelta(hours=5))
    moments = [
        *(dies - timedelta(hours=n) for n in (4, 3, 2, 1)),
        dies - timedelta(seconds=1),
        dies - timedelta(microseconds=1),
    ]
    for moment in moments:
        city.clock.advance(moment - city.clock.wall())
        city.vault.duties()
        assert len(search(city, since=city.now() - timedelta(days=2)).reads) == 1, moment
    city.clock.advance(timedelta(microseconds=1))
    assert state_of(city) == "closed"
    assert search(city, since=city.now() - timedelta(days=2)).reads == (), "overdue, and so out of reach"
    assert city.vault.health.status().healthy is False
    assert city.vault.purge.run() == [DAY]
    for _ in range(4):
        city.clock.advance(timedelta(hours=6))
        city.vault.duties()
        assert search(city).reads == ()
    assert is_gone(city)


def test_the_process_that_opened_a_dead_days_reads_has_ended(city):
    city.ingest(*[PLATE] * LEAST_READS, captured_at=city.now().replace(hour=0))
    process_id = city.vault.intake.opener.process_id
    assert process_id is not None
    city.vault.purge.run()
    assert city.vault.intake.opener.process_id == process_id, "nothing was due"
    let_the_first_day_die(city)
    assert city.vault.purge.run() == [DAY]
    assert city.vault.intake.opener.process_id is None
    assert not Path(f"/proc/{process_id}").exists()


@pytest.mark.parametrize(("retention", "epoch"), [(3, 3), (60, 15), (1440, 1440)])
def test_no_read_is_ever_older_than_the_limit(tmp_path, retention, epoch):
    """Property: at each step of the clock, every read that a search shows is younger than the retention."""
    city = make_city(
        tmp_path / "city",
        retention_minutes=retention,
        epoch_minutes=epoch,
        max_search_days=3,
        searches_per_hour=900,
    )
    step = timedelta(minutes=max(epoch / 3, 1))
    shown = 0
    for _ in range(3 * retention // epoch + 6):
        city.ingest(PLATE, captured_at=city.now())
        city.clock.advance(step)
        now = city.now()
        reads = ()
        with contextlib.suppress(PurgeLate):  # a step may be longer than a purge may be late
            reads = search(city, since=now - timedelta(minutes=retention), until=now).reads
        assert all(now - found.read.captured_at < timedelta(minutes=retention) for found in reads)
        shown += len(reads)
        city.vault.duties()
    assert shown
    city.close()


def test_purge_needs_no_charter(city):
    city.ingest(PLATE)
    ends = city.vault.mandate.last().verified.charter.expires_at
    city.clock.advance(ends - city.now() + timedelta(days=1))
    assert city.vault.purge.run() == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert is_gone(city)
    assert len(public(city, "epoch-destroyed")) == 3


@pytest.mark.parametrize("fails", [journal, whole_journal])
def test_purge_needs_no_log_and_is_logged_afterwards(closed_city, fails):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    let_the_first_day_die(city)
    files.fails = fails
    with added(city) as new:
        assert DAY in city.vault.purge.run()
    assert new == []
    assert is_gone(city)
    files.heal()
    if fails is whole_journal:
        city.reopen(files=files)
    with added(city) as new:
        city.vault.duties()
    assert city.vault.registry.epoch(DAY).destroyed_index is not None
    assert len([entry for entry in public(city, "epoch-destroyed") if entry["epoch"] == DAY]) == 1
    city.close()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("number", range(4))
def test_each_write_of_a_destruction_fails_both_ways(closed_city, number, how):
    """Tombstone, overwriting, removal of the key, removal of the segment: whatever fails, the next tick finishes."""
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    let_the_first_day_die(city)
    files.fail_number(number, how)
    try:
        city.vault.purge.run()
    except StorageFailed:
        assert files.failed == 1
    assert files.failed == 1
    assert search(city).reads == ()
    files.heal()
    city.vault.duties()
    left = read_record(key_path(keys_folder(city), DAY), DAY)
    assert left is None or not left.is_alive, "an overwritten file may lie there until the next start"
    assert DAY not in city.vault.store.epoch_ids()
    check_city(city)
    city.reopen(files=files)
    assert is_gone(city)
    assert city.vault.health.status().healthy, city.vault.health.status().problems
    city.close()


@pytest.mark.parametrize("number", range(4))
def test_a_crash_at_each_write_of_a_destruction_is_finished_at_the_next_start(closed_city, number):
    class Killed(BaseException):
        pass

    class KilledFiles(FailingFiles):
        def _step(self, act, path, whole):
            self.writes.append((act, path))
            if self.fails(act, path):
                raise Killed
            whole()

    city, files = closed_city, KilledFiles()
    city.open(files=files)
    city.ingest(PLATE)
    let_the_first_day_die(city)
    files.fail_number(number, "not written")
    with pytest.raises(Killed):
        city.vault.purge.run()
    files.fails = lambda _act, _path: True  # a dead process writes nothing more
    with pytest.raises(Killed):
        city.close()
    city.vault._closing.close()
    city.open()
    city.vault.duties()
    assert is_gone(city)
    assert search(city).reads == ()
    check_city(city)
    city.close()


def test_one_key_that_cannot_be_destroyed_keeps_no_other_alive(closed_city):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    city.clock.advance(timedelta(days=1))
    city.ingest("8ABC123")
    city.vault.duties()
    city.clock.advance(timedelta(days=40))
    files.fails = lambda _act, path: path.name == f"{DAY}.json"
    with pytest.raises(StorageFailed, match=DAY):
        city.vault.purge.run()
    assert is_gone(city, "2026-03-03")
    with pytest.raises(PurgeLate, match=DAY):
        search(city)
    status = city.vault.health.status()
    assert not status.healthy
    assert any(DAY in problem and "Overdue" in problem for problem in status.problems)
    files.heal()
    city.vault.duties()
    assert is_gone(city)
    city.close()


def test_a_segment_that_cannot_be_removed_keeps_no_key_alive(closed_city):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    city.clock.advance(timedelta(days=1))
    city.ingest("8ABC123")
    city.vault.duties()
    city.clock.advance(timedelta(days=40))
    files.fails = lambda act, path: (
        act == "remove" and path.name.startswith(DAY) and path.parent.name == "store"
    )
    with pytest.raises(StorageFailed):
        city.vault.purge.run()
    for epoch_id in (DAY, "2026-03-03"):
        assert not key_path(keys_folder(city), epoch_id).exists()
    assert len(public(city, "epoch-destroyed")) == 4, "the deaths are on record"
    files.heal()
    city.vault.duties()
    assert is_gone(city)
    city.close()


def test_a_key_file_that_comes_back_is_destroyed_again_and_alarms(city):
    city.ingest(PLATE)
    kept = key_path(keys_folder(city), DAY).read_bytes()
    city.pass_days(2)
    assert is_gone(city)
    assert city.vault.health.status().healthy
    city.close()
    key_path(keys_folder(city), DAY).write_bytes(kept)
    city.open()
    assert is_gone(city)
    assert search(city).reads == ()
    status = city.vault.health.status()
    assert not status.healthy
    assert any(DAY in problem for problem in status.problems)
    check_city(city)


def test_a_whole_key_folder_that_comes_back_is_destroyed_again_and_alarms(city, tmp_path):
    """The tombstone is gone as well; the record remembers the death."""
    city.ingest(PLATE)
    shutil.copytree(keys_folder(city), tmp_path / "backup")
    city.pass_days(2)
    city.close()
    for part in ("epochs", "tombstones"):
        shutil.rmtree(keys_folder(city) / part)
        shutil.copytree(tmp_path / "backup" / part, keys_folder(city) / part)
    city.open()
    assert is_gone(city)
    status = city.vault.health.status()
    assert any(DAY in problem and "came back" in problem for problem in status.problems)


def test_a_late_read_makes_a_supplement(city):
    late = city.batch("8ABC123")
    city.ingest(PLATE)
    city.pass_days(1.5)
    closed = public(city, "epoch-closed")
    assert [(entry["epoch"], entry["reads"]) for entry in closed] == [(DAY, "1")]
    city.vault.intake.accept(late)
    with added(city) as new:
        city.vault.duties()
        city.vault.duties()
    assert new == ["epoch-supplement"]
    supplement = public(city, "epoch-supplement")[0]
    assert (supplement["epoch"], supplement["reads"]) == (DAY, "1")
    assert supplement["segment_sha256"] != closed[0]["segment_sha256"]
    assert city.vault.registry.epoch(DAY).reads == 2
    assert len(search(city).reads) == 1
    assert len(search(city, plate="8ABC123").reads) == 1
    check_city(city)


@pytest.mark.parametrize("how", HOW)
def test_a_crash_after_the_entry_of_a_closed_day_logs_it_once(closed_city, how):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    files.how = how
    files.fails = lambda act, path: act == "remove" and ".hot" in path.name
    city.pass_days(1.5)
    files.heal()
    for _ in range(2):
        city.vault.duties()
    assert len(public(city, "epoch-closed")) == 1
    assert public(city, "epoch-supplement") == []
    assert city.vault.registry.epoch(DAY).reads == 1
    check_city(city)
    city.close()


def test_a_day_without_reads_is_closed_with_none(city):
    city.pass_days(1.5)
    assert [(entry["reads"], entry["segment_sha256"]) for entry in public(city, "epoch-closed")] == [
        ("0", "none")
    ]
    check_city(city)


def test_forty_days_with_restarts(template, tmp_path):
    """One inventory a day, each death in time, and the record holds from outside at the end."""
    city = copy_of(template, tmp_path / "city")
    city.open()
    for day in range(40):
        city.ingest(PLATE)
        city.pass_days(0.4)
        if day % 13 == 5:
            city.reopen()
        city.pass_days(0.6)
    dates = [entry["date"] for entry in public(city, "key-inventory")]
    assert len(dates) == len(set(dates)) == 41
    assert types(city).count("epoch-destroyed") == 11
    for entry in public(city, "epoch-destroyed"):
        assert entry["done"] == entry["due"]
    assert len(search(city).reads) == 29
    check_city(city)
    city.close()


def test_the_silent_day_is_found_from_outside(city):
    city.pass_days(1)
    city.clock.advance(timedelta(days=1))  # nobody does anything
    city.pass_days(1)
    city.vault.publish()
    result = verify_city(city.folder.public, city.fingerprints, city.now() + timedelta(days=2))
    assert any("silent day" in str(finding) for finding in result.findings)


def test_a_broken_registry_does_not_stop_the_timers(city):
    """Whatever fails in one duty, the next tick comes, and keys die in time."""
    let_the_first_day_die(city)
    city.vault.registry._database.close()
    city.vault.duties()
    assert not key_path(keys_folder(city), DAY).exists()


def test_a_failure_that_nobody_foresaw_stops_no_other_duty(city):
    def broken(*_):
        raise RuntimeError("never seen before")

    object.__setattr__(city.vault.epochs, "store", type("Broken", (), {"has_hot": broken})())
    city.pass_days(1.5)
    assert len(public(city, "key-inventory")) == 2
    assert any("epochs failed unexpectedly" in problem for problem in city.vault.health.status().problems)


def test_a_shorter_retention_reaches_the_keys_that_exist(city):
    city.ingest(PLATE)
    city.vault.install_charter(
        city.signed(replace(city.charter(), retention_minutes=2 * 1440, max_search_days=3))
    )
    city.pass_days(3)
    assert is_gone(city)
    check_city(city)


def test_who_destroys_and_when_is_said_in_the_record(city):
    city.ingest(PLATE)
    key_id = city.vault.keyring.records()[0].key_id
    city.pass_days(2)
    entry = public(city, "epoch-destroyed")[0]
    assert (entry["epoch"], entry["key_id"]) == (DAY, key_id)
    assert entry["due"] == "2026-03-04T00:00:00+00:00"
    assert bodies(city, "epoch-destroyed")[0][1]["operation"] == {"kind": "epoch_destroyed", "epoch_id": DAY}
