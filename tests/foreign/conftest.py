"""A published city for checkers that others wrote. A missing checker skips its tests, or fails with REQUIRE_FOREIGN=1."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # for ``tests.support``, however pytest was started

from tests.support.published import publish_city


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    return publish_city(tmp_path_factory.mktemp("published"))


@pytest.fixture
def published(template, tmp_path):
    return template.copy_to(tmp_path / "copy")


@pytest.fixture(scope="session")
def demand():
    """Say that a checker is there; else skip with a reason, or fail where REQUIRE_FOREIGN=1."""

    def check(is_there, what):
        if not is_there:
            if os.environ.get("REQUIRE_FOREIGN"):
                pytest.fail(f"{what}: not installed, and REQUIRE_FOREIGN is set")
            pytest.skip(f"{what}: not installed; run make foreign")

    return check
