"""Cameras for the tests: GStreamer's RTSP server where it is installed, and one of our own that misbehaves."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = Path(__file__).parents[2] / "support" / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDS = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-ugly"
)
SECONDS = 30.0
_KNOWS = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0')\n"
    "from gi.repository import Gst, GstRtspServer; Gst.init(None)\n"
    "assert all(Gst.ElementFactory.find(n) for n in ('x264enc', 'rtph264pay', 'videotestsrc', 'jpegdec'))"
)


def demand_server() -> None:
    """Skip where the machine has no RTSP server; fail where ``REQUIRE_RTSP=1`` says that it must have one."""
    try:
        command = [SYSTEM_PYTHON, "-c", _KNOWS]
        has = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except FileNotFoundError:
        has = False
    if has:
        return
    message = f"no RTSP server on this machine; on Debian: apt-get install --no-install-recommends {NEEDS}"
    if os.environ.get("REQUIRE_RTSP") == "1":
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def gstreamer_camera(port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The real server, until the block ends or the test kills it."""
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(SERVER), str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def odd_camera(answer: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[int]]]:
    """A server that does ``answer`` with each connection; yields its port and a list that grows with each of them."""
    listener = socket.create_server(("127.0.0.1", 0))
    met: list[int] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            met.append(1)
            threading.Thread(target=_one, args=(connection, answer), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], met
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _one(connection: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    with connection, contextlib.suppress(OSError):
        answer(connection)


def wait_until(holds: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)
