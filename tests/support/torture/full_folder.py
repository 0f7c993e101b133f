"""A city's folder with a file of every kind, as a crash leaves it, and one bit flipped in one of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.support.approvals import SUPERVISOR, approve
from tests.support.city import START, make_city
from tests.support.copies import copy_of
from tests.support.torture.acts import CASE, OFFICER, RETENTION_MINUTES
from tests.support.torture.reads import alive_keys, every_read, served_reads

from glassplate.errors import GlassplateError
from glassplate.records import HoldRequest
from glassplate.seal import Heartbeat
from glassplate.verify import verify_city

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.city import TestCity

PLATES = tuple(f"6TOR{n:03d}" for n in range(40))


@dataclass
class Outcome:
    """What a vault made of the folder. ``refused``: why it did not start. ``lost``: reads that it did not serve.

    ``told``: everything that health, the search, the holds and the outsider's check complain of.
    """

    refused: str = ""
    told: list[str] = field(default_factory=list)
    lost: set[tuple[str, str]] = field(default_factory=set)

    @property
    def words(self) -> str:
        return " ".join([self.refused, *self.told])


def full_folder(root: Path) -> tuple[TestCity, set[tuple[str, str]]]:
    """A city that was copied while its vault ran, as after a power cut; and (read id, epoch id) of its reads.

    One epoch is dead, one sealed with a supplement, one hot with what is not checkpointed yet; there is a hold, a heartbeat
    and a published record.
    """
    lived = make_city(root / "lived", retention_minutes=RETENTION_MINUTES, max_search_days=3)
    lived.ingest("9OLD001")
    lived.pass_days(1)
    lived.ingest(*PLATES)
    token = lived.sign_in(OFFICER)
    result = lived.vault.gate.search(token, lived.request(PLATES[0]))
    request = HoldRequest(
        case_number=CASE,
        authority="District attorney, letter of 2 March 2026",
        reason="evidence of the theft",
        until=lived.now() + timedelta(days=30),
        read_ids=tuple(found.read.read_id for found in result.reads),
        search_index=result.receipt.entry_index,
    )
    approve(lived, "hold", OFFICER, request, SUPERVISOR)
    lived.vault.holds.place(token, request)
    lived.pass_days(1)
    lived.ingest("6LAT001", captured_at=START + timedelta(days=1, hours=1))
    lived.vault.duties()
    # transactions of their own, so that one in the middle can be damaged
    for first in range(0, len(PLATES), 4):
        lived.ingest(*PLATES[first : first + 4])
    now = lived.now()
    seen = Heartbeat("court-16th", 1, now, "seeing", "", now - timedelta(minutes=5), now, decoded=900)
    lived.vault.cameras.accept(seen.signed(lived.camera_keys["court-16th"].private_key))
    lived.vault.publish()
    reads = set(every_read(lived))
    cut = copy_of(lived, root / "cut")
    lived.close()
    return cut, reads


def kind_of(path: str) -> str:
    """The path with what differs between files of one kind left out."""
    path = re.sub(r"\d{4}-\d\d-\d\d|hold-[0-9a-f]{16}", "<epoch>", path)
    path = re.sub(r"[0-9a-f]{64}", "<sha256>", path)
    path = re.sub(r"history~\d{4}-\d\d", "history~<month>", path)
    path = re.sub(r"tile/(entries|\d+)/.*", r"tile/\1", path)
    return re.sub(r"(?<=[./])\d+(?=[./])", "<n>", path)


def files_by_kind(city: TestCity) -> dict[str, list[str]]:
    """Every file of the vault and of the public folder, and the settings, by kind."""
    found: dict[str, list[str]] = {}
    for path in sorted(city.root.rglob("*")):
        name = str(path.relative_to(city.root))
        if path.is_file() and not name.startswith("people/"):  # the people's own passkeys
            found.setdefault(kind_of(name), []).append(name)
    return found


def flipped(city: TestCity, root: Path, name: str, place: float) -> TestCity:
    """A copy with one bit flipped in one file, at this share of its length."""
    copied = copy_of(city, root)
    path = copied.root / name
    data = bytearray(path.read_bytes())
    data[min(int(len(data) * place), len(data) - 1)] ^= 1 << 4
    path.write_bytes(data)
    return copied


def opened(city: TestCity, reads: set[tuple[str, str]]) -> Outcome:
    """Open the vault, ask for everything, publish, look at it from outside, and remove the folder."""
    outcome = Outcome()
    try:
        city.open()
    except (GlassplateError, OSError) as error:
        outcome.refused = str(error)
    else:
        _ask(city, reads, outcome)
        city.close()
    shutil.rmtree(city.root)
    return outcome


def _ask(city: TestCity, reads: set[tuple[str, str]], outcome: Outcome) -> None:
    served, unserved = served_reads(city)
    outcome.lost = reads - set(served)
    outcome.told += [text for _, text in unserved]
    city.vault.duties()
    for hold in city.vault.registry.holds():
        _try(outcome, lambda hold=hold: city.vault.holds.open(city.sign_in(OFFICER), hold.hold_id, CASE))
    read_ids = [read_id for read_id, _ in served]
    _try(outcome, lambda: city.vault.store.get(read_ids, alive_keys(city)))
    _try(outcome, city.vault.publish)
    outcome.told += city.vault.health.problems.values()
    _try(outcome, lambda: _verify(city, outcome))


def _verify(city: TestCity, outcome: Outcome) -> None:
    result = verify_city(city.folder.public, city.fingerprints, city.now())
    outcome.told += [f"verify: {finding}" for finding in result.findings] if not result.holds else []


def _try(outcome: Outcome, act: Callable[[], object]) -> None:
    try:
        act()
    except (GlassplateError, OSError) as error:
        outcome.told.append(str(error))
