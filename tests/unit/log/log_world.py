"""The world outside a log that is killed: its line to the process, three witnesses, readers who keep what they see."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_testing import SIGNER, folders, record

from glassplate.files import LocalFiles
from glassplate.log import (
    AddCheckpoint,
    CosigningKey,
    WatchedLog,
    Witness,
    WitnessClient,
    WitnessEndpoint,
)
from glassplate.log.note_keys import ED25519_COSIGNATURE, MLDSA44_COSIGNATURE
from glassplate.log.witness_client import WebAnswer

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from log_dying import Death

MOST_MESSAGE_BYTES = 150_000


class Line:
    """The one line between a life and the world outside; what was sent before a kill arrives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = threading.Lock()

    def tell(self, *message) -> None:
        with self._lock:
            self._end.send(json.dumps(message).encode())

    def ask(self, *message) -> list:
        with self._lock:
            self._end.send(json.dumps(message).encode())
            return json.loads(self._end.recv(MOST_MESSAGE_BYTES))


class LineWeb:
    """``Web`` over the line."""

    def __init__(self, line: Line, death: Death) -> None:
        self._line = line
        self._death = death

    def post(self, url, body, most):
        return self._answer("post", url, body.decode("latin-1"))

    def get(self, url, most):
        return self._answer("get", url, "")

    def close(self):
        pass

    def _answer(self, *request) -> WebAnswer:
        self._death.at("witness is asked")
        status, body = self._line.ask(*request)
        self._death.at("witness has answered")
        if not status:
            raise OSError("nobody answers")
        return WebAnswer(status, body.encode("latin-1"))


@dataclass
class World:
    """What everybody outside the log's process knows."""

    base: Path
    witnesses: dict[str, Witness]
    down: str | None
    acknowledged: dict[int, bytes] = field(default_factory=dict)
    seen: dict[bytes, None] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Every checkpoint that lies about; the private one too, since it was signed."""
        for path in (folders(self.base)[1] / "checkpoint", folders(self.base)[0] / ".pending"):
            with contextlib.suppress(FileNotFoundError):
                self.seen[path.read_bytes()] = None

    def hear(self, kind: str, *values) -> list | None:
        """One message of a life; the answer, if it waits for one."""
        self.look()
        if kind == "ack":
            indices, number = values
            for index, told in zip(indices, range(number, number + len(indices)), strict=True):
                if index in self.acknowledged:
                    self.faults.append(f"index {index} was given twice")
                self.acknowledged[index] = record(told).leaf
        elif kind == "fault":
            self.faults.append(values[0])
        else:
            return self._witness(kind, *values)
        return None

    def _witness(self, kind: str, url: str, body: str) -> list:
        base, _, rest = url.removeprefix("http://").partition("/")
        if base == self.down:
            return [0, ""]
        if kind == "get":
            seen = self.witnesses[base].seen_by_hash(rest.partition("/")[0])
            return [200, seen.decode("latin-1")] if seen else [404, ""]
        data = body.encode("latin-1")
        self.seen[AddCheckpoint.parse(data).checkpoint] = None
        answer = self.witnesses[base].add_checkpoint(data)
        if answer.status not in (200, 409):
            self.faults.append(f"{base} answered {answer.status}: {answer.body}")
        return [answer.status, answer.body.encode().decode("latin-1")]


def witness_client(web: LineWeb) -> WitnessClient:
    endpoints = [WitnessEndpoint(witness_key(n).verifier, f"http://w{n}") for n in (1, 2, 3)]
    return WitnessClient(endpoints, 2, web, time.monotonic, most_seconds=30)


def witness_key(number: int) -> CosigningKey:
    kind = ED25519_COSIGNATURE if number == 2 else MLDSA44_COSIGNATURE
    return CosigningKey.from_seed(f"witness-{number}.example.org", bytes([number]) * 32, kind=kind)


def witness(folder: Path, number: int) -> Witness:
    logs = {SIGNER.name: WatchedLog(SIGNER.verifier)}
    return Witness(folder, witness_key(number), logs, LocalFiles(), lambda: 1_772_000_000)
