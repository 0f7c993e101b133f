"""The bytes of a keyring's folder (``docs/formats/keys.md``). No I/O.

Every wrapped secret is AES-256-GCM under a key that is derived for its kind; *all* plain fields of its file
are the associated data, so an edited field (a later ``destroy_at``, another epoch) makes it unopenable.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from glassplate.encoding import base64url, canonical_json, from_base64url, parse_json, parse_time, time_text
from glassplate.errors import InputRefused, KeyUnavailable
from glassplate.keys.epoch_secret import EpochSecret, derive_key, public_key_of
from glassplate.keys.epochs import Epoch, check_epoch_id
from glassplate.keys.keyring import KeyRecord

MAX_KEY_FILE_BYTES = 16 * 1024  # ours have under 1 KiB
NONCE_BYTES = 12
TOMBSTONE = "tombstone"
EPOCH_KEY = "epoch-key"
MEMORY_EPOCH = "memory-epoch"
_SEALED_FIELDS = ("nonce", "wrapped")


@dataclass(frozen=True, slots=True)
class WrappedSecret:
    """A parsed file with a wrapped secret: its plain fields, and what they are bound to."""

    fields: dict[str, Any]
    nonce: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

    def unwrap(self, root: bytes) -> bytes:
        """The secret.

        Raises:
            KeyUnavailable: another root, or any field was changed.
        """
        key = AESGCM(derive_key(root, f"wrap/{self.fields.get('kind')}"))
        try:
            return key.decrypt(self.nonce, self.wrapped, canonical_json(self.fields))
        except (InvalidTag, ValueError):
            raise KeyUnavailable("The key file was changed or belongs to another keyring.") from None


def wrap(secret: bytes, root: bytes, fields: dict[str, Any]) -> bytes:
    """The file that holds ``secret`` wrapped under ``root`` and bound to ``fields``."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    wrapped = AESGCM(derive_key(root, f"wrap/{fields['kind']}")).encrypt(
        nonce, secret, canonical_json(fields)
    )
    return canonical_json({**fields, "nonce": base64url(nonce), "wrapped": base64url(wrapped)})


def parse_wrapped(data: bytes) -> WrappedSecret:
    """Read a file that ``wrap`` wrote.

    Raises:
        InputRefused: when it is malformed.
    """
    document = parse_document(data)
    try:
        nonce, wrapped = (from_base64url(document[name]) for name in _SEALED_FIELDS)
    except (KeyError, TypeError, AttributeError):
        raise InputRefused("The key file has no wrapped secret.") from None
    return WrappedSecret({k: v for k, v in document.items() if k not in _SEALED_FIELDS}, nonce, wrapped)


def parse_document(data: bytes) -> dict[str, Any]:
    """One JSON object of this keyring, version 1; trailing spaces are allowed (a shredded file is padded).

    Raises:
        InputRefused: when it is anything else.
    """
    document = parse_json(data, limit=MAX_KEY_FILE_BYTES)
    if not isinstance(document, dict) or document.get("v") != 1:
        raise InputRefused("The key file is not of version 1.")
    return document


def epoch_fields(epoch: Epoch, secret: bytes) -> dict[str, Any]:
    """The plain fields of the file of ``epoch``, whose secret is given; a back end may add its own before ``wrap``."""
    derived = EpochSecret(epoch.epoch_id, secret)
    public = {
        "key_id": derived.key_id(),
        "read_key": public_key_of(derived.read_private_key()),
        "image_key": public_key_of(derived.image_private_key()),
    }
    return {"v": 1, "kind": EPOCH_KEY, **_period(epoch), **public}


def memory_epoch_file(epoch: Epoch, secret: bytes) -> bytes:
    """What is kept of a key in memory: everything but the secret."""
    return canonical_json({**epoch_fields(epoch, secret), "kind": MEMORY_EPOCH})


def tombstone_file(record: KeyRecord) -> bytes:
    """What stays of a destroyed key."""
    if record.destroyed_at is None:
        raise ValueError("a tombstone needs the time of death")
    plain = {"v": 1, "kind": TOMBSTONE, **_period(record.epoch), "key_id": record.key_id}
    plain |= {"in_memory": True} if record.in_memory else {}
    return canonical_json({**plain, "destroyed_at": time_text(record.destroyed_at)})


def parse_record(data: bytes, epoch_id: str) -> KeyRecord:
    """The record in an epoch's key file or tombstone, which must be about ``epoch_id``.

    Raises:
        InputRefused: when it is malformed or about another epoch.
    """
    document = parse_document(data)
    try:
        epoch = Epoch(
            check_epoch_id(document["epoch_id"]),
            *(parse_time(document[name]) for name in ("starts_at", "ends_at", "destroy_at")),
        )
        kind, key_id = document["kind"], str(document["key_id"])
        if epoch.epoch_id != epoch_id or kind not in (EPOCH_KEY, MEMORY_EPOCH, TOMBSTONE):
            raise InputRefused(f"The key file of {epoch_id} is about something else.")
        if kind == TOMBSTONE:
            died, was_in_memory = parse_time(document["destroyed_at"]), document.get("in_memory") is True
            return KeyRecord(epoch, "destroyed", key_id, destroyed_at=died, in_memory=was_in_memory)
        read_key, image_key = str(document["read_key"]), str(document["image_key"])
        return KeyRecord(epoch, "live", key_id, read_key, image_key, in_memory=kind == MEMORY_EPOCH)
    except (KeyError, TypeError):
        raise InputRefused(f"The key file of {epoch_id} lacks a field.") from None


def _period(epoch: Epoch) -> dict[str, str]:
    return {
        "epoch_id": epoch.epoch_id,
        "starts_at": time_text(epoch.starts_at),
        "ends_at": time_text(epoch.ends_at),
        "destroy_at": time_text(epoch.destroy_at),
    }
