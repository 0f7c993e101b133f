"""Speeds, as ratios taken in one run, with the machine named. ``make bench`` prints them and writes build/bench.json.

Absolute numbers of one machine mean little; what is compared here is compared in the same minutes: an entry with one
raw fsync, a lawful search with the bare store, a whole frame with one seal.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.city import make_city, plate_read, some_crop

from glassplate.plate_text import PlatePattern
from glassplate.recognize.decode import Decoder
from glassplate.recognize.engines import engine
from glassplate.recognize.reading import read_photo
from glassplate.seal import Sealer
from glassplate.store import StoreQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.city import TestCity

READS = 2_000
OUT = Path("build/bench.json")


def median_ms(act: Callable[[], object], times: int = 50) -> float:
    """Median wall time of one act in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def raw_fsync(folder: Path) -> Callable[[], None]:
    """One 4 KiB append and fsync, the disk's own price."""
    path = folder / "fsync"

    def act() -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, bytes(4096))
        os.fsync(descriptor)
        os.close(descriptor)

    return act


def measure_city(folder: Path) -> dict[str, float]:
    """Log, gate, store and intake of a real vault."""
    city = make_city(folder / "city")
    for first in range(0, READS, 250):
        city.ingest(*(f"{n:03d}ABC{n % 10}" for n in range(first, first + 250)))
    token = city.sign_in("r.alvarez")
    request = city.request("123ABC3")
    figures = {
        "fsync_ms": median_ms(raw_fsync(folder)),
        "entry_ms": median_ms(lambda: city.vault.recorder.record("bench", {"n": 1}, at=city.now())),
        "store_search_ms": median_ms(lambda: _bare_search(city)),
        "lawful_search_ms": median_ms(lambda: city.vault.gate.search(token, request), times=25),
        "publish_ms": median_ms(city.vault.publish, times=5),
    }
    batch = city.batch(*(f"9{n:03d}XY" for n in range(250)))
    began = time.perf_counter()
    city.vault.intake.accept(batch)
    figures["intake_reads_per_second"] = 250 / (time.perf_counter() - began)
    bundle = [record.public() for record in city.vault.keyring.records() if record.is_alive]
    sealer, read, crop = (
        Sealer("exampleville-pd", bundle),
        plate_read("7KDR214", "court-16th", city.now()),
        some_crop(),
    )
    figures["seal_ms"] = median_ms(lambda: sealer.seal(read, crop), times=200)
    city.close()
    return figures


def _bare_search(city: TestCity) -> None:
    query = StoreQuery(PlatePattern.parse("123ABC3"), city.request().since, city.now())
    keys = {
        record.epoch.epoch_id: city.vault.keyring.secret(record.epoch.epoch_id).segment_key(0)
        for record in city.vault.keyring.records()
        if record.is_alive
    }
    city.vault.store.search(query, keys)


def measure_recognition() -> dict[str, float]:
    """Decode and read the shipped photos, one thread."""
    photos = sorted((Path(__file__).parents[1] / "src/glassplate/demo_photos").glob("*.jpg"))
    recognizer = engine()
    with Decoder() as decoder:
        spent = [
            read_photo(path.read_bytes(), path.name, decoder, recognizer).milliseconds for path in photos
        ]
    return {"photo_ms": statistics.median(spent)}


def main() -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory() as folder:
        figures = {**measure_city(Path(folder)), **measure_recognition()}
    ratios = {
        "one entry / one fsync": figures["entry_ms"] / figures["fsync_ms"],
        "lawful search / bare store search": figures["lawful_search_ms"] / figures["store_search_ms"],
        "lawful search / one entry": figures["lawful_search_ms"] / figures["entry_ms"],
        "photo / seal": figures["photo_ms"] / figures["seal_ms"],
    }
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    for name, value in {**figures, **ratios}.items():
        print(f"{name:<36} {value:10.2f}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"machine": machine, "figures": figures, "ratios": ratios}, indent=2) + "\n")
    print(f"Written to {OUT}.")


if __name__ == "__main__":
    main()
