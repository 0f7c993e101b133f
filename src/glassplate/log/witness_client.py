"""Asks witnesses for their cosignatures: in parallel, with a quorum, and with patience for bad ones.

C2SP tlog-witness, the log's side. What witnesses may do, and what happens:

* slow or down: the others are enough, if they make the quorum; it is asked again later, after a growing pause;
* lying: a cosignature that does not hold counts for nothing; a size that it only claims counts for nothing;
* **ahead of us, and it can show it**: a checkpoint with our own signature that we do not know. Then this log was set
  back, or somebody else has its key. ``ForkFound`` is raised and nothing may be signed any more (the notes'
  runbook: a restored backup that lost entries is a fork).
"""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from glassplate.errors import ProofFailed
from glassplate.log.add_checkpoint import AddCheckpoint
from glassplate.log.checkpoint import Checkpoint, open_checkpoint
from glassplate.log.note import MAX_NOTE_BYTES, open_note
from glassplate.log.text_fields import parse_decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.log.note_keys import VerifierKey

MAX_RETRIES = 3  # after a 409: the witness saw something newer meanwhile, or we forgot what it saw
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
GRACE_SECONDS = 0.2  # for the rest, once the quorum is there
MAX_ANSWER_BYTES = 16_384  # cosignature lines; a checkpoint has its own limit
OK, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 404, 409, 422


class ForkFound(ProofFailed):
    """A witness showed a checkpoint with our signature that our log does not lead to. ``evidence``: that checkpoint."""

    def __init__(self, message: str, evidence: bytes = b"") -> None:
        super().__init__(message)
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came back: the status, and at most as many bytes as were asked for."""

    status: int
    body: bytes = field(repr=False)


class Web(Protocol):
    """HTTP as the client needs it. Raises ``OSError`` when nobody answers in time."""

    def post(self, url: str, body: bytes, most: int) -> WebAnswer:
        """POST ``body``; an answer of more than ``most`` bytes is an OSError."""

    def get(self, url: str, most: int) -> WebAnswer:
        """GET; an answer of more than ``most`` bytes is an OSError."""

    def close(self) -> None:
        """Close what is open; requests that run then fail."""


@dataclass(frozen=True, slots=True)
class WitnessEndpoint:
    """A witness by its key and the address that the requests' paths are appended to."""

    key: VerifierKey
    url: str

    def __post_init__(self) -> None:
        if not self.key.is_cosigner:
            raise ProofFailed(f"{self.key.name} is a log's key, not a witness's (0x04 or 0x06).")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the witnesses gave. ``problems``: (witness, words), also for those that were not asked this time."""

    lines: tuple[str, ...]
    witnesses: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]
    latest_time: int | None = None
    """POSIX seconds: the newest time that a witness stated."""

    def joined(self, earlier: Gathered) -> Gathered:
        """With the lines of witnesses that cosigned the same checkpoint before and did not answer this time."""
        kept = [
            (line, name)
            for line, name in zip(earlier.lines, earlier.witnesses, strict=True)
            if name not in self.witnesses
        ]
        return Gathered(
            (*self.lines, *(line for line, _ in kept)),
            (*self.witnesses, *(name for _, name in kept)),
            self.problems,
            self.latest_time if self.latest_time is not None else earlier.latest_time,
        )


@dataclass(slots=True)
class _State:
    """What is remembered of one witness; guarded by the client's lock."""

    size: int = 0
    failures: int = 0
    ask_again_at: float = 0.0
    running: Future[str] | None = None


