"""An auditor's marks: what was looked at, what it was judged to be. Kept in the auditor's own folder, never rewritten.

One line of canonical JSON a mark, each with the SHA-256 of the line before it, so that a mark that was taken out or
changed later is noticed. The last mark of an entry counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads it when the record is printed
from typing import TYPE_CHECKING, cast, get_args

from glassplate.encoding import canonical_json, parse_json, parse_time, sha256_hex, time_text
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.records import AuditVerdict
from glassplate.verify.folder import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files

VERDICTS: tuple[str, ...] = get_args(AuditVerdict)
MARKS_NAME = "marks.jsonl"
MAX_NOTE = 1000  # characters
MAX_MARKS_BYTES = 64 * 1024 * 1024
_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Mark:
    """One judgement of one entry."""

    index: int
    verdict: AuditVerdict
    note: str = field(repr=False)
    at: datetime


def add_mark(folder: Path, mark: Mark, files: Files) -> None:
    """Append one mark.

    Raises:
        UsageError: a note is too long, or missing where somebody has to act on it.
        ProofFailed: the marks that are there were changed.
    """
    if len(mark.note) > MAX_NOTE or not mark.note.isprintable():
        raise UsageError(f"A note is one line of at most {MAX_NOTE} characters.")
    if mark.verdict != "ok" and not mark.note.strip():
        raise UsageError(f"Say in --note what the {mark.verdict} is.")
    path = folder / MARKS_NAME
    lines = _lines(path)
    _read(lines)
    previous = sha256_hex(lines[-1]) if lines else _FIRST
    plain = {**asdict(mark), "at": time_text(mark.at), "previous": previous, "v": 1}
    files.append(path, canonical_json(plain) + b"\n")


def read_marks(folder: Path) -> dict[int, Mark]:
    """The last mark of each entry.

    Raises:
        ProofFailed: a line was changed, or one was taken out.
    """
    return {mark.index: mark for mark in _read(_lines(folder / MARKS_NAME))}


def _lines(path: Path) -> list[bytes]:
    return read_file(path, MAX_MARKS_BYTES).splitlines() if path.exists() else []


def _read(lines: list[bytes]) -> list[Mark]:
    marks, previous = [], _FIRST
    for number, line in enumerate(lines, 1):
        try:
            plain = parse_json(line, limit=16 * MAX_NOTE)
            if plain["v"] != 1 or plain["previous"] != previous or plain["verdict"] not in VERDICTS:
                raise ProofFailed(f"Line {number} of {MARKS_NAME} does not follow the line before it.")
            marks.append(
                Mark(
                    int(plain["index"]),
                    cast("AuditVerdict", plain["verdict"]),
                    str(plain["note"]),
                    parse_time(plain["at"]),
                )
            )
        except (InputRefused, KeyError, TypeError, ValueError):
            raise ProofFailed(
                f"Line {number} of {MARKS_NAME} is damaged; restore it from a backup."
            ) from None
        previous = sha256_hex(line)
    return marks
