"""The five acts that are tortured, each on a city made for it. An act tells what the vault acknowledged, as it goes.

Templates are made once and closed; each seed works on a copy. An act may only do what is in its template's ``given``:
batches are sealed and charters signed beforehand, so that the vault's writes are the act's only ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.approvals import SUPERVISOR, approve
from tests.support.city import START, make_city
from tests.support.torture.reads import every_read

from glassplate.records import HoldRequest
from glassplate.seal import verify_batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.city import TestCity

    Tell = Callable[[str, Any], None]
    Act = Callable[["TestCity", "Template", Tell], None]

RETENTION_MINUTES = 2 * 1440
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OFFICER, WANTED, CASE = "m.okafor", "8ZKI93J", "26-004512"


@dataclass
class Template:
    """A closed city, and what the act is given. ``lasts``: how far the act moves the clock."""

    act: str
    city: TestCity
    lasts: timedelta
    given: dict[str, Any] = field(default_factory=dict)
    read_ids: set[str] = field(default_factory=set)
    """Reads that were acknowledged while the template was made."""
    batches: list[bytes] = field(default_factory=list)
    """What lanes still hold, and deliver again after the crash."""
    epoch_of: dict[str, str] = field(default_factory=dict)
    """Of every read that was, or will be, delivered."""

    def close(self) -> Template:
        """Note every read's epoch, and close the city."""
        self.epoch_of = dict(every_read(self.city))
        keys = {camera_id: key.public_text for camera_id, key in self.city.camera_keys.items()}
        for batch in self.batches:
            self.epoch_of |= {read.read_id: read.epoch_id for read in verify_batch(batch, keys).reads}
        self.city.close()
        return self


def _city(root: Path, start: Any = START) -> tuple[TestCity, set[str]]:
    city = make_city(root, start, retention_minutes=RETENTION_MINUTES, max_search_days=3)
    row = {"plate": WANTED, "category": "stolen_vehicle", "reason": "reported", "region": ""}
    row["expires_at"] = f"{start + 30 * DAY:%Y-%m-%d}"
    city.vault.alerts.import_hotlist(city.sign_in("administrator"), [row], "State list")
    outcome = city.ingest("7KDR214", "8ABC123", "7QXO418", captured_at=start - 5 * MINUTE)
    return city, set(outcome.accepted)


def _batches(city: TestCity, count: int, at: Any) -> list[bytes]:
    return [
        city.batch(f"6TOR{n:03d}", WANTED, f"6TUR{n:03d}", captured_at=at + n * 10 * timedelta(seconds=1))
        for n in range(count)
    ]


# --- ingest ---------------------------------------------------------------------------------------------------------


def ingest_template(root: Path) -> Template:
    """Yesterday is sealed; batches of today and late ones of yesterday wait."""
    city, read_ids = _city(root)
    yesterday = city.now()
    city.pass_days(1)
    batches = [*_batches(city, 4, city.now() - 20 * MINUTE), *_batches(city, 2, yesterday - 3 * MINUTE)]
    return Template("ingest", city, timedelta(0), read_ids=read_ids, batches=batches).close()


def ingest(city: TestCity, template: Template, tell: Tell) -> None:
    """Deliver, and deliver one twice."""
    city.open()
    for batch in [*template.batches, template.batches[0]]:
        _deliver(city, batch, tell)
    city.vault.duties()
    city.close()


def _deliver(city: TestCity, batch: bytes, tell: Tell) -> None:
    outcome = city.vault.intake.accept(batch)
    tell("taken", [*outcome.accepted, *outcome.duplicate])


# --- sealing --------------------------------------------------------------------------------------------------------


def sealing_template(root: Path) -> Template:
    """The day is over and not sealed yet; a late batch waits."""
    city, read_ids = _city(root)
    for batch in _batches(city, 8, city.now() - 30 * MINUTE):
        read_ids |= set(city.vault.intake.accept(batch).accepted)
    late = [city.batch("6LAT001", "6LAT002", captured_at=city.now() - 40 * MINUTE)]
    city.clock.advance(START.replace(hour=0) + DAY + 11 * MINUTE - START)
    return Template("sealing", city, MINUTE, read_ids=read_ids, batches=late).close()


def sealing(city: TestCity, template: Template, tell: Tell) -> None:
    """Seal the day; take a late batch; seal its supplement."""
    city.open()
    city.vault.duties()
    _deliver(city, template.batches[0], tell)
    city.clock.advance(MINUTE)
    city.vault.duties()
    city.close()


# --- purge ----------------------------------------------------------------------------------------------------------


