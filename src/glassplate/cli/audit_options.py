"""Options that the auditors' verbs share, and what they lead to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.console import progress
from glassplate.cli.options import city
from glassplate.cli.verify import fingerprints
from glassplate.errors import UsageError

if TYPE_CHECKING:
    from glassplate.auditing import OpenedEntry, PublishedRecord
    from glassplate.charter import OfficePrivateKey
    from glassplate.verify.findings import Verification

Public = Annotated[
    Path | None,
    typer.Option("--public", help="The public folder, or a copy of it (default: that of --dir)."),
]
Root = Annotated[
    list[str] | None,
    typer.Option(help="office=fingerprint as printed in the ordinance; once for each office."),
]
Vkey = Annotated[str | None, typer.Option(help="The log's verifier key, where no fingerprints are at hand.")]
Pulled = Annotated[Path, typer.Option("--from", help="Folder of pulled bodies.")]
Key = Annotated[Path, typer.Option(help="The auditor's private key.")]
OfficeKey = Annotated[
    Path,
    typer.Option("--office-key", help="The auditor's office key (glassplate charter keygen), to sign with."),
]


def record_of(
    directory: Path, public: Path | None, root: list[str] | None, vkey: str | None
) -> PublishedRecord:
    """The published record under the key that was vouched for."""
    from glassplate.auditing import open_record

    folder = public or city(directory).public
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. Name the city's public folder with --public.")
    return open_record(folder, fingerprints=fingerprints(root) if root else None, vkey=vkey)


def opened_bodies(
    record: PublishedRecord, source: Path, key: Path, result: Verification
) -> dict[int, OpenedEntry]:
    """Every pulled body, opened and checked, with a progress bar."""
    from glassplate.auditing import open_pulled
    from glassplate.seal.body import AuditorKey

    published = len(record.entries)
    with progress() as bars:
        task = bars.add_task("opening bodies", total=published)

        def step(done: int) -> None:
            bars.update(task, completed=done, total=max(done, published))  # pulled ahead of the publication

        return open_pulled(record, source, AuditorKey.load(key), result, step)


def office_key(path: Path) -> OfficePrivateKey:
    """An office's key, as ``glassplate charter keygen`` wrote it."""
    from glassplate.charter import OfficePrivateKey
    from glassplate.errors import InputRefused

    try:
        return OfficePrivateKey.from_pem(path.read_bytes())
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.") from None


def hour(text: str) -> datetime:
    """A day or a full hour, in UTC.

    Raises:
        UsageError: it is neither.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or (at.minute, at.second, at.microsecond) != (0, 0, 0):
        raise UsageError(f"{text!r} is no day and no full hour. Write 2026-11-25, or 2026-11-25T06:00Z.")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
