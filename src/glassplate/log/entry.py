"""Entries that commit to fields without showing them, and the disclosure of single fields.

    leaf       = canonical JSON of {"v": 1, "pub": {…}, "sd": [32 digests, sorted], "sealed": {key id: body
    hash}} disclosure = base64url(canonical JSON [salt, name, value])
    digest     = base64url(SHA-256(disclosure))                          as in RFC 9901
    salt       = base64url(HMAC-SHA-256(k, "salt:" + name)[:16])
    decoy i    = base64url(SHA-256(HMAC-SHA-256(k, "decoy:" + decimal i))), i from 0 until there are 32
    digests

There are always 32 digests, because their number would leak. Decoys come from ``k`` too, so that whoever
opens a body (fields and ``k``) can account for every digest and nothing extra hides among them. ``k`` is
random for each entry and lies only in the sealed bodies: when they are gone, the digests hide salts of 128
bits that nobody knows.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from glassplate.encoding import MAX_JSON_DEPTH, base64url, canonical_json, from_base64url, parse_json
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log.tiles import MAX_ENTRY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JsonValue: TypeAlias = "str | int | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

LEAF_VERSION = 1
DIGEST_COUNT = 32
COMMITMENT_KEY_BYTES = 32
MAX_DISCLOSURE_CHARACTERS = (
    1 << 20
)  # a field's value may be a policy request of some kilobytes, never a megabyte
_SALT_BYTES = 16
_HASH_BYTES = 32
_DISCLOSURE_PARTS = 3


@dataclass(frozen=True, slots=True)
class Commitment:
    """32 sorted digests: of the fields, and of decoys."""

    digests: tuple[str, ...]

    @classmethod
    def of(cls, fields: Mapping[str, JsonValue], k: bytes) -> Commitment:
        """Commit to ``fields`` under the entry's key ``k``.

        Raises:
            UsageError: for more than 32 fields, an empty name, a float, or ``k`` of another length.
        """
        if len(fields) > DIGEST_COUNT:
            raise UsageError(f"An entry commits to at most {DIGEST_COUNT} fields, not {len(fields)}.")
        digests = [_digest(disclosure(name, value, k)) for name, value in fields.items()]
        digests += [_decoy(i, k) for i in range(DIGEST_COUNT - len(fields))]
        return cls(tuple(sorted(digests)))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A parsed leaf. ``sealed``: key id -> SHA-256 of the body sealed to that key."""

    public: Mapping[str, JsonValue]
    commitment: Commitment
    sealed: Mapping[str, bytes]


def disclosure(name: str, value: JsonValue, k: bytes) -> str:
    """What to hand over to show the field ``name`` of an entry to somebody who has its leaf.

    Raises:
        UsageError: for an empty name, a float in the value, or ``k`` of another length.
    """
    if not name:
        raise UsageError("A committed field needs a name.")
    salt = _derive(k, f"salt:{name}")[:_SALT_BYTES]
    return base64url(_canonical([base64url(salt), name, value]))


def body_hash(body: bytes) -> bytes:
    """What a leaf says about a sealed body."""
    return hashlib.sha256(body).digest()


def leaf_bytes(public: Mapping[str, JsonValue], commitment: Commitment, sealed: Mapping[str, bytes]) -> bytes:
    """The leaf. ``sealed``: key id -> ``body_hash`` of the body sealed to that key.

    Raises:
        UsageError: when it would be longer than an entry can be, or a value is not allowed.
    """
    if any(not key_id or len(digest) != _HASH_BYTES for key_id, digest in sealed.items()):
        raise UsageError(f"Sealed bodies are named by a key id and a hash of {_HASH_BYTES} bytes.")
    leaf = _canonical(
        {
            "v": LEAF_VERSION,
            "pub": public,
            "sd": list(commitment.digests),
            "sealed": {key_id: base64url(digest) for key_id, digest in sealed.items()},
        }
    )
    if len(leaf) > MAX_ENTRY_BYTES:
        raise UsageError(f"The log entry has {len(leaf)} bytes; at most {MAX_ENTRY_BYTES} fit.")
    return leaf


