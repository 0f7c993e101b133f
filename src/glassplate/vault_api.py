"""The vault's socket: HTTP routes over the ``Vault``, nothing decided here.

Each route hands the caller's token to a function that authenticates and authorizes by itself; a route without a
token argument answers anybody who can reach the socket, and says nothing about plates, people or cases.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from glassplate import records
from glassplate.errors import GlassplateError, InputRefused, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from glassplate.vault import Vault

BODY_LIMIT = 64 * 1024  # every JSON call but those below
HEARTBEAT_LIMIT = 4096  # one has some 500 bytes
HOTLIST_LIMIT = 4 * 1024 * 1024
CHARTER_LIMIT = 1024 * 1024
FINDING_LIMIT = 512 * 1024  # a hundred notes of a thousand characters, in base64
BATCH_LIMIT = 32 * 1024 * 1024  # 250 reads with their crops
BATCHES_AT_ONCE = 4  # bodies in memory together: 128 MiB; the others wait, unread
BATCH_SECONDS = 60.0  # a body that takes longer is given up, so that it keeps no other lane out
HEARTBEAT_SECONDS = 10.0
DUTY_INTERVAL_SECONDS = 1.0
WAKE_LOOKS = 5  # in one interval
_LIMITS = {
    "/v1/batches": BATCH_LIMIT,
    "/v1/heartbeats": HEARTBEAT_LIMIT,
    "/v1/hotlist": HOTLIST_LIMIT,
    "/v1/charter": CHARTER_LIMIT,
    "/v1/findings": FINDING_LIMIT,
}

Field = Annotated[str, Body(embed=True, max_length=4096)]


def _token(authorization: Annotated[str | None, Header()] = None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme == "Bearer" and token else None


Token = Annotated[str | None, Depends(_token)]


def create_api(vault: Vault) -> FastAPI:
    """The ASGI application of one vault."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        duties = asyncio.create_task(_run_duties(vault))
        yield
        duties.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await duties
        await run_in_threadpool(vault.close)

    app = FastAPI(
        title="Glassplate vault",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.middleware("http")(_limit_body)
    app.add_exception_handler(GlassplateError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnicodeEncodeError, _half_character)
    app.add_exception_handler(OverflowError, _out_of_range)
    app.add_exception_handler(HTTPException, _unroutable)
    app.add_exception_handler(Exception, _unexpected)
    _add_open_routes(app, vault)
    _add_lane_routes(app, vault)
    _add_sign_in_routes(app, vault)
    _add_pairing_routes(app, vault)
    _add_officer_routes(app, vault)
    _add_evidence_routes(app, vault)
    _add_export_routes(app, vault)
    _add_oversight_routes(app, vault)
    _add_finding_routes(app, vault)
    _add_administrator_routes(app, vault)
    _add_approval_routes(app, vault)
    _add_time_routes(app, vault)
    if vault.demo_clock is not None:
        _add_demo_routes(app, vault)
    return app


async def _run_duties(vault: Vault) -> None:
    """The timers. A duty that fails is reported by ``status`` and tried again; it never stops the next one."""
    while True:
        await run_in_threadpool(vault.duties)
        await run_in_threadpool(vault.sweep_memory)
        for _ in range(WAKE_LOOKS):  # a machine that slept has duties that are overdue
            await asyncio.sleep(DUTY_INTERVAL_SECONDS / WAKE_LOOKS)
            if vault.has_woken():
                break


def _add_open_routes(app: FastAPI, vault: Vault) -> None:
    @app.get("/v1/status")
    def status() -> records.VaultStatus:
        return vault.health.status()

    @app.get("/v1/charter")
    def charter() -> records.CharterSummary:
        return vault.mandate.summary()

    @app.post("/v1/charter")
    def install_charter(documents: Annotated[dict[str, str], Body(embed=True)]) -> records.Receipt:
        return vault.install_charter(documents)

    @app.post("/v1/charter/stop")
    def stop(document: Field) -> records.Receipt:
        return vault.stop(document)

    @app.post("/v1/purge")
    def purge() -> list[str]:
        return vault.purge.run()

    @app.post("/v1/backup")
    def start_backup() -> None:
        vault.backups.start()

    @app.get("/v1/backup")
    def backup_state() -> records.BackupState:
        return vault.backups.state()


def _add_lane_routes(app: FastAPI, vault: Vault) -> None:
    @app.get("/v1/bundle")
    def bundle() -> str:
        return vault.bundle()

    room = asyncio.Semaphore(BATCHES_AT_ONCE)

    @app.post("/v1/batches")
    async def batches(request: Request) -> records.BatchOutcome:
        async with room:
            try:
                content = await asyncio.wait_for(request.body(), BATCH_SECONDS)
            except TimeoutError:
                raise InputRefused("The batch did not arrive in a minute; deliver it again.") from None
            return await run_in_threadpool(vault.intake.accept, content)

    @app.post("/v1/heartbeats")
    async def heartbeat(request: Request) -> None:
        try:
            content = await asyncio.wait_for(request.body(), HEARTBEAT_SECONDS)
        except TimeoutError:
            raise InputRefused("The heartbeat did not arrive; send the next one.") from None
        await run_in_threadpool(vault.cameras.accept, content)


def _add_sign_in_routes(app: FastAPI, vault: Vault) -> None:
    sign_in = vault.sign_in

    @app.post("/v1/sign-in/options")
    def options(account_id: Annotated[str | None, Body(embed=True)] = None) -> dict[str, Any]:
        return sign_in.sign_in_options(account_id)

    @app.post("/v1/sign-in")
    def enter(assertion: Annotated[dict[str, Any], Body()], origin: Field) -> tuple[str, records.Session]:
        return sign_in.sign_in(assertion, origin)

    @app.post("/v1/sign-in/link")
    def redeem(secret: Field) -> tuple[str, records.Session]:
        return sign_in.redeem_link(secret)

    @app.post("/v1/passkeys/options")
    def registration_options(invitation: Field) -> dict[str, Any]:
        return sign_in.registration_options(invitation)

    @app.post("/v1/passkeys")
    def register(
        invitation: Field, attestation: Annotated[dict[str, Any], Body()], origin: Field
    ) -> records.Account:
        return sign_in.register_passkey(invitation, attestation, origin)

    @app.get("/v1/session")
    def session(token: Token) -> records.Session:
        return vault.gate.who(token)

    @app.post("/v1/sign-out")
    def sign_out(token: Token) -> None:
        sign_in.sign_out(vault.gate.who(token), token or "")


def _add_pairing_routes(app: FastAPI, vault: Vault) -> None:
    sign_in = vault.sign_in

    @app.post("/v1/pairings")
    def begin_pairing() -> tuple[str, str]:
        return sign_in.begin_pairing()

    @app.post("/v1/pairings/confirm")
    def confirm_pairing(token: Token, code: Field) -> None:
        sign_in.confirm_pairing(vault.gate.who(token), code)

    @app.post("/v1/pairings/finish")
    def finish_pairing(secret: Field) -> tuple[str, records.Session] | None:
        return sign_in.finish_pairing(secret)


def _add_officer_routes(app: FastAPI, vault: Vault) -> None:
    @app.post("/v1/searches")
    def search(
        token: Token, request: Annotated[records.SearchRequest, Body(embed=True)]
    ) -> records.SearchResult:
        return vault.gate.search(token, request)

    @app.post("/v1/searches/{search_index}/next")
    def next_page(token: Token, search_index: int) -> records.SearchResult:
        return vault.gate.next_page(token, search_index)

    @app.get("/v1/searches")
    def my_searches(token: Token) -> list[records.PastSearch]:
        return vault.gate.my_searches(token)

    @app.post("/v1/images")
    def image(
        token: Token, read_id: Field, search_index: Annotated[int, Body()], kind: Field
    ) -> records.OpenedImage:
        return vault.gate.open_image(token, read_id, search_index, kind)

    @app.get("/v1/alerts")
    def alerts(token: Token) -> list[records.Alert]:
        return vault.alerts.waiting(token)

    @app.post("/v1/alerts/{alert_id}/show")
    def show_alert(token: Token, alert_id: str) -> records.ShownAlert:
        return vault.alerts.show(token, alert_id)

    @app.post("/v1/alerts/{alert_id}/decision")
    def decide_alert(
        token: Token, alert_id: str, confirmed: Annotated[bool, Body()], disposition: Field, note: Field
    ) -> records.Receipt:
        return vault.alerts.decide(token, alert_id, confirmed=confirmed, disposition=disposition, note=note)

    @app.post("/v1/hotlist/page")  # a plate does not belong into an address
    def hotlist(
        token: Token, plate: Field, after: Field, limit: Annotated[int, Body()]
    ) -> records.HotlistPage:
        return vault.alerts.hotlist(token, plate=plate, after=after, limit=limit)

    @app.post("/v1/hotlist")
    def import_hotlist(
        token: Token, rows: Annotated[list[dict[str, str]], Body()], authority: Field
    ) -> records.HotlistImport:
        return vault.alerts.import_hotlist(token, rows, authority)


def _add_evidence_routes(app: FastAPI, vault: Vault) -> None:
    holds = vault.holds

    @app.post("/v1/holds")
    def place_hold(
        token: Token, request: Annotated[records.HoldRequest, Body(embed=True)]
    ) -> records.PlacedHold:
        return holds.place(token, request)

    @app.post("/v1/holds/of-case")
    def holds_of_case(token: Token, case_number: Field) -> list[records.Hold]:
        return holds.of_case(token, case_number)

    @app.get("/v1/holds/proposals")
    def proposals(token: Token) -> list[records.HoldProposal]:
        return holds.proposals(token)

    @app.post("/v1/holds/{hold_id}/open")
    def open_hold(token: Token, hold_id: str, case_number: Field) -> records.OpenedHold:
        return holds.open(token, hold_id, case_number)


def _add_export_routes(app: FastAPI, vault: Vault) -> None:
    @app.post("/v1/exports")
    def export(
        token: Token,
        request: Annotated[records.ExportRequest, Body(embed=True)],
        signature: Annotated[records.ActSignature | None, Body(embed=True)] = None,
    ) -> records.EvidencePackage:
        return vault.exports.make(token, request, signature)


def _add_oversight_routes(app: FastAPI, vault: Vault) -> None:
    @app.get("/v1/log/entries")
    def entries(token: Token, first: int = 0, count: int = 100) -> list[records.EntrySummary]:
        return vault.oversight.entries(token, first, count)

    @app.get("/v1/log/entries/{index}/proof")
    def proof(token: Token, index: int) -> str:
        return vault.oversight.proof(token, index)

    @app.get("/v1/log/bodies")
    def bodies(token: Token, first: int = 0, count: int = 100) -> list[records.SealedBody]:
        return vault.oversight.bodies(token, first, count)

    @app.get("/v1/epochs")
    def epochs(token: Token) -> list[records.EpochStatus]:
        return vault.oversight.epochs(token)

    @app.get("/v1/report")
    def report() -> dict[str, Any]:
        return vault.report.numbers()


def _add_finding_routes(app: FastAPI, vault: Vault) -> None:
    @app.post("/v1/findings")
    def record_finding(
        token: Token, document: Annotated[dict[str, Any], Body(embed=True)]
    ) -> records.Receipt:
        return vault.findings.record_finding(token, document)

    @app.post("/v1/owner-requests")
    def record_owner_request(token: Token, plate: Field, identity_note: Field) -> records.Receipt:
        return vault.findings.record_owner_request(token, plate, identity_note)

    @app.get("/v1/questions")
    def questions(token: Token) -> list[records.SearchQuestion]:
        return vault.findings.questions(token)

    @app.post("/v1/questions/{finding_index}/{search_index}/reply")
    def reply(token: Token, finding_index: int, search_index: int, text: Field) -> records.Receipt:
        return vault.findings.reply(token, finding_index, search_index, text)


def _add_administrator_routes(app: FastAPI, vault: Vault) -> None:
    @app.get("/v1/accounts")
    def accounts(token: Token) -> list[records.Account]:
        return vault.accounts.all(token)

    @app.post("/v1/accounts")
    def add_account(
        token: Token,
        account_id: Field,
        display_name: Field,
        roles: Annotated[list[str], Body()],
        training_valid_until: Annotated[datetime, Body()],
    ) -> records.InvitedAccount:
        return vault.accounts.add(token, account_id, display_name, tuple(roles), training_valid_until)

    @app.post("/v1/approvals/{request_id}/invitation")
    def release_invitation(token: Token, request_id: str) -> str:
        return vault.accounts.release_invitation(token, request_id)

    @app.post("/v1/accounts/{account_id}/close")
    def close_account(token: Token, account_id: str, reason: Field) -> records.Receipt:
        return vault.accounts.close(token, account_id, reason)

    @app.post("/v1/accounts/{account_id}/roles")
    def change_roles(
        token: Token, account_id: str, roles: Annotated[list[str], Body(embed=True)]
    ) -> records.Receipt:
        return vault.accounts.change_roles(token, account_id, tuple(roles))

    @app.post("/v1/accounts/{account_id}/training")
    def renew_training(
        token: Token, account_id: str, until: Annotated[datetime, Body(embed=True)]
    ) -> records.Receipt:
        return vault.accounts.renew_training(token, account_id, until)

    @app.post("/v1/hotlist/{entry_id}/withdraw")
    def withdraw(token: Token, entry_id: str, reason: Field) -> records.Receipt:
        return vault.alerts.withdraw(token, entry_id, reason)

    @app.post("/v1/publish")
    def publish(token: Token) -> int:
        return vault.publish_for(token)

    @app.post("/v1/sign-in/issue-link")
    def issue_link(token: Token, account_id: Field) -> str:
        return vault.accounts.issue_link(token, account_id)


def _add_approval_routes(app: FastAPI, vault: Vault) -> None:
    @app.get("/v1/approvals")
    def approvals(token: Token) -> list[records.ApprovalRequest]:
        return vault.approvals.all(token)

    @app.post("/v1/approvals/{request_id}/show")
    def show(token: Token, request_id: str) -> records.ApprovalRequest:
        return vault.approvals.show(token, request_id)

    @app.post("/v1/approvals/{request_id}/decision")
    def decide(
        token: Token,
        request_id: str,
        request_sha256: Field,
        approve: Annotated[bool, Body()],
        reason: Field,
        signature: Annotated[records.ActSignature | None, Body(embed=True)] = None,
    ) -> records.Receipt:
        return vault.approvals.decide(
            token, request_id, request_sha256, approve=approve, reason=reason, signature=signature
        )

    @app.post("/v1/approvals/{request_id}/decision/options")
    def decision_options(
        token: Token, request_id: str, request_sha256: Field, approve: Annotated[bool, Body()], reason: Field
    ) -> dict[str, Any] | None:
        return vault.approvals.decision_options(
            token, request_id, request_sha256, approve=approve, reason=reason
        )

    @app.post("/v1/approvals/{request_id}/use/options")
    def use_options(token: Token, request_id: str) -> dict[str, Any] | None:
        return vault.approvals.use_options(token, request_id)


def _add_time_routes(app: FastAPI, vault: Vault) -> None:
    @app.get("/v1/time")
    def time() -> records.ClockState:
        return vault.time_confirmation.state()

    @app.post("/v1/time/ask")
    def ask(token: Token, at: Annotated[datetime, Body(embed=True)]) -> None:
        vault.time_confirmation.ask(token, at)

    @app.post("/v1/time/confirm")
    def confirm(token: Token, request_id: Field) -> records.Receipt:
        return vault.confirm_time(token, request_id)


def _add_demo_routes(app: FastAPI, vault: Vault) -> None:
    @app.post("/v1/demo/clock")
    def advance(to: Annotated[datetime, Body(embed=True)]) -> datetime:
        return vault.advance_demo_clock(to)


async def _limit_body(request: Request, call_next: Any) -> Any:
    limit = _LIMITS.get(request.url.path, BODY_LIMIT)
    try:
        declared = int(request.headers.get("content-length", "0"))
    except ValueError:
        declared = limit + 1
    if declared > limit or "transfer-encoding" in request.headers:
        return _answer(InputRefused(f"The request is larger than {limit} bytes, or does not say its size."))
    return await call_next(request)


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GlassplateError)  # noqa: S101 - registered for this type only
    return _answer(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    places = sorted({".".join(str(part) for part in item["loc"][1:]) for item in error.errors()})
    return _answer(UsageError(f"These values are missing or malformed: {', '.join(places)}."))


async def _unroutable(_request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: an unknown path or method, a body that is no text or nests without end."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    if error.status_code == InputRefused.http_status:
        return _answer(InputRefused("The request's body cannot be read as JSON."))
    return _answer(
        UsageError("The vault has no such call; client and vault may differ in version."), error.status_code
    )


async def _half_character(_request: Request, _error: Exception) -> JSONResponse:
    """JSON can spell half of a surrogate pair, which no text that is recorded or asked for can hold."""
    return _answer(InputRefused("A text holds half a character; type it again."))


async def _out_of_range(_request: Request, _error: Exception) -> JSONResponse:
    return _answer(InputRefused("A number or time lies outside of what can be written."))


async def _unexpected(_request: Request, _error: Exception) -> PlainTextResponse:
    return PlainTextResponse("The vault failed unexpectedly; see its log.", status_code=500)


def _answer(error: GlassplateError, status: int | None = None) -> JSONResponse:
    """RFC 9457 problem document."""
    return JSONResponse(
        {
            "type": f"urn:glassplate:{error.kind}",
            "kind": error.kind,
            "detail": str(error),
            "rules": list(error.rules) if isinstance(error, Refused) else [],
        },
        status_code=status or error.http_status,
        media_type="application/problem+json",
    )
