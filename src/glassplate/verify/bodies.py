"""Bodies as an auditor pulled them: each belongs to its leaf, opens, and says all that the leaf committed to."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glassplate.encoding import from_base64url, parse_json
from glassplate.errors import GlassplateError, InputRefused
from glassplate.log import check_body, check_sealed, parse_leaf
from glassplate.seal.body import MAX_BODY_BYTES, body_info, open_body
from glassplate.verify.folder import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.seal.body import AuditorKey
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

_BODY_NAME = re.compile(r"(?P<index>0|[1-9][0-9]{0,11})\.(?P<key_id>[0-9a-f]{24})\.body", re.ASCII)


def check_bodies(
    folder: Path, entries: Sequence[PublicEntry], key: AuditorKey | None, result: Verification
) -> dict[int, dict[str, Any]]:
    """Check every body ``<index>.<key id>.body`` in ``folder``; with ``key`` open them. Returns the opened fields."""
    opened: dict[int, dict[str, Any]] = {}
    seen: set[int] = set()
    by_index = {entry.index: entry for entry in entries}
    for path in sorted(folder.glob("*.body")):
        match = _BODY_NAME.fullmatch(path.name)
        entry = by_index.get(int(match["index"])) if match else None
        if match is None or entry is None:
            result.find(path.name, "no published entry has this body")
            continue
        try:
            body = read_file(path, 2 * MAX_BODY_BYTES)
            check_sealed(entry.leaf, match["key_id"], body)
        except GlassplateError as error:
            result.find(path.name, f"it is not the body that {entry.where} committed to ({error})")
            continue
        seen.add(entry.index)
        if key is not None and key.key_id == match["key_id"]:
            try:
                opened[entry.index] = open_checked(entry.leaf, body, key)
            except GlassplateError as error:
                result.find(path.name, f"it does not open to what {entry.where} committed to ({error})")
    _check_complete(entries, seen, result)
    _check_outcomes(opened, by_index, result)
    _check_pages(opened, by_index, result)
    if key is not None and seen and not opened:
        result.find(
            folder.name,
            f"none of its bodies is sealed to the auditor key {key.key_id}; give the key that pulled them",
        )
    result.tell(
        f"{len(seen)} bodies belong to their entries" + (f"; {len(opened)} were opened." if key else ".")
    )
    return opened


def _check_complete(entries: Sequence[PublicEntry], seen: set[int], result: Verification) -> None:
    """A hole between pulled bodies is a finding; entries after the last one were written after the pull."""
    last = max(seen, default=-1)
    for entry in entries:
        if entry.index < last and entry.index not in seen:
            result.find(entry.where, "its body is missing from the auditor's folder: withheld or lost")
    newer = sum(entry.index > last for entry in entries)
    if not seen and entries:
        result.find(
            "bodies", "the folder holds no body of this record; pull them with: glassplate audit pull"
        )
    elif newer:
        result.tell(f"The bodies of the newest {newer} entries are not pulled yet.")


def _check_outcomes(
    opened: dict[int, dict[str, Any]], by_index: dict[int, PublicEntry], result: Verification
) -> None:
    """Each outcome names its search by number: an entry that was taken out before it would shift the numbers."""
    for index, fields in opened.items():
        entry = by_index[index]
        if entry.entry_type != "search-outcome":
            continue
        search = by_index.get(fields["search_index"]) if isinstance(fields.get("search_index"), int) else None
        if search is None or search.entry_type != "search" or search.index >= index:
            result.find(
                entry.where, f"its body is of the search in entry {fields.get('search_index')}, which is none"
            )


_KEPT_ON_PAGES = (
    *(
        "kind",
        "plate",
        "bodies",
        "colors",
        "camera_ids",
        "limit",
        "warrant",
        "purpose",
        "offense",
        "case_number",
    ),
    *("declared_use", "on_behalf_of", "account_id", "approval"),
)
"""What a further page takes over from the first. Its period may be cut where the retention's edge has passed."""


def _check_pages(
    opened: dict[int, dict[str, Any]], by_index: dict[int, PublicEntry], result: Verification
) -> None:
    """A further page is of an earlier search, and asks nothing else: an approval of that one covers no more."""
    for index, fields in opened.items():
        entry, first_index = by_index[index], fields.get("page_of")
        if entry.entry_type != "search" or first_index is None:
            continue
        first = by_index.get(first_index) if isinstance(first_index, int) else None
        if first is None or first.entry_type != "search" or first.index >= index:
            result.find(
                entry.where, f"its body is a page of the search in entry {first_index}, which is none"
            )
        elif (said := opened.get(first.index)) and (changed := _changed(said, fields)):
            result.find(entry.where, f"it is a page of {first.where}, and yet asks for another {changed}")


def _changed(first: dict[str, Any], page: dict[str, Any]) -> str:
    """The first word that a page changed, or a period that it widened; empty for none."""
    if first.get("page_of") is not None:
        return "search than a first page"
    for name in _KEPT_ON_PAGES:
        if first.get(name) != page.get(name):
            return name.replace("_", " ")
    try:
        (since, until), (from_, to) = (
            (datetime.fromisoformat(words["since"]), datetime.fromisoformat(words["until"]))
            for words in (first, page)
        )
        is_within = since <= from_ and to <= until
    except (KeyError, TypeError, ValueError):
        is_within = False
    return "" if is_within else "period"


def open_checked(leaf: bytes, body: bytes, key: AuditorKey) -> dict[str, Any]:
    """Open one body and account for all 32 digests of its leaf.

    Raises:
        GlassplateError: it does not open, or says something else than the leaf committed to.
    """
    return open_with_commitment_key(leaf, body, key)[0]


def open_with_commitment_key(leaf: bytes, body: bytes, key: AuditorKey) -> tuple[dict[str, Any], bytes]:
    """As ``open_checked``; also the entry's key ``k``, from which single fields are disclosed."""
    public = dict(parse_leaf(leaf).public)
    plain = open_body(body, key.private_key, body_info(public))
    said = parse_json(plain, limit=MAX_BODY_BYTES)
    is_formed = (
        isinstance(said, dict) and isinstance(said.get("fields"), dict) and isinstance(said.get("k"), str)
    )
    if not is_formed:
        raise InputRefused("It is no body of version 1.")
    k = from_base64url(said["k"])
    check_body(leaf, said["fields"], k)
    return dict(said["fields"]), k
