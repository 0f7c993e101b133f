"""A receipt file: one entry, the log's word for it, and only the fields that its holder chose to show.

Made offline from a pulled body; checked offline, by the charter inside it and the fingerprints on paper, or by the
log's key. Bytes: ``docs/formats.md`` §10.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glassplate.charter import verify_charter
from glassplate.encoding import base64url, canonical_json, from_base64url, parse_json
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log import VerifierKey, check_disclosure, leaf_hash, open_promise, parse_leaf, verify_proof
from glassplate.log.entry import DIGEST_COUNT
from glassplate.verify.charters import DOCUMENTS, MAX_DOCUMENT_BYTES
from glassplate.verify.folder import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from glassplate.auditing.bodies import OpenedEntry
    from glassplate.auditing.record import PublishedRecord
    from glassplate.log import Promise

RECEIPT_VERSION = 1
RECEIPT_KIND = "glassplate-receipt"
MAX_RECEIPT_BYTES = 4 * 1024 * 1024  # a charter with a thousand cameras has a third of a megabyte
_MEMBERS = {"v", "kind", "leaf", "proof", "promise", "disclosures", "charter"}


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """What a receipt shows once everything in it holds.

    ``size``: entries under the proof's checkpoint; None where the log only promised. ``recorded_at``: the promise's time.
    """

    origin: str
    index: int
    size: int | None
    recorded_at: datetime | None
    public: Mapping[str, Any]
    shown: Mapping[str, Any] = field(repr=False)


def build_receipt(
    record: PublishedRecord, opened: OpenedEntry, names: Sequence[str], promise: str | None = None
) -> bytes:
    """The file that shows the fields ``names`` of one opened entry, with its proof, or with ``promise`` instead.

    Raises:
        UsageError: a field that the entry does not have, named twice, or a promise of another entry.
    """
    missing = sorted(set(names) - opened.fields.keys())
    if missing or len(set(names)) != len(names):
        raise UsageError(
            f"Entry {opened.index} has no field {missing[0] if missing else 'twice'!r}. "
            f"It has: {', '.join(sorted(opened.fields))}."
        )
    if promise is not None:
        _demand_promise(promise, record.log_key, opened.entry.leaf)
    receipt = {
        "v": RECEIPT_VERSION,
        "kind": RECEIPT_KIND,
        "leaf": base64url(opened.entry.leaf),
        "proof": None if promise is not None else record.proof(opened.index).decode(),
        "promise": promise,
        "disclosures": opened.disclose(*names),
        "charter": _documents(record.public, record.charter.version) if record.charter else None,
    }
    return canonical_json(receipt) + b"\n"


def check_receipt(
    data: bytes, *, fingerprints: Mapping[str, str] | None = None, vkey: str | None = None
) -> CheckedReceipt:
    """Check a receipt by the fingerprints (office -> printed) and the charter in it, or by the log's key.

    Raises:
        InputRefused: it is malformed.
        CharterRejected, ProofFailed: with what does not hold.
    """
    receipt = _parsed(data)
    log_key = _log_key(receipt, fingerprints, vkey)
    leaf = from_base64url(receipt["leaf"])
    size = recorded_at = None
    if receipt["proof"] is not None:
        proof, checkpoint = verify_proof(receipt["proof"].encode(), log_key, leaf)
        index, size = proof.index, checkpoint.size
    else:
        promise = _demand_promise(receipt["promise"], log_key, leaf)
        index, recorded_at = promise.index, promise.recorded_at
    pairs = [check_disclosure(leaf, text) for text in receipt["disclosures"]]
    if len({name for name, _ in pairs}) != len(pairs):
        raise ProofFailed("The receipt shows one field twice.")
    return CheckedReceipt(log_key.name, index, size, recorded_at, parse_leaf(leaf).public, dict(pairs))


def _parsed(data: bytes) -> dict[str, Any]:
    receipt = parse_json(data, limit=MAX_RECEIPT_BYTES)
    if not isinstance(receipt, dict) or receipt.keys() != _MEMBERS:
        raise InputRefused(f"A receipt has exactly the members {', '.join(sorted(_MEMBERS))}.")
    if canonical_json(receipt) + b"\n" != data:
        raise InputRefused(
            "The receipt is not in its canonical form; a copy was edited. Take the original file."
        )
    if type(receipt["v"]) is not int or (receipt["v"], receipt["kind"]) != (RECEIPT_VERSION, RECEIPT_KIND):
        raise InputRefused(f"This program reads receipts of version {RECEIPT_VERSION}.")
    disclosures, charter = receipt["disclosures"], receipt["charter"]
    is_formed = (
        isinstance(receipt["leaf"], str)
        and isinstance(disclosures, list)
        and len(disclosures) <= DIGEST_COUNT
        and all(isinstance(text, str) for text in disclosures)
        and sorted(type(receipt[name]).__name__ for name in ("proof", "promise")) == ["NoneType", "str"]
        and (charter is None or _is_texts(charter))
    )
    if not is_formed:
        raise InputRefused(
            "The receipt is malformed: it needs a leaf, a proof or a promise (not both), and disclosures."
        )
    return receipt


def _is_texts(charter: Any) -> bool:
    return isinstance(charter, dict) and all(isinstance(text, str) for text in charter.values())


def _log_key(
    receipt: Mapping[str, Any], fingerprints: Mapping[str, str] | None, vkey: str | None
) -> VerifierKey:
    if vkey is not None:
        return VerifierKey.parse(vkey)
    if fingerprints is None:
        raise UsageError("Give the offices' fingerprints from paper, or the log's key.")
    if receipt["charter"] is None:
        raise UsageError(
            "The receipt carries no charter, so fingerprints do not reach the log's key. Give the key."
        )
    verified = verify_charter(receipt["charter"], now=None, trusted_fingerprints=fingerprints)
    return VerifierKey.parse(verified.charter.log_vkey)


def _demand_promise(text: str, log_key: VerifierKey, leaf: bytes) -> Promise:
    promise = open_promise(text, log_key)
    if promise.leaf_hash != leaf_hash(leaf):
        raise ProofFailed("The promise is of another entry than the one in the receipt.")
    return promise


def _documents(public: Path, version: int) -> dict[str, str]:
    """A charter as published, by which whoever has the fingerprints finds the log's key."""
    folder = public / "charter" / str(version)
    return {name: read_file(folder / name, MAX_DOCUMENT_BYTES).decode() for name in DOCUMENTS}
