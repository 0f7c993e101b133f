"""The folder as a stranger gives it: plain files of sane size, none of which is there without a reason.

Nothing is followed, waited for or read whole before it is known to be small: a link could lead anywhere, a pipe never
ends, a sparse file of a terabyte costs nothing to make.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from glassplate.verify.findings import Verification

MAX_FILE_BYTES = 32 * 1024 * 1024  # the largest lawful file is a bundle of 256 entries of 64 KiB
MAX_NAMES = 50_000  # in one folder; tiles have some 2,000, an auditor's bodies lie elsewhere
MAX_DEPTH = 12  # log/tile/entries/x001/x234/067.p/200 has 7


def check_folder(public: Path, result: Verification) -> bool:
    """Find everything that is not a plain file; True when the folder may be read further."""
    before = len(result.findings)
    for name, problem in _walk(public):
        if problem:
            result.find(name, problem)
    return len(result.findings) == before


def plain_files(public: Path, below: str = "") -> Iterator[str]:
    """Paths, relative to ``public``, of the plain files in it or in its folder ``below``."""
    return (name for name, problem in _walk(public, below) if not problem)


def check_strays(public: Path, known: set[str], result: Verification) -> None:
    """Every file is one that a signature or a hash covers; tiles are checked with the tree."""
    for name in plain_files(public):
        if name not in known and not name.startswith("log/tile/"):
            result.find(name, "nothing that is signed speaks of this file; it does not belong here")


def read_file(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most ``limit`` bytes.

    Raises:
        StorageFailed: missing, unreadable, or no plain file.
        ProofFailed: larger.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageFailed("it is no plain file")
            data = file.read(limit + 1)
    except OSError as error:
        raise StorageFailed(f"it cannot be read ({error.strerror})") from None
    if len(data) > limit:
        raise ProofFailed(f"it is larger than the {limit:,} bytes that it may have")
    return data


def _walk(public: Path, below: str = "") -> Iterator[tuple[str, str]]:
    """(relative path, what is wrong with it or nothing) of every file, in the order of names."""
    waiting = [below]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(public / folder) as found:
                items = [item for item, _ in zip(found, range(MAX_NAMES + 1), strict=False)]
        except FileNotFoundError:
            continue
        except OSError as error:
            yield folder or ".", f"it cannot be listed ({error.strerror})"
            continue
        if len(items) > MAX_NAMES:
            yield folder or ".", f"it holds more than {MAX_NAMES:,} names, which no record does"
            continue
        folders = []
        for item in sorted(items, key=lambda item: item.name):
            name = f"{folder}/{item.name}" if folder else item.name
            if not item.is_dir(follow_symlinks=False):
                yield name, _problem(item)
            elif name.count("/") >= MAX_DEPTH:
                yield name, "folders nest deeper than those of any record"
            else:
                folders.append(name)
        waiting += reversed(folders)


def _problem(item: os.DirEntry[str]) -> str:
    try:
        status = item.stat(follow_symlinks=False)
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(status.st_mode):
        return "it is a link; a record has none"
    if not stat.S_ISREG(status.st_mode):
        return "it is no plain file"
    if status.st_size > MAX_FILE_BYTES:
        return f"it has {status.st_size:,} bytes; no file of a record has more than {MAX_FILE_BYTES:,}"
    return ""
