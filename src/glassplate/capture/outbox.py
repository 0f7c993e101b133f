"""The lane's outbox: sealed reads wait here until the vault has made them durable.

SQLite in WAL mode with ``synchronous=FULL``. Nothing here can be opened by whoever steals the lane: reads and
images are sealed to the epoch's public key. What shows is when reads were captured, and for which epoch.
"""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from glassplate.encoding import parse_time, time_text
from glassplate.errors import StorageFailed
from glassplate.files import make_folder
from glassplate.records import SealedRead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

BUSY_SECONDS = 5
PRIVATE_FOLDER = 0o700
_SCHEMA = """
begin immediate;
create table if not exists sealed (position integer primary key autoincrement, read_id text not null unique,
    epoch_id text not null, captured_at text not null, read blob not null, crop blob not null, scene blob);
create table if not exists sequence (id integer primary key check (id = 1), last integer not null);
insert or ignore into sequence values (1, 0);
create table if not exists identity (id integer primary key check (id = 1), outbox text not null);
insert or ignore into identity values (1, lower(hex(randomblob(8))));
commit;
"""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """What a heartbeat tells of an outbox."""

    waiting: int
    oldest_captured_at: datetime | None
    sealed_bytes: int


class Waiting(NamedTuple):
    """Reads that follow each other; ``first`` is the number of the first one (0 when nothing waits).

    An outbox numbers its reads from 1 and never gives a number twice, so the vault sees what is missing.
    """

    first: int
    reads: list[SealedRead]


class Outbox:
    """One lane's outbox. Callable from several threads; one process owns the file."""

    def __init__(self, path: Path) -> None:
        """Open or create.

        Raises:
            StorageFailed: it cannot be opened, or is damaged.
        """
        self._path = path
        self._lock = threading.Lock()
        with self._naming():
            make_folder(path.parent, mode=PRIVATE_FOLDER)
            self._database = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._naming():
                path.chmod(stat.S_IRUSR | stat.S_IWUSR)
                for pragma in (
                    "journal_mode=wal",
                    "synchronous=full",
                    "temp_store=memory",
                    "secure_delete=on",
                ):
                    self._database.execute(f"pragma {pragma}")
                self._database.executescript(_SCHEMA)
        except StorageFailed:
            self._database.close()
            raise

    def put(self, reads: Sequence[SealedRead]) -> int:
        """Keep sealed reads, durable when it returns; returns how many were not here yet.

        Raises:
            StorageFailed: none of them was kept.
        """
        rows = [(r.read_id, r.epoch_id, time_text(r.captured_at), r.read, r.crop, r.scene) for r in reads]
        columns = "read_id, epoch_id, captured_at, read, crop, scene"
        statement = (  # not "or ignore": that would use up a number for a read that is here already
            f"insert into sealed ({columns}) select ?1,?2,?3,?4,?5,?6"  # noqa: S608 - constants
            " where not exists (select 1 from sealed where read_id=?1)"
        )
        with self._transaction() as database:
            return sum(database.execute(statement, row).rowcount for row in rows)

    @property
    def outbox_id(self) -> str:
        """16 random hexadecimal digits: an outbox that was thrown away is not continued by the next one."""
        with self._lock, self._naming():
            return str(self._database.execute("select outbox from identity").fetchone()[0])

    def waiting(self, limit: int) -> Waiting:
        """The first reads, at most ``limit``, in the order they came, up to the first number that is missing."""
        statement = "select position, read_id, epoch_id, captured_at, read, crop, scene from sealed order by position limit ?"
        with self._lock, self._naming():
            rows = self._database.execute(statement, (limit,)).fetchall()
        first = rows[0][0] if rows else 0
        together = [row[1:] for number, row in enumerate(rows, start=first) if row[0] == number]
        return Waiting(
            first,
            [
                SealedRead(read_id, epoch_id, parse_time(at), *blobs)
                for read_id, epoch_id, at, *blobs in together
            ],
        )

    def delete(self, read_ids: Sequence[str]) -> int:
        """Forget reads that the vault named as accepted, duplicate or refused; returns how many were here.

        Raises:
            StorageFailed: all of them are still here.
        """
        with self._transaction() as database:
            return sum(
                database.execute("delete from sealed where read_id=?", (i,)).rowcount for i in read_ids
            )

    def next_sequence(self) -> int:
        """The number of the next heartbeat: from 1, durable, never given twice."""
        with self._transaction() as database:
            database.execute("update sequence set last = last + 1")
            return int(database.execute("select last from sequence").fetchone()[0])

    def state(self) -> OutboxState:
        """How much waits, and since when."""
        statement = (
            "select count(*), min(captured_at),"
            " coalesce(sum(length(read) + length(crop) + coalesce(length(scene), 0)), 0) from sealed"
        )
        with self._lock, self._naming():
            waiting, oldest, size = self._database.execute(statement).fetchone()
        return OutboxState(waiting, None if oldest is None else parse_time(oldest), size)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._naming():
            self._database.execute("begin immediate")
            try:
                yield self._database
                self._database.execute("commit")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("rollback")
                raise

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(
                f"The outbox {self._path} failed: {error}. Check the disk; nothing was lost or sent."
            ) from error
