"""The benchmark's own parts: what it makes, what it compares, what it calls lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))  # for ``tests.support``, however pytest was started
sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture(scope="session")
def workload(tmp_path_factory):
    from bench_store.workload import Workload

    return Workload(6_000, tmp_path_factory.mktemp("workload"), plates=4_000)
