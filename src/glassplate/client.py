"""How everybody but the vault speaks to the vault: typed calls over its Unix socket.

The client holds no authority of its own: each call carries the caller's session token, and the vault checks it.
Errors that the vault raised arrive here as the same types (``glassplate.errors``).
"""

from __future__ import annotations

import functools
import socket
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx
from pydantic import TypeAdapter, ValidationError
from pydantic_core import CoreConfig, SchemaValidator

from glassplate.errors import GlassplateError, VaultUnreachable, error_from_kind
from glassplate.records import (
    Account,
    ActSignature,
    Alert,
    ApprovalRequest,
    BackupState,
    BatchOutcome,
    CharterSummary,
    ClockState,
    EntrySummary,
    EpochStatus,
    EvidencePackage,
    ExportRequest,
    Hold,
    HoldProposal,
    HoldRequest,
    HotlistImport,
    HotlistPage,
    InvitedAccount,
    OpenedHold,
    OpenedImage,
    PastSearch,
    PlacedHold,
    Receipt,
    SealedBody,
    SearchQuestion,
    SearchRequest,
    SearchResult,
    Session,
    ShownAlert,
    VaultStatus,
)

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_SECONDS = 60.0  # a search takes milliseconds; publishing or purging after a long sleep takes longer

Record = TypeVar("Record")


