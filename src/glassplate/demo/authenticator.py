"""A passkey in software, for the demo: the same WebAuthn messages as a security key, verified by the same code.

It keeps its private key in a plain file, which is why the vault accepts it only under a charter marked *demo*: it
calls itself by ``DEMO_AAGUID``, and the vault refuses that name elsewhere. (WebAuthn level 2, §6.1 authenticator
data, §6.5 attestation, "none" format.)
"""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

from glassplate.config import DEMO_AAGUID

if TYPE_CHECKING:
    from pathlib import Path

_USER_PRESENT_AND_VERIFIED = 0x05
_ATTESTED_DATA = 0x40


@dataclass(slots=True)
class DemoAuthenticator:
    """One person's passkey. ``private_key`` never leaves the file and this object."""

    credential_id: bytes
    private_key: ec.EllipticCurvePrivateKey
    sign_count: int
    path: Path

    def __repr__(self) -> str:
        return f"DemoAuthenticator({self.path.name})"

    @classmethod
    def create(cls, path: Path) -> DemoAuthenticator:
        """A new passkey, kept in ``path``."""
        made = cls(secrets.token_bytes(32), ec.generate_private_key(ec.SECP256R1()), 0, path)
        made._save()
        return made

    @classmethod
    def load(cls, path: Path) -> DemoAuthenticator:
        """The passkey kept in ``path``."""
        kept = json.loads(path.read_text())
        key = serialization.load_pem_private_key(kept["private_key"].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - our own file
        return cls(base64url_to_bytes(kept["credential_id"]), key, kept["sign_count"], path)

    def register(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """Answer creation options (as ``navigator.credentials.create`` would)."""
        public = self.private_key.public_key().public_numbers()
        cose_key = encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        )
        attested = (
            uuid.UUID(DEMO_AAGUID).bytes
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + cose_key
        )
        data = self._authenticator_data(options["rp"]["id"], _ATTESTED_DATA) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = _client_data("webauthn.create", options["challenge"], origin)
        return self._credential(
            {
                "clientDataJSON": bytes_to_base64url(client_data),
                "attestationObject": bytes_to_base64url(attestation),
            }
        )

    def sign_in(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """Answer request options (as ``navigator.credentials.get`` would)."""
        self.sign_count += 1
        self._save()
        data = self._authenticator_data(options["rpId"], 0)
        client_data = _client_data("webauthn.get", options["challenge"], origin)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(client_data)
        signature = self.private_key.sign(data + digest.finalize(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {
                "clientDataJSON": bytes_to_base64url(client_data),
                "authenticatorData": bytes_to_base64url(data),
                "signature": bytes_to_base64url(signature),
            }
        )

    def _authenticator_data(self, rp_id: str, flags: int) -> bytes:
        digest = hashes.Hash(hashes.SHA256())
        digest.update(rp_id.encode())
        return (
            digest.finalize()
            + bytes([_USER_PRESENT_AND_VERIFIED | flags])
            + self.sign_count.to_bytes(4, "big")
        )

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        credential_id = bytes_to_base64url(self.credential_id)
        return {
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _save(self) -> None:
        pem = self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        self.path.write_text(
            json.dumps(
                {
                    "credential_id": bytes_to_base64url(self.credential_id),
                    "private_key": pem.decode(),
                    "sign_count": self.sign_count,
                }
            )
        )


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()
