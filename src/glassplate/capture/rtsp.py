"""A live camera over RTSP: connected again whenever it is lost, and never silently blind.

    connect    to an address that was checked, in a network that is listed            `networks.CameraNetworks`
    decode     in the cage, which holds that one connection and the camera's password  `_video_worker`
    watch      no frame for four seconds is a dead stream; the worker is ended
    again      after an eighth of the time it has been lost, 0.25 to 3 s, so that the pauses grow by themselves; a
               refused password waits a minute, because cameras lock accounts

``state`` says at any time whether the camera is seen through, since when, and what is wrong if not.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.capture import _video_protocol as protocol
from glassplate.capture._caged_video import CagedVideo
from glassplate.capture.video import FRAMES_A_SECOND, VideoCounts, VideoFrame
from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError, InputRefused, UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator

    from glassplate.capture.networks import CameraNetworks, StreamAddress

STALL_SECONDS = 4.0
SECONDS_TO_FIRST_FRAME = 12.0  # a key frame may be ten seconds away
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 3.0
LOGIN_PAUSE_SECONDS = 60.0
SHARE_OF_OUTAGE = 0.125
STEADY_SECONDS = 5.0  # a stream that lasted this long starts the pauses anew
OLDEST_FRAME_SECONDS = 30.0
UNREST = timedelta(seconds=1)

CONNECTING = "connecting"
_PROBLEMS = {
    protocol.UNAUTHORIZED: "login-refused",
    protocol.NOT_THERE: "not-there",
    protocol.TOO_LARGE: "too-large",
    protocol.TOO_FAST: "too-fast",
    protocol.ENDED: "ended",
}


@dataclass(frozen=True, slots=True)
class StreamState:
    """``problem``: empty while frames come, else one word of a fixed list. ``since``: how long it has been so."""

    problem: str
    since: datetime
    last_frame_at: datetime | None = None
    connections: int = 0


def now_utc() -> datetime:
    """The lane's clock."""
    return datetime.now(UTC)


def _pause(problem: str, lost_for: float) -> float:
    """Seconds until the next try."""
    pause = min(max(SHARE_OF_OUTAGE * lost_for, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
    wait = LOGIN_PAUSE_SECONDS if problem == _PROBLEMS[protocol.UNAUTHORIZED] else pause
    return wait * random.uniform(0.8, 1.0)  # noqa: S311 - so that lanes do not knock in step


class RtspCamera:
    """One live camera. ``stop`` ends ``frames`` soon after it is set."""

    def __init__(
        self,
        stream: StreamAddress,
        networks: CameraNetworks,
        camera_id: str,
        stop: threading.Event,
        *,
        clock: Callable[[], datetime] = now_utc,
        frames_a_second: float = FRAMES_A_SECOND,
    ) -> None:
        self.counts = VideoCounts()
        self.state = StreamState(CONNECTING, clock())
        self._stream = stream
        self._networks = networks
        self._camera_id = camera_id
        self._stop = stop
        self._clock = clock
        self._frames_a_second = frames_a_second

    def check(self) -> None:
        """Refuse at once what no waiting mends.

        Raises:
            UsageError: the camera's address is in no listed network.
        """
        try:
            self._networks.connect(self._stream).close()
        except InputRefused:
            return  # it may come back

    def frames(self) -> Iterator[VideoFrame | None]:
        """Frames until ``stop`` is set; None whenever the stream was lost."""
        lost_at = time.monotonic()
        while not self._stop.is_set():
            began = time.monotonic()
            problem = yield from self._watch_once()
            if self._stop.is_set():
                return
            self._say(problem)
            yield None
            if time.monotonic() - began > STEADY_SECONDS:
                lost_at = time.monotonic()
            self._stop.wait(_pause(problem, time.monotonic() - lost_at))

    def _watch_once(self) -> Generator[VideoFrame, None, str]:
        """Frames of one connection; returns what ended it."""
        try:
            connection = self._networks.connect(self._stream)
        except UsageError:
            return "outside-networks"
        except InputRefused:
            return "unreachable"
        try:
            with connection, CagedVideo(connection.fileno()) as video:
                connection.setblocking(True)
                return (yield from self._take(video))
        except TimeoutError:
            return "stalled"
        except (OSError, GlassplateError):
            return "decoder"

    def _take(self, video: CagedVideo) -> Generator[VideoFrame, None, str]:
        answer = video.open(protocol.STREAM, self._frames_a_second, self._stream.secret.encode())
        if answer.status != protocol.OPENED:
            return _PROBLEMS.get(answer.status, "no-video")
        before = replace(self.counts)
        dead_at = time.monotonic() + SECONDS_TO_FIRST_FRAME
        while not self._stop.is_set():
            answer, pixels = video.next()
            self.counts.take(answer, before)
            if pixels is not None:
                age = timedelta(seconds=min(max(answer.microseconds / 1e6, 0.0), OLDEST_FRAME_SECONDS))
                captured_at = self._in_order(self._clock() - age)
                self._saw(captured_at)
                identity = sha256_hex(f"{self._stream} {captured_at.isoformat()}".encode())
                yield VideoFrame(self._camera_id, captured_at, identity, pixels)
                dead_at = time.monotonic() + STALL_SECONDS
            elif answer.status != protocol.NOTHING_YET:
                return _PROBLEMS.get(answer.status, "no-video")
            elif time.monotonic() > dead_at:
                return "stalled"
        return ""

    def _in_order(self, at: datetime) -> datetime:
        """Ages are measured in another process: two frames in a row may come out a moment the wrong way round."""
        last = self.state.last_frame_at
        is_unrest = last is not None and timedelta(0) <= last - at < UNREST
        return last + timedelta(microseconds=1) if last is not None and is_unrest else at

    def _saw(self, captured_at: datetime) -> None:
        if self.state.problem:
            connections = self.state.connections + 1
            self.state = StreamState("", captured_at, captured_at, connections)
        else:
            self.state = replace(self.state, last_frame_at=captured_at)

    def _say(self, problem: str) -> None:
        if problem != self.state.problem:
            since = self.state.since if self.state.problem else self._clock()
            self.state = replace(self.state, problem=problem, since=since)
