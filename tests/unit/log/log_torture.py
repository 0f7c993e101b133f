"""A log with witnesses, killed by SIGKILL at a seeded step, and what must be true afterwards.

    python log_torture.py [--seeds 1000] [--seed N] [--folder FOLDER] [--plant NAME]

Each seed is a new log of one to three lives. A life is a forked process that opens the log (or creates it),
appends, publishes and asks three witnesses of which one may be down; it dies at the n-th time that it comes to
one of ``log_dying.POINTS``. This process is the witnesses and the readers: it keeps every acknowledgment, and every
checkpoint that was ever signed, shown to a witness or published. After the last death:

 * every acknowledged entry is at its index, no entry is there twice, none that nobody wrote;
 * every checkpoint ever seen lies on the way to the log's present tree;
 * no witness ever refused one as another history, and all of them cosign the next;
 * a copy of the folders from before that next one asks the witnesses first, and signs nothing.

A kill leaves the page cache whole, so memory (/dev/shm) shows as much as a disk, and faster; what a power cut takes
is not shown here. ``--plant`` makes the log wrong on purpose, so that the checks can be seen to fail.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from log_dying import PLANTS, POINTS, Death, DyingFiles
from log_testing import SIGNER, check_log, create, folders, record, reopen
from log_world import MOST_MESSAGE_BYTES, Line, LineWeb, World, witness, witness_client

from glassplate.errors import LogUnavailable
from glassplate.log import (
    ForkFound,
    open_checkpoint,
)

if TYPE_CHECKING:
    from glassplate.files import LocalFiles

MEMORY = Path("/dev/shm")
ROUNDS = 80
BATCHES = (1, 2, 3, 17, 120, 256)
LIFE, LANE = 1_000_000, 500_000  # numbers of entries: no two lives or threads write the same one


def run_seed(seed: int, folder: Path, plant: str | None = None) -> tuple[list[str], list[str]]:
    """(where its lives ended, what was wrong)."""
    chance = random.Random(seed)
    witnesses = {f"w{n}": witness(folder / f"w{n}", n) for n in (1, 2, 3)}
    world = World(folder / "log", witnesses, chance.choice([None, None, *witnesses]))
    points = list(POINTS)
    deaths = []
    for life in range(chance.choice((1, 1, 2, 3))):
        # The first deaths of a thousand seeds fall on all points alike; later ones often on the recovery itself.
        point = points[seed % len(points)] if not life else chance.choice(points)
        death = Death(point, chance.randint(1, POINTS[point]))
        status = _live(world, lambda line, d=death, n=life: _work(line, world.base, d, seed, n, plant))
        world.look()
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            world.faults.append(f"life {life + 1} did not come to its death ({death.point})")
            break
        deaths.append(death.point)
    if not world.faults:
        world.down = world.down if seed % 2 else None
        status = _live(world, lambda line: _check(line, world, folder / "copy"))
        if status:
            world.faults.append(f"the check ended with {status}")
    for one in witnesses.values():
        one.close()
    return deaths, world.faults


def _live(world: World, act) -> int:
    """Fork; the child does ``act``, this process answers it until it is gone. Its wait status."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if not child:
        ours.close()
        line = Line(theirs)
        try:
            act(line)
        except BaseException:  # noqa: BLE001 - a fork of the harness must never go on as the harness
            line.tell("fault", traceback.format_exc()[-4000:])
        os._exit(0)
    theirs.close()
    while True:
        try:
            message = ours.recv(MOST_MESSAGE_BYTES)
        except ConnectionResetError:
            continue  # it died with an answer unread; what it sent before is still to come
        if not message:
            break
        answer = world.hear(*json.loads(message))
        if answer is not None:
            with contextlib.suppress(ConnectionError):
                ours.send(json.dumps(answer).encode())
    ours.close()
    return os.waitpid(child, 0)[1]


