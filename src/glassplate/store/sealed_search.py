"""Searching the sealed segments: the dictionary says which plates, the segments say when and where.

Segments are asked newest first, and the search stops once what is left ends before the last read wanted: right
also for supplements and for epochs that overlap. Files are opened as they are needed; a bounded number stays open.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glassplate.errors import StorageFailed
from glassplate.store.dictionary import PlateDictionary
from glassplate.store.hot_reads import SealedKnowledge
from glassplate.store.sealed_segment import SealedSegment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Question
    from glassplate.store.sealed_segment import SegmentFacts

MAX_OPEN_SEGMENTS = 32  # file handles, and 12 MB of cache each
Scope = tuple[str, tuple[int, ...]]
"""An epoch and the numbers of its segments that are to be asked."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment and the key that opens it."""

    epoch_id: str
    number: int
    path: Path
    key: bytes = field(repr=False)


class SealedRow(NamedTuple):
    """A row of a sealed segment; the largest is the newest."""

    row_id: int
    epoch_id: str
    number: int
    data: bytes


@dataclass(slots=True)
class SealedAnswer:
    """Rows, newest first, and why an epoch could not be searched."""

    rows: list[SealedRow]
    failures: dict[str, str]


class SealedSearch:
    """Callable from several threads; one question at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dictionary = PlateDictionary()
        self._segments: dict[tuple[str, int], SealedSegment] = {}
        self._open: OrderedDict[tuple[str, int], None] = OrderedDict()

    def load(self, files: Sequence[SegmentFile]) -> tuple[list[SegmentFacts], dict[str, str]]:
        """Take segments into the dictionary; the facts of those that opened, and why an epoch did not."""
        facts: list[SegmentFacts] = []
        failures: dict[str, str] = {}
        plates: dict[str, Codes] = {}
        with self._lock:
            for file in files:
                with _noting(failures, file.epoch_id):
                    segment = SealedSegment(file.path, file.epoch_id, file.number, file.key)
                    self._segments[file.epoch_id, file.number] = segment
                    self._used(file.epoch_id, file.number)
                    codes = segment.plates()
                    before = plates.get(file.epoch_id)
                    plates[file.epoch_id] = codes if before is None else np.union1d(before, codes)
                    facts.append(segment.facts)
            for epoch_id in failures:
                plates.pop(epoch_id, None)
                self._forget(epoch_id)
            if plates:
                self._dictionary.add(plates)
        return [fact for fact in facts if fact.epoch_id not in failures], failures

    def search(self, question: Question, scopes: Sequence[Scope]) -> SealedAnswer:
        """The newest rows that match."""
        failures: dict[str, str] = {}
        with self._lock:
            while True:
                known = len(failures)
                rows = self._search(question, [s for s in scopes if s[0] not in failures], failures)
                if len(failures) == known:  # else the rows that failed may have crowded out others
                    return SealedAnswer(rows, failures)

    def find(self, read_ids: Sequence[bytes], scopes: Sequence[Scope]) -> SealedAnswer:
        """The reads with these ids."""
        rows: list[SealedRow] = []
        failures: dict[str, str] = {}
        wanted = list(dict.fromkeys(read_ids))
        with self._lock:
            for epoch_id, numbers in scopes:
                if len(rows) == len(wanted):
                    break
                with _noting(failures, epoch_id):
                    for segment in self._of(epoch_id, numbers):
                        self._used(epoch_id, segment.facts.number)
                        found = segment.find(wanted).values()
                        rows += [
                            SealedRow(row.row_id, epoch_id, segment.facts.number, row.data) for row in found
                        ]
        return SealedAnswer(rows, failures)

    def knowledge(self, scope: Scope, read_ids: Sequence[bytes], firsts: Sequence[int]) -> SealedKnowledge:
        """Which late reads are there already, and which ids are taken.

        Raises:
            StorageFailed: a segment cannot be read.
        """
        known: set[bytes] = set()
        latest: dict[int, int] = {}
        with self._lock:
            for segment in self._of(*scope):
                self._used(scope[0], segment.facts.number)
                known |= segment.find(read_ids).keys()
                for first, last in segment.latest_of_instants(firsts).items():
                    latest[first] = max(last, latest.get(first, 0))
        return SealedKnowledge(frozenset(known), latest)

    def drop(self, epoch_id: str) -> None:
        """Forget an epoch: close its files, and overwrite the plates that no other epoch has."""
        with self._lock:
            self._forget(epoch_id)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            for epoch_id in {epoch_id for epoch_id, _ in self._segments}:
                self._forget(epoch_id)

    def _search(
        self, question: Question, scopes: Sequence[Scope], failures: dict[str, str]
    ) -> list[SealedRow]:
        segments: list[SealedSegment] = []
        for epoch_id, numbers in scopes:
            with _noting(failures, epoch_id):
                segments.extend(self._of(epoch_id, numbers))
        segments.sort(key=lambda segment: segment.facts.last_id, reverse=True)
        positions = None
        if question.plate is not None:
            positions = self._dictionary.matches(question, _long_texts(segments))
        rows: list[SealedRow] = []
        for segment in segments:
            facts = segment.facts
            if len(rows) >= question.most:
                question = replace(question, first_id=max(question.first_id, rows[-1].row_id))
            if facts.last_id < question.first_id:
                break
            codes = None if positions is None else self._dictionary.codes_in(positions, facts.epoch_id)
            if codes is not None and not len(codes):
                continue
            with _noting(failures, facts.epoch_id):
                self._used(facts.epoch_id, facts.number)
                found = segment.newest(question, codes)
                rows += [SealedRow(row.row_id, facts.epoch_id, facts.number, row.data) for row in found]
                rows = sorted(rows, reverse=True)[: question.most]
        return rows

    def _forget(self, epoch_id: str) -> None:
        for key in [key for key in self._segments if key[0] == epoch_id]:
            self._segments.pop(key).close()
            self._open.pop(key, None)
        self._dictionary.drop(epoch_id)

    def _of(self, epoch_id: str, numbers: Sequence[int]) -> list[SealedSegment]:
        try:
            return [self._segments[epoch_id, number] for number in numbers]
        except KeyError:
            raise StorageFailed(
                f"The segments of {epoch_id} were closed a moment ago; search again."
            ) from None

    def _used(self, epoch_id: str, number: int) -> None:
        """Note that a file is about to be used, and close the one that has not been for longest."""
        self._open[epoch_id, number] = None
        self._open.move_to_end((epoch_id, number))
        while len(self._open) > MAX_OPEN_SEGMENTS:
            oldest, _ = self._open.popitem(last=False)
            self._segments[oldest].close()


def _long_texts(segments: Sequence[SealedSegment]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for segment in segments:
        if segment.long_texts:
            texts.update(segment.long_texts)
    return texts


@contextlib.contextmanager
def _noting(failures: dict[str, str], epoch_id: str) -> Iterator[None]:
    """One epoch that fails is named, and keeps no other from being served."""
    try:
        yield
    except StorageFailed as error:
        failures[epoch_id] = str(error)
