"""``make torture``: see docs/torture.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tests.support.torture.acts import ACTS
from tests.support.torture.kept import Kept
from tests.support.torture.runner import Torture

if TYPE_CHECKING:
    from tests.support.torture.runner import Verdict


def main() -> int:
    """0: no promise was broken; 1: one was, and its seed is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="only this one, once again")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--disk", action="store_true", help="instead of kills: ENOSPC, EIO, files that may not grow"
    )
    parser.add_argument(
        "--keep", type=Path, help="a file for the verdicts: seeds that it has are not run again"
    )
    asked = parser.parse_args()
    seeds = [asked.seed] if asked.seed is not None else list(range(asked.first, asked.first + asked.seeds))
    faults = "disk faults" if asked.disk else "kills"
    kept = Kept(asked.keep, faults) if asked.keep else None
    left = kept.missing(seeds) if kept else seeds
    earlier = [verdict for verdict in kept.verdicts if verdict.seed in seeds] if kept else []
    if kept and kept.was_of_other_code:
        print(f"What {asked.keep} had is of other code. All seeds are run.")
    if earlier:
        print(f"{len(earlier):,} of {len(seeds):,} seeds have a verdict in {asked.keep}; the others are run.")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="glassplate-torture-") as folder:
        torture = Torture(Path(folder), fails_disks=asked.disk)
        points = ", ".join(f"{act} {count:,}" for act, count in torture.points.items())
        print(f"Points at which an undisturbed act writes: {points}.")
        verdicts = earlier + _with_bar(torture, left, asked.at_once, kept)
    spent = f"{time.monotonic() - begun:,.0f} s"
    _report(verdicts, spent + (f" for the last {len(left):,} seeds" if earlier else ""), faults)
    return any(verdict.broken for verdict in verdicts)


def _with_bar(torture: Torture, seeds: list[int], at_once: int, kept: Kept | None) -> list[Verdict]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    verdicts = []
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("seeds", total=len(seeds))
        for verdict in torture.run(seeds, at_once):
            verdicts.append(verdict)
            if kept:
                kept.add(verdict)
            failed = sum(bool(one.broken) for one in verdicts)
            bar.update(task, advance=1, description=f"seeds ({failed} broken)" if failed else "seeds")
            if verdict.broken:
                bar.console.print(f"{verdict.words}", *verdict.broken, sep="\n    ", markup=False)
    return verdicts


def _report(verdicts: list[Verdict], spent: str, faults: str) -> None:
    print(f"\n| {'act':8} | {'seeds':>6} | {faults:>11} | {'different places':>16} | {'broken':>6} |")
    print("|---|--:|--:|--:|--:|")
    for act in ACTS:
        mine = [verdict for verdict in verdicts if verdict.act == act]
        kills, calls = sum(one.died for one in mine), {at for one in mine for at in one.at}
        broken = sum(bool(one.broken) for one in mine)
        print(f"| {act:8} | {len(mine):6,} | {kills:11,} | {len(calls):16,} | {broken:6,} |")
    kinds = Counter(at.split()[0] for verdict in verdicts for at in verdict.at)
    print(f"{sum(v.died for v in verdicts):,} {faults} in {spent}, at " + _listed(kinds) + ".")
    for verdict in sorted((one for one in verdicts if one.broken), key=lambda one: one.seed):
        print(
            f"BROKEN  {verdict.words}  (make torture SEED={verdict.seed}{' DISK=1' if faults != 'kills' else ''})"
        )
        print(*(f"        {text}" for text in verdict.broken), sep="\n")
    if not any(verdict.broken for verdict in verdicts):
        print("No promise was broken.")


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Stopped. With RESUME=1 the verdicts are kept, and the next run goes on.", file=sys.stderr)
        sys.exit(130)
