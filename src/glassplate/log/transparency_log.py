"""The log of one owner: a private journal, a public tree of tiles, a signing key.

    private folder (0700)   journal · .pending (the newest signed checkpoint) · lock
    public folder           checkpoint · vkey · tile/…       served as it is

Rules, as a list to tick off (what is true if we crash at each step is in ``append`` and ``publish``):
 1. An index is given by one sequencer, in journal order, and never given twice.
 2. ``append`` returns only what is durable (level L1); on a write error every waiting caller is refused.
 3. A checkpoint is durable as ``.pending`` before anybody outside can see it.
 4. Nothing shorter than what was signed, or than what a witness can show with our signature, is ever signed.
 5. One process owns the folders (flock); opening runs the whole recovery every time.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import LogUnavailable, StorageFailed, UsageError
from glassplate.files import make_folder
from glassplate.log.checkpoint import Checkpoint, sign_checkpoint
from glassplate.log.folder_lock import FolderLock
from glassplate.log.group_commit import GroupCommit
from glassplate.log.journal import Journal
from glassplate.log.journal_record import LogRecord, pack_record
from glassplate.log.merkle import leaf_hash, verify_inclusion
from glassplate.log.promise import Promise, sign_promise
from glassplate.log.proof import TlogProof
from glassplate.log.recovery import CHECKPOINT_NAME, JOURNAL_NAME, PENDING_NAME, Published, recover
from glassplate.log.tile_reader import TileReader
from glassplate.log.tiles import TILE_WIDTH, entries_path, tile_path
from glassplate.log.witness_client import ForkFound, Gathered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.log.note_keys import SigningKey, VerifierKey
    from glassplate.log.tiles import RightEdge, TileFile
    from glassplate.log.witness_client import WitnessClient


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a record is, for good."""

    index: int
    leaf_hash: bytes


