"""Hot lists and alerts: a wanted plate is seen, a person's eye decides, a disposition closes it.

Rules, to be ticked off:

* only categories that the charter arms are kept; everything else in a mixed file is dropped and counted;
* person fields are dropped on import and counted;
* an entry has a category, an authority, a reason and an end date; at least five characters and no wildcard;
* only the plate as read, with a region that is known and the entry's, sounds;
* a read whose region is unknown or not certain never sounds: with ``alert_on_unknown_region`` it waits silently for the eye;
* a plate that may have been misread never sounds: with ``alert_on_near_match`` it waits silently for the eye, where the
  read's own doubt covers every place that differs (``near_match``), and at most ``MAX_NEAR_ALERTS_AN_HOUR`` of them;
* one character that does not even look alike is doubt enough: then the region must be known;
* an alert keeps ids only, and its entry not even the camera's: nothing of the read outlives its epoch;
* an alert cannot be decided by somebody who has not looked at it, and cannot be closed without a disposition;
* told, shown and decided are entries, each before it happens.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from glassplate.encoding import sha256_hex
from glassplate.errors import InputRefused, UsageError
from glassplate.near_match import match_in_words, wanted_plates
from glassplate.plate_text import PlatePattern, normalize
from glassplate.recognize.regions import CERTAIN_FROM, region_codes
from glassplate.records import (
    KEEPS_EVIDENCE,
    UNKNOWN,
    Alert,
    AlertState,
    HotlistEntry,
    HotlistImport,
    HotlistPage,
    ShownAlert,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.authorize import Authorizer, Permission
    from glassplate.gate import Gate
    from glassplate.mandate import Mandate
    from glassplate.record import Recorder
    from glassplate.records import MatchKind, PlateRead, Receipt, Session
    from glassplate.registry import Registry, StoredAlert

MIN_PLATE_LENGTH = 5  # shorter entries match strangers by the dozen
MAX_PLATE_LENGTH = 10
MAX_ROWS = 2_000  # one upload and one entry; the command line sends a larger list in parts
PAGE_ENTRIES, MAX_PAGE_ENTRIES = 100, 1_000  # of a list that may hold a million
MAX_WORDS = 120  # characters of an authority or a reason
MAX_NEAR_ALERTS_AN_HOUR = 60  # one a minute is what a person's eye can take beside its other work
HOUR = timedelta(hours=1)
COLUMNS = ("plate", "region", "category", "authority", "reason", "expires_at")
DISPOSITIONS = (
    "vehicle_located",
    "stop_made",
    "arrest",
    "not_located",
    "wrong_plate",
    "wrong_state",
    "entry_out_of_date",
    "no_action",
)


@dataclass(slots=True)
class _HeldBack:
    """When it was last recorded that near matches are held back; after a restart it is recorded again."""

    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """Matching, showing, deciding; uploading lists."""

    registry: Registry
    recorder: Recorder
    authorizer: Authorizer
    mandate: Mandate
    gate: Gate
    changing: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """Held from the look at an alert's state to its entry: no alert is raised or decided twice."""
    held_back: _HeldBack = field(default_factory=_HeldBack, repr=False)

    # --- matching (called by intake) -----------------------------------------------------------------------------

    def match(self, reads: Sequence[tuple[str, PlateRead]], now: datetime) -> int:
        """Raise an alert for each armed entry that a read matches; returns how many were new.

        Raises:
            LogUnavailable, StorageFailed: an alert could not be recorded. Deliver the reads again.
        """
        charter = self.mandate.last().verified.charter
        raised = 0
        found = wanted_plates(
            [read for _, read in reads], self.registry.hot_plates, allow_near=charter.alert_on_near_match
        )
        for number, plate, kind in found:
            epoch_id, read = reads[number]
            for entry in self.registry.hotlist_entries(plate, now):
                matches = _region_matches(entry, read)
                may_be_unknown = charter.alert_on_unknown_region and kind != "one_edit"
                if matches or (matches is None and may_be_unknown):
                    raised += self._raise_alert(epoch_id, read, entry, _Match(kind, matches), now)
        return raised

    def _raise_alert(
        self, epoch_id: str, read: PlateRead, entry: HotlistEntry, match: _Match, now: datetime
    ) -> int:
        alert_id = sha256_hex(f"{read.read_id}:{entry.entry_id}".encode())[:16]
        ids: dict[str, Any] = {
            "alert_id": alert_id,
            "read_id": read.read_id,
            "epoch_id": epoch_id,
            "entry_id": entry.entry_id,
            "region_matches": match.region,
            "matched": match.kind,
        }
        with self.changing:
            if self.registry.alert(alert_id) is not None or self._is_held_back(match.kind, now):
                return 0
            self.recorder.record(
                "alert",
                {**ids, "category": entry.category, "asked_by": "system"},
                at=now,
                operation={"kind": "alert_raised", "raised_at": now.isoformat(), **ids},
            )
            self.registry.note_camera(alert_id, read.camera_id)
        return 1

    def _is_held_back(self, kind: MatchKind, now: datetime) -> bool:
        """Whether the eye has enough near matches this hour. The hour is recorded and counted once; exact ones go on."""
        if kind == "exact" or self.registry.near_alerts_since(now - HOUR) < MAX_NEAR_ALERTS_AN_HOUR:
            return False
        if self.held_back.recorded_at is None or now - self.held_back.recorded_at >= HOUR:
            self.recorder.record(
                "near-matches-held-back",
                {"most_an_hour": MAX_NEAR_ALERTS_AN_HOUR, "asked_by": "system"},
                at=now,
                operation={"kind": "counted", "counts": {"hours with near matches held back": 1}},
            )
            self.held_back.recorded_at = now
        return True

    # --- the eye -------------------------------------------------------------------------------------------------

    def waiting(self, token: str | None) -> list[Alert]:
        """Alerts, newest first; the crop is opened only by ``show``."""
        session = self.gate.who(token)
        now = self.gate.time.now()
        self.authorizer.authorize(session, "see_alert", "hotlist_alerts", now)
        return [self._alert(stored) for stored in self.registry.alerts()]

    def show(self, token: str | None, alert_id: str) -> ShownAlert:
        """Open one alert: its read and crop beside the entry. The entry comes first."""
        now = self.gate.time.now()
        session = self.gate.who(token)
        stored = self._stored(alert_id)
        decision = self.authorizer.authorize(session, "see_alert", "hotlist_alerts", now)
        account_id = session.account.account_id
        receipt = self.recorder.record(
            "alert-shown",
            {
                "account_id": account_id,
                "alert_id": alert_id,
                "read_id": stored.read_id,
                **decision.replayable(),
            },
            at=now,
            operation={"kind": "alert_shown", "alert_id": alert_id, "account_id": account_id},
        )
        alert, found = self._alert(stored), self.gate.open_alert_read(stored.read_id)
        difference = match_in_words(alert.matched, found.read.text, alert.entry.plate) if found else ""
        return ShownAlert(self.recorder.settle(receipt), alert, found, difference)

    def decide(
        self, token: str | None, alert_id: str, *, confirmed: bool, disposition: str, note: str
    ) -> Receipt:
        """Close an alert with what the eye saw and what was done."""
        now = self.gate.time.now()
        session = self.gate.who(token)
        decision = self.authorizer.authorize(session, "decide_alert", "hotlist_alerts", now)
        if disposition not in DISPOSITIONS:
            raise UsageError(f"Choose what was done: {', '.join(DISPOSITIONS)}.")
        with self.changing:
            self._check_open(session, self._stored(alert_id), now)
            return self._record_decision(session, alert_id, confirmed, disposition, note, decision, now)

    def _check_open(self, session: Session, stored: StoredAlert, now: datetime) -> None:
        alert_id, account_id = stored.alert_id, session.account.account_id
        if not self.registry.alert_was_shown_to(alert_id, account_id):
            message = "Look at the alert's picture first, then decide."
            raise self.authorizer.refusal(
                session, "decide_alert", "eyes-first", message, now, alert_id=alert_id
            )
        if stored.state != "waiting":
            message = f"This alert was already {stored.state}."
            raise self.authorizer.refusal(
                session, "decide_alert", "alert-open", message, now, alert_id=alert_id
            )

    def _record_decision(
        self,
        session: Session,
        alert_id: str,
        confirmed: bool,
        disposition: str,
        note: str,
        decision: Permission,
        now: datetime,
    ) -> Receipt:
        state: AlertState = "confirmed" if confirmed else "dismissed"
        return self.recorder.record(
            "disposition",
            {
                "account_id": session.account.account_id,
                "alert_id": alert_id,
                "state": state,
                "disposition": disposition,
                "note": note,
                "proposes_hold": disposition in KEEPS_EVIDENCE,
                **decision.replayable(),
            },
            at=now,
            operation={
                "kind": "alert_decided",
                "alert_id": alert_id,
                "state": state,
                "disposition": disposition,
            },
        )

    # --- lists -----------------------------------------------------------------------------------------------------

    def hotlist(
        self, token: str | None, *, plate: str = "", after: str = "", limit: int = PAGE_ENTRIES
    ) -> HotlistPage:
        """Armed entries, by plate; ``plate``: only those that begin so; ``after``: the page's ``next`` before.

        Raises:
            UsageError: more than ``MAX_PAGE_ENTRIES`` are asked for, or ``after`` is no page's ``next``.
        """
        now = self.gate.time.now()
        session = self.gate.who(token)
        self.authorizer.authorize(session, "import_hotlist", "hotlist_alerts", now)
        last = tuple(after.split("/")) if after else ("", "")
        if not 1 <= limit <= MAX_PAGE_ENTRIES or len(last) != 2:  # noqa: PLR2004 - plate and id
            raise UsageError(
                f"A page has 1 to {MAX_PAGE_ENTRIES} entries; go on with the word that the last one gave."
            )
        entries = self.registry.hotlist(now, prefix=plate, after=(last[0], last[1]), limit=limit)
        end = f"{entries[-1].plate}/{entries[-1].entry_id}" if len(entries) == limit else ""
        return HotlistPage(tuple(entries), self.registry.hotlist_size(now), end)

    def import_hotlist(self, token: str | None, rows: list[dict[str, str]], authority: str) -> HotlistImport:
        """Arm what the charter allows; drop and count the rest."""
        now = self.gate.time.now()
        session = self.gate.who(token)
        decision = self.authorizer.authorize(session, "import_hotlist", "hotlist_alerts", now)
        if len(rows) > MAX_ROWS:
            raise InputRefused(f"The list has {len(rows)} rows; at most {MAX_ROWS} at once. Split the file.")
        armed = self.mandate.current(now).verified.charter.hotlist_categories
        dropped: dict[str, int] = {}
        entries = []
        for row in rows:
            entry, reason = _judged(row, authority, armed, now)
            if reason:
                dropped[reason] = dropped.get(reason, 0) + 1
            if entry:
                entries.append(entry)
        receipt = self.recorder.record(
            "hotlist-imported",
            {
                "account_id": session.account.account_id,
                "authority": authority,
                "armed": len(entries),
                "dropped": dropped,
                **decision.replayable(),
            },
            at=now,
            public={"armed": str(len(entries)), "dropped": str(sum(dropped.values()))},
            operation={
                "kind": "hotlist_imported",
                "added_at": now.isoformat(),
                "entries": entries,
                "dropped": dropped,
            },
        )
        self.registry.tidy_hot_plates()
        return HotlistImport(receipt=receipt, armed=len(entries), dropped=dropped)

    def withdraw(self, token: str | None, entry_id: str, reason: str) -> Receipt:
        """Disarm one entry at once, such as a vehicle that was found."""
        now = self.gate.time.now()
        session = self.gate.who(token)
        decision = self.authorizer.authorize(session, "import_hotlist", "hotlist_alerts", now)
        if self.registry.hotlist_entry(entry_id) is None:
            raise UsageError("No armed entry has this id. List them with: glassplate hotlist list")
        return self.recorder.record(
            "hotlist-withdrawn",
            {
                "account_id": session.account.account_id,
                "entry_id": entry_id,
                "reason": reason[:MAX_WORDS],
                **decision.replayable(),
            },
            at=now,
            operation={"kind": "hotlist_withdrawn", "entry_id": entry_id},
        )

    def drop_ended(self, now: datetime) -> None:
        """Forget plates whose entries have ended; an alert then shows that its entry was removed."""
        if self.registry.has_ended_entries(now):
            self.recorder.record(
                "hotlist-ended", {}, at=now, operation={"kind": "hotlist_ended", "until": now.isoformat()}
            )
        self.registry.tidy_hot_plates()

    # --- plumbing --------------------------------------------------------------------------------------------------

    def _stored(self, alert_id: str) -> StoredAlert:
        stored = self.registry.alert(alert_id)
        if stored is None:
            raise UsageError("No alert has this id. List them with: glassplate alerts")
        return stored

    def _alert(self, stored: StoredAlert) -> Alert:
        entry = self.registry.hotlist_entry(stored.entry_id)
        return Alert(
            alert_id=stored.alert_id,
            raised_at=stored.raised_at,
            camera_name=self.authorizer.camera_name(stored.camera_id),
            entry=entry
            or HotlistEntry(stored.entry_id, "", UNKNOWN, UNKNOWN, "", "removed", stored.raised_at),
            state=stored.state,  # type: ignore[arg-type]
            region_matches=stored.region_matches,
            disposition=stored.disposition,
            matched=stored.matched,
        )


