"""The caged process that turns video into pixels. Started by ``video`` and ``rtsp``, never imported by them.

Video comes from strangers and libav is C code, so this process is built to be worthless to whoever takes it over: no
environment, no file it can open or make, no new privileges, little memory, and one socket to its parent. Besides that
it holds, for a file, its descriptor, open for reading; for a stream, the connection that its parent made to the camera,
and the camera's password, which libav needs to answer the camera's challenge.

libav opens its own connections, also to wherever a camera redirects it. So it is given an address inside this process
(127.0.0.1 in a network namespace of its own, where the kernel allows one), from which ``_Relay`` passes the bytes on to
the camera; Landlock leaves it that one port.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import av
import av.error
import av.logging

from glassplate.capture import _video_protocol as protocol
from glassplate.capture._video_protocol import Answer
from glassplate.recognize import _cage
from glassplate.recognize._decode_protocol import MAX_PIXELS, is_too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS_SPACE_BYTES = 2_000_000_000  # 25 megapixels of H.264 with 16 reference pictures take 0.8 GB
SECONDS_WITHOUT_A_WORD = 1.0  # then the parent hears that there is nothing yet, and may stop
QUEUE_FRAMES = 8  # of a stream: two thirds of a second; then the oldest is dropped
ERRORS_IN_A_ROW = 200  # of the demultiplexer; then the rest of the file is given up
FILE_DESCRIPTORS = 4  # standard ones and the file
STREAM_DESCRIPTORS = 7  # standard ones, the camera, and the three ends of the relay
GUESSED_FRAMES_A_SECOND = 25.0

_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg"
_CODECS = "h264,hevc,mpeg4,mjpeg,mpeg2video,vp8,vp9,av1,libdav1d"
_OPEN_FILE = {"format_whitelist": _FORMATS, "codec_whitelist": _CODECS, "protocol_whitelist": "pipe"}
_OPEN_STREAM = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "protocol_whitelist": "rtsp,rtp,tcp",
    "codec_whitelist": _CODECS,
    "timeout": "4000000",  # microseconds for one answer of the camera
    "probesize": "500000",
    "analyzeduration": "200000",  # microseconds spent on guessing what the camera has announced
    "fpsprobesize": "0",
}
_STREAM_SECONDS = (10.0, 4.0)  # to open, and between two packets
_FIRST_WORDS = {
    av.error.HTTPUnauthorizedError: protocol.UNAUTHORIZED,
    av.error.HTTPForbiddenError: protocol.UNAUTHORIZED,
    av.error.HTTPNotFoundError: protocol.NOT_THERE,
}


class _Refused(Exception):
    """Carries the answer that says why."""

    def __init__(self, status: int, width: int = 0, height: int = 0) -> None:
        self.answer = Answer(status, width=width, height=height)


@dataclass(slots=True)
class _Counts:
    decoded: int = 0
    dropped: int = 0
    damaged: int = 0
    last_at: float = 0.0


def main() -> None:
    """Close the cage, open what the parent named, and hand over frames until the parent hangs up."""
    av.logging.set_level(av.logging.PANIC)  # libav would write addresses
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # PyAV imports on first need; in the cage nothing can be
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(protocol.READY_BYTES)
    answers.flush()
    kind, descriptor, rate, length = protocol.OPEN.unpack(requests.read(protocol.OPEN.size))
    address = requests.read(length).decode()
    counts = _Counts()
    try:
        if kind == protocol.FILE:
            container = _open_file(descriptor)
            source: _FileSource | _StreamSource = _FileSource(container, rate, counts)
        else:
            container = _open_stream(descriptor, address)
            source = _StreamSource(container, rate, counts)
    except _Refused as refused:
        _say(refused.answer)
        return
    stream = container.streams.video[0]
    duration = container.duration or 0
    _say(
        Answer(
            protocol.OPENED, width=stream.width or 0, height=stream.height or 0, microseconds=max(0, duration)
        )
    )
    while requests.read(1) == protocol.NEXT:
        try:
            _hand_over(source.next(), counts)
        except _Refused as refused:
            _say(_counted(refused.answer, counts))
            return


# --- opening ------------------------------------------------------------------------------------------------------


def _open_file(descriptor: int) -> Any:
    file = os.fdopen(os.dup2(descriptor, _cage.STANDARD_DESCRIPTORS), "rb")
    os.closerange(FILE_DESCRIPTORS, 1 << 10)
    _cage.limit_resources(ADDRESS_SPACE_BYTES)
    _cage.forbid_files_and_ports()
    _cage.leave_the_network()
    _cage.limit_descriptors(FILE_DESCRIPTORS)
    try:
        container = av.open(file, options=_OPEN_FILE)
    except Exception:  # noqa: BLE001 - whatever libav raises on bytes from a stranger, the bytes are at fault
        raise _Refused(protocol.NOT_A_VIDEO) from None
    return _prepared(container)


def _open_stream(descriptor: int, address: str) -> Any:
    camera = socket.socket(fileno=os.dup2(descriptor, _cage.STANDARD_DESCRIPTORS))
    os.closerange(FILE_DESCRIPTORS, 1 << 10)
    _cage.limit_resources(ADDRESS_SPACE_BYTES)
    _cage.leave_the_network(keep_loopback=True)
    relay = _Relay(camera)
    _cage.forbid_files_and_ports(connect_port=relay.port)
    _cage.limit_descriptors(STREAM_DESCRIPTORS)
    relay.start()
    parts = urlsplit(address)
    login, at, _ = parts.netloc.rpartition("@")  # percent-encoded as it came
    inside = urlunsplit(("rtsp", f"{login}{at}127.0.0.1:{relay.port}", parts.path, parts.query, ""))
    try:
        container = av.open(inside, options=_OPEN_STREAM, timeout=_STREAM_SECONDS)
    except tuple(_FIRST_WORDS) as error:
        raise _Refused(_FIRST_WORDS[type(error)]) from None
    except Exception:  # noqa: BLE001 - whatever libav raises on what a camera says, the camera is at fault
        raise _Refused(protocol.NO_ANSWER) from None
    return _prepared(container)


def _prepared(container: Any) -> Any:
    if not container.streams.video:
        raise _Refused(protocol.WITHOUT_PICTURES)
    stream = container.streams.video[0]
    codec = stream.codec_context
    if codec is None or codec.name not in _CODECS.split(","):
        raise _Refused(protocol.NOT_A_VIDEO)
    if is_too_large(codec.width, codec.height):
        raise _Refused(protocol.TOO_LARGE, codec.width, codec.height)
    codec.thread_count = 1
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    return container


class _Relay(threading.Thread):
    """Passes bytes between the one connection that libav makes and the camera."""

    def __init__(self, camera: socket.socket) -> None:
        super().__init__(daemon=True)
        self._camera = camera
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        inside, _ = self._listener.accept()
        self._listener.close()
        threading.Thread(target=_pass_on, args=(inside, self._camera), daemon=True).start()
        _pass_on(self._camera, inside)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    source.settimeout(None)
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
    except OSError:
        pass  # either end is gone; closing tells the other
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


# --- frames -------------------------------------------------------------------------------------------------------


def _decoded(container: Any, counts: _Counts) -> Iterator[Any]:
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


def _frames_of(packet: Any, counts: _Counts) -> list[Any]:
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
            raise _Refused(protocol.TOO_FAST)
        if at < self.due:
            return False
        step = 1 / self.rate
        self.due = max(self.due, at - step) + step
        return True


class _FileSource:
    """Frames of a file, in its own time. A file waits for its reader, so nothing is dropped."""

    def __init__(self, container: Any, rate: float, counts: _Counts) -> None:
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
                raise _Refused(protocol.TOO_LONG)
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


class _StreamSource:
    """Frames of a live stream as they come. Whoever is late misses the oldest, and the misses are counted."""

    def __init__(self, container: Any, rate: float, counts: _Counts) -> None:
        self._counts = counts
        self._sampler = _Sampler(rate)
        self._waiting: deque[tuple[float, Any]] = deque()
        self._changed = threading.Condition()
        self._refused: _Refused | None = None
        self._has_ended = False
        threading.Thread(target=self._fill, args=(container,), daemon=True).start()

    def _fill(self, container: Any) -> None:
        try:
            for frame in _decoded(container, self._counts):
                now = time.monotonic()
                if frame is not None and self._sampler.wants(now):
                    self._put(now, frame)
        except _Refused as refused:
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


# --- answering ----------------------------------------------------------------------------------------------------


def _hand_over(taken: tuple[Answer, Any], counts: _Counts) -> None:
    answer, frame = taken
    if frame is None:
        _say(_counted(answer, counts))
        return
    width, height = frame.width, frame.height
    if is_too_large(width, height):
        raise _Refused(protocol.TOO_LARGE, width, height)
    try:
        pixels = _rgb(frame)
    except (av.error.FFmpegError, MemoryError, ValueError):
        counts.damaged += 1
        _say(_counted(Answer(protocol.NOTHING_YET), counts))
        return
    turns = round((frame.rotation or 0) / 90) % 4
    _say(_counted(answer._replace(turns=turns, width=width, height=height), counts), pixels)


def _rgb(frame: Any) -> list[memoryview]:
    plane = frame.reformat(format="rgb24").planes[0]
    view, wide = memoryview(plane), frame.width * protocol.CHANNELS
    if plane.line_size == wide:
        return [view[: wide * frame.height]]
    return [view[row * plane.line_size :][:wide] for row in range(frame.height)]


def _counted(answer: Answer, counts: _Counts) -> Answer:
    return answer._replace(decoded=counts.decoded, dropped=counts.dropped, damaged=counts.damaged)


def _say(answer: Answer, pixels: list[memoryview] | None = None) -> None:
    answers = sys.stdout.buffer
    answers.write(answer.packed())
    for part in pixels or []:
        answers.write(part)
    answers.flush()


if __name__ == "__main__":
    main()
