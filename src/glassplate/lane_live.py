"""A live lane: one camera watched until somebody stops it. Two threads, so that neither keeps the other waiting.

    the walk      frames to sealed reads in the outbox                           `lane_video.VideoWalk`
    the courier   every second: deliver what waits, and later and later what the vault does not take (`lane.Retry`); a
                  signed heartbeat every 15 seconds, and at once when the state changes; newer epoch keys every ten minutes

What fails turns the camera red (`Heartbeat.problem`) and is tried again; nothing that fails looks like an empty road.
What fails between good frames is not forgotten with the next one: a tenth of the frames of the last minute (and three
at least) is red, less is yellow (`Heartbeat.warning`), for ten minutes after the last time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.encoding import canonical_json, time_text
from glassplate.errors import GlassplateError, KeyUnavailable, StorageFailed
from glassplate.lane import LaneOutcome, Retry
from glassplate.seal import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from glassplate.capture.rtsp import RtspCamera
    from glassplate.client import VaultClient
    from glassplate.files import Files
    from glassplate.lane import Courier
    from glassplate.lane_video import VideoWalk
    from glassplate.seal import Sealer
    from glassplate.seal.heartbeat import LaneState

COURIER_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0  # the vault calls a lane silent after three
NEW_KEYS_SECONDS = 600.0
STUCK_SECONDS = 8.0  # in one frame: the recognizer hangs
STATUS_NAME = "status.json"
RED_SHARE, RED_AT_LEAST, RED_WITHIN_SECONDS = 0.1, 3, 60.0
YELLOW_SECONDS = 600.0


@dataclass(slots=True)
class Failures:
    """One kind of failure: two counts that only rise, looked at each second."""

    last_at: float = float("-inf")
    _noted: deque[tuple[float, int, int]] = field(default_factory=deque)

    def note(self, failed: int, tried: int, now: float) -> None:
        """The counts at ``now``, in seconds by the monotonic clock. ``tried`` holds those that failed."""
        if failed > (self._noted[-1][1] if self._noted else 0):
            self.last_at = now
        self._noted.append((now, failed, tried))
        while len(self._noted) > 1 and now - self._noted[1][0] >= RED_WITHIN_SECONDS:
            self._noted.popleft()

    @property
    def is_red(self) -> bool:
        """Too many of those that were tried in the last minute."""
        if not self._noted:
            return False
        (_, failed_before, tried_before), (_, failed, tried) = self._noted[0], self._noted[-1]
        failures = failed - failed_before
        return failures >= max(RED_AT_LEAST, RED_SHARE * (tried - tried_before))

    def is_yellow(self, now: float) -> bool:
        """Any in the last ten minutes."""
        return now - self.last_at < YELLOW_SECONDS


@dataclass(slots=True)
class LiveLane:
    """One watched camera.

    ``fetch_sealer`` asks the vault for the epochs' keys; ``status_file``: where the lane's own machine can see how it
    fares when no vault answers.
    """

    camera: RtspCamera
    walk: VideoWalk
    courier: Courier
    client: VaultClient
    private_key: Ed25519PrivateKey
    fetch_sealer: Callable[[], Sealer]
    files: Files
    status_file: Path
    clock: Callable[[], datetime]
    on_state: Callable[[Heartbeat], None] = lambda _beat: None
    outcome: LaneOutcome = field(default_factory=LaneOutcome)
    reads: int = 0
    vault_problem: str = ""
    failed: int = 0
    """Frames that the recognizer failed on."""
    last_failure: str = ""
    """Type of the recognizer's last error; its words could hold what was read."""
    refused_by_vault: Counter[str] = field(default_factory=Counter)
    _walk_problem: str = ""
    _failures: dict[str, Failures] = field(
        default_factory=lambda: {word: Failures() for word in ("recognizer", "damaged", "lost", "scenes")}
    )
    _said: tuple[str, str, str] = ("", "", "")
    _state: tuple[str, datetime | None] = ("", None)
    """The last state, heard by the vault or not, and since when."""
    _waiting: int = 0
    _retry: Retry = field(default_factory=Retry)
    _beat_problem: str = ""
    _delivery_problem: str = ""
    _has_crashed: bool = False
    _beat_at: float = float("-inf")
    _keys_at: float = field(default_factory=time.monotonic)
    _is_done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Watch until the camera's ``stop`` is set; then tell what was in view, deliver, and say goodbye.

        Whatever else ends it is raised, and no goodbye: the camera is red.
        """
        courier = threading.Thread(target=self._carry, name="courier")
        courier.start()
        try:
            for frame in self.camera.frames():
                self._step(lambda frame=frame: self.walk.take(frame, self.outcome))  # type: ignore[misc]
        except BaseException:
            self._has_crashed = True
            raise
        finally:
            self._step(lambda: self.walk.take(None, self.outcome))
            self._is_done.set()
            courier.join()

    def _step(self, act: Callable[[], None]) -> None:
        """One frame. Whatever fails is shown, on the lane, in the vault and on its pages, until a frame succeeds."""
        try:
            act()
        except (KeyUnavailable, StorageFailed):
            self._walk_problem = "sealing"
        except Exception as error:  # noqa: BLE001 - a network that fails on this frame may work on the next
            self._walk_problem, self.last_failure = "recognizer", type(error).__name__
            self.failed += 1
        else:
            self._walk_problem = ""
        self.reads += len(self.outcome.reads)
        self.outcome.reads.clear()  # a live lane remembers no plate that it has sealed

    # --- the courier ---------------------------------------------------------------------------------------------

    def _carry(self) -> None:
        while not self._is_done.wait(COURIER_SECONDS):
            self._carry_once()
        self._carry_once(last=True)

    def _carry_once(self, *, last: bool = False) -> None:
        stopped = last and not self._has_crashed
        was_away = self._beat_problem != ""
        if last:
            self._deliver()
        self._beat_problem = self._try(lambda: self._beat(stopped=stopped))
        keys_problem = self._try(self._renew_keys)
        if was_away and not self._beat_problem:
            self._retry.reset()  # the vault is back
        if not last and self._retry.is_due(time.monotonic()):
            self._deliver()
        self.vault_problem = self._beat_problem or keys_problem or self._delivery_problem
        if self.vault_problem:
            self._write_status("stopped" if stopped else "blind", self.problem or "vault")
        self.refused_by_vault.update(reason for _, reason in self.outcome.refused_by_vault)
        self.outcome.refused_by_vault.clear()

    def _deliver(self) -> None:
        self._delivery_problem = self._try(lambda: self.courier.deliver(self.client, self.outcome))
        if self._delivery_problem:
            self._retry.note_failed(time.monotonic())
        else:
            self._retry.reset()

    def _try(self, act: Callable[[], None]) -> str:
        """What the vault, or the outbox, said against it. Nothing ends the courier: it tries again."""
        try:
            act()
        except GlassplateError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - such as a terminal that is gone
            return f"The lane's courier failed ({type(error).__name__})."
        return ""

    def _renew_keys(self) -> None:
        if self._walk_problem == "sealing" or time.monotonic() - self._keys_at > NEW_KEYS_SECONDS:
            self._keys_at = time.monotonic()
            self.walk.sealer = self.fetch_sealer()

    def _note_failures(self) -> None:
        counts, outcome, now = self.camera.counts, self.outcome, time.monotonic()
        self._failures["recognizer"].note(self.failed, self.failed + outcome.frames, now)
        self._failures["damaged"].note(counts.damaged, counts.damaged + counts.decoded, now)
        self._failures["lost"].note(outcome.lost, outcome.lost + self.reads, now)
        self._failures["scenes"].note(outcome.scenes_failed, outcome.scenes_failed + self.reads, now)

    def _beat(self, *, stopped: bool) -> None:
        self._note_failures()
        problem = "" if stopped else self.problem
        state: LaneState = "stopped" if stopped else "blind" if problem else "seeing"
        now = time.monotonic()
        warned = (word for word, one in self._failures.items() if one.is_yellow(now))
        warning = next(warned, "") if state == "seeing" else ""
        said = (state, problem, warning)
        if state != self._state[0]:
            self._state = state, self.clock()
        if said == self._said and time.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return
        beat = self._heartbeat(state, problem, warning)
        self.client.heartbeat(beat.signed(self.private_key))
        self._write_status(state, problem)
        is_news, self._said, self._beat_at = said != self._said, said, time.monotonic()
        if is_news:
            self.on_state(beat)

    @property
    def problem(self) -> str:
        """One word for what keeps this camera from seeing; empty while it sees."""
        if self._has_crashed:
            return "lane"
        if self.camera.state.problem:
            return self.camera.state.problem
        if time.monotonic() - self.walk.moved_at > STUCK_SECONDS:
            return "recognizer"
        if self.walk.picture.is_frozen:
            return "frozen"
        shares = (word for word in ("recognizer", "damaged") if self._failures[word].is_red)
        return self._walk_problem or next(shares, "")

    def _heartbeat(self, state: LaneState, problem: str, warning: str) -> Heartbeat:
        counts = self.camera.counts
        now = self.clock()
        return Heartbeat(
            camera_id=self.walk.camera_id,
            sequence=self.walk.outbox.next_sequence(),
            at=now,
            state=state,
            problem=problem,
            since=self._state[1] or now,
            last_frame_at=self.camera.state.last_frame_at,
            warning=warning,
            decoded=counts.decoded,
            still=self.walk.gate.still,
            looked=self.outcome.frames,
            dropped=counts.dropped,
            damaged=counts.damaged,
            failed=self.failed,
            reads=self.reads,
            lost=self.outcome.lost,
            scenes_failed=self.outcome.scenes_failed,
            waiting=self._count_waiting(),
        )

    def _count_waiting(self) -> int:
        """Reads in the outbox; while it cannot be read, as many as there were."""
        with contextlib.suppress(StorageFailed):
            self._waiting = self.walk.outbox.state().waiting
        return self._waiting

    def _write_status(self, state: LaneState, problem: str) -> None:
        plain = {
            "v": 1,
            "at": time_text(self.clock()),
            "state": state,
            "problem": problem,
            "waiting": self._count_waiting(),
        }
        with contextlib.suppress(OSError):  # a full disk shows in the outbox, which keeps what matters
            self.files.write_atomic(self.status_file, canonical_json(plain), mode=0o600)
