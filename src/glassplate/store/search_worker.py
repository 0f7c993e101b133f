"""The store's end of the search worker: a process with all plates of the sealed epochs, which ends when one dies.

    (1) forget      the worker takes the dead epoch out of its dictionary           ``SealedSearch.unload``
    (2) hand over   what is left lies in a file in memory without a name            ``SealedSearch.hand_over``
    (3) end         it is killed, and its whole memory with it
    (4) take over   a new one reads that file, which ends as well                   ``SealedSearch.take_over``
    (5) open        it opens the segments, one by one while nobody asks             ``SealedSearch.open_one``

``drop`` returns after (3); a search meanwhile waits for (4). The new one is there before: it waits beside the running
one (``WaitingWorker``), started some seconds after it, so that a short command starts one process only. Where (1) or (2)
fails, or the worker dies by itself, the next one begins empty and says so, and the store loads its segments again.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError, StorageFailed
from glassplate.store import search_messages as messages
from glassplate.store.search_messages import Message
from glassplate.store.segment_search import SegmentsMissingError
from glassplate.store.spare_worker import WaitingWorker, started_worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize._caged_process import CagedProcess
    from glassplate.store.hot_reads import SealedKnowledge
    from glassplate.store.question import Question
    from glassplate.store.segment_facts import SegmentFacts
    from glassplate.store.segment_search import Scope, SealedAnswer, SegmentFile

SECONDS_TO_ANSWER = (
    300.0  # the longest is opening three years of segments; silence beyond means that it hangs
)
SPARE_AFTER_SECONDS = 5.0
SECONDS_BETWEEN_FILES = 0.001  # for whoever waits to ask
_TRIES = 2


class SearchWorker:
    """``SegmentSearch`` in a process of its own; it starts with the first segment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: CagedProcess | None = None
        self._has: set[str] = set()
        self._memory = -1  # the file in memory of the running worker, for its successor
        self._legacy: tuple[int, Message] | None = (
            None  # what the worker before has left, and not taken over yet
        )
        self._spare: WaitingWorker | None = None
        self._timer: threading.Timer | None = None
        self._is_closed = False

    @property
    def process_id(self) -> int | None:
        """The worker's, while there is one."""
        return self._process.process_id if self._process is not None else None

    def load(self, files: Sequence[SegmentFile]) -> tuple[list[SegmentFacts], dict[str, str]]:
        """See ``SegmentSearch``."""
        if not files:
            return [], {}
        with self._lock:
            self._has.update(file.epoch_id for file in files)
            packed = messages.pack_files(files)
            return messages.loaded_of(self._ask("load", packed))

    def search(self, question: Question, scopes: Sequence[Scope]) -> SealedAnswer:
        """See ``SegmentSearch``."""
        with self._lock:
            return messages.answer_of(self._ask("search", messages.pack_question(question, scopes)))

    def find(self, read_ids: Sequence[bytes], scopes: Sequence[Scope]) -> SealedAnswer:
        """See ``SegmentSearch``."""
        with self._lock:
            asked = Message({"scopes": scopes}, b"".join(read_ids))
            return messages.answer_of(self._ask("find", asked))

    def knowledge(self, scope: Scope, read_ids: Sequence[bytes], firsts: Sequence[int]) -> SealedKnowledge:
        """See ``SegmentSearch``."""
        asked = Message({"scopes": [scope], "firsts": list(firsts)}, b"".join(read_ids))
        with self._lock:
            answer = self._ask("knowledge", asked)
        if "missing" in answer.head:
            raise SegmentsMissingError(answer.head["missing"])
        if "failure" in answer.head:
            raise StorageFailed(answer.head["failure"])
        return messages.knowledge_of(answer)

    def unload(self, epoch_id: str) -> None:
        """See ``SegmentSearch``."""
        with self._lock:
            if self._process is not None and epoch_id in self._has:
                with contextlib.suppress(StorageFailed):  # a worker that is dead has forgotten it too
                    self._ask("unload", Message({"epoch": epoch_id}))

    def drop(self, epoch_id: str) -> None:
        """See ``SegmentSearch``: when this returns, the process that knew the epoch's plates has ended."""
        with self._lock:
            if epoch_id not in self._has:
                return
            self._has.discard(epoch_id)
            with contextlib.suppress(OSError, ValueError, GlassplateError):
                left = self._exchange(Message({"act": "hand over", "epoch": epoch_id}))
                self._legacy, self._memory = (self._memory, left), -1
            self._end()  # with nothing left behind, whoever waits for it ends too
        threading.Thread(target=self._succeed, daemon=True).start()

    def close(self) -> None:
        """See ``SegmentSearch``."""
        with self._lock:
            self._is_closed = True
            if self._timer is not None:
                self._timer.cancel()
            self._end()
            self._end_legacy()
            self._end_spare()
            self._has.clear()

    def _ask(self, act: str, message: Message) -> Message:
        asked = Message({"act": act, **message.head}, message.data)
        for _ in range(_TRIES):
            try:
                return self._exchange(asked)
            except (OSError, ValueError):
                self._end()
        raise StorageFailed(
            "The search worker stopped twice over one question; see the machine's memory and log."
        )

    def _exchange(self, message: Message) -> Message:
        process = self._running()
        process.begin(SECONDS_TO_ANSWER)
        process.send(messages.pack(message))
        return messages.receive(process.receive)

    def _running(self) -> CagedProcess:
        """The worker; a new one takes over first what the one before has left."""
        if self._is_closed:
            raise StorageFailed("The store is closed.")
        if self._process is None:
            self._process, descriptor = self._start()
            try:
                self._exchange(Message({"act": "lie in", "descriptor": self._memory}))
                if self._legacy is not None:
                    left = self._legacy[1]
                    head = {**left.head, "act": "take over", "descriptor": descriptor}
                    self._exchange(Message(head, left.data))
            except BaseException:
                self._end()  # half a dictionary would answer with half the reads
                raise
            finally:
                self._end_legacy()
            self._have_a_spare_later()
        return self._process

    def _start(self) -> tuple[CagedProcess, int]:
        """A new worker, and the number under which it has what the one before has left."""
        spare, self._spare = self._spare, None
        if spare is not None and self._legacy is not None and spare.process.is_alive():
            self._memory = spare.memory
            os.close(spare.legacy)  # the worker has its own; the number is the same there
            return spare.process, spare.legacy
        if spare is not None:
            spare.end()
        self._memory = os.memfd_create("plates")
        legacy = self._legacy[0] if self._legacy is not None else self._memory
        try:
            return started_worker((self._memory, legacy)), legacy
        except GlassplateError as error:
            self._end()
            raise StorageFailed(str(error)) from None

    def _have_a_spare_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(SPARE_AFTER_SECONDS, self._have_a_spare)
        self._timer.daemon = True
        self._timer.start()

    def _have_a_spare(self) -> None:
        """Have somebody wait for the running worker's end; searches go on meanwhile."""
        with self._lock:
            process, memory = self._process, os.dup(self._memory) if self._memory >= 0 else -1
        if process is None or memory < 0:
            return
        try:
            spare = WaitingWorker(memory)
        except (OSError, GlassplateError):
            return  # the successor is then started when it is needed
        finally:
            os.close(memory)
        with self._lock:
            if self._process is process and self._spare is None and not self._is_closed:
                self._spare = spare
                return
        spare.end()

    def _succeed(self) -> None:
        """Have the next worker ready before anybody asks, and then its files open, one by one between questions."""
        with contextlib.suppress(OSError, ValueError, GlassplateError):
            with self._lock:
                process = self._running()
            was_one = True
            while was_one:
                time.sleep(SECONDS_BETWEEN_FILES)
                with self._lock:
                    was_one = self._process is process and self._ask("open one", Message({})).head["was_one"]

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._memory >= 0:
            os.close(self._memory)
            self._memory = -1
        if self._legacy is None:
            self._end_spare()

    def _end_spare(self) -> None:
        if self._spare is not None:
            self._spare.end()
            self._spare = None

    def _end_legacy(self) -> None:
        if self._legacy is not None:
            os.close(self._legacy[0])
            self._legacy = None
