"""Installing a charter: all of it or nothing, in the record before anything is done under it."""

from __future__ import annotations

import contextlib

import pytest
from tests.support.failing_files import HOW, FailingFiles, journal
from tests.support.invariants import bodies, check_city, public

from glassplate.errors import CharterRejected, FolderBusy, GlassplateError, LogUnavailable, StorageFailed

PLATE = "7KDR214"


def version(city):
    return city.vault.mandate.last().verified.charter.version


@pytest.mark.parametrize("how", HOW)
def test_a_charter_that_cannot_be_logged_is_not_in_force(closed_city, how):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    token = city.sign_in("r.alvarez")
    documents = city.signed(city.charter(searches_per_hour=1))
    files.fails, files.how = journal, how
    with pytest.raises(LogUnavailable):
        city.vault.install_charter(documents)
    assert version(city) == 1
    files.heal()
    for _ in range(2):  # under the old charter still
        city.vault.gate.search(token, city.request(PLATE))
    assert {body["charter_version"] for _, body in bodies(city, "search")} == {1}
    assert city.vault.install_charter(documents).entry_index
    assert version(city) == 2
    assert [entry["version"] for entry in public(city, "charter-installed")] == ["1", "2"]
    check_city(city)
    city.reopen()
    check_city(city)
    city.close()


def test_a_charter_that_could_not_be_logged_is_logged_at_the_next_start(closed_city):
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    files.fails = journal
    with pytest.raises(LogUnavailable):
        city.vault.install_charter(city.signed(city.charter()))
    files.heal()
    city.reopen()
    assert version(city) == 2
    assert [entry["version"] for entry in public(city, "charter-installed")] == ["1", "2"]
    check_city(city)
    city.close()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("number", [0, 5, 6, 7])
def test_each_write_of_an_installation_fails_both_ways(closed_city, number, how):
    """The documents are there as a whole or not at all: the next start works, under the one or the other."""
    city, files = closed_city, FailingFiles()
    city.open(files=files)
    documents = city.signed(city.charter())
    files.fail_number(number, how)
    with contextlib.suppress(StorageFailed, LogUnavailable):
        city.vault.install_charter(documents)
    assert files.failed == 1
    files.heal()
    city.reopen()
    check_city(city)
    assert city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE)).reads == ()
    if version(city) == 1:
        city.vault.install_charter(documents)
    assert version(city) == 2
    check_city(city)
    city.close()


def test_old_and_foreign_charters(city):
    first = city.vault.mandate.last().documents
    city.vault.install_charter(city.signed(city.charter()))
    for documents in (first, city.vault.mandate.last().documents, {**first, "charter.json": "{}"}, {}):
        with pytest.raises(GlassplateError) as error:
            city.vault.install_charter(documents)
        assert isinstance(error.value, CharterRejected)
    assert version(city) == 2
    assert len(public(city, "charter-installed")) == 2
    check_city(city)


def test_one_vault_a_folder(city):
    with pytest.raises(FolderBusy):
        type(city.vault)(city.folder, city.vault.settings, b"an invented passphrase", clock=city.clock)
    assert city.sign_in("r.alvarez")
