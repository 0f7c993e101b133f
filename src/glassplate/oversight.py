"""What auditors and council members may see: the record's public half, sealed bodies, the life of every key."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from glassplate.errors import KeyUnavailable, UsageError
from glassplate.records import EntrySummary, EpochStatus, SealedBody

if TYPE_CHECKING:
    from glassplate.authorize import Authorizer
    from glassplate.gate import Gate
    from glassplate.keys import Keyring
    from glassplate.log import TransparencyLog
    from glassplate.mandate import Mandate
    from glassplate.registry import Registry
    from glassplate.store import Store

MAX_ENTRIES = 500  # one page of the log
_HEADER = ("type", "time", "agency")


@dataclass(frozen=True, slots=True)
class Oversight:
    """Read-only; nothing here opens a read or a body."""

    log: TransparencyLog
    registry: Registry
    keyring: Keyring
    store: Store
    mandate: Mandate
    authorizer: Authorizer
    gate: Gate

    def entries(self, token: str | None, first: int, count: int) -> list[EntrySummary]:
        """Public halves of ``count`` entries from ``first`` on."""
        self._authorize(token, "read_log")
        return [_summary(index, self.log.record(index).leaf) for index in self._range(first, count)]

    def proof(self, token: str | None, index: int) -> str:
        """The ``.tlog-proof`` of a published entry."""
        self._authorize(token, "read_log")
        if index not in range(self.log.published_size):
            raise UsageError(f"Entry {index} is not published yet; {self.log.published_size} entries are.")
        return self.log.proof(index).decode()

    def bodies(self, token: str | None, first: int, count: int) -> list[SealedBody]:
        """Sealed bodies, one for each auditor key of the charter; the auditor opens them elsewhere."""
        self._authorize(token, "read_bodies")
        found = []
        for index in self._range(first, count):
            record = self.log.record(index)
            found += [
                SealedBody(index, record.leaf, key_id, body)
                for key_id, body in sorted(record.bodies.items())
                if not key_id.startswith("history/")
            ]
        return found

    def epochs(self, token: str | None) -> list[EpochStatus]:
        """Every epoch key's life, newest first."""
        self._authorize(token, "read_log")
        return epoch_states(self.keyring, self.registry, self.store)

    def _range(self, first: int, count: int) -> range:
        if first < 0 or count < 1:
            raise UsageError("Give a first entry ≥ 0 and a count ≥ 1.")
        return range(first, min(first + min(count, MAX_ENTRIES), self.log.size))

    def _authorize(self, token: str | None, action: str) -> None:
        session = self.gate.who(token)
        self.authorizer.authorize(session, action, None, self.gate.time.now())


def epoch_states(keyring: Keyring, registry: Registry, store: Store) -> list[EpochStatus]:
    """Every epoch key's life, newest first. Closed epochs are counted by the log, the open one by the store."""
    states = []
    for record in keyring.records():
        epoch_id = record.epoch.epoch_id
        logged = registry.epoch(epoch_id)
        is_closed = logged is not None and logged.closed_index is not None
        reads = logged.reads if logged else None
        if record.is_alive and not is_closed and store.has_hot(epoch_id):
            with contextlib.suppress(KeyUnavailable):  # not counted, while the module with the keys is away
                reads = store.counts({epoch_id: keyring.secret(epoch_id).segment_key(0)}).get(epoch_id)
        states.append(
            EpochStatus(
                epoch_id=epoch_id,
                starts_at=record.epoch.starts_at,
                ends_at=record.epoch.ends_at,
                destroy_at=record.epoch.destroy_at,
                state="destroyed" if not record.is_alive else "closed" if is_closed else "open",
                reads=reads,
                in_memory=record.in_memory,
            )
        )
    return sorted(states, key=lambda state: state.starts_at, reverse=True)


def _summary(index: int, leaf: bytes) -> EntrySummary:
    public = json.loads(leaf)["pub"]
    return EntrySummary(
        index=index,
        entry_type=public["type"],
        rounded_at=datetime.fromisoformat(public["time"]),
        public={name: value for name, value in public.items() if name not in _HEADER},
    )
