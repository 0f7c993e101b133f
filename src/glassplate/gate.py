"""The gate: the only way to a read. One order of events, whose numbers the code carries.

    (1) who      a live session of an active account                       `registry.sessions.authenticate`
    (2) may      charter + Cedar; a refusal is recorded, counted, raised   `Authorizer.authorize_search`
                 where only a second person is missing: asked, recorded    `Approvals.ask`
    (3) record   leaf and sealed bodies durable in one journal record      `Recorder.record`
    (4) ask      the store, for epochs that are alive and searchable       `Store.search`
    (5) open     just those rows' plate crops                              `ImageOpener`
    (6) outcome  count and ids of what will be shown                       `Recorder.record`
    (7) answer   the receipt first, once the record is as firm as the charter demands     `Recorder.settle`

If we stop between (1) and (3), nothing was asked and nothing is known. Between (3) and (6) the entry stands without
an outcome; ``close_interrupted`` writes "interrupted" at the next start. After (6) the record says that the reads
were shown, whether or not the answer arrived: the record may claim more than was seen, never less.
If the log cannot be written, (3) or (6) raises ``LogUnavailable`` and nothing is answered.

A further page of an answer is a search of its own that takes its words from the record: steps (1) to (7) again, the
approval that the first page used included, as its approvers are today. Nothing but the index of one's own search names
the page, so there is nothing that could be forged; the place to go on from lies sealed in the outcome.

Images, alerts and history follow the same numbers. No other module imports ``ImageOpener``.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from glassplate.asked_page import AskedPage, bound_words, case_words
from glassplate.errors import InputRefused, KeyDestroyed, KeyUnavailable, ProofFailed, UsageError
from glassplate.evidence.bound import request_sha256
from glassplate.keys import demand_no_late_purge
from glassplate.records import FoundRead, KeptRead, OpenedImage, PastSearch, SearchResult
from glassplate.registry.operations import USES_APPROVAL
from glassplate.registry.sessions import authenticate
from glassplate.seal import ImageOpener
from glassplate.search_kinds import in_words
from glassplate.store import StoreQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from glassplate.approvals import Approvals
    from glassplate.authorize import Authorizer, Permission
    from glassplate.keys import Epoch, Keyring, TrustedTime
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import Receipt, SearchRequest, Session
    from glassplate.registry import Registry, StoredSearch
    from glassplate.store import Store, StoredPage, StoredRead

OWN_SEARCH = "own-search"
KEPT_PAGE = 50  # reads with their images in memory at once


def _ignore(_step: int) -> None:
    """Nobody watches the steps."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Search, images and history. Callable from several threads at once."""

    registry: Registry
    recorder: Recorder
    authorizer: Authorizer
    approvals: Approvals
    mandate: Mandate
    keyring: Keyring
    store: Store
    time: TrustedTime
    observe: Callable[[int], None] = _ignore
    """Told each number before its step runs; tests stop the process there."""
    admitting: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held from (2) to (3): searches that come together are counted one after the other against the rate limit."""

    def who(self, token: str | None) -> Session:
        """Step (1). Raises ``NotSignedIn``."""
        return authenticate(self.registry, token, self.time.now())

    def search(self, token: str | None, request: SearchRequest) -> SearchResult:
        """Record and search.

        Raises:
            NotSignedIn, Refused, CharterRejected: policy; recorded where somebody is known.
            LogUnavailable: nothing was answered.
            ClockRefused, PurgeLate: time went back, or a key has outlived its date; search has stopped.
        """
        now = self.time.now()
        self.observe(1)
        session = self.who(token)
        demand_no_late_purge(self.keyring, self.time.purge_now())
        self.observe(2)
        asked = AskedPage.first(request, now, self.mandate.retention())
        with self.admitting:
            words = bound_words(request)
            consent = self.approvals.consent(request_sha256("search", session.account.account_id, words))
            decision = self.authorizer.authorize_search(
                session,
                request,
                asked.window,
                now,
                consent.approvals,
                lambda: self.approvals.ask(session, "search", words),
            )
            self.observe(3)
            receipt = self._record_search(session, asked, decision, now, consent.request_id)
        return self._answer(session, asked, decision, receipt, now)

    def next_page(self, token: str | None, search_index: int) -> SearchResult:
        """The page after the one that entry ``search_index`` recorded: below its last read, whatever arrived since.

        Raises:
            UsageError: there is no further page, or it was asked for too late.
            NotSignedIn, Refused, CharterRejected, LogUnavailable, ClockRefused, PurgeLate: as ``search``.
        """
        now = self.time.now()
        self.observe(1)
        session = self.who(token)
        demand_no_late_purge(self.keyring, self.time.purge_now())
        self.observe(2)
        with self.admitting:
            before = self._own_search(session, search_index, now, "search")
            asked = AskedPage.after(before, search_index, now, self.mandate.retention())
            consent = self.approvals.consent_used(before["approval"], now)
            decision = self.authorizer.authorize_search(
                session, asked.request, asked.window, now, consent.approvals
            )
            self.observe(3)
            receipt = self._record_search(session, asked, decision, now, before["approval"])
        return self._answer(session, asked, decision, receipt, now)

    def _answer(
        self, session: Session, asked: AskedPage, decision: Permission, receipt: Receipt, now: datetime
    ) -> SearchResult:
        """Steps (4) to (7) of a recorded search."""
        self.observe(4)
        page = self.store.search(_query(asked), self._segment_keys(asked.window))
        self.observe(5)
        found, unserved = self._open_each(page)
        self.observe(6)
        shown = [item.read.read_id for item in found]
        self._record_outcome(session, receipt.entry_index, shown, page.cursor, now)
        receipt = self.recorder.settle(receipt)
        self.observe(7)
        return SearchResult(
            receipt=receipt,
            policy_version=f"charter {decision.charter_version}, policy {decision.policy_sha256[:12]}",
            request=asked.request,
            reads=found,
            truncated=page.truncated,
            searched_since=asked.window[0],
            searched_until=asked.window[1],
            unserved=unserved,
            page=asked.page,
        )

    def open_image(self, token: str | None, read_id: str, search_index: int, kind: str) -> OpenedImage:
        """Open the crop or scene of a read that this person's own search showed."""
        now = self.time.now()
        session = self.who(token)
        demand_no_late_purge(self.keyring, self.time.purge_now())
        if kind not in ("crop", "scene"):
            raise UsageError("An image is either 'crop' or 'scene'.")
        search = self._own_search(session, search_index, now, "open_image")
        if read_id not in search["shown"]:
            raise self.authorizer.refusal(
                session, "open_image", OWN_SEARCH, "That search did not show this read.", now
            )
        decision = self.authorizer.authorize(session, "open_image", "image_view", now, **case_words(search))
        receipt = self.recorder.record(
            "image-opened",
            {
                "account_id": session.account.account_id,
                "search_index": search_index,
                "read_id": read_id,
                "kind": kind,
                **decision.replayable(),
            },
            at=now,
            operation={"kind": "counted", "counts": {"images opened": 1}},
        )
        stored = self._stored(read_id)
        if stored is None:
            raise KeyDestroyed("The key of this read's day has been destroyed; the image no longer exists.")
        jpeg = self._open_sealed(stored, kind)
        return OpenedImage(
            receipt=self.recorder.settle(receipt),
            read_id=read_id,
            kind=cast("Literal['crop', 'scene']", kind),
            jpeg=jpeg,
        )

    def open_alert_read(self, read_id: str) -> FoundRead | None:
        """The read behind an alert, after ``alert.Alerts.show`` has authorized and recorded; None when it has died."""
        stored = self._stored(read_id)
        with contextlib.suppress(KeyDestroyed):  # it may die between the two
            return self._open(stored) if stored else None
        return None

    # --- evidence: for ``hold`` and ``export``, which authorize and record before they ask here --------------------

    def shown_search(
        self, session: Session, action: str, index: int, read_ids: Sequence[str], now: datetime
    ) -> dict[str, Any]:
        """The words of one's own search that showed all of these reads.

        Raises:
            Refused: it is not this person's, or did not show them; recorded as a refusal of ``action``.
        """
        search = self._own_search(session, index, now, action)
        if not read_ids or not set(read_ids) <= set(search["shown"]):
            message = "That search did not show all of these reads. Search first, then name what it showed."
            raise self.authorizer.refusal(session, action, OWN_SEARCH, message, now)
        return search

    def kept_reads(self, read_ids: Sequence[str]) -> list[KeptRead]:
        """These reads with their images, in the order asked for.

        Raises:
            KeyDestroyed: the key of one read's day has died; nothing brings it back.
        """
        wanted = list(dict.fromkeys(read_ids))
        stored = self.store.get(wanted, self._segment_keys())
        if len(stored) < len(wanted):
            raise KeyDestroyed(
                f"{len(wanted) - len(stored)} of the {len(wanted)} reads no longer exist: the key of their day has been "
                "destroyed. A hold or an export is possible only while a read lives, or while a hold of it does."
            )
        return [self._keep(one) for one in stored]

    def kept_window(
        self, camera_ids: tuple[str, ...], since: datetime, until: datetime
    ) -> Iterator[tuple[list[KeptRead], tuple[tuple[str, str], ...]]]:
        """Everything that these cameras read then, newest first, in pages; and (period, reason) of what is not there.

        Times are included at both ends. A crop that does not open is named, and hides no other read.
        """
        query: StoreQuery | None = StoreQuery(None, since, until, camera_ids, KEPT_PAGE)
        keys = self._segment_keys((since, until))
        while query is not None:
            page = self.store.search(query, keys)
            kept, missing = [], list(page.unserved)
            for stored in page.reads:
                try:
                    kept.append(self._keep(stored))
                except (KeyUnavailable, ProofFailed, InputRefused) as error:
                    missing.append((stored.epoch_id, f"A read is left out: {error}"))
            yield kept, tuple(missing)
            query = replace(query, cursor=page.cursor) if page.cursor else None

    def _keep(self, stored: StoredRead) -> KeptRead:
        return KeptRead(
            read=stored.read,
            camera_name=self.authorizer.camera_name(stored.read.camera_id),
            epoch_id=stored.epoch_id,
            sealed_sha256=stored.sealed_sha256,
            crop_jpeg=self._open_sealed(stored, "crop"),
            scene_jpeg=None if stored.scene_sealed is None else self._open_sealed(stored, "scene"),
        )

    def my_searches(self, token: str | None) -> list[PastSearch]:
        """The person's own searches, opened with the history keys; leaves an entry itself."""
        now = self.time.now()
        session = self.who(token)
        self.recorder.record("history-opened", {"account_id": session.account.account_id}, at=now)
        return [self._past_search(stored) for stored in self.registry.searches_of(session.account.account_id)]

    def close_interrupted(self) -> int:
        """Give every search without an outcome the outcome "interrupted"; runs at each start, whatever its clock."""
        open_searches = self.registry.open_searches()
        for search in open_searches:
            self.recorder.record(
                "search-outcome",
                {
                    "search_index": search.entry_index,
                    "outcome": "interrupted",
                    "reads_shown": 0,
                    "read_ids": [],
                },
                at=self.recorder.now(),
                operation=_ended(search.entry_index, "interrupted", 0),
            )
        return len(open_searches)

    # --- steps -----------------------------------------------------------------------------------------------------

    def _record_search(
        self,
        session: Session,
        asked: AskedPage,
        decision: Permission,
        now: datetime,
        approval: str | None,
    ) -> Receipt:
        account = session.account
        operation: dict[str, Any] = {
            "kind": "search_recorded",
            "account_id": account.account_id,
            "recorded_at": now.isoformat(),
            "purpose": asked.request.purpose,
        }
        if asked.page_of is None:
            operation[USES_APPROVAL] = approval
        return self.recorder.record(
            "search",
            {
                **asked.fields(),
                "account_id": account.account_id,
                "display_name": account.display_name,
                "organization": self.mandate.agency_id(),
                "asked_by": "person",
                "sign_in_method": session.sign_in_method,
                "approval": approval,
                **decision.replayable(),
            },
            at=now,
            operation=operation,
        )

    def _record_outcome(
        self, session: Session, index: int, read_ids: Sequence[str], cursor: str | None, now: datetime
    ) -> None:
        outcome = "answered"
        self.recorder.record(
            "search-outcome",
            {
                "search_index": index,
                "account_id": session.account.account_id,
                "outcome": outcome,
                "reads_shown": len(read_ids),
                "read_ids": list(read_ids),
                "cursor": cursor,
            },
            at=now,
            operation=_ended(index, outcome, len(read_ids)),
        )

    def _segment_keys(self, window: tuple[datetime, datetime] | None = None) -> dict[str, bytes]:
        """Keys of the epochs that may be searched now; an overdue one is not among them, destroyed or not.

        With a window, only epochs that it touches: intake keeps every read inside its own epoch's period.
        """
        demand_no_late_purge(self.keyring, self.time.purge_now())
        latest = self.time.searchable_at()
        keys: dict[str, bytes] = {}
        for record in self.keyring.records():
            if window and not (record.epoch.starts_at < window[1] and window[0] < record.epoch.ends_at):
                continue
            if record.is_alive and latest < record.epoch.destroy_at:
                with contextlib.suppress(KeyDestroyed):  # it died since it was listed
                    keys[record.epoch.epoch_id] = self.keyring.secret(record.epoch.epoch_id).segment_key(0)
        return keys

    def _stored(self, read_id: str) -> StoredRead | None:
        found = self.store.get([read_id], self._segment_keys())
        return found[0] if found else None

    def _open_each(self, page: StoredPage) -> tuple[tuple[FoundRead, ...], tuple[tuple[str, str], ...]]:
        """The reads whose crop opens, and what could not be served.

        A crop that does not open (its key died a moment ago, its camera sealed rubbish) hides no other read.
        """
        found, unserved = [], list(page.unserved)
        for stored in page.reads:
            try:
                found.append(self._open(stored))
            except (KeyUnavailable, ProofFailed, InputRefused) as error:
                unserved.append((stored.epoch_id, f"A read is left out: {error}"))
        unserved += [(epoch_id, "Its key is missing.") for epoch_id in sorted(self._keyless())]
        return tuple(found), tuple(dict.fromkeys(unserved))

    def _keyless(self) -> set[str]:
        """Epochs that the record knows as alive and the keyring does not: no search may pass over them in silence."""
        return self.registry.alive_epochs() - {record.epoch.epoch_id for record in self.keyring.records()}

    def _open(self, stored: StoredRead) -> FoundRead:
        epoch = self._epoch_of(stored)
        return FoundRead(
            read=stored.read,
            camera_name=self.authorizer.camera_name(stored.read.camera_id),
            destroyed_at=epoch.destroy_at,
            crop_jpeg=self._open_sealed(stored, "crop"),
            has_scene=stored.scene_sealed is not None,
        )

    def _open_sealed(self, stored: StoredRead, kind: str) -> bytes:
        sealed = stored.crop_sealed if kind == "crop" else stored.scene_sealed
        if sealed is None:
            raise InputRefused("No scene image was kept for this read: only the plate crop was.")
        secret = self.keyring.secret(stored.epoch_id)
        opener = ImageOpener(secret.image_private_key(), agency_id=self.mandate.agency_id())
        return opener.open(
            sealed,
            kind=kind,
            epoch_id=stored.epoch_id,
            camera_id=stored.read.camera_id,
            read_id=stored.read.read_id,
        )

    def _epoch_of(self, stored: StoredRead) -> Epoch:
        return next(r.epoch for r in self.keyring.records() if r.epoch.epoch_id == stored.epoch_id)

    def _own_search(self, session: Session, index: int, now: datetime, action: str) -> dict[str, Any]:
        search = self.registry.search(index)
        if search is None or search.account_id != session.account.account_id or search.outcome_index is None:
            message = "That search is not one of yours. Search first, then go on from what it showed."
            raise self.authorizer.refusal(session, action, OWN_SEARCH, message, now)
        fields = self.recorder.open_body(index).fields
        outcome = self.recorder.open_body(search.outcome_index).fields
        return {**fields, "shown": outcome["read_ids"], "cursor": outcome.get("cursor")}

    def _past_search(self, stored: StoredSearch) -> PastSearch:
        fields = self.recorder.open_body(stored.entry_index).fields
        return PastSearch(
            entry_index=stored.entry_index,
            searched_at=stored.recorded_at,
            asked=in_words(fields),
            purpose=fields["purpose"],
            offense=fields["offense"],
            case_number=fields["case_number"],
            outcome=stored.outcome or "running",
            reads_shown=stored.reads_shown,
        )


def _query(asked: AskedPage) -> StoreQuery:
    request = asked.request
    return StoreQuery(
        pattern=asked.pattern,
        since=asked.window[0],
        until=asked.window[1],
        camera_ids=request.camera_ids,
        limit=request.limit,
        nearness="look_alike" if request.kind == "look_alike" else "exact",
        bodies=request.bodies,
        colors=request.colors,
        cursor=asked.cursor,
    )


def _ended(index: int, outcome: str, reads_shown: int) -> dict[str, Any]:
    return {"kind": "search_ended", "search_index": index, "outcome": outcome, "reads_shown": reads_shown}
