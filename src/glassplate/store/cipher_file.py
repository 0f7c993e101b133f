"""Opening SQLCipher files: the pragmas, and errors that name the file and hide everything else.

A key goes into one ``pragma`` statement and nowhere else. Errors from SQLite are never chained, since they may quote
the statement.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import sqlcipher3.dbapi2 as sqlcipher

from glassplate.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_BYTES = 32
CACHE_KIB = 4_000  # for each open file; the store bounds how many are open
BUSY_SECONDS = 5
_FULL = "database or disk is full"

Connection = Any  # sqlcipher3 has no types


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn every SQLite or disk error into ``StorageFailed`` that names ``path``."""
    try:
        yield
    except sqlcipher.Error as error:
        reason = "the disk is full" if _FULL in str(error) else "it is damaged, or its key is another"
        if isinstance(error, sqlcipher.OperationalError) and _FULL not in str(error):
            reason = f"the disk refused ({_reason(error)})"
    except OSError as error:
        reason = error.strerror or "the disk refused"
    else:
        return
    raise StorageFailed(f"The segment {path} failed: {reason}. Check the disk; other epochs are still served.")


def open_hot(path: Path, key: bytes) -> Connection:
    """Open or create a hot file: durable at each commit, temporary data in memory only."""
    connection = _connect(path, key, read_only=False)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    return connection


def open_sealed(path: Path, key: bytes) -> Connection:
    """Open a sealed segment; nothing can be written to it."""
    return _connect(path, key, read_only=True)


def open_for_sealing(path: Path, key: bytes) -> Connection:
    """Create a segment's temporary file. No journal and no fsync: the caller fsyncs it before it counts."""
    connection = _connect(path, key, read_only=False)
    connection.execute("pragma journal_mode=off")
    connection.execute("pragma synchronous=off")
    return connection


def _connect(path: Path, key: bytes, *, read_only: bool) -> Connection:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a segment key has {KEY_BYTES} bytes")
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlcipher.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma cipher_log_level=none")  # it would write to stderr for each wrong key
        connection.execute(f"pragma key=\"x'{key.hex()}'\"")
        connection.execute(f"pragma cache_size=-{CACHE_KIB}")
        connection.execute("pragma temp_store=memory")
        connection.execute("select count(*) from sqlite_master").fetchone()  # a wrong key shows here
    except BaseException:
        connection.close()
        raise
    return connection


def _reason(error: Exception) -> str:
    """SQLite's short words for an I/O state; anything longer could quote a statement and is left out."""
    known = ("disk I/O error", "unable to open database file", "attempt to write a readonly database", "database is locked")
    return next((words for words in known if words in str(error)), "unexpected answer")
