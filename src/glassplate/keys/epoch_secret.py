"""What is derived from one 32-byte secret (HKDF-SHA256): segment keys and P-256 private keys."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from glassplate.encoding import base64url
from glassplate.keys.memory import SecretBytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

SECRET_BYTES = 32
KEY_ID_BYTES = 12  # names a key among thousands; far from enough to search for it
KEY_CHECK_BYTES = 3  # as HSMs print it: the first bytes of an encrypted zero block
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SCALAR_BYTES = 48  # 128 bits more than the order, so that the remainder is not biased (FIPS 186-5, A.2.1)


class EpochSecret:
    """The secret of one epoch and the keys that come from it. Hold it for one piece of work, not longer."""

    def __init__(self, epoch_id: str, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"an epoch secret has {SECRET_BYTES} bytes")
        self.epoch_id = epoch_id
        self._secret = SecretBytes(secret)

    def segment_key(self, shard: int) -> bytes:
        """The raw SQLCipher key of this epoch's segments in one shard of the store."""
        return derive_key(self._secret.reveal(), f"store/{shard}")

    def read_private_key(self) -> EllipticCurvePrivateKey:
        """Opens sealed reads."""
        return derive_private_key(self._secret.reveal(), "read")

    def image_private_key(self) -> EllipticCurvePrivateKey:
        """Opens sealed plate crops and scenes."""
        return derive_private_key(self._secret.reveal(), "image")

    def key_id(self) -> str:
        """The name of this key in the log."""
        return key_id(self._secret.reveal())

    def __repr__(self) -> str:
        return f"EpochSecret({self.epoch_id!r}, hidden)"


def derive_key(secret: bytes, label: str) -> bytes:
    """32 bytes for the job that ``label`` names."""
    return _expand(secret, label, SECRET_BYTES)


def derive_private_key(secret: bytes, label: str) -> EllipticCurvePrivateKey:
    """The P-256 private key for the job that ``label`` names; the same secret and label give the same key."""
    scalar = int.from_bytes(_expand(secret, label, _SCALAR_BYTES), "big") % (_P256_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def public_key_of(private_key: EllipticCurvePrivateKey) -> str:
    """Its public half: uncompressed point, base64url."""
    point = private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64url(point)


def key_id(secret: bytes) -> str:
    """First 12 bytes of SHA-256(key check value ‖ HMAC-SHA256(secret, ``id``)), hexadecimal."""
    encryptor = Cipher(algorithms.AES256(secret), modes.ECB()).encryptor()  # noqa: S305 - no data in it
    check_value = encryptor.update(bytes(16))[:KEY_CHECK_BYTES]
    digest = hashlib.sha256(check_value + hmac.digest(secret, b"id", "sha256")).digest()
    return digest[:KEY_ID_BYTES].hex()


def _expand(secret: bytes, label: str, size: int) -> bytes:
    return HKDF(SHA256(), size, salt=None, info=b"glassplate/key/v1\n" + label.encode()).derive(secret)
