"""Faces over the fake vault."""

from __future__ import annotations

import pytest
from fake_vault import FakeVault
from web_testing import ORIGIN, Browser

from glassplate.web.officer.app import COOKIE as OFFICER_COOKIE
from glassplate.web.officer.app import create_app as create_officer
from glassplate.web.oversight.app import COOKIE as OVERSIGHT_COOKIE
from glassplate.web.oversight.app import create_app as create_oversight


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def officer(vault: FakeVault) -> Browser:
    """Signed in at the officer face."""
    client = Browser(create_officer(vault.client, origin=ORIGIN))
    client.cookies.set(OFFICER_COOKIE, vault.sign_in())
    return client


@pytest.fixture
def stranger(vault: FakeVault) -> Browser:
    """Not signed in at the officer face."""
    return Browser(create_officer(vault.client, origin=ORIGIN))


@pytest.fixture
def auditor(vault: FakeVault) -> Browser:
    """Signed in at the oversight face."""
    client = Browser(create_oversight(vault.client, origin=ORIGIN))
    client.cookies.set(OVERSIGHT_COOKIE, vault.sign_in())
    return client
