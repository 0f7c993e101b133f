"""SIGKILL at seeded points in ingest, sealing, purge, hold and key rotation: the short version of ``make torture``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SEEDS = 110
ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_killed_anywhere_a_vault_keeps_its_promises():
    """In an interpreter of its own, which has no threads when it forks."""
    command = [sys.executable, "-m", "tests.support.torture", "--seeds", str(SEEDS)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    kills = int(re.search(r"^([\d,]+) kills", done.stdout, re.MULTILINE)[1].replace(",", ""))
    assert kills >= 100, done.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_disk_that_refuses_anywhere_breaks_no_promise_either():
    """ENOSPC and EIO at seeded points, one or many in a row; RLIMIT_FSIZE, which reaches SQLite's own writes."""
    command = [sys.executable, "-m", "tests.support.torture", "--disk", "--seeds", "30"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^(\d+) disk faults", done.stdout, re.MULTILINE)[1]) >= 25, done.stdout
