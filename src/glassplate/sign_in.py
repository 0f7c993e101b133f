"""Signing in: passkeys only (WebAuthn level 2, user verification required), plus one-time links in a demo.

The rules, to be ticked off:

* what a passkey proves, and for how long it is asked, is in ``passkeys.py``;
* a demo authenticator and a one-time link work only under a charter marked *demo*;
* every sign-in, sign-out and registration is an entry before it has an effect; a failed one is an entry, too. Attempts
  that name nobody we know are written one by one up to a limit, beyond it as a number: strangers cannot fill the disk;
* the vault keeps only hashes of tokens and invitations.
"""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import webauthn
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from glassplate.config import DEMO_AAGUID
from glassplate.encoding import sha256_hex
from glassplate.errors import InputRefused, NotSignedIn, Refused
from glassplate.registry.sessions import ABSOLUTE_LIMIT, authenticate, hash_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.mandate import Mandate
    from glassplate.passkeys import Passkeys
    from glassplate.record import Recorder
    from glassplate.records import Account, Session, SignInMethod
    from glassplate.registry import Registry

LINK_LIFE = timedelta(minutes=30)
PAIRING_LIFE = timedelta(minutes=10)
INVITATION_DOT = "."  # between the two parts of an invitation; neither can hold one
MAX_WAITING = 1_000  # links or pairings at once; more is a flood
STRANGERS_PERIOD = timedelta(minutes=1)
MAX_STRANGERS = 30  # entries a period for attempts of nobody we know; a shift change has fewer mistakes
PAIRING_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, no digits: nothing to misread, no words


@dataclass(frozen=True, slots=True)
class _Waiting:
    subject: str
    expires_at: datetime