def purge_template(root: Path) -> Template:
    """Two days live, one of them sealed; the first dies in a minute, the second a day later."""
    city, read_ids = _city(root)
    city.pass_days(1)
    read_ids |= set(city.ingest("9TWO001", "9TWO002", "7KDR214").accepted)
    dies = city.vault.keyring.records()[0].epoch.destroy_at
    city.clock.advance(dies - MINUTE - city.now())
    city.vault.duties()
    return Template("purge", city, DAY + 2 * MINUTE, read_ids=read_ids).close()


def purge(city: TestCity, template: Template, tell: Tell) -> None:
    """One day dies while the vault runs, the next one while it was closed."""
    first, second = template.given.get("epochs") or _two_oldest(city, template)
    city.open()
    city.clock.advance(2 * MINUTE)
    city.vault.duties()
    if f"inventory:{city.now():%Y-%m-%d}" not in city.vault.registry.totals():
        tell(
            "silent day", f"{city.now():%Y-%m-%d}"
        )  # the act has one tick this day, and the disk failed in it
    _tell_deaths(city, tell)
    city.vault.publish()
    city.close()
    city.clock.advance(DAY)
    city.open()
    _tell_deaths(city, tell)
    city.vault.duties()
    tell("expected dead", [first, second])
    city.close()


def _two_oldest(city: TestCity, template: Template) -> list[str]:
    names = sorted(path.stem for path in (city.folder.vault / "keys" / "epochs").glob("*.json"))
    template.given["epochs"] = names[:2]
    return names[:2]


def _tell_deaths(city: TestCity, tell: Tell) -> None:
    records = [*city.vault.keyring.records(), *city.vault.keyring.hold_records()]
    tell("dead", [record.epoch.epoch_id for record in records if not record.is_alive])


# --- hold -----------------------------------------------------------------------------------------------------------


def hold_template(root: Path) -> Template:
    """A search was shown, and a supervisor has agreed to a hold of what it showed."""
    city, read_ids = _city(root)
    token = city.sign_in(OFFICER)
    result = city.vault.gate.search(token, city.request("7KDR214"))
    request = HoldRequest(
        case_number=CASE,
        authority="District attorney, letter of 2 March 2026",
        reason="evidence of the theft",
        until=city.now() + 30 * MINUTE,
        read_ids=tuple(found.read.read_id for found in result.reads),
        search_index=result.receipt.entry_index,
    )
    approve(city, "hold", OFFICER, request, SUPERVISOR)
    return Template("hold", city, 31 * MINUTE, {"token": token, "request": request}, read_ids).close()


def hold(city: TestCity, template: Template, tell: Tell) -> None:
    """Place the hold; look at it; let it end."""
    city.open()
    placed = city.vault.holds.place(template.given["token"], template.given["request"])
    tell("held", placed.hold.hold_id)
    tell("entry", [placed.receipt.entry_index, placed.receipt.entry_hash])
    city.vault.holds.open(template.given["token"], placed.hold.hold_id, CASE)
    city.vault.publish()
    city.clock.advance(31 * MINUTE)
    city.vault.duties()
    _tell_deaths(city, tell)
    city.close()


# --- rotation -------------------------------------------------------------------------------------------------------


def rotation_template(root: Path) -> Template:
    """The month's last day; a charter that keeps reads for half as long is signed and not installed."""
    city, read_ids = _city(root, START.replace(day=31))
    charter = city.charter(retention_minutes=RETENTION_MINUTES * 3 // 4)
    documents = city.signed(charter)
    batches = _batches(city, 1, city.now() - 10 * MINUTE)
    return Template("rotation", city, DAY, {"documents": documents}, read_ids, batches).close()


def rotation(city: TestCity, template: Template, tell: Tell) -> None:
    """Every epoch key is wrapped anew with an earlier death; the next month's history key and the next days' are made."""
    city.open()
    receipt = city.vault.install_charter(template.given["documents"])
    tell("entry", [receipt.entry_index, receipt.entry_hash])
    tell("shortened", RETENTION_MINUTES * 3 // 4)
    _deliver(city, template.batches[0], tell)
    city.vault.advance_demo_clock(city.clock.wall() + DAY)
    city.vault.publish()
    city.close()


def recovery(city: TestCity, _template: Template, _tell: Tell) -> None:
    """What every start does."""
    city.open()
    city.vault.duties()
    city.vault.publish()
    city.close()


ACTS: dict[str, tuple[Callable[[Path], Template], Act]] = {
    "ingest": (ingest_template, ingest),
    "sealing": (sealing_template, sealing),
    "purge": (purge_template, purge),
    "hold": (hold_template, hold),
    "rotation": (rotation_template, rotation),
}


def as_line(kind: str, value: Any) -> bytes:
    """One thing that was told."""
    return json.dumps([kind, value]).encode() + b"\n"
