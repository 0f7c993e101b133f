"""A hundred seeds of ``log_torture``, and that it finds what it is there to find. A thousand: ``make torture-log``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("log_torture.py")


def torture(*arguments: str) -> tuple[int, str]:
    """In a process of its own: it forks, and a test run may have threads."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_killed_with_witnesses_nothing_acknowledged_is_lost_and_nothing_forks():
    code, said = torture("--seeds", "100")
    assert code == 0, said
    assert " 0 wrong" in said


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        ("acknowledged before recorded", "list index out of range"),
        ("pending after the witnesses", "the log was set back"),
    ],
)
def test_a_wrong_log_is_found(plant, found):
    code, said = torture("--seeds", "8", "--plant", plant)
    assert code == 1
    assert found in said
