"""An audit's finding: counts in public, sentences and entries sealed, signed by the auditor's office key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads it when the record is printed
from typing import TYPE_CHECKING, Any

from glassplate.auditing.marks import VERDICTS
from glassplate.charter.statements import sign_statement
from glassplate.encoding import base64url
from glassplate.errors import UsageError
from glassplate.records import MAX_FINDING_ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from glassplate.auditing.bodies import OpenedEntry
    from glassplate.auditing.marks import Mark
    from glassplate.auditing.record import PublishedRecord
    from glassplate.charter import OfficePrivateKey

KIND = "audit-finding"


@dataclass(frozen=True, slots=True)
class FindingStory:
    """One finding as the record tells it: what was asked, and what the officers replied."""

    index: int
    at: datetime
    items: tuple[tuple[int, str, str], ...] = field(repr=False)
    """(entry, verdict, note)."""
    replies: dict[int, tuple[str, ...]] = field(repr=False)
    """Entry -> replies, in order."""


def build_finding(record: PublishedRecord, marks: Iterable[Mark], key: OfficePrivateKey) -> dict[str, Any]:
    """A signed finding about these marks, under the record's checkpoint.

    Raises:
        UsageError: there is nothing to tell, or more than one finding takes, or of an entry that is not published.
    """
    items = sorted(marks, key=lambda mark: mark.index)
    if not 1 <= len(items) <= MAX_FINDING_ITEMS:
        raise UsageError(f"A finding speaks of 1 to {MAX_FINDING_ITEMS} marks, got {len(items)}.")
    if items[-1].index >= len(record.entries):
        raise UsageError(
            f"Entry {items[-1].index} is not published yet; a finding speaks of what everybody can see."
        )
    counts = Counter(mark.verdict for mark in items)
    plain = {
        "v": 1,
        "kind": KIND,
        "origin": record.checkpoint.origin,
        "size": record.checkpoint.size,
        "root": base64url(record.checkpoint.root),
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},  # type: ignore[index]
        "items": [{"index": m.index, "verdict": m.verdict, "note": m.note} for m in items],
    }
    return sign_statement(plain, key)


def stories(opened: Mapping[int, OpenedEntry]) -> list[FindingStory]:
    """Every finding of the record with its replies, oldest first."""
    replies: dict[int, dict[int, tuple[str, ...]]] = {}
    for entry in opened.values():
        if entry.entry.entry_type == "audit-reply":
            of = replies.setdefault(int(entry.fields["finding_index"]), {})
            index = int(entry.fields["search_index"])
            of[index] = (*of.get(index, ()), str(entry.fields["text"]))
    return [
        FindingStory(
            entry.index,
            entry.at,
            tuple((i["index"], i["verdict"], i["note"]) for i in entry.fields["items"]),
            replies.get(entry.index, {}),
        )
        for entry in opened.values()
        if entry.entry.entry_type == KIND
    ]