def parse_leaf(data: bytes) -> Leaf:
    """Read a leaf from a log, strictly: only what ``leaf_bytes`` would have written.

    Raises:
        InputRefused: saying what is wrong.
    """
    value = parse_json(data, limit=MAX_ENTRY_BYTES)
    if not isinstance(value, dict) or value.keys() != {"v", "pub", "sd", "sealed"}:
        raise InputRefused("The entry does not have exactly the members v, pub, sd and sealed.")
    if type(value["v"]) is not int or value["v"] != LEAF_VERSION:
        raise InputRefused(
            f"The entry is of version {value['v']!r}; this program reads version {LEAF_VERSION}."
        )
    public, digests, sealed = value["pub"], value["sd"], value["sealed"]
    if not isinstance(public, dict) or not isinstance(digests, list) or not isinstance(sealed, dict):
        raise InputRefused("The entry's pub and sealed must be objects, and sd a list.")
    for digest in [*digests, *sealed.values()]:
        _demand_hash(digest)
    if len(digests) != DIGEST_COUNT or sorted(set(digests)) != digests:
        raise InputRefused(f"The entry does not have {DIGEST_COUNT} different digests in sorted order.")
    leaf = Leaf(
        public, Commitment(tuple(digests)), {name: from_base64url(text) for name, text in sealed.items()}
    )
    _demand_written_back(leaf, data)
    return leaf


def check_disclosure(leaf: bytes, text: str) -> tuple[str, JsonValue]:
    """The field name and value that ``text`` discloses, once it is shown to be committed to in ``leaf``.

    Raises:
        InputRefused: when leaf or disclosure is malformed.
        ProofFailed: when the leaf does not commit to it.
    """
    if len(text) > MAX_DISCLOSURE_CHARACTERS or not text.isascii():
        raise InputRefused("The disclosure is too long, or not base64url.")
    if _digest(text) not in parse_leaf(leaf).commitment.digests:
        raise ProofFailed("The entry does not commit to this disclosure: name, value or salt was changed.")
    parts = parse_json(from_base64url(text), limit=MAX_DISCLOSURE_CHARACTERS)
    if (
        not isinstance(parts, list)
        or len(parts) != _DISCLOSURE_PARTS
        or not all(isinstance(p, str) for p in parts[:2])
    ):
        raise InputRefused("The disclosure is not a list of salt, name and value.")
    return parts[1], parts[2]


def check_body(leaf: bytes, fields: Mapping[str, JsonValue], k: bytes) -> None:
    """Recompute all 32 digests from an opened body.

    Raises:
        InputRefused: when the leaf is malformed.
        ProofFailed: when one digest differs: the body tells another story than the log.
    """
    try:
        recomputed = Commitment.of(fields, k)
    except UsageError as error:
        raise ProofFailed(f"The opened body cannot be what the entry commits to: {error}") from None
    if recomputed != parse_leaf(leaf).commitment:
        raise ProofFailed(
            "The opened body is not what the entry commits to: fields were changed, added or left out."
        )


def check_sealed(leaf: bytes, key_id: str, body: bytes) -> None:
    """Check that ``body`` is the one that the entry names for ``key_id``.

    Raises:
        InputRefused: when the leaf is malformed.
        ProofFailed: when the entry names another body, or none.
    """
    if parse_leaf(leaf).sealed.get(key_id) != body_hash(body):
        raise ProofFailed(f"The sealed body for {key_id} is not the one that the entry names.")


def _digest(text: str) -> str:
    return base64url(hashlib.sha256(text.encode("ascii")).digest())


def _decoy(number: int, k: bytes) -> str:
    return base64url(hashlib.sha256(_derive(k, f"decoy:{number}")).digest())


def _derive(k: bytes, label: str) -> bytes:
    if len(k) != COMMITMENT_KEY_BYTES:
        raise UsageError(f"The entry's key must have {COMMITMENT_KEY_BYTES} bytes, not {len(k)}.")
    try:
        return hmac.digest(k, label.encode(), "sha256")
    except UnicodeEncodeError:
        raise UsageError("A field name is not valid Unicode.") from None


def _canonical(value: JsonValue) -> bytes:
    _demand_exact(value, MAX_JSON_DEPTH)
    try:
        return canonical_json(value)
    except ValueError:
        raise UsageError("A value is not valid Unicode.") from None


def _demand_exact(value: JsonValue, depth: int) -> None:
    """Only values that have one spelling in canonical JSON; floats have several."""
    if depth == 0:
        raise UsageError(f"A value nests deeper than {MAX_JSON_DEPTH} levels.")
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        for item in value.values():
            _demand_exact(item, depth - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _demand_exact(item, depth - 1)
    elif value is not None and not isinstance(value, str | int):
        raise UsageError(f"A log entry cannot hold a value of type {type(value).__name__}.")


def _demand_hash(text: object) -> None:
    if not isinstance(text, str) or len(from_base64url(text)) != _HASH_BYTES:
        raise InputRefused("The entry holds a digest that is not a SHA-256 value.")


def _demand_written_back(leaf: Leaf, data: bytes) -> None:
    try:
        written = leaf_bytes(leaf.public, leaf.commitment, leaf.sealed)
    except UsageError as error:
        raise InputRefused(f"The entry is malformed: {error}") from None
    if written != data:
        raise InputRefused("The entry is not in canonical JSON.")
