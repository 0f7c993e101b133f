"""A witness: cosigns checkpoints of logs that it knows, and only ones that grew from what it cosigned before.

C2SP tlog-witness. In this order, and whoever fails a step gets its status and nothing is changed:

 1. the request is well-formed                                              400
 2. the log is one of those that this witness was told to watch             404 (an earlier text and its vectors: 403)
 3. its own key signed the checkpoint                                       403
 4. the old size is not larger than the new one                             400
 5. the old size is what this witness cosigned last                         409, with that size
 6. at the same size the root is the same; else the proof holds             422
 7. the checkpoint is durable here, atomically with 5: two requests at once cannot turn it back
 8. the cosignature                                                         200

One process owns the folder. ``<hex SHA-256 of origin>/checkpoint`` in it is what was cosigned last, with the
cosignature, so that a monitor may read it (tlog-witness, "monitoring").
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, StorageFailed
from glassplate.log.add_checkpoint import AddCheckpoint
from glassplate.log.checkpoint import Checkpoint, open_checkpoint
from glassplate.log.folder_lock import FolderLock
from glassplate.log.merkle import EMPTY_ROOT, verify_consistency
from glassplate.log.note import open_note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.log.cosigner import CosigningKey
    from glassplate.log.note_keys import VerifierKey

SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: str
    content_type: str = TEXT_TYPE


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log that a witness was told to watch. ``origin``: None when it is the key's name, as it should be."""

    key: VerifierKey
    origin: str | None = None

    @property
    def name(self) -> str:
        """The first line of its checkpoints."""
        return self.key.name if self.origin is None else self.origin


class Witness:
    """Callable from several threads. ``close`` gives the folder back."""

    def __init__(
        self,
        folder: Path,
        key: CosigningKey,
        logs: Mapping[str, WatchedLog],
        files: Files,
        now: Callable[[], float],
        *,
        unknown_log_status: int = 404,
    ) -> None:
        """Take the folder's lock. ``logs`` by origin; ``now`` in POSIX seconds.

        Raises:
            FolderBusy: another witness runs in this folder.
            StorageFailed: it cannot be used.
        """
        self._folder = folder
        self._key = key
        self._logs = dict(logs)
        self._files = files
        self._now = now
        self._unknown_log_status = unknown_log_status
        self._lock = threading.Lock()
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(f"{folder} cannot be made: {error.strerror}.") from None
        self._owned = FolderLock(folder)

    def __repr__(self) -> str:
        return f"Witness({self._key.name}, {len(self._logs)} logs)"

    @property
    def verifier(self) -> VerifierKey:
        """The public key to check this witness's cosignatures with."""
        return self._key.verifier

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer one request. Never raises for what a stranger sent; a disk that refuses becomes 500."""
        try:
            request = _parse(body)
            log, checkpoint = self._signed_by_its_log(request)
            with self._lock:
                return self._grow(log, request, checkpoint)
        except _Refusal as refusal:
            return refusal.answer
        except (OSError, StorageFailed):
            return Answer(500, "this witness cannot write its state; try again later\n")

    def last_seen(self, origin: str) -> bytes | None:
        """The newest cosigned checkpoint of a log, as it was published; None when there is none."""
        path = self._path(origin)
        return path.read_bytes() if path.exists() else None

    def seen_by_hash(self, name: str) -> bytes | None:
        """As ``last_seen``, by the hexadecimal SHA-256 of the origin."""
        origin = next((origin for origin in self._logs if _folder_name(origin) == name), None)
        return None if origin is None else self.last_seen(origin)

    def sizes(self) -> dict[str, int | None]:
        """Origin -> size cosigned last, for every watched log; None for one that was never seen."""
        return {
            origin: self._last(log).size if self.last_seen(origin) else None
            for origin, log in self._logs.items()
        }

    def close(self) -> None:
        """Give the folder back."""
        with self._lock:
            self._owned.release()

    def _signed_by_its_log(self, request: AddCheckpoint) -> tuple[WatchedLog, Checkpoint]:
        """Steps 2 to 4."""
        origin = request.checkpoint.partition(b"\n")[0].decode(errors="replace")
        log = self._logs.get(origin)
        if log is None:
            raise _Refusal(self._unknown_log_status, "unknown log")
        try:
            open_note(request.checkpoint, demand=log.key)
        except ProofFailed:
            raise _Refusal(403, "invalid signature of the log") from None
        try:
            checkpoint = open_checkpoint(request.checkpoint, log.key, origin=origin)
        except ProofFailed as error:
            raise _Refusal(422, str(error)) from None
        if request.old_size > checkpoint.size:
            raise _Refusal(400, "the old size is larger than the checkpoint's")
        return log, checkpoint

    def _grow(self, log: WatchedLog, request: AddCheckpoint, checkpoint: Checkpoint) -> Answer:
        """Steps 5 to 8, under the lock."""
        last = self._last(log)
        if request.old_size != last.size:
            raise _Refusal(409, str(last.size), SIZE_TYPE)
        _demand_growth(last, checkpoint, request.proof)
        text = checkpoint_text(request.checkpoint)
        line = self._key.cosign(text, int(self._now()))
        self._files.write_atomic(self._path(log.name), request.checkpoint + line.encode())
        return Answer(200, line)

    def _last(self, log: WatchedLog) -> Checkpoint:
        path = self._path(log.name)
        if not path.exists():
            return Checkpoint(log.name, 0, EMPTY_ROOT)
        try:
            return open_checkpoint(path.read_bytes(), log.key, origin=log.name)
        except ProofFailed as error:  # never start from zero again: that would cosign a fork
            raise StorageFailed(
                f"{path} is damaged: {error} Restore it, and cosign nothing until then."
            ) from None

    def _path(self, origin: str) -> Path:
        return self._folder / _folder_name(origin) / "checkpoint"


def checkpoint_text(signed: bytes) -> str:
    """The text of a note that was opened already: what cosignatures are made over."""
    return (signed.rpartition(b"\n\n")[0] + b"\n").decode()


class _Refusal(Exception):
    """A step that failed."""

    def __init__(self, status: int, words: str, content_type: str = TEXT_TYPE) -> None:
        super().__init__(words)
        self.answer = Answer(status, f"{words}\n", content_type)


def _parse(body: bytes) -> AddCheckpoint:
    try:
        return AddCheckpoint.parse(body)
    except ProofFailed as error:
        raise _Refusal(400, str(error)) from None


def _demand_growth(last: Checkpoint, new: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if not last.size:
        if proof:
            raise _Refusal(422, "the consistency proof does not hold: from size 0 there is nothing to prove")
        return
    try:
        verify_consistency(last.size, last.root, new.size, new.root, proof)
    except ProofFailed as error:
        raise _Refusal(422, f"the consistency proof does not hold: {error}") from None


def _folder_name(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()
