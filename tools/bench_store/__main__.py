"""The store beside PostgreSQL on the same rows: latency, memory, bytes, durability.

    make bench-store [READS=30000000] [POSTGRES=0] [SECONDS=20]

Makes the reads (seed 7, 30 days), loads both engines, asks 100 questions of each kind, asks them again while 5,000 reads/s
arrive, purges a day, and checks that both engines answer with the same rows in the same order. Data and the loaded store
are kept below ``build/bench-store`` for the next run; PostgreSQL's cluster is thrown away. Writes
``build/bench-store.json`` and ``build/bench-store-READS.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench_store.cluster import cluster
from bench_store.figures import load, ratios
from bench_store.measure import IN_USE, measured
from bench_store.progress import progress
from bench_store.store_engine import loaded_folder
from bench_store.workload import EPOCHS, SEED, Workload
from glassplate.freed_memory import sweepable_environment
from machine import machine

FOLDER = Path("build/bench-store").resolve()
OUT = Path("build/bench-store.json")
BARS = {
    "exact": (1.0, 8.0),
    "look-alike": (12.0, 40.0),
    "wildcard": (12.0, 60.0),
    "vehicle": (1.0, 15.0),
    "camera": (0.1, 1.0),
}
"""p50, p95 in milliseconds, to be reached at 30 M reads."""


def main() -> int:
    """Make, load, measure, write."""
    parser = argparse.ArgumentParser(
        prog="bench_store", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reads", type=int, default=30_000_000)
    parser.add_argument("--postgres", type=int, choices=(0, 1), default=1)
    parser.add_argument("--seconds", type=int, default=20, help="how long reads arrive")
    parser.add_argument("--measure", nargs=3, metavar=("FOLDER", "SOCKET", "OUT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.reads < EPOCHS:
        parser.error(f"--reads must be {EPOCHS} or more: one for each day.")
    workload = Workload(asked.reads, FOLDER)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if asked.measure:
            folder, socket, out = asked.measure
            figures = measured(workload, Path(folder), Path(socket) if socket else None, asked.seconds)
            Path(out).write_text(json.dumps(figures))
            return 0
        result = _run(workload, with_postgres=bool(asked.postgres), seconds=asked.seconds)
    except KeyboardInterrupt:
        if not asked.measure:
            print("Stopped; the cluster is gone, the made reads are kept.", file=sys.stderr)
        return 128 + signal.SIGINT
    text = json.dumps(result, indent=2) + "\n"
    for path in (OUT, OUT.with_name(f"bench-store-{asked.reads}.json")):
        path.write_text(text)
    _tell(result)
    return 0 if result["rows_equal"] else 1


def _run(workload: Workload, *, with_postgres: bool, seconds: int) -> dict[str, Any]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for left in FOLDER.glob(f"{IN_USE}*"):
        shutil.rmtree(left)
    result: dict[str, Any] = {
        "machine": machine(),
        "cores": os.cpu_count(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_at_start": load(),
        "reads": workload.reads,
        "days": EPOCHS,
        "seed": SEED,
        "bars_at_30_million": BARS,
    }
    with contextlib.ExitStack() as stack:
        socket = stack.enter_context(cluster(FOLDER)) if with_postgres else None
        with progress() as bar:
            task = bar.add_task("making reads", total=EPOCHS)
            for epoch in range(EPOCHS):
                workload.day(epoch)
                bar.advance(task)
            task = bar.add_task("loading the store", total=workload.reads)
            began = time.perf_counter()
            loaded = loaded_folder(workload, lambda count: bar.advance(task, count))
            result["load_seconds"] = {"glassplate": round(time.perf_counter() - began, 1)}
            if socket is not None:
                result["load_seconds"]["postgresql"] = _load_postgres(workload, socket, bar)
        out = workload.folder / "measured.json"
        command = [
            sys.executable,
            "-m",
            "bench_store",
            "--reads",
            str(workload.reads),
            "--seconds",
            str(seconds),
        ]
        measuring = [*command, "--measure", str(loaded), str(socket or ""), str(out)]
        subprocess.run(measuring, check=True, env=sweepable_environment())  # as a vault runs
        result.update(json.loads(out.read_text()))
    result["load_at_end"] = load()
    return result


def _load_postgres(workload: Workload, socket: Path, bar: Any) -> float:
    from bench_store.postgres_engine import PostgresEngine

    began = time.perf_counter()
    engine = PostgresEngine(socket)
    engine.create()
    task = bar.add_task("loading PostgreSQL", total=workload.reads)
    engine.load(workload, lambda count: bar.advance(task, count))
    task = bar.add_task("indexing PostgreSQL", total=engine.steps)
    engine.index(lambda count: bar.advance(task, count))
    engine.close()
    return round(time.perf_counter() - began, 1)


def _tell(result: dict[str, Any]) -> None:
    print(f"{result['reads']:,} reads, {result['machine']}, load {result['load_before']}. ms p50/p95:")
    print("\n".join(ratios(result["queries"], BARS)))
    for name, live in result["while reads arrive"].items():
        commit = (
            f"{live['commit_p50_ms']:.1f}/{live['commit_p95_ms']:.1f}, max {live['commit_max_ms']:.0f} ms"
        )
        print(
            f"\nWhile {live['reads_per_second']:,} reads/s arrive, {name}: commit {commit}, load {live['load']}"
        )
        for kind, one in live["queries"].items():
            print(f"  {kind:11}{one['p50']:8.2f}/{one['p95']:.2f}")
    for name in ("glassplate", "postgresql"):
        if name in result:
            print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in result[name].items()))
    print(f"\nRows equal: {result['rows_equal']}. Written to {OUT}.")


if __name__ == "__main__":
    sys.exit(main())
