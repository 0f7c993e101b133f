"""What the log's tests share: a key, honest fakes of the disk, naive trees, a check of every invariant."""

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

    def __init__(
        self, fail_at: int | None = None, how: str = "not written", *, forever: bool = False
    ) -> None:
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


def roots_at(leaves: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    """Roots of many sizes in one pass, by a stack of complete subtrees (not the code under test)."""
    roots, stack = {0: hashlib.sha256(b"").digest()}, []
    for size, leaf in enumerate(leaves, start=1):
        stack.append((0, hashlib.sha256(b"\0" + leaf).digest()))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (height, right), (_, left) = stack.pop(), stack.pop()
            stack.append((height + 1, hashlib.sha256(b"\1" + left + right).digest()))
        if size in sizes:
            root = stack[-1][1]
            for _, left in stack[-2::-1]:
                root = hashlib.sha256(b"\1" + left + root).digest()
            roots[size] = root
    return roots


def check_log(log: TransparencyLog, base: Path, acknowledged: dict[int, bytes], seen: list[bytes]) -> None:
    """Acknowledged leaves are at their index, the public tree is right, no checkpoint seen contradicts."""
    leaves = [log.record(index).leaf for index in range(log.size)]
    for index, leaf in acknowledged.items():
        assert leaves[index] == leaf
    public = folders(base)[1]
    signed = (public / "checkpoint").read_bytes()
    assert signed == log.signed_checkpoint
    checkpoint = open_checkpoint(signed, SIGNER.verifier)
    assert checkpoint.size == log.published_size <= log.size
    old_ones = [open_checkpoint(data, SIGNER.verifier) for data in seen]
    roots = roots_at(leaves, {checkpoint.size, *(old.size for old in old_ones)})
    assert checkpoint.root == roots[checkpoint.size]
    TileReader(public).check(checkpoint.size, checkpoint.root)
    for old in old_ones:
        assert old.size <= checkpoint.size
        assert old.root == roots[old.size]
    for index in {0, checkpoint.size // 2, checkpoint.size - 1}:
        try:
            proof = log.proof(index)
        except UsageError:
            assert checkpoint.size == 0 or not 0 <= index < checkpoint.size
        else:
            verify_proof(proof, SIGNER.verifier, leaves[index])
