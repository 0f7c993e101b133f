"""The unlock secret on its way to the vault: a file, or what a person types; never an argument, a variable or a log."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.errors import KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TYPED_CHARACTERS = 1000  # far below what a pipe takes at once


@contextlib.contextmanager
def unlock_path(unlock: Path | None, default: Path, called: str) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """(path for the vault's ``--unlock``, descriptors that it must inherit).

    The file that a person named, else the default one, else what is typed at the prompt, through a pipe that only
    the vault's process can read. ``called``: what the secret is, in the prompt.

    Raises:
        KeyUnavailable: there is neither a file nor a terminal.
    """
    path = unlock or default
    if path.exists():
        yield path, ()
        return
    if unlock is not None or not sys.stdin.isatty():
        raise KeyUnavailable(
            f"The vault needs its unlock secret ({called}): {path} is missing. Name the file with --unlock FILE, or run "
            "this in a terminal and type it."
        )
    typed = getpass.getpass(f"{called}: ")[:MAX_TYPED_CHARACTERS]
    reading, writing = os.pipe()
    try:
        os.write(writing, typed.encode())
        os.close(writing)
        yield Path(f"/dev/fd/{reading}"), (reading,)
    finally:
        os.close(reading)


def secret_called(keyring: str) -> str:
    """What a person calls the secret of this kind of keyring."""
    return "PIN of the hardware module" if keyring == "pkcs11" else "passphrase of the vault"
