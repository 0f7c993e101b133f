"""The store: SQLCipher files in one folder, one key for each epoch."""

from __future__ import annotations

import contextlib
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused, ProofFailed, StorageFailed
from glassplate.files import make_folder
from glassplate.store.answers import Answers, noting
from glassplate.store.epoch import Epoch
from glassplate.store.epoch_files import FILE_NAME, EpochFiles
from glassplate.store.graveyard import END, Graveyard
from glassplate.store.merkle import file_sha256
from glassplate.store.question import ANY_ID, Place, Question, fits, place_of
from glassplate.store.sealed_search import SealedSearch
from glassplate.store.store import StoredPage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.store.segment_search import SegmentSearch
    from glassplate.store.store import SegmentSummary, StoredRead, StoreQuery

    Held = Mapping[str, tuple[Epoch, bytes]]

MAX_HOT_EPOCHS = 8  # five file handles each; the least recently used is closed
PRIVATE_FOLDER = 0o700
_EPOCH_ID = re.compile(
    r"[0-9A-Za-z][0-9A-Za-z+-]{0,31}", re.ASCII
)  # no dot: it ends an epoch's name in a file's
_SEGMENT = re.compile(r"([0-9A-Za-z+-]+)\.(\d{1,9})", re.ASCII)


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
        self._folder = folder.resolve()  # the search worker has another working directory
        self._files = files
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._epochs: dict[str, Epoch] = {}  # in the order of their last use
        self._sealed = sealed or SealedSearch()
        self._graveyard = Graveyard(files)
        self._answers = Answers(self._sealed, self._load)
        for path in folder.iterdir():
            if name := FILE_NAME.fullmatch(path.name):
                self._epoch(name[1]).files.note(int(name[2]), name[3])
            elif path.suffix == END:
                self._graveyard.expect(path)
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
        question = Question.of(query, query.limit + 1, below)
        held = self._held(keys, *question.reach)
        unserved: dict[str, str] = {}
        reads: list[StoredRead] = []
        cursor: str | None = None
        while True:
            rows, opened = self._answers.newest(question, held, unserved)
            shown = rows[: question.most - 1]
            reads += [stored for stored in opened if fits(query, stored.read)]
            below = Place(shown[-1].row_id, shown[-1].epoch_id) if shown else None
            cursor = below.cursor() if below and len(rows) == question.most else None
            if cursor is None or len(reads) >= query.limit:
                break
            question = replace(question, most=query.limit - len(reads) + 1, below=below)
        self._close_idle(held)
        return StoredPage(tuple(reads), cursor is not None, tuple(sorted(unserved.items())), cursor)

    def get(self, read_ids: Sequence[str], keys: Mapping[str, bytes]) -> list[StoredRead]:
        """See ``Store.get``."""
        ids = list(dict.fromkeys(bytes.fromhex(read_id) for read_id in read_ids))
        held = self._held(keys, *ANY_ID)
        failures: dict[str, str] = {}
        opened = self._answers.with_ids(ids, held, failures)
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
            epoch.drop()
        with self._lock:
            self._epochs.pop(epoch_id, None)

    def epoch_ids(self) -> list[str]:
        """See ``Store.epoch_ids``."""
        with self._lock:
            present = {e for e, epoch in self._epochs.items() if epoch.has_any}
        return sorted(present | self._graveyard.epoch_ids())

    def counts(self, keys: Mapping[str, bytes] | None = None) -> dict[str, int]:
        """See ``Store.counts``."""
        if keys:
            self._answers.parts_of(self._held(keys, *ANY_ID), {})
        counts = {}
        for epoch_id in self.epoch_ids():
            count = self._epoch(epoch_id).count()
            if count is not None:
                counts[epoch_id] = count
        self._close_idle()
        return counts

    def sealed_hashes(self, epoch_id: str, key: bytes) -> dict[str, list[bytes]]:
        """See ``Store.sealed_hashes``."""
        return self._epoch(epoch_id).sealed_hashes(key)

    def expect_segments(self, logged: Iterable[SegmentSummary]) -> None:
        """See ``Store.expect_segments``."""
        for summary in logged:
            epoch = self._epoch(summary.epoch_id)
            with epoch.lock:
                number = int(summary.name.rpartition(".")[2])
                epoch.logged[number] = summary
                epoch.files.expect(number)

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

    @contextlib.contextmanager
    def still(self, epoch_id: str) -> Iterator[None]:
        """Nothing is written to the epoch's files, sealed or dropped for the length of the block."""
        with self._lock:
            epoch = self._epochs.get(epoch_id)
        with epoch.lock if epoch is not None else contextlib.nullcontext():
            yield

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
        self._graveyard.close()

    def __repr__(self) -> str:
        return f"SqlcipherStore({str(self._folder)!r})"

    # --- searching ----------------------------------------------------------------------------------------------

    def _held(self, keys: Mapping[str, bytes], first: int, last: int) -> Held:
        """The epochs of one question, for ids between the two: one that dies before the answer is missed, not passed over."""
        with self._lock:
            find = self._epochs.get
            return {
                e: (epoch, key)
                for e, key in keys.items()
                if (epoch := find(e)) is not None and epoch.may_have(first, last)
            }

    # --- epochs -------------------------------------------------------------------------------------------------

    def _loaded(self, epoch_id: str, key: bytes) -> Epoch:
        failures: dict[str, str] = {}
        epoch = self._epoch(epoch_id)
        self._load({epoch_id: (epoch, key)}, failures)
        if failures:
            raise StorageFailed(failures[epoch_id])
        return epoch

    def _load(self, held: Held, failures: dict[str, str]) -> None:
        """Bring the sealed segments of all these epochs into the search, in one go."""
        if not [epoch for epoch, _ in held.values() if not epoch.is_loaded]:
            return
        with self._loading:
            waiting = {e: one for e, one in held.items() if not one[0].is_loaded}
            files = []
            for epoch_id, (epoch, key) in waiting.items():
                with noting(failures, epoch_id):
                    files += epoch.segment_files(key)
            facts, failed = self._sealed.load(files)
            failures.update(failed)
            for epoch_id, (epoch, key) in waiting.items():
                if epoch_id not in failures:
                    with noting(failures, epoch_id):
                        epoch.loaded([fact for fact in facts if fact.epoch_id == epoch_id], key)

    def _epoch(self, epoch_id: str) -> Epoch:
        if not _EPOCH_ID.fullmatch(epoch_id):
            raise InputRefused(
                "An epoch id has letters, digits, plus and minus; this one has something else."
            )
        with self._lock:
            epoch = self._epochs.pop(epoch_id, None)
            if epoch is None:
                epoch = Epoch(
                    epoch_id, EpochFiles(self._folder, epoch_id, self._files, self._graveyard), self._sealed
                )
            self._epochs[epoch_id] = epoch
            return epoch

    def _close_idle(self, used: Held | None = None) -> None:
        """Close hot files beyond a few. ``used``: the epochs that may have been opened just now; None for any."""
        if used is not None and not any(epoch.is_hot_open for epoch, _ in used.values()):
            return
        with self._lock:
            open_epochs = [epoch for epoch in self._epochs.values() if epoch.is_hot_open]
        for epoch in open_epochs[:-MAX_HOT_EPOCHS]:
            if epoch.lock.acquire(blocking=False):  # somebody who writes to it keeps it open
                try:
                    epoch.close_hot()
                finally:
                    epoch.lock.release()
