"""Planted plates: while their day lives, no byte on a disk shows one; after its death, none is in the vault or its worker.

Looked at raw: every file of the city, its temporary folder, /dev/shm, and the memory of both processes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.city import make_city
from tests.support.planted import forms, held_in_memory

from glassplate.freed_memory import sweepable_environment
from glassplate.plate_text import fold
from glassplate.store.plate_codes import code_of

ROOT = Path(__file__).parents[2]
PLATES = tuple(f"8VKJ{n:03d}" for n in range(418, 423))


def every_form(plate):
    """Texts and encodings, and the dictionary's six bits for each character."""
    code = code_of(fold(plate))
    return forms(plate) | {code.to_bytes(8, "little"), code.to_bytes(8, "big")}


def in_files(*folders):
    """(file, plate) for each plate in each file below these folders; what cannot be read is passed over."""
    found = []
    for folder in folders:
        for place, _, names in os.walk(folder):  # of /dev/shm, others take things away meanwhile
            for path in (Path(place, name) for name in names):
                with contextlib.suppress(OSError):
                    data = path.read_bytes() if path.is_file() else b""
                    found += [(str(path), plate) for plate in in_bytes(data)]
    return found


def in_bytes(data):
    return [plate for plate in PLATES if any(form in data for form in every_form(plate))]


@pytest.fixture
def prepared(tmp_path):
    """A city, and sealed batches of planted reads; what the vault's process gets to know."""
    city = make_city(tmp_path / "city", retention_minutes=2 * 1440, max_search_days=3)
    (tmp_path / "batches").mkdir()
    for number in range(0, len(PLATES), 5):
        (tmp_path / "batches" / f"{number:02d}").write_bytes(city.batch(*PLATES[number : number + 5]))
    city.close()
    (tmp_path / "temporary").mkdir()
    return city, tmp_path


def test_planted_plates_are_on_no_disk_and_after_their_death_in_no_memory(prepared):
    city, folder = prepared
    command = [sys.executable, "-m", "tests.support.torture.dying_epoch"]
    arguments = [str(city.root), city.now().isoformat(), str(folder / "batches")]
    environment = {**sweepable_environment(), "TMPDIR": str(folder / "temporary")}
    with subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
        text=True,
    ) as process:
        for state, most in (("hot", len(PLATES)), ("sealed", len(PLATES)), ("dead", 0)):
            said, found, worker = process.stdout.readline().split()
            assert (said, int(found)) == (state, most)
            assert in_files(city.root, folder / "temporary", Path("/dev/shm")) == []
            if os.geteuid() == 0:  # a process's memory is closed to its own user
                held = held_in_memory(process.pid, PLATES)
                assert held.keys() == (set() if state == "dead" else set(PLATES)), held
                assert int(worker) or state != "sealed"
                assert not int(worker) or bool(held_in_memory(worker, PLATES)) == (state == "sealed")
            process.stdin.write("\n")
            process.stdin.flush()
        process.stdin.close()
        assert process.wait(60) == 0
