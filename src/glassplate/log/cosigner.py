"""A witness's key: signs checkpoints of others, with a time (C2SP tlog-cosignature v1.0.0).

A cosignature by Ed25519 does not cover the cosigner's name: never one key for two witnesses or two roles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from glassplate.errors import UsageError
from glassplate.log.cosigned_bytes import TIME_BYTES, ed25519_message, mldsa44_message
from glassplate.log.note_keys import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    SIGNATURE_PREFIX,
    VerifierKey,
)
from glassplate.log.text_fields import MAX_DECIMAL, to_base64

SEED_BYTES = 32  # of both algorithms


@dataclass(frozen=True, slots=True)
class CosigningKey:
    """A witness's private key. Make it with ``from_seed``."""

    verifier: VerifierKey
    _private: Ed25519PrivateKey | MLDSA44PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes, *, kind: int = MLDSA44_COSIGNATURE) -> CosigningKey:
        """The key of ``name`` with a 32-byte secret.

        ``kind``: ``MLDSA44_COSIGNATURE``, as the specification advises for new cosigners, or ``ED25519_COSIGNATURE``.

        Raises:
            UsageError: when seed or kind are not of that form.
            InputRefused: when the name is not allowed.
        """
        if len(seed) != SEED_BYTES or kind not in (ED25519_COSIGNATURE, MLDSA44_COSIGNATURE):
            raise UsageError(
                f"A cosigner's key needs a seed of {SEED_BYTES} bytes and the type 0x04 or 0x06."
            )
        private = (
            Ed25519PrivateKey.from_private_bytes(seed)
            if kind == ED25519_COSIGNATURE
            else MLDSA44PrivateKey.from_seed_bytes(seed)
        )
        return cls(VerifierKey(name, kind, private.public_key().public_bytes_raw()), private)

    @property
    def name(self) -> str:
        """The witness's name."""
        return self.verifier.name

    def cosign(self, text: str, time: int) -> str:
        """The signature line for a checkpoint's ``text`` at ``time`` (POSIX seconds), with its newline.

        Raises:
            UsageError: when the time cannot be written.
            ProofFailed: when the text is no checkpoint.
        """
        if not 0 <= time <= MAX_DECIMAL:
            raise UsageError("A cosignature's time lies between 0 and 2^63 seconds.")
        if isinstance(self._private, Ed25519PrivateKey):
            signature = self._private.sign(ed25519_message(text, time))
        else:
            signature = self._private.sign(mldsa44_message(self.name, text, time))
        value = self.verifier.key_id + time.to_bytes(TIME_BYTES, "big") + signature
        return f"{SIGNATURE_PREFIX}{self.name} {to_base64(value)}\n"
