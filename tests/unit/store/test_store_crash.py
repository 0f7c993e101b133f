"""SIGKILL at seeded moments: every acknowledged read is there afterwards, once; sealing can go on."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from store_testing import DAY, KEYS, numbers, query, stored

from glassplate.files import LocalFiles
from glassplate.store import SqlcipherStore

APPEND_KILLS, SEAL_KILLS = 14, 10
LONGEST_MS = 60


def in_child(folder, acknowledged, act):
    """Run ``act(store, tell)`` in a child until it is killed; ``tell`` makes a number known to the parent."""
    child = os.fork()
    if child:
        return child
    try:
        act(SqlcipherStore(folder, LocalFiles()), lambda n: os.write(acknowledged, n.to_bytes(4, "big")))
    finally:
        os._exit(0)


def killed_after(folder, act, milliseconds):
    """Numbers that the child told before it was killed."""
    reading, writing = os.pipe()
    child = in_child(folder, writing, act)
    os.close(writing)
    time.sleep(milliseconds / 1000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b"".join(iter(lambda: os.read(reading, 65536), b""))
    os.close(reading)
    return [int.from_bytes(told[i : i + 4], "big") for i in range(0, len(told) - 3, 4)]


def survivors(folder):
    store = SqlcipherStore(folder, LocalFiles())
    there = numbers(store.search(query("7QXO418", limit=1_000_000), KEYS))
    store.close()
    assert len(there) == len(set(there))
    return set(there)


@pytest.mark.filterwarnings("ignore:This process")  # the child of a fork only uses what it opened itself
def test_killed_while_appending(tmp_path):
    random_times = random.Random(20261125)
    folder, acknowledged, first = tmp_path / "store", set(), 0
    for _ in range(APPEND_KILLS):

        def append(store, tell, first=first):
            for n in range(first, first + 10_000, 5):
                store.append(DAY, KEYS[DAY], [stored(m) for m in range(n, n + 5)])
                tell(n)

        told = killed_after(folder, append, random_times.uniform(5, LONGEST_MS))
        acknowledged |= {m for n in told for m in range(n, n + 5)}
        there = survivors(folder)
        assert acknowledged <= there
        assert all(m in there for n in there for m in range(n - n % 5, n - n % 5 + 5)), (
            "a batch is whole or absent"
        )
        first += 10_000
    assert len(acknowledged) > APPEND_KILLS


@pytest.mark.filterwarnings("ignore:This process")
def test_killed_while_sealing(tmp_path):
    random_times = random.Random(7)
    outcomes = set()
    for kill in range(SEAL_KILLS):
        folder = tmp_path / f"store{kill}"
        store = SqlcipherStore(folder, LocalFiles())
        store.append(DAY, KEYS[DAY], [stored(n) for n in range(800)])
        store.close()

        def seal(store, tell):
            tell(store.seal_epoch(DAY, KEYS[DAY]).count)
            store.drop_hot(DAY)

        told = killed_after(folder, seal, random_times.uniform(1, LONGEST_MS))
        names = {path.name for path in folder.iterdir()}
        outcomes.add((bool(told), f"{DAY}.0.sealed" in names, f"{DAY}.0.hot" in names))
        assert survivors(folder) == set(range(800))
        again = SqlcipherStore(folder, LocalFiles())
        assert not [path for path in folder.iterdir() if path.name.endswith("tmp")]
        summary = again.seal_epoch(DAY, KEYS[DAY])
        assert summary is None or summary.count == 800
        assert again.drop_hot(DAY)
        again.close()
        assert [path.name for path in folder.iterdir()] == [f"{DAY}.0.sealed"]
        assert survivors(folder) == set(range(800))
    assert len(outcomes) > 1, "every kill came at the same moment: choose other times"
