"""What happens before a log may be written: every start runs it, so that it cannot rot.

 1. Sweep: remove temporary files of a killed process; fsync every folder of the public tree.
 2. Open the private ``.pending`` (the newest checkpoint that was ever signed) and the public ``checkpoint``,
    both by our own key and origin. The public one may lag behind the pending one, never lead: that is a
    restored backup.
 3. Replay the journal: every record intact, at least as many as were signed for; only a torn tail is cut off.
    While replaying, rebuild the right edge and compare every tile and bundle up to the pending size, byte for
    byte.
 4. The root from the journal's leaves and the root from the tiles must both be the pending one, and the
    public checkpoint's root the one that the journal had at that size.
 5. Make the pending checkpoint durable once more (a killed process may have left its rename in the page
    cache), then bring the public checkpoint and verifier key up to it.

Tiles beyond the pending size are leftovers; the next publication overwrites them with the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, StorageFailed
from glassplate.files import fsync_folder, make_folder
from glassplate.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from glassplate.log.journal import Journal
from glassplate.log.merkle import EMPTY_ROOT
from glassplate.log.note import MAX_NOTE_BYTES
from glassplate.log.tile_reader import TileReader
from glassplate.log.tiles import RightEdge

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.log.journal_record import LogRecord
    from glassplate.log.note_keys import SigningKey, VerifierKey

JOURNAL_NAME = "journal"
PENDING_NAME = ".pending"
CHECKPOINT_NAME = "checkpoint"
VERIFIER_KEY_NAME = "vkey"


@dataclass(frozen=True, slots=True)
class Published:
    """The state of the tree at the newest signed checkpoint."""

    edge: RightEdge
    checkpoint: Checkpoint
    signed: bytes


def recover(folder: Path, public_folder: Path, signer: SigningKey, files: Files) -> tuple[Journal, Published]:
    """Steps 1 to 5 of the module.

    Raises:
        StorageFailed: when a file is missing, unreadable or damaged; names it.
        ProofFailed: when a signature or root differs; names the file.
    """
    pending_path, checkpoint_path = folder / PENDING_NAME, public_folder / CHECKPOINT_NAME
    try:
        _sweep(folder, public_folder, files)  # 1
        pending, public = _read_signed(pending_path), _read_signed(checkpoint_path)  # 2
        newest = _newest(pending_path, pending, signer)
        replay = _Replay(newest, TileReader(public_folder))
        if public is not None:
            replay.expect(checkpoint_path, _open(checkpoint_path, public, signer.verifier))
        journal = Journal.open(folder / JOURNAL_NAME, files, replay.visit, at_least=newest.size)  # 3
        try:
            if pending is None:
                _demand_new(pending_path, journal, public)
            replay.finish()  # 4
            signed = pending if pending is not None else sign_checkpoint(newest, signer)
            signed = _write_signed(folder, public_folder, signed, signer.verifier, files)  # 5
        except BaseException:
            journal.close()
            raise
    except OSError as error:
        raise StorageFailed(f"The log in {folder} cannot be opened: {error}.") from None
    return journal, Published(replay.edge, newest, signed)


class _Replay:
    """Pushes the journal's leaves up to the signed size and compares what they lead to."""

    def __init__(self, newest: Checkpoint, reader: TileReader) -> None:
        self.edge = RightEdge()
        self._newest = newest
        self._reader = reader
        self._expected: tuple[Path, Checkpoint] | None = None

    def expect(self, path: Path, public: Checkpoint) -> None:
        """The public checkpoint has to lie on the way."""
        if public.size > self._newest.size:
            raise ProofFailed(
                f"{path} is signed for {public.size} entries, {PENDING_NAME} only for {self._newest.size}: "
                "it is an old backup. Do not sign with this key again; restore the newest private folder."
            )
        self._expected = (path, public)

    def visit(self, record: LogRecord) -> None:
        """One journal record, in order."""
        if self.edge.size < self._newest.size:
            self._reader.compare(self.edge.push([record.leaf]))
            self._check_public()

    def finish(self) -> None:
        """At the signed size: partial tiles and both roots."""
        self._reader.compare(self.edge.partials())
        for source, root in (
            ("The journal", self.edge.root()),
            ("The public tree", self._reader.root(self.edge.size)),
        ):
            if root != self._newest.root:
                raise ProofFailed(
                    f"{source} does not lead to the root that {PENDING_NAME} was signed for "
                    f"(size {self._newest.size}): the log was changed. Keep everything as evidence."
                )

    def _check_public(self) -> None:
        if self._expected is None or self._expected[1].size != self.edge.size:
            return
        path, public = self._expected
        if public.root != self.edge.root():
            raise ProofFailed(
                f"{path} is signed by our key for another history of {public.size} entries: "
                "somebody else used the key. Keep the file as evidence."
            )


def _newest(path: Path, pending: bytes | None, signer: SigningKey) -> Checkpoint:
    if pending is None:
        return Checkpoint(
            signer.name, 0, EMPTY_ROOT
        )  # only right for a log that was never written; checked above
    return _open(path, pending, signer.verifier)


def _demand_new(pending_path: Path, journal: Journal, public: bytes | None) -> None:
    """Without ``.pending`` only a log that crashed while it was created can be right."""
    if journal.size or public is not None:
        raise StorageFailed(f"{pending_path} is missing; restore it from a backup of the same moment.")


def _open(path: Path, data: bytes, key: VerifierKey) -> Checkpoint:
    try:
        return open_checkpoint(data, key)
    except ProofFailed as error:
        raise ProofFailed(f"{path} is not a checkpoint of this log: {error}") from None


def _read_signed(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_NOTE_BYTES + 1)
    except FileNotFoundError:
        return None


def _write_signed(folder: Path, public_folder: Path, signed: bytes, key: VerifierKey, files: Files) -> bytes:
    """Returns the public checkpoint: the signed one, with its witnesses' lines behind it if they are there."""
    line, key_path = f"{key}\n".encode(), public_folder / VERIFIER_KEY_NAME
    stored = _read_signed(key_path)
    if stored not in (None, line):
        raise ProofFailed(f"{key_path} is not the key of this log, which is {key}.")
    files.write_atomic(folder / PENDING_NAME, signed, mode=0o600)
    if stored is None:
        files.write_atomic(key_path, line)
    published = _read_signed(public_folder / CHECKPOINT_NAME) or b""
    if published.startswith(signed):
        return published
    files.write_atomic(public_folder / CHECKPOINT_NAME, signed)
    return signed


def _sweep(folder: Path, public_folder: Path, files: Files) -> None:
    make_folder(public_folder)
    for path in [*folder.glob(".*.tmp"), *public_folder.rglob(".*.tmp")]:
        files.remove(path)
    for path in [public_folder, *(path for path in public_folder.rglob("*") if path.is_dir())]:
        fsync_folder(path)
