"""SIGKILL at seeded moments: every acknowledged read is there afterwards, once; sealing can go on."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from store_testing import DAY, KEYS, numbers, query, stored
from tests.support.torture.seam import KILLS, Seam

from glassplate.files import LocalFiles
from glassplate.store import SqlcipherStore

APPEND_KILLS, SEAL_KILLS = 14, 10
BATCH = 5

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process"
)  # a fork's child uses only what it opened itself


def started(folder, act):
    """A child that runs ``act(store, tell)``, and where the numbers that it tells can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            act(SqlcipherStore(folder, LocalFiles()), lambda n: os.write(writing, n.to_bytes(4, "big")))
        finally:
            os._exit(0)
    os.close(writing)
    return child, reading


def told_until_the_end(child, reading):
    os.waitpid(child, 0)
    told = b"".join(iter(lambda: os.read(reading, 65536), b""))
    os.close(reading)
    return [int.from_bytes(told[i : i + 4], "big") for i in range(0, len(told) - 3, 4)]


def duration_of(folder, act):
    """Seconds that ``act`` takes here and now when nobody kills it."""
    begun = time.monotonic()
    assert told_until_the_end(*started(folder, act))
    return time.monotonic() - begun


def killed_after(folder, act, seconds):
    """Numbers that the child told before it was killed."""
    child, reading = started(folder, act)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return told_until_the_end(child, reading)


def survivors(folder):
    store = SqlcipherStore(folder, LocalFiles())
    there = numbers(store.search(query("7QXO418", limit=1_000_000), KEYS))
    store.close()
    assert len(there) == len(set(there))
    return set(there)


def appending(first, batches):
    def append(store, tell):
        for n in range(first, first + batches * BATCH, BATCH):
            store.append(DAY, KEYS[DAY], [stored(m) for m in range(n, n + BATCH)])
            tell(n)

    return append


def test_killed_while_appending(tmp_path):
    moments = random.Random(20261125)
    usual = duration_of(tmp_path / "measured", appending(0, 20))
    folder, acknowledged = tmp_path / "store", set()
    for kill in range(APPEND_KILLS):
        told = killed_after(folder, appending(kill * 10_000, 2_000), usual * moments.uniform(0.1, 1.5))
        acknowledged |= {m for n in told for m in range(n, n + BATCH)}
        there = survivors(folder)
        assert acknowledged <= there
        assert all(n - n % BATCH + i in there for n in there for i in range(BATCH)), (
            "a batch is whole or absent"
        )
    assert acknowledged


def sealing(store, tell):
    tell(store.seal_epoch(DAY, KEYS[DAY]).count)
    store.drop_hot(DAY)


def filled(folder):
    store = SqlcipherStore(folder, LocalFiles())
    store.append(DAY, KEYS[DAY], [stored(n) for n in range(800)])
    store.close()
    return folder


def sealed_under(seam):
    """What a child told that sealed with this seam between it and the disk, and the points that it came past."""
    counted, counting = os.pipe()

    def seal(_store, tell):
        seam.install()
        sealing(SqlcipherStore(seam.root, LocalFiles()), tell)
        os.write(counting, seam.count.to_bytes(4, "big"))

    told = told_until_the_end(*started(seam.root, seal))
    os.close(counting)
    with os.fdopen(counted, "rb") as count:
        return told, int.from_bytes(count.read(), "big")


def test_killed_while_sealing(tmp_path):
    """At seeded points between process and disk, spread over the whole act; the last one is always among them."""
    moments = random.Random(7)
    _, points = sealed_under(Seam(filled(tmp_path / "measured")))
    part = points / SEAL_KILLS
    chosen = [int(part * (kill + moments.random())) for kill in range(SEAL_KILLS - 1)] + [points - 1]
    outcomes = set()
    for kill, point in enumerate(chosen):
        folder = filled(tmp_path / f"store{kill}")
        told, after = sealed_under(Seam(folder, moments.choice(KILLS), point, microseconds=200))
        assert not after, "it was not killed"
        names = {path.name for path in folder.iterdir()}
        outcomes.add((bool(told), f"{DAY}.0.sealed" in names, f"{DAY}.0.hot" in names))
        assert survivors(folder) == set(range(800))
        again = SqlcipherStore(folder, LocalFiles())
        assert not [path for path in folder.iterdir() if path.name.endswith("tmp")]
        summary = again.seal_epoch(DAY, KEYS[DAY])
        assert summary is None or summary.count == 800
        assert again.drop_hot(DAY)
        again.close()
        assert sorted(path.name for path in folder.iterdir()) == [f"{DAY}.0.images", f"{DAY}.0.sealed"]
        assert survivors(folder) == set(range(800))
    assert {told for told, _, _ in outcomes} == {False, True}, "every kill came at the same moment"
