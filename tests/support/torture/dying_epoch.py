"""A vault with a search worker in which an epoch lives, is searched, is sealed and dies, while somebody else looks.

    python -m tests.support.torture.dying_epoch FOLDER NOW BATCHES

Takes the sealed batches in BATCHES. Prints a line with its own and its worker's process id when the epoch is sealed and
searched, and another one when it is dead; waits for a line after each. It never knows a plate but by opening it.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.city import CAMERAS, PASSPHRASE, TestCity
from tests.support.torture.reads import every_read

from glassplate.config import CityFolder, Settings
from glassplate.keys import SettableClock
from glassplate.vault import Vault


def main() -> None:
    root, now, batches = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), Path(sys.argv[3])
    clock = SettableClock(now)
    vault = Vault(CityFolder(root), Settings(), PASSPHRASE, clock=clock)
    city = TestCity(root, clock, {}, [], dict.fromkeys(CAMERAS), vault)
    for path in sorted(batches.iterdir()):
        vault.intake.accept(path.read_bytes())
    found = len(every_read(city))
    _tell(vault, "hot", found)
    vault.advance_demo_clock(now + timedelta(days=1))
    _tell(vault, "sealed", len(every_read(city)))
    vault.advance_demo_clock(min(record.epoch.destroy_at for record in vault.keyring.records()))
    vault.duties()
    found = len(every_read(city))
    vault.sweep_memory()
    _tell(vault, "dead", found)
    vault.close()


def _tell(vault: Vault, state: str, found: int) -> None:
    worker = getattr(vault.store._sealed, "process_id", None)
    print(state, found, worker or 0, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
