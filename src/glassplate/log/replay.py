"""A journal that comes back from a copy: its public pages are written again, and its roots are known on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, StorageFailed
from glassplate.log.checkpoint import open_checkpoint
from glassplate.log.journal import Journal
from glassplate.log.recovery import JOURNAL_NAME, PENDING_NAME
from glassplate.log.tiles import RightEdge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.log.journal_record import LogRecord
    from glassplate.log.note_keys import VerifierKey
    from glassplate.log.tiles import TileFile


def replay_journal(
    folder: Path,
    public_folder: Path,
    key: VerifierKey,
    files: Files,
    visit: Callable[[bytes], None],
    *,
    size: int | None,
) -> bytes | None:
    """Write every tile and bundle up to the private ``.pending`` that is not there; hand each leaf to ``visit``.

    Returns the root of the first ``size`` entries; None when there are fewer, or ``size`` is None.

    Raises:
        StorageFailed: the journal is damaged, or shorter than what was signed.
        ProofFailed: it does not lead to what was signed.
    """
    try:
        pending = open_checkpoint((folder / PENDING_NAME).read_bytes(), key)
    except OSError as error:
        raise StorageFailed(f"{folder / PENDING_NAME} cannot be read ({error.strerror}).") from None
    edge = RightEdge()
    roots = {0: edge.root()}

    def push(record: LogRecord) -> None:
        visit(record.leaf)
        tiles = edge.push([record.leaf])
        if edge.size <= pending.size:
            _write_missing(public_folder, tiles, files)
        if edge.size == pending.size:
            _write_missing(public_folder, edge.partials(), files)
        if edge.size in (size, pending.size):
            roots[edge.size] = edge.root()

    Journal.open(folder / JOURNAL_NAME, files, push, at_least=pending.size).close()
    if roots[pending.size] != pending.root:
        raise ProofFailed(f"{folder / JOURNAL_NAME} does not lead to what {PENDING_NAME} was signed for.")
    return roots.get(size) if size is not None else None


def _write_missing(public_folder: Path, tiles: Sequence[TileFile], files: Files) -> None:
    for tile in tiles:
        path = public_folder / tile.path
        if not path.exists():
            files.write_atomic(path, tile.data)
