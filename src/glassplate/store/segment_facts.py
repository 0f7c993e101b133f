"""What is remembered of a sealed segment while its file is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from glassplate.store.segment_ids import SegmentIds
from glassplate.store.segment_writer import CHUNKS, runs_of
from glassplate.store.words import Word, Words

if TYPE_CHECKING:
    from glassplate.store.cipher_file import Connection


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What is remembered of a segment while its file is closed: nothing of any plate."""

    epoch_id: str
    number: int
    count: int
    first_id: int
    last_id: int
    words: tuple[Word, ...] = field(repr=False)
    root: str = ""
    """Merkle root over its reads, as its writer noted it inside."""


class Remembered:
    """What is read of a file once, and kept while it is closed."""

    def __init__(self, connection: Connection, epoch_id: str, number: int) -> None:
        meta = dict(connection.execute("select name, value from meta where name<>'plates'"))
        words = [Word(*row) for row in connection.execute("select kind, number, text from word")]
        self.ids, self.width = SegmentIds(meta["base"], meta["sequence_bits"]), meta["width"]
        last_id = self.ids.whole(meta["last"])
        self.facts = SegmentFacts(
            epoch_id, number, meta["count"], self.ids.base, last_id, tuple(words), meta["root"]
        )
        self.words = Words(words)
        self.long_texts: dict[int, str] = dict(connection.execute("select code, text from long_plate"))
        chunks = np.frombuffer(meta["chunks"], dtype=CHUNKS)
        self.firsts, self.lasts = chunks["first"].astype(np.uint64), chunks["last"].astype(np.uint64)
        runs = runs_of(chunks["camera"])
        self.chunks_of = dict(zip(chunks["camera"][[start for start, _ in runs]].tolist(), runs, strict=True))
        """Camera -> its first chunk, and the one after its last; they are in the order of their time."""
