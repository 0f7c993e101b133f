"""PostgreSQL with btree and pg_trgm on unencrypted columns: the same rows, the same questions.

Made as good as its operators would make it: one partition a day (so that a day can be dropped), the skeleton as a column
of its own, binary COPY, prepared statements. A pattern is planned each time, since only then its prefix finds the btree and
the rest the trigrams; the other plans are made once. A look-alike question asks for the skeletons one edit away by name,
the same list that the store makes: ``levenshtein()`` would read every row, and ``%`` misses some.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import numpy as np

from bench_store import cluster
from bench_store.questions import LIMIT
from bench_store.workload import (
    BODIES,
    CAMERAS,
    COLORS,
    DAY,
    EPOCHS,
    FIRST_DAY,
    NOWHERE,
    id_at,
)
from glassplate.plate_text import fold, skeleton
from glassplate.store.plate_codes import neighbors_of, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from bench_store.questions import Asked
    from bench_store.workload import Workload

AT_ONCE = 50_000
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NUMBERS = (
    "camera", "region", "region_sure", "body", "body_sure", "color", "color_sure", "second", "second_sure"
)  # fmt: skip
_TABLE = f"""
create table read (
    id bigint not null, read_id uuid not null, digest bytea not null,
    text text not null, plate text collate "C" not null, skeleton text collate "C" not null,
    sure bytea not null, alternatives bytea not null, recognizer smallint not null, box bytea not null,
    {", ".join(f"{name} smallint not null" for name in _NUMBERS)}
) partition by range (id)"""
_INDEXES = (
    "create unique index on read (id)",
    "create index on read (plate, id)",
    "create index on read (skeleton, id)",
    "create index on read using gin (plate gin_trgm_ops)",
    "create index on read (camera, id, body, color, second)",
)
_NEWEST = f"order by id desc limit {LIMIT}"
_BETWEEN = "select * from read where id between $1 and $2 and"
_SQL = {
    "exact": f"{_BETWEEN} plate = $3 {_NEWEST}",
    "look-alike": f"{_BETWEEN} skeleton = any($3) {_NEWEST}",
    "wildcard": f"{_BETWEEN} plate like $3 {_NEWEST}",
    "vehicle": f"{_BETWEEN} camera = any($3) and body = $4 and (color = $5 or second = $5) {_NEWEST}",
    "camera": f"{_BETWEEN} camera = any($3) {_NEWEST}",
}


class PostgresEngine:
    """Connected to a running cluster. Not safe for several threads: each has its own engine."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = folder / "data"
        self._loop = asyncio.new_event_loop()
        self._connection = self._connect("force_generic_plan")
        self._literal = self._connect("force_custom_plan")

    def create(self) -> None:
        """The table with its days, and one more for what arrives."""
        self._run(self._connection.execute(f"create extension pg_trgm; {_TABLE}"))
        for epoch in range(EPOCHS + 1):
            first, end = (id_at(FIRST_DAY + (epoch + n) * DAY) for n in (0, 1))
            self._run(
                self._connection.execute(
                    f"create table day_{epoch} partition of read for values from ({first}) to ({end})"
                )
            )

    def load(self, workload: Workload, told: Callable[[int], None]) -> None:
        """All reads; ``told`` hears how many came."""
        for epoch in range(EPOCHS):
            rows = workload.day(epoch)
            for start in range(0, len(rows), AT_ONCE):
                portion = rows[start : start + AT_ONCE]
                self._copy(portion)
                told(len(portion))

    def index(self, told: Callable[[int], None]) -> None:
        """The indexes, then ``vacuum analyze``; ``told`` hears of each step."""
        for statement in (*_INDEXES, "vacuum analyze read", "checkpoint"):
            self._run(self._connection.execute(statement, timeout=None))
            told(1)

    steps = len(_INDEXES) + 2

    def ask(self, asked: Asked) -> list[str]:
        """Ids of the newest full rows."""
        connection = self._literal if asked.kind == "wildcard" else self._connection
        rows = self._run(connection.fetch(_SQL[asked.kind], *_parameters(asked)))
        return [row["read_id"].hex for row in rows]

    def append(self, rows: NDArray[Any]) -> None:
        """Take reads, durably."""
        self._copy(rows)

    def drop_oldest(self) -> None:
        """Purge a day."""
        self._run(self._connection.execute("drop table day_0"))

    def bytes_on_disk(self) -> int:
        """Of all tables and indexes."""
        size = (
            "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'read'::regclass"
        )
        return int(self._run(self._connection.fetchval(size)))

    def resident_mb(self) -> float:
        """Of the server's processes, with its shared buffers."""
        return cluster.resident_mb(self._folder)

    def close(self) -> None:
        """End the connection."""
        for connection in (self._connection, self._literal):
            self._run(connection.close())
        self._loop.close()

    def _connect(self, plan_cache_mode: str) -> Any:
        settings = {"plan_cache_mode": plan_cache_mode}
        return self._run(
            asyncpg.connect(
                host=str(self._folder), user="bench", database="postgres", server_settings=settings
            )
        )

    def _copy(self, rows: NDArray[Any]) -> None:
        async def source() -> AsyncIterator[bytes]:
            yield copy_format(rows)

        self._run(self._connection.copy_to_table("read", source=source(), format="binary"))

    def _run(self, what: Any) -> Any:
        return self._loop.run_until_complete(what)


