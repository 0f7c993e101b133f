"""Where an epoch's incoming rows are kept: an append-only SQLCipher file, or nothing but memory.

The hot file has one table without a secondary index: an insert is a write at its end. Images go to a file of
their own, first, so that a row whose commit is durable has its images; images that no row names mean nothing.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol

from glassplate.files import fsync_folder
from glassplate.store.cipher_file import OWNER_ONLY, naming, open_beside_writer, open_hot, rows_by_id
from glassplate.store.image_files import ImageFile, images_in
from glassplate.store.read_row import HEAD
from glassplate.store.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.store.cipher_file import Connection
    from glassplate.store.image_files import ImageRow

HEAD_BYTES = HEAD.size  # as much of a row's data as the columns need
_ROWS_AT_ONCE = 20_000
_SCHEMA = """
create table word (kind integer not null, number integer not null, text text not null, primary key (kind, number));
create table long_plate (code integer primary key, text text not null);
create table read (id integer primary key, code integer not null, data blob not null);
"""


class Row(NamedTuple):
    """One read as it is kept."""

    row_id: int
    code: int
    data: bytes


class Batch(NamedTuple):
    """What one commit makes durable: all of it or nothing."""

    words: Sequence[Word]
    long_plates: Sequence[tuple[int, str]]
    rows: Sequence[Row]


class RowStore(Protocol):
    """Keeps the rows of one hot epoch. One writer at a time; readers at any time."""

    def write(self, images: Sequence[ImageRow], batch: Callable[[], Batch]) -> Batch:
        """Make images and batch durable, as far as this store is; returns the batch.

        ``batch`` is called once, while the images are on their way.
        """

    def words(self) -> list[Word]:
        """Every word."""

    def long_plates(self) -> dict[int, str]:
        """Code and text of the plates that do not fit a code."""

    def heads(self) -> Iterator[list[Row]]:
        """Every row with the first ``HEAD_BYTES`` of its data, in portions."""

    def fetch(self, row_ids: Sequence[int]) -> dict[int, bytes]:
        """The data of those rows."""

    def images(self, rows: Mapping[int, bytes]) -> dict[int, ImageRow]:
        """The images of those rows (id -> data) that have any."""

    def close(self) -> None:
        """Forget the key."""


class HotFile:
    """``RowStore`` in a SQLCipher file, with its images in a file beside it."""

    def __init__(self, path: Path, images: Path, key: bytes, files: Files) -> None:
        """Open or create them."""
        self._path, self._images_path, self._key = path, images, key
        self._images = ImageFile(images, key, files)
        with contextlib.ExitStack() as opened, naming(path):
            self._writer = opened.enter_context(contextlib.closing(_open(path, key)))
            self._reader = open_beside_writer(path, key)
            opened.pop_all()
        self._reading = threading.Lock()

    def write(self, images: Sequence[ImageRow], batch: Callable[[], Batch]) -> Batch:
        """See ``RowStore``: one fsync for the images, then one for the rows that name them."""
        places: dict[int, bytes] = {}
        if images:
            places, wait = self._images.begin(images)
            try:
                made = batch()
            finally:
                wait()
        else:
            made = batch()
        rows = [(row_id, code, data + places.get(row_id, b"")) for row_id, code, data in made.rows]
        with naming(self._path):
            _commit(
                self._writer,
                [
                    ("insert into word values (?,?,?)", made.words),
                    ("insert or ignore into long_plate values (?,?)", made.long_plates),
                    ("insert into read values (?,?,?)", rows),
                ],
            )
        return made

    def words(self) -> list[Word]:
        """See ``RowStore``."""
        with naming(self._path):
            return [Word(*row) for row in self._writer.execute("select kind, number, text from word")]

    def long_plates(self) -> dict[int, str]:
        """See ``RowStore``."""
        with naming(self._path):
            return dict(self._writer.execute("select code, text from long_plate"))

    def heads(self) -> Iterator[list[Row]]:
        """See ``RowStore``."""
        with naming(self._path):
            rows = self._writer.execute(f"select id, code, substr(data, 1, {HEAD_BYTES}) from read")  # noqa: S608
            while portion := rows.fetchmany(_ROWS_AT_ONCE):
                yield [Row(*row) for row in portion]

    def fetch(self, row_ids: Sequence[int]) -> dict[int, bytes]:
        """See ``RowStore``."""
        with self._reading, naming(self._path):
            return dict(rows_by_id(self._reader, "id, data", "read", row_ids))

    def images(self, rows: Mapping[int, bytes]) -> dict[int, ImageRow]:
        """See ``RowStore``."""
        return images_in(self._images_path, self._key, rows)

    def close(self) -> None:
        """Close it; what SQLite keeps beside it goes."""
        with self._reading:
            self._reader.close()
        self._writer.close()
        self._images.close()


class MemoryRows:
    """``RowStore`` that ends with the process: for epochs that must never touch a disk."""

    def __init__(self) -> None:
        self._data: dict[int, bytes] = {}
        self._images: dict[int, ImageRow] = {}

    def write(self, images: Sequence[ImageRow], batch: Callable[[], Batch]) -> Batch:
        """See ``RowStore``."""
        made = batch()
        self._data.update((row.row_id, row.data) for row in made.rows)
        self._images.update((image.row_id, image) for image in images)
        return made

    def words(self) -> list[Word]:
        """None: whoever holds the rows holds their words."""
        return []

    def long_plates(self) -> dict[int, str]:
        """None, likewise."""
        return {}

    def heads(self) -> Iterator[list[Row]]:
        """Nothing was there before."""
        yield from ()

    def fetch(self, row_ids: Sequence[int]) -> dict[int, bytes]:
        """See ``RowStore``."""
        return {row_id: self._data[row_id] for row_id in row_ids if row_id in self._data}

    def images(self, rows: Mapping[int, bytes]) -> dict[int, ImageRow]:
        """See ``RowStore``."""
        return {row_id: self._images[row_id] for row_id in rows if row_id in self._images}

    def close(self) -> None:
        """Forget everything."""
        self._data.clear()
        self._images.clear()


def _open(path: Path, key: bytes) -> Connection:
    is_new = not path.exists()
    connection = open_hot(path, key)
    try:
        if is_new:
            path.chmod(OWNER_ONLY)
        if not connection.execute("select count(*) from sqlite_master").fetchone()[0]:
            connection.executescript(f"begin immediate;{_SCHEMA}commit;")
            fsync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _commit(connection: Connection, inserts: list[tuple[str, Sequence[tuple[object, ...]]]]) -> None:
    connection.execute("begin immediate")
    try:
        for statement, rows in inserts:
            if rows:
                connection.executemany(statement, rows)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
