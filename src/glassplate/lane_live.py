"""A live lane: one camera watched until somebody stops it. Two threads, so that neither keeps the other waiting.

    the walk      frames to sealed reads in the outbox                           `lane_video.VideoWalk`
    the courier   every second: deliver what waits; a signed heartbeat every 15 seconds, and at once when the state
                  changes; newer epoch keys every ten minutes

What fails turns the camera red (`Heartbeat.problem`) and is tried again; nothing that fails looks like an empty road.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.encoding import canonical_json, time_text
from glassplate.errors import GlassplateError, KeyUnavailable, StorageFailed
from glassplate.lane import LaneOutcome
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
STUCK_SECONDS = 30.0  # in one frame: the recognizer hangs
STATUS_NAME = "status.json"


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
    last_failure: str = ""
    """Type of the recognizer's last error; its words could hold what was read."""
    refused_by_vault: Counter[str] = field(default_factory=Counter)
    _walk_problem: str = ""
    _said: tuple[str, str] = ("", "")
    _since: datetime | None = None
    _beat_at: float = float("-inf")
    _keys_at: float = field(default_factory=time.monotonic)
    _is_done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Watch until the camera's ``stop`` is set; then tell what was in view, deliver, and say goodbye."""
        courier = threading.Thread(target=self._carry, name="courier")
        courier.start()
        try:
            for frame in self.camera.frames():
                self._step(lambda frame=frame: self.walk.take(frame, self.outcome))  # type: ignore[misc]
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
        else:
            self._walk_problem = ""
        self.reads += len(self.outcome.reads)
        self.outcome.reads.clear()  # a live lane remembers no plate that it has sealed

    # --- the courier ---------------------------------------------------------------------------------------------

    def _carry(self) -> None:
        while not self._is_done.wait(COURIER_SECONDS):
            self._carry_once()
        self._carry_once(stopped=True)

    def _carry_once(self, *, stopped: bool = False) -> None:
        acts = [
            lambda: self._beat(stopped=stopped),
            self._renew_keys,
            lambda: self.courier.deliver(self.client, self.outcome),
        ]
        problems = [self._try(act) for act in (reversed(acts) if stopped else acts)]
        self.vault_problem = next(filter(None, problems), "")
        if self.vault_problem:
            self._write_status("stopped" if stopped else "blind", self.problem or "vault")
        self.refused_by_vault.update(reason for _, reason in self.outcome.refused_by_vault)
        self.outcome.refused_by_vault.clear()

    def _try(self, act: Callable[[], None]) -> str:
        """What the vault, or the outbox, said against it."""
        try:
            act()
        except GlassplateError as error:
            return str(error)
        return ""

    def _renew_keys(self) -> None:
        if self._walk_problem == "sealing" or time.monotonic() - self._keys_at > NEW_KEYS_SECONDS:
            self._keys_at = time.monotonic()
            self.walk.sealer = self.fetch_sealer()

    def _beat(self, *, stopped: bool) -> None:
        problem = "" if stopped else self.problem
        state: LaneState = "stopped" if stopped else "blind" if problem else "seeing"
        if (state, problem) == self._said and time.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return
        if state != self._said[0]:
            self._since = self.clock()
        beat = self._heartbeat(state, problem)
        self.client.heartbeat(beat.signed(self.private_key))
        self._write_status(state, problem)
        is_news, self._said, self._beat_at = (
            (state, problem) != self._said,
            (state, problem),
            time.monotonic(),
        )
        if is_news:
            self.on_state(beat)

    @property
    def problem(self) -> str:
        """One word for what keeps this camera from seeing; empty while it sees."""
        if self.camera.state.problem:
            return self.camera.state.problem
        if time.monotonic() - self.walk.moved_at > STUCK_SECONDS:
            return "recognizer"
        return self._walk_problem

    def _heartbeat(self, state: LaneState, problem: str) -> Heartbeat:
        counts = self.camera.counts
        now = self.clock()
        return Heartbeat(
            camera_id=self.walk.camera_id,
            sequence=self.walk.outbox.next_sequence(),
            at=now,
            state=state,
            problem=problem,
            since=self._since or now,
            last_frame_at=self.camera.state.last_frame_at,
            decoded=counts.decoded,
            still=self.walk.gate.still,
            looked=self.outcome.frames,
            dropped=counts.dropped,
            damaged=counts.damaged,
            reads=self.reads,
            waiting=self.walk.outbox.state().waiting,
        )

    def _write_status(self, state: LaneState, problem: str) -> None:
        waiting = self.walk.outbox.state().waiting
        plain = {
            "v": 1,
            "at": time_text(self.clock()),
            "state": state,
            "problem": problem,
            "waiting": waiting,
        }
        with contextlib.suppress(OSError):  # a full disk shows in the outbox, which keeps what matters
            self.files.write_atomic(self.status_file, canonical_json(plain), mode=0o600)
