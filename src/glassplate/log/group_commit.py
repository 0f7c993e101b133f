"""Group commit: callers that wait at the same time share one durable write.

There is no thread of its own: every caller queues its payloads and then asks for the writer's lock. Whoever
gets it writes for all that wait by then; the others find their ticket settled when their turn comes. A write
that fails, fails every ticket of its batch: nobody may be answered on the strength of a record that is
perhaps not there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import LogUnavailable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

MAX_BATCH_ENTRIES = 1024  # beyond this a batch is bound by the processor, and later callers wait for nothing


@dataclass(slots=True, eq=False)
class _Ticket:
    payloads: Sequence[bytes]
    first: int | None = None
    failure: str | None = None

    @property
    def settled(self) -> bool:
        return self.first is not None or self.failure is not None


class GroupCommit:
    """``submit`` may be called from any thread; ``write`` is called by one at a time, under ``lock``."""

    def __init__(self, write: Callable[[Sequence[bytes]], int], lock: threading.Lock) -> None:
        self._write = write
        self._lock = lock
        self._waiting: deque[_Ticket] = deque()

    def submit(self, payloads: Sequence[bytes]) -> int:
        """Index of the first of ``payloads``, once all of them are durable.

        Raises:
            LogUnavailable: when the batch could not be written.
        """
        ticket = _Ticket(payloads)
        self._waiting.append(ticket)
        with self._lock:
            while not ticket.settled:
                self._write_batch(self._next_batch())
        if ticket.first is None:
            raise LogUnavailable(ticket.failure or "The log could not be written.")
        return ticket.first

    def _next_batch(self) -> list[_Ticket]:
        """At least one ticket; more while they fit. Only called under the lock, by somebody who waits."""
        batch = [self._waiting.popleft()]
        count = len(batch[0].payloads)
        while self._waiting and count + len(self._waiting[0].payloads) <= MAX_BATCH_ENTRIES:
            batch.append(self._waiting.popleft())
            count += len(batch[-1].payloads)
        return batch

    def _write_batch(self, batch: list[_Ticket]) -> None:
        failure = "The write to the log was interrupted; nothing was recorded for certain."
        try:
            first = self._write([payload for ticket in batch for payload in ticket.payloads])
            for ticket in batch:
                ticket.first = first
                first += len(ticket.payloads)
        except LogUnavailable as error:
            failure = str(error)
        finally:
            for ticket in batch:
                if ticket.first is None:
                    ticket.failure = failure
