"""What the keys' tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started

from tests.support import softhsm


@pytest.fixture
def hsm_tokens(tmp_path_factory):
    """SoftHSM's store of tokens; skipped where SoftHSM is missing and REQUIRE_HSM is not set."""
    softhsm.module()
    return softhsm.store(tmp_path_factory)


@pytest.fixture
def token(hsm_tokens):
    """A new token."""
    return softhsm.SoftToken(hsm_tokens)
