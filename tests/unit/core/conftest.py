"""One city is made for the whole session; each test gets a copy of its folder and opens its own vault on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started

from tests.support.city import make_city
from tests.support.copies import copy_of


def made_for_the_session(folder, **charter_changes):
    made = make_city(folder / "city", **charter_changes)
    made.vault.duties()
    made.close()
    return made


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    return made_for_the_session(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def brief_template(tmp_path_factory):
    """Reads live two days here, so that a test comes to a key's death in few steps."""
    return made_for_the_session(
        tmp_path_factory.mktemp("brief"), retention_minutes=2 * 1440, max_search_days=3
    )


@pytest.fixture
def brief_closed_city(brief_template, tmp_path):
    return copy_of(brief_template, tmp_path / "city")


@pytest.fixture
def closed_city(template, tmp_path):
    """A copy whose vault is not open; whoever opens it closes it."""
    return copy_of(template, tmp_path / "city")


@pytest.fixture
def city(closed_city):
    closed_city.open()
    yield closed_city
    closed_city.close()
