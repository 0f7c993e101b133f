"""A hundred cameras for an hour: nothing that was acknowledged is lost, and wanted plates are matched at once.

    make soak [MINUTES=60] [SECONDS=N]

17 reads/s on average: each camera a read now and then, and now and then 2,000 reads within one second. Sealed, signed
batches go through a real vault on this machine's clock, with a million wanted plates; one read in a hundred carries a
plate that is armed in the registry. In the end every acknowledged id is asked of the store, opened again after a restart, and
every armed plate that passed must have its alert. Writes ``build/soak.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench_store.figures import load, percentiles
from bench_store.lanes import CAMERA_IDS, WANTED_PLATES, Lanes, made_city, watch_for_wanted
from bench_store.made_reads import plate_reads
from bench_store.progress import progress
from bench_store.workload import Workload
from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError
from glassplate.keys import SystemClock
from machine import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.city import TestCity

    from glassplate.records import PlateRead

OUT = Path("build/soak.json")
MEAN_A_SECOND, BURST, BURST_SHARE = 17, 2_000, 0.4
ARMED = tuple(f"7WNT{number:03}" for number in range(100))
ARMED_SHARE = 0.01
ARMED_REGION = "US-CA"
LANES = 4
AHEAD_SECONDS = 3.0
DUTIES_SECONDS = 10.0
FIND_AT_ONCE = 1_000
BAR_P95_MS = 500.0


@dataclass
class Seen:
    """What became of the deliveries. ``sent_late``: those that the cameras' side itself had ready too late."""

    sent: int = 0
    sent_late: int = 0
    acknowledged: list[str] = field(default_factory=list)
    armed: list[tuple[str, str]] = field(default_factory=list)
    refused: int = 0
    milliseconds: list[float] = field(default_factory=list)
    burst_milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def main() -> int:
    """Run, check, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--wanted", type=int, default=WANTED_PLATES, help="wanted plates in memory")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = soaked(Path(folder), asked.seconds, asked.wanted)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n")
    print(OUT.read_text(), end="")
    return 0 if result["passed"] else 1


def soaked(folder: Path, seconds: int, wanted: int) -> dict[str, Any]:
    """The result; ``passed`` only with everything answered, nothing lost, no alert missing and the percentile below the bar.

    A delay counts from when a batch was due: where the machine has no time to make the batches (``batches_sent_late``), the
    percentile says more of the machine than of the vault.
    """
    city = _city_on_the_clock(folder / "city", wanted)
    seen = Seen()
    began, at = time.perf_counter() + AHEAD_SECONDS, datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS)
    traffic = Traffic(Lanes(city), seconds, began, at)
    work: queue.Queue[Delivery | None] = queue.Queue()
    is_over = threading.Event()
    threads = [threading.Thread(target=_deliver, args=(city, work, seen)) for _ in range(LANES)]
    duties = threading.Thread(target=_do_duties, args=(city, is_over, seen))
    for thread in (*threads, duties):
        thread.start()
    try:
        _send(traffic, work, seconds, began, seen)
    finally:
        is_over.set()
        for _ in threads:
            work.put(None)
        for thread in (*threads, duties):
            thread.join()
    spent = time.perf_counter() - began
    lost, missing = _checked(city, seen)
    unanswered = seen.sent - len(seen.acknowledged) - seen.refused
    p50, p95 = percentiles(seen.milliseconds)
    return {
        "machine": machine(),
        "cores": os.cpu_count(),
        "load": load(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(spent, 1),
        "cameras": len(CAMERA_IDS),
        "wanted_plates": wanted,
        "reads": len(seen.acknowledged),
        "reads_per_second": round(len(seen.acknowledged) / spent, 1),
        "bursts": len(burst_seconds(seconds)),
        "matched_p50_ms": p50,
        "matched_p95_ms": p95,
        "matched_max_ms": round(max(seen.milliseconds, default=0.0), 1),
        "matched_p95_in_bursts_ms": percentiles(seen.burst_milliseconds)[1],
        "refused": seen.refused,
        "failures": seen.failures[:5],
        "batches_sent_late": seen.sent_late,
        "unanswered": unanswered,
        "lost": lost,
        "armed_plates_seen": len(seen.armed),
        "alerts_missing": missing,
        "passed": not (lost or missing or unanswered or seen.refused or seen.failures) and p95 <= BAR_P95_MS,
    }


def _send(
    traffic: Traffic, work: queue.Queue[Delivery | None], seconds: int, began: float, seen: Seen
) -> None:
    """Seal each second's batches a little ahead, as the lanes of a hundred machines would have."""
    with progress() as bar:
        task = bar.add_task("soaking", total=seconds)
        for second in range(seconds):
            time.sleep(max(0.0, began + second - AHEAD_SECONDS - time.perf_counter()))
            for delivery in traffic.second(second):
                seen.sent += len(delivery.reads)
                seen.sent_late += delivery.due < time.perf_counter()
                work.put(delivery)
            bar.advance(task)


def burst_seconds(seconds: int) -> tuple[int, ...]:
    """When bursts come: as many as make ``BURST_SHARE`` of the mean, evenly, at least one."""
    count = max(1, round(seconds * MEAN_A_SECOND * BURST_SHARE / BURST))
    return tuple(int(seconds * (number + 0.5) / count) for number in range(count))


