"""Group commit: writers that wait at the same time share one durable write.

There is no thread of its own: every writer queues its work and then asks for the lock. Whoever gets it writes
for all that wait by then; the others find theirs done when their turn comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from glassplate.errors import StorageFailed

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

Work = TypeVar("Work")
Answer = TypeVar("Answer")

MAX_WRITERS = 256  # in one write: later ones would wait longer than for a write of their own


@dataclass(slots=True, eq=False)
class Ticket(Generic[Work, Answer]):
    """One writer's work and what became of it."""

    work: Work
    answer: Answer | None = None
    failure: Exception | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the writer may go."""
        return self.answer is not None or self.failure is not None


class GroupCommit(Generic[Work, Answer]):
    """``submit`` may be called from any thread; ``write`` by one at a time, under ``lock``.

    ``write`` settles each ticket, or raises, which fails every ticket that is not settled: nobody may be answered
    on the strength of a row that is perhaps not there.
    """

    def __init__(
        self, write: Callable[[Sequence[Ticket[Work, Answer]]], None], lock: threading.Lock | threading.RLock
    ) -> None:
        self._write = write
        self._lock = lock
        self._waiting: deque[Ticket[Work, Answer]] = deque()

    def submit(self, work: Work) -> Answer:
        """The answer to ``work`` once it is durable. Raises what ``write`` raised for it."""
        ticket: Ticket[Work, Answer] = Ticket(work)
        self._waiting.append(ticket)
        with self._lock:
            while not ticket.is_settled:
                self._write_batch()
        if ticket.answer is None:
            raise ticket.failure or StorageFailed("The write was interrupted; deliver again.")
        return ticket.answer

    def _write_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_WRITERS))]
        interrupted = StorageFailed(
            "The write was interrupted; nothing was taken for certain. Deliver again."
        )
        failure: Exception = interrupted
        try:
            self._write(batch)
        except Exception as error:  # noqa: BLE001 - each writer raises it in its own thread
            failure = error
        finally:
            for ticket in batch:
                if not ticket.is_settled:
                    ticket.failure = failure
