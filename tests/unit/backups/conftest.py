"""One city for the whole session; each test gets a copy of its folder. Reads live three days here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started
sys.path.insert(0, str(Path(__file__).parent))

from tests.support.city import make_city
from tests.support.copies import copy_of


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    made = make_city(
        tmp_path_factory.mktemp("template") / "city", retention_minutes=3 * 1440, max_search_days=3
    )
    made.ingest("7KDR214", "8ABC123")  # day 1, sealed
    made.pass_days(1)
    made.ingest("7KDR214")  # day 2, hot
    made.close()
    return made


@pytest.fixture
def closed_city(template, tmp_path):
    return copy_of(template, tmp_path / "city")


@pytest.fixture
def city(closed_city):
    closed_city.open()
    yield closed_city
    closed_city.close()
