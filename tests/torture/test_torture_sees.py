"""The checks of ``make torture`` see what they are there for: after each act of sabotage they complain of it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from tests.support.copies import copy_of
from tests.support.torture.acts import ACTS, sealing_template
from tests.support.torture.checks import broken_promises, looked_at, wrapped_keys

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return sealing_template(tmp_path_factory.mktemp("sealing") / "city")


@pytest.fixture
def acted(template, tmp_path):
    """The city after the undisturbed act, closed; what was told; the keys before."""
    city, told = copy_of(template.city, tmp_path / "city"), []
    before = wrapped_keys(city.folder.vault)
    ACTS["sealing"][1](city, template, lambda kind, value: told.append((kind, value)))
    return city, told, before


def complaints(template, acted, **changed):
    city, told, before = acted
    left = replace(looked_at(city, before, told), **changed)
    city.open()
    try:
        return " ".join(broken_promises(city, template, left))
    finally:
        city.close()


def files(city, kind):
    return sorted((city.folder.vault / "store").glob(f"*.{kind}"))


def test_an_undisturbed_act_breaks_no_promise(template, acted):
    assert complaints(template, acted) == ""


def test_a_lost_read_is_seen(template, acted):
    told = acted[1]
    told.append(("taken", ["0" * 32]))
    template.epoch_of["0" * 32] = "2026-03-02"
    try:
        assert "1 acknowledged reads are lost" in complaints(template, acted)
    finally:
        del template.epoch_of["0" * 32]


def test_a_segment_that_was_rolled_back_is_seen(template, acted):
    first, second = files(acted[0], "sealed")
    shutil.copy(first, second)
    assert f"The segment {second} has the hash" in complaints(template, acted)


def test_a_key_that_was_told_to_be_dead_is_seen(template, acted):
    acted[1].append(("dead", ["2026-03-02"]))
    assert "told to be dead, and alive: 2026-03-02" in complaints(template, acted)


def test_a_copy_of_a_dead_key_anywhere_is_seen(template, acted):
    city = acted[0]
    key = city.folder.vault / "keys" / "epochs" / "2026-03-02.json"
    (city.folder.vault / "notes").write_bytes(b"..." + key.read_bytes())
    city.open()
    city.vault.advance_demo_clock(city.vault.keyring.records()[0].epoch.destroy_at)
    city.close()
    assert "notes holds the dead key of 2026-03-02" in complaints(template, acted)


def test_a_fork_of_the_log_is_seen(template, acted):
    assert "the log is forked" in complaints(template, acted, checkpoint=(3, bytes(32)))
    acted[1].append(("entry", [0, "00" * 32]))
    assert "the acknowledged entry 0 is not in the log" in complaints(template, acted)
