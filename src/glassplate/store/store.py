"""The store of reads: what it promises, and the records it takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from glassplate.plate_text import PlatePattern
    from glassplate.records import PlateRead


@dataclass(frozen=True, slots=True)
class StoredRead:
    """An opened read beside its still sealed images. ``sealed_sha256``: hash of what the lane sealed."""

    epoch_id: str
    read: PlateRead
    crop_sealed: bytes = field(repr=False)
    scene_sealed: bytes | None = field(repr=False)
    sealed_sha256: str


@dataclass(frozen=True, slots=True)
class StoreQuery:
    """What to look for. ``since`` and ``until`` are both included; no ``camera_ids`` means all cameras.

    ``pattern`` None: any plate, so ``bodies``, ``colors`` or ``camera_ids`` must narrow it down.
    ``nearness`` look_alike: also plates that are the same, or one edit away, once look-alikes are folded
    (``plate_text.skeleton``); not together with wildcards.
    ``colors``: the first or the second color is one of these.
    ``cursor``: of the page before; the page goes on after its last read.

    Raises:
        InputRefused: the parts do not fit together.
    """

    pattern: PlatePattern | None
    since: datetime
    until: datetime
    camera_ids: tuple[str, ...] = ()
    limit: int = 100
    nearness: Literal["exact", "look_alike"] = "exact"
    bodies: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    cursor: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no index answers."""
        if self.limit < 1:
            raise InputRefused("Ask for at least one read.")
        if self.pattern is None and not (self.camera_ids or self.bodies or self.colors):
            raise InputRefused("Give a plate, or cameras, or the vehicle's body or color.")
        if self.nearness == "look_alike" and (self.pattern is None or self.pattern.has_wildcards):
            raise InputRefused("A search for look-alikes needs one whole plate, without ? and *.")


@dataclass(frozen=True, slots=True)
class StoredPage:
    """The newest reads that match. ``truncated``: there are more than ``limit``.

    ``unserved``: (epoch id, reason) of every epoch with a key that could not be searched; the answer lacks
    its reads.
    ``cursor``: asks for the next page; None when there is none. It stays right while reads arrive and epochs
    die: a page goes on below the last read that was shown, so nothing is shown twice and nothing moves.
    """

    reads: tuple[StoredRead, ...]
    truncated: bool
    unserved: tuple[tuple[str, str], ...] = ()
    cursor: str | None = None


NO_FILE = "none"


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """A sealed segment, as the log commits to it.

    ``sha256`` is ``NO_FILE`` and ``name`` empty where the epoch is in memory only.
    ``merkle_root``: RFC 6962 root over the ``sealed_sha256`` (32 bytes each) of its reads, sorted;
    hexadecimal.
    """

    epoch_id: str
    name: str
    sha256: str
    count: int
    merkle_root: str


class Store(Protocol):
    """Duties of an implementation. Callable from several threads at once.

    * When ``append`` returns, its reads survive a power cut. When it raises, none of them was taken.
    * A read id is taken once for each epoch, however often it is delivered.
    * Nothing readable reaches the disk: not in a temporary file, a journal or an index.
    * One damaged segment or wrong key never keeps another epoch from being served, and is never passed over
      in silence: ``search`` names it.
    * ``drop_epoch`` needs no key.
    """

    def create_epoch(self, epoch_id: str, *, in_memory: bool = False) -> None:
        """Announce an epoch before its first read; without this call it is kept in files.

        ``in_memory``: nothing of it is ever written to a file, so its reads end with the process.

        Raises:
            InputRefused: it has reads already that are kept otherwise.
        """

    def append(self, epoch_id: str, key: bytes, reads: Sequence[StoredRead]) -> list[bool]:
        """Take reads; for each, True when it is new and False when its id was there already.

        Raises:
            StorageFailed: nothing was taken; names the file.
        """

    def search(self, query: StoreQuery, keys: Mapping[str, bytes]) -> StoredPage:
        """The newest matching reads of the epochs in ``keys``.

        Raises:
            InputRefused: the cursor is none of ours.
        """

    def get(self, read_ids: Sequence[str], keys: Mapping[str, bytes]) -> list[StoredRead]:
        """Those of the reads that the epochs in ``keys`` hold, in the order asked for.

        Raises:
            StorageFailed: one is missing, and an epoch that could hold it is unreadable.
        """

    def seal_epoch(self, epoch_id: str, key: bytes) -> SegmentSummary | None:
        """Turn the epoch's hot reads into an immutable segment; the hot file stays until ``drop_hot``.

        Safe to repeat: when a crash left both, the summary of the segment that covers the hot file. None: no
        reads. Of an epoch in memory: the summary of the reads that came since it was last asked.

        Raises:
            StorageFailed: the hot file stays as it was.
        """

    def drop_hot(self, epoch_id: str) -> bool:
        """Remove the hot file whose segment's hash is in the log. False: late reads came, so seal again."""

    def has_hot(self, epoch_id: str) -> bool:
        """Whether the epoch has a hot file."""

    def drop_epoch(self, epoch_id: str) -> None:
        """Close and delete everything of the epoch.

        Raises:
            StorageFailed: something is left; try again.
        """

    def epoch_ids(self) -> list[str]:
        """Epochs that have files, oldest first."""

    def counts(self, keys: Mapping[str, bytes] | None = None) -> dict[str, int]:
        """Reads in each epoch that is open, or opens with ``keys``; one that does not open is left out."""

    def sealed_hashes(self, epoch_id: str, key: bytes) -> dict[str, list[bytes]]:
        """For each sealed segment, by name, the ``sealed_sha256`` of its reads, sorted: its Merkle root's leaves."""

    def expect_segments(self, logged: Iterable[SegmentSummary]) -> None:
        """Tell what the log says, before anything is served: whoever opens such a segment checks count and root.

        Both are noted inside the segment, so this costs nothing and finds an older segment that was put back whole.
        An empty root is not compared.
        """

    def verify_segment(self, name: str, sha256: str) -> None:
        """Check a sealed segment against the hash in the log; one that differs is not served any more.

        Raises:
            ProofFailed: it was replaced, or rolled back.
            StorageFailed: it is missing or unreadable.
        """

    def close(self) -> None:
        """Close every file, and so forget every key."""
