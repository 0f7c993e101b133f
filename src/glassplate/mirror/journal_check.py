"""A mirror's log held against the vault's own: the beginning of it, or a reason to stop.

Bytes are compared first, which is all that a normal start needs. Where the mirror has other bytes or more of them, only
intact records count (``log.intact_bytes``): what a crash left at its end is cut off; anything else is a log that was
set back, or two histories.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, StorageFailed
from glassplate.log import JOURNAL_NAME, PENDING_NAME, VerifierKey, intact_bytes, open_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.mirror.place import MirrorPlace

COMPARE_BYTES = 4 * 2**20
SET_BACK = (
    "The vault's own log folder was set back: an old backup, or damaged. Sign nothing with it; restore it from the mirror "
    "(glassplate restore BACKUP --mirror MIRROR)."
)


def demand_beginning(journal: Path, place: MirrorPlace) -> int:
    """The mirror's journal is the beginning of ``journal``, or the whole.

    Returns how many bytes of it are; what is behind them is the torn tail that a crash left.

    Raises:
        StorageFailed: it is ahead, or another history; or one of both is damaged.
        MirrorAway: it cannot be read.
    """
    twin = place.log / JOURNAL_NAME
    size = place.do(lambda: twin.stat().st_size)  # before the own one is read, which may grow meanwhile
    same = common_bytes(journal, place, size)
    if same == size or place.do(lambda: intact_bytes(twin)) <= same:
        return same
    if same >= intact_bytes(journal):
        raise StorageFailed(f"{twin} has entries that {journal} lacks. {SET_BACK}")
    raise StorageFailed(
        f"{twin} and {journal} differ at byte {same}: two histories, or a changed file. Sign nothing; keep both as "
        "evidence and find out which one is right."
    )


def demand_not_newer(pending: Path, place: MirrorPlace) -> None:
    """The mirror's checkpoint is not signed for more entries than the vault's own.

    Raises:
        StorageFailed: it is, or for another history of as many; or it is damaged.
        MirrorAway: it cannot be read.
    """
    twin = place.log / PENDING_NAME
    mirrored = place.do(lambda: twin.read_bytes() if twin.exists() else None)
    own = pending.read_bytes() if pending.exists() else None
    if mirrored is None or mirrored == own:
        return
    key = VerifierKey.parse(place.vkey)
    try:
        there = open_checkpoint(mirrored, key)
        here = open_checkpoint(own, key) if own is not None else None
    except ProofFailed as error:
        raise StorageFailed(f"{twin} or {pending} is not a checkpoint of this log: {error}") from None
    if here is None or there.size > here.size:
        raise StorageFailed(f"{twin} is signed for more entries than {pending}. {SET_BACK}")
    if there.size == here.size and there.root != here.root:
        raise StorageFailed(
            f"{twin} and {pending} are signed for two histories of {here.size} entries. Sign nothing; keep both as evidence."
        )


def common_bytes(journal: Path, place: MirrorPlace, size: int) -> int:
    """How many of the mirror's first ``size`` bytes the two journals have in common, from the first one on.

    Raises:
        MirrorAway: the mirror cannot be read.
    """
    twin, same = place.log / JOURNAL_NAME, 0
    with journal.open("rb") as own:
        while chunk := own.read(min(COMPARE_BYTES, size - same)):
            other = place.do(partial(_read, twin, same, len(chunk)))
            if chunk != other:
                return same + _common(chunk, other)
            same += len(chunk)
    return same


def _read(path: Path, at: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(count)


def _common(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:  # the first ``low`` bytes are the same, and no more than ``high``
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
