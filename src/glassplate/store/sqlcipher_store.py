"""The store: SQLCipher files in one folder, one key for each epoch.

A search takes what each epoch is made of at that moment (hot reads, sealed segments) and holds on to it. When a
file is closed under its hands, it begins again; when an epoch died, the answer says so.
"""

from __future__ import annotations

import contextlib
import re
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from glassplate.errors import InputRefused, ProofFailed, StorageFailed
from glassplate.files import make_folder
from glassplate.store.epoch import Epoch
from glassplate.store.epoch_files import FILE_NAME, EpochFiles
from glassplate.store.image_files import ImageFiles
from glassplate.store.merkle import file_sha256
from glassplate.store.question import Place, Question, fits, place_of
from glassplate.store.read_row import HAS_CROP, HAS_SCENE, READ_ID, read_of
from glassplate.store.sealed_search import SealedSearch
from glassplate.store.store import StoredPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.store.epoch import Parts
    from glassplate.store.hot_reads import HotReads
    from glassplate.store.sealed_search import SealedAnswer, SegmentSearch
    from glassplate.store.store import SegmentSummary, StoredRead, StoreQuery

    Held = Mapping[str, tuple[Epoch, bytes]]
    Opened = tuple[list["_Found"], list[StoredRead]]

MAX_HOT_EPOCHS = 8  # ten file handles each; the least recently used is closed
PRIVATE_FOLDER = 0o700
_TRIES = 5  # a search that meets a closing file each time gives up on that epoch
_EPOCH_ID = re.compile(
    r"[0-9A-Za-z][0-9A-Za-z+-]{0,31}", re.ASCII
)  # no dot: it ends an epoch's name in a file's
_SEGMENT = re.compile(r"([0-9A-Za-z+-]+)\.(\d{1,9})", re.ASCII)


class _ClosedError(Exception):
    """Something that the search held on to was closed: sealed, dropped, or not used for long."""


class _Found(NamedTuple):
    """A row that was found, and where. ``hot`` None: in sealed segment ``number``."""

    row_id: int
    epoch_id: str
    number: int
    data: bytes
    hot: HotReads | None


