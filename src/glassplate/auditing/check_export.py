"""Checking an export: every cell is shown and true, hidden but committed to, or wrong; and whether rows are missing.

What can be known: each row is a search of the record; each shown cell follows from a field that the entry commits to;
each hidden cell stands for a field that the entry commits to, and a later disclosure must fit it. With the published tree
also: every search of the index range has its row. What cannot: that a pseudonym is always the same person, or that a
digest is that of the field it is given for, before somebody discloses it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

from glassplate.auditing.columns import COLUMNS, HEADER, ID, MASK, NAME, PERSON, cell
from glassplate.auditing.export import EXPORT_VERSION, EXPORTED_TYPE
from glassplate.auditing.owner import check_proof
from glassplate.encoding import from_base64url, parse_json
from glassplate.errors import GlassplateError, InputRefused
from glassplate.log import open_checkpoint, parse_leaf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from glassplate.auditing.columns import Column
    from glassplate.log import VerifierKey
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

Verdict = Literal["shown", "hidden", "wrong"]
MAX_LINE_BYTES = 1 << 20
MAX_ROWS = 1_000_000
MAX_CELL_CHARACTERS = 10_000
PROOFS_SUFFIX = ".proofs"
_HEAD = {"v", "kind", "first", "last", "rows", "hidden", "checkpoint"}


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One row: its entry (None where it cannot be told) and a verdict for each column of ``HEADER``."""

    index: int | None
    cells: tuple[Verdict, ...]


def check_export(
    path: Path,
    log_key: VerifierKey,
    result: Verification,
    entries: Collection[PublicEntry] | None = None,
) -> list[CheckedRow]:
    """Check ``path`` by the proofs beside it. ``entries``: the published record's, to find rows that are missing.

    Raises:
        InputRefused, ProofFailed: the files cannot be read as an export at all.
    """
    lines = _proof_lines(path.with_name(path.name + PROOFS_SUFFIX))
    head = _head(next(lines, None))
    note = head["checkpoint"].encode()
    open_checkpoint(note, log_key)
    checked: list[CheckedRow] = []
    latest = -1
    for number, (cells, proof) in enumerate(zip_longest(_csv_rows(path), lines), 1):
        if cells is None or proof is None:
            result.find(
                f"row {number}", "it stands in one of the two files only: a row was taken out or added"
            )
            continue
        row = _check_row(number, cells, proof, head, note, log_key, result)
        checked.append(row)
        if row.index is not None:
            if not max(latest + 1, head["first"]) <= row.index <= head["last"]:
                result.find(
                    f"row {number}", f"entry {row.index} is out of order, doubled or outside of the range"
                )
            latest = max(latest, row.index)
    if len(checked) != head["rows"]:
        result.find("rows", f"there are {len(checked)}, and the proofs promise {head['rows']}")
    _check_complete(head, checked, entries, result)
    return checked


def _check_complete(
    head: Mapping[str, Any],
    checked: list[CheckedRow],
    entries: Collection[PublicEntry] | None,
    result: Verification,
) -> None:
    range_words = f"the entries {head['first']} to {head['last']}"
    if entries is None:
        result.tell(
            f"Whether rows are missing among {range_words} only the published tree shows: give --public."
        )
        return
    there = {row.index for row in checked}
    if head["last"] >= len(entries):
        result.find(
            "range", f"it ends at entry {head['last']}; the published record has {len(entries)} entries"
        )
    for entry in entries:
        is_inside = head["first"] <= entry.index <= head["last"] and entry.entry_type == EXPORTED_TYPE
        if is_inside and entry.index not in there:
            result.find(entry.where, "this search of the range has no row: it was left out")
    result.tell(f"Every search among {range_words} was looked for.")


def _check_row(
    number: int,
    cells: list[str],
    proof: Any,
    head: Mapping[str, Any],
    note: bytes,
    log_key: VerifierKey,
    result: Verification,
) -> CheckedRow:
    try:
        public, fields = check_proof(proof, note, log_key)
        index, digests = int(proof["index"]), dict(proof["digests"])
        committed = set(parse_leaf(from_base64url(proof["leaf"])).commitment.digests)
        if public["type"] != EXPORTED_TYPE or len(cells) != len(HEADER):
            raise InputRefused("it is no search, or has another number of cells")
        used = [d for named in digests.values() for d in named]
        if len(set(used)) != len(used):
            raise InputRefused("one digest stands for two hidden fields")
        verdicts: list[Verdict] = ["shown" if cells[0] == str(index) else "wrong"]
        for column, text in zip(COLUMNS, cells[1:], strict=True):
            is_hidden = column.name in head["hidden"]
            verdicts.append(
                _hidden(column, text, digests, committed) if is_hidden else _shown(column, text, fields)
            )
    except (GlassplateError, LookupError, TypeError, AttributeError, ValueError) as error:
        result.find(f"row {number}", f"it does not hold: {error}")
        return CheckedRow(None, tuple("wrong" for _ in HEADER))
    for name, verdict in zip(HEADER, verdicts, strict=True):
        if verdict == "wrong":
            result.find(f"row {number}, {name}", f"the cell is not what entry {index} commits to")
    return CheckedRow(index if verdicts[0] == "shown" else None, tuple(verdicts))


def _shown(column: Column, text: str, fields: Mapping[str, Any]) -> Verdict:
    return "shown" if cell(column, fields) == text else "wrong"


def _hidden(column: Column, text: str, digests: Mapping[str, Any], committed: set[str]) -> Verdict:
    named = digests.get(column.name, [])
    is_masked = text == MASK or (
        column.name == NAME and text.startswith(PERSON) and text.removeprefix(PERSON).isdecimal()
    )
    holds = len(named) == len(column.fields) and all(digest in committed for digest in named)
    return "hidden" if is_masked and holds else "wrong"


def _head(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict) or plain.keys() != _HEAD or plain["kind"] != "audit-export":
        raise InputRefused("The proofs do not begin with the header of an audit export.")
    numbers = [plain[name] for name in ("v", "first", "last", "rows")]
    if not all(type(number) is int and number >= 0 for number in numbers) or plain["v"] != EXPORT_VERSION:
        raise InputRefused(f"The proofs are malformed, or not of version {EXPORT_VERSION}.")
    hidden = plain["hidden"]
    if not isinstance(plain["checkpoint"], str) or not isinstance(hidden, list) or ID in hidden:
        raise InputRefused("The proofs' header is malformed.")
    return plain


def _proof_lines(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            for _ in range(MAX_ROWS + 1):
                line = file.readline(MAX_LINE_BYTES + 1)
                if not line:
                    return
                yield parse_json(line, limit=MAX_LINE_BYTES)
    except OSError as error:
        raise InputRefused(f"{path} cannot be read ({error.strerror}); it belongs beside the CSV.") from None
    raise InputRefused(f"{path} has more than {MAX_ROWS:,} rows.")


def _csv_rows(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != HEADER:
                raise InputRefused(f"{path} does not begin with the columns {', '.join(HEADER)}.")
            yield from rows
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise InputRefused(f"{path} cannot be read as CSV: {error}.") from None
