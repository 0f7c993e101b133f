"""Planted plates: no byte of any file below the city's folder shows one, alive or dead, in any form we could think of.

What the vault keeps of a plate is ciphertext: segments, registry, the log's bodies. Everything else has none of it.
"""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from tests.support.invariants import check_city
from tests.support.planted import forms, hits

from glassplate.errors import Refused

READ, WANTED, ASKED = "7QXO418", "8ZKI93J", "9WDQ5PV"


def test_the_search_itself_finds_what_is_there(tmp_path):
    for number, form in enumerate(forms(READ)):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "file").write_bytes(b"abc" + form + b"def")
        assert hits(place, [READ])
    (tmp_path / "b64").mkdir()
    for number in range(3):
        (tmp_path / "b64" / str(number)).write_bytes(
            base64.b64encode(b"z" * number + READ.encode() + b"tail")
        )
        assert len(hits(tmp_path / "b64", [READ])) >= number + 1


@pytest.fixture
def lived(city):
    """A city that read, searched, alerted, showed and refused the planted plates."""
    officer, administrator = city.sign_in("r.alvarez"), city.sign_in("administrator")
    rows = [
        {
            "plate": plate,
            "category": "stolen_vehicle",
            "reason": "reported",
            "expires_at": "2026-04-20",
            "region": "",
        }
        for plate in (READ, WANTED)
    ]
    city.vault.alerts.import_hotlist(administrator, rows, "State list")
    city.ingest(READ, WANTED)
    result = city.vault.gate.search(officer, city.request(READ))
    assert len(result.reads) == 1
    city.vault.gate.search(officer, city.request(ASKED))
    city.vault.gate.open_image(officer, result.reads[0].read.read_id, result.receipt.entry_index, "crop")
    alerts = city.vault.alerts.waiting(officer)
    assert len(alerts) == 2
    for alert in alerts:
        city.vault.alerts.show(officer, alert.alert_id)
        city.vault.alerts.decide(
            officer, alert.alert_id, confirmed=True, disposition="not_located", note=f"was {READ}"
        )
    for unlawful in ({"case_number": ASKED}, {"purpose": READ}, {"on_behalf_of": WANTED}):
        with pytest.raises(Refused):
            city.vault.gate.search(officer, city.request(ASKED, **unlawful))
    city.vault.gate.my_searches(officer)
    return city


def test_no_file_shows_a_plate(lived):
    city, planted = lived, (READ, WANTED, ASKED)
    city.vault.duties()
    city.vault.publish()
    names = [path.name for path in city.root.rglob("*") if path.is_file()]
    assert "registry.db-wal" in names, "what has not been checkpointed is looked at too"
    assert any(name.endswith(".hot-wal") for name in names)
    assert hits(city.root, planted) == []
    city.pass_days(2)
    assert any(path.name.endswith(".sealed") for path in city.root.rglob("*"))
    assert hits(city.root, planted) == []
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    city.vault.advance_demo_clock(dies + timedelta(hours=1))
    city.vault.publish()
    assert hits(city.root, planted) == []
    check_city(city)
    city.close()
    assert hits(city.root, planted) == []
    city.open()


def test_status_and_report_show_no_plate(lived):
    said = (
        repr(lived.vault.health.status())
        + repr(lived.vault.report.numbers())
        + repr(lived.vault.registry.totals())
    )
    assert not [plate for plate in (WANTED, ASKED) if plate in said]
    for owner in (lived.vault, lived.vault.gate.registry, lived.vault.store, lived.vault.keyring):
        assert READ not in repr(owner)
