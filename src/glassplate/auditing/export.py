"""A redacted export: a CSV for readers, and beside it the proofs by which every cell can be checked, hidden ones too.

FILE.csv          the header, then one row for each search, ascending; a hidden cell is a mask
FILE.csv.proofs   JSON lines: a header, then one line for each row: the leaf, its inclusion hashes, the disclosures of
                  the shown fields, and for each hidden field the digest by which the entry commits to it
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glassplate.auditing.columns import COLUMNS, HEADER, MASK, NAME, PERSON, cell
from glassplate.encoding import base64url, canonical_json
from glassplate.errors import UsageError
from glassplate.log import disclosure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from glassplate.auditing.bodies import OpenedEntry
    from glassplate.auditing.columns import Column
    from glassplate.auditing.record import PublishedRecord

EXPORTED_TYPE = "search"
EXPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Export:
    """The two files' texts."""

    rows: int
    csv: str = field(repr=False)
    proofs: str = field(repr=False)


def export_searches(
    record: PublishedRecord,
    opened: Mapping[int, OpenedEntry],
    since: datetime,
    until: datetime,
    hidden: Collection[str],
    *,
    pseudonyms: bool = True,
) -> Export:
    """Export the searches whose public hour lies in ``since`` … ``until`` (not included).

    ``hidden``: names of columns. With ``pseudonyms`` a hidden name is ``person-1``, ``person-2``, … in order of appearance.

    Raises:
        UsageError: an unknown column, or a period in which nothing was recorded.
    """
    unknown = sorted(set(hidden) - set(HEADER[1:]))
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no column that can be hidden. There are: {', '.join(HEADER[1:])}."
        )
    inside = [entry for entry in record.entries if since <= entry.at < until]
    if not inside:
        raise UsageError("Nothing is recorded in this period.")
    chosen = [opened[e.index] for e in inside if e.entry_type == EXPORTED_TYPE]
    people: dict[str, str] = {}
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(HEADER)
    head = {
        "v": EXPORT_VERSION,
        "kind": "audit-export",
        "first": inside[0].index,
        "last": inside[-1].index,
        "rows": len(chosen),
        "hidden": [name for name in HEADER if name in hidden],
        "checkpoint": record.note.decode(),
    }
    lines = [canonical_json(head)]
    for entry in chosen:
        person = people.setdefault(entry.fields["account_id"], f"{PERSON}{len(people) + 1}")
        shown = [_shown(column, entry, hidden, person if pseudonyms else MASK) for column in COLUMNS]
        writer.writerow([str(entry.index), *shown])
        lines.append(canonical_json(_row(record, entry, hidden)))
    return Export(len(chosen), table.getvalue(), "".join(f"{line.decode()}\n" for line in lines))


def _shown(column: Column, entry: OpenedEntry, hidden: Collection[str], person: str) -> str:
    if column.name in hidden:
        return person if column.name == NAME else MASK
    return cell(column, entry.fields)


def _row(record: PublishedRecord, entry: OpenedEntry, hidden: Collection[str]) -> dict[str, Any]:
    open_names = [name for column in COLUMNS if column.name not in hidden for name in column.fields]
    secret = {c.name: [_digest(entry, n) for n in c.fields] for c in COLUMNS if c.name in hidden}
    return {
        "index": entry.index,
        "leaf": base64url(entry.entry.leaf),
        "hashes": [base64url(value) for value in record.hashes(entry.index)],
        "disclosures": entry.disclose(*open_names),
        "digests": secret,
    }


def _digest(entry: OpenedEntry, name: str) -> str:
    text = disclosure(name, entry.fields[name], entry.k)
    return base64url(hashlib.sha256(text.encode("ascii")).digest())
