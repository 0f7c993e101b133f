"""Which cameras see? What live lanes said of themselves last, and since when they say nothing.

    seeing     the lane says so, names no problem, had a frame in the ten seconds before, and said it within 45 seconds;
               yellow where it warns of something that went wrong in the last ten minutes
    blind      the lane says that it does not see, or its word does not bear out that it does: red
    silent     a lane was there and is not heard any more: red
    stopped    somebody ended the lane on purpose, by a word of less than two minutes ago
    unwatched  no live lane was ever heard: a camera whose photos are brought, or none at all

An empty road and a dead camera look the same in the reads, so this never rests on reads. It is kept in memory; what
changes is also written to ``vault/cameras.json``, so that a camera that fell silent while the vault was away is red after
the start as well. ``outages.py`` makes an entry of what stays red.

A heartbeat is heard once. Numbers must rise; as not each is written down, the file says up to when (by the lane's
clock) it may be behind, 30 seconds ahead of the newest one heard: after a start nothing older counts as seeing or as
stopped. The lane's next word but one is newer, long before it would be called silent.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_json, parse_time, time_text
from glassplate.errors import GlassplateError, InputRefused
from glassplate.records import CameraHealth
from glassplate.seal import verify_heartbeat

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.deliveries import Deliveries
    from glassplate.files import Files
    from glassplate.keys import Clock, TrustedTime
    from glassplate.mandate import Mandate
    from glassplate.records import CameraState
    from glassplate.seal import Heartbeat

SILENT_AFTER_SECONDS = 45.0  # three heartbeats
CLOCKS_DIFFER = timedelta(minutes=2)
FRESH_FRAME = timedelta(
    seconds=10
)  # a lane itself calls a stream dead after four seconds, a recognizer after eight
WRITTEN_AHEAD = timedelta(seconds=30)
MAX_FILE_BYTES = 1 << 20
PROBLEMS = {
    "connecting": "it is being connected",
    "unreachable": "it does not answer",
    "outside-networks": "its address is in no network that is listed for cameras",
    "login-refused": "it refuses the lane's user name or password",
    "not-there": "it does not know the stream's path",
    "no-video": "it sends no video that can be read",
    "too-large": "its frames are too large",
    "too-fast": "it sends too many frames a second",
    "stalled": "it is connected but sends no frames",
    "ended": "it closed the stream",
    "decoder": "the lane's video decoder fails",
    "recognizer": "the lane's recognizer fails",
    "lane": "its lane failed and ended",
    "sealing": "the lane cannot seal what it reads",
    "frozen": "it sends the same picture again and again, or a black one",
    "damaged": "a tenth of its pictures or more arrive damaged",
    "clock": "the lane's clock is wrong by more than two minutes",
}
WARNINGS = {
    "recognizer": "the lane's recognizer failed on some frames",
    "damaged": "some of its pictures arrived damaged",
    "lost": "vehicles were lost that could not be sealed in time",
    "scenes": "pictures could not be redacted, so reads were kept without one",
}


@dataclass(slots=True)
class _Heard:
    """The last heartbeat of one camera. ``boot_seconds``: when it came, by a clock that nobody can set.

    ``said_at``: the newest by the lane's clock; ``written_until``: up to which time the file covers it;
    ``not_before``: what may have been heard before this start.
    """

    sequence: int
    state: CameraState
    problem: str
    since: datetime
    heard_at: datetime
    boot_seconds: float
    said_at: datetime
    written_until: datetime
    not_before: datetime | None = None
    warning: str = ""
    last_frame_at: datetime | None = None
    waiting: int = 0
    dropped: int = 0


class CameraWatch:
    """Takes heartbeats and says which cameras see. Callable from several threads at once."""

    def __init__(
        self,
        mandate: Mandate,
        time: TrustedTime,
        clock: Clock,
        files: Files,
        path: Path,
        deliveries: Deliveries,
    ) -> None:
        self._mandate = mandate
        self._time = time
        self._clock = clock
        self._files = files
        self._path = path
        self._deliveries = deliveries
        self._lock = threading.Lock()
        self._heard: dict[str, _Heard] = self._read()

    def accept(self, data: bytes) -> None:
        """Take one signed heartbeat.

        Raises:
            InputRefused: it is none, or is older than the last one or may be: somebody plays an old one again.
            ProofFailed: it is not signed by a camera that the charter lists.
            CharterRejected, ClockRefused: capture has stopped.
        """
        now = self._time.now()
        charter = self._mandate.current(now).verified.charter
        heartbeat = verify_heartbeat(data, {camera.id: camera.public_key for camera in charter.cameras})
        with self._lock:
            before = self._heard.get(heartbeat.camera_id)
            _demand_new(heartbeat, before, now)
            heard = self._heard_now(heartbeat, before, now)
            self._heard[heartbeat.camera_id] = heard
            is_news = before is None or (before.state, before.problem) != (heard.state, heard.problem)
            if is_news or heard.said_at > heard.written_until:
                self._write()

    def health(self) -> tuple[CameraHealth, ...]:
        """Every camera of the charter in force, in its order."""
        if not self._mandate.is_installed:
            return ()
        cameras = self._mandate.last().verified.charter.cameras
        with self._lock:
            return tuple(self._health_of(camera.id, camera.name) for camera in cameras)

    def _heard_now(self, heartbeat: Heartbeat, before: _Heard | None, now: datetime) -> _Heard:
        problem = _what_keeps_it_from_seeing(heartbeat, now)
        said_at = min(heartbeat.at, now + CLOCKS_DIFFER)
        return _Heard(
            sequence=heartbeat.sequence,
            state="blind" if problem else heartbeat.state,
            problem=problem or heartbeat.problem,
            since=heartbeat.since,
            heard_at=now,
            boot_seconds=self._clock.boot_seconds(),
            said_at=said_at if before is None else max(said_at, before.said_at),
            written_until=said_at if before is None else before.written_until,
            not_before=None if before is None else before.not_before,
            warning=heartbeat.warning,
            last_frame_at=heartbeat.last_frame_at,
            waiting=heartbeat.waiting,
            dropped=heartbeat.dropped,
        )

    def _health_of(self, camera_id: str, name: str) -> CameraHealth:
        missing = self._deliveries.missing(camera_id)
        held_back_at = self._deliveries.held_back_since(camera_id, self._time.purge_now())
        heard = self._heard.get(camera_id)
        if heard is None:
            return CameraHealth(camera_id, name, "unwatched", missing=missing, held_back_at=held_back_at)
        state, since = heard.state, heard.since
        problem = PROBLEMS.get(heard.problem, "it gives no reason that this vault knows")
        if state != "stopped" and self._clock.boot_seconds() - heard.boot_seconds > SILENT_AFTER_SECONDS:
            state, since, problem = "silent", heard.heard_at, "its lane is not heard"
        return CameraHealth(
            camera_id=camera_id,
            name=name,
            state=state,
            since=since,
            problem=problem if state in ("blind", "silent") else _warned(heard) if state == "seeing" else "",
            last_heard_at=heard.heard_at,
            last_frame_at=heard.last_frame_at,
            waiting=heard.waiting,
            dropped=heard.dropped,
            missing=missing,
            held_back_at=held_back_at,
        )

    # --- what outlives the process ------------------------------------------------------------------------------

    def _write(self) -> None:
        for heard in self._heard.values():
            heard.written_until = heard.said_at + WRITTEN_AHEAD
        plain = {
            camera_id: {
                "sequence": heard.sequence,
                "state": heard.state,
                "problem": heard.problem,
                "since": time_text(heard.since),
                "heard_at": time_text(heard.heard_at),
                "written_until": time_text(heard.written_until),
            }
            for camera_id, heard in self._heard.items()
        }
        self._files.write_atomic(self._path, canonical_json({"v": 2, "cameras": plain}), mode=0o600)

    def _read(self) -> dict[str, _Heard]:
        """A damaged file is forgotten: it holds nothing that the next heartbeat does not say again."""
        if not self._path.exists():
            return {}
        try:
            plain = parse_json(self._path.read_bytes(), limit=MAX_FILE_BYTES)["cameras"]
            return {camera_id: self._remembered(one) for camera_id, one in plain.items()}
        except (GlassplateError, OSError, KeyError, TypeError, ValueError, AttributeError):
            return {}

    def _remembered(self, plain: dict[str, Any]) -> _Heard:
        written_until = parse_time(plain["written_until"])
        return _Heard(
            sequence=int(plain["sequence"]),
            state=plain["state"],
            problem=str(plain["problem"]),
            since=parse_time(plain["since"]),
            heard_at=parse_time(plain["heard_at"]),
            boot_seconds=self._clock.boot_seconds(),  # 45 seconds to be heard again, then it is silent
            said_at=written_until - WRITTEN_AHEAD,
            written_until=written_until,
            not_before=written_until,
        )


def _demand_new(heartbeat: Heartbeat, before: _Heard | None, now: datetime) -> None:
    camera_id = heartbeat.camera_id
    if before is not None and heartbeat.sequence <= before.sequence:
        raise InputRefused(
            f"The heartbeat of {camera_id} has number {heartbeat.sequence}, but {before.sequence} was heard."
        )
    if heartbeat.state == "stopped" and abs(heartbeat.at - now) > CLOCKS_DIFFER:
        raise InputRefused(
            f"The lane of {camera_id} says that it was stopped, more than two minutes from now; set its clock."
        )
    was_heard = before is not None and before.not_before is not None and heartbeat.at <= before.not_before
    if was_heard and heartbeat.state != "blind":
        raise InputRefused(
            f"The heartbeat of {camera_id} may have been heard before the vault was started; send the next one."
        )


def _what_keeps_it_from_seeing(heartbeat: Heartbeat, now: datetime) -> str:
    """A word of ``PROBLEMS`` where a lane says that it sees and its own word does not bear it out."""
    if heartbeat.state != "seeing":
        return ""
    if abs(heartbeat.at - now) > CLOCKS_DIFFER:
        return "clock"
    if heartbeat.problem:
        return heartbeat.problem
    last = heartbeat.last_frame_at  # by the same clock as ``at``
    return "stalled" if last is None or abs(heartbeat.at - last) > FRESH_FRAME else ""


def _warned(heard: _Heard) -> str:
    return (
        WARNINGS.get(heard.warning, "it warns of something that this vault does not know")
        if heard.warning
        else ""
    )
