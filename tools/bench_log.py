"""The log's speeds, as ratios to one raw fsync of the same minutes. ``make bench-log`` writes build/bench-log.json.

``ENTRIES=N`` (default 1,000,000) entries of 160 bytes in batches of 1,024; sealed bodies are left out, since what they
cost is the disk's business.
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

from rich.progress import track

from glassplate.files import LocalFiles
from glassplate.log import LogRecord, SigningKey, TileReader, TransparencyLog, open_checkpoint, verify_proof

ENTRIES = int(os.environ.get("ENTRIES", "1000000"))
BATCH, LEAF_BYTES = 1024, 160
OUT = Path("build/bench-log.json")
SIGNER = SigningKey.from_seed("bench.example.org/log", bytes(32))


def median_ms(act, times: int = 100) -> float:  # noqa: ANN001 - any callable
    """Median wall time of one act in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def raw_fsync(folder: Path) -> float:
    """One 4 KiB append and fsync in milliseconds: the disk's own price."""
    with (folder / "raw").open("ab", buffering=0) as file:

        def act() -> None:
            file.write(bytes(4096))
            os.fsync(file.fileno())

        return median_ms(act)


def measure(folder: Path) -> dict[str, float]:
    """All figures; times in milliseconds or seconds as their names say."""
    files = LocalFiles()
    figures = {"fsync_ms": raw_fsync(folder)}
    log = TransparencyLog.create(folder / "private", folder / "public", SIGNER, files)
    one = LogRecord(os.urandom(LEAF_BYTES), {})

    def published() -> None:
        log.append([one])
        log.publish()

    figures["append_one_ms"] = median_ms(lambda: log.append([one]))
    figures["append_and_publish_one_ms"] = median_ms(published)
    batches = [
        [LogRecord(os.urandom(LEAF_BYTES), {}) for _ in range(BATCH)] for _ in range(8)
    ]  # made before the clock runs
    began = time.perf_counter()
    rounds = -(-ENTRIES // BATCH)
    for number in track(range(rounds), "appending", disable=not sys.stderr.isatty()):
        log.append(batches[number % len(batches)])
    figures["append_entries_per_second"] = rounds * BATCH / (time.perf_counter() - began)
    began = time.perf_counter()
    log.publish()
    figures["publish_all_seconds"] = time.perf_counter() - began
    size = log.published_size
    public = folder / "public"
    checkpoint = open_checkpoint((public / "checkpoint").read_bytes(), SIGNER.verifier)
    began = time.perf_counter()
    TileReader(public).check(size, checkpoint.root)
    figures["audit_seconds_per_million"] = (time.perf_counter() - began) * 1e6 / size
    figures["make_proof_ms"] = median_ms(lambda: log.proof(size // 3))
    proof, leaf = log.proof(size // 3), log.record(size // 3).leaf
    figures["verify_proof_ms"] = median_ms(lambda: verify_proof(proof, SIGNER.verifier, leaf))
    log.close()
    began = time.perf_counter()
    TransparencyLog.open(folder / "private", public, SIGNER, files).close()
    figures["open_seconds_per_million"] = (time.perf_counter() - began) * 1e6 / size
    figures["fsync_after_ms"] = raw_fsync(folder)
    return figures


def main() -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        figures = measure(Path(folder))
    fsync = (figures["fsync_ms"] + figures["fsync_after_ms"]) / 2
    ratios = {
        "append of one / fsync": figures["append_one_ms"] / fsync,
        "append and publish one / fsync": figures["append_and_publish_one_ms"] / fsync,
    }
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    result = {
        "machine": machine,
        "load": os.getloadavg()[0],
        "entries": ENTRIES,
        "figures": figures,
        "ratios": ratios,
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2))
    print(
        f"{machine}, load {result['load']:.1f}, {ENTRIES:,} entries of {LEAF_BYTES} bytes, batches of {BATCH:,}"
    )
    for name, value in {**figures, **ratios}.items():
        print(f"  {name:<32} {value:>12,.2f}")


if __name__ == "__main__":
    main()
