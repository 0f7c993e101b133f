"""Reads that arrive while somebody searches: so many each so often, by the clock, each made durable."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from bench_store.figures import Timed, load, percentiles
from bench_store.questions import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench_store.questions import Asked

READS_A_SECOND = 5_000
READS_AT_ONCE = 250
PERIOD_SECONDS = READS_AT_ONCE / READS_A_SECOND


class Arrivals:
    """Hands over one piece of work each ``PERIOD_SECONDS``; who is late catches up without a rest."""

    def __init__(self, take: Callable[[Any], object], work: Sequence[Any], lanes: int = 1) -> None:
        self._take = take
        self._work = list(enumerate(work))[::-1]
        self._lock = threading.Lock()
        self._commits: list[float] = []
        self._behind: list[float] = []
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._lane, daemon=True) for _ in range(lanes)]
        self._total = len(work)
        self._began = self._ended = 0.0

    def begin(self) -> None:
        """The first piece is due now."""
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()

    @property
    def are_over(self) -> bool:
        """Whether all work has been taken."""
        return not any(thread.is_alive() for thread in self._threads)

    def figures(self) -> dict[str, float]:
        """Wait for the end; commit p50, p95, max in milliseconds, and the rate really reached.

        ``behind_p95_ms``: from when a piece was due to when it was durable, which counts the waiting too.
        """
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        p50, p95 = percentiles(self._commits)
        seconds = self._ended - self._began
        return {
            "commit_p50_ms": p50,
            "commit_p95_ms": p95,
            "commit_max_ms": round(max(self._commits), 2),
            "behind_p95_ms": percentiles(self._behind)[1],
            "reads_per_second": round(self._total * READS_AT_ONCE / seconds),
            "seconds": round(seconds, 1),
            "load": load(),
        }

    def _lane(self) -> None:
        try:
            while True:
                with self._lock:
                    if not self._work or self._failure is not None:
                        return
                    number, piece = self._work.pop()
                due = self._began + number * PERIOD_SECONDS
                time.sleep(max(0.0, due - time.perf_counter()))
                began = time.perf_counter()
                self._take(piece)
                self._ended = time.perf_counter()
                self._commits.append((self._ended - began) * 1000)
                self._behind.append((self._ended - due) * 1000)
        except BaseException as error:  # noqa: BLE001 - raised again by ``figures``
            self._failure = error


def asked_meanwhile(
    ask: Callable[[Asked], list[str]], questions: dict[str, list[Asked]], arrivals: Arrivals
) -> dict[str, Any]:
    """All kinds in turn, again and again until nothing more arrives."""
    timed = {kind: Timed() for kind in KINDS}
    arrivals.begin()
    number = 0
    while not arrivals.are_over:
        for kind in KINDS:
            timed[kind].ask(ask, questions[kind][number % len(questions[kind])])
        number += 1
    return {
        **arrivals.figures(),
        "queries": {kind: one.figures() for kind, one in timed.items()},
    }
