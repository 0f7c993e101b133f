"""Opening SQLCipher files: the pragmas, and errors that name the file and hide everything else.

A key goes into one ``pragma`` statement and nowhere else. Errors from SQLite are never shown as they are,
since they may quote the statement.
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
_SHORT_WORDS = (
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "attempt to write a readonly database",
    "database is locked",
)

Connection = Any  # sqlcipher3 has no types


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn every SQLite or disk error into ``StorageFailed`` that names ``path``."""
    try:
        yield
    except (sqlcipher.Error, OSError) as error:
        raise StorageFailed(
            f"The segment {path} failed: {_reason(error)}. Check the disk; other epochs are still served."
        ) from None


def open_hot(path: Path | None, key: bytes) -> Connection:
    """Open or create a hot file: durable at each commit, temporary data in memory only. No path: in memory."""
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


def opens(path: Path, key: bytes) -> bool:
    """Whether ``key`` opens the file: what a thief with a copy and a key would try."""
    try:
        open_sealed(path, key).close()
    except sqlcipher.Error:
        return False
    return True


def _connect(path: Path | None, key: bytes, *, read_only: bool) -> Connection:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a segment key has {KEY_BYTES} bytes")
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}" if path else ":memory:"
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
    """Why, in our own words or SQLite's short ones: anything longer could quote a statement, and so a key."""
    if isinstance(error, OSError):
        return error.strerror or "the disk refused"
    known = next((words for words in _SHORT_WORDS if words in str(error)), None)
    if known is None and isinstance(error, sqlcipher.OperationalError):
        return "SQLite refused"
    return known or "it is damaged, or its key is another"
