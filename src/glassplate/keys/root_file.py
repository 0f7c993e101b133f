"""The root of the file keyring: 32 random bytes, wrapped by a passphrase (Argon2id, RFC 9106)."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from glassplate.encoding import base64url, canonical_json, from_base64url
from glassplate.errors import InputRefused, KeyUnavailable, UsageError
from glassplate.keys.epoch_secret import SECRET_BYTES
from glassplate.keys.key_files import NONCE_BYTES, WrappedSecret, parse_wrapped

ITERATIONS, LANES, MEMORY_KIB = 3, 4, 64 * 1024  # RFC 9106 §4, the second recommended option
_MOST = {
    "iterations": 16,
    "lanes": 16,
    "memory_kib": 1024 * 1024,
}  # an edited file must not exhaust the machine
_SALT_BYTES = 16


def new_root_file(passphrase: bytes) -> tuple[bytes, bytes]:
    """A fresh root and the file that keeps it.

    Raises:
        UsageError: for an empty passphrase.
    """
    if not passphrase:
        raise UsageError("The keyring needs a passphrase; an empty one protects nothing.")
    root, nonce = secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(NONCE_BYTES)
    fields: dict[str, Any] = {
        "v": 1,
        "kind": "root",
        "kdf": "argon2id",
        "salt": base64url(secrets.token_bytes(_SALT_BYTES)),
        "iterations": ITERATIONS,
        "lanes": LANES,
        "memory_kib": MEMORY_KIB,
    }
    wrapped = AESGCM(_stretch(passphrase, fields)).encrypt(nonce, root, canonical_json(fields))
    return root, canonical_json({**fields, "nonce": base64url(nonce), "wrapped": base64url(wrapped)})


def open_root_file(data: bytes, passphrase: bytes) -> bytes:
    """The root.

    Raises:
        KeyUnavailable: the passphrase is wrong, or the file was changed.
        InputRefused: the file is malformed.
    """
    parsed = parse_wrapped(data)
    _check(parsed)
    try:
        return AESGCM(_stretch(passphrase, parsed.fields)).decrypt(
            parsed.nonce, parsed.wrapped, canonical_json(parsed.fields)
        )
    except (InvalidTag, ValueError):
        raise KeyUnavailable("The passphrase does not open this keyring. Check it and try again.") from None


def _check(parsed: WrappedSecret) -> None:
    fields = parsed.fields
    if (
        fields.get("kind") != "root"
        or fields.get("kdf") != "argon2id"
        or not isinstance(fields.get("salt"), str)
    ):
        raise InputRefused("The root file is not one of an Argon2id keyring.")
    for name, most in _MOST.items():
        value = fields.get(name)
        if type(value) is not int or not 1 <= value <= most:
            raise InputRefused(f"The root file asks for {name} {value!r}; 1 to {most} are accepted.")


def _stretch(passphrase: bytes, fields: dict[str, Any]) -> bytes:
    return Argon2id(
        salt=from_base64url(fields["salt"]),
        length=SECRET_BYTES,
        iterations=fields["iterations"],
        lanes=fields["lanes"],
        memory_cost=fields["memory_kib"],
    ).derive(passphrase)
