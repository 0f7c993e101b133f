"""Rows of the workload as the store's reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench_store.workload import BODIES, CAMERAS, COLORS, NOWHERE, ORIGIN, REGIONS
from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.store import StoredRead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RECOGNIZER = "test 1"


def stored_reads(rows: NDArray[Any], epoch_id: str) -> list[StoredRead]:
    """The reads with their hashes and without images, in the order of ``rows``."""
    digests = rows["digest"].tobytes()
    return [
        StoredRead(epoch_id, read, b"", None, digests[n * 32 : n * 32 + 32].hex())
        for n, read in enumerate(plate_reads(rows))
    ]


def plate_reads(rows: NDArray[Any], cameras: tuple[str, ...] = CAMERAS) -> Iterator[PlateRead]:
    """The full reads of ``rows``; camera numbers beyond ``cameras`` begin again at its first."""
    names = (
        "id", "sure", "place", "other", "other_sure", "camera", "region", "region_sure", "body", "body_sure",
        "color", "color_sure", "second", "second_sure", "box",
    )  # fmt: skip
    texts = rows["text"].copy().view("S8").ravel().astype(str).tolist()
    read_ids = rows["read_id"].tobytes().hex()
    columns = zip(*(rows[name].tolist() for name in names), strict=True)
    for number, (text, columns_of_row) in enumerate(zip(texts, columns, strict=True)):
        (at, sure, places, others, other_sure, camera, region, region_sure, body, body_sure) = columns_of_row[
            :10
        ]
        color, color_sure, second, second_sure, box = columns_of_row[10:]
        alternatives = [
            Alternative(f"{text[:place]}{chr(other)}{text[place + 1 :]}", confidence / 1000)
            for place, other, confidence in zip(places, others, other_sure, strict=True)
            if place != NOWHERE
        ]
        yield PlateRead(
            read_ids[number * 32 : number * 32 + 32],
            text,
            tuple([one / 1000 for one in sure[: len(text)]]),
            cameras[camera % len(cameras)],
            ORIGIN + timedelta(microseconds=at),
            RECOGNIZER,
            tuple(box),
            tuple(alternatives),
            REGIONS[region],
            region_sure / 1000,
            Vehicle(
                BODIES[body],
                body_sure / 1000,
                COLORS[color],
                color_sure / 1000,
                COLORS[second],
                second_sure / 1000,
            ),
        )
