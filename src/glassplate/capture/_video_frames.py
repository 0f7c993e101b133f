"""Frames of an open video, in its own time or as they come. Runs in the caged worker (``_video_worker``) only."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av.error

from glassplate.capture import _video_protocol as protocol
from glassplate.capture._video_protocol import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_WITHOUT_A_WORD = 1.0  # then the parent hears that there is nothing yet, and may stop
QUEUE_FRAMES = 8  # of a stream: two thirds of a second; then the oldest is dropped
ERRORS_IN_A_ROW = 200  # of the demultiplexer; then the rest of the file is given up
GUESSED_FRAMES_A_SECOND = 25.0


class Refused(Exception):
    """Carries the answer that says why."""

    def __init__(self, status: int, width: int = 0, height: int = 0) -> None:
        self.answer = Answer(status, width=width, height=height)


@dataclass(slots=True)
class Counts:
    decoded: int = 0
    dropped: int = 0
    damaged: int = 0
    last_at: float = 0.0


def _decoded(container: Any, counts: Counts) -> Iterator[Any]:
    """Every frame of the first video stream in order; None between frames, so that time can be looked at."""
    stream = container.streams.video[0]
    errors = 0
    while errors < ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(stream):
                errors = 0
                yield None
                yield from _frames_of(packet, counts)
        except (EOFError, av.error.ExitError, av.error.TimeoutError, ConnectionError):
            return
        except (av.error.FFmpegError, ValueError):
            errors += 1
            counts.damaged += 1
            continue
        return


def _frames_of(packet: Any, counts: Counts) -> list[Any]:
    try:
        frames = packet.decode()
    except EOFError:
        return []
    except (av.error.FFmpegError, ValueError):
        counts.damaged += 1
        return []
    whole = [frame for frame in frames if not frame.is_corrupt]
    counts.damaged += len(frames) - len(whole)
    counts.decoded += len(frames)
    return whole


@dataclass(slots=True)
class _Sampler:
    """Which frames are wanted, at ``rate`` a second; counts how many come within one."""

    rate: float
    due: float = float("-inf")
    second_began: float = float("-inf")
    in_second: int = 0

    def wants(self, at: float) -> bool:
        if at - self.second_began >= 1:
            self.second_began, self.in_second = at, 0
        self.in_second += 1
        if self.in_second > protocol.MAX_FRAMES_A_SECOND:
            raise Refused(protocol.TOO_FAST)
        if at < self.due:
            return False
        step = 1 / self.rate
        self.due = max(self.due, at - step) + step
        return True


class FileSource:
    """Frames of a file, in its own time. A file waits for its reader, so nothing is dropped."""

    def __init__(self, container: Any, rate: float, counts: Counts) -> None:
        self._stream = container.streams.video[0]
        self._counts = counts
        self._sampler = _Sampler(rate)
        self._frames = _decoded(container, counts)
        self._first: float | None = None
        self._last = -1.0

    def next(self) -> tuple[Answer, Any]:
        give_up_at = time.monotonic() + SECONDS_WITHOUT_A_WORD
        for frame in self._frames:
            if frame is None:
                if time.monotonic() > give_up_at:
                    return Answer(protocol.NOTHING_YET), None
                continue
            at = self._time_of(frame)
            self._counts.last_at = at
            if at > protocol.MAX_SECONDS:
                raise Refused(protocol.TOO_LONG)
            if self._sampler.wants(at):
                return Answer(protocol.PIXELS, microseconds=round(at * 1e6)), frame
        return Answer(protocol.ENDED, microseconds=round(self._counts.last_at * 1e6)), None

    def _time_of(self, frame: Any) -> float:
        """Seconds since the first frame; where a timestamp lacks or goes back, one frame after the last."""
        said = None if frame.time is None else float(frame.time)
        if self._first is None:
            self._first = said or 0.0
        at = -1.0 if said is None else said - self._first
        if at <= self._last:
            at = 0.0 if self._last < 0 else self._last + 1 / self._frames_a_second()
        self._last = at
        return at

    def _frames_a_second(self) -> float:
        rate = self._stream.average_rate or self._stream.guessed_rate
        said = float(rate) if rate else 0.0
        return said if 0 < said <= protocol.MAX_FRAMES_A_SECOND else GUESSED_FRAMES_A_SECOND


class StreamSource:
    """Frames of a live stream as they come. Whoever is late misses the oldest, and the misses are counted."""

    def __init__(self, container: Any, rate: float, counts: Counts) -> None:
        self._counts = counts
        self._sampler = _Sampler(rate)
        self._waiting: deque[tuple[float, Any]] = deque()
        self._changed = threading.Condition()
        self._refused: Refused | None = None
        self._has_ended = False
        threading.Thread(target=self._fill, args=(container,), daemon=True).start()

    def _fill(self, container: Any) -> None:
        try:
            for frame in _decoded(container, self._counts):
                now = time.monotonic()
                if frame is not None and self._sampler.wants(now):
                    self._put(now, frame)
        except Refused as refused:
            self._refused = refused
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify()

    def _put(self, now: float, frame: Any) -> None:
        with self._changed:
            if len(self._waiting) == QUEUE_FRAMES:
                self._waiting.popleft()
                self._counts.dropped += 1
            self._waiting.append((now, frame))
            self._changed.notify()

    def next(self) -> tuple[Answer, Any]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._has_ended, SECONDS_WITHOUT_A_WORD)
            if self._waiting:
                came_at, frame = self._waiting.popleft()
                age = time.monotonic() - came_at
                return Answer(protocol.PIXELS, microseconds=round(age * 1e6)), frame
        if self._refused is not None:
            raise self._refused
        return Answer(protocol.ENDED if self._has_ended else protocol.NOTHING_YET), None