def _parameters(asked: Asked) -> list[Any]:
    given: list[Any] = [id_at(asked.since), id_at(asked.until)]
    if asked.kind == "look-alike":
        given.append([text_of(code) for code in neighbors_of(asked.pattern).tolist()])
    elif asked.plate is not None:
        given.append(fold(asked.plate) if asked.kind == "exact" else _like(asked.pattern))
    else:
        given.append([CAMERAS.index(camera) for camera in asked.cameras])
        if asked.body is not None and asked.color is not None:
            given += [BODIES.index(asked.body), COLORS.index(asked.color)]
    return given


def _like(pattern: str) -> str:
    return pattern.replace("?", "_").replace("*", "%")


def copy_format(rows: NDArray[Any]) -> bytes:
    """The rows for binary COPY. Rows of one shape are made at once, so their order changes a little."""
    lengths = (rows["text"] != 0).sum(axis=1)
    others = (rows["place"] != NOWHERE).sum(axis=1)
    shapes = np.unique(np.stack([lengths, others], axis=1), axis=0).tolist()
    parts = [
        _same_shape(rows[(lengths == length) & (others == count)], length, count) for length, count in shapes
    ]
    return b"".join([_SIGNATURE, *parts, _END])


def _same_shape(rows: NDArray[Any], length: int, others: int) -> bytes:
    texts = rows["text"][:, :length]
    alternatives = np.zeros((len(rows), others), dtype=[("place", "u1"), ("other", "u1"), ("sure", ">u2")])
    for name, of in (("place", "place"), ("other", "other"), ("sure", "other_sure")):
        alternatives[name] = _first(rows[of], rows["place"] != NOWHERE, others)
    fields: dict[str, NDArray[Any]] = {
        "id": rows["id"].astype(">i8")[:, None].view(np.uint8),
        "read_id": rows["read_id"],
        "digest": rows["digest"],
        "text": texts,
        "plate": _FOLDED[texts],
        "skeleton": _SKELETONS[texts],
        "sure": rows["sure"][:, :length].astype(">u2").view(np.uint8),
        "alternatives": alternatives.view(np.uint8).reshape(len(rows), -1),
        "recognizer": np.zeros((len(rows), 2), dtype=np.uint8),
        "box": rows["box"].astype(">u2").view(np.uint8),
        **{name: rows[name].astype(">i2")[:, None].view(np.uint8) for name in _NUMBERS},
    }
    count = np.broadcast_to(np.array([len(fields)], dtype=">i2").view(np.uint8), (len(rows), 2))
    columns = [count]
    for values in fields.values():
        size = np.array([values.shape[1]], dtype=">i4").view(np.uint8)
        columns += [np.broadcast_to(size, (len(rows), 4)), values]
    return np.ascontiguousarray(np.hstack(columns)).tobytes()


def _first(values: NDArray[Any], has: NDArray[np.bool_], count: int) -> NDArray[Any]:
    """The ``count`` values of each row that are there."""
    order = np.argsort(~has, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(values, order, axis=1)


def _table(change: Callable[[str], str]) -> NDArray[np.uint8]:
    return np.array(
        [ord(change(chr(n))) if chr(n).isascii() and chr(n).isalnum() else n for n in range(256)], np.uint8
    )


_FOLDED = _table(fold)
_SKELETONS = _table(skeleton)