class SqlcipherStore:
    """``Store`` in a folder that one process owns."""

    def __init__(self, folder: Path, files: Files, sealed: SegmentSearch | None = None) -> None:
        """Find what is there and delete interrupted work; opens nothing.

        ``sealed`` searches the sealed segments and is closed with the store; without it they are searched in this
        process.

        Raises:
            StorageFailed: the folder cannot be used.
        """
        try:
            make_folder(folder, mode=PRIVATE_FOLDER)
            folder.chmod(PRIVATE_FOLDER)
        except OSError as error:
            raise StorageFailed(f"The store {folder} cannot be used ({error.strerror}).") from error
        self._folder = folder
        self._files = files
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._epochs: dict[str, Epoch] = {}  # in the order of their last use
        self._sealed = sealed or SealedSearch()
        self._images = ImageFiles()
        for path in folder.iterdir():
            if name := FILE_NAME.fullmatch(path.name):
                self._epoch(name[1]).files.note(int(name[2]), name[3])
        for epoch in tuple(self._epochs.values()):
            epoch.files.remove_leftovers()

    def create_epoch(self, epoch_id: str, *, in_memory: bool = False) -> None:
        """See ``Store.create_epoch``."""
        self._epoch(epoch_id).keep_in_memory(in_memory=in_memory)

    def append(self, epoch_id: str, key: bytes, reads: Sequence[StoredRead]) -> list[bool]:
        """See ``Store.append``."""
        epoch = self._loaded(epoch_id, key)
        answer = epoch.append(key, reads)
        self._close_idle()
        return answer

    def search(self, query: StoreQuery, keys: Mapping[str, bytes]) -> StoredPage:
        """See ``Store.search``."""
        below = place_of(query.cursor) if query.cursor is not None else None
        held = self._held(keys)
        unserved: dict[str, str] = {}
        reads: list[StoredRead] = []
        cursor: str | None = None
        while len(reads) < query.limit:
            question = Question.of(query, query.limit - len(reads) + 1, below)
            rows, opened = self._retried(partial(self._search, question, held, unserved), unserved)
            shown = rows[: question.most - 1]
            reads += [stored for stored in opened if fits(query, stored.read)]
            below = Place(shown[-1].row_id, shown[-1].epoch_id) if shown else None
            cursor = below.cursor() if below and len(rows) == question.most else None
            if cursor is None:
                break
        self._close_idle()
        return StoredPage(tuple(reads), cursor is not None, tuple(sorted(unserved.items())), cursor)

    def get(self, read_ids: Sequence[str], keys: Mapping[str, bytes]) -> list[StoredRead]:
        """See ``Store.get``."""
        ids = list(dict.fromkeys(bytes.fromhex(read_id) for read_id in read_ids))
        held = self._held(keys)
        failures: dict[str, str] = {}
        _, opened = self._retried(partial(self._find, ids, held, failures), failures)
        found = {stored.read.read_id: stored for stored in opened}
        if failures and len(found) < len(ids):
            raise StorageFailed(" ".join(failures.values()))
        return [found[read_id] for read_id in dict.fromkeys(read_ids) if read_id in found]

    def seal_epoch(self, epoch_id: str, key: bytes) -> SegmentSummary | None:
        """See ``Store.seal_epoch``."""
        epoch = self._loaded(epoch_id, key)
        with epoch.lock:
            return epoch.seal(key)

    def drop_hot(self, epoch_id: str) -> bool:
        """See ``Store.drop_hot``."""
        epoch = self._epoch(epoch_id)
        with epoch.lock:
            return epoch.files.drop_hot() and not epoch.has_hot()

    def has_hot(self, epoch_id: str) -> bool:
        """See ``Store.has_hot``."""
        return self._epoch(epoch_id).has_hot()

    def drop_epoch(self, epoch_id: str) -> None:
        """See ``Store.drop_epoch``."""
        epoch = self._epoch(epoch_id)
        with epoch.lock:
            images = [epoch.files.path(number, "images") for number in epoch.files.numbers("images")]
            try:
                epoch.drop()
            finally:
                for path in images:
                    self._images.close(path)
        with self._lock:
            self._epochs.pop(epoch_id, None)

    def epoch_ids(self) -> list[str]:
        """See ``Store.epoch_ids``."""
        with self._lock:
            return sorted(e for e, epoch in self._epochs.items() if epoch.in_memory or epoch.files.are_any)

    def counts(self, keys: Mapping[str, bytes] | None = None) -> dict[str, int]:
        """See ``Store.counts``."""
        if keys:
            self._parts_of(self._held(keys), {})
        counts = {}
        for epoch_id in self.epoch_ids():
            count = self._epoch(epoch_id).count()
            if count is not None:
                counts[epoch_id] = count
        self._close_idle()
        return counts

    def verify_segment(self, name: str, sha256: str) -> None:
        """See ``Store.verify_segment``."""
        segment = _SEGMENT.fullmatch(name)
        if segment is None:
            raise InputRefused("A segment's name is its epoch's id, a dot and a number.")
        path = self._folder / f"{name}.sealed"
        try:
            actual = file_sha256(path)
        except OSError as error:
            raise StorageFailed(f"The segment {path} cannot be read ({error.strerror}).") from error
        if actual != sha256:
            epoch = self._epoch(segment[1])
            with epoch.lock:
                epoch.unload()
                epoch.refused.add(int(segment[2]))
            raise ProofFailed(
                f"The segment {path} has the hash {actual}, but the log says {sha256}: it was replaced."
            )

    def close(self) -> None:
        """See ``Store.close``."""
        with self._lock:
            epochs = list(self._epochs.values())
            self._epochs.clear()
        for epoch in epochs:
            with epoch.lock:
                epoch.in_memory = False
                epoch.unload()
        self._sealed.close()
        self._images.close()

    def __repr__(self) -> str:
        return f"SqlcipherStore({str(self._folder)!r})"

    # --- searching ----------------------------------------------------------------------------------------------

    def _held(self, keys: Mapping[str, bytes]) -> Held:
        """The epochs of one question: one that dies before the answer is missed, not passed over."""
        return {e: (self._epoch(e), keys[e]) for e in self.epoch_ids() if e in keys}

    def _retried(self, act: Callable[[], Opened], failures: dict[str, str]) -> Opened:
        for _ in range(_TRIES):
            before = dict(failures)
            with contextlib.suppress(_ClosedError):
                return act()
            failures.clear()
            failures.update(before)
        raise StorageFailed("The store's files are closed faster than they are searched; try again.")

    def _search(self, question: Question, held: Held, unserved: dict[str, str]) -> Opened:
        parts = self._parts_of(held, unserved)
        hot: list[tuple[int, str]] = []
        for epoch_id, (reads, _) in parts.items():
            if reads is not None:
                with _still_open(reads):
                    hot += [(row_id, epoch_id) for row_id in reads.newest(question)]
        hot = sorted(hot, reverse=True)[: question.most]
        if len(hot) == question.most:
            question = replace(question, first_id=max(question.first_id, hot[-1][0]))
        answer = self._sealed.search(
            question, [(e, part.numbers) for e, part in parts.items() if part.numbers]
        )
        _note_failures(answer, held, unserved)
        found = [_Found(*row, None) for row in answer.rows]
        found += [_Found(row_id, epoch_id, -1, b"", parts[epoch_id].hot) for row_id, epoch_id in hot]
        found.sort(key=lambda row: row[:2], reverse=True)
        rows = self._with_hot_data(found[: question.most], unserved)
        return rows, self._opened(rows[: question.most - 1], held, unserved)

    def _find(self, read_ids: Sequence[bytes], held: Held, failures: dict[str, str]) -> Opened:
        parts = self._parts_of(held, failures)
        found = []
        for epoch_id, (reads, _) in parts.items():
            if reads is not None:
                with _still_open(reads):
                    row_ids = reads.columns.with_read_ids(read_ids).values()
                found += [_Found(row_id, epoch_id, -1, b"", reads) for row_id in row_ids]
        found = self._with_hot_data(found, failures)
        missing = set(read_ids) - {row.data[READ_ID] for row in found}
        if missing:
            scopes = [(e, part.numbers) for e, part in parts.items() if part.numbers]
            answer = self._sealed.find(sorted(missing), scopes)
            _note_failures(answer, held, failures)
            found += [_Found(*row, None) for row in answer.rows]
        return found, self._opened(found, held, failures)

    def _with_hot_data(self, rows: Sequence[_Found], unserved: dict[str, str]) -> list[_Found]:
        """The rows with the data of those that are hot."""
        wanted: dict[str, list[int]] = {}
        hot_of: dict[str, HotReads] = {}
        for row in rows:
            if row.hot is not None:
                wanted.setdefault(row.epoch_id, []).append(row.row_id)
                hot_of[row.epoch_id] = row.hot
        data: dict[tuple[str, int], bytes] = {}
        for epoch_id, row_ids in wanted.items():
            with _noting(unserved, epoch_id), _still_open(hot_of[epoch_id]):
                fetched = hot_of[epoch_id].rows.fetch(row_ids)
                data.update(((epoch_id, row_id), one) for row_id, one in fetched.items())
        filled = (
            r if r.hot is None else r._replace(data=data.get((r.epoch_id, r.row_id), b"")) for r in rows
        )
        return [row for row in filled if row.data]

    def _opened(self, rows: Sequence[_Found], held: Held, unserved: dict[str, str]) -> list[StoredRead]:
        """The reads of the rows with their sealed images, in the same order."""
        by_part: dict[tuple[str, int], list[_Found]] = {}
        for row in rows:
            by_part.setdefault((row.epoch_id, row.number), []).append(row)
        opened: dict[tuple[str, int], StoredRead] = {}
        for (epoch_id, number), part in by_part.items():
            with _noting(unserved, epoch_id):
                opened.update(self._open_part(*held[epoch_id], number, part))
        places = ((row.epoch_id, row.row_id) for row in rows)
        return [opened[place] for place in places if place in opened]

    def _open_part(
        self, epoch: Epoch, key: bytes, number: int, rows: Sequence[_Found]
    ) -> dict[tuple[str, int], StoredRead]:
        hot = rows[0].hot
        epoch.check_alive()
        words = hot.words if hot is not None else epoch.words[number]
        row_ids = [row.row_id for row in rows if row.data[0] & (HAS_CROP | HAS_SCENE)]
        if not row_ids:
            images = {}
        elif hot is None:
            images = self._images.fetch(epoch.files.path(number, "images"), key, row_ids)
        else:
            with _still_open(hot):
                images = hot.rows.images(row_ids)
        opened = {}
        for row in rows:
            stored = read_of(row.row_id, row.data, words, epoch.epoch_id)
            image = images.get(row.row_id)
            if image is not None:
                stored = replace(stored, crop_sealed=image.crop, scene_sealed=image.scene)
            opened[epoch.epoch_id, row.row_id] = stored
        return opened

    # --- epochs -------------------------------------------------------------------------------------------------

    def _parts_of(self, held: Held, unserved: dict[str, str]) -> dict[str, Parts]:
        """What the epochs are made of, loaded; one that fails is noted and left out."""
        asked = {epoch_id: one for epoch_id, one in held.items() if epoch_id not in unserved}
        self._load(asked, unserved)
        parts = {}
        for epoch_id, (epoch, key) in asked.items():
            if epoch_id not in unserved:
                with _noting(unserved, epoch_id):
                    parts[epoch_id] = epoch.parts(key)
        return parts

    def _loaded(self, epoch_id: str, key: bytes) -> Epoch:
        failures: dict[str, str] = {}
        epoch = self._epoch(epoch_id)
        self._load({epoch_id: (epoch, key)}, failures)
        if failures:
            raise StorageFailed(failures[epoch_id])
        return epoch

    def _load(self, held: Held, failures: dict[str, str]) -> None:
        """Bring the sealed segments of all these epochs into the search, in one go."""
        if all(epoch.is_loaded for epoch, _ in held.values()):
            return
        with self._loading:
            waiting = {e: one for e, one in held.items() if not one[0].is_loaded}
            files = []
            for epoch_id, (epoch, key) in waiting.items():
                with _noting(failures, epoch_id):
                    files += epoch.segment_files(key)
            facts, failed = self._sealed.load(files)
            failures.update(failed)
            for epoch_id, (epoch, key) in waiting.items():
                if epoch_id not in failures:
                    epoch.loaded([fact for fact in facts if fact.epoch_id == epoch_id], key)

    def _epoch(self, epoch_id: str) -> Epoch:
        if not _EPOCH_ID.fullmatch(epoch_id):
            raise InputRefused(
                "An epoch id has letters, digits, plus and minus; this one has something else."
            )
        with self._lock:
            epoch = self._epochs.pop(epoch_id, None)
            if epoch is None:
                epoch = Epoch(epoch_id, EpochFiles(self._folder, epoch_id, self._files), self._sealed)
            self._epochs[epoch_id] = epoch
            return epoch

    def _close_idle(self) -> None:
        with self._lock:
            open_epochs = [epoch for epoch in self._epochs.values() if epoch.is_hot_open]
        for epoch in open_epochs[:-MAX_HOT_EPOCHS]:
            if epoch.lock.acquire(blocking=False):  # somebody who writes to it keeps it open
                try:
                    epoch.close_hot()
                finally:
                    epoch.lock.release()


def _note_failures(answer: SealedAnswer, held: Held, unserved: dict[str, str]) -> None:
    """Note what could not be searched. What is missing, but not gone, is loaded and asked again."""
    for epoch_id in answer.missing:
        epoch = held[epoch_id][0]
        with _noting(unserved, epoch_id):
            epoch.check_alive()
            epoch.is_loaded = False
            raise _ClosedError
    for epoch_id, reason in answer.failures.items():
        with _noting(unserved, epoch_id):
            held[epoch_id][0].check_alive()
            unserved[epoch_id] = reason


@contextlib.contextmanager
def _noting(unserved: dict[str, str], epoch_id: str) -> Iterator[None]:
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
