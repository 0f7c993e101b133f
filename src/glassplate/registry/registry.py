"""The registry's file: one SQLCipher database under the registry key, read by typed questions."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlcipher3

from glassplate.errors import KeyUnavailable, StorageFailed
from glassplate.plate_text import fold
from glassplate.records import Account, HotlistEntry
from glassplate.registry.hot_plates import HotPlates
from glassplate.registry.operations import Operation, apply_operation
from glassplate.registry.schema import APPROVALS, FROM_VERSION_1, HOLDS, ROOTS, SCHEMA, VERSION
from glassplate.store import SegmentSummary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from glassplate.records import MatchKind

PLATES_AT_ONCE = 20_000  # about 20 ms of the registry's lock


@dataclass(frozen=True, slots=True)
class StoredPasskey:
    """A passkey's public half."""

    credential_id: str
    account_id: str
    public_key: str
    sign_count: int
    is_demo: bool


@dataclass(frozen=True, slots=True)
class StoredSecondPart:
    """The half of an invitation that an approver hands out. ``part_sha256`` None: nobody has fetched it yet."""

    account_id: str
    request_id: str
    part_sha256: str | None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as the vault knows it: the token only as its hash."""

    token_sha256: str = field(repr=False)
    account_id: str
    method: str
    expires_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """A search that was recorded; its words lie in the log's body, not here."""

    entry_index: int
    account_id: str
    recorded_at: datetime
    outcome_index: int | None
    outcome: str | None
    reads_shown: int


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """An auditor's question about a search: entry numbers only; the words lie in the log's bodies."""

    finding_index: int
    search_index: int
    reply_index: int | None


@dataclass(frozen=True, slots=True)
class LoggedEpoch:
    """Where an epoch key's life stands in the log; None: not logged yet."""

    epoch_id: str
    destroy_at: datetime | None
    created_index: int | None
    closed_index: int | None
    destroyed_index: int | None
    reads: int | None


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert: ids only, so that nothing of a read outlives its epoch here."""

    alert_id: str
    raised_at: datetime
    read_id: str
    epoch_id: str
    camera_id: str
    entry_id: str
    region_matches: bool | None
    state: str
    disposition: str | None
    matched: MatchKind


@dataclass(frozen=True, slots=True)
class StoredApprovalRequest:
    """Something that waits for a second person; its words lie in the entry's body. ``given``: who, approved or not."""

    request_id: str
    action: str
    account_id: str
    request_sha256: str
    entry_index: int
    asked_at: datetime
    expires_at: datetime
    is_refused: bool
    used_index: int | None
    given: tuple[tuple[str, bool, int], ...]
    """(account id, approved, entry index)."""

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved, first the first."""
        return tuple(account_id for account_id, is_approved, _ in self.given if is_approved)


@dataclass(frozen=True, slots=True)
class StoredHold:
    """A hold: ids, case and authority; what it is for lies in its entry's body. ``parts``: SHA-256 of its files."""

    hold_id: str
    entry_index: int
    account_id: str
    case_number: str
    placed_at: datetime
    ends_at: datetime
    authority: str
    is_scope: bool
    alert_id: str | None
    state: str
    reads: int
    parts: tuple[str, ...]
    kept_index: int | None
    ended_index: int | None


