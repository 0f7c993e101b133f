"""The write-ahead rule: one act, one durable entry, before anything happens.

``Recorder.record`` does, in this order, and a crash on any line leaves:

    1. build    commitment, sealed bodies (auditor keys + this month's history key), leaf    crash: nothing happened
    2. append   leaf and bodies in one durable journal record (level L1)                     crash: re-applied at start
    3. apply    the entry's operation to the registry                                        crash: nothing missing
    4. promise  the log's signed promise becomes the receipt

All of it happens under one lock, so the registry is never ahead of, or out of order with, the log, and the entries'
times never fall, however long an act took.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from glassplate.encoding import base64url, canonical_json, from_base64url, parse_json
from glassplate.errors import LogUnavailable, ProofFailed, StorageFailed
from glassplate.log import Commitment, LogRecord, body_hash, check_body, disclosure, leaf_bytes
from glassplate.records import Receipt
from glassplate.seal.body import MAX_BODY_BYTES, body_info, open_body, seal_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glassplate.history import HistoryKeys
    from glassplate.keys import TrustedTime
    from glassplate.log import TransparencyLog
    from glassplate.mandate import Mandate
    from glassplate.registry import Operation, Registry

BODY_VERSION = 1
OPERATION = "operation"  # the field that holds what the registry applies


@dataclass(frozen=True, slots=True)
class OpenedBody:
    """An entry's body, opened with the history key and checked to belong to its leaf."""

    index: int
    public: dict[str, str]
    fields: dict[str, Any] = field(repr=False)
    k: bytes = field(repr=False)

    @property
    def operation(self) -> Operation | None:
        """What the entry changes in the registry."""
        return self.fields.get(OPERATION)

    def disclose(self, names: Sequence[str]) -> list[str]:
        """What shows those of these fields that the entry has to somebody who holds its leaf, and no other field."""
        return [disclosure(name, self.fields[name], self.k) for name in names if name in self.fields]


