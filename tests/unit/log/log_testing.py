"""What the log's tests share: a key, honest fakes of the disk, naive trees, and the check of every invariant."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from glassplate.errors import UsageError
from glassplate.files import LocalFiles
from glassplate.log import LogRecord, SigningKey, TileReader, TransparencyLog, open_checkpoint, verify_proof

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "tlog"
NO_VECTORS = "the published vectors are not beside this checkout (../shared/data/tlog)"
SIGNER = SigningKey.from_seed("log.example.org/test", bytes(range(32)))
OTHER = SigningKey.from_seed("log.example.org/test", bytes(32))


class FailingFiles(LocalFiles):
    """The real disk, which fails once its ``fail_at``-th write comes (and for ever after, if ``forever``).

    ``how``: "not written", "written" (done, but reported as failed), or "partly" (an append cut short).
    """

    def __init__(self, fail_at: int | None = None, how: str = "not written", *, forever: bool = False) -> None:
        self.writes = 0
        self._fail_at = fail_at
        self._how = how
        self._forever = forever

    def write_atomic(self, path, data, *, mode=0o644):
        self._step(lambda: LocalFiles.write_atomic(self, path, data, mode=mode))

    def append(self, path, data):
        self._step(
            lambda: LocalFiles.append(self, path, data),
            lambda: LocalFiles.append(self, path, data[: len(data) // 2]),
        )

    def truncate(self, path, size):
        self._step(lambda: LocalFiles.truncate(self, path, size))

    def remove(self, path):
        self._step(lambda: LocalFiles.remove(self, path))

    def _step(self, whole, part=lambda: None):
        number, self.writes = self.writes, self.writes + 1
        if self._fail_at is None or number < self._fail_at or (number > self._fail_at and not self._forever):
            whole()
            return
        if self._how == "written":
            whole()
        elif self._how == "partly":
            part()
        raise OSError(errno.ENOSPC, "No space left on device")


def folders(base: Path) -> tuple[Path, Path]:
    return base / "private", base / "public"


def create(base: Path, files=None) -> TransparencyLog:
    return TransparencyLog.create(*folders(base), SIGNER, files or LocalFiles())


def reopen(base: Path, files=None) -> TransparencyLog:
    return TransparencyLog.open(*folders(base), SIGNER, files or LocalFiles())


def record(number: int, body_size: int = 40) -> LogRecord:
    leaf = f"entry {number}".encode()
    return LogRecord(leaf, {"auditor": hashlib.shake_256(leaf).digest(body_size), "history": b"h" + leaf})


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = max(2**i for i in range(40) if 2**i < len(leaves))
    return hashlib.sha256(b"\1" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def check_log(log: TransparencyLog, base: Path, acknowledged: dict[int, bytes], seen: list[bytes]) -> None:
    """Every acknowledged leaf is at its index; the public tree is right; no checkpoint ever seen is contradicted."""
    leaves = [log.record(index).leaf for index in range(log.size)]
    for index, leaf in acknowledged.items():
        assert leaves[index] == leaf
    public = folders(base)[1]
    signed = (public / "checkpoint").read_bytes()
    assert signed == log.signed_checkpoint
    checkpoint = open_checkpoint(signed, SIGNER.verifier)
    assert checkpoint.size == log.published_size <= log.size
    assert checkpoint.root == naive_root(leaves[: checkpoint.size])
    TileReader(public).check(checkpoint.size, checkpoint.root)
    for old in (open_checkpoint(data, SIGNER.verifier) for data in seen):
        assert old.size <= checkpoint.size
        assert old.root == naive_root(leaves[: old.size])
    for index in {0, checkpoint.size // 2, checkpoint.size - 1}:
        try:
            proof = log.proof(index)
        except UsageError:
            assert checkpoint.size == 0 or not 0 <= index < checkpoint.size
        else:
            verify_proof(proof, SIGNER.verifier, leaves[index])
