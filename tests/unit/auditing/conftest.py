"""A real vault with searches, a published record, and an auditor's folder beside it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started

from tests.support.city import TestCity, make_city
from tests.support.copies import copy_of

from glassplate.auditing import OpenedEntry, PublishedRecord, open_pulled, open_record, pull_bodies
from glassplate.errors import Refused
from glassplate.verify.findings import Verification

OWNED = "7KDR214"
OTHER = "8ABC123"


@dataclass
class Audit:
    """An auditor at work on a city."""

    city: TestCity
    folder: Path
    held: str = ""

    @property
    def key(self):
        return self.city.auditor_keys[0]

    def bodies(self, first: int, count: int):
        return self.city.vault.oversight.bodies(self.held, first, count)

    @property
    def token(self) -> str:
        return self.city.sign_in("j.doe")

    def sign_in_and_publish(self) -> int:
        self.held = self.token
        self.city.vault.publish()
        return self.city.vault.log.published_size

    def pull(self):
        """Publish, then pull: the bodies of everything that is published lie in the folder afterwards."""
        self.sign_in_and_publish()
        return pull_bodies(self, self.city.vault.log.published_size, self.folder)

    def record(self, **trust: Any) -> PublishedRecord:
        trust = trust or {"fingerprints": self.city.fingerprints}
        return open_record(self.city.folder.public, **trust)

    def opened(self) -> dict[int, OpenedEntry]:
        result = Verification()
        found = open_pulled(self.record(), self.folder, self.key, result)
        assert result.findings == []
        return found

    def of_type(self, entry_type: str) -> list[int]:
        return [e.index for e in self.record().entries if e.entry_type == entry_type]


def busy_city(folder):
    """Forty searches in two days: of two plates, some by a pattern, one refused."""
    city = make_city(folder / "city", searches_per_hour=1000)
    city.ingest(OWNED, OTHER)
    for day in range(2):
        for number in range(20):
            plate = (OWNED, OTHER, "8ABC12?", "9ZZ9999", "7KDR*")[number % 5]
            officer = city.sign_in(("r.alvarez", "m.okafor")[number % 2])
            city.vault.gate.search(officer, city.request(plate))
            city.clock.advance(timedelta(minutes=10))
        with suppress(Refused):
            city.vault.gate.search(city.sign_in("m.okafor"), city.request(OWNED, case_number=""))
        if day == 0:
            city.pass_days(1)
    city.pass_days(1)
    city.vault.publish()
    city.close()
    return city


@pytest.fixture(scope="session")
def busy_template(tmp_path_factory):
    return busy_city(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="session")
def make_audit(busy_template):
    """Makes an auditor at work on a city of its own, below a folder."""

    def make(folder: Path) -> Audit:
        city = copy_of(busy_template, folder / "city")
        city.open()
        return Audit(city, folder / "pulled")

    return make


@pytest.fixture
def audit(make_audit, tmp_path):
    made = make_audit(tmp_path)
    yield made
    made.city.close()