class Recorder:
    """The only writer of entries."""

    def __init__(
        self,
        log: TransparencyLog,
        registry: Registry,
        mandate: Mandate,
        history: HistoryKeys,
        time: TrustedTime,
    ) -> None:
        self._log = log
        self._registry = registry
        self._mandate = mandate
        self._history = history
        self._time = time
        self._lock = threading.RLock()
        self._latest = datetime.min.replace(tzinfo=UTC)  # trusted time itself begins after the last entry

    def record(
        self,
        entry_type: str,
        fields: Mapping[str, Any],
        *,
        at: datetime,
        public: Mapping[str, str] | None = None,
        operation: Operation | None = None,
    ) -> Receipt:
        """Make one act durable, apply it, and return its receipt.

        ``public`` must be coarse: anybody may read it for ever. ``fields`` are committed to, one digest each, and
        sealed. ``at`` is when the act began; an entry never bears an earlier time than the one before it.

        Raises:
            LogUnavailable: nothing was recorded that counts; the caller must not act.
            StorageFailed: the registry cannot follow the log; the caller must not act. What stands in the log is
                applied before the next entry, or at the next start.
        """
        with self._lock:
            self.reconcile()  # an entry whose operation could not be applied comes before the next one
            at = self._latest = max(at, self._latest)
            shown = {
                "type": entry_type,
                "time": at.strftime("%Y-%m-%dT%H:00:00Z"),
                "agency": self._mandate.agency_id(),
                **(public or {}),
            }
            sealed_fields = {"at": at.isoformat(), **fields}
            if operation is not None:
                sealed_fields[OPERATION] = operation
            appended = self._log.append([self._build(shown, sealed_fields, at)])[0]
            self._registry.apply(appended.index, operation)
        return Receipt(
            entry_index=appended.index,
            entry_hash=appended.leaf_hash.hex(),
            recorded_at=at,
            level="L1",
            promise=self._log.promise(appended.index, at),
        )

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """No entry is made for the length of the block."""
        with self._lock:
            yield

    def settle(self, receipt: Receipt) -> Receipt:
        """Wait until the record is as firm as the charter demands before an answer leaves.

        L1: it is durable already. L2: the entry is under a signed checkpoint. L3: that one has its quorum of
        cosignatures. Callers that wait at the same time share one checkpoint.

        Raises:
            LogUnavailable: it is not; the caller must not answer. The entry stands.
        """
        level = self._mandate.last().verified.charter.answer_level
        if level == "L1":
            return receipt
        try:
            self._log.publish()
            if level == "L3" and not self._log.is_cosigned:
                missing = "; ".join(f"{name}: {words}" for name, words in self._log.gathered.problems)
                raise LogUnavailable(
                    f"The act is recorded, but too few witnesses have cosigned the record ({missing}), and the charter "
                    "demands them before anything is answered. Try again in a minute."
                )
            proof = self._log.proof(receipt.entry_index).decode()
        except StorageFailed as error:
            raise LogUnavailable(f"The record cannot be published: {error} Nothing was answered.") from None
        return replace(receipt, level=cast("Literal['L2', 'L3']", level), proof=proof)

    def open_body(self, index: int) -> OpenedBody:
        """Open one entry's body with its month's history key. Only the gate, an audit's questions and start-up call this.

        Raises:
            StorageFailed: when the body is missing or does not belong to its leaf.
        """
        return _open_body(self._log, self._history, index)

    def now(self) -> datetime:
        """The time for the vault's own entries: goes on when the wall clock went back, so that deaths are logged."""
        return self._time.latest()

    def reconcile(self) -> int:
        """Apply every entry that a crash kept from the registry; returns how many."""
        with self._lock:
            first = self._registry.applied_size
            if first > self._log.size:
                raise ProofFailed(
                    f"The registry has followed the log to {first} entries, but the log holds {self._log.size}: the "
                    "log was set back. Sign nothing more; restore the newest copy of vault/log and public/log."
                )
            for index in range(first, self._log.size):
                self._registry.apply(index, self.open_body(index).operation)
            return self._log.size - first

    def _build(self, public: dict[str, str], fields: dict[str, Any], at: datetime) -> LogRecord:
        k = secrets.token_bytes(32)
        plain = canonical_json({"v": BODY_VERSION, "pub": public, "fields": fields, "k": base64url(k)})
        if len(plain) > MAX_BODY_BYTES:
            raise StorageFailed(
                f"One entry would hold {len(plain)} bytes; at most {MAX_BODY_BYTES}. Send it in parts."
            )
        info = body_info(public)
        readers = {**self._mandate.auditor_keys(), **self._history.public_key_of(at)}
        bodies = {key_id: seal_body(plain, key, info) for key_id, key in readers.items()}
        hashes = {key_id: body_hash(body) for key_id, body in bodies.items()}
        return LogRecord(leaf=leaf_bytes(public, Commitment.of(fields, k), hashes), bodies=bodies)


def last_logged_time(log: TransparencyLog, history: HistoryKeys) -> datetime | None:
    """When the last entry was written, None for an empty log: no trusted time may lie before it."""
    return datetime.fromisoformat(_open_body(log, history, log.size - 1).fields["at"]) if log.size else None


def _open_body(log: TransparencyLog, history: HistoryKeys, index: int) -> OpenedBody:
    record = log.record(index)
    key_id = next((key for key in record.bodies if key.startswith("history/")), None)
    if key_id is None:
        raise StorageFailed(
            f"Entry {index} has no body for a history key; restore the journal from a backup."
        )
    public = json.loads(record.leaf)["pub"]
    plain = open_body(record.bodies[key_id], history.private_key(key_id), body_info(public))
    body = parse_json(plain, limit=MAX_BODY_BYTES)
    k = from_base64url(body["k"])
    check_body(record.leaf, body["fields"], k)
    return OpenedBody(index, public, body["fields"], k)
