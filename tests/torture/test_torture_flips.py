"""One flipped bit in every kind of file of a real city's folder: told by name, or mended; the other days are served.

The kinds are found by walking the folder; one that this table does not know fails by its name.
"""

from __future__ import annotations

import shutil
from pathlib import PurePath

import pytest
from tests.support.copies import copy_of
from tests.support.torture.full_folder import files_by_kind, flipped, full_folder, opened

pytestmark = pytest.mark.usefixtures("one_process")


PLACES = {
    True: (0.01, 0.5),
    False: (0.5,),
}  # of the store's files, of others; the end of a -wal is no damage: wal_check.py

REFUSED = "the vault does not start, and says which file it is"
NAMED = "the vault starts and names the file, or the day of the key; what is not of that day is served"
MENDED = "it is made anew, or was only a copy: nothing is missing, and the outsider's check holds"
NOT_READ = "the vault does not read it"

KINDS = {
    "settings.toml": NOT_READ,  # the commands do: test_system_faults.py
    "vault/lock": NOT_READ,
    "vault/log/lock": NOT_READ,
    "vault/registry.db": MENDED,  # its newest pages are in the -wal; damage without one: test_system_faults.py
    "vault/registry.db-wal": MENDED,  # from the log
    "vault/registry.db-shm": MENDED,
    "vault/clock.json": MENDED,
    "vault/cameras.json": MENDED,
    "vault/deliveries.json": MENDED,
    "vault/log/journal": REFUSED,
    "vault/log/.pending": REFUSED,
    "vault/charter/trust.note": REFUSED,
    "vault/charter/<n>/root.json": REFUSED,
    "vault/charter/<n>/offices.json": REFUSED,
    "vault/charter/<n>/charter.json": REFUSED,
    "vault/charter/<n>/base.cedar": REFUSED,
    "vault/charter/<n>/overlay.cedar": REFUSED,
    "vault/charter/<n>/schema.cedarschema": REFUSED,
    "vault/keys/root.json": REFUSED,
    "vault/keys/named/history~<month>.json": REFUSED,
    "vault/keys/named/log.json": REFUSED,
    "vault/keys/named/publisher.json": REFUSED,
    "vault/keys/named/registry.json": REFUSED,
    "vault/keys/epochs/<epoch>.json": NAMED,
    "vault/keys/tombstones/<epoch>.json": NAMED,
    "vault/holds/<epoch>.<n>.held": NAMED,
    "vault/store/<epoch>.<n>.sealed": NAMED,
    "vault/store/<epoch>.<n>.images": NAMED,
    "vault/store/<epoch>.<n>.hot": MENDED,  # its newest pages are in the -wal; without one: test_store_segments.py
    "vault/store/<epoch>.<n>.hot-wal": NAMED,
    "vault/store/<epoch>.<n>.hot-shm": MENDED,
    "public/bundle.vkey": NAMED,
    "public/log/vkey": REFUSED,
    "public/log/checkpoint": REFUSED,
    "public/log/tile/0": REFUSED,
    "public/log/tile/entries": REFUSED,
    "public/charter/<n>/root.json": MENDED,
    "public/charter/<n>/offices.json": MENDED,
    "public/charter/<n>/charter.json": MENDED,
    "public/charter/<n>/base.cedar": MENDED,
    "public/charter/<n>/overlay.cedar": MENDED,
    "public/charter/<n>/schema.cedarschema": MENDED,
    "public/policy/<sha256>": MENDED,
    "public/epoch-keys.note": MENDED,
    "public/site.note": MENDED,
    "public/data.json": MENDED,
    "public/index.html": MENDED,
    "public/style.css": MENDED,
    "public/verify.html": MENDED,
    "public/verify.py": MENDED,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return full_folder(tmp_path_factory.mktemp("full"))


def test_the_undamaged_folder_has_nothing_to_tell(folder, tmp_path):
    city, reads = folder
    outcome = opened(copy_of(city, tmp_path / "city"), reads)
    assert (outcome.words.strip(), outcome.lost) == ("", set())


def test_every_kind_of_file_is_in_the_table(folder):
    assert sorted(set(files_by_kind(folder[0])) - set(KINDS)) == []


@pytest.mark.parametrize("expected", [REFUSED, NAMED, MENDED])
def test_a_flipped_bit_is_told_by_name_or_mended(folder, tmp_path, expected):
    city, reads = folder
    wrong = [
        f"{name} at {place}: {complaint}"
        for kind, names in files_by_kind(city).items()
        if KINDS.get(kind) == expected
        for name in (names[0],)
        for place in PLACES[name.startswith("vault/store/")]
        for outcome in (opened(flipped(city, tmp_path / "city", name, place), reads),)
        for complaint in complaints(outcome, name, expected)
    ]
    assert wrong == []


def complaints(outcome, name, expected):
    """What is not as expected."""
    base, day = PurePath(name).name, PurePath(name).name.split(".")[0]
    is_refused = expected == REFUSED
    if bool(outcome.refused) != is_refused:
        yield f"started is {not outcome.refused}: {outcome.refused}"
    secrets = (
        "passphrase" in outcome.refused and base == "root.json"
    )  # wrapped bytes look like another passphrase
    if expected != MENDED and not (base in outcome.words or day in outcome.words or secrets):
        yield f"is not named: {outcome.words}"
    if expected == MENDED and (outcome.words.strip() or outcome.lost):
        yield f"{len(outcome.lost)} reads lost; told: {outcome.words}"
    if others := {epoch_id for _, epoch_id in outcome.lost} - {day}:
        yield f"other days were not served: {others}"


def test_a_rolled_back_segment_is_named_and_not_served(folder, tmp_path):
    """The supplement is replaced by the day's first segment: valid, of the right key, and not the one in the record."""
    city, reads = folder
    rolled = copy_of(city, tmp_path / "city")
    first, second = sorted((rolled.folder.vault / "store").glob("*.sealed"))
    shutil.copy(first, second)
    outcome = opened(rolled, reads)
    assert f"{second} has the hash" in outcome.words
    assert {epoch_id for _, epoch_id in outcome.lost} == {second.name.split(".")[0]}
