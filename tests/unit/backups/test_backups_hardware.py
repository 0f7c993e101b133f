"""A city whose keys lie in a hardware module (SoftHSM here): its backup opens live days, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from backup_testing import DAY_1, DAY_2, cold_backup, findings, hot_backup, plates, restored
from tests.support import softhsm
from tests.support.city import make_city

from glassplate.config import Settings
from glassplate.errors import KeyStoreAway, KeyUnavailable
from glassplate.files import LocalFiles
from glassplate.keys import open_keyring
from glassplate.store.cipher_file import opens

pytestmark = pytest.mark.filterwarnings("ignore:.*OperationContext:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def token(tmp_path_factory):
    softhsm.module()
    return softhsm.SoftToken(softhsm.store(tmp_path_factory))


@pytest.fixture
def city(tmp_path, token):
    """Reads live three days."""
    settings = Settings(keyring="pkcs11", hsm_module=token.place.module, hsm_token=token.label)
    made = make_city(
        tmp_path / "city",
        settings=settings,
        secret=softhsm.PIN,
        retention_minutes=3 * 1440,
        max_search_days=3,
    )
    made.ingest("7KDR214")
    made.pass_days(1)
    made.ingest("7KDR214")
    yield made
    made.close()


def test_a_backup_with_the_module_opens_live_days_without_a_mirror(city, tmp_path):
    made = hot_backup(city, tmp_path / "disk")
    assert made.manifest.holds_epoch_keys
    city.close()
    back, _ = restored(made, city, tmp_path / "again")
    back.open()
    assert plates(back) == [DAY_1, DAY_2]
    back.close()
    assert findings(back) == []
    city.open()


def test_a_thief_of_a_backup_and_the_passphrase_opens_no_dead_day(city, tmp_path):
    """The backup was made while the day lived; the thief has it, the module and its PIN, after the day's death."""
    made = hot_backup(city, tmp_path / "disk")
    city.pass_days(1.75)  # day 1 dies
    city.close()
    keys = open_keyring(city.settings, made.folder / "vault/keys", softhsm.PIN, LocalFiles())
    with pytest.raises(KeyUnavailable):
        keys.secret(DAY_1)
    alive = [keys.secret(r.epoch.epoch_id).segment_key(0) for r in keys.records() if r.is_alive]
    alive += [keys.named_secret(label) for label in keys.named_labels()]
    keys.close()
    sealed = next((made.folder / "vault/store").glob(f"{DAY_1}.*.sealed"))
    assert len(alive) > 3
    assert not any(opens(sealed, key) for key in alive)
    back, _ = restored(made, city, tmp_path / "again")
    back.clock.reboot(timedelta(0))
    back.open()
    assert plates(back, days=2.9) == [DAY_2], "what lives opens, what died does not"
    back.close()
    city.open()


def test_without_the_module_a_thief_of_a_backup_reads_nothing(city, tmp_path, token):
    city.close()
    made = cold_backup(city, tmp_path / "disk")
    gone = Settings(keyring="pkcs11", hsm_module=token.place.module, hsm_token="another")
    with pytest.raises((KeyStoreAway, KeyUnavailable)):
        open_keyring(gone, made.folder / "vault/keys", softhsm.PIN, LocalFiles())
    city.open()
