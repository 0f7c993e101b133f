"""SIGKILL between any two steps of a search: nothing is delivered without its entry; a restart closes what stands open.

The process is a real one (``tests.support.killed_vault``), and it dies without a chance to say goodbye.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.invariants import bodies, check_city, types

from glassplate.demo.authenticator import DemoAuthenticator

ROOT = Path(__file__).parents[3]

# step at which the process dies: (searches recorded, outcome after the restart)
DEATHS = {
    "1, before anybody is known": (1, 0, None),
    "2, before the policy is asked": (2, 0, None),
    "3, before the search is recorded": (3, 0, None),
    "4, before the store is asked": (4, 1, "interrupted"),
    "5, before the pictures are opened": (5, 1, "interrupted"),
    "6, before the outcome is recorded": (6, 1, "interrupted"),
    "7, before the answer is given": (7, 1, "answered"),
    "after the answer": (0, 1, "answered"),
}


@pytest.mark.parametrize("name", DEATHS)
def test_killed_at_step(closed_city, name):
    step, recorded, outcome = DEATHS[name]
    city = closed_city
    city.open()
    city.ingest("7KDR214")
    city.close()
    command = [sys.executable, "-m", "tests.support.killed_vault", str(city.root)]
    process = subprocess.run(
        [*command, city.now().isoformat(), str(step)], capture_output=True, cwd=ROOT, check=False
    )
    assert process.returncode == -9, process.stderr.decode()
    delivered = process.stdout.decode().split()
    assert bool(delivered) == (step == 0)

    city.passkeys["r.alvarez"] = DemoAuthenticator.load(city.root / "people" / "r.alvarez.passkey.json")
    city.open()
    assert len(bodies(city, "search")) == recorded
    outcomes = [body for _, body in bodies(city, "search-outcome")]
    assert [body["outcome"] for body in outcomes] == ([outcome] if outcome else [])
    if delivered:
        assert outcomes[0]["read_ids"] == delivered
    if outcome == "interrupted":
        assert outcomes[0]["read_ids"] == []
    check_city(city)

    size = city.vault.log.size
    city.reopen()
    assert types(city)[size:] == ["vault-stopped", "vault-started"]
    again = city.vault.gate.search(city.sign_in("r.alvarez"), city.request("7KDR214"))
    assert len(again.reads) == 1
    check_city(city)
    city.close()
