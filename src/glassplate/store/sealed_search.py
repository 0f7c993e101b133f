"""Searching the sealed segments: the dictionary says which plates, the segments say when and where.

Segments are asked newest first, and the search stops once what is left ends before the last read wanted: right
also for supplements and for epochs that overlap. Files are opened as they are needed; a bounded number stays open.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from glassplate.distinct import distinct
from glassplate.errors import StorageFailed
from glassplate.store.dictionary import PlateDictionary
from glassplate.store.hot_reads import SealedKnowledge
from glassplate.store.sealed_segment import SealedSegment
from glassplate.store.segment_search import SealedAnswer, SealedRow, SegmentFile, SegmentsMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from glassplate.store.plate_codes import Codes
    from glassplate.store.question import Question
    from glassplate.store.sealed_segment import FoundRow
    from glassplate.store.segment_facts import SegmentFacts
    from glassplate.store.segment_search import Scope

MAX_OPEN_SEGMENTS = 32  # file handles, and 12 MB of cache each
_LAST_ID = attrgetter("last_id")


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
                    self._used(segment)
                    codes = segment.plates()
                    known = plates.get(file.epoch_id)
                    plates[file.epoch_id] = codes if known is None else distinct([known, codes])
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
            segments, missing = self._of(scopes)
            segments.sort(key=_LAST_ID, reverse=True)
            while True:
                known = len(failures)
                rows = self._search(question, segments, failures)
                if len(failures) == known:
                    return SealedAnswer(rows, failures, missing)
                # once more: the rows that failed may have crowded out others
                segments = [segment for segment in segments if segment.epoch_id not in failures]

    def find(self, read_ids: Sequence[bytes], scopes: Sequence[Scope]) -> SealedAnswer:
        """See ``SegmentSearch``."""
        rows: list[SealedRow] = []
        failures: dict[str, str] = {}
        wanted = list(dict.fromkeys(read_ids))
        with self._lock:
            segments, missing = self._of(scopes)
            segments.sort(key=_LAST_ID, reverse=True)  # what is asked for by its id was mostly seen lately
            for segment in segments:
                if len(rows) == len(wanted):
                    break
                try:
                    self._used(segment)
                    rows += _answered(segment, segment.find(wanted).values())
                except StorageFailed as error:
                    failures[segment.epoch_id] = str(error)
        return SealedAnswer(rows, failures, missing)

    def knowledge(self, scope: Scope, read_ids: Sequence[bytes], firsts: Sequence[int]) -> SealedKnowledge:
        """See ``SegmentSearch``."""
        known: set[bytes] = set()
        latest: dict[int, int] = {}
        with self._lock:
            segments, missing = self._of([scope])
            if missing:
                raise SegmentsMissingError(f"The segments of {scope[0]} were closed a moment ago; try again.")
            for segment in segments:
                self._used(segment)
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
            return [_handed_over(segment) for segment in self._segments.values()], self._dictionary.left()

    def take_over(self, files: Sequence[SegmentFile], descriptor: int, bits: dict[str, int]) -> None:
        """Be the successor, who opens a segment when it is needed.

        One that must be opened now, but does not open any more, is missing, and so loaded when it is asked.
        """
        with self._lock:
            self._dictionary = PlateDictionary.taken_over(descriptor, bits, self._memory)
            for file in files:
                with _noting({}, file.epoch_id):
                    segment = SealedSegment(
                        file.path, file.epoch_id, file.number, file.key, last_id=file.last_id
                    )
                    self._segments[file.epoch_id, file.number] = segment
                    if segment.is_open:
                        self._used(segment)

    def open_one(self) -> bool:
        """After ``take_over``: open the newest segment that waits, before somebody needs it. False: there is none."""
        with self._lock:
            waiting = [segment for segment in self._segments.values() if not segment.is_read]
            if not waiting or len(self._open) >= MAX_OPEN_SEGMENTS:
                return False
            segment = max(waiting, key=_LAST_ID)
            try:
                self._used(segment)
                segment.read()
            except StorageFailed:
                return False  # whoever asks it is told why
            return True

    def close(self) -> None:
        """See ``SegmentSearch``."""
        with self._lock:
            for epoch_id in {epoch_id for epoch_id, _ in self._segments}:
                self._forget(epoch_id)

    def _search(
        self, question: Question, segments: Sequence[SealedSegment], failures: dict[str, str]
    ) -> list[SealedRow]:
        """``segments``: the one with the newest read first."""
        positions = codes = None
        if question.plate is not None:
            positions = self._dictionary.matches(question, _long_texts(segments))
            epochs = self._dictionary.epochs_of(positions)
            segments = [segment for segment in segments if segment.epoch_id in epochs]
        rows: list[SealedRow] = []
        for segment in segments:
            if len(rows) >= question.most and rows[-1].row_id > question.first_id:
                question = replace(question, first_id=rows[-1].row_id)
            if segment.last_id < question.first_id:
                break
            most = question.most
            if rows and segment.last_id < rows[-1].row_id and len(rows) < most:
                most -= len(rows)  # all that are here come after those
            if positions is not None:
                codes = self._dictionary.codes_in(positions, segment.epoch_id)
            try:
                self._used(segment)
                found = segment.newest(question, codes, most)
            except StorageFailed as error:
                failures[segment.epoch_id] = str(error)
                continue
            if found:
                rows += _answered(segment, found)
                rows = sorted(rows, reverse=True)[: question.most]
        return rows

    def _forget(self, epoch_id: str) -> None:
        for key in [key for key in self._segments if key[0] == epoch_id]:
            self._segments.pop(key).close()
            self._open.pop(key, None)
        self._dictionary.drop(epoch_id)

    def _of(self, scopes: Sequence[Scope]) -> tuple[list[SealedSegment], set[str]]:
        """The segments, and the epochs of which one is not here: none of those is served."""
        found: list[SealedSegment] = []
        missing: set[str] = set()
        for epoch_id, numbers in scopes:
            try:
                found += [self._segments[epoch_id, number] for number in numbers]
            except KeyError:
                missing.add(epoch_id)
        return found, missing

    def _used(self, segment: SealedSegment) -> None:
        """Note that a file is about to be used, and close the one that has not been for longest."""
        place = segment.epoch_id, segment.number
        self._open[place] = None
        self._open.move_to_end(place)
        while len(self._open) > MAX_OPEN_SEGMENTS:
            oldest, _ = self._open.popitem(last=False)
            self._segments[oldest].close()


def _handed_over(segment: SealedSegment) -> SegmentFile:
    """Long plates stay in the file, so whoever takes it over must open it to know them."""
    last_id = None if segment.long_texts else segment.last_id
    return SegmentFile(segment.epoch_id, segment.number, segment.path, segment.key, last_id)


def _answered(segment: SealedSegment, rows: Iterable[FoundRow]) -> list[SealedRow]:
    return [SealedRow(row.row_id, segment.epoch_id, segment.number, row.data) for row in rows]


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
