"""Are the sealed segments the ones that the record names?

    (1) when a segment is opened    number of reads and Merkle root, noted inside it    `Store.expect_segments`
    (2) after the start             SHA-256 of the whole file                           `Store.verify_segment`

(1) costs nothing and finds an older segment that was put back as a whole. (2) reads every byte, minutes for years of
reads, so it goes on in a thread while the vault works already; a small city's is over before the first search.
Between the two a page that its own authentication passes, but that is not the logged one, could be served: only somebody
with the epoch's key can write one, or put back one that the same file had before, and a segment is written once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError

if TYPE_CHECKING:
    from glassplate.keys import FolderKeyring
    from glassplate.registry import Registry
    from glassplate.store import SegmentSummary, Store

SECONDS_BEFORE_OPENING = 0.5


class SegmentCheck:
    """Puts what it finds into ``problems``, which turns the vault red; the store refuses the segment by itself."""

    def __init__(
        self, registry: Registry, keyring: FolderKeyring, store: Store, problems: dict[str, str]
    ) -> None:
        self._registry = registry
        self._keyring = keyring
        self._store = store
        self._problems = problems
        self._is_over = threading.Event()
        self._waiting: deque[SegmentSummary] = deque()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tell the store what to expect, and check the newest files; the others follow in a thread."""
        logged = sorted(self._registry.segments().values(), key=lambda one: one.name, reverse=True)
        self._store.expect_segments(logged)
        self._waiting.extend(logged)
        opens_at = time.monotonic() + SECONDS_BEFORE_OPENING
        while self._waiting and time.monotonic() < opens_at:
            self._check(self._waiting.popleft())
        if self._waiting:
            self._thread = threading.Thread(target=self._check_rest, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop after the file that is being read."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _check_rest(self) -> None:
        while self._waiting and not self._is_over.is_set():
            self._check(self._waiting.popleft())

    def _check(self, logged: SegmentSummary) -> None:
        try:
            self._store.verify_segment(logged.name, logged.sha256)
        except GlassplateError as error:
            if self._lives(logged.epoch_id):  # else it died a moment ago, and its files with it
                self._problems[f"segment {logged.name}"] = str(error)

    def _lives(self, epoch_id: str) -> bool:
        return any(r.is_alive for r in self._keyring.records() if r.epoch.epoch_id == epoch_id)
