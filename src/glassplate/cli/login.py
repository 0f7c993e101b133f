"""``glassplate login``: pair this command line with your passkey through the browser."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.connection import save_token, saved_token, vault_client
from glassplate.cli.console import emit, say
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.config import load_settings
from glassplate.errors import GlassplateError, InputRefused, NotSignedIn, Refused, UsageError

if TYPE_CHECKING:
    from glassplate.client import VaultClient
    from glassplate.config import CityFolder
    from glassplate.records import Session

MAX_INVITATION_BYTES = 64 * 1024
POLL_SECONDS = 1.0
WAIT_SECONDS = 600.0  # as long as the vault keeps a pairing


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "login", epilog="Example: glassplate login      In the demo: glassplate login --demo r.alvarez"
    )(login)


def login(
    demo: Annotated[
        str | None, typer.Option("--demo", help="Sign in as this account with the demo's software passkey.")
    ] = None,
    invitation: Annotated[
        Path | None,
        typer.Option(
            help="With --demo: first make that passkey, with the invitation in this file (text, or JSON)."
        ),
    ] = None,
    out: Annotated[bool, typer.Option("--out", help="Sign out instead.")] = False,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Sign in for this command line."""
    del json
    folder = city(directory)
    if out:
        _sign_out(folder, unlock)
        return
    with vault_client(folder, signed_in=False, unlock=unlock) as client:
        if demo and invitation:
            demo_enroll(client, folder, demo, read_invitation(invitation))
        token, session = demo_sign_in(client, folder, demo) if demo else _pair(client, folder)
    save_token(folder, token)
    emit(
        session,
        f"Signed in as {session.account.display_name} ({session.sign_in_method}), until {session.expires_at:%H:%M} UTC.",
    )


def demo_sign_in(client: VaultClient, folder: CityFolder, account_id: str) -> tuple[str, Session]:
    """Sign in with the software passkey that the demo keeps in ``D/people``.

    Raises:
        Refused: when the charter in force is not a demo's.
        UsageError: when the demo made no such person.
    """
    from glassplate.demo.authenticator import DemoAuthenticator

    charter = client.charter()
    if charter.mark != "demo":
        raise Refused(
            f"The charter of {charter.city} is marked {charter.mark}: software passkeys open demo cities only. "
            "Sign in with your own passkey: glassplate login",
            ("demo-only",),
        )
    path = demo_passkey(folder, account_id)
    if not path.exists():
        raise UsageError(f"The demo has nobody called {account_id!r} (no {path}).")
    origin = load_settings(folder).officer_origin
    options = client.sign_in_options(account_id)
    return client.sign_in(DemoAuthenticator.load(path).sign_in(options, origin), origin)


def demo_enroll(client: VaultClient, folder: CityFolder, account_id: str, invitation: str) -> None:
    """Make a software passkey for an invited person and register it; the vault refuses outside a demo.

    Raises:
        UsageError: when the person has one already.
    """
    from glassplate.demo.authenticator import DemoAuthenticator

    path = demo_passkey(folder, account_id)
    if path.exists():
        raise UsageError(
            f"{account_id} has a software passkey already ({path}). Sign in without --invitation."
        )
    origin = load_settings(folder).officer_origin
    options = client.registration_options(invitation)
    authenticator = DemoAuthenticator.create(path)
    try:
        client.register_passkey(invitation, authenticator.register(options, origin), origin)
    except GlassplateError:
        path.unlink()  # a passkey that the vault does not know would only confuse
        raise


def read_invitation(path: Path) -> str:
    """The secret in a file: plain text, or the JSON that ``init`` or ``account add`` printed.

    Raises:
        InputRefused: when it cannot be read or holds none.
    """
    try:
        text = path.read_bytes()[:MAX_INVITATION_BYTES].decode().strip()
        return str(json_module.loads(text)["invitation"]) if text.startswith("{") else text
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, ValueError, KeyError):
        raise InputRefused(f"{path} holds no invitation.") from None


def demo_passkey(folder: CityFolder, account_id: str) -> Path:
    """Where the demo keeps a person's software passkey."""
    return folder.root / "people" / f"{account_id}.passkey.json"


def _pair(client: VaultClient, folder: CityFolder) -> tuple[str, Session]:
    code, secret = client.begin_pairing()
    say(
        f"Open {load_settings(folder).officer_origin}/pair in your browser, sign in, and confirm this code:\n\n    {code}\n"
    )
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if paired := client.finish_pairing(secret):
            return paired
        time.sleep(POLL_SECONDS)
    raise NotSignedIn("Nobody confirmed the code in ten minutes. Run glassplate login again.", ("signed-in",))


def _sign_out(folder: CityFolder, unlock: Path | None) -> None:
    if saved_token(folder):
        with vault_client(folder, unlock=unlock) as client:
            client.sign_out()
        save_token(folder, None)
    emit({"signed_out": True}, "Signed out.")
