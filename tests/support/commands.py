"""The real commands, as a person types them: each in a process of its own, with nothing of this one's state."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.client import VaultClient
from glassplate.config import CityFolder
from glassplate.freed_memory import sweepable_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 240.0  # far above what any command takes, on a busy machine too; a hang fails instead of blocking


@dataclass(frozen=True)
class Outcome:
    """What a command said. No command may ever answer with a traceback."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err, self.out + self.err

    @property
    def json(self) -> Any:
        """Standard output, which must be exactly one JSON document."""
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """Everything that it said, in one line, for looking up sentences."""
        return " ".join((self.out + " " + self.err).split())


@dataclass(frozen=True)
class Person:
    """Somebody at a terminal: a working folder, and a place for sessions of their own."""

    place: Path

    @property
    def temporary(self) -> Path:
        """The temporary folder of the person's commands."""
        return self.place / "tmp"

    def run(self, *arguments: object, limit: Callable[[], None] | None = None) -> Outcome:
        """``glassplate`` with these arguments, from the working folder; nobody sits at its standard input."""
        self.temporary.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "glassplate", *map(str, arguments)],
            cwd=self.place,
            env={
                **os.environ,
                "XDG_STATE_HOME": str(self.place / "state"),
                "TMPDIR": str(self.temporary),
                "COLUMNS": "200",
                "NO_COLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            preexec_fn=limit,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments: object) -> Outcome:
        """As ``run``, for a command that has to succeed."""
        outcome = self.run(*arguments)
        assert outcome.code == 0, outcome.words
        return outcome


@contextlib.contextmanager
def vault_process(city: Path, *, demo_clock: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """A vault of its own on the folder, until the block ends; the clock stands still at ``demo_clock``."""
    command = [sys.executable, "-m", "glassplate.vault_process", "run", "--dir", str(city)]
    command += ["--unlock", str(city / "unlock.secret")]
    command += ["--demo-clock", demo_clock] if demo_clock else []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=sweepable_environment()
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        assert said == "ready", said
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)


def vault_says(city: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a vault process that cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "glassplate.vault_process", "run", "--dir", str(city), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def client(city: Path, token: str | None = None) -> VaultClient:
    return VaultClient(CityFolder(city).socket, token)


def copy_city(city: Path, to: Path) -> Path:
    """A copy of a whole city whose vault does not run."""
    shutil.copytree(city, to, ignore=shutil.ignore_patterns("vault.sock"))
    return to