class _Match(NamedTuple):
    """How a read matches an entry. ``region`` None: it cannot be told."""

    kind: MatchKind
    region: bool | None


def _region_matches(entry: HotlistEntry, read: PlateRead) -> bool | None:
    """None where it cannot be told: a side is unknown, or the read names the country only and the entry its state.

    A read's region that is not certain is unknown: as it is no match, it is no mismatch that hides a wanted plate.
    """
    wanted, seen = _code(entry.region), _code(read.region)
    is_told = read.region_confidence >= CERTAIN_FROM and seen in region_codes() and _is_clear(wanted)
    if not is_told:
        return None
    if seen == wanted or seen.startswith(f"{wanted}-"):
        return True
    return None if wanted.startswith(f"{seen}-") else False


def _code(region: str) -> str:
    """In the normal form: rows were stored as they were written before codes were checked."""
    return region.strip().upper()


def _judged(
    row: dict[str, str], authority: str, armed: tuple[str, ...], now: datetime
) -> tuple[dict[str, str] | None, str | None]:
    """(entry to arm or None, reason to count or None)."""
    category = row.get("category", "").strip()
    if category not in armed:
        return None, "category not allowed by the charter"
    plate = _full_plate(row.get("plate", ""))
    if plate is None:
        return None, "plate too short, too long or with a wildcard"
    region = _code(row.get("region", ""))
    if region not in ("", UNKNOWN.upper()) and not _is_clear(region):
        return None, "region is no clear code, such as US-CA or FR"
    reason = row.get("reason", "").strip()
    if not reason:
        return None, "no reason"
    ends = _end_date(row.get("expires_at", ""))
    if ends is None or ends <= now:
        return None, "no end date, or already ended"
    entry = {
        "plate": plate,
        "region": region if _is_clear(region) else UNKNOWN,
        "category": category,
        "authority": (row.get("authority", "").strip() or authority)[:MAX_WORDS],
        "reason": reason[:MAX_WORDS],
        "expires_at": ends.isoformat(),
    }
    entry["entry_id"] = sha256_hex("\n".join(entry[name] for name in COLUMNS).encode())[:16]
    has_more = any(value.strip() for name, value in row.items() if name not in COLUMNS)
    return entry, "columns about persons or unknown columns removed" if has_more else None


def _is_clear(code: str) -> bool:
    """Whether a list can mean one region by ``code`` only: MD is Moldova's code and what Maryland writes."""
    return (
        code in region_codes() and f"US-{code}" not in region_codes() and f"CA-{code}" not in region_codes()
    )


def _full_plate(text: str) -> str | None:
    """The plate, or None when it is no full one: a character left out of a strange word would make another plate."""
    try:
        has_wildcards = PlatePattern.parse(text).has_wildcards
    except UsageError:
        return None
    plate = normalize(text)
    return plate if not has_wildcards and MIN_PLATE_LENGTH <= len(plate) <= MAX_PLATE_LENGTH else None


def _end_date(text: str) -> datetime | None:
    try:
        ends = datetime.fromisoformat(text.strip())
        return ends.replace(tzinfo=UTC) if ends.tzinfo is None else ends.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
