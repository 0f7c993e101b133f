"""Run by sigstore's own environment: is this entry under this checkpoint, by sigstore's code? JSON on standard input."""

import base64
import json
import sys
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint, verify_checkpoint
from sigstore.errors import VerificationError

said = json.load(sys.stdin)


class Keyring:
    """The one key that is trusted."""

    def verify(self, *, key_id, signature, data):
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(said["public_key"])).verify(signature, data)
        except InvalidSignature:
            raise VerificationError("invalid signature") from None


envelope = said["checkpoint"]
try:
    checkpoint = SignedCheckpoint.from_text(envelope).checkpoint
    entry = SimpleNamespace(
        _inner=SimpleNamespace(
            canonicalized_body=base64.b64decode(said["leaf"]),
            log_id=SimpleNamespace(key_id=bytes.fromhex(said["key_id"])),
            inclusion_proof=SimpleNamespace(
                log_index=said["index"],
                tree_size=checkpoint.log_size,
                root_hash=bytes.fromhex(checkpoint.log_hash),
                hashes=[base64.b64decode(text) for text in said["hashes"]],
                checkpoint=SimpleNamespace(envelope=envelope),
            ),
        )
    )
    verify_checkpoint(Keyring(), entry)
    verify_merkle_inclusion(entry)
except VerificationError as error:
    sys.exit(f"WRONG: {error}")
sys.stdout.write("holds\n")
