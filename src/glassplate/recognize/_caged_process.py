"""A worker process and the socket to it, as its parent holds them. What runs in it closes ``_cage`` around itself."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS_TO_START = 60.0
_LATE_SECONDS = 0.05
_RECEIVE_BYTES = 1 << 20
_RECEIVE_AHEAD_BYTES = 16_384  # a small answer comes whole with its first bytes


class CagedProcess:
    """One worker: a module run as a process without environment, arguments or open files but those it is given.

    Every exchange has a deadline. Raises OSError (TimeoutError when the deadline passes) once it fails; then
    ``end`` it.
    """

    def __init__(
        self,
        module: str,
        what: str,
        ready: bytes,
        pass_descriptors: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it and wait until it has said ``ready``.

        Raises:
            GlassplateError: it does not start; ``what`` names it.
        """
        self._socket, far_end = socket.socketpair()
        self._deadline = self._timeout = 0.0
        self._ahead = b""  # came with what was asked for before
        with far_end:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", module],
                stdin=far_end.fileno(),
                stdout=far_end.fileno(),
                stderr=subprocess.DEVNULL,
                pass_fds=pass_descriptors,
                cwd="/",
                env=environment or {},
                start_new_session=True,  # Ctrl-C is for the parent, which then ends the worker
            )
        try:
            self.begin(SECONDS_TO_START)
            if self.receive(len(ready)) != ready:
                raise ConnectionError
        except OSError:
            self.end()
            raise GlassplateError(
                f"The {what} does not start; see what is wrong with: {sys.executable} -I -m {module}"
            ) from None

    @property
    def process_id(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it. Harmless when it has ended."""
        self._socket.close()
        self._process.kill()
        if self._process.poll() is None:
            _await_end(self._process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=SECONDS_TO_START)

    def begin(self, seconds: float) -> None:
        """The exchange that follows has to be over in this time."""
        self._deadline = time.monotonic() + seconds

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._limit()
        self._socket.sendall(data)

    def receive(self, size: int) -> bytearray:
        """Exactly ``size`` bytes."""
        if not self._ahead and 0 < size < _RECEIVE_AHEAD_BYTES:
            self._limit()
            self._ahead = self._socket.recv(_RECEIVE_AHEAD_BYTES)
            if not self._ahead:
                raise ConnectionError("The worker hung up.")
        received = bytearray(self._ahead[:size])
        self._ahead = self._ahead[size:]
        here = len(received)
        if here == size:
            return received
        received += bytes(size - here)
        view = memoryview(received)[here:]
        while view:
            self._limit()
            count = self._socket.recv_into(view, min(len(view), _RECEIVE_BYTES))
            if count == 0:
                raise ConnectionError("The worker hung up.")
            view = view[count:]
        return received

    def _limit(self) -> None:
        """Let the next call end at the deadline: at most ``_LATE_SECONDS`` after it, since each change is a system call."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        if not remaining <= self._timeout < remaining + _LATE_SECONDS:
            self._timeout = remaining + _LATE_SECONDS / 2
            self._socket.settimeout(self._timeout)


def _await_end(process_id: int) -> None:
    """Return in the moment a child has ended: ``Popen.wait`` looks at ever longer intervals, up to 50 ms."""
    with contextlib.suppress(OSError):
        watched = os.pidfd_open(process_id)
        try:
            end = select.poll()
            end.register(watched, select.POLLIN)
            end.poll(SECONDS_TO_START * 1000)
        finally:
            os.close(watched)
