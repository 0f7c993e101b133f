"""``glassplate account``: who may sign in (administrators)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import confirm, emit, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.config import load_settings
from glassplate.errors import UsageError

_verbs = typer.Typer(help="Accounts: add, list, roles, close, training.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="account")


@_verbs.command(
    "add",
    epilog="Example: glassplate account add r.alvarez --name 'Sgt. R. Alvarez' --role officer --trained-until 2027-06-30",
)
def add(
    account_id: Annotated[str, typer.Argument(help="Lower-case id, such as r.alvarez.")],
    name: Annotated[str, typer.Option(help="Name as colleagues know it.")],
    role: Annotated[
        list[str], typer.Option(help="officer, supervisor, auditor, records, administrator or council.")
    ],
    trained_until: Annotated[str, typer.Option(help="Day on which the training lapses (YYYY-MM-DD).")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Make an account and print its one-time invitation to register a passkey."""
    del json
    until = _day(trained_until)
    folder = city(directory)
    with vault_client(folder, unlock=unlock) as client:
        made = client.add_account(account_id, name, tuple(role), until)
    settings = load_settings(folder)
    address = f"{settings.officer_origin}/passkeys/new"
    lines = [
        f"Made {made.account.account_id} ({', '.join(made.account.roles)}).",
        f"Hand over in person: open {address} and enter",
        f"  {made.invitation}",
    ]
    if made.second_part_of is not None:
        lines.append(
            "It opens nothing without its second part, which whoever approved the account hands over: "
            f"glassplate approvals invitation {made.second_part_of}"
        )
    emit(
        {
            "account": made.account,
            "invitation": made.invitation,
            "second_part_of": made.second_part_of,
            "address": address,
        },
        lines,
    )


@_verbs.command("close", epilog="Example: glassplate account close r.alvarez --reason 'Left the department'")
def close(
    account_id: Annotated[str, typer.Argument(help="Whose account.")],
    reason: Annotated[str, typer.Option(help="Why, in a few words for the record.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Close an account for good and end its sessions: a leaver, or a stolen passkey."""
    del json
    confirm(f"Close {account_id} for good?", yes=yes)
    with vault_client(city(directory), unlock=unlock) as client:
        receipt = client.close_account(account_id, reason)
    emit(receipt, f"Recorded as entry {receipt.entry_index:,}: {account_id} is closed.")


@_verbs.command(
    "roles", epilog="Example: glassplate account roles r.alvarez --role officer --role supervisor"
)
def roles(
    account_id: Annotated[str, typer.Argument(help="Whose roles.")],
    role: Annotated[list[str], typer.Option(help="A role that the person has from now on; may be repeated.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Give and take roles. Taking is immediate; giving needs a second person (glassplate approvals)."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        receipt = client.change_roles(account_id, tuple(role))
    emit(receipt, f"Recorded as entry {receipt.entry_index:,}: {account_id} has {', '.join(role)}.")


@_verbs.command("training", epilog="Example: glassplate account training r.alvarez --until 2027-06-30")
def training(
    account_id: Annotated[str, typer.Argument(help="Whose training.")],
    until: Annotated[str, typer.Option(help="Day on which it lapses (YYYY-MM-DD).")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Record that somebody has been trained again."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        receipt = client.renew_training(account_id, _day(until))
    emit(receipt, f"Recorded as entry {receipt.entry_index:,}: {account_id} is trained until {until}.")


@_verbs.command("list", epilog="Example: glassplate account list")
def list_accounts(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """Everybody who may sign in."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        found = client.accounts()
    rows = [
        (
            a.account_id,
            a.display_name,
            ", ".join(a.roles),
            "yes" if a.active else "no",
            f"{a.training_valid_until:%Y-%m-%d}" if a.training_valid_until else "none",
            str(a.passkeys),
        )
        for a in found
    ]
    emit(found, table("Accounts", ("Id", "Name", "Roles", "Active", "Training until", "Passkeys"), rows))


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"{text!r} is no day. Write 2027-06-30.") from None
