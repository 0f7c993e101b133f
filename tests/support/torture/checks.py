"""What must be true when a vault that was killed has been opened again. Each broken promise is a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.invariants import check_city, public
from tests.support.torture.acts import CASE, OFFICER
from tests.support.torture.reads import alive_keys, every_read

from glassplate.errors import KeyDestroyed
from glassplate.log import VerifierKey, leaf_hash, open_checkpoint
from glassplate.log.merkle import root_of
from glassplate.store.merkle import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.city import TestCity
    from tests.support.torture.acts import Template


@dataclass
class Left:
    """What the dead process left: what it had told, its wrapped keys by epoch, the public checkpoint."""

    told: list[tuple[str, Any]]
    wrapped: dict[str, set[bytes]] = field(default_factory=dict)
    checkpoint: tuple[int, bytes] | None = None

    def of(self, kind: str) -> list[Any]:
        return [value for found, value in self.told if found == kind]


def looked_at(city: TestCity, before: dict[str, set[bytes]], told: list[tuple[str, Any]]) -> Left:
    """Look at the folder before anybody opens it."""
    left = Left(told, {epoch_id: set(found) for epoch_id, found in before.items()})
    for epoch_id, found in wrapped_keys(city.folder.vault).items():
        left.wrapped.setdefault(epoch_id, set()).update(found)
    note = (city.folder.public / "log" / "checkpoint").read_bytes()
    checkpoint = open_checkpoint(note, _log_key(city))
    left.checkpoint = (checkpoint.size, checkpoint.root)
    return left


def _log_key(city: TestCity) -> Any:
    return VerifierKey.parse((city.folder.public / "log" / "vkey").read_text().strip())


def wrapped_keys(vault: Path) -> dict[str, set[bytes]]:
    """The wrapped secret of every epoch that has a key file."""
    found = {}
    for path in (vault / "keys" / "epochs").glob("*.json"):
        try:
            found[path.stem] = {json.loads(path.read_bytes())["wrapped"].encode()}
        except (ValueError, KeyError):  # overwritten
            continue
    return found


def broken_promises(city: TestCity, template: Template, left: Left) -> list[str]:
    """Everything that is not as it must be; the vault is open, on the clock of the act's end."""
    broken: list[str] = []
    _check_dead(city, left, broken)
    _check_reads(city, template, left, broken)
    city.vault.duties()
    broken += [f"health complains: {key}: {text}" for key, text in city.vault.health.problems.items()]
    _check_segments(city, broken)
    _check_keys(city, left, broken)
    _check_holds(city, template, left, broken)
    _check_log(city, left, broken)
    try:
        check_city(city, left.of("silent day"))
    except AssertionError as error:
        broken.append(f"an invariant does not hold: {str(error)[:400]}")
    broken += [
        f"a leftover: {path.relative_to(city.root)}"
        for path in city.root.rglob("*")
        if path.name.endswith("tmp")
    ]
    return broken


# --- reads ----------------------------------------------------------------------------------------------------------


def _check_reads(city: TestCity, template: Template, left: Left, broken: list[str]) -> None:
    alive = set(alive_keys(city))
    try:
        found = every_read(city)
    except AssertionError as error:
        broken.append(str(error))
        return
    ids = [read_id for read_id, _ in found]
    if len(ids) != len(set(ids)):
        broken.append(f"{len(ids) - len(set(ids))} reads are doubled")
    acknowledged = template.read_ids | {read_id for taken in left.of("taken") for read_id in taken}
    living = {read_id for read_id in acknowledged if template.epoch_of[read_id] in alive}
    if lost := living - set(ids):
        broken.append(f"{len(lost)} acknowledged reads are lost")
    if strangers := set(ids) - set(template.epoch_of):
        broken.append(f"{len(strangers)} reads were never delivered")
    _deliver_again(city, template, set(ids), alive, broken)


def _deliver_again(
    city: TestCity, template: Template, there: set[str], alive: set[str], broken: list[str]
) -> None:
    for batch in template.batches:
        outcome = city.vault.intake.accept(batch)
        if there & set(outcome.accepted) or set(outcome.duplicate) - there:
            broken.append("a second delivery was not told apart from the first")
    ids = [read_id for read_id, _ in every_read(city)]
    wanted = {read_id for read_id, epoch_id in template.epoch_of.items() if epoch_id in alive}
    if sorted(ids) != sorted(wanted):
        broken.append(f"after a second delivery {len(ids)} reads are there, not {len(wanted)}")
    alerts = [alert.alert_id for alert in city.vault.registry.alerts()]
    if len(alerts) != len(set(alerts)):
        broken.append("an alert is doubled")


# --- keys -----------------------------------------------------------------------------------------------------------


