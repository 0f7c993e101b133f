"""What a camera delivers is counted: reads that never came are seen, and nobody fills the disk with one camera's key."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from tests.support.city import plate_read, some_crop
from tests.support.invariants import added, bodies, check_city, public

from glassplate import deliveries as module
from glassplate import seal
from glassplate.errors import Refused
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey

CAMERA, OTHER = "court-16th", "harbor-22nd"
OUTBOX = "0123456789abcdef"


def batch(city, first, count=1, *, camera_id=CAMERA, outbox=OUTBOX):
    key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    sealer = open_bundle(city.vault.bundle(), key)
    at = city.now() - timedelta(minutes=1)
    reads = [
        sealer.seal(
            plate_read(f"{(first + n) % 100_000:05}AB", camera_id, at + timedelta(milliseconds=n)),
            some_crop(),
        )
        for n in range(count)
    ]
    return seal.BatchSigner(camera_id, city.camera_keys[camera_id].private_key).sign(
        first, reads, outbox=outbox
    )


def deliver(city, *numbers, **changes):
    return city.vault.intake.accept(batch(city, *numbers, **changes))


def health(city, camera_id=CAMERA):
    return next(one for one in city.vault.health.status().cameras if one.camera_id == camera_id)


def crash(city):
    """The process is gone, and with it what was in memory."""
    city.vault._closing.close()
    city.open()


# a sentence: (deliveries as (first, count), reads that never came)
DELIVERIES = {
    "one after the other": ([(1, 2), (3, 1), (4, 1)], 0),
    "delivered again, because the answer was lost": ([(1, 2), (1, 2), (3, 1)], 0),
    "delivered again with more": ([(1, 2), (1, 3), (4, 1)], 0),
    "an old one again": ([(1, 2), (3, 2), (1, 1), (5, 1)], 0),
    "one batch is missing": ([(1, 2), (5, 1)], 2),
    "two gaps": ([(1, 1), (3, 1), (6, 1)], 3),
    "the first batch is missing": ([(4, 1)], 3),
    "a number out of the blue": ([(1, 1), (2**53 - 1, 1)], module.MAX_MISSING),
}


@pytest.mark.parametrize("name", DELIVERIES)
def test_what_never_came_is_counted_shown_and_public(city, name):
    delivered, missing = DELIVERIES[name]
    with added(city) as new:
        for first, count in delivered:
            assert deliver(city, first, count).refused == (), "nothing is refused for it"
    assert health(city).missing == missing
    assert city.vault.registry.totals().get("reads missing", 0) == missing
    assert sum(int(entry["missing"]) for entry in public(city, "reads-missing")) == missing
    assert set(new) <= {"reads-missing"}
    assert health(city, OTHER).missing == 0
    for _, body in bodies(city, "reads-missing"):
        assert body["camera_id"] == CAMERA
    check_city(city)


def test_a_batch_that_arrives_twice_at_once_is_counted_once(city):
    data = batch(city, 5, 2)
    threads = [threading.Thread(target=city.vault.intake.accept, args=(data,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert health(city).missing == 4
    assert [entry["missing"] for entry in public(city, "reads-missing")] == ["4"]


def test_every_outbox_of_every_camera_counts_for_itself(city):
    deliver(city, 1, 3)
    deliver(city, 1, 1, camera_id=OTHER)
    deliver(city, 1, 1, outbox="f" * 16)
    deliver(city, 4, 1)
    deliver(city, 7, 1, outbox="0" * 16)
    assert (health(city).missing, health(city, OTHER).missing) == (0, 0)


def test_many_outboxes_of_one_camera_are_forgotten(city):
    for number in range(module.MAX_OUTBOXES + 3):
        deliver(city, 1, 1, outbox=f"{number:016x}")
    assert len(city.vault.deliveries._cameras[CAMERA].last_numbers) == module.MAX_OUTBOXES


def test_a_gap_over_a_restart_is_seen(city):
    deliver(city, 1, 2)
    city.reopen()
    deliver(city, 3, 1)
    assert health(city).missing == 0
    city.reopen()
    deliver(city, 6, 1)
    assert health(city).missing == 2
    city.reopen()
    assert health(city).missing == 2


def test_after_a_crash_nothing_is_called_missing_that_came(city):
    deliver(city, 1, 2)
    deliver(city, 5, 1)
    city.reopen()
    deliver(city, 6, 2)
    crash(city)
    deliver(city, 8, 1)
    assert health(city).missing == 2, "what was known before is kept"
    deliver(city, 10, 1)
    assert health(city).missing == 3, "and from then on every gap is seen"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"cameras":{"court-16th":{}},"is_complete":true,"v":1}']
)
def test_a_damaged_file_is_forgotten(city, content):
    deliver(city, 1, 2)
    city.close()
    (city.root / "vault" / "deliveries.json").write_bytes(content)
    city.open()
    deliver(city, 9, 1)
    assert health(city).missing == 0


def test_the_file_says_that_a_vault_runs(city):
    path = city.root / "vault" / "deliveries.json"
    assert json.loads(path.read_bytes())["is_complete"] is False
    deliver(city, 1, 2)
    city.close()
    kept = json.loads(path.read_bytes())
    assert kept["is_complete"] is True
    assert kept["cameras"][CAMERA]["outboxes"] == [[OUTBOX, 2]]
    assert path.stat().st_mode & 0o777 == 0o600
    city.open()


def test_a_batch_that_is_not_durable_does_not_count(city):
    deliver(city, 1, 1)
    city.vault.store.append, append = _fail, city.vault.store.append
    with pytest.raises(OSError, match="full"):
        deliver(city, 2, 1)
    city.vault.store.append = append
    deliver(city, 2, 1)
    assert health(city).missing == 0


def _fail(*_):
    raise OSError("full")


@pytest.fixture
def small_share(city, monkeypatch):
    """One megabyte an hour: fifty reads."""
    monkeypatch.setattr(city.vault.deliveries, "_share", 1_000_000)
    for camera in (CAMERA, OTHER):
        city.vault.deliveries._camera(camera).room = 1_000_000.0
    return city


def test_a_camera_that_delivers_more_than_its_share_is_held_back(small_share):
    city = small_share
    deliver(city, 1, 49)
    deliver(city, 50, 20)
    with added(city) as new, pytest.raises(Refused, match="more than 1 MB an hour") as refusal:
        deliver(city, 70, 1)
    assert (refusal.value.rules, new) == (("camera-share",), ["camera-held-back"])
    with added(city) as new, pytest.raises(Refused):
        deliver(city, 70, 1)
    assert new == [], "recorded once an hour"
    assert deliver(city, 1, 1, camera_id=OTHER).accepted, "other cameras go on"
    (problem,) = city.vault.health.status().problems
    assert "(court-16th) delivers more than its share" in problem
    assert health(city).held_back_at == city.now()
    assert city.vault.registry.totals()["refusal:camera-share"] == 1
    city.clock.advance(timedelta(minutes=30))
    assert deliver(city, 70, 1).accepted, "the share fills again; nothing was lost"
    assert health(city).missing == 0
    city.clock.advance(timedelta(minutes=45))
    assert city.vault.health.status().healthy
    check_city(city)


def test_a_share_never_grows_beyond_an_hour(small_share):
    small_share.clock.advance(timedelta(hours=9))
    deliver(small_share, 1, 50)
    with pytest.raises(Refused):
        deliver(small_share, 51, 1)


def test_a_stranger_takes_no_room(small_share):
    good = batch(small_share, 1, 40)
    forged = seal.BatchSigner(CAMERA, seal.CameraKey.generate().private_key)
    room = small_share.vault.deliveries._camera(CAMERA).room
    reads = seal.verify_batch(good, {CAMERA: small_share.camera_keys[CAMERA].public_text}).reads
    with pytest.raises(Exception, match="not signed"):
        small_share.vault.intake.accept(forged.sign(1, reads))
    assert small_share.vault.deliveries._camera(CAMERA).room == room
