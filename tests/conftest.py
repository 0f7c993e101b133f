"""How the tests are dealt out to processes (pytest-xdist, ``make test``)."""

from __future__ import annotations

import os

import pytest

MOST_PROCESSES = 4  # each of them loads the networks: about half a GB


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than the cores, because tests wait for disks, streams, browsers and programs."""
    return min(len(os.sched_getaffinity(0)) + 1, MOST_PROCESSES)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``long`` come first, whatever the random order: no process is left with one in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
