"""Forks: one child a seed, and in it one more that dies. Nothing is started anew, so a seed costs about half a second.

The parent imports everything once, makes the templates, and never opens a vault itself afterwards. A seed's child copies
its template, forks the victim, waits for its death, opens what is left and says what is broken.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import shutil
import signal
import traceback
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.copies import copy_of
from tests.support.torture.acts import ACTS, as_line, recovery
from tests.support.torture.checks import broken_promises, looked_at, wrapped_keys
from tests.support.torture.seam import KILLS, REFUSALS, Seam

from glassplate import vault as vault_module
from glassplate.errors import GlassplateError
from glassplate.store import SearchWorker
from glassplate.store.sealed_search import SealedSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.support.city import TestCity
    from tests.support.torture.acts import Act, Template
    from tests.support.torture.seam import Fault

SECONDS = 120  # for one child; a vault that hangs is a broken promise too
_WRITE = os.write
FAILURES = (GlassplateError, OSError)
"""What a disk that fails may become: our own error, or the system's, which every caller of the vault expects."""
WORKER_EVERY = 16
"""One seed in so many has the search in a process of its own, as a real vault has; that costs a start each time."""


@dataclass(frozen=True)
class Plan:
    """What one seed does. ``kills``: where each process dies, the second one while it recovers from the first."""

    seed: int
    act: str
    kills: tuple[tuple[Fault, int, int], ...]
    """(fault, point, microseconds)"""
    has_worker: bool
    length: int = 1
    """How many points fail, one after the other, where the disk fails."""
    file_bytes: int | None = None
    """RLIMIT_FSIZE: no file grows beyond it."""

    def words(self) -> str:
        """For a report."""
        if self.file_bytes is not None:
            return f"seed {self.seed}: {self.act}, no file may exceed {self.file_bytes:,} bytes"
        faults = ", then ".join(f"{fault} point {point:,}" for fault, point, _ in self.kills)
        if self.kills[0][0] in REFUSALS:
            return f"seed {self.seed}: {self.act}, {faults} and {self.length - 1} after it"
        return f"seed {self.seed}: {self.act}, killed {faults}"


@dataclass
class Verdict:
    """What became of one seed. ``at``: the call at which it died; empty where it ended before."""

    seed: int
    act: str
    words: str
    at: list[str] = field(default_factory=list)
    died: int = 0
    broken: list[str] = field(default_factory=list)


