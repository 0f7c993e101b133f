"""Tests that torture a vault; what they share is in ``tests.support.torture``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # for ``tests.support``, however pytest was started

from glassplate.store.sealed_search import SealedSearch


@pytest.fixture(scope="module")
def one_process():
    """A vault opened in the test searches in the test's own process: starting a worker for each would take minutes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("glassplate.vault.SearchWorker", SealedSearch)
        yield
