"""The vault's end of the opening worker: a process that opens the reads of large batches beside the vault.

Opening an envelope is a multiplication on an elliptic curve, half of what a read costs, and whoever does it holds its
interpreter: in the vault it would hold up every search and every commit.

* The worker knows no epoch. A key is asked for while the lock is held, in the moment it is sent; when ``forget`` returns,
  the process that saw a dead epoch's key and reads has ended, and its key is sent to none any more.
* It is not believed more than a lane: what it hands back is parsed and compared with the batch as if it came from there.
* A worker that dies has taken nothing. Its batch is asked once more and then fails, and the lane delivers again.
* Small batches are opened in the vault: a second process would cost them more than it gives, and a short command starts none.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError, StorageFailed
from glassplate.recognize._caged_process import CagedProcess
from glassplate.seal import opening_messages as messages
from glassplate.seal.opener import ReadOpener, read_info, read_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from glassplate.records import PlateRead, SealedRead

LEAST_READS = 16  # fewer are opened in the vault, within a millisecond
SECONDS_TO_ANSWER = 10.0  # a full batch takes 20 ms; silence beyond means that it hangs
MODULE = "glassplate.seal._opening_worker"
WHAT = "opening worker"
_TRIES = 2


class OpeningWorker:
    """Callable from several threads at once; the process starts with the first large batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: CagedProcess | None = None
        self._is_closed = False

    @property
    def process_id(self) -> int | None:
        """The worker's, while there is one."""
        return self._process.process_id if self._process is not None else None

    def open_all(
        self,
        take_key: Callable[[], EllipticCurvePrivateKey],
        reads: Sequence[SealedRead],
        *,
        agency_id: str,
        camera_id: str,
    ) -> list[PlateRead | GlassplateError]:
        """What is inside each of an epoch's reads, or why it is not taken; see ``ReadOpener.open``.

        ``take_key``: gives the epoch's read key, and raises once the epoch is dead.

        Raises:
            StorageFailed: the worker does not run. Nothing was taken.
        """
        if len(reads) < LEAST_READS:
            opener = ReadOpener(take_key(), agency_id=agency_id)
            return [_or_error(partial(opener.open, sealed, camera_id=camera_id)) for sealed in reads]
        infos = [read_info(sealed, agency_id, camera_id) for sealed in reads]
        found = self._opened_beside(take_key, infos, [sealed.read for sealed in reads])
        return [
            inside
            if isinstance(inside, GlassplateError)
            else _or_error(partial(read_inside, inside, sealed, camera_id))
            for inside, sealed in zip(found, reads, strict=True)
        ]

    def forget(self) -> None:
        """End the process, because an epoch has died; the next large batch starts another."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """End the process for good."""
        self._is_closed = True
        self.forget()

    def _opened_beside(
        self,
        take_key: Callable[[], EllipticCurvePrivateKey],
        infos: Sequence[bytes],
        envelopes: Sequence[bytes],
    ) -> list[bytes | GlassplateError]:
        with self._lock:
            question = messages.pack_question(take_key(), infos, envelopes)
            for _ in range(_TRIES):
                try:
                    return self._exchange(question, len(infos))
                except (OSError, ValueError):
                    self._end()
        raise StorageFailed(
            "The opening worker stopped twice over one batch; nothing was taken. See the machine's memory and log."
        )

    def _exchange(self, question: bytes, count: int) -> list[bytes | GlassplateError]:
        if self._is_closed:
            raise StorageFailed("The vault is closing; deliver again.")
        if self._process is None:
            try:
                self._process = CagedProcess(MODULE, WHAT, messages.READY)
            except GlassplateError as error:
                raise StorageFailed(str(error)) from None
        self._process.begin(SECONDS_TO_ANSWER)
        self._process.send(question)
        return messages.receive_answer(count, self._process.receive)

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _or_error(opened: Callable[[], PlateRead]) -> PlateRead | GlassplateError:
    try:
        return opened()
    except GlassplateError as error:
        return error