class SignIn:
    """Challenges, sessions, invitations, pairing."""

    def __init__(
        self,
        registry: Registry,
        recorder: Recorder,
        mandate: Mandate,
        passkeys: Passkeys,
        now: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._recorder = recorder
        self._mandate = mandate
        self._passkeys = passkeys
        self._now = now
        self._lock = threading.Lock()
        self._registering = threading.Lock()
        self._strangers_since = datetime.min.replace(tzinfo=UTC)
        self._strangers = 0
        self._strangers_unwritten = 0
        self._links: dict[str, _Waiting] = {}
        self._pairings: dict[str, _Waiting] = {}  # hash of the polling secret -> code
        self._confirmed: dict[
            str, tuple[str, SignInMethod, datetime]
        ] = {}  # code -> who confirmed, how they signed in, and when that session ends

    # --- passkeys ----------------------------------------------------------------------------------------------

    def sign_in_options(self, account_id: str | None) -> dict[str, Any]:
        """Request options; without an account id the authenticator offers its own accounts."""
        allowed = self._registry.passkeys_of(account_id) if account_id else []
        return self._passkeys.request_options(allowed, "sign-in")

    def sign_in(self, assertion: dict[str, Any], origin: str) -> tuple[str, Session]:
        """A verified assertion becomes a session.

        Raises:
            NotSignedIn: the attempt is recorded first.
        """
        now = self._now()
        passkey = self._registry.passkey(str(assertion.get("id", "")))
        if passkey is None:
            raise self._failed("an unknown passkey", None, now)
        try:
            sign_count = self._passkeys.verify(passkey, assertion, "sign-in", origin)
        except InputRefused as error:
            raise self._failed(str(error), passkey.account_id, now) from None
        if passkey.is_demo and not self._mandate.is_demo():
            raise self._failed(
                "the demo authenticator, which only a demo charter allows", passkey.account_id, now
            )
        method: SignInMethod = "demo authenticator" if passkey.is_demo else "passkey"
        return self._open_session(passkey.account_id, method, now, (passkey.credential_id, sign_count))

    def registration_options(self, invitation: str) -> dict[str, Any]:
        """Creation options for the invited person; resident key and user verification required."""
        account = self._invited(invitation)
        options = webauthn.generate_registration_options(
            rp_id=self._passkeys.party.rp_id,
            rp_name="Glassplate",
            user_id=account.account_id.encode(),
            user_name=account.account_id,
            user_display_name=account.display_name,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            challenge=self._passkeys.new_challenge(f"register {account.account_id}"),
        )
        return dict(json.loads(webauthn.options_to_json(options)))

    def register_passkey(self, invitation: str, attestation: dict[str, Any], origin: str) -> Account:
        """Store the invited person's passkey; the invitation is used up.

        Raises:
            InputRefused: when the attestation does not verify.
            Refused: for a demo authenticator outside a demo.
        """
        account = self._invited(invitation)
        try:
            verified = webauthn.verify_registration_response(
                credential=attestation,
                expected_challenge=self._passkeys.take_challenge(
                    attestation, f"register {account.account_id}"
                ),
                expected_rp_id=self._passkeys.party.rp_id,
                expected_origin=self._passkeys.known_origin(origin),
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise InputRefused(
                f"The new passkey does not verify ({type(error).__name__}). Try again."
            ) from None
        is_demo = verified.aaguid == DEMO_AAGUID
        if is_demo and not self._mandate.is_demo():
            raise Refused("The demo authenticator works only under a charter marked demo.", ("demo-only",))
        credential_id = bytes_to_base64url(verified.credential_id)
        with self._registering:  # an invitation is used once, and a credential id has one owner
            self._invited(invitation)
            if self._registry.passkey(credential_id) is not None:
                raise InputRefused("This passkey is registered already. Make a new one.")
            self._recorder.record(
                "passkey-registered",
                {"account_id": account.account_id},
                at=self._now(),
                operation={
                    "kind": "passkey_registered",
                    "account_id": account.account_id,
                    "credential_id": credential_id,
                    "public_key": bytes_to_base64url(verified.credential_public_key),
                    "sign_count": verified.sign_count,
                    "is_demo": is_demo,
                },
            )
        return self._registry.account(account.account_id) or account

    # --- one-time links (demo) -----------------------------------------------------------------------------------

    def issue_link(self, account_id: str) -> str:
        """A secret that signs ``account_id`` in once. The caller has been authorized.

        Raises:
            Refused: outside a demo.
        """
        if not self._mandate.is_demo():
            raise Refused("One-time links work only under a charter marked demo.", ("demo-only",))
        secret = secrets.token_urlsafe(32)
        self._remember(self._links, hash_token(secret), account_id, LINK_LIFE)
        return secret

    def redeem_link(self, secret: str) -> tuple[str, Session]:
        """Use a one-time link up."""
        now = self._now()
        account_id = self._take(self._links, hash_token(secret))
        if account_id is None or not self._mandate.is_demo():
            raise self._failed("a one-time link that is unknown, used or too old", None, now)
        return self._open_session(account_id, "one-time link", now)

    # --- pairing the command line --------------------------------------------------------------------------------

    def begin_pairing(self) -> tuple[str, str]:
        """(code for the eyes, secret for polling)."""
        code = "-".join("".join(secrets.choice(PAIRING_ALPHABET) for _ in range(4)) for _ in range(2))
        secret = secrets.token_urlsafe(32)
        self._remember(self._pairings, hash_token(secret), code, PAIRING_LIFE)
        return code, secret

    def confirm_pairing(self, session: Session, code: str) -> None:
        """The signed-in person says: this code is mine."""
        now = self._now()
        with self._lock:
            waiting = [
                w for w in self._pairings.values() if w.subject == code.strip().upper() and w.expires_at > now
            ]
            if not waiting:
                raise InputRefused("No command line waits with this code. Run glassplate login again.")
            self._confirmed[waiting[0].subject] = (
                session.account.account_id,
                session.sign_in_method,
                session.expires_at,
            )

    def finish_pairing(self, secret: str) -> tuple[str, Session] | None:
        """A session for the paired command line, None while nobody has confirmed."""
        now = self._now()
        key = hash_token(secret)
        with self._lock:
            waiting = self._pairings.get(key)
            if waiting is None or waiting.expires_at <= now:
                raise NotSignedIn("This pairing has ended. Run glassplate login again.", ("signed-in",))
            confirmed = self._confirmed.pop(waiting.subject, None)
            if confirmed is None:
                return None
            del self._pairings[key]
        account_id, method, ends_at = confirmed
        return self._open_session(account_id, method, now, ends_at=ends_at)

    def sign_out(self, session: Session, token: str) -> None:
        """End the session for good."""
        self._recorder.record(
            "sign-out",
            {"account_id": session.account.account_id},
            at=self._now(),
            operation={"kind": "signed_out", "token_sha256": hash_token(token)},
        )

    # --- plumbing --------------------------------------------------------------------------------------------------

    def _open_session(
        self,
        account_id: str,
        method: SignInMethod,
        now: datetime,
        passkey: tuple[str, int] | None = None,
        ends_at: datetime | None = None,
    ) -> tuple[str, Session]:
        """``ends_at``: when the session that it comes from ends; nothing but a passkey makes a session longer."""
        latest = now + ABSOLUTE_LIMIT
        account = self._registry.account(account_id)
        if account is None or not account.active:
            raise self._failed("a closed account", account_id, now)
        token = secrets.token_urlsafe(32)
        operation = {
            "kind": "signed_in",
            "token_sha256": hash_token(token),
            "account_id": account_id,
            "method": method,
            "started_at": now.isoformat(),
            "expires_at": (min(ends_at, latest) if ends_at else latest).isoformat(),
            "credential_id": passkey[0] if passkey else None,
            "sign_count": passkey[1] if passkey else 0,
        }
        self._recorder.record(
            "sign-in", {"account_id": account_id, "method": method}, at=now, operation=operation
        )
        return token, authenticate(self._registry, token, now)

    def _failed(self, what: str, account_id: str | None, now: datetime) -> NotSignedIn:
        fields: dict[str, Any] = {"account_id": account_id, "what": what}
        if account_id is None:
            unwritten = self._count_stranger(now)
            if unwritten is None:
                return NotSignedIn(f"Sign-in refused: {what}.", ("signed-in",))
            if unwritten:
                fields["unwritten_before"] = unwritten
        self._recorder.record(
            "sign-in-refused",
            fields,
            at=now,
            operation={"kind": "refused", "rules": ["signed-in"]},
        )
        return NotSignedIn(f"Sign-in refused: {what}.", ("signed-in",))

    def _count_stranger(self, now: datetime) -> int | None:
        """None when this attempt is counted only; else how many were counted only since the last entry."""
        with self._lock:
            if now - self._strangers_since >= STRANGERS_PERIOD:
                self._strangers_since, self._strangers = now, 0
            self._strangers += 1
            if self._strangers > MAX_STRANGERS:
                self._strangers_unwritten += 1
                return None
            unwritten, self._strangers_unwritten = self._strangers_unwritten, 0
            return unwritten

    def _invited(self, invitation: str) -> Account:
        first, dot, second = invitation.partition(INVITATION_DOT)
        account = self._registry.account_by_invitation(sha256_hex(first.encode()), self._now())
        part = self._registry.second_part(account.account_id) if account else None
        if account is None or (part is None and dot):
            raise InputRefused(
                "This invitation is unknown, used or too old. Ask an administrator for a new one."
            )
        if part is not None and sha256_hex(second.encode()) != part.part_sha256:
            raise InputRefused(
                "This invitation has two parts, and the second one is missing or wrong. Whoever approved your account "
                "hands it out."
            )
        return account

    def _remember(self, table: dict[str, _Waiting], key: str, subject: str, life: timedelta) -> None:
        now = self._now()
        with self._lock:
            for old in [k for k, waiting in table.items() if waiting.expires_at <= now]:
                del table[old]
            if len(table) >= MAX_WAITING:
                raise Refused(
                    "Too many sign-ins are waiting. Try again in a few minutes.", ("sign-in-flood",)
                )
            table[key] = _Waiting(subject, now + life)

    def _take(self, table: dict[str, _Waiting], key: str) -> str | None:
        with self._lock:
            waiting = table.pop(key, None)
        return waiting.subject if waiting and waiting.expires_at > self._now() else None
