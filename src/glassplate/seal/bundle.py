"""The list of epoch public keys that goes out to lanes ahead. Signing it as a note is the caller's part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_json, parse_time, sha256_hex, time_text
from glassplate.errors import InputRefused
from glassplate.records import EpochPublicKey
from glassplate.seal.envelope import public_key_from_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_BUNDLE_BYTES = 256 * 1024
MAX_BUNDLE_KEYS = 500  # a bundle looks a few epochs ahead and keeps the live ones, for late reads
_TIMES = ("starts_at", "ends_at", "destroy_at")
_FIELDS = {"epoch_id", *_TIMES, "read_key", "image_key"}


@dataclass(frozen=True, slots=True)
class EpochBundle:
    """Which keys an agency's lanes may seal to, as of ``issued_at``."""

    agency_id: str
    issued_at: datetime
    keys: tuple[EpochPublicKey, ...]


def bundle_text(agency_id: str, issued_at: datetime, keys: Sequence[EpochPublicKey]) -> str:
    """The note's text: one line of canonical JSON."""
    listed = [
        {
            "epoch_id": key.epoch_id,
            **{name: time_text(getattr(key, name)) for name in _TIMES},
            "read_key": key.read_key,
            "image_key": key.image_key,
        }
        for key in keys
    ]
    document = {
        "v": 1,
        "kind": "epoch-keys",
        "agency_id": agency_id,
        "issued_at": time_text(issued_at),
        "keys": listed,
    }
    return canonical_json(document).decode() + "\n"


def parse_bundle(text: str) -> EpochBundle:
    """Read a bundle's text, whose note the caller has verified.

    Raises:
        InputRefused: when it is malformed.
    """
    data = text.encode()
    document = parse_json(data, limit=MAX_BUNDLE_BYTES)
    if not isinstance(document, dict) or set(document) != {"v", "kind", "agency_id", "issued_at", "keys"}:
        raise InputRefused("The list of epoch keys has other fields than version 1 knows.")
    if document["v"] != 1 or document["kind"] != "epoch-keys" or not isinstance(document["agency_id"], str):
        raise InputRefused("This is not a list of epoch keys of version 1.")
    listed = document["keys"]
    if not isinstance(listed, list) or len(listed) > MAX_BUNDLE_KEYS:
        raise InputRefused(f"A list of epoch keys has at most {MAX_BUNDLE_KEYS} keys.")
    keys = tuple(_key(item) for item in listed)
    return EpochBundle(document["agency_id"], parse_time(document["issued_at"]), keys)


def keys_sha256(key: EpochPublicKey) -> str:
    """What the log's entry of a key's creation commits to, so that no foreign key can be handed out under its name."""
    return sha256_hex(f"{key.read_key}\n{key.image_key}\n".encode())


def _key(item: Any) -> EpochPublicKey:
    if (
        not isinstance(item, dict)
        or set(item) != _FIELDS
        or not all(isinstance(v, str) for v in item.values())
    ):
        raise InputRefused("A key in the list has other fields than version 1 knows.")
    starts_at, ends_at, destroy_at = (parse_time(item[name]) for name in _TIMES)
    if not starts_at < ends_at <= destroy_at:
        raise InputRefused(
            f"The epoch {item['epoch_id']!r} in the list ends before it starts, or dies before it ends."
        )
    for name in ("read_key", "image_key"):
        public_key_from_text(item[name])
    return EpochPublicKey(
        item["epoch_id"], starts_at, ends_at, destroy_at, item["read_key"], item["image_key"]
    )
