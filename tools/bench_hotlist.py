"""How fast are reads compared with a million wanted plates, and how many neighbors does the read's own doubt let through?

    python tools/bench_hotlist.py [--plates 1000000] [--reads 25000] [--batch 250]

Plates are drawn by chance from two real shapes (1ABC234 and ABC1234), wanted ones and passing ones alike, so nearly every
match is a stranger's: the worst list for the eye. Of the characters 8 in 100 are in doubt and 2 in 100 likelier wrong than
right: an assumption, printed with the result. Writes ``build/bench-hotlist.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from glassplate.near_match import wanted_plates
from glassplate.records import Alternative, PlateRead
from glassplate.registry.hot_plates import HotPlates
from machine import machine

LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
IN_DOUBT, LIKELIER_WRONG = 0.08, 0.02
OUT = Path("build/bench-hotlist.json")


@dataclass(frozen=True)
class Measured:
    """What one run measured. Seconds are CPU seconds of this process, so that a busy machine does not matter."""

    machine: str
    plates: int
    memory_mb: float
    build_seconds: float
    batch: int
    batch_p50_ms: float
    batch_p95_ms: float
    reads_per_second: int
    exact_only_reads_per_second: int
    neighbors_per_1000_reads: float
    near_matches_per_1000_reads: float
    assumed_in_doubt: float = IN_DOUBT
    assumed_likelier_wrong: float = LIKELIER_WRONG


def main() -> None:
    """Print and write the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plates", type=int, default=1_000_000)
    parser.add_argument("--reads", type=int, default=25_000)
    parser.add_argument("--batch", type=int, default=250)
    asked = parser.parse_args()
    chance = random.Random(1)  # noqa: S311 - the same list every time
    started = time.process_time()
    plates = HotPlates(made_plate(chance) for _ in range(asked.plates))
    built = time.process_time() - started
    reads = [made_read(chance) for _ in range(asked.reads)]
    batches = [reads[first : first + asked.batch] for first in range(0, len(reads), asked.batch)]
    neighbors = sum(len(plates.near([read.text for read in batch])) for batch in batches)
    near, seconds = _timed(plates, batches, allow_near=True)
    _, exact_seconds = _timed(plates, batches, allow_near=False)
    result = Measured(
        machine=machine(),
        plates=len(plates),
        memory_mb=round(plates.size_bytes / 1e6, 1),
        build_seconds=round(built, 2),
        batch=asked.batch,
        batch_p50_ms=round(float(np.percentile(seconds, 50)) * 1e3, 2),
        batch_p95_ms=round(float(np.percentile(seconds, 95)) * 1e3, 2),
        reads_per_second=round(len(reads) / sum(seconds)),
        exact_only_reads_per_second=round(len(reads) / sum(exact_seconds)),
        neighbors_per_1000_reads=round(1000 * neighbors / len(reads), 1),
        near_matches_per_1000_reads=round(1000 * near / len(reads), 2),
    )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(asdict(result), indent=2) + "\n")
    print(OUT.read_text(), end="")


def _timed(plates: HotPlates, batches: list[list[PlateRead]], *, allow_near: bool) -> tuple[int, list[float]]:
    """(near matches, CPU seconds of each batch)."""
    near, seconds = 0, []
    for batch in batches:
        started = time.process_time()
        found = wanted_plates(batch, plates, allow_near=allow_near)
        seconds.append(time.process_time() - started)
        near += sum(one.kind != "exact" for one in found)
    return near, seconds


def made_plate(chance: random.Random) -> str:
    """A plate of one of two shapes."""
    letters, digits = "".join(chance.choices(LETTERS, k=3)), "".join(chance.choices(DIGITS, k=4))
    return letters + digits if chance.random() < 0.5 else f"{digits[0]}{letters}{digits[1:]}"  # noqa: PLR2004


def made_read(chance: random.Random) -> PlateRead:
    """A read with its doubts."""
    text = made_plate(chance)
    confidences = tuple(_confidence(chance) for _ in text)
    others = [
        Alternative(text[:at] + chance.choice(LETTERS + DIGITS) + text[at + 1 :], (1 - one) / 2)
        for at, one in enumerate(confidences)
        if one < 0.9  # noqa: PLR2004 - in doubt
    ]
    return PlateRead(
        "0" * 32, text, confidences, "c", datetime.now(UTC), "made", (0, 0, 1, 1), tuple(others[:3])
    )


def _confidence(chance: random.Random) -> float:
    drawn = chance.random()
    if drawn < LIKELIER_WRONG:
        return chance.uniform(0.1, 0.5)
    return chance.uniform(0.5, 0.9) if drawn < IN_DOUBT else chance.uniform(0.9, 1.0)


if __name__ == "__main__":
    main()
