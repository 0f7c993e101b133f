"""Alerts: compare, then decide; one choice says both what the eye saw and what was done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from glassplate.web.officer.alerts import CLOSINGS

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser


def test_the_list_warns_where_the_state_is_not_known(officer: Browser) -> None:
    page = officer.get("/alerts").text

    assert '<strong class="badge">Not known</strong>' in page
    assert "4 minutes ago" in page
    assert "Dismissed: wrong plate" in page
    assert "<img" not in page


def test_looking_is_recorded_and_shows_the_crop_beside_the_entry(officer: Browser, vault: FakeVault) -> None:
    page = officer.post("/alerts/a1/show").text

    assert "before it was shown" in page
    assert 'alt="Plate crop, read as 7KOR214"' in page
    assert "Taken from 4th St on Nov 20" in page
    assert "1 character differs" in page
    assert "7K<mark>D</mark>R214" in page
    assert "The state is not known." in page
    assert vault.shown == {"a1"}


def test_a_near_match_says_in_words_that_it_may_be_another_plate(officer: Browser, vault: FakeVault) -> None:
    assert "Perhaps misread" not in officer.get("/alerts").text
    assert "may be another plate" not in officer.post("/alerts/a1/show").text

    vault.alerts[0] = replace(vault.alerts[0], matched="look_alike")

    assert '<strong class="badge">Perhaps misread</strong>' in officer.get("/alerts").text
    page = officer.post("/alerts/a1/show").text
    assert "This may be another plate." in page
    assert "One character differs: O for D." in page


@pytest.mark.parametrize("closing", CLOSINGS, ids=[closing.value for closing in CLOSINGS])
def test_each_choice_closes_the_alert_with_both_halves(officer: Browser, vault: FakeVault, closing) -> None:
    officer.post("/alerts/a1/show")

    page = officer.post("/alerts/a1/decision", data={"closing": closing.value}).text

    assert "Alert closed" in page
    assert vault.alerts[0].state == ("confirmed" if closing.confirmed else "dismissed")
    assert vault.alerts[0].disposition == closing.disposition
    assert ("ask a supervisor now" in page) == (closing.disposition in ("stop_made", "arrest"))


def test_the_choices_are_the_dispositions_that_the_vault_knows() -> None:
    alert = pytest.importorskip(
        "glassplate.alert", reason="the vault's side is not here", exc_type=ImportError
    )

    assert {closing.disposition for closing in CLOSINGS} == set(alert.DISPOSITIONS)


def test_an_alert_cannot_be_closed_without_a_choice(officer: Browser, vault: FakeVault) -> None:
    response = officer.post("/alerts/a1/decision", data={"note": "hm"})

    assert response.status_code == 422
    assert "Choose what your eye saw" in response.text
    assert vault.alerts[0].state == "waiting"


def test_nobody_decides_without_having_looked(officer: Browser, vault: FakeVault) -> None:
    response = officer.post("/alerts/a1/decision", data={"closing": "confirmed:stop_made"})

    assert response.status_code == 403
    assert "<code>eyes-first</code>" in response.text
    assert vault.alerts[0].state == "waiting"


def test_an_alert_whose_read_has_died_can_only_be_dismissed(officer: Browser, vault: FakeVault) -> None:
    vault.reads = ()

    page = officer.post("/alerts/a1/show").text

    assert "The read has been deleted." in page
    assert 'value="confirmed:stop_made" required disabled' in page
    assert 'value="dismissed:no_action" required>' in page


def test_an_unknown_alert_has_a_page_that_says_so(officer: Browser) -> None:
    assert officer.post("/alerts/zz/show").status_code == 422


def test_no_alerts_is_said(officer: Browser, vault: FakeVault) -> None:
    vault.alerts = [replace(vault.alerts[1])]

    assert "No alert is waiting." in officer.get("/alerts").text