def _work(line: Line, base: Path, death: Death, seed: int, life: int, plant: str | None) -> None:
    """One life: everything that a log does, until it dies."""
    chance = random.Random(f"{seed}/{life}")
    files = DyingFiles(death, plant)
    log = _open_or_create(base, files)
    log.use_witnesses(witness_client(LineWeb(line, death)), after_restore=bool(life))
    number = life * LIFE

    def append(number: int, count: int) -> int:
        if plant == PLANTS[0]:
            line.tell("ack", list(range(log.size, log.size + count)), number)
            log.append([record(number + i) for i in range(count)])
            return number + count
        appended = log.append([record(number + i) for i in range(count)])
        death.at("before the acknowledgment")
        line.tell("ack", [one.index for one in appended], number)
        return number + count

    def append_beside() -> None:
        mine = life * LIFE + LANE
        for _ in range(ROUNDS):
            mine = append(mine, 3)
            time.sleep(0.002)

    if chance.random() < 0.5 and plant != PLANTS[0]:
        threading.Thread(target=append_beside, daemon=True).start()
    for _ in range(ROUNDS):
        number = append(number, chance.choice(BATCHES))
        if chance.random() < 0.8:
            log.publish()


def _check(line: Line, world: World, copy: Path) -> None:
    """After the last death, in a process of its own: opens, compares, goes on, and tries an old copy."""
    alive = Death("", 0)
    shutil.copytree(world.base, copy)
    log = _open_or_create(world.base)
    client = witness_client(LineWeb(line, alive))
    log.use_witnesses(client, after_restore=True)
    _compare(log, world)
    before = log.size
    log.append([record(9 * LIFE + i) for i in range(2)])
    log.publish()
    assert log.published_size == log.size == before + 2
    assert log.is_cosigned
    _compare(log, world)
    log.close()
    old = _open_or_create(copy)
    signed = (folders(copy)[0] / ".pending").read_bytes()
    with pytest.raises(ForkFound):
        old.use_witnesses(client, after_restore=True)
    for act in (lambda: old.append([record(0)]), old.publish):
        with pytest.raises(LogUnavailable):
            act()
    assert (folders(copy)[0] / ".pending").read_bytes() == signed
    assert open_checkpoint(signed, SIGNER.verifier).size == old.published_size <= before
    old.close()


def _compare(log, world: World) -> None:
    check_log(log, world.base, world.acknowledged, list(world.seen))
    numbers = [int(log.record(index).leaf.removeprefix(b"entry ")) for index in range(log.size)]
    assert len(set(numbers)) == len(numbers), "an entry is there twice"
    for index, number in enumerate(numbers):
        body = log.record(index)
        assert body == record(number), "an entry that nobody wrote"


def _open_or_create(base: Path, files: LocalFiles | None = None):
    return (reopen if (folders(base)[0] / "journal").exists() else create)(base, files)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a log with witnesses at seeded steps.")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds, from 0")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--folder", type=Path, help="where the logs lie for their time (in memory)")
    parser.add_argument("--plant", choices=PLANTS, help="make the log wrong on purpose")
    options = parser.parse_args()
    seeds = range(options.seeds) if options.seed is None else [options.seed]
    folder = options.folder or (MEMORY if MEMORY.is_dir() else None)
    killed, wrong, began = collections.Counter(), 0, time.monotonic()
    for done, seed in enumerate(seeds, start=1):
        with tempfile.TemporaryDirectory(prefix="glassplate-torture-", dir=folder) as base:
            deaths, faults = run_seed(seed, Path(base), options.plant)
        killed.update(deaths)
        if faults:
            wrong += 1
            sys.stdout.write(f"\nSeed {seed}, killed at {deaths}:\n" + "\n".join(faults) + "\n")
        if sys.stderr.isatty() or done % 100 == 0:
            sys.stderr.write(f"\r{done} of {len(seeds)} seeds, {killed.total()} kills, {wrong} wrong")
            sys.stderr.flush()
    sys.stderr.write("\n")
    for point, count in sorted(killed.items()):
        sys.stdout.write(f"{count:6}  {point}\n")
    seconds = time.monotonic() - began
    sys.stdout.write(f"{len(seeds)} seeds, {killed.total()} kills, {wrong} wrong, {seconds:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
