"""The store as an engine: loaded day by day, sealed, and kept below ``build/`` until its code changes."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench_store.made_reads import stored_reads
from bench_store.workload import EPOCHS, epoch_id
from glassplate import store
from glassplate.errors import StorageFailed
from glassplate.files import LocalFiles
from glassplate.store import SearchWorker, SqlcipherStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_store.questions import Asked
    from bench_store.workload import Workload
    from glassplate.store import StoredRead

AT_ONCE = 5_000  # reads of one append while loading
HOT_EPOCH = EPOCHS - 1


def key_of(epoch: str) -> bytes:
    """The key of an epoch; nothing here is secret, so it is always the same."""
    return hashlib.sha256(f"bench-store {epoch}".encode()).digest()


KEYS = {epoch_id(epoch): key_of(epoch_id(epoch)) for epoch in range(EPOCHS)}


def loaded_folder(workload: Workload, told: Callable[[int], None]) -> Path:
    """The folder with all reads, made if need be: 29 days sealed, the last one hot. ``told`` hears how many came."""
    folder = workload.data.with_name(f"store-{workload.data.name}-{_code_sha256()}")
    if folder.exists():
        told(workload.reads)
        return folder
    for old in workload.folder.glob(f"store-{workload.data.name}-*"):
        shutil.rmtree(old)
    making = folder.with_suffix(".tmp")
    shutil.rmtree(making, ignore_errors=True)
    filling = SqlcipherStore(making, LocalFiles())
    for epoch in range(EPOCHS):
        name = epoch_id(epoch)
        rows = workload.day(epoch)
        for start in range(0, len(rows), AT_ONCE):
            reads = stored_reads(rows[start : start + AT_ONCE], name)
            filling.append(name, KEYS[name], reads)
            told(len(reads))
        if epoch != HOT_EPOCH:
            filling.seal_epoch(name, KEYS[name])
            filling.drop_hot(name)
    filling.close()
    making.rename(folder)
    return folder


def copy_for_use(folder: Path, to: Path) -> None:
    """A copy that may be changed: sealed files are linked, since nothing ever writes to them."""
    to.mkdir(mode=0o700)
    for path in folder.iterdir():
        if path.suffix == ".sealed":
            os.link(path, to / path.name)
        else:
            shutil.copy(path, to / path.name)


def bytes_on_disk(folder: Path) -> int:
    """Of all files but images."""
    return sum(path.stat().st_size for path in folder.iterdir() if ".images" not in path.name)


class StoreEngine:
    """Opened with its search worker, as the vault opens it."""

    name = "glassplate"

    def __init__(self, folder: Path) -> None:
        self.files = folder
        self.keys = dict(KEYS)
        self._worker = SearchWorker()
        self.store = SqlcipherStore(folder, LocalFiles(), self._worker)

    def open_all(self) -> int:
        """Open every epoch and count the reads."""
        return sum(self.store.counts(self.keys).values())

    def ask(self, asked: Asked) -> list[str]:
        """Ids of the newest full reads, which were all made.

        Raises:
            StorageFailed: a day could not be searched, so the time would mean nothing.
        """
        page = self.store.search(asked.query, self.keys)
        if page.unserved:
            raise StorageFailed(f"Not everything was searched: {page.unserved[0][1]}")
        return [stored.read.read_id for stored in page.reads]

    def append(self, reads: list[StoredRead]) -> None:
        """Take reads into the hot epoch, durably."""
        self.store.append(epoch_id(HOT_EPOCH), KEYS[epoch_id(HOT_EPOCH)], reads)

    def drop_oldest(self) -> None:
        """Purge a day."""
        self.keys.pop(epoch_id(0))
        self.store.drop_epoch(epoch_id(0))

    def resident_mb(self) -> dict[str, float]:
        """Proportional memory of this process and the worker."""
        worker = self._worker.process_id
        return {"vault": _memory_mb("self"), "search worker": _memory_mb(str(worker)) if worker else 0.0}

    def close(self) -> None:
        """Close the files and end the worker."""
        self.store.close()


def _memory_mb(process: str) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return round(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024, 1)


def _code_sha256() -> str:
    files = sorted(Path(store.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