class Torture:
    """Templates in ``folder``, and how many points each act has."""

    def __init__(self, folder: Path, acts: Sequence[str] = tuple(ACTS), *, fails_disks: bool = False) -> None:
        vault_module.SearchWorker = SealedSearch  # type: ignore[misc, assignment]
        self._folder = folder
        self._acts = tuple(acts)
        self._fails_disks = fails_disks
        self.templates: dict[str, Template] = {}
        self.points: dict[str, int] = {}
        for act in self._acts:
            self.templates[act] = ACTS[act][0](folder / f"template-{act}")
        gc.collect()
        for act in self._acts:
            self.points[act] = self._count(act)

    def plan(self, seed: int) -> Plan:
        """The same for the same seed: which act, and where it is killed, or where its disk fails."""
        chance = random.Random(seed)
        act = self._acts[seed % len(self._acts)]
        if self._fails_disks:
            fault, point = chance.choice(REFUSALS), int(chance.random() * self.points[act])
            limit = int(2 ** chance.uniform(10, 18.5)) if chance.random() < 0.3 else None
            return Plan(seed, act, ((fault, point, 0),), False, chance.choice((1, 1, 2, 5, 40)), limit)
        times = 1 if chance.random() < 0.75 else 2
        kills = tuple(
            (
                chance.choice(KILLS),
                int(chance.random() * self.points[act] * (0.4 if number else 1)),
                chance.choice((20, 100, 400, 1500)),
            )
            for number in range(times)
        )
        return Plan(seed, act, kills, seed % WORKER_EVERY == WORKER_EVERY - 1)

    def run(self, seeds: Sequence[int], at_once: int) -> Iterator[Verdict]:
        """The verdict of each seed, as they come."""
        waiting, running = list(reversed(seeds)), dict[int, tuple[int, int]]()
        while waiting or running:
            while waiting and len(running) < at_once:
                seed = waiting.pop()
                running.update([self._started(lambda seed=seed: asdict(self._verdict(seed)), seed)])
            child = _any_of(running)
            seed, reading = running.pop(child)
            data = _all_of(reading)
            os.waitpid(child, 0)
            plan = self.plan(seed)
            if data:
                yield Verdict(**json.loads(data))
            else:
                yield Verdict(seed, plan.act, plan.words(), broken=["the check itself died or took too long"])

    def _started(self, act: Callable[[], Any], seed: int) -> tuple[int, tuple[int, int]]:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            signal.alarm(SECONDS)
            try:
                result = json.dumps(act()).encode()
            except BaseException:  # noqa: BLE001 - said, by whatever it was
                plan = self.plan(seed)
                broken = [traceback.format_exc(limit=-6)]
                result = json.dumps(asdict(Verdict(seed, plan.act, plan.words(), broken=broken))).encode()
            _write_all(writing, result)
            os._exit(0)
        os.close(writing)
        return child, (seed, reading)

    def _verdict(self, seed: int) -> Verdict:
        plan = self.plan(seed)
        verdict = Verdict(seed, plan.act, plan.words())
        template = self.templates[plan.act]
        root = self._folder / f"seed-{seed}"
        city = copy_of(template.city, root)
        if plan.has_worker:
            vault_module.SearchWorker = SearchWorker  # the parent put it aside
        wrapped = wrapped_keys(city.folder.vault)
        told: list[tuple[str, Any]] = []
        for number, (fault, point, microseconds) in enumerate(plan.kills):
            seam = Seam(city.root, fault, point, plan.length, microseconds, file_bytes=plan.file_bytes)
            act = recovery if number else ACTS[plan.act][1]
            new, was_killed = self._victim(city, template, seam, act)
            verdict.at += seam_told(new) if was_killed or self._fails_disks else []
            city.clock.advance(
                timedelta(seconds=max((value for kind, value in new if kind == "clock"), default=0))
            )
            verdict.died += was_killed or (self._fails_disks and bool(seam_told(new)))
            told += new
            verdict.broken += [f"the victim failed: {value}" for kind, value in new if kind == "failed"]
            for epoch_id, found in wrapped_keys(city.folder.vault).items():
                wrapped.setdefault(epoch_id, set()).update(found)
        left = looked_at(city, wrapped, told)
        ends = template.city.clock.wall() + template.lasts
        try:
            city.open()
        except GlassplateError as error:
            verdict.broken.append(f"the vault does not start: {error}")
        else:
            city.vault.advance_demo_clock(ends)
            verdict.broken += broken_promises(city, template, left)
            city.close()
        shutil.rmtree(root)
        return verdict

    def _victim(
        self, city: TestCity, template: Template, seam: Seam, act: Act
    ) -> tuple[list[tuple[str, Any]], bool]:
        """What it told, and whether it died of the kill."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            signal.alarm(SECONDS)
            _act_and_die(city, template, seam, act, writing)
        os.close(writing)
        lines = _all_of(reading).split(b"\n")[:-1]
        _, status = os.waitpid(child, 0)
        return [tuple(json.loads(line)) for line in lines], os.WIFSIGNALED(status)

    def _count(self, act: str) -> int:
        template = self.templates[act]
        root = self._folder / f"count-{act}"
        told, _ = self._victim(copy_of(template.city, root), template, Seam(root), ACTS[act][1])
        shutil.rmtree(root)
        if failed := [value for kind, value in told if kind == "failed"]:
            raise RuntimeError(f"{act} fails when nobody disturbs it: {failed[0]}")
        return int(next(value for kind, value in told if kind == "points"))


def _act_and_die(city: TestCity, template: Template, seam: Seam, act: Act, writing: int) -> None:
    begun = city.clock.wall()

    def tell(kind: str, value: Any) -> None:
        _write_all(writing, as_line(kind, value))

    def tell_where() -> None:
        tell("at", seam.at)
        tell("clock", (city.clock.wall() - begun).total_seconds())

    seam.on_fault = tell_where
    seam.install()
    try:
        with contextlib.suppress(*(FAILURES if seam.fails_disk else ())):
            act(city, template, tell)
        tell("points", seam.count)
        tell("clock", (city.clock.wall() - begun).total_seconds())
    except BaseException:  # noqa: BLE001 - said, by whatever it was
        tell("failed", traceback.format_exc(limit=-6))
    os._exit(0)


def seam_told(told: list[tuple[str, Any]]) -> list[str]:
    """The calls at which faults began."""
    return [value for kind, value in told if kind == "at"]


def _any_of(running: dict[int, tuple[int, int]]) -> int:
    """A child that has said everything; its pipe is at its end when it has ended."""
    by_pipe = {reading: child for child, (_, reading) in running.items()}
    ready, _, _ = select.select(list(by_pipe), [], [])
    return by_pipe[ready[0]]


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[_WRITE(descriptor, data) :]


def _all_of(descriptor: int) -> bytes:
    data = b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
    os.close(descriptor)
    return data
