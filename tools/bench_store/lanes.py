"""A real vault with a hundred cameras and a million wanted plates, and the batches that their lanes seal."""

from __future__ import annotations

import random
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.city import make_city, some_crop

from bench_hotlist import made_plate
from bench_store.made_reads import plate_reads
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.registry.hot_plates import HotPlates
from glassplate.seal import BatchSigner, CameraKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import Any

    from numpy.typing import NDArray
    from tests.support.city import TestCity

    from glassplate.records import PlateRead

CAMERA_IDS = tuple(f"lane-{number:02}" for number in range(100))
WANTED_PLATES = 1_000_000
CROP_BYTES = 4_000  # a sealed plate crop of 240 pixels


def made_city(folder: Path, start: datetime) -> TestCity:
    """The city with its cameras; near matches are allowed."""
    city = make_city(folder, start, alert_on_near_match=True)
    city.camera_keys = {camera_id: CameraKey.generate() for camera_id in CAMERA_IDS}
    old = city.charter()
    cameras = tuple(
        replace(old.cameras[0], id=camera_id, name=camera_id, public_key=key.public_text)
        for camera_id, key in city.camera_keys.items()
    )
    city.vault.install_charter(city.signed(replace(old, cameras=cameras)))
    return city


def watch_for_wanted(city: TestCity, count: int = WANTED_PLATES) -> None:
    """Have ``count`` wanted plates in memory, drawn by chance; nothing in the registry is behind them."""
    chance = random.Random(1)  # noqa: S311 - the same list every time
    city.vault.registry.hot_plates = HotPlates(made_plate(chance) for _ in range(count))


class Lanes:
    """Seals and signs for the cameras of one city."""

    def __init__(self, city: TestCity) -> None:
        key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
        self._sealer = open_bundle(city.vault.bundle(), key)
        self._signers = {
            camera_id: BatchSigner(camera_id, own.private_key) for camera_id, own in city.camera_keys.items()
        }

    def batch(self, reads: Iterable[PlateRead]) -> bytes:
        """A signed batch of reads of one camera; each has a crop of ``CROP_BYTES`` that no key opens."""
        crop = secrets.token_bytes(CROP_BYTES)
        sealed, camera_id = [], ""
        for read in reads:
            camera_id = read.camera_id
            sealed.append(replace(self._sealer.seal(read, some_crop()), crop=crop))
        return self._signers[camera_id].sign(1, sealed)


def batches_of(
    lanes: Lanes, rows: NDArray[Any], at_once: int, told: Callable[[int], None] = lambda _: None
) -> Sequence[bytes]:
    """``rows`` in batches of ``at_once``, each of the next camera in turn."""
    batches = []
    for number, start in enumerate(range(0, len(rows), at_once)):
        camera_id = CAMERA_IDS[number % len(CAMERA_IDS)]
        batches.append(lanes.batch(plate_reads(rows[start : start + at_once], (camera_id,))))
        told(1)
    return batches
