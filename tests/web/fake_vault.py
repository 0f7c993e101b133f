"""An honest stand-in for the vault: the same calls as ``VaultClient``, the same order of events.

It keeps the rules that the faces depend on: no session, no answer; an entry before anything is shown; a
prohibited use or a bad case number is refused with its rule; an alert is decided only by somebody who looked.
It skips keys, signatures, storage and the socket; its data is invented.
``log_is_down`` and ``is_unreachable`` fail the way the real one fails.
"""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from PIL import Image, ImageDraw, ImageFont

from glassplate.errors import (
    ApprovalNeeded,
    InputRefused,
    LogUnavailable,
    NotSignedIn,
    Refused,
    SignatureNeeded,
    UsageError,
    VaultUnreachable,
)
from glassplate.records import (
    Account,
    ActSignature,
    Alert,
    Alternative,
    ApprovalRequest,
    CharterSummary,
    EntrySummary,
    EpochStatus,
    EvidencePackage,
    ExportRequest,
    FoundRead,
    Hold,
    HoldProposal,
    HoldRequest,
    HotlistEntry,
    KeptRead,
    OpenedHold,
    OpenedImage,
    PastSearch,
    PlacedHold,
    PlateRead,
    Receipt,
    SearchQuestion,
    SearchRequest,
    SearchResult,
    Session,
    ShownAlert,
    SignInMethod,
    VaultStatus,
    Vehicle,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
LINK_SECRET = "one-time-link-of-the-test"
SIGNING_CHALLENGE = "b2YgdGhpcyBhY3Q"
PASSKEY_ID = "passkey-of-the-test"
INVITATION = "invitation-of-the-test"
SECOND_PART = "second-part-of-the-test"
PAIRING_CODE = "BCDFGH"
FIRST_ENTRY = 18_442
_RETENTION = timedelta(days=30)

OFFICER = Account(
    "r.alvarez", "Sgt. R. Alvarez", ("officer",), active=True, training_valid_until=None, passkeys=1
)

CHARTER = CharterSummary(
    version=3,
    city="Exampleville",
    agency="Exampleville Police Department",
    mark="demo",
    not_before=NOW - timedelta(days=90),
    expires_at=NOW + timedelta(days=275),
    retention_minutes=30 * 24 * 60,
    epoch_minutes=24 * 60,
    publication_interval_seconds=60,
    purposes=(
        ("stolen_vehicle", "finding a stolen vehicle"),
        ("missing_person", "finding a missing or abducted person"),
    ),
    offenses=(("vc_10851", "theft of a vehicle"), ("none", "no offense: endangered person")),
    declared_uses=(
        ("own_case", "for a case of this agency", False),
        ("other_agency", "for another agency", False),
        ("immigration", "for immigration enforcement", True),
    ),
    features=(
        ("plate_search", True),
        ("wildcard_search", True),
        ("hotlist_alerts", True),
        ("bulk_export", False),
    ),
    recognizers=("paddleocr 1",),
    cameras=(
        ("court-16th", "Court St at 16th St"),
        ("harbor-22nd", "Harbor Way at 22nd St"),
        ("river-bridge", "SR 9 at River Bridge, eastbound"),
    ),
    hotlist_categories=("stolen_vehicle", "endangered_person"),
    grants=(),
    case_number_example="26-004512",
    signed_by=(("clerk", "4f:1c:" + "9a:" * 13 + "77"), ("chief", "b2:03:" + "5e:" * 13 + "18")),
    policy_sha256="7d8e0a" + "3c" * 29,
)


def crop(text: str, *, dark: bool = False) -> bytes:
    """A drawn plate as JPEG."""
    image = Image.new("RGB", (280, 112), "#23272e" if dark else "#3b424c")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((24, 16, 256, 96), 8, fill="#8f8f8c" if dark else "#eef0f0")
    draw.text((140, 28), "EXAMPLE STATE", fill="#1c2a52", font=ImageFont.load_default(11), anchor="mm")
    draw.text(
        (140, 62), f"{text[:4]} {text[4:]}", fill="#1c2a52", font=ImageFont.load_default(44), anchor="mm"
    )
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def found(
    number: int, text: str, doubtful: int | None, camera: tuple[str, str], ago: timedelta, vehicle: Vehicle
) -> FoundRead:
    """One read. ``doubtful`` is the position of its one unsure character."""
    confidences = tuple(0.61 if at == doubtful else 0.97 for at in range(len(text)))
    at = NOW - ago
    read = PlateRead(
        read_id=f"{number:032x}",
        text=text,
        character_confidences=confidences,
        camera_id=camera[0],
        captured_at=at,
        recognizer="ppocr-v6",
        box=(100, 100, 120, 48),
        alternatives=(Alternative("7KDR214", 0.31),) if doubtful is not None else (),
        vehicle=vehicle,
    )
    return FoundRead(read, camera[1], at + _RETENTION, crop(text, dark=doubtful is not None), has_scene=True)


_SEDAN = Vehicle("sedan", 0.9, "silver", 0.8)
READS = (
    found(1, "7KDR214", None, CHARTER.cameras[0], timedelta(hours=12, minutes=22), _SEDAN),
    found(2, "7KOR214", 2, CHARTER.cameras[1], timedelta(hours=40), Vehicle("suv", 0.8, "black", 0.4)),
    found(3, "7KDR214", None, CHARTER.cameras[2], timedelta(days=2, hours=3), _SEDAN),
    found(4, "7KDR2I4", 5, CHARTER.cameras[0], timedelta(days=3, hours=1), Vehicle()),
)


def approval(
    number: int, action: str, asked_by: str, words: dict[str, Any], **changes: Any
) -> ApprovalRequest:
    """A request that somebody made two hours ago."""
    at = NOW - timedelta(hours=2)
    made = ApprovalRequest(
        f"{number:016x}", action, asked_by, at, at + timedelta(days=1), "waiting", f"{number:064x}", (), words
    )
    return replace(made, **changes)


SEARCH_WORDS: dict[str, Any] = {
    "plate": "7KDR214",
    "purpose": "stolen_vehicle",
    "offense": "vc_10851",
    "case_number": "26-004512",
    "since": (NOW - timedelta(days=2)).isoformat(),
    "until": NOW.isoformat(),
    "camera_ids": ["court-16th", "harbor-22nd"],
    "declared_use": "own_case",
    "on_behalf_of": None,
    "limit": 100,
    "warrant": "",
}
ACCOUNT_WORDS: dict[str, Any] = {
    "account_id": "n.person",
    "display_name": "New Person",
    "roles": ["officer"],
    "training_valid_until": (NOW + timedelta(days=300)).isoformat(),
}
EXPORT_WORDS: dict[str, Any] = {
    "case_number": "26-004512",
    "reason": "Discovery",
    "read_ids": ["a" * 32],
    "search_index": 18_447,
    "hold_id": None,
}
HOLD_WORDS: dict[str, Any] = {
    "case_number": "26-004512",
    "authority": "Court order 26-CR-118",
    "reason": "Evidence of the theft",
    "until": (NOW + timedelta(days=90)).isoformat(),
    "read_ids": ["a" * 32],
    "search_index": 18_447,
}
ENTRY = HotlistEntry(
    "e" * 16,
    "7KDR214",
    "EX",
    "stolen_vehicle",
    "Exampleville PD, auto theft desk",
    "Taken from 4th St on Nov 20",
    NOW + timedelta(days=20),
)


@dataclass
class FakeVault:
    """The state; ``client`` is what a face gets."""

    charter: CharterSummary = CHARTER
    reads: tuple[FoundRead, ...] = READS
    alerts: list[Alert] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    entries: list[EntrySummary] = field(default_factory=list)
    history: list[PastSearch] = field(default_factory=list)
    questions: list[SearchQuestion] = field(default_factory=list)
    asked: list[SearchRequest] = field(default_factory=list)
    unserved: tuple[tuple[str, str], ...] = ()
    shown: set[str] = field(default_factory=set)
    paired: list[str] = field(default_factory=list)
    passkeys: set[str] = field(default_factory=lambda: {PASSKEY_ID})
    links: set[str] = field(default_factory=lambda: {LINK_SECRET})
    holds: list[Hold] = field(default_factory=list)
    asked_evidence: list[HoldRequest | ExportRequest] = field(default_factory=list)
    requests: list[ApprovalRequest] = field(default_factory=list)
    """What waits for a second person, newest first, with its words."""
    is_approved: bool = False
    """Whether second persons have approved what is held or exported."""
    page_size: int = 100
    pages: dict[int, tuple[SearchRequest, int]] = field(default_factory=dict)
    """Entry of a search -> what it asked, and its page."""
    search_needs_approval: bool = False
    signed: int = 0
    """Acts that a passkey signed."""
    log_is_down: bool = False
    is_unreachable: bool = False

    def __post_init__(self) -> None:
        """A waiting alert whose state is not known, a decided one, and some entries."""
        if not self.alerts:
            at = NOW - timedelta(minutes=4)
            self.alerts = [
                Alert("a1", at, CHARTER.cameras[1][1], ENTRY, "waiting", None),
                Alert(
                    "a0",
                    at - timedelta(days=1),
                    CHARTER.cameras[0][1],
                    ENTRY,
                    "dismissed",
                    True,
                    "wrong_plate",
                ),
            ]
        for kind, public in (
            ("charter-installed", {"version": "3"}),
            ("search", {}),
            ("search-outcome", {}),
            ("refusal", {"rules": "declared-use"}),
            ("epoch-destroyed", {"epoch": "2026-10-25"}),
        ):
            self.add_entry(kind, public)

    def add_entry(self, kind: str, public: dict[str, str] | None = None) -> Receipt:
        """Record, or refuse to go on."""
        if self.log_is_down:
            raise LogUnavailable("The record's disk is full. Nothing was answered; free space and try again.")
        index = len(self.entries)
        shown = {"type": kind, "time": "2026-11-25T09:00:00Z", **(public or {})}
        self.entries.append(EntrySummary(index, kind, NOW.replace(minute=0), shown))
        return Receipt(
            FIRST_ENTRY + index,
            "c0ffee" * 10 + "beef",
            NOW,
            "L1",
            "glassplate receipt\n18442\n\n— log AAAA\n",
        )

    def sign_in(
        self,
        token: str = "token-of-the-test",
        account: Account = OFFICER,
        method: SignInMethod = "one-time link",
    ) -> str:
        """A session without the ceremony, for tests that are about something else."""
        self.sessions[token] = Session(account, NOW + timedelta(hours=12), method)
        return token

    def client(self, token: str | None) -> FakeClient:
        """What ``VaultClient(socket, token)`` is."""
        return FakeClient(self, token)


class FakeClient:
    """The calls that the faces make."""

    def __init__(self, vault: FakeVault, token: str | None) -> None:
        self._vault = vault
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _who(self) -> Session:
        self._reach()
        session = self._vault.sessions.get(self._token or "")
        if session is None:
            raise NotSignedIn("Your session has ended. Sign in again.", ("signed-in",))
        return session

    def _reach(self) -> None:
        if self._vault.is_unreachable:
            raise VaultUnreachable("No vault answers. Start it with: glassplate serve")

    def status(self) -> VaultStatus:
        self._reach()
        size = len(self._vault.entries)
        return VaultStatus(
            healthy=True,
            problems=(),
            charter=self._vault.charter,
            log_origin="exampleville.example/glassplate",
            log_size=size,
            published_size=max(0, size - 1),
            now=NOW,
            oldest_live_read_at=NOW - timedelta(days=29),
            live_epochs=30,
            next_destruction_at=NOW + timedelta(hours=14),
        )

    def session(self) -> Session:
        return self._who()

    def sign_in_options(self, account_id: str | None = None) -> dict[str, Any]:
        self._reach()
        return {
            "challenge": "Y2hhbGxlbmdl",
            "rpId": "localhost",
            "allowCredentials": [],
            "userVerification": "required",
        }

    def sign_in(self, assertion: dict[str, Any], origin: str) -> tuple[str, Session]:
        if assertion.get("id") not in self._vault.passkeys:
            raise NotSignedIn("Sign-in refused: an unknown passkey.", ("signed-in",))
        token = self._vault.sign_in("token-from-passkey", method="passkey")
        return token, self._vault.sessions[token]

    def redeem_link(self, secret: str) -> tuple[str, Session]:
        if secret not in self._vault.links:
            raise NotSignedIn(
                "Sign-in refused: a one-time link that is unknown, used or too old.", ("signed-in",)
            )
        self._vault.links.remove(secret)
        token = self._vault.sign_in("token-from-link")
        return token, self._vault.sessions[token]

    def registration_options(self, invitation: str) -> dict[str, Any]:
        self._invited(invitation)
        return {
            "challenge": "Y2hhbGxlbmdl",
            "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
            "rp": {"id": "localhost", "name": "Glassplate"},
            "user": {"id": "dXNlcg", "name": OFFICER.account_id, "displayName": OFFICER.display_name},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
        }

    def register_passkey(self, invitation: str, attestation: dict[str, Any], origin: str) -> Account:
        self._invited(invitation)
        self._vault.passkeys.add(attestation["id"])
        return OFFICER

    def _invited(self, invitation: str) -> None:
        if invitation != INVITATION:
            raise InputRefused(
                "This invitation is unknown, used or too old. Ask an administrator for a new one."
            )

    def sign_out(self) -> None:
        self._who()
        del self._vault.sessions[self._token or ""]

    def confirm_pairing(self, code: str) -> None:
        self._who()
        if code != PAIRING_CODE:
            raise UsageError("No command line waits for this code. Compare it with the terminal.")
        self._vault.paired.append(code)

    def search(self, request: SearchRequest) -> SearchResult:
        self._who()
        charter = self._vault.charter
        if any(use == request.declared_use and prohibited for use, _, prohibited in charter.declared_uses):
            self._vault.add_entry("refusal", {"rules": "declared-use"})
            raise Refused("The charter forbids searches for immigration enforcement.", ("declared-use",))
        if not re.fullmatch(r"\d\d-\d{6}", request.case_number):
            self._vault.add_entry("refusal", {"rules": "case-number"})
            raise Refused("This is not a case number of this agency.", ("case-number",))
        if request.plate and not re.fullmatch(r"[A-Z0-9?*]+", request.plate):
            raise UsageError("A plate has letters, digits, ? and * only.")
        if request.kind == "camera_window" and not self._vault.is_approved:
            self._vault.add_entry("approval-asked")
            raise ApprovalNeeded("It waits as request 1f2e3d4c5b6a7988.", ("approval-needed",))
        if self._vault.search_needs_approval:
            self._vault.add_entry("approval-asked")
            raise ApprovalNeeded("It waits as request 1f2e3d4c5b6a7988.", ("approval-needed",))
        return self._page(request, 1)

    def next_page(self, search_index: int) -> SearchResult:
        self._who()
        if search_index not in self._vault.pages:
            self._vault.add_entry("refusal", {"rules": "own-search"})
            raise Refused("That search is not one of yours.", ("own-search",))
        request, page = self._vault.pages[search_index]
        return self._page(request, page + 1)

    def _page(self, request: SearchRequest, page: int) -> SearchResult:
        charter = self._vault.charter
        receipt = self._vault.add_entry("search")
        self._vault.asked.append(request)
        self._vault.pages[receipt.entry_index] = request, page
        pattern = request.plate.replace("?", ".").replace("*", ".*") or ".*"
        alike = pattern.replace("D", "[DO]").replace("1", "[1I]")
        reads = tuple(one for one in self._vault.reads if re.fullmatch(alike, one.read.text))
        first = (page - 1) * self._vault.page_size
        shown, more = reads[first : first + self._vault.page_size], reads[first + self._vault.page_size :]
        self._vault.add_entry("search-outcome")
        self._vault.history.insert(
            0,
            PastSearch(
                receipt.entry_index,
                NOW,
                request.plate or request.kind,
                request.purpose,
                request.offense,
                request.case_number,
                "answered",
                len(shown),
            ),
        )
        version = f"charter {charter.version}, policy {charter.policy_sha256[:12]}"
        return SearchResult(
            receipt,
            version,
            request,
            shown,
            bool(more),
            request.since,
            request.until,
            self._vault.unserved,
            page,
        )

    def my_searches(self) -> list[PastSearch]:
        self._who()
        return self._vault.history

    def questions(self) -> list[SearchQuestion]:
        self._who()
        return list(self._vault.questions)

    def reply(self, finding_index: int, search_index: int, text: str) -> Receipt:
        self._who()
        self._vault.questions = [
            replace(q, reply=text)
            if (q.finding_index, q.search_index) == (finding_index, search_index)
            else q
            for q in self._vault.questions
        ]
        return self._vault.add_entry("audit-reply")

    def open_image(self, read_id: str, search_index: int, kind: str) -> OpenedImage:
        self._who()
        receipt = self._vault.add_entry("image-opened")
        return OpenedImage(receipt, read_id, "scene", crop("7KDR214"))

    def alerts(self) -> list[Alert]:
        self._who()
        return self._vault.alerts

    def show_alert(self, alert_id: str) -> ShownAlert:
        self._who()
        alert = self._alert(alert_id)
        receipt = self._vault.add_entry("alert-shown")
        self._vault.shown.add(alert_id)
        found = self._vault.reads[1] if self._vault.reads else None
        difference = "" if alert.matched == "exact" else "One character differs: O for D."
        return ShownAlert(receipt, alert, found, difference)

    def decide_alert(self, alert_id: str, *, confirmed: bool, disposition: str, note: str) -> Receipt:
        self._who()
        alert = self._alert(alert_id)
        if alert_id not in self._vault.shown:
            raise Refused("Look at the alert's picture first, then decide.", ("eyes-first",))
        receipt = self._vault.add_entry("disposition")
        state = "confirmed" if confirmed else "dismissed"
        self._vault.alerts = [
            replace(one, state=state, disposition=disposition) if one is alert else one
            for one in self._vault.alerts
        ]
        return receipt

    def _alert(self, alert_id: str) -> Alert:
        for alert in self._vault.alerts:
            if alert.alert_id == alert_id:
                return alert
        raise UsageError("No alert has this id. List them with: glassplate alerts")

    def hold_proposals(self) -> list[HoldProposal]:
        self._who()
        return [
            HoldProposal(alert.alert_id, alert.raised_at, alert.disposition, NOW + timedelta(days=29))
            for alert in self._vault.alerts
            if alert.disposition in ("stop_made", "arrest")
        ]

    def approvals(self) -> list[ApprovalRequest]:
        self._who()
        return [replace(one, words={}) for one in self._vault.requests]

    def show_approval(self, request_id: str) -> ApprovalRequest:
        self._who()
        self._vault.add_entry("approval-shown")
        return self._request(request_id)

    def decision_options(
        self, request_id: str, request_sha256: str, *, approve: bool, reason: str
    ) -> dict[str, Any] | None:
        return self._signing_options()

    def use_options(self, request_id: str) -> dict[str, Any] | None:
        return self._signing_options()

    def _signing_options(self) -> dict[str, Any] | None:
        is_needed = self._who().sign_in_method == "passkey"
        return {**self.sign_in_options(), "challenge": SIGNING_CHALLENGE} if is_needed else None

    def _demand_signature(self, signature: ActSignature | None) -> None:
        """A known passkey's answer to the challenge of this act, from a session that began with a passkey."""
        if self._who().sign_in_method != "passkey":
            return
        if signature is None or signature.assertion["id"] not in self._vault.passkeys:
            raise SignatureNeeded("This act needs a fresh signature.", ("fresh-passkey",))
        client_data = base64.urlsafe_b64decode(signature.assertion["response"]["clientDataJSON"] + "==")
        if json.loads(client_data)["challenge"] != SIGNING_CHALLENGE:
            raise SignatureNeeded("This act needs a signature of its own.", ("fresh-passkey",))
        self._vault.signed += 1

    def decide_approval(
        self,
        request_id: str,
        request_sha256: str,
        *,
        approve: bool,
        reason: str,
        signature: ActSignature | None = None,
    ) -> Receipt:
        account_id = self._who().account.account_id
        asked = self._request(request_id)
        if asked.asked_by == account_id:
            raise Refused("You cannot decide your own request; somebody else must.", ("not-yourself",))
        if asked.state not in ("waiting", "approved"):
            raise Refused(f"This request is {asked.state}.", ("approval-open",))
        if not reason or request_sha256 != asked.request_sha256:
            raise UsageError("That is not the request that was shown. Look at it again, then decide.")
        self._demand_signature(signature)
        receipt = self._vault.add_entry("approval-given" if approve else "approval-refused")
        decided = replace(
            asked,
            state="approved" if approve else "refused",
            decided_by=(*asked.decided_by, (account_id, approve)),
        )
        self._vault.requests = [decided if one is asked else one for one in self._vault.requests]
        return receipt

    def release_invitation(self, request_id: str) -> str:
        account_id = self._who().account.account_id
        if (account_id, True) not in self._request(request_id).decided_by:
            raise Refused("Only who approved this account.", ("invitation-approver",))
        self._vault.add_entry("invitation-released")
        return SECOND_PART

    def _request(self, request_id: str) -> ApprovalRequest:
        for asked in self._vault.requests:
            if asked.request_id == request_id:
                return asked
        raise UsageError("No request has this id. List them with: glassplate approvals list")

    def place_hold(self, request: HoldRequest) -> PlacedHold:
        self._who()
        if not self._vault.is_approved:
            self._vault.add_entry("approval-asked")
            raise ApprovalNeeded("It waits as request 1f2e3d4c5b6a7988.", ("approval-needed",))
        if request.until <= NOW:
            raise UsageError("A hold ends on a day in the future.")
        receipt = self._vault.add_entry("hold")
        self._vault.asked_evidence.append(request)
        hold = Hold(
            f"hold-{len(self._vault.holds):016x}",
            request.case_number,
            NOW,
            request.until,
            OFFICER.account_id,
            request.authority,
            "held",
            max(1, len(request.read_ids)),
            False,
            receipt.entry_index,
        )
        self._vault.holds.append(hold)
        return PlacedHold(receipt, hold, (("2026-10-25", "Its key is destroyed."),))

    def holds_of_case(self, case_number: str) -> list[Hold]:
        self._who()
        return [hold for hold in self._vault.holds if hold.case_number == case_number]

    def open_hold(self, hold_id: str, case_number: str) -> OpenedHold:
        self._who()
        for hold in self.holds_of_case(case_number):
            if hold.hold_id == hold_id:
                reads = tuple(
                    KeptRead(one.read, one.camera_name, "2026-11-25", "0" * 64, one.crop_jpeg, one.crop_jpeg)
                    for one in self._vault.reads[:2]
                )
                return OpenedHold(self._vault.add_entry("hold-opened"), hold, reads)
        raise Refused("No hold of this case has this id.", ("hold-case",))

    def export(self, request: ExportRequest, signature: ActSignature | None = None) -> EvidencePackage:
        self._who()
        if not self._vault.is_approved:
            self._vault.add_entry("approval-asked")
            raise ApprovalNeeded("It waits as request 1f2e3d4c5b6a7988.", ("approval-needed",))
        self._demand_signature(signature)
        self._vault.asked_evidence.append(request)
        return EvidencePackage(self._vault.add_entry("export"), len(request.read_ids), "0" * 64, b"PK")

    def entries(self, first: int = 0, count: int = 100) -> list[EntrySummary]:
        self._who()
        return self._vault.entries[first : first + count]

    def proof(self, index: int) -> str:
        self._who()
        return f"c2sp.org/tlog-proof@v1\nindex {index}\n"

    def epochs(self) -> list[EpochStatus]:
        self._who()
        day = timedelta(days=1)
        midnight = NOW.replace(hour=0, minute=0)
        return [
            EpochStatus(
                (midnight - day * ago).strftime("%Y-%m-%d"),
                midnight - day * ago,
                midnight - day * (ago - 1),
                midnight - day * (ago - 30),
                state,
                reads,
            )
            for ago, state, reads in (
                (-1, "open", None),
                (0, "open", 1_204),
                (1, "closed", 18_770),
                (31, "destroyed", None),
            )
        ]
