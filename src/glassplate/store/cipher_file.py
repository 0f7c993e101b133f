"""Opening SQLCipher files: the pragmas, and errors that name the file and hide everything else.

A key goes into one ``pragma`` statement and nowhere else. Errors from SQLite are never shown as they are,
since they may quote the statement.
"""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING, Any

import sqlcipher3.dbapi2 as sqlcipher

from glassplate.errors import StorageFailed
from glassplate.store.wal_check import check_wal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KEY_BYTES = 32
OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
FORMAT = 4  # `pragma user_version`; docs/formats/store.md says what the others were
CACHE_KIB = 12_000  # for each sealed segment that is open; the store bounds how many are
HOT_CACHE_KIB = 4_000  # a hot file is written at its end, and mostly searched in memory
BUSY_SECONDS = 5
IDS_AT_ONCE = 50
FEW_IDS = 4  # so many are looked up one by one: a list of 50 costs as much as four of them
_MARKS = ",".join("?" * IDS_AT_ONCE)
_SEGMENT_HMAC = "pragma cipher_hmac_algorithm=HMAC_SHA256"
"""A search checks hundreds of pages, and processors have instructions for SHA-256. With the 256 bits of SQLCipher's key
for HMACs, forging a page is as hard as guessing the key (FIPS 198-1; NIST SP 800-107 r1, 5.3)."""
_SHORT_WORDS = (
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "attempt to write a readonly database",
    "database is locked",
)

FAILURES = (sqlcipher.Error, OSError)
_READ, _CREATE = "ro", "rwc"
_READ_UNCHANGING = "ro&immutable=1"  # no lock and no look for changes: a quarter of a short question's time

Connection = Any  # sqlcipher3 has no types


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn every SQLite or disk error into ``StorageFailed`` that names ``path``."""
    try:
        yield
    except FAILURES as error:
        raise failure_of(path, error) from None


def failure_of(path: Path, error: Exception) -> StorageFailed:
    """What ``naming`` raises of one of ``FAILURES``, to be raised ``from None``."""
    return StorageFailed(
        f"The segment {path} failed: {_reason(error)}. Check the disk; other epochs are still served."
    )


def open_hot(path: Path, key: bytes) -> Connection:
    """Open or create a hot file: durable at each commit, temporary data in memory only.

    Raises:
        StorageFailed: what a crash left beside it is damaged.
    """
    check_wal(path)
    connection = _connect(path, key, _CREATE, HOT_CACHE_KIB)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    return connection


def open_beside_writer(path: Path, key: bytes) -> Connection:
    """Open a hot file once more, to read what is committed meanwhile. Raises as ``open_sealed`` does."""
    return _checked(path, _connect(path, key, _READ, HOT_CACHE_KIB))


def open_sealed(path: Path, key: bytes) -> Connection:
    """Open a sealed segment, which nobody ever writes to again.

    Raises:
        StorageFailed: it has another format.
        sqlcipher3.Error: it is damaged, or the key is another; ``naming`` says so.
    """
    try:
        connection = _connect(path, key, _READ_UNCHANGING, CACHE_KIB, is_segment=True)
    except sqlcipher.Error:
        with contextlib.suppress(sqlcipher.Error), contextlib.closing(_older_segment(path, key)) as older:
            _check_format(path, older)
        raise
    return _checked(path, connection)


def _older_segment(path: Path, key: bytes) -> Connection:
    """A segment of format 3 or before, whose pages have another HMAC."""
    return _connect(path, key, _READ_UNCHANGING, CACHE_KIB)


def _checked(path: Path, connection: Connection) -> Connection:
    try:
        _check_format(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_sealing(path: Path, key: bytes) -> Connection:
    """Create a segment's temporary file. No journal and no fsync: the caller fsyncs it before it counts."""
    connection = _connect(path, key, _CREATE, CACHE_KIB, is_segment=True)
    connection.execute("pragma journal_mode=off")
    connection.execute("pragma synchronous=off")
    return connection


def rows_by_id(connection: Connection, columns: str, table: str, row_ids: Sequence[int]) -> list[Any]:
    """``columns`` of the rows with these ids that are there, in no order: many at a time, each statement once made."""
    rows: list[Any] = []
    if len(row_ids) <= FEW_IDS:
        one = f"select {columns} from {table} where rowid=?"  # noqa: S608 - our own names
        for row_id in row_ids:
            rows += connection.execute(one, (row_id,))
        return rows
    statement = f"select {columns} from {table} where rowid in ({_MARKS})"  # noqa: S608 - our own names
    for start in range(0, len(row_ids), IDS_AT_ONCE):
        part = row_ids[start : start + IDS_AT_ONCE]
        rows += connection.execute(statement, (*part, *(-1,) * (IDS_AT_ONCE - len(part))))
    return rows


def opens(path: Path, key: bytes) -> bool:
    """Whether ``key`` opens the file, hot or sealed: what a thief with a copy and a key would try."""
    for is_segment in (True, False):
        with contextlib.suppress(sqlcipher.Error):
            _connect(path, key, _READ, HOT_CACHE_KIB, is_segment=is_segment).close()
            return True
    return False


def _connect(path: Path, key: bytes, mode: str, cache_kib: int, *, is_segment: bool = False) -> Connection:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a segment key has {KEY_BYTES} bytes")
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlcipher.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma cipher_log_level=none")  # it would write to stderr for each wrong key
        connection.execute(f"pragma key=\"x'{key.hex()}'\"")
        if is_segment:
            connection.execute(_SEGMENT_HMAC)
        connection.execute(f"pragma cache_size=-{cache_kib}")
        connection.execute("pragma temp_store=memory")
        is_empty = not connection.execute("select count(*) from sqlite_master").fetchone()[
            0
        ]  # wrong keys show
        if mode == _CREATE:
            if is_empty:
                connection.execute(f"pragma user_version={FORMAT}")
            _check_format(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(path: Path, connection: Connection) -> None:
    found = connection.execute("pragma user_version").fetchone()[0]
    if found != FORMAT:
        raise StorageFailed(
            f"The segment {path} has format {found}, but this version of Glassplate reads format {FORMAT} only. "
            "Nothing was changed; open the folder with the version that wrote it until its epochs have ended."
        )


def _reason(error: Exception) -> str:
    """Why, in our own words or SQLite's short ones: anything longer could quote a statement, and so a key."""
    if isinstance(error, OSError):
        return error.strerror or "the disk refused"
    known = next((words for words in _SHORT_WORDS if words in str(error)), None)
    if known is None and isinstance(error, sqlcipher.OperationalError):
        return "SQLite refused"
    return known or "it is damaged, or its key is another"
