"""The seam between the vault and the disk, wrapped from outside: nothing in the product knows of it.

Every call by which Python changes a file below one folder is a *point*: ``os.write``, ``os.fsync``, ``os.replace`` ...,
and every statement of SQLCipher that writes (a commit, an insert inside a transaction, a change of the journal's mode,
closing, which checkpoints). Points are counted, and at chosen ones a fault happens.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import resource
import signal
import stat
import threading
import time
from collections.abc import Callable  # noqa: TC003 - the type of a field
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import sqlcipher3.dbapi2 as sqlcipher

if TYPE_CHECKING:
    from pathlib import Path

Fault = Literal["before", "half", "during", "after", "ENOSPC", "EIO"]
KILLS: tuple[Fault, ...] = ("before", "half", "during", "after")
"""Killed before the call; when half of its bytes are written; some microseconds into it; when it has returned."""
REFUSALS: tuple[Fault, ...] = ("ENOSPC", "EIO")
_BY_DESCRIPTOR = ("write", "pwrite", "fsync", "fdatasync", "ftruncate")
_BY_PATH = ("replace", "rename", "unlink", "remove", "mkdir", "rmdir", "truncate", "chmod", "link")
_WRITING = ("commit", "insert", "update", "delete", "create", "drop", "replace", "vacuum", "rollback")
_WRITING_PRAGMAS = ("pragma journal_mode", "pragma wal_checkpoint", "pragma user_version", "pragma rekey")
_SQL_WORDS: dict[Fault, str] = {"ENOSPC": "database or disk is full", "EIO": "disk I/O error"}


@dataclass
class Seam:
    """Counts points below ``root`` and lets ``fault`` happen at ``first`` and the ``length`` - 1 points after it.

    ``first`` None: only counts. ``microseconds``: how far into a call ``during`` kills.
    ``file_bytes``: instead of a fault, no file of the process may grow beyond this (RLIMIT_FSIZE).
    """

    root: Path
    fault: Fault = "before"
    first: int | None = None
    length: int = 1
    microseconds: int = 0
    file_bytes: int | None = None
    count: int = 0
    at: str = ""
    """What was called at ``first``."""
    on_fault: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._prefix = os.fsencode(self.root.resolve()) + b"/"
        self._lock = threading.Lock()

    def install(self) -> None:
        """Wrap this process's calls; there is no way back, so do it in a fork's child."""
        if self.file_bytes is not None:
            self.first, self.at = None, "RLIMIT_FSIZE"
            self.on_fault()
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes, resource.RLIM_INFINITY))
        for name in _BY_DESCRIPTOR:
            setattr(os, name, self._wrapped(name, getattr(os, name), self._descriptor_is_ours))
        for name in _BY_PATH:
            setattr(os, name, self._wrapped(name, getattr(os, name), self._path_is_ours))
        os.open = self._wrapped("open", os.open, self._opens_for_writing)
        self._wrap_sqlcipher()

    @property
    def fails_disk(self) -> bool:
        """Whether the process lives on, with a disk that refuses."""
        return self.file_bytes is not None or self.fault in REFUSALS

    def point(self, name: str, act: Callable[[], Any], half: Callable[[], None] | None = None) -> Any:
        """Do ``act``, or what the fault makes of it."""
        with self._lock:
            number, self.count = self.count, self.count + 1
        if self.first is None or not self.first <= number < self.first + self.length:
            return act()
        if not self.at:
            self.at = name
            self.on_fault()
        if self.fault in REFUSALS:
            if half is not None:
                half()
            raise _refusal(self.fault, is_sql=name.startswith("sql"))
        if self.fault == "half" and half is not None:
            half()
        elif self.fault == "during":
            threading.Thread(target=_die_after, args=(self.microseconds,), daemon=True).start()
            act()
        elif self.fault == "after":
            act()
        return die()

    def _wrapped(self, name: str, original: Any, is_ours: Callable[..., bool]) -> Any:
        @functools.wraps(original)
        def call(*arguments: Any, **named: Any) -> Any:
            if not is_ours(*arguments, **named):
                return original(*arguments, **named)
            half = None
            if name == "write" and len(arguments[1]) > 1:
                half = functools.partial(original, arguments[0], arguments[1][: len(arguments[1]) // 2])
            elif name == "fsync" and _is_temporary(arguments[0]):
                size = os.fstat(arguments[0]).st_size
                half = functools.partial(_TRUNCATE, arguments[0], size // 2)
            target = arguments[0]
            path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else os.fsdecode(target)
            return self.point(f"os.{name} {_kind(path)}", lambda: original(*arguments, **named), half)

        return call

    def _descriptor_is_ours(self, descriptor: int, *_arguments: Any) -> bool:
        try:
            path = os.readlink(b"/proc/self/fd/%d" % descriptor)
        except OSError:
            return False
        return (path + b"/").startswith(self._prefix)

    def _path_is_ours(self, path: Any, *_arguments: Any, **_named: Any) -> bool:
        return (os.path.abspath(os.fsencode(path)) + b"/").startswith(self._prefix)

    def _opens_for_writing(self, path: Any, flags: int, *_arguments: Any, **_named: Any) -> bool:
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and self._path_is_ours(path)

    def _wrap_sqlcipher(self) -> None:
        connect, point = sqlcipher.connect, self.point
        refuses = self.fault in REFUSALS

        class Counted(sqlcipher.Connection):  # type: ignore[misc]
            kind = ""

            def execute(self, statement: str, *values: Any) -> Any:
                run = functools.partial(super().execute, statement, *values)
                return point(f"sql {_words(statement)} {self.kind}", run) if _writes(statement) else run()

            def executemany(self, statement: str, *values: Any) -> Any:
                return point(
                    f"sql {_words(statement)} {self.kind}",
                    functools.partial(super().executemany, statement, *values),
                )

            def executescript(self, statement: str) -> Any:
                return point(f"sql script {self.kind}", functools.partial(super().executescript, statement))

            def close(self) -> None:
                if refuses:
                    super().close()  # closing reports nothing
                    return
                point(f"sql close {self.kind}", super().close)

        def counted(path: str, **named: Any) -> Any:
            connection = connect(path, factory=Counted, **named)
            connection.kind = _kind(path.partition("?")[0])
            return connection

        sqlcipher.connect = counted


def die() -> NoReturn:
    """SIGKILL, to oneself: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process went on")


_TRUNCATE = os.ftruncate  # as it was before any seam


def _die_after(microseconds: int) -> None:
    time.sleep(microseconds / 1e6)
    die()


def _is_temporary(descriptor: int) -> bool:
    """Whether this is a file that nobody has been told of yet, so that half of it may be missing."""
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    return is_file and os.readlink(f"/proc/self/fd/{descriptor}").endswith(("tmp", "temporary"))


def _refusal(fault: Fault, *, is_sql: bool) -> Exception:
    if is_sql:
        return sqlcipher.OperationalError(_SQL_WORDS[fault])
    number = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}[fault]
    return OSError(number, os.strerror(number))


def _kind(path: str) -> str:
    """The file's name without what differs from run to run."""
    return re.sub(r"[0-9a-f]{8,}|[0-9]+", "#", os.path.basename(path))


def _words(statement: str) -> str:
    return " ".join(statement.split()[:3])[:24]


def _writes(statement: str) -> bool:
    text = statement.strip().lower()
    return text.startswith(_WRITING) or text.startswith(_WRITING_PRAGMAS)
