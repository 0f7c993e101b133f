"""A camera that does not see is told on every page of a person who is signed in, and listed for oversight."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import fake_vault
import pytest
from fake_vault import CHARTER, NOW

from glassplate.records import CameraHealth

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser

SEEING, BLIND, SILENT = (
    CameraHealth(*CHARTER.cameras[0], "seeing", NOW - timedelta(hours=3), "", NOW, NOW, waiting=2),
    CameraHealth(*CHARTER.cameras[1], "blind", NOW - timedelta(minutes=4), "it does not answer", NOW),
    CameraHealth(*CHARTER.cameras[2], "silent", NOW - timedelta(minutes=9), "its lane is not heard"),
)


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch) -> list[CameraHealth]:
    """What the vault says of its cameras."""
    said: list[CameraHealth] = []
    status = fake_vault.FakeClient.status
    monkeypatch.setattr(
        fake_vault.FakeClient, "status", lambda self: replace(status(self), cameras=tuple(said))
    )
    return said


def test_a_blind_camera_is_on_every_page_of_an_officer(officer: Browser, cameras: list[CameraHealth]) -> None:
    cameras += [SEEING, BLIND, SILENT]

    for page in ("/search", "/alerts", "/searches", "/policy"):
        text = " ".join(officer.get(page).text.split())
        assert (
            "Harbor Way at 22nd St does not see since Nov 25, 2026, 09:26 UTC:</strong> it does not answer"
            in text
        )
        assert "its lane is not heard. What passes there is not read." in text
        assert "Court St at 16th St does not see" not in text


def test_when_every_camera_sees_no_page_speaks_of_it(officer: Browser, cameras: list[CameraHealth]) -> None:
    cameras.append(SEEING)
    assert "does not see" not in officer.get("/search").text


def test_a_stranger_hears_nothing_of_cameras(stranger: Browser, cameras: list[CameraHealth]) -> None:
    cameras += [BLIND, SILENT]
    assert "does not see" not in stranger.get("/").text


def test_oversight_lists_every_camera_with_its_state(auditor: Browser, cameras: list[CameraHealth]) -> None:
    cameras += [SEEING, BLIND, SILENT, CameraHealth("yard", "Yard", "unwatched")]

    page = auditor.get("/cameras").text
    plain = auditor.get("/cameras?format=json").json()

    for state, words in (("seeing", "Sees"), ("blind", "Does not see"), ("silent", "Not heard")):
        assert f'<span class="state {state}">{words}</span>' in page
    assert '<span class="state unwatched">No live lane</span>' in page
    assert (plain["seeing"], plain["red"], len(plain["cameras"])) == (1, 2, 4)
    assert plain["cameras"][1]["problem"] == "it does not answer"


def test_a_charter_without_cameras_says_so(auditor: Browser, vault: FakeVault) -> None:
    assert "The charter lists no camera." in auditor.get("/cameras").text
