"""A city with a backup and a mirror, and the way back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glassplate.backups import NobodyWrites, Restore, Work, make_backup, restore
from glassplate.verify import verify_city

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.city import TestCity

    from glassplate.backups import Made, RestoredMark

DAY_1, DAY_2 = "2026-03-02", "2026-03-03"


def cold_backup(city: TestCity, disk: Path) -> Made:
    """Of a city whose vault is closed."""
    disk.mkdir(exist_ok=True)
    return make_backup(city.folder, disk, city.clock.wall(), NobodyWrites(), Work())


def hot_backup(city: TestCity, disk: Path) -> Made:
    """Of a city whose vault runs, by the vault's own locks."""
    disk.mkdir(exist_ok=True)
    return make_backup(city.folder, disk, city.now(), city.vault.backups.still, Work())


def mirror_of(city: TestCity, place: Path) -> Path:
    """As new as the vault: its log and its keys."""
    for part in ("log", "keys"):
        shutil.copytree(city.folder.vault / part, place / part)
    return place


def restored(made: Made, city: TestCity, root: Path, **words: Any) -> tuple[TestCity, RestoredMark]:
    """The city that comes back from a backup, not open yet."""
    given = {"mirror": None, "newest_checkpoint": None, "operator_is_sure": True, **words}
    mark = restore(Restore(backup=made.folder, root=root, at=city.clock.wall(), **given), Work())
    return replace(city, root=root), mark


def plates(city: TestCity, plate: str = "7KDR214", days: float = 3) -> list[str]:
    """The days of which a search finds the plate."""
    request = city.request(plate, since=city.now() - timedelta(days=days))
    found = city.vault.gate.search(city.sign_in("r.alvarez"), request).reads
    return sorted(f"{one.read.captured_at:%Y-%m-%d}" for one in found)


def findings(city: TestCity) -> list[str]:
    """What an outsider finds."""
    result = verify_city(city.folder.public, city.fingerprints, city.clock.wall())
    return [str(finding) for finding in result.findings]


def facts(city: TestCity) -> str:
    return " ".join(verify_city(city.folder.public, city.fingerprints, city.clock.wall()).facts)
