"""Holds: reads of a case that outlive their day, under a key of their own that dies at the hold's end.

    (1) who      a live session                                               `Gate.who`
    (2) may      the source is one's own; charter + Cedar                     `Authorizer.authorize`
                 where only a supervisor's approval is missing: asked         `Approvals.ask`
    (3) record   entry ``hold``: authority, reads asked for, end              `Recorder.record`
    (4) key      the hold's own, whose death is fixed now                     `Keyring.create_epoch`
    (5) keep     open just those reads, seal them to that key, durable        `Gate.kept_reads`, `HeldFiles.write`
    (6) outcome  entry ``hold-outcome``: how many, in public                  `Recorder.record`
    (7) answer   the receipt first

If we stop between (3) and (6), nobody was answered: ``close_interrupted`` destroys key and files at the next start.
After (6) the hold stands until ``purge`` destroys its key, by the clock alone, as it does epochs'.

Rules, to be ticked off:

* a hold copies reads that live; what died with its day is never held;
* its end may not move: keeping longer is another hold, with another approval, from the first one while it lives;
* held reads answer no search; they are found by their hold's case only, and each opening is an entry;
* a court's camera-day keeps its scope and nothing else, and is not looked through: only an export opens it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from glassplate.asked_page import case_words
from glassplate.errors import GlassplateError, KeyDestroyed, KeyUnavailable, StorageFailed, UsageError
from glassplate.evidence.bound import request_sha256
from glassplate.evidence.requests import MAX_SCOPE_READS, bound_words, check_hold_request, own_words, told
from glassplate.keys import HOLD_PREFIX, hold_epoch
from glassplate.records import (
    KEEPS_EVIDENCE,
    Hold,
    HoldProposal,
    HoldRequest,
    HoldState,
    OpenedHold,
    PlacedHold,
)
from glassplate.registry.operations import USES_APPROVAL
from glassplate.seal import MAX_PART_READS, open_held, seal_held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from glassplate.approvals import Approvals
    from glassplate.authorize import Authorizer
    from glassplate.gate import Gate
    from glassplate.keys import Keyring
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import KeptRead, Receipt, Session
    from glassplate.registry import Registry, StoredHold
    from glassplate.store import HeldFiles

_Missing = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """Placing, finding and opening holds. Callable from several threads at once."""

    registry: Registry
    recorder: Recorder
    authorizer: Authorizer
    mandate: Mandate
    keyring: Keyring
    gate: Gate
    files: HeldFiles
    approvals: Approvals

    def place(self, token: str | None, request: HoldRequest) -> PlacedHold:
        """Keep reads past their retention.

        Raises:
            NotSignedIn, Refused, CharterRejected: policy, or the source is not one's own; recorded.
            UsageError: the request's words are off; nothing was recorded.
            KeyDestroyed: a read's day is dead; nothing is held.
            LogUnavailable, StorageFailed: nothing is held.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)  # (1)
        check_hold_request(request, now)
        words, read_ids = self._source(session, request, now)
        hold_id = f"{HOLD_PREFIX}{secrets.token_hex(8)}"
        with self.gate.admitting:  # from the look at an approval to its use: it is used once
            asked = bound_words(request)
            consent = self.approvals.consent(request_sha256("hold", session.account.account_id, asked))
            permission = self.authorizer.authorize(  # (2)
                session,
                "hold",
                "export",
                now,
                recorded=told(request, read_ids),
                ask=lambda: self.approvals.ask(session, "hold", asked),
                approvals=consent.approvals,
                window_start=request.since,
                **words,
            )
            sealed = {**words, **permission.replayable(), "approval": consent.request_id}
            receipt = self._record(session, request, hold_id, sealed, read_ids, now)  # (3)
        try:
            parts, reads, missing = self._keep(hold_id, request, read_ids, now)  # (4), (5)
        except GlassplateError:
            self._abandon(hold_id, "failed")
            raise
        self._record_outcome(hold_id, "kept", reads, parts, now)  # (6)
        return PlacedHold(self.recorder.settle(receipt), self._hold(self._stored(hold_id)), missing)

    def of_case(self, token: str | None, case_number: str) -> list[Hold]:
        """The holds of one case, newest first. Shows no read."""
        session = self.gate.who(token)
        self.authorizer.authorize(session, "read_log", None, self.gate.time.now())
        return [self._hold(stored) for stored in self.registry.holds(case_number)]

    def open(self, token: str | None, hold_id: str, case_number: str) -> OpenedHold:
        """Look at what a hold of this case keeps; leaves an entry.

        Raises:
            Refused: another case, a court's scope, or policy; recorded.
            KeyDestroyed: the hold has ended.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)
        stored = self.of(session, "open_image", hold_id, case_number, now)
        if stored.is_scope:
            raise self.authorizer.refusal(
                session,
                "open_image",
                "hold-scope",
                "A court's camera-day is not looked through. Export what the order names; two people approve it.",
                now,
                hold_id=hold_id,
            )
        permission = self.authorizer.authorize(
            session, "open_image", "image_view", now, **self.words_of(stored)
        )
        receipt = self.recorder.record(
            "hold-opened",
            {"account_id": session.account.account_id, "hold_id": hold_id, **permission.replayable()},
            at=now,
            operation={"kind": "counted", "counts": {"holds opened": 1}},
        )
        reads = tuple(self.reads_of(stored))
        return OpenedHold(self.recorder.settle(receipt), self._hold(stored), reads)

    def proposals(self, token: str | None) -> list[HoldProposal]:
        """Stops and arrests whose read still lives and is not held: it dies with its day."""
        now = self.gate.time.now()
        session = self.gate.who(token)
        self.authorizer.authorize(session, "see_alert", "hotlist_alerts", now)
        deaths = {r.epoch.epoch_id: r.epoch.destroy_at for r in self.keyring.records() if r.is_alive}
        held = {hold.alert_id for hold in self.registry.holds() if hold.state in ("placing", "held")}
        return [
            HoldProposal(alert.alert_id, alert.raised_at, alert.disposition or "", deaths[alert.epoch_id])
            for alert in self.registry.alerts()
            if alert.disposition in KEEPS_EVIDENCE and alert.epoch_id in deaths and alert.alert_id not in held
        ]

    def close_interrupted(self) -> int:
        """Undo every hold that nobody was told of; runs at each start."""
        interrupted = [stored for stored in self.registry.holds() if stored.state == "placing"]
        for stored in interrupted:
            self._abandon(stored.hold_id, "interrupted")
        return len(interrupted)

    # --- for exports -------------------------------------------------------------------------------------------

    def of(self, session: Session, action: str, hold_id: str, case_number: str, now: datetime) -> StoredHold:
        """A hold that is found by its case, in any state but unfinished.

        Raises:
            Refused: no hold of this case has this id; recorded as a refusal of ``action``.
        """
        stored = self.registry.hold(hold_id)
        if stored is None or stored.case_number != case_number or stored.state not in ("held", "ended"):
            message = "No hold of this case has this id. List them with: glassplate hold list CASE"
            raise self.authorizer.refusal(session, action, "hold-case", message, now)
        return stored

    def words_of(self, stored: StoredHold) -> dict[str, Any]:
        """What the hold is for, as its entry says."""
        return case_words(self.recorder.open_body(stored.entry_index).fields)

    def reads_of(self, stored: StoredHold) -> Iterator[KeptRead]:
        """Every read of a hold, part by part. The caller has authorized and recorded.

        Raises:
            KeyDestroyed: the hold has ended.
            ProofFailed, StorageFailed: a part is not what the record names, or is gone.
        """
        if self.gate.time.searchable_at() >= stored.ends_at or stored.state == "ended":
            raise KeyDestroyed(
                f"The hold {stored.hold_id} ended on {stored.ends_at:%Y-%m-%d %H:%M} UTC; its reads no longer exist."
            )
        key = self.keyring.secret(stored.hold_id).read_private_key()
        for number, sha256 in enumerate(stored.parts):
            sealed = self.files.read(stored.hold_id, number, sha256)
            yield from open_held(
                sealed, key, agency_id=self.mandate.agency_id(), hold_id=stored.hold_id, part=number
            )

    # --- steps ---------------------------------------------------------------------------------------------------

    def _source(
        self, session: Session, request: HoldRequest, now: datetime
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What the reads are for, and which they are: none named for a court's scope or a whole hold."""
        if request.search_index is not None:
            search = self.gate.shown_search(session, "hold", request.search_index, request.read_ids, now)
            words, read_ids = case_words(search), request.read_ids
        elif request.hold_id is not None:
            stored = self.of(session, "hold", request.hold_id, request.case_number, now)
            words, read_ids = self.words_of(stored), request.read_ids
        else:
            words, read_ids = own_words(request), ()
            if request.alert_id is not None:
                read_ids = (self._alerted_read(session, request.alert_id, now),)
        if words["case_number"] != request.case_number:
            message = (
                "The search was made for another case number. Search for this case, then hold what it shows."
            )
            raise self.authorizer.refusal(session, "hold", "hold-case", message, now)
        return words, tuple(dict.fromkeys(read_ids))

    def _alerted_read(self, session: Session, alert_id: str, now: datetime) -> str:
        alert = self.registry.alert(alert_id)
        account_id = session.account.account_id
        if (
            alert is None
            or alert.disposition not in KEEPS_EVIDENCE
            or not self.registry.alert_was_shown_to(alert_id, account_id)
        ):
            message = (
                "A hold is placed from an alert that you looked at and that ended with a stop or an arrest."
            )
            raise self.authorizer.refusal(session, "hold", "hold-alert", message, now, alert_id=alert_id)
        return alert.read_id

    def _record(
        self,
        session: Session,
        request: HoldRequest,
        hold_id: str,
        sealed: dict[str, Any],
        read_ids: tuple[str, ...],
        now: datetime,
    ) -> Receipt:
        account_id = session.account.account_id
        is_scope = bool(request.camera_ids) or self._is_scope(request.hold_id)
        return self.recorder.record(
            "hold",
            {**sealed, **told(request, read_ids), "hold_id": hold_id, "account_id": account_id},
            at=now,
            public={"hold": hold_id, "until": request.until.isoformat()},
            operation={
                "kind": "hold_placed",
                "hold_id": hold_id,
                "account_id": account_id,
                "case_number": request.case_number,
                "placed_at": now.isoformat(),
                "ends_at": request.until.isoformat(),
                "authority": request.authority,
                "is_scope": is_scope,
                "alert_id": request.alert_id,
                USES_APPROVAL: sealed["approval"],
            },
        )

    def _is_scope(self, hold_id: str | None) -> bool:
        """An extension of a court's scope stays one: nobody may look through it by holding it again."""
        stored = self.registry.hold(hold_id) if hold_id is not None else None
        return stored is not None and stored.is_scope

    def _keep(
        self, hold_id: str, request: HoldRequest, read_ids: tuple[str, ...], now: datetime
    ) -> tuple[list[str], int, _Missing]:
        """Steps (4) and (5): SHA-256 of each part, how many reads, what is missing."""
        key = self.keyring.create_epoch(hold_epoch(hold_id, now, request.until)).read_key
        parts: list[str] = []
        reads, missing = 0, dict[tuple[str, str], None]()
        for kept, lacking in self._pages(request, read_ids):
            missing.update(dict.fromkeys(lacking))
            reads += len(kept)
            if reads > MAX_SCOPE_READS:
                raise UsageError(f"The scope has more than {MAX_SCOPE_READS:,} reads; hold it in parts.")
            if kept:
                sealed = seal_held(
                    kept, key, agency_id=self.mandate.agency_id(), hold_id=hold_id, part=len(parts)
                )
                parts.append(self.files.write(hold_id, len(parts), sealed))
        if not reads:
            raise UsageError("There is no read to hold: nothing of it lives.")
        return parts, reads, tuple(missing)

    def _pages(
        self, request: HoldRequest, read_ids: tuple[str, ...]
    ) -> Iterator[tuple[list[KeptRead], _Missing]]:
        if request.since is not None and request.scope_until is not None:
            yield from self.gate.kept_window(request.camera_ids, request.since, request.scope_until)
        elif request.hold_id is not None:
            for page in _paged(self._held_again(request.hold_id, read_ids)):
                yield page, ()
        else:
            for first in range(0, len(read_ids), MAX_PART_READS):
                yield self.gate.kept_reads(read_ids[first : first + MAX_PART_READS]), ()

    def _held_again(self, hold_id: str, read_ids: tuple[str, ...]) -> Iterator[KeptRead]:
        for kept in self.reads_of(self._stored(hold_id)):
            if not read_ids or kept.read.read_id in read_ids:
                yield kept

    def _record_outcome(
        self, hold_id: str, outcome: str, reads: int, parts: list[str], now: datetime
    ) -> None:
        records = {record.epoch.epoch_id: record for record in self.keyring.hold_records()}
        state = "held" if outcome == "kept" else "failed"
        self.recorder.record(
            "hold-outcome",
            {"parts": parts},
            at=now,
            public={
                "hold": hold_id,
                "outcome": outcome,
                "reads": str(reads),
                "key_id": records[hold_id].key_id if hold_id in records else "none",
            },
            operation={
                "kind": "hold_kept",
                "hold_id": hold_id,
                "state": state,
                "reads": reads,
                "parts": parts,
            },
        )

    def _abandon(self, hold_id: str, outcome: str) -> None:
        """Destroy what an unfinished hold made; what cannot be destroyed now is tried again at the next start."""
        now = self.recorder.now()
        try:
            self.keyring.destroy(hold_id, now)
        except KeyUnavailable:  # it never had a key, or its key is dead
            pass
        except StorageFailed:
            return
        self._record_outcome(hold_id, outcome, 0, [], now)
        self.files.drop(hold_id)

    def _stored(self, hold_id: str) -> StoredHold:
        stored = self.registry.hold(hold_id)
        if stored is None:
            raise UsageError("No hold has this id.")
        return stored

    def _hold(self, stored: StoredHold) -> Hold:
        return Hold(
            hold_id=stored.hold_id,
            case_number=stored.case_number,
            placed_at=stored.placed_at,
            ends_at=stored.ends_at,
            account_id=stored.account_id,
            authority=stored.authority,
            state=cast("HoldState", stored.state),
            reads=stored.reads,
            is_scope=stored.is_scope,
            entry_index=stored.entry_index,
        )


def _paged(reads: Iterator[KeptRead]) -> Iterator[list[KeptRead]]:
    page: list[KeptRead] = []
    for kept in reads:
        page.append(kept)
        if len(page) == MAX_PART_READS:
            yield page
            page = []
    if page:
        yield page
