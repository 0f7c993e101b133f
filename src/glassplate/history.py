"""The monthly history keys: the vault's own way back into its entries, used by the gate and at start-up only.

A body is sealed to the key of the month it was written in. The private half is derived (HKDF) from a secret that the
keyring wraps under the label ``history/YYYY-MM``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.keys import derive_private_key
from glassplate.seal.body import public_key_text

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from glassplate.keys import Keyring


class HistoryKeys:
    """Month -> key pair."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def public_key_of(self, at: datetime) -> dict[str, str]:
        """The key id and public key (base64url point) for an entry written ``at``."""
        key_id = f"history/{at:%Y-%m}"
        return {key_id: public_key_text(self.private_key(key_id).public_key())}

    def private_key(self, key_id: str) -> EllipticCurvePrivateKey:
        """The month's private key."""
        return derive_private_key(self._keyring.named_secret(key_id), "history")
