"""Opening all that was pulled: each body belongs to its leaf, opens, and accounts for all 32 digests, decoys too."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glassplate.auditing.pull import BODY_NAME, pulled_indices
from glassplate.errors import GlassplateError, ProofFailed
from glassplate.log import check_sealed, disclosure, parse_leaf
from glassplate.seal.body import MAX_BODY_BYTES
from glassplate.verify.bodies import open_with_commitment_key
from glassplate.verify.folder import read_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glassplate.auditing.record import PublishedRecord
    from glassplate.seal.body import AuditorKey
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

_EVERY = 50  # entries between two steps of a progress bar


@dataclass(frozen=True, slots=True)
class OpenedEntry:
    """One entry with its body, checked against its published leaf."""

    entry: PublicEntry
    fields: dict[str, Any] = field(repr=False)
    k: bytes = field(repr=False)

    @property
    def index(self) -> int:
        """Number in the log."""
        return self.entry.index

    @property
    def at(self) -> datetime:
        """The exact time, which is sealed."""
        return datetime.fromisoformat(self.fields["at"])

    def disclose(self, *names: str) -> list[str]:
        """What shows these fields to somebody who has the leaf."""
        return [disclosure(name, self.fields[name], self.k) for name in names]


def open_pulled(
    record: PublishedRecord,
    folder: Path,
    key: AuditorKey,
    result: Verification,
    step: Callable[[int], None] = lambda _done: None,
) -> dict[int, OpenedEntry]:
    """Open every pulled body that is sealed to ``key``. What is missing or does not open is a finding."""
    newest = max(pulled_indices(folder), default=-1)
    sealed_to_key = [e.index for e in record.entries if key.key_id in parse_leaf(e.leaf).sealed]
    readable = set(sealed_to_key)
    opened: dict[int, OpenedEntry] = {}
    for entry in record.entries[: newest + 1]:
        if entry.index in readable:
            try:
                opened[entry.index] = _open(entry, folder, key)
            except (GlassplateError, KeyError, TypeError, AttributeError, ValueError) as error:
                result.find(entry.where, error)
        elif sealed_to_key and sealed_to_key[0] < entry.index < sealed_to_key[-1]:
            result.find(entry.where, f"it is not sealed to {key.key_id}, though earlier and later ones are")
        if entry.index % _EVERY == 0:
            step(entry.index)
    step(newest + 1)
    _tell(record, newest, opened, key, result)
    _find_strays(record, folder, result)
    return opened


def demand_opened(
    record: PublishedRecord, folder: Path, key: AuditorKey, result: Verification
) -> dict[int, OpenedEntry]:
    """As ``open_pulled``, for statements that must not rest on a record with holes.

    Raises:
        ProofFailed: something is missing, does not open, or is not pulled yet.
    """
    opened = open_pulled(record, folder, key, result)
    if result.findings:
        raise ProofFailed(
            f"The pulled bodies do not hold: {result.findings[0]}. See: glassplate audit check --from {folder}"
        )
    late = [e.where for e in record.entries if e.index not in opened]
    if late:
        raise ProofFailed(
            f"{late[0]} is not opened ({len(late)} in all). Pull first: glassplate audit pull --to {folder}"
        )
    return opened


def _open(entry: PublicEntry, folder: Path, key: AuditorKey) -> OpenedEntry:
    path = folder / f"{entry.index}.{key.key_id}.body"
    if not path.exists():
        raise ProofFailed("its body is missing from the auditor's folder: withheld or lost")
    body = read_file(path, 2 * MAX_BODY_BYTES)
    check_sealed(entry.leaf, key.key_id, body)
    opened = OpenedEntry(entry, *open_with_commitment_key(entry.leaf, body, key))
    if not entry.at <= opened.at or (opened.at - entry.at).total_seconds() >= 3600:  # noqa: PLR2004 - an hour
        raise ProofFailed("its public hour is not that of its sealed time")
    return opened


def _tell(
    record: PublishedRecord,
    newest: int,
    opened: dict[int, OpenedEntry],
    key: AuditorKey,
    result: Verification,
) -> None:
    if not opened:
        result.find("bodies", f"none of them is sealed to the auditor key {key.key_id}")
    result.tell(f"{len(opened):,} bodies opened; each accounts for all 32 digests of its entry.")
    newer = len(record.entries) - newest - 1
    if newer > 0:
        result.tell(f"The bodies of the newest {newer:,} entries are not pulled yet.")


def _find_strays(record: PublishedRecord, folder: Path, result: Verification) -> None:
    early = 0
    for path in sorted(folder.glob("*.body")):
        match = BODY_NAME.fullmatch(path.name)
        if match is None:
            result.find(path.name, "no body has such a name")
        elif int(match["index"]) >= len(record.entries):
            early += 1
    if early:
        result.tell(f"{early:,} bodies are of entries that are not published yet.")
