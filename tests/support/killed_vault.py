"""A process that kills itself: opens the vault of a copied city, and dies by SIGKILL at one step of one search.

    python -m tests.support.killed_vault FOLDER NOW STEP

STEP 0 dies nowhere. Prints what was delivered, and nothing else, once the search has returned.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from tests.support.city import PASSPHRASE, TestCity

from glassplate.config import CityFolder, Settings
from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.keys import SettableClock
from glassplate.vault import Vault


def main() -> None:
    root, now, step = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])

    def observe(number: int) -> None:
        if number == step:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = SettableClock(now)
    vault = Vault(CityFolder(root), Settings(), PASSPHRASE, clock=clock, observe=observe)
    passkey = DemoAuthenticator.load(root / "people" / "r.alvarez.passkey.json")
    city = TestCity(root, clock, {}, [], {}, vault, {"r.alvarez": passkey})
    result = vault.gate.search(city.sign_in("r.alvarez"), city.request("7KDR214"))
    sys.stdout.write(" ".join(found.read.read_id for found in result.reads))
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