class VaultClient:
    """Calls to one vault. ``token`` is the session of the person on whose behalf the caller acts, or None."""

    def __init__(self, socket_path: Path, token: str | None = None) -> None:
        self._socket_path = socket_path
        self._was_reached = False
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(
                uds=str(socket_path), verify=False
            ),  # local socket: no TLS to prepare
            base_url="http://vault",
            headers=headers,
            timeout=ANSWER_SECONDS,
        )

    def __repr__(self) -> str:
        return f"VaultClient({self._socket_path})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    # --- anybody -----------------------------------------------------------------------------------------------

    def status(self) -> VaultStatus:
        """Health and charter in short."""
        return self._get("/v1/status", VaultStatus)

    def charter(self) -> CharterSummary:
        """The charter in force."""
        return self._get("/v1/charter", CharterSummary)

    def install_charter(self, documents: dict[str, str]) -> Receipt:
        """Install a fully signed charter: file name -> text, the six files of ``docs/formats/charter.md`` §3."""
        return self._post("/v1/charter", Receipt, documents=documents)

    def stop(self, document: str) -> Receipt:
        """Hand over an office's signed emergency stop."""
        return self._post("/v1/charter/stop", Receipt, document=document)

    # --- signing in ----------------------------------------------------------------------------------------------

    def sign_in_options(self, account_id: str | None = None) -> dict[str, Any]:
        """WebAuthn request options (JSON, as ``navigator.credentials.get`` wants them)."""
        return self._post("/v1/sign-in/options", dict[str, Any], account_id=account_id)

    def sign_in(self, assertion: dict[str, Any], origin: str) -> tuple[str, Session]:
        """Exchange a passkey assertion for a session token."""
        return self._post("/v1/sign-in", tuple[str, Session], assertion=assertion, origin=origin)

    def redeem_link(self, secret: str) -> tuple[str, Session]:
        """Exchange a one-time link's secret for a session (only under a charter marked demo)."""
        return self._post("/v1/sign-in/link", tuple[str, Session], secret=secret)

    def registration_options(self, invitation: str) -> dict[str, Any]:
        """WebAuthn creation options for the person who holds ``invitation``."""
        return self._post("/v1/passkeys/options", dict[str, Any], invitation=invitation)

    def register_passkey(self, invitation: str, attestation: dict[str, Any], origin: str) -> Account:
        """Store a new passkey for the invited account."""
        return self._post(
            "/v1/passkeys", Account, invitation=invitation, attestation=attestation, origin=origin
        )

    def session(self) -> Session:
        """Who am I?"""
        return self._get("/v1/session", Session)

    def sign_out(self) -> None:
        """End this session."""
        self._post("/v1/sign-out", type(None))

    def begin_pairing(self) -> tuple[str, str]:
        """(code to show to the person, secret to poll with): pairs the command line through the browser."""
        return self._post("/v1/pairings", tuple[str, str])

    def confirm_pairing(self, code: str) -> None:
        """The signed-in person confirms the code that the command line shows."""
        self._post("/v1/pairings/confirm", type(None), code=code)

    def finish_pairing(self, secret: str) -> tuple[str, Session] | None:
        """The paired session, or None while nobody has confirmed the code."""
        answer = cast("type[tuple[str, Session] | None]", tuple[str, Session] | None)
        return self._post("/v1/pairings/finish", answer, secret=secret)

    # --- officer ---------------------------------------------------------------------------------------------------

    def search(self, request: SearchRequest) -> SearchResult:
        """Record and search."""
        return self._post("/v1/searches", SearchResult, request=_plain(request))

    def next_page(self, search_index: int) -> SearchResult:
        """The page after the one of entry ``search_index``, a search of the same person; an entry of its own."""
        return self._post(f"/v1/searches/{search_index}/next", SearchResult)

    def my_searches(self) -> list[PastSearch]:
        """The caller's own searches, newest first."""
        return self._get("/v1/searches", list[PastSearch])

    def questions(self) -> list[SearchQuestion]:
        """What auditors ask about the caller's own searches, newest first. Leaves an entry when there is any."""
        return self._get("/v1/questions", list[SearchQuestion])

    def reply(self, finding_index: int, search_index: int, text: str) -> Receipt:
        """Answer an auditor's question about a search of one's own."""
        return self._post(f"/v1/questions/{finding_index}/{search_index}/reply", Receipt, text=text)

    def open_image(self, read_id: str, search_index: int, kind: str) -> OpenedImage:
        """Open a crop or scene of a read that search entry ``search_index`` of the same person showed."""
        return self._post("/v1/images", OpenedImage, read_id=read_id, search_index=search_index, kind=kind)

    def alerts(self) -> list[Alert]:
        """Alerts waiting or decided, newest first; no plate of a passer-by in it."""
        return self._get("/v1/alerts", list[Alert])

    def show_alert(self, alert_id: str) -> ShownAlert:
        """Open one alert for the eye: crop beside the entry. Leaves an entry."""
        return self._post(f"/v1/alerts/{alert_id}/show", ShownAlert)

    def decide_alert(self, alert_id: str, *, confirmed: bool, disposition: str, note: str) -> Receipt:
        """Close an alert with what the eye saw and what was done."""
        return self._post(
            f"/v1/alerts/{alert_id}/decision",
            Receipt,
            confirmed=confirmed,
            disposition=disposition,
            note=note,
        )

    def hotlist(self, *, plate: str = "", after: str = "", limit: int = 100) -> HotlistPage:
        """Armed entries, by plate; ``plate``: only those that begin so; ``after``: where the page before ended."""
        return self._post("/v1/hotlist/page", HotlistPage, plate=plate, after=after, limit=limit)

    def import_hotlist(self, rows: list[dict[str, str]], authority: str) -> HotlistImport:
        """Upload rows (``docs/formats.md`` §9); what the charter does not allow is dropped and counted."""
        return self._post("/v1/hotlist", HotlistImport, rows=rows, authority=authority)

    # --- second persons --------------------------------------------------------------------------------------------

    def approvals(self) -> list[ApprovalRequest]:
        """Requests for approval: one's own, and those that people of one's roles decide."""
        return self._get("/v1/approvals", list[ApprovalRequest])

    def show_approval(self, request_id: str) -> ApprovalRequest:
        """One request with its words. Leaves an entry."""
        return self._post(f"/v1/approvals/{request_id}/show", ApprovalRequest)

    def decision_options(
        self, request_id: str, request_sha256: str, *, approve: bool, reason: str
    ) -> dict[str, Any] | None:
        """What one's own passkey is to sign for this decision; None where it needs no signature."""
        answer = cast("type[dict[str, Any] | None]", dict[str, Any] | None)
        path = f"/v1/approvals/{request_id}/decision/options"
        return self._post(path, answer, request_sha256=request_sha256, approve=approve, reason=reason)

    def use_options(self, request_id: str) -> dict[str, Any] | None:
        """What one's own passkey is to sign to run what was approved; None where it needs no signature."""
        answer = cast("type[dict[str, Any] | None]", dict[str, Any] | None)
        return self._post(f"/v1/approvals/{request_id}/use/options", answer)

    def decide_approval(
        self,
        request_id: str,
        request_sha256: str,
        *,
        approve: bool,
        reason: str,
        signature: ActSignature | None = None,
    ) -> Receipt:
        """Approve or refuse exactly the request that was shown."""
        return self._post(
            f"/v1/approvals/{request_id}/decision",
            Receipt,
            request_sha256=request_sha256,
            approve=approve,
            reason=reason,
            signature=_plain(signature) if signature else None,
        )

    def clock_state(self) -> ClockState:
        """What the vault believes of the clock."""
        return self._get("/v1/time", ClockState)

    def ask_time(self, at: datetime) -> None:
        """Say what time it is after a jump; raises ``ApprovalNeeded``, which names the request."""
        self._post("/v1/time/ask", type(None), at=at.isoformat())

    def confirm_time(self, request_id: str) -> Receipt:
        """Confirm the time that one said and another person approved."""
        return self._post("/v1/time/confirm", Receipt, request_id=request_id)

    # --- evidence ---------------------------------------------------------------------------------------------------

    def place_hold(self, request: HoldRequest) -> PlacedHold:
        """Keep reads past their retention; another person approved exactly this request."""
        return self._post("/v1/holds", PlacedHold, request=_plain(request))

    def holds_of_case(self, case_number: str) -> list[Hold]:
        """The holds of one case, newest first."""
        return self._post("/v1/holds/of-case", list[Hold], case_number=case_number)

    def open_hold(self, hold_id: str, case_number: str) -> OpenedHold:
        """Look at what a hold keeps. Leaves an entry."""
        return self._post(f"/v1/holds/{hold_id}/open", OpenedHold, case_number=case_number)

    def hold_proposals(self) -> list[HoldProposal]:
        """Stops and arrests whose read dies with its day unless somebody holds it."""
        return self._get("/v1/holds/proposals", list[HoldProposal])

    def export(self, request: ExportRequest, signature: ActSignature | None = None) -> EvidencePackage:
        """A signed package of reads; a supervisor and an auditor approved exactly this request."""
        signed = _plain(signature) if signature else None
        return self._post("/v1/exports", EvidencePackage, request=_plain(request), signature=signed)

    # --- oversight -------------------------------------------------------------------------------------------------

    def entries(self, first: int = 0, count: int = 100) -> list[EntrySummary]:
        """Public halves of the log's entries ``first`` … ``first + count - 1``."""
        return self._get("/v1/log/entries", list[EntrySummary], first=first, count=count)

    def proof(self, index: int) -> str:
        """The ``.tlog-proof`` of one published entry."""
        return self._get(f"/v1/log/entries/{index}/proof", str)

    def bodies(self, first: int = 0, count: int = 100) -> list[SealedBody]:
        """Sealed bodies for the auditor keys (auditors only)."""
        return self._get("/v1/log/bodies", list[SealedBody], first=first, count=count)

    def record_finding(self, document: dict[str, Any]) -> Receipt:
        """Put a finding that the auditor's office signed into the record (auditors only)."""
        return self._post("/v1/findings", Receipt, document=document)

    def record_owner_request(self, plate: str, identity_note: str) -> Receipt:
        """Record that an identified owner asks about a plate (auditors only)."""
        return self._post("/v1/owner-requests", Receipt, plate=plate, identity_note=identity_note)

    def epochs(self) -> list[EpochStatus]:
        """Every epoch key's life."""
        return self._get("/v1/epochs", list[EpochStatus])

    # --- lane --------------------------------------------------------------------------------------------------------

    def epoch_bundle(self) -> str:
        """The signed note that lists the epochs' public keys for the days ahead."""
        return self._get("/v1/bundle", str)

    def deliver(self, batch: bytes) -> BatchOutcome:
        """Hand over one signed batch; returns only when everything accepted is durable."""
        answer = self._send("POST", "/v1/batches", content=batch)
        return _validated(BatchOutcome, answer.content)

    def heartbeat(self, beat: bytes) -> None:
        """Say how a live lane fares: one signed heartbeat."""
        self._send("POST", "/v1/heartbeats", content=beat)

    # --- administrator -------------------------------------------------------------------------------------------------

    def accounts(self) -> list[Account]:
        """Everybody who may sign in."""
        return self._get("/v1/accounts", list[Account])

    def add_account(
        self, account_id: str, display_name: str, roles: tuple[str, ...], training_valid_until: datetime
    ) -> InvitedAccount:
        """Make an account; returns it with its one-time invitation, or half of one, to register a passkey."""
        return self._post(
            "/v1/accounts",
            InvitedAccount,
            account_id=account_id,
            display_name=display_name,
            roles=list(roles),
            training_valid_until=training_valid_until.isoformat(),
        )

    def release_invitation(self, request_id: str) -> str:
        """The second part of the invitation of an account that the caller approved."""
        return self._post(f"/v1/approvals/{request_id}/invitation", str)

    def close_account(self, account_id: str, reason: str) -> Receipt:
        """Close somebody's account for good."""
        return self._post(f"/v1/accounts/{account_id}/close", Receipt, reason=reason)

    def change_roles(self, account_id: str, roles: tuple[str, ...]) -> Receipt:
        """Give and take roles; giving needs a second person's approval."""
        return self._post(f"/v1/accounts/{account_id}/roles", Receipt, roles=list(roles))

    def renew_training(self, account_id: str, until: datetime) -> Receipt:
        """Record that somebody's training is current until a day."""
        return self._post(f"/v1/accounts/{account_id}/training", Receipt, until=until.isoformat())

    def withdraw_hotlist_entry(self, entry_id: str, reason: str) -> Receipt:
        """Disarm one hot-list entry."""
        return self._post(f"/v1/hotlist/{entry_id}/withdraw", Receipt, reason=reason)

    def issue_link(self, account_id: str) -> str:
        """A one-time sign-in secret for somebody (demo charters only)."""
        return self._post("/v1/sign-in/issue-link", str, account_id=account_id)

    def advance_demo_clock(self, to: datetime) -> datetime:
        """Let a demo's days pass (only a vault with a demo clock knows this call)."""
        return self._post("/v1/demo/clock", datetime, to=to.isoformat())

    def start_backup(self) -> None:
        """Have a backup made below the settings' ``backup_folder``; ``backup_state`` tells how far it has come."""
        self._post("/v1/backup", type(None))

    def backup_state(self) -> BackupState:
        """The backup that runs, or the last one since the vault started."""
        return self._get("/v1/backup", BackupState)

    def purge(self) -> list[str]:
        """Destroy every epoch that is due; returns their ids."""
        return self._post("/v1/purge", list[str])

    def publish(self) -> int:
        """Publish the log and the public pages now; returns the published size."""
        return self._post("/v1/publish", int)

    def report(self) -> dict[str, Any]:
        """The public report's numbers."""
        return self._get("/v1/report", dict[str, Any])

    # --- plumbing --------------------------------------------------------------------------------------------------------

    def _get(self, path: str, kind: type[Record], /, **query: Any) -> Record:
        return _validated(kind, self._send("GET", path, params=query).content)

    def _post(self, path: str, kind: type[Record], /, **body: Any) -> Record:
        return _validated(kind, self._send("POST", path, json=body).content)

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            if not self._was_reached:
                self._probe()
            response = self._http.request(method, path, **arguments)
            self._was_reached = True
        except (httpx.TransportError, OSError):
            self._was_reached = False
            raise VaultUnreachable(
                f"No vault answers on {self._socket_path}. Start it with: glassplate serve"
            ) from None
        if response.is_error:
            raise _error_of(response)
        return response

    def _probe(self) -> None:
        """Knock first: httpcore leaves its socket open when nobody answers."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
            knock.connect(str(self._socket_path))


def _plain(record: Any) -> Any:
    return TypeAdapter(type(record)).dump_python(record, mode="json")


def _validated(kind: type[Record], content: bytes) -> Record:
    try:
        return cast("Record", _validator(cast("Any", kind)).validate_json(content))
    except ValidationError as error:
        raise GlassplateError(
            f"The vault's answer has {error.error_count()} unexpected values: "
            "client and vault are of different versions; restart glassplate serve."
        ) from None


@functools.cache
def _validator(kind: Any) -> SchemaValidator:  # a type, which mypy does not take for hashable
    """Pydantic's own would keep 16,384 strings of answers in a cache for good, and plates among them."""
    return SchemaValidator(TypeAdapter(kind).core_schema, CoreConfig(cache_strings="none"))


def _error_of(response: httpx.Response) -> GlassplateError:
    try:
        problem = response.json()
        return error_from_kind(str(problem["kind"]), str(problem["detail"]), tuple(problem.get("rules", ())))
    except (ValueError, KeyError, TypeError):
        return GlassplateError(f"The vault answered {response.status_code} without an explanation.")
