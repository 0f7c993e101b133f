"""One city is made for the whole session; each test gets a copy of its folder and opens its own vault on it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started

from tests.support.city import make_city

from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.keys import SettableClock


def copy_of(template, root):
    """A city of its own, as ``template`` was when it was closed; not open yet."""
    shutil.copytree(template.root, root, ignore=shutil.ignore_patterns("vault.sock"))
    passkeys = {i: DemoAuthenticator.load(root / "people" / f"{i}.passkey.json") for i in template.passkeys}
    clock = SettableClock(template.clock.wall(), template.clock.boot_seconds())
    return replace(template, root=root, clock=clock, passkeys=passkeys)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    made = make_city(tmp_path_factory.mktemp("template") / "city")
    made.vault.duties()
    made.close()
    return made


@pytest.fixture
def closed_city(template, tmp_path):
    """A copy whose vault is not open; whoever opens it closes it."""
    return copy_of(template, tmp_path / "city")


@pytest.fixture
def city(closed_city):
    closed_city.open()
    yield closed_city
    closed_city.close()
