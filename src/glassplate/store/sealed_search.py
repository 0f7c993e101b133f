"""Searching the sealed segments: the dictionary says which plates, the segments say when and where.

Segments are asked newest first, and the search stops once what is left ends before the last read wanted: right
also for supplements and for epochs that overlap. Files are opened as they are needed; a bounded number stays open.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glassplate.errors import StorageFailed
from glassplate.store.dictionary import PlateDictionary
from glassplate.store.hot_reads import SealedKnowledge
from glassplate.store.sealed_segment import SealedSegment
from glassplate.store.segment_search import SealedAnswer, SealedRow, SegmentFile, SegmentsMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Question
    from glassplate.store.sealed_segment import SegmentFacts
    from glassplate.store.segment_search import Scope

MAX_OPEN_SEGMENTS = 32  # file handles, and 12 MB of cache each


class SealedSearch:
    """``SegmentSearch`` in this process; one question at a time.

    Dropping overwrites the dictionary's plates, but what SQLite and numpy left on the heap stays until it is used
    again: ``SearchWorker`` runs this in a process that ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory = -1
        self._dictionary = PlateDictionary()
        self._segments: dict[tuple[str, int], SealedSegment] = {}
        self._open: OrderedDict[tuple[str, int], None] = OrderedDict()

    def load(self, files: Sequence[SegmentFile]) -> tuple[list[SegmentFacts], dict[str, str]]:
        """See ``SegmentSearch``."""
        facts: list[SegmentFacts] = []
        failures: dict[str, str] = {}
        plates: dict[str, Codes] = {}
        with self._lock:
            for file in files:
                with _noting(failures, file.epoch_id):
                    segment = SealedSegment(file.path, file.epoch_id, file.number, file.key)
                    if before := self._segments.get((file.epoch_id, file.number)):
                        before.close()
                    self._segments[file.epoch_id, file.number] = segment
                    self._used(file.epoch_id, file.number)
                    codes = segment.plates()
                    known = plates.get(file.epoch_id)
                    plates[file.epoch_id] = codes if known is None else np.union1d(known, codes)
                    facts.append(segment.facts)
            for epoch_id in failures:
                plates.pop(epoch_id, None)
                self._forget(epoch_id)
            if plates:
                self._dictionary.add(plates)
        return [fact for fact in facts if fact.epoch_id not in failures], failures

    def search(self, question: Question, scopes: Sequence[Scope]) -> SealedAnswer:
        """See ``SegmentSearch``."""
        failures: dict[str, str] = {}
        with self._lock:
            while True:
                known = len(failures)
                missing = self._missing(scopes)
                present = [s for s in scopes if s[0] not in missing and s[0] not in failures]
                rows = self._search(question, present, failures)
                if len(failures) == known:  # else the rows that failed may have crowded out others
                    return SealedAnswer(rows, failures, missing)

    def find(self, read_ids: Sequence[bytes], scopes: Sequence[Scope]) -> SealedAnswer:
        """See ``SegmentSearch``."""
        rows: list[SealedRow] = []
        failures: dict[str, str] = {}
        wanted = list(dict.fromkeys(read_ids))
        with self._lock:
            missing = self._missing(scopes)
            for epoch_id, numbers in scopes:
                if len(rows) == len(wanted):
                    break
                with _noting(failures, epoch_id):
                    for segment in self._of(epoch_id, numbers) if epoch_id not in missing else ():
                        self._used(epoch_id, segment.facts.number)
                        found = segment.find(wanted).values()
                        rows += [
                            SealedRow(row.row_id, epoch_id, segment.facts.number, row.data) for row in found
                        ]
        return SealedAnswer(rows, failures, missing)

    def knowledge(self, scope: Scope, read_ids: Sequence[bytes], firsts: Sequence[int]) -> SealedKnowledge:
        """See ``SegmentSearch``."""
        known: set[bytes] = set()
        latest: dict[int, int] = {}
        with self._lock:
            if self._missing([scope]):
                raise SegmentsMissingError(f"The segments of {scope[0]} were closed a moment ago; try again.")
            for segment in self._of(*scope):
                self._used(scope[0], segment.facts.number)
                known |= segment.find(read_ids).keys()
                for first, last in segment.latest_of_instants(firsts).items():
                    latest[first] = max(last, latest.get(first, 0))
        return SealedKnowledge(frozenset(known), latest)

    def unload(self, epoch_id: str) -> None:
        """See ``SegmentSearch``."""
        with self._lock:
            self._forget(epoch_id)

    def drop(self, epoch_id: str) -> None:
        """See ``SegmentSearch``."""
        self.unload(epoch_id)

    def lie_in(self, memory: int) -> None:
        """Begin empty, with the dictionary in this file in memory, which a successor takes over."""
        with self._lock:
            self._memory = memory
            self._dictionary = PlateDictionary(memory)

    def hand_over(self) -> tuple[list[SegmentFile], dict[str, int]]:
        """What a successor needs beside the file in memory: the segments, and the bits of the epochs."""
        with self._lock:
            files = [
                SegmentFile(epoch_id, number, segment.path, segment.key)
                for (epoch_id, number), segment in self._segments.items()
            ]
            return files, self._dictionary.left()

    def take_over(self, files: Sequence[SegmentFile], descriptor: int, bits: dict[str, int]) -> None:
        """Be the successor. A segment that does not open any more is missing, and so loaded when it is asked."""
        with self._lock:
            self._dictionary = PlateDictionary.taken_over(descriptor, bits, self._memory)
            for file in files:
                with _noting({}, file.epoch_id):
                    segment = SealedSegment(file.path, file.epoch_id, file.number, file.key)
                    self._segments[file.epoch_id, file.number] = segment
                    self._used(file.epoch_id, file.number)

    def close(self) -> None:
        """See ``SegmentSearch``."""
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
        return [self._segments[epoch_id, number] for number in numbers]

    def _missing(self, scopes: Sequence[Scope]) -> set[str]:
        return {e for e, numbers in scopes if any((e, number) not in self._segments for number in numbers)}

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