def _city_on_the_clock(folder: Path, wanted: int) -> TestCity:
    """A city that lives in the real time; its armed plates are in the registry."""
    city = made_city(folder, datetime.now(UTC).replace(microsecond=0))
    city.close()
    city.clock = SystemClock()  # type: ignore[assignment]
    city.open()
    supervisor = city.sign_in("r.alvarez")
    rows = [
        {
            "plate": plate,
            "region": ARMED_REGION,
            "category": "stolen_vehicle",
            "reason": "soak",
            "expires_at": (city.now() + timedelta(days=30)).isoformat(),
        }
        for plate in ARMED
    ]
    imported = city.vault.alerts.import_hotlist(supervisor, rows, "Soak list")
    if imported.armed != len(ARMED):
        raise SystemExit(f"Only {imported.armed} of {len(ARMED)} plates were armed: {imported.dropped}")
    watch_for_wanted(city, wanted)
    city.vault.registry.hot_plates.add(ARMED)
    return city


@dataclass(frozen=True)
class Delivery:
    """A batch and when its camera sends it: ``due`` is a reading of ``perf_counter``."""

    data: bytes
    reads: list[PlateRead]
    due: float
    is_burst: bool


class Traffic:
    """What the cameras send, second by second."""

    def __init__(self, lanes: Lanes, seconds: int, began: float, at: datetime) -> None:
        self._lanes = lanes
        self._began, self._at = began, at
        self._bursts = frozenset(burst_seconds(seconds))
        self._chance = np.random.default_rng(7)
        steady = max(1.0, MEAN_A_SECOND - len(self._bursts) * BURST / seconds)
        self._counts = self._chance.poisson(steady, seconds)
        rows = int(self._counts.sum()) + BURST * len(self._bursts)
        self._rows = Workload(rows, Path()).made(0, rows)
        self._next = 0

    def second(self, number: int) -> Iterator[Delivery]:
        """The deliveries of one second, in order, sealed now."""
        count = int(self._counts[number])
        cameras = self._chance.integers(0, len(CAMERA_IDS), count).tolist()
        planned = [(camera, 1, moment) for camera, moment in zip(cameras, self._moments(count), strict=True)]
        if number in self._bursts:
            each = BURST // len(CAMERA_IDS)
            moments = self._moments(len(CAMERA_IDS))
            planned += [(camera, each, moment) for camera, moment in enumerate(moments)]
        for camera, reads, moment in sorted(planned, key=lambda one: one[2]):
            yield self._delivery(CAMERA_IDS[camera], reads, number + moment, is_burst=number in self._bursts)

    def _moments(self, count: int) -> list[float]:
        return sorted(self._chance.random(count).tolist())

    def _delivery(self, camera_id: str, count: int, second: float, *, is_burst: bool) -> Delivery:
        rows = self._rows[self._next : self._next + count]
        self._next += count
        at = self._at + timedelta(seconds=second)
        reads = [
            replace(read, captured_at=at - timedelta(milliseconds=10 * (count - number)))
            for number, read in enumerate(plate_reads(rows, (camera_id,)))
        ]
        if self._chance.random() < ARMED_SHARE * count:
            plate = str(self._chance.choice(ARMED))
            sure = (0.99,) * len(plate)
            reads[0] = replace(
                reads[0],
                text=plate,
                character_confidences=sure,
                alternatives=(),
                region=ARMED_REGION,
                region_confidence=0.99,
            )
        return Delivery(self._lanes.batch(reads), reads, self._began + second, is_burst)


def _deliver(city: TestCity, work: queue.Queue[Delivery | None], seen: Seen) -> None:
    """One thread of the vault's socket: a batch as soon as it is due. From due to matched is what counts."""
    while (delivery := work.get()) is not None:
        time.sleep(max(0.0, delivery.due - time.perf_counter()))
        try:
            outcome = city.vault.intake.accept(delivery.data)
        except GlassplateError as error:
            seen.failures.append(str(error))
            continue
        spent = (time.perf_counter() - delivery.due) * 1000
        seen.acknowledged.extend(outcome.accepted)
        seen.refused += len(outcome.refused)
        seen.armed.extend((read.read_id, read.text) for read in delivery.reads if read.text in ARMED)
        times = len(delivery.reads)
        seen.milliseconds.extend([spent] * times)
        if delivery.is_burst:
            seen.burst_milliseconds.extend([spent] * times)


def _do_duties(city: TestCity, is_over: threading.Event, seen: Seen) -> None:
    """What a vault does beside: publish, close epochs, keep the time."""
    while not is_over.wait(DUTIES_SECONDS):
        try:
            city.vault.duties()
        except GlassplateError as error:
            seen.failures.append(f"duties: {error}")


def _checked(city: TestCity, seen: Seen) -> tuple[int, int]:
    """(acknowledged reads that a vault opened anew does not find, armed plates without an alert)."""
    city.reopen()
    vault = city.vault
    keys = {
        record.epoch.epoch_id: vault.keyring.secret(record.epoch.epoch_id).segment_key(0)
        for record in vault.keyring.records()
        if record.is_alive
    }
    lost = 0
    for start in range(0, len(seen.acknowledged), FIND_AT_ONCE):
        ids = seen.acknowledged[start : start + FIND_AT_ONCE]
        found = {stored.read.read_id for stored in vault.store.get(ids, keys)}
        lost += len(set(ids) - found)
    now = city.now()
    missing = 0
    entries = {plate: vault.registry.hotlist_entries(plate, now) for plate in ARMED}
    for read_id, plate in seen.armed:
        alerts = (sha256_hex(f"{read_id}:{entry.entry_id}".encode())[:16] for entry in entries[plate])
        missing += not any(vault.registry.alert(alert_id) for alert_id in alerts)
    city.close()
    return lost, missing


if __name__ == "__main__":
    sys.exit(main())