class TransparencyLog:
    """Append, publish, prove. Every method may be called from any thread. Use ``create`` or ``open``."""

    def __init__(
        self, folder: Path, public_folder: Path, signer: SigningKey, files: Files, lock: FolderLock
    ) -> None:
        """Recover under ``lock``, which the new object owns. Not for callers: see ``create`` and ``open``."""
        self._folder = folder
        self._public_folder = public_folder
        self._signer = signer
        self._files = files
        self._lock = lock
        self._journal, self._published = recover(folder, public_folder, signer, files)
        self._reader = TileReader(public_folder)
        self._sequencing = threading.Lock()
        self._publishing = threading.Lock()
        self._witnesses: WitnessClient | None = None
        self._gathered = Gathered((), (), ())
        self._fork: str | None = None
        self._commit = GroupCommit(self._journal.append, self._sequencing)

    @classmethod
    def create(cls, folder: Path, public_folder: Path, signer: SigningKey, files: Files) -> TransparencyLog:
        """Start a log with no entries and publish its empty checkpoint.

        Once the journal exists, ``open`` finishes what a crash left undone.

        Raises:
            UsageError: when there is a log already, in either folder.
            FolderBusy: when another process owns the folder.
            StorageFailed: when the disk refuses.
        """
        try:
            make_folder(folder, mode=0o700)
        except OSError as error:
            raise StorageFailed(f"{folder} cannot be made: {error.strerror}.") from None
        lock = FolderLock(folder)
        try:
            _start_journal(folder, public_folder, files)
            return cls(folder, public_folder, signer, files, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path, public_folder: Path, signer: SigningKey, files: Files) -> TransparencyLog:
        """Recover an existing log (see ``recovery``).

        Raises:
            FolderBusy: when another process owns the folder.
            StorageFailed: when a file is missing or damaged; names it.
            ProofFailed: when a signature, tile or root is not what was signed; names the file.
        """
        lock = FolderLock(folder)
        try:
            return cls(folder, public_folder, signer, files, lock)
        except BaseException:
            lock.release()
            raise

    def __repr__(self) -> str:
        return f"TransparencyLog({self.origin}, {self._folder})"

    @property
    def origin(self) -> str:
        """The log's name, which is its key's name."""
        return self._signer.name

    @property
    def verifier(self) -> VerifierKey:
        """The key to check everything of this log with."""
        return self._signer.verifier

    @property
    def size(self) -> int:
        """Entries that are durable (L1)."""
        return self._journal.size

    @property
    def published_size(self) -> int:
        """Entries under the newest published checkpoint (L2)."""
        return self._published.checkpoint.size

    @property
    def signed_checkpoint(self) -> bytes:
        """The newest published checkpoint, as it lies in the public folder."""
        return self._published.signed

    @property
    def gathered(self) -> Gathered:
        """What witnesses gave for the newest published checkpoint (L3), and which of them fail."""
        return self._gathered

    @property
    def is_cosigned(self) -> bool:
        """Whether the newest published checkpoint has its quorum; True when no witness is asked for."""
        return self._witnesses is None or len(self._gathered.lines) >= self._witnesses.quorum

    def use_witnesses(self, client: WitnessClient | None, *, after_restore: bool = False) -> None:
        """Have every later checkpoint cosigned. Asks them first what they saw, and signs nothing shorter.

        ``after_restore``: as many as make the quorum must answer before this log may be used.

        Raises:
            ForkFound: one has seen more of this log, or another history. Every later append is refused.
            ProofFailed: after a restore, too few of them answer.
        """
        with self._publishing:
            if client is not None:
                with self._stopping_at_a_fork():
                    checkpoint = self._published.checkpoint
                    client.demand_not_ahead(
                        checkpoint,
                        self.verifier,
                        lambda old: self._reader.earlier_root(old, checkpoint.size),
                        answers=client.quorum if after_restore else 0,
                    )
            self._witnesses, self._gathered = client, Gathered((), (), ())

    def append(self, records: Sequence[LogRecord]) -> list[Appended]:
        """Record all of ``records`` at successive indices; they are durable when this returns (L1).

        Crash before the journal's fsync: nobody was answered; some records may be there at the next start, in
        order. Crash after it: every record is there, at its index.

        Raises:
            UsageError: when a record breaks a limit; none was written.
            LogUnavailable: when the disk refused or the log is closed; none counts.
        """
        payloads = [pack_record(record) for record in records]
        if not payloads:
            return []
        self._demand_no_fork()
        first = self._commit.submit(payloads)
        return [Appended(first + i, leaf_hash(record.leaf)) for i, record in enumerate(records)]

    def publish(self) -> Checkpoint:
        """Bring the public tree up to everything that is durable now. Does nothing when it is.

        Raises:
            StorageFailed: when the disk refused; call again, or open again: both continue where this stopped.
            LogUnavailable: when the log is closed.
        """
        with self._publishing:
            self._demand_no_fork()
            size, published = self._journal.size, self._published
            if size == published.checkpoint.size and self.is_cosigned:
                return published.checkpoint
            try:
                if size > published.checkpoint.size:
                    published = self._sign_grown(published, size)
                # 4. Witnesses, since what they see is durable now. Crash: they know what .pending knows.
                signed = self._cosigned(published)
                # 5. The public one. Crash: done.
                if signed != self._published.signed:
                    self._files.write_atomic(self._public_folder / CHECKPOINT_NAME, signed)
            except OSError as error:
                raise StorageFailed(
                    f"The log's tree in {self._public_folder} cannot be written: {error}."
                ) from None
            self._prune(self._published.checkpoint.size, size)
            self._published = Published(published.edge, published.checkpoint, signed)
            return published.checkpoint

    def record(self, index: int) -> LogRecord:
        """One durable record with its sealed bodies.

        Raises:
            UsageError: when there is no such entry.
            StorageFailed: when the journal was damaged since it was opened.
            LogUnavailable: when the log is closed.
        """
        return self._journal.read(index)

    def proof(self, index: int) -> bytes:
        """The ``.tlog-proof`` of a published entry, checked before it is handed out.

        Raises:
            UsageError: when the entry is not published (yet).
            ProofFailed, StorageFailed: when the public tree was changed since it was opened.
        """
        published = self._published
        checkpoint = published.checkpoint
        if not 0 <= index < checkpoint.size:
            raise UsageError(
                f"Entry {index} is not published: the checkpoint has {checkpoint.size} entries; try later."
            )
        hashes = self._reader.inclusion_proof(index, checkpoint.size)
        leaf = leaf_hash(self.record(index).leaf)
        verify_inclusion(leaf, index, checkpoint.size, hashes, checkpoint.root)
        return TlogProof(index, tuple(hashes), published.signed).to_bytes()

    def promise(self, index: int, recorded_at: datetime) -> str:
        """The signed promise for a durable entry, whether or not it is published.

        Raises:
            UsageError: when there is no such entry, or the time is not aware UTC.
        """
        leaf = leaf_hash(self.record(index).leaf)
        return sign_promise(Promise(self.origin, index, leaf, recorded_at), self._signer).decode()

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Nothing is appended or published for the length of the block."""
        with self._publishing, self._sequencing:
            yield

    @contextlib.contextmanager
    def not_growing(self) -> Iterator[None]:
        """Nothing is appended: the journal's length is that of whole records."""
        with self._sequencing:
            yield

    def close(self) -> None:
        """Wait for the writes that run, then let the folder go. Every later append is refused."""
        with self._publishing, self._sequencing:
            self._journal.close()
            self._lock.release()

    def _sign_grown(self, published: Published, size: int) -> Published:
        # 1. Bundles and tiles, each with its folders. Crash: leftovers beyond the old checkpoint, which the next
        #    publication overwrites with the same bytes, because the journal has not changed.
        edge = self._write_tiles(published, size)
        # 2. Sign. Nothing shorter can be signed: a journal never loses a record while it is open, and opening it
        #    refuses when it has fewer than were signed for.
        checkpoint = Checkpoint(self.origin, size, edge.root())
        signed = sign_checkpoint(checkpoint, self._signer)
        # 3. The private copy, before anybody outside sees it. Crash: the next start finds the tiles that belong to
        #    it, and publishes it.
        self._files.write_atomic(self._folder / PENDING_NAME, signed, mode=0o600)
        return Published(edge, checkpoint, signed)

    def _cosigned(self, published: Published) -> bytes:
        """The checkpoint with the cosignatures that its witnesses gave; short of them it is published all the same."""
        if self._witnesses is None or not published.checkpoint.size:
            return published.signed
        size = published.checkpoint.size
        signed = sign_checkpoint(published.checkpoint, self._signer)
        with self._stopping_at_a_fork():
            gathered = self._witnesses.gather(
                signed,
                self.verifier,
                lambda old: self._reader.consistency_proof(old, size),
                lambda old: self._reader.earlier_root(old, size),
            )
        has_grown = size > self._published.checkpoint.size
        self._gathered = gathered if has_grown else gathered.joined(self._gathered)
        return signed + "".join(self._gathered.lines).encode()

    @contextlib.contextmanager
    def _stopping_at_a_fork(self) -> Iterator[None]:
        try:
            yield
        except ForkFound as error:
            self._fork = str(error)
            raise

    def _demand_no_fork(self) -> None:
        if self._fork is not None:
            raise LogUnavailable(self._fork)

    def _write_tiles(self, published: Published, size: int) -> RightEdge:
        edge = published.edge.copy()
        for first in range(published.checkpoint.size, size, TILE_WIDTH):
            leaves = [self._journal.read(index).leaf for index in range(first, min(first + TILE_WIDTH, size))]
            self._write_public(edge.push(leaves))
        self._write_public(edge.partials(published.checkpoint.size))
        return edge

    def _prune(self, old_size: int, size: int) -> None:
        """Drop the partials of tiles that are full now: readers fall back to the full tile (C2SP tlog-tiles).

        Nothing depends on it, so a disk that refuses is left alone; leftovers hold true bytes.
        """
        for index in range(old_size // TILE_WIDTH, size // TILE_WIDTH):
            for path in (entries_path(index), tile_path(0, index)):
                shutil.rmtree(self._public_folder / f"{path}.p", ignore_errors=True)

    def _write_public(self, tiles: Sequence[TileFile]) -> None:
        for tile in tiles:
            self._files.write_atomic(self._public_folder / tile.path, tile.data)


def _start_journal(folder: Path, public_folder: Path, files: Files) -> None:
    for path in (folder / JOURNAL_NAME, folder / PENDING_NAME, public_folder / CHECKPOINT_NAME):
        if path.exists():
            raise UsageError(f"{path} exists: there is a log already. Open it, or choose a new folder.")
    try:
        Journal.create(folder / JOURNAL_NAME, files)
    except OSError as error:
        raise StorageFailed(f"The log in {folder} cannot be created: {error}.") from None
