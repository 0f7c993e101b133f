"""One epoch of the store: what is open of it, and what may happen to it while somebody searches."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import threading
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from glassplate.errors import InputRefused, StorageFailed
from glassplate.store.group_commit import GroupCommit
from glassplate.store.hot_file import MemoryRows
from glassplate.store.hot_reads import Delivery, HotReads, SealedKnowledge
from glassplate.store.merkle import file_sha256, merkle_root
from glassplate.store.sealed_segment import SealedSegment
from glassplate.store.segment_search import SegmentFile, SegmentsMissingError
from glassplate.store.store import NO_FILE, SegmentSummary
from glassplate.store.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glassplate.store.epoch_files import EpochFiles
    from glassplate.store.group_commit import Ticket
    from glassplate.store.segment_facts import SegmentFacts
    from glassplate.store.segment_search import Scope, SegmentSearch
    from glassplate.store.store import StoredRead


class Parts(NamedTuple):
    """What one search asks: each read is in exactly one of these places, whatever is sealed meanwhile."""

    hot: HotReads | None
    numbers: tuple[int, ...]


class Epoch:
    """``lock`` is held by whoever changes something; a search takes ``parts`` and needs no lock.

    ``is_loaded``: its sealed segments are in the search. ``refused``: segments that are not the logged ones.
    ``logged``: what the log says of segments, as far as the store was told.
    """

    def __init__(self, epoch_id: str, files: EpochFiles, search: SegmentSearch) -> None:
        self.epoch_id = epoch_id
        self.lock = threading.RLock()
        self.files = files
        self.in_memory = False
        self.is_gone = False
        self.is_loaded = False
        self.refused: set[int] = set()
        self.logged: dict[int, SegmentSummary] = {}
        self.words: dict[int, Words] = {}
        self._counts: dict[int, int] = {}
        self._spans: dict[int, tuple[int, int]] = {}  # segment -> its first and last id
        self._span = (1, 0)  # of all segments; empty while the first is larger
        self._search = search
        self._parts = Parts(None, ())  # replaced as a whole
        self._hot_count = 0
        self._key_sha256: bytes | None = None
        self._commit: GroupCommit[Delivery, list[bool]] = GroupCommit(self._write, self.lock)

    def keep_in_memory(self, *, in_memory: bool) -> None:
        """Decide where reads will be kept.

        Raises:
            InputRefused: there are some already, kept otherwise.
        """
        with self.lock:
            if in_memory != self.in_memory and (self._parts.hot is not None or self.files.are_any):
                raise InputRefused(
                    f"The epoch {self.epoch_id} has reads already; where they are kept is decided."
                )
            self.in_memory = in_memory

    # --- opening ------------------------------------------------------------------------------------------------

    def segment_files(self, key: bytes) -> list[SegmentFile]:
        """What the search must load before this epoch is served.

        Raises:
            StorageFailed: it was dropped, or a segment is refused.
        """
        self.check_alive()
        numbers = self.files.numbers("sealed")
        for number in numbers:
            if number in self.refused:
                path = self.files.path(number, "sealed")
                raise StorageFailed(f"The segment {path} is not the one in the log. Restore the logged one.")
        return [SegmentFile(self.epoch_id, n, self.files.path(n, "sealed"), key) for n in numbers]

    def loaded(self, facts: Sequence[SegmentFacts], key: bytes, *, is_sealed_now: bool = False) -> None:
        """The search has taken these segments; ``key`` opened them.

        ``is_sealed_now``: the hot reads are in them, so they leave the parts in the same instant.

        Raises:
            StorageFailed: one is not the logged one; the epoch is not served.
        """
        self._check_logged(facts)
        for fact in facts:
            self.words[fact.number] = Words(fact.words)
            self._counts[fact.number] = fact.count
            self._spans[fact.number] = fact.first_id, fact.last_id
        spans = tuple(self._spans.values())
        self._span = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (1, 0)
        numbers = {*self._parts.numbers, *(fact.number for fact in facts)}
        self._parts = Parts(None if is_sealed_now else self._parts.hot, tuple(sorted(numbers)))
        self.is_loaded = True
        if facts:
            self._key_sha256 = hashlib.sha256(key).digest()

    def _check_logged(self, facts: Sequence[SegmentFacts]) -> None:
        """Refuse a segment whose number of reads or root is not the logged one: an older one, put back as a whole."""
        for fact in facts:
            logged = self.logged.get(fact.number)
            if logged is None or (fact.count, fact.root) == (logged.count, logged.merkle_root or fact.root):
                continue
            self.refused.add(fact.number)
            self._search.unload(self.epoch_id)
            raise StorageFailed(
                f"The segment {self.files.path(fact.number, 'sealed')} is not the one in the log: it has {fact.count} "
                f"reads with the root {fact.root}, logged are {logged.count} with {logged.merkle_root}. "
                "Restore the logged one."
            )

    def may_have(self, first: int, last: int) -> bool:
        """Whether a read with an id between the two, both included, can be here; true of what is not loaded."""
        hot = self._parts.hot  # first: sealing widens the span before it takes the hot reads away
        if not self.is_loaded:
            return self.has_any
        if self.files.has_hot if hot is None else hot.columns.reach(first, last):
            return True
        earliest, latest = self._span
        return earliest <= last and latest >= first

    def parts(self, key: bytes, first: int, last: int) -> Parts:
        """What to search for ids between the two, both included. Opens the hot file when there is one.

        Raises:
            StorageFailed: the epoch is gone, damaged, or its key is another.
        """
        self._check_key(key)
        if self._parts.hot is None and self.files.has_hot:
            with self.lock:
                self._open_hot(key, create=False)
        parts, (earliest, latest), spans = self._parts, self._span, self._spans
        if first <= earliest and latest <= last:
            return parts
        numbers = [n for n in parts.numbers if _overlaps(spans.get(n), first, last)]
        return parts if len(numbers) == len(parts.numbers) else Parts(parts.hot, tuple(numbers))

    def _open_hot(self, key: bytes, *, create: bool) -> HotReads | None:
        self._check_key(key)
        if self._parts.hot is None:
            hot = None
            if self.in_memory:
                hot = HotReads(MemoryRows(), self.epoch_id)
            elif create or self.files.hot_number() in self.files.numbers("hot"):
                hot = HotReads(self.files.open_hot(key), self.epoch_id)
                self._key_sha256 = hashlib.sha256(key).digest()
            self._parts = self._parts._replace(hot=hot)
            self._note_hot_count()
        return self._parts.hot

    def _check_key(self, key: bytes) -> None:
        self.check_alive()
        if self._key_sha256 is not None and not hmac.compare_digest(
            hashlib.sha256(key).digest(), self._key_sha256
        ):
            path = self.files.path(
                min(self._parts.numbers, default=0), "sealed" if self._parts.numbers else "hot"
            )
            raise StorageFailed(f"The segment {path} failed: its key is another.")

    def check_alive(self) -> None:
        """Raise ``StorageFailed`` when the epoch was dropped."""
        if self.is_gone:
            raise StorageFailed(f"The epoch {self.epoch_id} was destroyed a moment ago; its reads are gone.")

    # --- acts ---------------------------------------------------------------------------------------------------

    def append(self, key: bytes, reads: Sequence[StoredRead]) -> list[bool]:
        """Take reads together with whoever else is waiting to."""
        self._check_key(key)
        return self._commit.submit(Delivery(key, reads))

    def _write(self, tickets: Sequence[Ticket[Delivery, list[bool]]]) -> None:
        with self._closing_on_failure():
            hot = self._open_hot(tickets[0].work.key, create=True)
            if hot is None:
                raise StorageFailed(f"The epoch {self.epoch_id} cannot take reads.")
            hot.append(tickets, partial(self._ask_sealed, tickets[0].work.key))
        self._note_hot_count()

    def _ask_sealed(self, key: bytes, read_ids: Sequence[bytes], firsts: Sequence[int]) -> SealedKnowledge:
        if not self._parts.numbers:
            return SealedKnowledge()
        try:
            return self._search.knowledge(self.scope, read_ids, firsts)
        except SegmentsMissingError:
            self._check_logged(self._search.load(self.segment_files(key))[0])
            return self._search.knowledge(self.scope, read_ids, firsts)

    def seal(self, key: bytes) -> SegmentSummary | None:
        """Steps (1) and (2) of sealing; see ``Store.seal_epoch``."""
        if self.in_memory:
            return self._summary_of_memory()
        for number in self.files.sealed_hot_numbers():
            return self._summary(number, key)
        hot = self._open_hot(key, create=False)
        if hot is None:
            return None
        if not hot.count:  # all that came was there already
            self.close_hot()
            self.files.drop_hot_file(self.files.hot_number())
            return None
        number = self.files.hot_number()
        with self._closing_on_failure():
            self.files.seal(number, key, hot.columns)
            facts, failures = self._search.load(
                [SegmentFile(self.epoch_id, number, self.files.path(number, "sealed"), key)]
            )
            if failures:
                raise StorageFailed(failures[self.epoch_id])
            self.loaded(facts, key, is_sealed_now=True)
            hot.forget()
        self._note_hot_count()
        return self._summary(number, key)

    def drop(self) -> None:
        """Forget and delete everything; needs no key."""
        self.is_gone = True
        self.in_memory = False
        self._forget()
        self._search.drop(self.epoch_id)
        self.files.drop()

    def unload(self) -> None:
        """Close everything, and so forget the key; it is opened again when somebody asks."""
        self._forget()
        self._search.unload(self.epoch_id)

    def _forget(self) -> None:
        self.is_loaded = False  # first: a question meanwhile loads again, instead of finding nothing here
        self._parts = self._parts._replace(numbers=())
        self._key_sha256 = None
        self._counts.clear()
        self._spans.clear()
        self.words.clear()
        self.close_hot()

    def close_hot(self) -> None:
        """Overwrite the columns of the hot file and close it; reads that are in memory only stay there."""
        hot = self._parts.hot
        if hot is not None and not self.in_memory:
            self._parts = self._parts._replace(hot=None)
            hot.forget()

    # --- facts --------------------------------------------------------------------------------------------------

    @property
    def scope(self) -> Scope:
        """The epoch's sealed segments."""
        return self.epoch_id, self._parts.numbers

    @property
    def has_any(self) -> bool:
        """Whether it has files, or is kept in memory."""
        return self.in_memory or self.files.are_any

    @property
    def is_hot_open(self) -> bool:
        """Whether a hot file is open, whose handles count."""
        return self._parts.hot is not None and not self.in_memory

    def count(self) -> int | None:
        """Reads here; None while not loaded."""
        if not self.is_loaded and self._parts.hot is None:
            return None
        return sum(self._counts.values()) + self._hot_count

    def has_hot(self) -> bool:
        """Whether there are reads, or files of them, that are in no segment."""
        if self.in_memory:
            return self._parts.hot is not None and self._parts.hot.has_unsealed
        return self.files.has_hot

    def sealed_hashes(self, key: bytes) -> dict[str, list[bytes]]:
        """See ``Store.sealed_hashes``."""
        hashes = {}
        for file in self.segment_files(key):
            segment = SealedSegment(file.path, self.epoch_id, file.number, key)
            try:
                hashes[file.path.stem] = sorted(segment.digests())
            finally:
                segment.close()
        return hashes

    def _note_hot_count(self) -> None:
        self._hot_count = self._parts.hot.count if self._parts.hot is not None else 0

    def _summary(self, number: int, key: bytes) -> SegmentSummary:
        path = self.files.path(number, "sealed")
        segment = SealedSegment(path, self.epoch_id, number, key)
        segment.close()
        return SegmentSummary(
            self.epoch_id, path.stem, file_sha256(path), segment.facts.count, segment.facts.root
        )

    def _summary_of_memory(self) -> SegmentSummary | None:
        digests = self._parts.hot.take_digests() if self._parts.hot is not None else []
        if not digests:
            return None
        return SegmentSummary(self.epoch_id, "", NO_FILE, len(digests), merkle_root(digests))

    @contextlib.contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        """After a failure only the disk knows what was done, so everything is read from it again."""
        try:
            yield
        except BaseException:
            self.unload()
            self.files.look()
            raise


def _overlaps(span: tuple[int, int] | None, first: int, last: int) -> bool:
    """A segment that was closed a moment ago has no span; it is asked, and then says so."""
    return span is None or (span[0] <= last and span[1] >= first)