class WitnessClient:
    """Callable from several threads, though one publication at a time is enough. ``close`` when done."""

    def __init__(
        self,
        witnesses: Sequence[WitnessEndpoint],
        quorum: int,
        web: Web,
        now: Callable[[], float],
        *,
        most_seconds: float = 10.0,
    ) -> None:
        """``now``: seconds of any steady clock. ``most_seconds``: how long one publication waits at most.

        Raises:
            ProofFailed: fewer witnesses than the quorum, or two with one key: they would count twice.
        """
        if not 0 < quorum <= len(witnesses):
            raise ProofFailed(f"A quorum of {quorum} cannot be reached with {len(witnesses)} witnesses.")
        if len({witness.key.public_key for witness in witnesses}) != len(witnesses):
            raise ProofFailed("Two witnesses have the same key; each needs its own.")
        self.quorum = quorum
        self._witnesses = tuple(witnesses)
        self._web = web
        self._now = now
        self._most_seconds = most_seconds
        self._lock = threading.Lock()
        self._states = {witness.key.name: _State() for witness in witnesses}
        self._pool = ThreadPoolExecutor(len(witnesses), thread_name_prefix="witness")

    def __repr__(self) -> str:
        return f"WitnessClient({self.quorum} of {len(self._witnesses)})"

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Keys whose cosignatures count."""
        return tuple(witness.key for witness in self._witnesses)

    def gather(
        self,
        signed: bytes,
        log_key: VerifierKey,
        prove: Callable[[int], Sequence[bytes]],
        root_at: Callable[[int], bytes],
    ) -> Gathered:
        """Cosignatures for our durable checkpoint. Returns when the quorum is there, or nobody is left to wait for.

        ``prove``: consistency proof from an earlier size; ``root_at``: our root at an earlier size.

        Raises:
            ForkFound: a witness showed that this log was set back, or signed by somebody else.
        """
        checkpoint = open_checkpoint(signed, log_key)
        ask = _Asking(signed, checkpoint, log_key, prove, root_at)
        lines: dict[str, str] = {}
        problems: dict[str, str] = {}
        waiting: dict[Future[str], str] = {}
        for witness in self._witnesses:
            started = self._start(witness, ask)
            if isinstance(started, str):
                problems[witness.key.name] = started
            else:
                waiting[started] = witness.key.name
        ends = self._now() + self._most_seconds
        while waiting and self._now() < ends:
            enough = len(lines) >= self.quorum
            done, _ = wait(waiting, GRACE_SECONDS if enough else max(ends - self._now(), 0), FIRST_COMPLETED)
            if not done:
                break
            for future in done:
                name = waiting.pop(future)
                try:
                    lines[name] = future.result()
                except ForkFound:
                    raise
                except (OSError, ProofFailed) as error:
                    problems[name] = str(error) or type(error).__name__
        problems.update(dict.fromkeys(waiting.values(), "it does not answer in time"))
        times = open_note(signed + "".join(lines.values()).encode(), self.keys, demand=log_key).cosigned_at
        return Gathered(
            tuple(lines.values()),
            tuple(lines),
            tuple(sorted(problems.items())),
            max((time for _, time in times), default=None),
        )

    def demand_not_ahead(
        self,
        checkpoint: Checkpoint,
        log_key: VerifierKey,
        root_at: Callable[[int], bytes],
        *,
        answers: int = 0,
    ) -> None:
        """Ask every witness what it saw last, before anything is signed.

        ``answers``: how many must answer, for a start after a restore.

        Raises:
            ForkFound: one saw more of this log than there is here.
            ProofFailed: fewer than ``answers`` of them can be asked.
        """
        ask = _Asking(b"", checkpoint, log_key, lambda _size: (), root_at)
        futures = {
            self._pool.submit(self._show, witness, ask): witness.key.name for witness in self._witnesses
        }
        done, _ = wait(futures, self._most_seconds)
        answered, silent = 0, []
        for future, name in futures.items():
            if future in done and future.exception() is None:
                answered += 1
            elif future in done and isinstance(future.exception(), ForkFound):
                future.result()
            else:
                silent.append(name)
        if answered < answers:
            raise ProofFailed(
                f"After a restore {answers} witnesses must be asked before anything is signed, but only {answered} "
                f"answered (not {', '.join(silent)}). Start again when they can be reached."
            )

    def close(self) -> None:
        """Wait for nothing: requests that run are cut off."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._web.close()

    def _start(self, witness: WitnessEndpoint, ask: _Asking) -> Future[str] | str:
        with self._lock:
            state = self._states[witness.key.name]
            if state.running is not None and not state.running.done():
                return "it still has not answered an earlier request"
            if self._now() < state.ask_again_at:
                return "it failed before and is asked again later"
            state.running = self._pool.submit(self._ask, witness, ask)
            return state.running

    def _ask(self, witness: WitnessEndpoint, ask: _Asking) -> str:
        state = self._states[witness.key.name]
        try:
            line = self._cosignature(witness, ask, state)
        except BaseException:
            with self._lock:
                state.failures += 1
                pause = min(FIRST_PAUSE_SECONDS * 2 ** (state.failures - 1), LONGEST_PAUSE_SECONDS)
                state.ask_again_at = self._now() + pause
            raise
        with self._lock:
            state.size, state.failures, state.ask_again_at = ask.checkpoint.size, 0, 0.0
        return line

    def _cosignature(self, witness: WitnessEndpoint, ask: _Asking, state: _State) -> str:
        size = min(state.size, ask.checkpoint.size)
        for _ in range(MAX_RETRIES):
            proof = ask.prove(size) if 0 < size < ask.checkpoint.size else ()
            body = AddCheckpoint(size, tuple(proof), ask.signed).to_bytes()
            answer = self._web.post(f"{witness.url}/add-checkpoint", body, MAX_ANSWER_BYTES)
            if answer.status == OK:
                return _own_line(answer.body, ask.signed, witness.key)
            if answer.status != CONFLICT:
                break
            claimed = _size(answer.body)
            if claimed is None or claimed > ask.checkpoint.size or claimed == size:
                break
            size = claimed
        if answer.status in (CONFLICT, UNPROCESSABLE):
            self._show(witness, ask)  # raises when it has evidence against us
            raise ProofFailed("it says that it saw another history, but shows nothing that we signed")
        raise ProofFailed(f"it answered {answer.status}")

    def _show(self, witness: WitnessEndpoint, ask: _Asking) -> None:
        """What the witness saw last must lie on our way, if our key signed it."""
        origin = ask.checkpoint.origin
        name = hashlib.sha256(origin.encode()).hexdigest()
        answer = self._web.get(f"{witness.url}/{name}/checkpoint", MAX_NOTE_BYTES)
        if answer.status == NOT_FOUND:
            return
        if answer.status != OK:
            raise ProofFailed(f"it answered {answer.status}")
        seen = open_checkpoint(answer.body, ask.log_key)
        if seen.size > ask.checkpoint.size:
            raise ForkFound(
                f"The witness {witness.key.name} has a checkpoint of {seen.size} entries with this log's signature, "
                f"but there are {ask.checkpoint.size} here: the log was set back. Sign nothing more; restore the newest "
                "copy, or begin a new log and say why.",
                answer.body,
            )
        if seen.root != ask.root_at(seen.size):
            raise ForkFound(
                f"The witness {witness.key.name} has another history of {seen.size} entries with this log's signature: "
                "somebody else used the key. Sign nothing more; keep the evidence.",
                answer.body,
            )


@dataclass(frozen=True, slots=True)
class _Asking:
    """One publication, as every witness is asked about it."""

    signed: bytes = field(repr=False)
    checkpoint: Checkpoint
    log_key: VerifierKey
    prove: Callable[[int], Sequence[bytes]]
    root_at: Callable[[int], bytes]


def _own_line(body: bytes, signed: bytes, key: VerifierKey) -> str:
    """The line of ``key`` in an answer, checked over our own text; lines of others are ignored.

    Raises:
        ProofFailed: there is none that holds.
    """
    try:
        lines = body.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        raise ProofFailed("its answer is not UTF-8") from None
    for line in lines:
        try:
            if key in open_note(signed.rpartition(b"\n\n")[0] + b"\n\n" + line.encode(), demand=key).verified:
                return line
        except ProofFailed:
            continue
    raise ProofFailed("its answer holds no cosignature by its key that is right")


def _size(body: bytes) -> int | None:
    try:
        return parse_decimal(body.decode("ascii").removesuffix("\n"), "witness's size")
    except (ProofFailed, UnicodeDecodeError):
        return None  # some witnesses answer 409 with an empty body
