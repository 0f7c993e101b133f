"""What the store's tests share: invented reads, keys, queries, and a look at every byte of a folder."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from glassplate.plate_text import PlatePattern, fold, skeleton
from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.store import StoredRead, StoreQuery

DAY = "2026-11-25"
NEXT_DAY = "2026-11-26"
KEYS = {DAY: bytes(range(32)), NEXT_DAY: bytes(range(32, 64))}
MORNING = datetime(2026, 11, 25, 6, tzinfo=UTC)
ANY_TIME = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))


def stored(number, text="7QXO418", *, epoch=DAY, camera="cam-07", at=None):
    """One invented read; ``number`` gives its id, and its second after six in the morning."""
    days = timedelta(days=1 if epoch == NEXT_DAY else 0)
    read = PlateRead(
        read_id=f"{number:032x}",
        text=text,
        character_confidences=tuple(0.5 + i / 100 for i in range(len(text))),
        camera_id=camera,
        captured_at=at or MORNING + days + timedelta(seconds=number),
        recognizer="ppocr-v6",
        box=(1, 2, 30, 10),
        alternatives=(Alternative(text[::-1], 0.25),),
        region="us-ca",
        region_confidence=0.75,
        vehicle=Vehicle("sedan", 0.5, "gray", 0.5, "white", 0.25),
    )
    digest = hashlib.sha256(read.read_id.encode()).hexdigest()
    return StoredRead(
        epoch, read, b"sealed crop %d" % number, None if number % 2 else b"sealed scene", digest
    )


def query(plate, *, since=ANY_TIME[0], until=ANY_TIME[1], cameras=(), limit=100):
    return StoreQuery(PlatePattern.parse(plate), since, until, cameras, limit)


def numbers(page_or_reads):
    """The numbers that ``stored`` made the ids of."""
    return [int(item.read.read_id, 16) for item in getattr(page_or_reads, "reads", page_or_reads)]


def readable(folder, texts):
    """(file, text) of every text, or its search keys, that lies readable anywhere below ``folder``."""
    wanted = {form(text).encode() for text in texts for form in (str, fold, skeleton, str.lower)}
    wanted |= {text.encode("utf-16-le") for text in texts}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, text) for path in files for text in wanted if text in path.read_bytes()]