class Registry:
    """Typed questions and ``apply``. Callable from several threads at once."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Open (or make) the registry.

        Raises:
            KeyUnavailable: when ``key`` does not open the file.
            StorageFailed: when the disk is full or does not answer.
        """
        self._path = path
        self._lock = threading.RLock()
        try:
            self._database = _open(path, key)
        except sqlcipher3.dbapi2.OperationalError:  # the disk's fault; a wrong key is a plain DatabaseError
            raise StorageFailed(
                f"{path} cannot be opened. Is the disk full, or may the vault not write there?"
            ) from None
        except sqlcipher3.dbapi2.DatabaseError:
            raise KeyUnavailable(
                f"{path.name} does not open with this key. Restore the key folder that belongs to it, "
                "or restore registry and keys from the same backup."
            ) from None
        self.hot_plates = HotPlates(self._armed_plates())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Nothing is written for the length of the block."""
        with self._lock:
            yield

    @property
    def applied_size(self) -> int:
        """How many log entries have been applied."""
        return int(self._one("select v from meta where k='applied_size'")[0])

    def apply(self, index: int, operation: Operation | None) -> None:
        """Apply the operation of entry ``index``; durable on return.

        Raises:
            StorageFailed: when the disk refuses; the entry is applied again at the next start.
        """
        with self._lock, self._naming():
            self._database.execute("begin immediate")
            changed = 0
            try:
                if operation is not None:
                    apply_operation(self._database, index, operation)
                    changed = int(self._database.execute("select changes()").fetchone()[0])
                self._database.execute("update meta set v=? where k='applied_size'", (str(index + 1),))
                self._database.execute("commit")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("rollback")
                raise
            self._follow(operation or {}, changed)

    def _follow(self, operation: Operation, changed: int) -> None:
        """Let the plates in memory follow what was just applied."""
        if operation.get("kind") == "hotlist_imported":
            self.hot_plates.add(fold(entry["plate"]) for entry in operation["entries"])
        elif operation.get("kind") in ("hotlist_withdrawn", "hotlist_ended"):
            self.hot_plates.note_gone(changed)

    # --- accounts ----------------------------------------------------------------------------------------------

    def account(self, account_id: str) -> Account | None:
        """One account."""
        rows = self._all("select * from account where account_id=?", (account_id,))
        return self._account(rows[0]) if rows else None

    def accounts(self) -> list[Account]:
        """Every account, by id."""
        return [self._account(row) for row in self._all("select * from account order by account_id")]

    def account_by_invitation(self, invitation_sha256: str, now: datetime) -> Account | None:
        """The account whose unexpired invitation this is."""
        rows = self._all(
            "select * from account where invitation_sha256=? and invitation_expires_at>?",
            (invitation_sha256, now.isoformat()),
        )
        return self._account(rows[0]) if rows else None

    def second_part(self, account_id: str) -> StoredSecondPart | None:
        """What an invitation needs beside itself; None where it is whole."""
        rows = self._all("select * from invitation_part where account_id=?", (account_id,))
        return StoredSecondPart(*rows[0]) if rows else None

    def second_part_of(self, request_id: str) -> StoredSecondPart | None:
        """The same, by the request under which the account was approved."""
        rows = self._all("select * from invitation_part where request_id=?", (request_id,))
        return StoredSecondPart(*rows[0]) if rows else None

    def passkey(self, credential_id: str) -> StoredPasskey | None:
        """One passkey by its credential id."""
        rows = self._all("select * from passkey where credential_id=?", (credential_id,))
        return _passkey(rows[0]) if rows else None

    def passkeys_of(self, account_id: str) -> list[StoredPasskey]:
        """The passkeys of one account."""
        rows = self._all("select * from passkey where account_id=?", (account_id,))
        return [_passkey(row) for row in rows]

    def session(self, token_sha256: str) -> StoredSession | None:
        """One session by the hash of its token."""
        rows = self._all("select * from session where token_sha256=?", (token_sha256,))
        if not rows:
            return None
        token, account_id, method, _started, expires_at, seen_at = rows[0]
        return StoredSession(token, account_id, method, _time(expires_at), _time(seen_at))

    def touch_session(self, token_sha256: str, now: datetime) -> None:
        """Remember that the session was used; losing this in a crash only shortens the session."""
        with self._lock, self._naming():
            self._database.execute(
                "update session set seen_at=? where token_sha256=?", (now.isoformat(), token_sha256)
            )

    def makers_of(self, account_id: str) -> tuple[str, ...]:
        """Who asked for this account, who asked for that one's, and so on to the founding."""
        makers: list[str] = []
        rows = self._all("select made_by from account_maker where account_id=?", (account_id,))
        while rows and rows[0][0] not in makers:
            makers.append(str(rows[0][0]))
            rows = self._all("select made_by from account_maker where account_id=?", (makers[-1],))
        return tuple(makers)

    # --- approvals -----------------------------------------------------------------------------------------------

    def approval_request(self, request_id: str) -> StoredApprovalRequest | None:
        """One request for approval."""
        rows = self._all("select * from approval_request where request_id=?", (request_id,))
        return self._approval_request(rows[0]) if rows else None

    def approval_requests(self, limit: int = 200) -> list[StoredApprovalRequest]:
        """Requests, newest first."""
        rows = self._all("select * from approval_request order by entry_index desc limit ?", (limit,))
        return [self._approval_request(row) for row in rows]

    def open_approval_request(self, request_sha256: str, now: datetime) -> StoredApprovalRequest | None:
        """The newest request with this hash that is neither used, nor refused, nor too old."""
        rows = self._all(
            "select * from approval_request where request_sha256=? and used_index is null and is_refused=0"
            " and expires_at>? order by entry_index desc limit 1",
            (request_sha256, now.isoformat()),
        )
        return self._approval_request(rows[0]) if rows else None

    def _approval_request(self, row: tuple[Any, ...]) -> StoredApprovalRequest:
        request_id, action, account_id, sha256, index, asked_at, expires_at, is_refused, used_index = row
        given = self._all(
            "select account_id, is_approved, entry_index from approval_given where request_id=? order by entry_index",
            (request_id,),
        )
        return StoredApprovalRequest(
            request_id,
            action,
            account_id,
            sha256,
            index,
            _time(asked_at),
            _time(expires_at),
            bool(is_refused),
            used_index,
            tuple((str(who), bool(approved), int(entry)) for who, approved, entry in given),
        )

    # --- searches ------------------------------------------------------------------------------------------------

    def search(self, entry_index: int) -> StoredSearch | None:
        """One recorded search."""
        if not 0 <= entry_index < self.applied_size:
            return None
        rows = self._all("select * from search where entry_index=?", (entry_index,))
        return _search(rows[0]) if rows else None

    def searches_of(self, account_id: str, limit: int = 100) -> list[StoredSearch]:
        """A person's searches, newest first."""
        rows = self._all(
            "select * from search where account_id=? order by entry_index desc limit ?", (account_id, limit)
        )
        return [_search(row) for row in rows]

    def questions_of(self, account_id: str, limit: int = 100) -> list[StoredQuestion]:
        """What auditors asked about a person's searches, newest first."""
        rows = self._all(
            "select finding_index, search_index, reply_index from question"
            " join search on search.entry_index=question.search_index where account_id=?"
            " order by finding_index desc, search_index desc limit ?",
            (account_id, limit),
        )
        return [StoredQuestion(*row) for row in rows]

    def open_searches(self) -> list[StoredSearch]:
        """Searches without an outcome."""
        return [_search(row) for row in self._all("select * from search where outcome is null")]

    def searches_since(self, account_id: str, since: datetime) -> int:
        """How many searches the account ran since then."""
        return int(
            self._one(
                "select count(*) from search where account_id=? and recorded_at>=?",
                (account_id, since.isoformat()),
            )[0]
        )

    # --- hot lists and alerts ------------------------------------------------------------------------------------

    def hotlist(
        self, now: datetime, *, prefix: str = "", after: tuple[str, str] = ("", ""), limit: int = -1
    ) -> list[HotlistEntry]:
        """Entries that have not ended, by folded plate and id.

        ``prefix``: only plates that begin so. ``after``: the plate and id of the last one seen. ``limit``: -1 for all.
        """
        first = max((fold(after[0]), after[1]), (fold(prefix), ""))
        rows = self._all(
            "select * from hotlist where (folded, entry_id) > (?,?) and folded < ? and expires_at > ?"
            " order by folded, entry_id limit ?",
            (*first, fold(prefix) + _AFTER_Z, now.isoformat(), limit),
        )
        return [_hotlist_entry(row) for row in rows]

    def hotlist_size(self, now: datetime) -> int:
        """How many entries have not ended."""
        return int(self._one("select count(*) from hotlist where expires_at>?", (now.isoformat(),))[0])

    def has_ended_entries(self, now: datetime) -> bool:
        """Whether any entry has ended and is still kept."""
        return bool(self._all("select 1 from hotlist where expires_at<=? limit 1", (now.isoformat(),)))

    def hotlist_entry(self, entry_id: str) -> HotlistEntry | None:
        """One entry, ended or not."""
        rows = self._all("select * from hotlist where entry_id=?", (entry_id,))
        return _hotlist_entry(rows[0]) if rows else None

    def hotlist_entries(self, plate: str, now: datetime) -> list[HotlistEntry]:
        """Entries of one plate, as ``hot_plates`` found it, that have not ended."""
        rows = self._all(
            "select * from hotlist where folded=? and expires_at>? order by entry_id",
            (fold(plate), now.isoformat()),
        )
        return [_hotlist_entry(row) for row in rows]

    def tidy_hot_plates(self) -> None:
        """Make the index of wanted plates anew where that is worth it; matching goes on meanwhile."""
        self.hot_plates.tidy(self._armed_plates)

    def _armed_plates(self) -> Iterator[str]:
        """Every armed plate, folded, a part at a time: the lock is free in between."""
        last = ""
        while rows := self._all(_ARMED_PLATES, (last, PLATES_AT_ONCE)):
            yield from (str(row[0]) for row in rows)
            last = rows[-1][0]

    def alerts(self, limit: int = 200) -> list[StoredAlert]:
        """Alerts, newest first."""
        rows = self._all(f"{_ALERT} order by raised_at desc, alert_id limit ?", (limit,))
        return [_alert(row) for row in rows]

    def near_alerts_since(self, since: datetime) -> int:
        """How many alerts were raised since then that rest on a doubt of the read."""
        statement = "select count(*) from alert where raised_at>=? and matched<>'exact'"
        return int(self._one(statement, (since.isoformat(),))[0])

    def alert(self, alert_id: str) -> StoredAlert | None:
        """One alert."""
        rows = self._all(f"{_ALERT} where alert_id=?", (alert_id,))
        return _alert(rows[0]) if rows else None

    def note_camera(self, alert_id: str, camera_id: str) -> None:
        """Remember where an alert came from, here only: the log keeps no place of a read beyond its epoch."""
        with self._lock, self._naming():
            self._database.execute("update alert set camera_id=? where alert_id=?", (camera_id, alert_id))

    def alert_was_shown_to(self, alert_id: str, account_id: str) -> bool:
        """Whether this person has looked at the alert's crop."""
        rows = self._all("select shown_to from alert where alert_id=?", (alert_id,))
        return bool(rows) and account_id in str(rows[0][0]).split(",")

    # --- holds ---------------------------------------------------------------------------------------------------

    def hold(self, hold_id: str) -> StoredHold | None:
        """One hold."""
        rows = self._all("select * from hold where hold_id=?", (hold_id,))
        return _hold(rows[0]) if rows else None

    def holds(self, case_number: str | None = None) -> list[StoredHold]:
        """Holds of one case, or all of them, newest first."""
        rows = (
            self._all("select * from hold order by entry_index desc")
            if case_number is None
            else self._all("select * from hold where case_number=? order by entry_index desc", (case_number,))
        )
        return [_hold(row) for row in rows]

    # --- epochs --------------------------------------------------------------------------------------------------

    def epoch(self, epoch_id: str) -> LoggedEpoch | None:
        """What the log says about one epoch's key."""
        rows = self._all("select * from epoch where epoch_id=?", (epoch_id,))
        return _epoch(rows[0]) if rows else None

    def epochs(self) -> dict[str, LoggedEpoch]:
        """What the log says about every epoch's key."""
        return {str(row[0]): LoggedEpoch(*row) for row in self._all("select * from epoch")}

    def alive_epochs(self) -> set[str]:
        """Epochs whose keys the log has created and not destroyed."""
        rows = self._all(
            "select epoch_id from epoch where created_index is not null and destroyed_index is null"
        )
        return {str(row[0]) for row in rows}

    def segments(self) -> dict[str, SegmentSummary]:
        """What the log says of each sealed segment, by name; no root where its entry is of a version before roots."""
        rows = self._all(
            "select segment.epoch_id, name, sha256, reads, coalesce(root, '') "
            "from segment left join segment_root using (name)"
        )
        return {str(row[1]): SegmentSummary(*row) for row in rows}

    # --- totals --------------------------------------------------------------------------------------------------

    def totals(self) -> dict[str, int]:
        """Named totals for the public report."""
        return {str(name): int(value) for name, value in self._all("select name, value from counter")}

    def alert_states(self) -> dict[str, int]:
        """How many alerts are in each state."""
        return {str(state): int(n) for state, n in self._all("select state, count(*) from alert group by 1")}

    # --- plumbing --------------------------------------------------------------------------------------------------

    def _account(self, row: tuple[Any, ...]) -> Account:
        account_id, display_name, roles, active, training, *_ = row
        return Account(
            account_id=account_id,
            display_name=display_name,
            roles=tuple(roles.split(",")) if roles else (),
            active=bool(active),
            training_valid_until=_time(training) if training else None,
            passkeys=int(self._one("select count(*) from passkey where account_id=?", (account_id,))[0]),
        )

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._naming():
            return list(self._database.execute(statement, values).fetchall())

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Turn SQLite's errors into ``StorageFailed``; their own words may quote a statement, so they are not shown."""
        try:
            yield
        except sqlcipher3.dbapi2.Error as error:
            raise StorageFailed(
                f"{self._path} cannot be used ({type(error).__name__}). Free space on the disk, or move the damaged "
                "file away and restart: it is a view of the log and is made again from it."
            ) from None

    def _one(self, statement: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        return self._all(statement, values)[0]


_ALERT = (
    "select alert_id, raised_at, read_id, epoch_id, camera_id, entry_id, region_matches, state, disposition,"
    " matched from alert"
)
_AFTER_Z = "["  # behind every letter in ASCII: the end of what begins with a prefix
_ARMED_PLATES = "select distinct folded from hotlist where folded>? order by folded limit ?"


def _open(path: Path, key: bytes) -> Any:
    is_new = not path.exists()
    database = sqlcipher3.dbapi2.connect(str(path), check_same_thread=False, isolation_level=None)
    database.execute("pragma cipher_log_level=none")  # it would write to stderr for a damaged page
    database.execute(f"pragma key=\"x'{key.hex()}'\"")
    database.execute("pragma temp_store=memory")
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=full")
    if is_new or not database.execute("select count(*) from sqlite_master").fetchone()[0]:
        database.executescript(SCHEMA)
    elif database.execute("pragma user_version").fetchone()[0] < VERSION:
        database.executescript(FROM_VERSION_1)
    for later in (APPROVALS, HOLDS, ROOTS):
        database.executescript(later)
    return database


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _passkey(row: tuple[Any, ...]) -> StoredPasskey:
    credential_id, account_id, public_key, sign_count, is_demo = row
    return StoredPasskey(credential_id, account_id, public_key, sign_count, bool(is_demo))


def _epoch(row: tuple[Any, ...]) -> LoggedEpoch:
    epoch_id, destroy_at, created, closed, destroyed, reads = row
    return LoggedEpoch(epoch_id, _time(destroy_at) if destroy_at else None, created, closed, destroyed, reads)


def _search(row: tuple[Any, ...]) -> StoredSearch:
    index, account_id, recorded_at, outcome_index, outcome, shown = row
    return StoredSearch(index, account_id, _time(recorded_at), outcome_index, outcome, shown)


def _hotlist_entry(row: tuple[Any, ...]) -> HotlistEntry:
    entry_id, plate, _folded, region, category, authority, reason, expires_at, _added = row
    return HotlistEntry(entry_id, plate, region, category, authority, reason, _time(expires_at))


def _hold(row: tuple[Any, ...]) -> StoredHold:
    hold_id, index, account_id, case_number, placed_at, ends_at, authority, is_scope, *rest = row
    alert_id, state, reads, parts, kept_index, ended_index = rest
    return StoredHold(
        hold_id,
        index,
        account_id,
        case_number,
        _time(placed_at),
        _time(ends_at),
        authority,
        bool(is_scope),
        alert_id,
        state,
        reads,
        tuple(parts.split(",")) if parts else (),
        kept_index,
        ended_index,
    )


def _alert(row: tuple[Any, ...]) -> StoredAlert:
    alert_id, raised_at, read_id, epoch_id, camera_id, entry_id, matches, state, disposition, matched = row
    return StoredAlert(
        alert_id,
        _time(raised_at),
        read_id,
        epoch_id,
        camera_id,
        entry_id,
        None if matches is None else bool(matches),
        state,
        disposition,
        matched,
    )
