"""A fresh signature by the person's own passkey over exactly one act: a session alone is not enough for it.

A session lasts a shift; a laptop can be left open or taken. So an approval, a refusal of one, and an export carry a
passkey's signature, made within five minutes, whose challenge holds the act's SHA-256. It is kept in the act's entry, so
that whoever opens the record can check it with the public key in the entry ``passkey-registered``.

Sessions that did not begin with a passkey exist under a demo charter only (rule `strong-sign-in`), where no passkey of
the person's own can be asked; there the act goes without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glassplate.errors import InputRefused, SignatureNeeded

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.authorize import Authorizer
    from glassplate.passkeys import Passkeys
    from glassplate.records import ActSignature, Session
    from glassplate.registry import Registry

RULE = "fresh-passkey"
MAX_PART = 4_096  # characters of client data, authenticator data or signature; an RSA signature has 342


@dataclass(frozen=True, slots=True)
class SignedAct:
    """What an entry keeps of the signature; empty where none was asked for."""

    fields: dict[str, Any] = field(default_factory=dict)
    operation: dict[str, Any] = field(default_factory=dict)
    """Beside any registry operation: the passkey's counter."""


@dataclass(frozen=True, slots=True)
class ActSignatures:
    """Asks for signatures over acts, and checks them."""

    registry: Registry
    authorizer: Authorizer
    passkeys: Passkeys

    def options(self, session: Session, act_sha256: str) -> dict[str, Any] | None:
        """What the browser is to ask the person's passkey; None where no signature is needed."""
        if not _is_needed(session):
            return None
        own = self.registry.passkeys_of(session.account.account_id)
        return self.passkeys.request_options(own, _purpose(session, act_sha256), bytes.fromhex(act_sha256))

    def demand(
        self, session: Session, action: str, act_sha256: str, signature: ActSignature | None, now: datetime
    ) -> SignedAct:
        """The act's signature, verified; to be asked for last, before the act's entry.

        Raises:
            SignatureNeeded: there is none, or it is not this person's over this act; recorded.
            LogUnavailable: the refusal could not be recorded.
        """
        if not _is_needed(session):
            return SignedAct()
        if signature is None:
            raise self._refusal(session, action, "was not sent", now)
        passkey = self.registry.passkey(str(signature.assertion.get("id", "")))
        if passkey is None or passkey.is_demo or passkey.account_id != session.account.account_id:
            raise self._refusal(session, action, "is not by a passkey of yours", now)
        try:
            parts = _parts(signature.assertion)
            count = self.passkeys.verify(
                passkey, signature.assertion, _purpose(session, act_sha256), signature.origin
            )
        except InputRefused:
            raise self._refusal(session, action, "does not verify, or is too old", now) from None
        return SignedAct(
            {"signature": {"credential_id": passkey.credential_id, **parts}},
            {"signed_with": {"credential_id": passkey.credential_id, "sign_count": count}},
        )

    def _refusal(self, session: Session, action: str, what: str, now: datetime) -> SignatureNeeded:
        refused = self.authorizer.refusal(session, action, RULE, "", now, signature=what)
        return SignatureNeeded(
            f"This act needs a fresh signature by your own passkey, which {what}. Browsers ask for it: open the page "
            "Approvals in the officer's pages or in oversight, and do it from there.",
            refused.rules,
        )


def _is_needed(session: Session) -> bool:
    return session.sign_in_method == "passkey"


def _purpose(session: Session, act_sha256: str) -> str:
    return f"act {act_sha256} {session.account.account_id}"


def _parts(assertion: dict[str, Any]) -> dict[str, str]:
    """The three texts that a check needs (WebAuthn level 2, section 7.2)."""
    response = assertion.get("response")
    names = {
        "client_data": "clientDataJSON",
        "authenticator_data": "authenticatorData",
        "signature": "signature",
    }
    parts = (
        {ours: response.get(theirs) for ours, theirs in names.items()} if isinstance(response, dict) else {}
    )
    if not parts or not all(isinstance(part, str) and len(part) <= MAX_PART for part in parts.values()):
        raise InputRefused("The passkey's answer has another shape.")
    return {name: str(part) for name, part in parts.items()}
