"""``glassplate approvals``: what waits for a second person."""

from __future__ import annotations

from typing import Annotated

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import confirm, emit, shown, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.records import ApprovalRequest

_verbs = typer.Typer(
    help="Requests that need a second person: list, show, approve, refuse; invitations.", no_args_is_help=True
)
RequestId = Annotated[str, typer.Argument(help="Id from glassplate approvals list.")]
Reason = Annotated[str, typer.Option(help="Why, in a few words for the record.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="approvals")


@_verbs.command("list", epilog="Example: glassplate approvals list --json")
def list_requests(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Your own requests, and those that people of your roles decide."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        found = client.approvals()
    rows = [(a.request_id, a.action, a.asked_by, f"{a.expires_at:%Y-%m-%d %H:%M}", a.state) for a in found]
    columns = ("Id", "Act", "Asked by", "Ends (UTC)", "State")
    emit(found, table("Requests for approval", columns, rows) if rows else "Nothing waits for approval.")


@_verbs.command("show", epilog="Example: glassplate approvals show 1f2e3d4c5b6a7988")
def show(
    request_id: RequestId, directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None
) -> None:
    """Exactly what was asked. Looking is recorded."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        asked = client.show_approval(request_id)
    emit(asked, request_lines(asked))


@_verbs.command(
    "approve", epilog="Example: glassplate approvals approve 1f2e3d4c5b6a7988 --reason 'Read the report'"
)
def approve(
    request_id: RequestId,
    reason: Reason,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Approve one request, once, after it was shown to you."""
    del json
    _decide(request_id, reason, directory, unlock, approves=True, yes=yes)


@_verbs.command(
    "refuse", epilog="Example: glassplate approvals refuse 1f2e3d4c5b6a7988 --reason 'No such case'"
)
def refuse(
    request_id: RequestId,
    reason: Reason,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Refuse one request for good; it can only be asked anew."""
    del json
    _decide(request_id, reason, directory, unlock, approves=False, yes=yes)


@_verbs.command("invitation", epilog="Example: glassplate approvals invitation 1f2e3d4c5b6a7988")
def invitation(
    request_id: RequestId, directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None
) -> None:
    """Get your part of the invitation of an account that you approved; hand it to that person yourself."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        part = client.release_invitation(request_id)
    emit(
        {"second_part": part},
        [
            "The second part of the invitation; an earlier one is void now:",
            f"  {part}",
            "Hand it to the person whom it is for, never to who asked for the account.",
        ],
    )


def _decide(
    request_id: str, reason: str, directory: Dir, unlock: Unlock, *, approves: bool, yes: bool
) -> None:
    with vault_client(city(directory), unlock=unlock) as client:
        asked = client.show_approval(request_id)
        question = "\n".join([*request_lines(asked), "Approve exactly this?" if approves else "Refuse this?"])
        confirm(question, yes=yes)
        receipt = client.decide_approval(request_id, asked.request_sha256, approve=approves, reason=reason)
    done = "approved" if approves else "refused"
    emit(receipt, f"Recorded as entry {receipt.entry_index:,}: {request_id} is {done}.")


def request_lines(asked: ApprovalRequest) -> list[str]:
    """One request for the eyes of who decides."""
    lines = [
        f"Request {asked.request_id}: {asked.action}, asked by {asked.asked_by}; {asked.state}.",
        f"  asked {asked.asked_at:%Y-%m-%d %H:%M} UTC, ends {asked.expires_at:%Y-%m-%d %H:%M} UTC",
    ]
    lines += [
        f"  {name:<22} {_value(value)}" for name, value in asked.words.items() if value not in (None, "", [])
    ]
    lines += [f"  {'approved' if yes else 'refused'} by {who}" for who, yes in asked.decided_by]
    return [shown(line) for line in lines]


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
