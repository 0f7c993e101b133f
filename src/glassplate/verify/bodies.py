"""Bodies as an auditor pulled them: each belongs to its leaf, opens with the auditor's key, and says all it committed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, from_base64url, parse_json
from glassplate.errors import GlassplateError
from glassplate.log import body_hash, check_body, parse_leaf
from glassplate.seal.body import open_body

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.seal.body import AuditorKey
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

BODY_LIMIT = 4 * 1024 * 1024
BODY_INFO = b"glassplate/body/v1\n"  # docs/formats.md, Body: HPKE info = this and the canonical public half


def check_bodies(
    folder: Path, entries: Sequence[PublicEntry], key: AuditorKey | None, result: Verification
) -> dict[int, dict[str, Any]]:
    """Check every body ``<index>.<key id>.body`` in ``folder``; with ``key`` open them. Returns the opened fields."""
    opened: dict[int, dict[str, Any]] = {}
    seen: set[int] = set()
    by_index = {entry.index: entry for entry in entries}
    for path in sorted(folder.glob("*.body")):
        index_text, key_id = (
            path.name.removesuffix(".body").split(".", 1) if path.name.count(".") > 1 else ("", "")
        )
        entry = by_index.get(int(index_text)) if index_text.isdigit() else None
        if entry is None:
            result.find(path.name, "no published entry has this body")
            continue
        body = path.read_bytes()[: 2 * BODY_LIMIT]
        expected = parse_leaf(entry.leaf).sealed.get(key_id)
        if expected is None or body_hash(body) != expected:
            result.find(path.name, f"it is not the body that {entry.where} committed to")
            continue
        seen.add(entry.index)
        if key is not None and key.key_id == key_id:
            try:
                opened[entry.index] = open_checked(entry.leaf, body, key)
            except (GlassplateError, KeyError, TypeError) as error:
                result.find(path.name, f"it does not open to what {entry.where} committed to ({error})")
    missing = [entry for entry in entries if entry.index not in seen]
    for entry in missing:
        result.find(entry.where, "its body is missing from the auditor's folder: withheld, or not pulled yet")
    result.tell(
        f"{len(seen)} bodies belong to their entries" + (f"; {len(opened)} were opened." if key else ".")
    )
    return opened


def open_checked(leaf: bytes, body: bytes, key: AuditorKey) -> dict[str, Any]:
    """Open one body and account for all 32 digests of its leaf.

    Raises:
        GlassplateError: it does not open, or says something else than the leaf committed to.
    """
    public = dict(parse_leaf(leaf).public)
    plain = open_body(body, key.private_key, BODY_INFO + canonical_json(public))
    said = parse_json(plain, limit=BODY_LIMIT)
    check_body(leaf, said["fields"], from_base64url(said["k"]))
    return dict(said["fields"])
