"""What an office says beside the charter, signed by its key: an audit's finding, an answer to a plate's owner.

message   = "glassplate/statement/v1" newline ‖ the statement's canonical JSON
document  = {"v": 1, "statement": base64url, "signed_by": "ed25519:…", "signature": base64url}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glassplate.charter.offices import OfficePublicKey
from glassplate.encoding import base64url, canonical_json, from_base64url, parse_json
from glassplate.errors import InputRefused, ProofFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from glassplate.charter.offices import OfficePrivateKey

STATEMENT_VERSION = 1
MAX_STATEMENT_BYTES = 8 * 1024 * 1024  # an answer with a thousand proofs has some five
_LABEL = b"glassplate/statement/v1\n"
_MEMBERS = {"v", "statement", "signed_by", "signature"}


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement whose signature holds, by the key with this fingerprint."""

    plain: dict[str, Any] = field(repr=False)
    fingerprint: str


def sign_statement(plain: Mapping[str, Any], key: OfficePrivateKey) -> dict[str, Any]:
    """``plain`` (JSON without floats) as a signed document."""
    data = canonical_json(dict(plain))
    return {
        "v": STATEMENT_VERSION,
        "statement": base64url(data),
        "signed_by": key.public.to_text(),
        "signature": base64url(key.sign(_LABEL + data)),
    }


def open_statement(document: Any, kind: str, trusted: Collection[str]) -> SignedStatement:
    """Check a document: signed by a key whose fingerprint is one of ``trusted``, and of this ``kind``.

    Raises:
        InputRefused: it is malformed, or of another kind.
        ProofFailed: its signature does not hold, or is by a key that is not trusted.
    """
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise InputRefused(
            "A signed statement has exactly the members v, statement, signed_by and signature."
        )
    if type(document["v"]) is not int or document["v"] != STATEMENT_VERSION:
        raise InputRefused(f"This program reads statements of version {STATEMENT_VERSION}.")
    texts = [document[name] for name in ("statement", "signed_by", "signature")]
    if not all(isinstance(text, str) and len(text) <= 2 * MAX_STATEMENT_BYTES for text in texts):
        raise InputRefused("A signed statement's members are texts.")
    data, public = from_base64url(texts[0]), OfficePublicKey.from_text(texts[1])
    public.check(from_base64url(texts[2]), _LABEL + data)
    if public.fingerprint not in trusted:
        raise ProofFailed(
            f"The statement is signed by {public.fingerprint}, which is not the auditor's key in the ordinance."
        )
    plain = parse_json(data, limit=MAX_STATEMENT_BYTES)
    if not isinstance(plain, dict) or plain.get("kind") != kind or canonical_json(plain) != data:
        raise InputRefused(f"The signed statement is not a {kind} in canonical JSON.")
    return SignedStatement(plain, public.fingerprint)


def statement_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a document made by ``sign_statement`` says; nothing is checked."""
    return dict(parse_json(from_base64url(document["statement"]), limit=MAX_STATEMENT_BYTES))
