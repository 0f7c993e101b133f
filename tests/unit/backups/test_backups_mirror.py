"""The mirror that a vault keeps by itself brings back what came after the backup."""

from __future__ import annotations

import shutil
from dataclasses import replace

from backup_testing import DAY_2, cold_backup, findings, plates, restored
from tests.support.invariants import public

from glassplate.files import LocalFiles
from glassplate.founding import VaultPaths, published_key
from glassplate.mirror import begin_mirror


def test_the_vaults_own_mirror_and_a_backup_bring_the_city_back_and_the_mirror_goes_on(closed_city, tmp_path):
    place = tmp_path / "second-disk"
    place.mkdir(mode=0o700)
    city = replace(closed_city, settings=replace(closed_city.settings, mirror=str(place)))
    city.folder.settings_file.write_text(city.settings.to_toml())
    paths = VaultPaths(city.folder.vault)
    begin_mirror(place, city.root, paths.log, paths.keys, published_key(city.folder), LocalFiles())
    made = cold_backup(city, tmp_path / "disk")
    city.open()
    city.pass_days(1.75)  # day 1 dies, in both
    size = city.vault.log.size
    city.close()
    shutil.rmtree(city.root / "vault")

    back, mark = restored(made, city, tmp_path / "again", mirror=place)
    assert mark.from_mirror
    back.open()
    try:
        assert back.vault.log.size > size
        assert plates(back) == [DAY_2]
        assert len(public(back, "restored")) == 1
    finally:
        back.close()
    assert findings(back) == []
    assert (place / "log/journal").read_bytes() == (back.folder.vault / "log/journal").read_bytes()
