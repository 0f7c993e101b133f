"""The walk of a read into the vault: who may deliver what, for which day, and what becomes of everything else."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import plate_read, some_crop
from tests.support.invariants import added, bodies, check_city

from glassplate import seal
from glassplate.errors import CharterRejected, GlassplateError, InputRefused, ProofFailed, StorageFailed
from glassplate.intake import DESTROYED, FUTURE, NO_EPOCH, NOT_PINNED
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.seal import Sealer, opening_worker
from glassplate.seal.opening_worker import LEAST_READS

PLATE = "7KDR214"


def sealer_of(city):
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    return open_bundle(city.vault.bundle(), bundle_key)


def sealed(city, *, at=None, camera_id="court-16th", plate=PLATE, **changes):
    read = plate_read(plate, camera_id, at or city.now() - timedelta(minutes=1))
    return sealer_of(city).seal(replace(read, **changes), some_crop())


def deliver(city, *reads, camera_id="court-16th", key=None, sequence=1):
    private_key = (key or city.camera_keys["court-16th"]).private_key
    return city.vault.intake.accept(seal.BatchSigner(camera_id, private_key).sign(sequence, list(reads)))


def found(city):
    request = city.request(PLATE, since=city.now() - timedelta(days=29))
    return city.vault.gate.search(city.sign_in("r.alvarez"), request).reads


def assert_nothing_taken(city):
    assert city.vault.store.epoch_ids() == []
    assert found(city) == ()


# a sentence: (what is delivered, the error)
REFUSED_BATCHES = {
    "a camera that the charter does not list": (
        lambda city: deliver(city, sealed(city, camera_id="cam-99"), camera_id="cam-99"),
        ProofFailed,
    ),
    "a listed camera's name under another key": (
        lambda city: deliver(city, sealed(city), key=seal.CameraKey.generate()),
        ProofFailed,
    ),
    "another listed camera's key": (
        lambda city: deliver(city, sealed(city), key=city.camera_keys["harbor-22nd"]),
        ProofFailed,
    ),
    "nothing": (lambda city: city.vault.intake.accept(b""), InputRefused),
    "text": (lambda city: city.vault.intake.accept(b"hello " * 100), InputRefused),
    "a batch cut off": (lambda city: city.vault.intake.accept(city.batch(PLATE)[:-1]), GlassplateError),
}


def test_batches_of_which_nothing_is_taken(city):
    for name, (act, error) in REFUSED_BATCHES.items():
        with added(city) as new, pytest.raises(error):
            act(city)
        assert new == [], name
    assert_nothing_taken(city)


def of_a_day_without_a_key(city):
    day = city.vault.keyring.records()[0].public()
    before = replace(
        day,
        epoch_id="2026-03-01",
        starts_at=day.starts_at - timedelta(days=1),
        ends_at=day.starts_at,
    )
    read = plate_read(PLATE, "court-16th", day.starts_at - timedelta(hours=1))
    return Sealer("exampleville-pd", [before]).seal(read, some_crop())


def of_another_day_than_it_says(city):
    today, tomorrow = (record.public() for record in city.vault.keyring.records()[:2])
    read = plate_read(PLATE, "court-16th", city.now() - timedelta(minutes=1))
    wrong = replace(tomorrow, starts_at=today.starts_at, ends_at=today.ends_at)
    return Sealer("exampleville-pd", [wrong]).seal(read, some_crop())


# a sentence: (a sealed read, the reason counted; None: some sentence about the envelope)
REFUSED_READS = {
    "captured in the future": (lambda city: sealed(city, at=city.now() + timedelta(minutes=5)), FUTURE),
    "of a day that never had a key": (of_a_day_without_a_key, NO_EPOCH),
    "sealed for another day than it was captured on": (of_another_day_than_it_says, NO_EPOCH),
    "by a recognizer that the charter does not name": (
        lambda city: sealed(city, recognizer="other 1"),
        NOT_PINNED,
    ),
    "moved to another read's id": (lambda city: replace(sealed(city), read_id="0" * 32), None),
    "another camera's read": (lambda city: sealed(city, camera_id="harbor-22nd"), None),
    "with another capture time outside than inside": (
        lambda city: replace(sealed(city), captured_at=city.now() - timedelta(minutes=2)),
        None,
    ),
    "rubbish": (lambda city: replace(sealed(city), read=bytes(2_000)), None),
}


def test_reads_that_can_never_be_accepted_are_refused_counted_and_logged(city):
    for name, (make, reason) in REFUSED_READS.items():
        city.clock.advance(timedelta(seconds=1))
        bad, good = make(city), sealed(city, plate="8ABC123")
        before = city.vault.registry.totals()
        with added(city) as new:
            outcome = deliver(city, good, bad)
        assert outcome.accepted == (good.read_id,), name
        assert [read_id for read_id, _ in outcome.refused] == [bad.read_id], name
        told = outcome.refused[0][1]
        assert told == (reason or told), name
        assert new == ["reads-refused"], name
        assert bodies(city, "reads-refused")[-1][1]["reasons"] == {told: 1}
        counter = f"reads refused:{told}"
        assert city.vault.registry.totals()[counter] == before.get(counter, 0) + 1
    assert found(city) == ()
    assert PLATE not in str(bodies(city, "reads-refused"))
    check_city(city)


def test_a_day_whose_key_was_destroyed(brief_closed_city):
    city = brief_closed_city
    city.open()
    late, replayed = sealed(city), city.batch("8ABC123")
    city.vault.intake.accept(replayed)
    city.pass_days(2)
    for act in (lambda: deliver(city, late), lambda: city.vault.intake.accept(replayed)):
        with added(city) as new:
            outcome = act()
        assert [reason for _, reason in outcome.refused] == [DESTROYED]
        assert new == ["reads-refused"]
    assert city.vault.registry.totals()[f"reads refused:{DESTROYED}"] == 2
    assert "2026-03-02" not in city.vault.store.epoch_ids()
    check_city(city)
    city.close()


def test_a_day_that_is_overdue_but_not_destroyed_yet(city):
    late = sealed(city)
    city.clock.advance(timedelta(days=30))
    assert [reason for _, reason in deliver(city, late).refused] == [DESTROYED]


def test_a_batch_delivered_again_is_taken_once(city):
    batch = city.batch(PLATE, "8ABC123")
    first = city.vault.intake.accept(batch)
    for _ in range(2):
        again = city.vault.intake.accept(batch)
        assert again.accepted == ()
        assert sorted(again.duplicate) == sorted(first.accepted)
        city.reopen()
    city.pass_days(2)  # into the sealed segment
    assert sorted(city.vault.intake.accept(batch).duplicate) == sorted(first.accepted)
    assert len(found(city)) == 1
    check_city(city)


def test_the_same_batch_from_many_threads(city):
    batch, outcomes = city.batch(PLATE, "8ABC123"), []
    threads = [
        threading.Thread(target=lambda: outcomes.append(city.vault.intake.accept(batch))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(outcome.accepted) for outcome in outcomes) == 2
    assert sum(len(outcome.duplicate) for outcome in outcomes) == 10
    assert len(found(city)) == 1


def test_a_crash_between_write_and_answer(closed_city):
    """The read is durable, the lane was not answered: it delivers again, and the id absorbs it."""
    city = closed_city
    city.open()
    batch = city.batch(PLATE)

    class Stopped(Exception):
        pass

    def stop(*_):
        raise Stopped

    object.__setattr__(city.vault.intake, "alerts", type("Dead", (), {"match": stop})())
    with pytest.raises(Stopped):
        city.vault.intake.accept(batch)
    city.reopen()
    assert len(city.vault.intake.accept(batch).duplicate) == 1
    assert len(found(city)) == 1
    check_city(city)
    city.close()


def test_capture_stops_with_the_charter(city):
    batch = city.batch(PLATE)
    ends = city.vault.mandate.last().verified.charter.expires_at
    city.clock.advance(ends - city.now())
    with pytest.raises(CharterRejected, match="expired"):
        city.vault.intake.accept(batch)
    with pytest.raises(CharterRejected, match="expired"):
        city.vault.bundle()


def test_the_store_refuses_and_the_lane_delivers_again(city):
    """A folder in the place of the hot file: the disk says no, nothing is taken, the next try works."""
    batch = city.batch(PLATE)
    obstacle = city.root / "vault" / "store" / "2026-03-02.0.hot"
    obstacle.mkdir()
    with pytest.raises(StorageFailed):
        city.vault.intake.accept(batch)
    obstacle.rmdir()
    assert len(city.vault.intake.accept(batch).accepted) == 1
    assert len(found(city)) == 1


def test_a_worker_that_dies_over_a_large_batch_takes_nothing_and_the_lane_delivers_again(city, monkeypatch):
    """All or nothing, also of a batch with reads that do not open among others."""
    reads = [sealed(city, at=city.now() - timedelta(seconds=n)) for n in range(1, LEAST_READS + 1)]
    wrong = replace(reads[0], read=b"\x07" + reads[0].read[1:])
    with monkeypatch.context() as patched:
        patched.setattr(opening_worker, "MODULE", "glassplate.no_such_module")
        with pytest.raises(StorageFailed, match="opening worker"):
            deliver(city, wrong, *reads[1:])
    assert_nothing_taken(city)
    outcome = deliver(city, wrong, *reads[1:])
    assert list(outcome.accepted) == [read.read_id for read in reads[1:]]
    assert [(read_id, "suite 7" in why) for read_id, why in outcome.refused] == [(wrong.read_id, True)]
    assert deliver(city, *reads).duplicate == outcome.accepted


def test_fuzz_mutants_of_a_lawful_batch(city):
    """Every mutant is refused as a whole, in our own words; nothing is taken, nothing else is raised."""
    batch, chance = city.batch(PLATE), random.Random(20261125)
    for number in range(400):
        mutant = bytearray(batch)
        kind = number % 4
        if kind == 0:
            for _ in range(chance.randint(1, 3)):
                mutant[chance.randrange(len(mutant))] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del mutant[chance.randrange(len(mutant)) :]
        elif kind == 2:
            at = chance.randrange(len(mutant))
            mutant[at:at] = chance.randbytes(chance.randint(1, 40))
        else:
            at = chance.randrange(min(700, len(mutant)))  # most of it the header
            mutant[at : at + chance.randint(1, 8)] = chance.randbytes(chance.randint(0, 8))
        if bytes(mutant) == batch:
            continue
        with pytest.raises((InputRefused, ProofFailed)):
            city.vault.intake.accept(bytes(mutant))
    assert_nothing_taken(city)
    assert len(city.vault.intake.accept(batch).accepted) == 1


def test_many_lanes_ask_for_the_new_days_keys_at_once(city):
    """At midnight every lane fetches the list: each key is made and logged once, and verifies."""
    city.clock.advance(timedelta(days=1))
    start, notes = threading.Barrier(8), []

    def fetch():
        start.wait()
        notes.append(city.vault.bundle())

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(notes) == 8
    check_city(city)


def test_a_key_whose_birth_is_not_on_record_reaches_no_list(city):
    """Made, but the log failed before it could say so: neither lanes nor the public hear of it."""
    before = city.vault.report.bundle()
    record = city.vault.keyring.records()[-1]
    next_day = replace(
        record.epoch,
        epoch_id="2026-03-05",
        **{
            name: getattr(record.epoch, name) + timedelta(days=1)
            for name in ("starts_at", "ends_at", "destroy_at")
        },
    )
    city.vault.keyring.create_epoch(next_day)
    assert '"epoch_id":"2026-03-05"' not in city.vault.report.bundle()
    assert '"epoch_id":"2026-03-04"' in before
    city.vault.report.publish()
    assert '"epoch_id":"2026-03-05"' not in (city.folder.public / "epoch-keys.note").read_text()
    check_city(city)
