"""What an approval and a signature bind to: the same hash for the vault, and for whoever checks the record later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Mapping


def request_sha256(action: str, account_id: str, words: Mapping[str, Any]) -> str:
    """What an approval binds to. ``words``: the whole request as JSON values."""
    bound = {"v": 1, "action": action, "account_id": account_id, "request": dict(words)}
    return sha256_hex(canonical_json(bound))


def decision_sha256(account_id: str, request_id: str, sha256: str, *, approve: bool, reason: str) -> str:
    """What a decision's signature binds to: the request with its hash, the answer and its reason."""
    words = {"request_id": request_id, "request_sha256": sha256, "approve": approve, "reason": reason}
    return request_sha256("decide", account_id, words)


def act_in(challenge: bytes) -> str:
    """The act's SHA-256 in a challenge of the vault's: after 24 random bytes and 8 of the end of its life."""
    return challenge[32:64].hex()