def _check_dead(city: TestCity, left: Left, broken: list[str]) -> None:
    """Nothing of a dead key is anywhere, and nothing opens with it. What was told to be dead is dead."""
    keyring, vault = city.vault.keyring, city.folder.vault
    records = {r.epoch.epoch_id: r for r in [*keyring.records(), *keyring.hold_records()]}
    dead = {epoch_id for epoch_id, record in records.items() if not record.is_alive}
    for told in left.of("dead") + left.of("expected dead"):
        broken += [f"told to be dead, and alive: {epoch_id}" for epoch_id in set(told) - dead]
    now = city.clock.wall()
    if late := [i for i, r in records.items() if r.is_alive and r.epoch.destroy_at <= now]:
        broken.append(f"overdue after the start: {late}")
    bytes_of = {path: path.read_bytes() for path in city.root.rglob("*") if path.is_file()}
    for epoch_id in sorted(dead):
        if (vault / "keys" / "epochs" / f"{epoch_id}.json").exists():
            broken.append(f"the key file of {epoch_id} is still there")
        for wrapped in left.wrapped.get(epoch_id, ()):
            broken += [
                f"{path.name} holds the dead key of {epoch_id}"
                for path, data in bytes_of.items()
                if wrapped in data
            ]
        if epoch_id in city.vault.store.epoch_ids():
            broken.append(f"the store still has files of {epoch_id}")
        try:
            keyring.secret(epoch_id)
            broken.append(f"the dead key of {epoch_id} opens")
        except KeyDestroyed:
            pass


def _check_keys(city: TestCity, left: Left, broken: list[str]) -> None:
    created = [half["epoch"] for half in public(city, "epoch-created")]
    if len(created) != len(set(created)):
        broken.append("an epoch was born twice in the record")
    destroyed = [half["epoch"] for half in public(city, "epoch-destroyed")]
    dead = [record.epoch.epoch_id for record in city.vault.keyring.records() if not record.is_alive]
    if sorted(destroyed) != sorted(dead):
        broken.append(f"the record says {sorted(destroyed)} died, the keyring {sorted(dead)}")
    for minutes in left.of("shortened"):
        limit = timedelta(minutes=minutes)
        if [r for r in city.vault.keyring.records() if r.epoch.destroy_at - r.epoch.starts_at > limit]:
            broken.append("a key lives longer than the charter that was acknowledged")


# --- segments, holds, log -------------------------------------------------------------------------------------------


def _check_segments(city: TestCity, broken: list[str]) -> None:
    """Every sealed file is the one in the record, whole, and no hot file stands beside one that is."""
    logged = city.vault.registry.segments()
    files = {path.stem: path for path in (city.folder.vault / "store").glob("*.sealed")}
    alive = {r.epoch.epoch_id for r in city.vault.keyring.records() if r.is_alive}
    for name in sorted({n for n in logged if n.split(".")[0] in alive} | set(files)):
        if name not in logged or name not in files:
            broken.append(f"the segment {name} is not both logged and there")
        elif file_sha256(files[name]) != logged[name].sha256:
            broken.append(f"the segment {name} is not the one in the record")
        elif files[name].with_suffix(".hot").exists():
            broken.append(f"the segment {name} stands beside its hot file")
    closed = [half["epoch"] for half in public(city, "epoch-closed")]
    if len(closed) != len(set(closed)):
        broken.append("an epoch was closed twice in the record")


def _check_holds(city: TestCity, template: Template, left: Left, broken: list[str]) -> None:
    holds = city.vault.registry.holds()
    if ids := set(left.of("held")) - {hold.hold_id for hold in holds if hold.state in ("held", "ended")}:
        broken.append(f"an acknowledged hold does not stand: {ids}")
    alive = {r.epoch.epoch_id for r in city.vault.keyring.hold_records() if r.is_alive}
    files = {path.name.split(".")[0] for path in (city.folder.vault / "holds").glob("*.held")}
    standing = {hold.hold_id for hold in holds if hold.state == "held"}
    if not alive == files == standing:
        broken.append(f"holds: keys {alive}, files {files}, record {standing}")
    for hold_id in sorted(standing):
        opened = city.vault.holds.open(city.sign_in(OFFICER), hold_id, CASE)
        if {kept.read.read_id for kept in opened.reads} != set(template.given["request"].read_ids):
            broken.append("a hold does not hold what was asked")


def _check_log(city: TestCity, left: Left, broken: list[str]) -> None:
    log = city.vault.log
    leaves = [leaf_hash(log.record(index).leaf) for index in range(log.size)]
    if left.checkpoint is not None:
        size, root = left.checkpoint
        if size > len(leaves) or root_of(leaves[:size]) != root:
            broken.append("the log is forked: it does not continue the checkpoint that was public")
    for index, entry_hash in left.of("entry"):
        if index >= len(leaves) or leaves[index].hex() != entry_hash:
            broken.append(f"the acknowledged entry {index} is not in the log")
