"""Two kinds of files of one epoch: the hot file that grows, and sealed segments that never change."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed
from glassplate.files import fsync_folder
from glassplate.plate_text import skeleton
from glassplate.store.cipher_file import open_for_sealing, open_hot, open_sealed
from glassplate.store.row_format import COLUMNS, INDEXES, SAME_INSTANT, SCHEMA, first_id_at, to_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from glassplate.store.cipher_file import Connection
    from glassplate.store.row_format import Row
    from glassplate.store.store import StoredRead, StoreQuery

Match = tuple[int, bytes]  # row id, read id
HASH_BLOCK = 1024 * 1024
_INSERT_READ = "insert into read values (?,?,?,?,?,?,?)"
_INSERT_IMAGE = "insert into image values (?,?,?)"
_SELECT = f"select {COLUMNS} from read join image using (id)"  # noqa: S608 - constants
_PLAIN_COLUMNS = 7


class HotFile:
    """An epoch's growing file: one table without secondary index, and its read ids in memory."""

    def __init__(self, path: Path | None, key: bytes) -> None:
        """Open or create; no ``path``: in memory. Not safe for several threads: the store holds the epoch's lock."""
        is_new = path is not None and not path.exists()
        self._connection = open_hot(path, key)
        if path and is_new:
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        if not _has_schema(self._connection):
            self._connection.executescript(f"begin immediate;{SCHEMA}commit;")
            if path:
                fsync_folder(path.parent)
        rows = self._connection.execute("select read_id, id from read").fetchall()
        self.row_ids: dict[bytes, int] = dict(rows)

    def append(self, reads: Sequence[StoredRead]) -> None:
        """Write reads that are not here yet, in one durable transaction."""
        connection = self._connection
        connection.execute("begin immediate")
        try:
            rows = [self._insert(stored) for stored in reads]
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise
        self.row_ids.update({row[1]: row[0] for row in rows})

    def rows(self) -> Iterator[Row]:
        """Every row, in order."""
        yield from self._connection.execute(f"{_SELECT} order by read.id")

    @property
    def count(self) -> int:
        """Reads here."""
        return len(self.row_ids)

    def known(self, read_ids: Iterable[bytes]) -> set[bytes]:
        """Which of these ids are here."""
        return {read_id for read_id in read_ids if read_id in self.row_ids}

    def matching(self, query: StoreQuery, most: int) -> list[Match]:
        """The newest matches; without an index, so it reads the period until it has enough."""
        return list(islice(_matches(self._connection, query, indexed=False), most))

    def by_read_ids(self, read_ids: Iterable[bytes]) -> list[Row]:
        """Those rows that are here."""
        wanted = [self.row_ids[read_id] for read_id in read_ids if read_id in self.row_ids]
        statement = f"{_SELECT} where read.id=?"
        return [self._connection.execute(statement, (row_id,)).fetchone() for row_id in wanted]

    def close(self) -> None:
        """Close, and so forget the key."""
        self._connection.close()

    def _insert(self, stored: StoredRead) -> Row:
        first = first_id_at(stored.read.captured_at)
        latest = self._connection.execute(
            "select max(id) from read where id>=? and id<?", (first, first + SAME_INSTANT)
        ).fetchone()[0]
        row_id = first if latest is None else latest + 1
        if row_id >= first + SAME_INSTANT:
            raise StorageFailed(
                f"More than {SAME_INSTANT} reads claim the same microsecond; check the lane's clock."
            )
        row = to_row(row_id, stored)
        _insert(self._connection, row)
        return row


