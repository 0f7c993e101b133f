"""Every read that an open vault serves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from glassplate.store import StoreQuery

if TYPE_CHECKING:
    from tests.support.city import TestCity

_ALL = 100_000


def alive_keys(city: TestCity) -> dict[str, bytes]:
    """The segment keys of the epochs that live."""
    keyring = city.vault.keyring
    alive = [record.epoch.epoch_id for record in keyring.records() if record.is_alive]
    return {epoch_id: keyring.secret(epoch_id).segment_key(0) for epoch_id in alive}


def every_read(city: TestCity) -> list[tuple[str, str]]:
    """(read id, epoch id) of each row that the store serves.

    Raises:
        AssertionError: an epoch is not served.
    """
    served, unserved = served_reads(city)
    if unserved:
        raise AssertionError(f"an epoch is not served: {unserved}")
    return served


def served_reads(city: TestCity) -> tuple[list[tuple[str, str]], tuple[tuple[str, str], ...]]:
    """(read id, epoch id) of each row; (epoch id, reason) of each epoch that is not served."""
    bounds = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))
    query = StoreQuery(None, *bounds, camera_ids=tuple(city.camera_keys), limit=_ALL)
    page = city.vault.store.search(query, alive_keys(city))
    assert all(found.crop_sealed for found in page.reads), "a read came without its image"
    return [(found.read.read_id, found.epoch_id) for found in page.reads], page.unserved
