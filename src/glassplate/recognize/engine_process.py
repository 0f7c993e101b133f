"""A recognizer in a process of its own, so that its CPU time and memory can be told apart from everybody else's.

For measuring only; it is no cage. What runs in it is what ``engines.engine`` makes in this process too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from glassplate.errors import GlassplateError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from glassplate.recognize.recognizer import Pixels, PlateCandidate

SECONDS_TO_START = 300.0  # a foreign engine may fetch its networks
SECONDS_FOR_ONE_PICTURE = 120.0
_KIB = 1024
_WARM_UP_SHAPE = (360, 640, 3)


@dataclass(frozen=True, slots=True)
class TimedReading:
    """What was read, the CPU time of all the process's threads, and the most memory it has held so far."""

    candidates: tuple[PlateCandidate, ...]
    cpu_ms: float
    peak_bytes: int


class EngineProcess:
    """The recognizer of this name, started at once; leaving the ``with`` block ends it.

    Raises:
        GlassplateError: it does not start; the message is its own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._context = multiprocessing.get_context("spawn")
        self.version = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, pixels: Pixels) -> TimedReading:
        """Read one picture. After a failure the next picture gets a fresh process.

        Raises:
            GlassplateError: the recognizer failed, died or took too long.
        """
        if not self._process.is_alive():
            self._end()
            self._start()
        answer = self._exchange(pixels, SECONDS_FOR_ONE_PICTURE)
        if not isinstance(answer, TimedReading):
            raise GlassplateError(str(answer))
        return answer

    def _start(self) -> str:
        self._connection, far_end = self._context.Pipe()
        with far_end:
            self._process = self._context.Process(target=_serve, args=(far_end, self._name), daemon=True)
            self._process.start()
        is_up, said = self._exchange(None, SECONDS_TO_START)
        if not is_up:
            self._end()
            raise GlassplateError(said)
        return str(said)

    def _exchange(self, message: Any, seconds: float) -> Any:
        try:
            if message is not None:
                self._connection.send(message)
            if self._connection.poll(seconds):
                return self._connection.recv()
        except (EOFError, OSError):
            self._end()
            raise GlassplateError(
                f"The recognizer {self._name!r} ended with status {self._process.exitcode} instead of an answer."
            ) from None
        self._end()
        raise GlassplateError(f"The recognizer {self._name!r} gave no answer within {seconds:g} seconds.")

    def _end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, name: str) -> None:
    """In the process: say whether the recognizer is up, then answer pictures until the parent hangs up."""
    from glassplate.recognize.engines import engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    try:
        recognizer = engine(name)
    except GlassplateError as error:
        connection.send((False, str(error)))
        return
    with contextlib.suppress(Exception):
        recognizer.read(
            np.full(_WARM_UP_SHAPE, 128, dtype=np.uint8)
        )  # the first look loads what is loaded late
    connection.send((True, recognizer.version))
    with contextlib.suppress(EOFError):
        while True:
            pixels = connection.recv()
            before = time.process_time()
            try:
                candidates = recognizer.read(pixels)
            except Exception as error:  # noqa: BLE001 - whatever it is, the photo failed and says why
                connection.send(f"{type(error).__name__}: {error}")
                continue
            cpu_ms = (time.process_time() - before) * 1000
            connection.send(TimedReading(tuple(candidates), cpu_ms, _peak_bytes()))


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * _KIB
