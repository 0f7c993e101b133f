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
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import av
import av.error
import av.logging

from glassplate.capture import _video_protocol as protocol
from glassplate.capture._video_frames import Counts, FileSource, Refused, StreamSource
from glassplate.capture._video_protocol import Answer
from glassplate.recognize import _cage
from glassplate.recognize._decode_protocol import MAX_PIXELS, is_too_large

ADDRESS_SPACE_BYTES = 2_000_000_000  # 25 megapixels of H.264 with 16 reference pictures take 0.8 GB
FILE_DESCRIPTORS = 4  # standard ones and the file
STREAM_DESCRIPTORS = 7  # standard ones, the camera, and the three ends of the relay

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
    counts = Counts()
    try:
        if kind == protocol.FILE:
            container = _open_file(descriptor)
            source: FileSource | StreamSource = FileSource(container, rate, counts)
        else:
            container = _open_stream(descriptor, address)
            source = StreamSource(container, rate, counts)
    except Refused as refused:
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
        except Refused as refused:
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
        raise Refused(protocol.NOT_A_VIDEO) from None
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
        raise Refused(_FIRST_WORDS[type(error)]) from None
    except Exception:  # noqa: BLE001 - whatever libav raises on what a camera says, the camera is at fault
        raise Refused(protocol.NO_ANSWER) from None
    return _prepared(container)


def _prepared(container: Any) -> Any:
    if not container.streams.video:
        raise Refused(protocol.WITHOUT_PICTURES)
    stream = container.streams.video[0]
    codec = stream.codec_context
    if codec is None or codec.name not in _CODECS.split(","):
        raise Refused(protocol.NOT_A_VIDEO)
    if is_too_large(codec.width, codec.height):
        raise Refused(protocol.TOO_LARGE, codec.width, codec.height)
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


# --- answering ----------------------------------------------------------------------------------------------------


def _hand_over(taken: tuple[Answer, Any], counts: Counts) -> None:
    answer, frame = taken
    if frame is None:
        _say(_counted(answer, counts))
        return
    width, height = frame.width, frame.height
    if is_too_large(width, height):
        raise Refused(protocol.TOO_LARGE, width, height)
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


def _counted(answer: Answer, counts: Counts) -> Answer:
    return answer._replace(decoded=counts.decoded, dropped=counts.dropped, damaged=counts.damaged)


def _say(answer: Answer, pixels: list[memoryview] | None = None) -> None:
    answers = sys.stdout.buffer
    answers.write(answer.packed())
    for part in pixels or []:
        answers.write(part)
    answers.flush()


if __name__ == "__main__":
    main()
