"""``glassplate time``: what the vault believes of the clock; two persons confirm it after a jump."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from glassplate.cli.connection import vault_client
from glassplate.cli.console import confirm, emit
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, Yes, city
from glassplate.errors import UsageError
from glassplate.records import ClockState

_verbs = typer.Typer(help="The clock: show, confirm after a jump.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="time")


@_verbs.command("show", epilog="Example: glassplate time show")
def show(directory: Dir = DEFAULT_DIR, json: Json = False, unlock: Unlock = None) -> None:
    """What time the vault acts at, what is certain, and whether the clock has jumped."""
    del json
    with vault_client(city(directory), signed_in=False, unlock=unlock) as client:
        state = client.clock_state()
    emit(state, _lines(state))


@_verbs.command(
    "confirm",
    epilog="Example: glassplate time confirm --at 2026-11-25T09:30Z      "
    "Once approved: glassplate time confirm --approval 1f2e3d4c5b6a7988",
)
def confirm_time(
    at: Annotated[
        str | None, typer.Option(help="What time it is, by another clock: 2026-11-25T09:30Z.")
    ] = None,
    approval: Annotated[
        str | None, typer.Option(help="Confirm what you said under this request id, now approved.")
    ] = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
    unlock: Unlock = None,
) -> None:
    """Say what time it is; once another person has approved it, confirm it. Keys that are due by it die."""
    del json
    if (at is None) is (approval is None):
        raise UsageError("Give either --at, to say what time it is, or --approval, once that was approved.")
    with vault_client(city(directory), unlock=unlock) as client:
        if at is not None:
            client.ask_time(_time(at))  # raises what it waits for
            return
        state = client.clock_state()
        confirm(
            "\n".join([*_lines(state), "Confirm the clock? Keys that are due by it die at once."]), yes=yes
        )
        receipt = client.confirm_time(approval or "")
    emit(
        receipt,
        f"Recorded as entry {receipt.entry_index:,}: the clock is believed. What was due is destroyed.",
    )


def _lines(state: ClockState) -> list[str]:
    lines = [
        f"The clock shows      {_shown(state.clock_at)}",
        f"The vault acts at    {_shown(state.acts_at)}",
        f"Keys die by          {_shown(state.certain_at)}",
    ]
    if state.needs_confirmation:
        return [
            *lines,
            (
                f"The clock is {state.minutes_ahead:,} minutes ahead of what is certain. Keys that only this calls due "
                "are kept, and their reads are not searched, until a time source or two persons confirm it."
            ),
        ]
    return [*lines, "The clock has not jumped; there is nothing to confirm."]


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time. Write 2026-11-25T09:30Z.") from None
    if time.tzinfo is None:
        raise UsageError(f"{text!r} has no zone. Write 2026-11-25T09:30Z.")
    return time
