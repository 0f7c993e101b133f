"""Reaching the vault: over the city folder's socket; where none answers, one is started for the command's length."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.cli.unlock import secret_called, unlock_path
from glassplate.client import VaultClient
from glassplate.config import CityFolder, load_settings
from glassplate.errors import GlassplateError, NotSignedIn, VaultUnreachable, error_from_kind
from glassplate.freed_memory import sweepable_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0  # Argon2id and a long recovery on a slow disk
STOP_SECONDS = 20.0
SESSIONS_NAME = "sessions.json"


@contextlib.contextmanager
def vault_client(
    folder: CityFolder, *, signed_in: bool = True, unlock: Path | None = None
) -> Iterator[VaultClient]:
    """A client of the running vault, or of one that lives as long as the command.

    Raises:
        NotSignedIn: when the command needs a person and none has logged in here.
        VaultUnreachable, KeyUnavailable, FolderBusy …: what the vault said when it could not start.
    """
    load_settings(folder)
    token = saved_token(folder)
    if signed_in and token is None:
        raise NotSignedIn("You are not signed in here. Sign in with: glassplate login", ("signed-in",))
    with contextlib.ExitStack() as stack:
        if not vault_answers(folder):
            stack.enter_context(running_vault(folder, unlock))
        yield stack.enter_context(VaultClient(folder.socket, token))


def vault_answers(folder: CityFolder) -> bool:
    """Whether a vault listens on the socket."""
    try:
        with VaultClient(folder.socket) as client:
            client.status()
    except VaultUnreachable:
        return False
    return True


@contextlib.contextmanager
def running_vault(
    folder: CityFolder, unlock: Path | None = None, *, demo_clock: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A vault process for the length of the block."""
    process = start_vault(folder, unlock, demo_clock=demo_clock)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def start_vault(
    folder: CityFolder, unlock: Path | None, *, demo_clock: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a vault and wait until it answers.

    Raises:
        GlassplateError: what the vault said instead.
    """
    command = [sys.executable, "-m", "glassplate.vault_process", "run", "--dir", str(folder.root)]
    if demo_clock:
        command += ["--demo-clock", demo_clock]
    called = secret_called(load_settings(folder).keyring)
    with unlock_path(unlock, folder.unlock_file, called) as (secret, inherited):
        process = subprocess.Popen(
            [*command, "--unlock", str(secret)],
            stdout=subprocess.PIPE,
            stderr=None,
            env=sweepable_environment(),
            start_new_session=True,
            pass_fds=inherited,
        )
    assert process.stdout is not None  # noqa: S101 - asked for above
    line = process.stdout.readline().decode(errors="replace").strip()
    if line != "ready":
        process.wait(STOP_SECONDS)
        raise _start_failure(line)
    deadline = time.monotonic() + START_SECONDS
    while not vault_answers(folder):
        if time.monotonic() > deadline or process.poll() is not None:
            process.kill()
            raise VaultUnreachable("The vault started but does not answer. Look at its messages above.")
        time.sleep(0.02)
    return process


def _start_failure(line: str) -> GlassplateError:
    try:
        said = json.loads(line)
        return error_from_kind(str(said["kind"]), str(said["detail"]), tuple(said.get("rules", ())))
    except (ValueError, KeyError, TypeError):
        return VaultUnreachable("The vault stopped while starting and gave no reason.")


# --- the person's session ----------------------------------------------------------------------------------------


def saved_token(folder: CityFolder) -> str | None:
    """The session token that ``glassplate login`` kept for this folder."""
    if token := os.environ.get("GLASSPLATE_SESSION"):
        return token
    value = _saved().get(str(folder.root.resolve()))
    return str(value) if value else None


def save_token(folder: CityFolder, token: str | None) -> None:
    """Keep (or forget) the session for this folder, readable by this person only."""
    saved = _saved()
    key = str(folder.root.resolve())
    if token:
        saved[key] = token
    else:
        saved.pop(key, None)
    path = _sessions_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(saved))
    temporary.replace(path)


def _saved() -> dict[str, str]:
    try:
        return dict(json.loads(_sessions_path().read_text()))
    except (OSError, ValueError):
        return {}


def _sessions_path() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "glassplate" / SESSIONS_NAME
