"""The seam between the store and whatever searches its sealed segments: in this process, or in a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from glassplate.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.store.hot_reads import SealedKnowledge
    from glassplate.store.question import Question
    from glassplate.store.segment_facts import SegmentFacts

Scope = tuple[str, tuple[int, ...]]
"""An epoch and the numbers of its segments that are to be asked."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment and the key that opens it. ``last_id``: see ``SealedSegment``."""

    epoch_id: str
    number: int
    path: Path
    key: bytes = field(repr=False)
    last_id: int | None = None


class SealedRow(NamedTuple):
    """A row of a sealed segment; the largest is the newest."""

    row_id: int
    epoch_id: str
    number: int
    data: bytes


class SegmentsMissingError(StorageFailed):
    """The search does not have these segments: load them, and ask again."""


@dataclass(slots=True)
class SealedAnswer:
    """Rows, newest first; why an epoch could not be searched; epochs that must be loaded first."""

    rows: list[SealedRow]
    failures: dict[str, str]
    missing: set[str] = field(default_factory=set)


class SegmentSearch(Protocol):
    """Searches sealed segments. Callable from several threads.

    It may lose what it has at any time, and says so: ``missing``, ``SegmentsMissingError``.
    """

    def load(self, files: Sequence[SegmentFile]) -> tuple[list[SegmentFacts], dict[str, str]]:
        """Take segments into the dictionary; the facts of those that opened, and why an epoch did not."""

    def search(self, question: Question, scopes: Sequence[Scope]) -> SealedAnswer:
        """The newest rows that match."""

    def find(self, read_ids: Sequence[bytes], scopes: Sequence[Scope]) -> SealedAnswer:
        """The reads with these ids."""

    def knowledge(self, scope: Scope, read_ids: Sequence[bytes], firsts: Sequence[int]) -> SealedKnowledge:
        """Which late reads are there already, and which ids are taken.

        Raises:
            StorageFailed: a segment cannot be read.
        """

    def unload(self, epoch_id: str) -> None:
        """Close an epoch's files and take its plates out of the dictionary."""

    def drop(self, epoch_id: str) -> None:
        """``unload``, and see to it that no plate of a dead epoch stays in this process's memory."""

    def close(self) -> None:
        """Forget everything."""
