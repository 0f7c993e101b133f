"""What a read costs on its way into the vault, stage by stage, as ratios to opening one HPKE envelope.

    python tools/bench_intake.py [--batches 60] [--crop 20000] [--plates 1000000] [--threads 2]

A real vault, batches of 250 sealed reads with ``--crop`` bytes of sealed crop each, wanted plates in memory, near matches
allowed. CPU seconds of this process and of its opening worker (a busy machine does not matter), and the wall clock of the
whole walk with ``--threads`` lanes at once, and beside a thread that never rests, as a search can be. A commit is
``Store.append``. Writes ``build/bench-intake.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.city import make_city, plate_read, some_crop

from bench_hotlist import made_plate, made_read
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.near_match import wanted_plates
from glassplate.registry.hot_plates import HotPlates
from glassplate.seal import MAX_BATCH_READS, BatchSigner, ReadOpener, verify_batch
from glassplate.seal.envelope import EnvelopePlace, open_envelope
from glassplate.vault_process import take_short_turns
from machine import machine
from timed_store import TimedStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.support.city import TestCity

    from glassplate.records import PlateRead

CAMERA = "court-16th"
CROP_BYTES = 20_000
OUT = Path("build/bench-intake.json")


def main() -> None:
    """Print and write the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--plates", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--crop", type=int, default=CROP_BYTES)
    asked = parser.parse_args()
    chance = random.Random(1)  # noqa: S311 - the same reads every time
    take_short_turns()  # as a vault does
    with tempfile.TemporaryDirectory() as folder:
        city = make_city(Path(folder) / "city", alert_on_near_match=True)
        city.vault.registry.hot_plates = HotPlates(made_plate(chance) for _ in range(asked.plates))
        batches = _batches(city, asked.batches, asked.crop, chance)
        microseconds = _stages(city, batches[0])
        third = len(batches) // 3
        alone = _walk(city, batches[:third], 1)
        together = _walk(city, batches[third : 2 * third], asked.threads)
        beside = _walk(city, batches[2 * third :], asked.threads, beside_a_busy_thread=True)
        microseconds["write"], microseconds["whole walk"] = alone.write_microseconds, alone.cpu_microseconds
        microseconds["opening worker, beside it"] = together.worker_microseconds
        city.close()
    one = microseconds["one HPKE envelope"]
    result = {
        "machine": machine(),
        "plates": asked.plates,
        "cpu_microseconds_a_read": {name: round(value, 1) for name, value in microseconds.items()},
        "ratio_to_one_hpke_open": {name: round(value / one, 2) for name, value in microseconds.items()},
        "walks": {
            "1 lane": alone.figures(),
            f"{asked.threads} lanes": together.figures(),
            f"{asked.threads} lanes beside a busy thread": beside.figures(),
        },
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n")
    print(OUT.read_text(), end="")


def _batches(city: TestCity, count: int, crop_bytes: int, chance: random.Random) -> list[bytes]:
    key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    sealer = open_bundle(city.vault.bundle(), key)
    signer = BatchSigner(CAMERA, city.camera_keys[CAMERA].private_key)
    first_at = city.now() - timedelta(minutes=5)
    batches = []
    for number in range(count):
        at = first_at + timedelta(seconds=number)
        reads = [_read(made_read(chance), at + timedelta(milliseconds=n)) for n in range(MAX_BATCH_READS)]
        sealed = [
            replace(sealer.seal(read, some_crop()), crop=secrets.token_bytes(crop_bytes)) for read in reads
        ]
        batches.append(signer.sign(number * MAX_BATCH_READS, sealed))
    return batches


def _read(doubting: PlateRead, at: datetime) -> PlateRead:
    """A read of this city with the text and doubts of ``doubting``, of an unknown region."""
    read = plate_read(doubting.text, CAMERA, at)
    confidences = tuple(round(one, 3) for one in doubting.character_confidences)
    return replace(read, character_confidences=confidences, alternatives=doubting.alternatives)


def _stages(city: TestCity, data: bytes) -> dict[str, float]:
    """CPU microseconds a read, each stage alone."""
    charter = city.vault.mandate.last().verified.charter
    listed = {camera.id: camera.public_key for camera in charter.cameras}
    batch = verify_batch(data, listed)
    key = city.vault.keyring.secret(batch.reads[0].epoch_id).read_private_key()
    opener = ReadOpener(key, agency_id=charter.agency.id)
    opened = [opener.open(sealed, camera_id=CAMERA) for sealed in batch.reads]
    places = [
        EnvelopePlace("read", charter.agency.id, s.epoch_id, CAMERA, s.read_id).info() for s in batch.reads
    ]
    plates = city.vault.registry.hot_plates
    stages: dict[str, Callable[[], object]] = {
        "one HPKE envelope": lambda: [
            open_envelope(s.read, key, info) for s, info in zip(batch.reads, places, strict=True)
        ],
        "verify": lambda: verify_batch(data, listed),
        "open and check": lambda: [opener.open(sealed, camera_id=CAMERA) for sealed in batch.reads],
        "match": lambda: wanted_plates(opened, plates, allow_near=True),
    }
    return {name: _cpu(act) for name, act in stages.items()}


def _cpu(act: Callable[[], object], times: int = 10) -> float:
    act()
    began = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - began) / times / MAX_BATCH_READS * 1e6


class _Walk(NamedTuple):
    """One walk. ``commits``: milliseconds; the microseconds are of CPU and a read."""

    cpu_microseconds: float
    worker_microseconds: float
    write_microseconds: float
    reads_per_second: float
    commits: list[float]

    def figures(self) -> dict[str, float]:
        """For people."""
        return {
            "reads_per_second": round(self.reads_per_second),
            "commit_p50_ms": round(statistics.median(self.commits), 1),
            "commit_p95_ms": round(statistics.quantiles(self.commits, n=20)[-1], 1),
        }


def _walk(city: TestCity, batches: list[bytes], threads: int, *, beside_a_busy_thread: bool = False) -> _Walk:
    """``Intake.accept``: everything is durable and matched."""
    waiting = list(batches)
    store = TimedStore(city.vault.store)
    intake = replace(city.vault.intake, store=store)
    is_over = threading.Event()

    def lane() -> None:
        while True:
            try:
                data = waiting.pop()
            except IndexError:
                return
            intake.accept(data)

    def spin() -> None:
        while not is_over.is_set():
            pass

    workers = [threading.Thread(target=lane) for _ in range(threads)]
    busy = threading.Thread(target=spin)
    if beside_a_busy_thread:
        busy.start()
    began, cpu_began, worker_began = time.perf_counter(), time.process_time(), _worker_seconds(city)
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    worker = _worker_seconds(city) - worker_began
    is_over.set()
    if beside_a_busy_thread:
        busy.join()
    reads = len(batches) * MAX_BATCH_READS
    return _Walk(
        cpu / reads * 1e6,
        worker / reads * 1e6,
        store.cpu_seconds / reads * 1e6,
        reads / seconds,
        store.commits,
    )


def _worker_seconds(city: TestCity) -> float:
    """CPU seconds that the opening worker has had."""
    process_id = city.vault.intake.opener.process_id
    if process_id is None:
        return 0.0
    return int(Path(f"/proc/{process_id}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    main()
