"""What a passkey's answer proves: challenges of ours, the site they were answered on, the signature (WebAuthn level 2).

* a challenge lives five minutes and is used once; it carries its own proof, so asking for many costs no memory and
  keeps nobody out;
* it serves one purpose; what else it is bound to, such as an act's hash, stands in it for whoever checks later;
* the origin must be one that the vault's own settings name: a look-alike site fails, whatever a face claims;
* the person was verified by the authenticator, every time.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from glassplate.encoding import parse_json
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.registry import StoredPasskey

CHALLENGE_LIFE = timedelta(minutes=5)
MAX_CLIENT_DATA_BYTES = 8 * 1024  # browsers send a few hundred
_RANDOM_BYTES = 24
_TIME_BYTES = 8
_TAG_BYTES = 32


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where passkeys are bound to: the ``rp_id`` and the origins of the faces."""

    rp_id: str
    origins: tuple[str, ...]


class Passkeys:
    """Asks for answers and verifies them. Callable from several threads at once."""

    def __init__(self, party: RelyingParty, now: Callable[[], datetime]) -> None:
        self.party = party
        self._now = now
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._used: dict[bytes, datetime] = {}  # only of known passkeys and invitations

    def request_options(
        self, allowed: Sequence[StoredPasskey], purpose: str, bound_to: bytes = b""
    ) -> dict[str, Any]:
        """What ``navigator.credentials.get`` wants; ``allowed`` empty: the authenticator offers its own accounts."""
        options = webauthn.generate_authentication_options(
            rp_id=self.party.rp_id,
            allow_credentials=[
                PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id)) for key in allowed
            ],
            user_verification=UserVerificationRequirement.REQUIRED,
            challenge=self.new_challenge(purpose, bound_to),
        )
        return dict(json.loads(webauthn.options_to_json(options)))

    def verify(self, passkey: StoredPasskey, assertion: dict[str, Any], purpose: str, origin: str) -> int:
        """The authenticator's new counter; the challenge is used up.

        Raises:
            InputRefused: it does not verify, whatever is wrong with it.
        """
        try:
            return webauthn.verify_authentication_response(
                credential=assertion,
                expected_challenge=self.take_challenge(assertion, purpose),
                expected_rp_id=self.party.rp_id,
                expected_origin=self.known_origin(origin),
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            ).new_sign_count
        except (WebAuthnException, InputRefused, ValueError, KeyError, TypeError) as error:
            raise InputRefused(f"a passkey that did not verify ({type(error).__name__})") from None

    def known_origin(self, origin: str) -> str:
        """The origin, when it is one of ours.

        Raises:
            InputRefused: it is not.
        """
        if origin not in self.party.origins:
            raise InputRefused("The sign-in came from an address that this vault does not know.")
        return origin

    def new_challenge(self, purpose: str, bound_to: bytes = b"") -> bytes:
        """Random bytes, the end of its life, ``bound_to``, and our tag over all of it and the purpose."""
        ends_at = int((self._now() + CHALLENGE_LIFE).timestamp())
        made = secrets.token_bytes(_RANDOM_BYTES) + ends_at.to_bytes(_TIME_BYTES, "big") + bound_to
        return made + self._tag(made, purpose)

    def take_challenge(self, credential: dict[str, Any], purpose: str) -> bytes:
        """The challenge that a credential answers, used up by this.

        Raises:
            InputRefused: it is not ours, of another purpose, used or too old.
            ValueError, KeyError, TypeError: the credential has another shape.
        """
        raw = base64url_to_bytes(str(credential["response"]["clientDataJSON"]))
        client_data = parse_json(raw, limit=MAX_CLIENT_DATA_BYTES)
        challenge = base64url_to_bytes(str(client_data["challenge"]))
        made, tag = challenge[:-_TAG_BYTES], challenge[-_TAG_BYTES:]
        is_ours = hmac.compare_digest(tag, self._tag(made, purpose))
        if not is_ours or not self._use_up(made):
            raise InputRefused("The challenge is unknown, used or too old.")
        return challenge

    def _tag(self, made: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, len(made).to_bytes(4, "big") + made + purpose.encode(), "sha256")

    def _use_up(self, made: bytes) -> bool:
        """Whether this challenge of ours lives and was not used; it is now."""
        now = self._now()
        ends_at = datetime.fromtimestamp(int.from_bytes(made[_RANDOM_BYTES:][:_TIME_BYTES], "big"), UTC)
        with self._lock:
            for old in [known for known, end in self._used.items() if end <= now]:
                del self._used[old]
            if ends_at <= now or made in self._used:
                return False
            self._used[made] = ends_at
            return True
