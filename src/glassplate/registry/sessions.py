"""Who is it? A token becomes a person, or ``NotSignedIn``. Pure questions to the registry; nothing is cached."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from glassplate.encoding import sha256_hex
from glassplate.errors import NotSignedIn
from glassplate.records import Session, SignInMethod

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.registry.registry import Registry

IDLE_LIMIT = timedelta(minutes=15)  # CJIS AC-11 allows 30; a lost laptop is worth less this way
ABSOLUTE_LIMIT = timedelta(hours=12)  # one long shift
TOUCH_INTERVAL = timedelta(seconds=30)  # writing every use would cost an fsync a request


def hash_token(token: str) -> str:
    """What the registry and the log keep instead of the token."""
    return sha256_hex(token.encode())


def authenticate(registry: Registry, token: str | None, now: datetime) -> Session:
    """The live session behind ``token``.

    Raises:
        NotSignedIn: for no token, an unknown, ended or idle session, or a closed account.
    """
    if not token:
        raise NotSignedIn("You are not signed in. Sign in with your passkey.", ("signed-in",))
    stored = registry.session(hash_token(token))
    if stored is None or now >= stored.expires_at or now - stored.seen_at >= IDLE_LIMIT:
        raise NotSignedIn("Your session has ended. Sign in again with your passkey.", ("signed-in",))
    account = registry.account(stored.account_id)
    if account is None or not account.active:
        raise NotSignedIn("This account is closed. Ask an administrator.", ("account-active",))
    if now - stored.seen_at >= TOUCH_INTERVAL:
        registry.touch_session(stored.token_sha256, now)
    return Session(
        account=account,
        expires_at=stored.expires_at,
        sign_in_method=cast("SignInMethod", stored.method),
    )
