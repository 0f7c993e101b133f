"""Whoever is killed during a backup or a restore leaves no half that is believed."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from backup_testing import cold_backup, plates, restored

from glassplate.backups import Work, check_backup
from glassplate.errors import UsageError

ROOT = Path(__file__).parents[3]


def killed(number, *words):
    """A vault process that kills itself at its ``number``-th durable act; True where it came so far."""
    program = f"""
import os, signal, sys
count = 0
def counted(act):
    def run(*args, **kwargs):
        global count
        count += 1
        if count == {number}:
            os.kill(os.getpid(), signal.SIGKILL)
        return act(*args, **kwargs)
    return run
os.fsync = counted(os.fsync)
os.open = counted(os.open)
from pathlib import Path
Path.rename = counted(Path.rename)
from glassplate.vault_process import main
sys.exit(main({[str(word) for word in words]!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=100, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode() + done.stdout.decode()
    return done.returncode != 0


@pytest.mark.parametrize("number", [1, 3, 40, 90, 140, 170, 175, 180, 10_000])
def test_killed_during_a_backup(closed_city, tmp_path, number):
    disk = tmp_path / "disk"
    disk.mkdir()
    died = killed(number, "backup", "--dir", closed_city.root, "--destination", disk)
    for believed in (path for path in disk.iterdir() if path.suffix != ".partial"):
        check_backup(believed, Work())
    made = cold_backup(closed_city, disk)
    assert not list(disk.glob("*.partial")), "the next one sweeps what was left"
    check_backup(made.folder, Work())
    assert died or number == 10_000


@pytest.mark.parametrize("number", [1, 60, 120, 180, 240, 270, 10_000])
def test_killed_during_a_restore(closed_city, tmp_path, number):
    made = cold_backup(closed_city, tmp_path / "disk")
    again = tmp_path / "again"
    died = killed(number, "restore", "--dir", again, "--backup", made.folder, "--operator-is-sure")
    if not again.exists():
        assert died
        city, _ = restored(made, closed_city, again)
    else:
        with pytest.raises(UsageError, match="not empty"):
            restored(made, closed_city, again)
        city = replace(closed_city, root=again)
    city.open()
    assert plates(city) == []
    city.close()
    assert not list(tmp_path.glob(".*.restoring"))
