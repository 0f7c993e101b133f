"""Answering a question from all epochs at once: what is found, merged newest first, and opened.

A question holds what each epoch is made of at that moment (hot reads, sealed segments). When a file is closed under
its hands, it begins again; when an epoch died, the answer says so.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from glassplate.errors import StorageFailed
from glassplate.store.image_files import has_images, images_in
from glassplate.store.question import ANY_ID
from glassplate.store.read_row import READ_ID, read_of
from glassplate.store.store import StoredRead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glassplate.store.epoch import Epoch, Parts
    from glassplate.store.hot_reads import HotReads
    from glassplate.store.image_files import ImageRow
    from glassplate.store.question import Question
    from glassplate.store.segment_search import SealedAnswer, SegmentSearch

    Held = Mapping[str, tuple[Epoch, bytes]]
    Failures = dict[str, str]
    Opened = tuple[list["Found"], list[StoredRead]]

_TRIES = 5  # a question that meets a closing file each time gives up


class _ClosedError(Exception):
    """Something that the search held on to was closed: sealed, dropped, or not used for long."""


class Found(NamedTuple):
    """A row that was found, and where. ``hot`` None: in sealed segment ``number``."""

    row_id: int
    epoch_id: str
    number: int
    data: bytes
    hot: HotReads | None


class Answers:
    """Callable from several threads at once. ``load`` brings the sealed segments of epochs into the search."""

    def __init__(self, sealed: SegmentSearch, load: Callable[[Held, Failures], None]) -> None:
        self._sealed = sealed
        self._load = load

    def newest(self, question: Question, held: Held, unserved: Failures) -> Opened:
        """The newest rows that match, and all of them but the last of ``most`` opened."""
        return self._retried(partial(self._search, question, held, unserved), unserved)

    def with_ids(self, read_ids: Sequence[bytes], held: Held, failures: Failures) -> list[StoredRead]:
        """The reads with these ids, in no order."""
        return self._retried(partial(self._find, read_ids, held, failures), failures)[1]

    def parts_of(self, held: Held, unserved: Failures, question: Question | None = None) -> dict[str, Parts]:
        """What the epochs are made of, loaded; one that fails is noted and left out.

        ``question``: segments without a read in its time are left out too.
        """
        asked = {e: one for e, one in held.items() if e not in unserved} if unserved else held
        self._load(asked, unserved)
        parts = {}
        for epoch_id, (epoch, key) in asked.items():
            if epoch_id in unserved:
                continue
            first, last = question.range_in(epoch_id) if question is not None else ANY_ID
            try:
                parts[epoch_id] = epoch.parts(key, first, last)
            except StorageFailed as error:
                unserved[epoch_id] = str(error)
        return parts

    def _parts_now(
        self, held: Held, unserved: Failures, question: Question | None = None
    ) -> dict[str, Parts]:
        """``parts_of``. An epoch that was closed between loading and looking looks empty, so it is asked again."""
        parts = self.parts_of(held, unserved, question)
        if not all(held[epoch_id][0].is_loaded for epoch_id in parts):
            raise _ClosedError
        return parts

    def _retried(self, act: Callable[[], Opened], failures: Failures) -> Opened:
        before = dict(failures)
        for _ in range(_TRIES):
            try:
                return act()
            except _ClosedError:
                failures.clear()
                failures.update(before)
        raise StorageFailed("The store's files are closed faster than they are searched; try again.")

    def _search(self, question: Question, held: Held, unserved: Failures) -> Opened:
        parts = self._parts_now(held, unserved, question)
        hot: list[tuple[int, str]] = []
        for epoch_id, (reads, _) in parts.items():
            if reads is not None:
                with _still_open(reads):
                    hot += [(row_id, epoch_id) for row_id in reads.newest(question)]
        hot = sorted(hot, reverse=True)[: question.most]
        if len(hot) == question.most:
            question = replace(question, first_id=max(question.first_id, hot[-1][0]))
        found: list[Found] = []
        if scopes := [(e, part.numbers) for e, part in parts.items() if part.numbers]:
            answer = self._sealed.search(question, scopes)
            _note_failures(answer, held, unserved)
            found = [Found(*row, None) for row in answer.rows]
        if hot:
            found += [Found(row_id, epoch_id, -1, b"", parts[epoch_id].hot) for row_id, epoch_id in hot]
            found.sort(key=lambda row: row[:2], reverse=True)
            found = self._with_hot_data(found[: question.most], unserved)
        return found, self._opened(found[: question.most - 1], held, unserved)

    def _find(self, read_ids: Sequence[bytes], held: Held, failures: Failures) -> Opened:
        parts = self._parts_now(held, failures)
        found = []
        for epoch_id, (reads, _) in parts.items():
            if reads is not None:
                with _still_open(reads):
                    row_ids = reads.columns.with_read_ids(read_ids).values()
                found += [Found(row_id, epoch_id, -1, b"", reads) for row_id in row_ids]
        found = self._with_hot_data(found, failures)
        missing = set(read_ids) - {row.data[READ_ID] for row in found}
        if missing:
            scopes = [(e, part.numbers) for e, part in parts.items() if part.numbers]
            answer = self._sealed.find(sorted(missing), scopes)
            _note_failures(answer, held, failures)
            found += [Found(*row, None) for row in answer.rows]
        return found, self._opened(found, held, failures)

    def _with_hot_data(self, rows: Sequence[Found], unserved: Failures) -> list[Found]:
        """The rows with the data of those that are hot."""
        wanted: dict[str, list[int]] = {}
        hot_of: dict[str, HotReads] = {}
        for row in rows:
            if row.hot is not None:
                wanted.setdefault(row.epoch_id, []).append(row.row_id)
                hot_of[row.epoch_id] = row.hot
        data: dict[tuple[str, int], bytes] = {}
        for epoch_id, row_ids in wanted.items():
            with noting(unserved, epoch_id), _still_open(hot_of[epoch_id]):
                fetched = hot_of[epoch_id].rows.fetch(row_ids)
                data.update(((epoch_id, row_id), one) for row_id, one in fetched.items())
        filled = (
            r if r.hot is None else r._replace(data=data.get((r.epoch_id, r.row_id), b"")) for r in rows
        )
        return [row for row in filled if row.data]

    def _opened(self, rows: Sequence[Found], held: Held, unserved: Failures) -> list[StoredRead]:
        """The reads of the rows with their sealed images, in the same order."""
        parts: dict[tuple[str, int], list[Found]] = {}
        for row in rows:
            parts.setdefault((row.epoch_id, row.number), []).append(row)
        opened: list[tuple[Found, StoredRead]] = []
        for (epoch_id, number), part in parts.items():
            try:
                opened += zip(part, _open_part(*held[epoch_id], number, part), strict=True)
            except StorageFailed as error:
                unserved[epoch_id] = str(error)
        if len(parts) > 1:
            opened.sort(key=lambda one: one[0][:2], reverse=True)
        return [stored for _, stored in opened]


def _open_part(epoch: Epoch, key: bytes, number: int, rows: Sequence[Found]) -> list[StoredRead]:
    hot = rows[0].hot
    epoch.check_alive()
    words = hot.words if hot is not None else epoch.words.get(number)
    if words is None:
        raise _ClosedError
    reads = [read_of(row.row_id, row.data, words, epoch.epoch_id) for row in rows]
    data = {row.row_id: row.data for row in rows if has_images(row.data)}
    if not data:
        return reads
    if hot is None:
        images = images_in(epoch.files.path(number, "images"), key, data)
    else:
        with _still_open(hot):
            images = hot.rows.images(data)
    return [_with_images(stored, images.get(row.row_id)) for row, stored in zip(rows, reads, strict=True)]


def _with_images(stored: StoredRead, image: ImageRow | None) -> StoredRead:
    if image is None:
        return stored
    return StoredRead(stored.epoch_id, stored.read, image.crop, image.scene, stored.sealed_sha256)


def _note_failures(answer: SealedAnswer, held: Held, unserved: Failures) -> None:
    """Note what could not be searched. What is missing, but not gone, is loaded and asked again."""
    for epoch_id in answer.missing:
        epoch = held[epoch_id][0]
        with noting(unserved, epoch_id):
            epoch.check_alive()
            epoch.is_loaded = False
            raise _ClosedError
    for epoch_id, reason in answer.failures.items():
        with noting(unserved, epoch_id):
            held[epoch_id][0].check_alive()
            unserved[epoch_id] = reason


@contextlib.contextmanager
def noting(unserved: Failures, epoch_id: str) -> Iterator[None]:
    """One epoch that fails is named, and keeps no other from being served."""
    try:
        yield
    except StorageFailed as error:
        unserved[epoch_id] = str(error)


@contextlib.contextmanager
def _still_open(hot: HotReads) -> Iterator[None]:
    """A failure of hot reads that were closed meanwhile is no failure of theirs."""
    try:
        yield
    except StorageFailed:
        if hot.columns.is_wiped:
            raise _ClosedError from None
        raise
    if hot.columns.is_wiped:
        raise _ClosedError
