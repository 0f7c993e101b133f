"""A store that times its commits, for benchmarks of what goes through intake."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.store import Store, StoredRead


class TimedStore:
    """``commits``: milliseconds of each ``append``, from opened reads to durable ones, waiting for others included.

    ``cpu_seconds``: of the threads that appended.
    """

    def __init__(self, store: Store) -> None:
        self.commits: list[float] = []
        self.cpu_seconds = 0.0
        self._store = store

    def append(self, epoch_id: str, key: bytes, reads: Sequence[StoredRead]) -> list[bool]:
        """See ``Store.append``."""
        began, cpu_began = time.perf_counter(), time.thread_time()
        try:
            return self._store.append(epoch_id, key, reads)
        finally:
            self.commits.append((time.perf_counter() - began) * 1000)
            self.cpu_seconds += time.thread_time() - cpu_began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