class SealedFile:
    """An immutable segment with its indexes."""

    def __init__(self, path: Path, number: int, key: bytes) -> None:
        """Open it. Not safe for several threads: the store holds the epoch's lock."""
        self.number = number
        self._connection = open_sealed(path, key)
        self.count: int = self._connection.execute("select count(*) from read").fetchone()[0]

    def hashes(self) -> list[bytes]:
        """The reads' ``sealed_sha256``."""
        return [row[0] for row in self._connection.execute("select sealed_sha256 from read")]

    def known(self, read_ids: Iterable[bytes]) -> set[bytes]:
        """Which of these ids are here."""
        statement = "select 1 from read where read_id=?"
        return {i for i in read_ids if self._connection.execute(statement, (i,)).fetchone()}

    def matching(self, query: StoreQuery, most: int) -> list[Match]:
        """The newest matches."""
        return list(islice(_matches(self._connection, query, indexed=True), most))

    def by_read_ids(self, read_ids: Iterable[bytes]) -> list[Row]:
        """Those rows that are here."""
        found = (self._connection.execute(f"{_SELECT} where read_id=?", (i,)).fetchone() for i in read_ids)
        return [row for row in found if row is not None]

    def close(self) -> None:
        """Close, and so forget the key."""
        self._connection.close()


def write_sealed(temporary: Path, key: bytes, rows: Iterable[Row]) -> None:
    """Write a complete segment to ``temporary`` and fsync it."""
    connection = open_for_sealing(temporary, key)
    try:
        connection.execute("begin immediate")
        _run(connection, SCHEMA)
        for row in rows:
            _insert(connection, row)
        _run(connection, INDEXES)
        connection.execute("commit")
    finally:
        connection.close()
    temporary.chmod(stat.S_IRUSR | stat.S_IWUSR)
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def merkle_root(hashes: Sequence[bytes]) -> str:
    """RFC 6962 §2.1 tree hash over ``hashes`` as leaf data, hexadecimal."""
    return _tree_hash(hashes).hex()


def _tree_hash(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _tree_hash(leaves[:split]) + _tree_hash(leaves[split:])).digest()


def _matches(connection: Connection, query: StoreQuery, *, indexed: bool) -> Iterator[Match]:
    """What matches, newest first. An exact plate is one probe of the index; the others read the period."""
    pattern = query.pattern
    clauses = ["id>=?", "id<?"]
    values: list[object] = [first_id_at(query.since), first_id_at(query.until) + SAME_INSTANT]
    is_one_plate = pattern is not None and query.nearness == "exact" and not pattern.has_wildcards
    if pattern is not None and is_one_plate:
        clauses.append("plate=?")
        values.append(pattern.text)
        if indexed:
            clauses.append("skeleton=?")
            values.append(skeleton(pattern.text))
    if query.camera_ids:
        clauses.append(f"camera in ({','.join('?' * len(query.camera_ids))})")
        values.extend(query.camera_ids)
    probe = " indexed by by_skeleton" if indexed and is_one_plate else ""
    where = " and ".join(clauses)  # values are bound, never written into the statement
    statement = f"select id, read_id, plate, body from read{probe} where {where} order by id desc"  # noqa: S608
    for row_id, read_id, plate, body in connection.execute(statement, values):
        if _is_asked_for(query, plate, body):
            yield row_id, read_id


def _is_asked_for(query: StoreQuery, plate: str, body: str) -> bool:
    if query.pattern is not None:
        matches = query.pattern.looks_like if query.nearness == "look_alike" else query.pattern.matches
        if not matches(plate):
            return False
    if not query.bodies and not query.colors:
        return True
    vehicle = json.loads(body)["vehicle"]
    colors = (vehicle["color"], vehicle.get("second_color"))
    return (not query.bodies or vehicle["body"] in query.bodies) and (
        not query.colors or any(color in query.colors for color in colors)
    )


def _insert(connection: Connection, row: Row) -> None:
    connection.execute(_INSERT_READ, row[:_PLAIN_COLUMNS])
    connection.execute(_INSERT_IMAGE, (row[0], *row[_PLAIN_COLUMNS:]))


def _run(connection: Connection, script: str) -> None:
    """Statement by statement: ``executescript`` would commit the transaction it is in."""
    for statement in filter(None, map(str.strip, script.split(";"))):
        connection.execute(statement)


def _has_schema(connection: Connection) -> bool:
    return bool(connection.execute("select count(*) from sqlite_master").fetchone()[0])
