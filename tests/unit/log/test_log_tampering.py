"""Opening refuses what differs from what was signed and names the file; what a crash leaves, it mends."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest
from log_testing import OTHER, SIGNER, check_log, create, folders, naive_root, record, reopen

from glassplate.errors import ProofFailed, StorageFailed
from glassplate.log import Checkpoint, LogRecord, sign_checkpoint, sign_note
from glassplate.log.journal import MAGIC

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED, DURABLE = 300, 305
EARLY = 10


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A log of 300 published and 5 more durable entries; beside it how it was at 10, and a forged twin."""
    base = tmp_path_factory.mktemp("tampering")
    log = create(base / "log")
    log.append([record(number) for number in range(EARLY)])
    log.publish()
    log.close()
    shutil.copytree(base / "log", base / "early")
    log = reopen(base / "log")
    log.append([record(number) for number in range(EARLY, PUBLISHED)])
    log.publish()
    log.append([record(number) for number in range(PUBLISHED, DURABLE)])
    log.close()
    twin = create(base / "twin")
    twin.append([LogRecord(b"forged %d" % number, {}) for number in range(PUBLISHED)])
    twin.publish()
    twin.close()
    return base


@pytest.fixture
def base(original, tmp_path):
    shutil.copytree(original / "log", tmp_path / "log")
    return tmp_path / "log"


class Place(NamedTuple):
    """Where to tamper, and where other logs lie."""

    private: Path
    public: Path
    other: Path


def _flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def _cut_journal(path, keep):
    """Keep ``keep`` whole records, as a clean but shorter file."""
    data, position = path.read_bytes(), len(MAGIC)
    for _ in range(keep):
        position += 40 + int.from_bytes(data[position : position + 4], "big")
    path.write_bytes(data[:position])


def _public_checkpoint(key, size, leaves):
    signed = sign_checkpoint(Checkpoint(key.name, size, naive_root(leaves)), key)
    return lambda at: (at.public / "checkpoint").write_bytes(signed)


OTHER_LEAVES = [b"forged %d" % number for number in range(PUBLISHED)]

TAMPERING = {
    "a hash in a full tile": (
        lambda at: _flip(at.public / "tile/0/000", 77),
        ProofFailed,
        "tile/0/000 differs",
    ),
    "a hash in a partial tile": (
        lambda at: _flip(at.public / "tile/0/001.p/44", 5),
        ProofFailed,
        "tile/0/001.p/44 differs",
    ),
    "a hash in an upper tile": (
        lambda at: _flip(at.public / "tile/1/000.p/1", 5),
        ProofFailed,
        "tile/1/000.p/1 differs",
    ),
    "an entry in a bundle": (
        lambda at: _flip(at.public / "tile/entries/000", 5),
        ProofFailed,
        "tile/entries/000 differs",
    ),
    "a truncated partial tile": (
        lambda at: (at.public / "tile/0/001.p/44").write_bytes(b"x" * 32),
        ProofFailed,
        "tile/0/001.p/44 differs",
    ),
    "a missing tile": (
        lambda at: (at.public / "tile/0/000").unlink(),
        StorageFailed,
        "tile/0/000 cannot be read",
    ),
    "the whole tree missing": (
        lambda at: shutil.rmtree(at.public / "tile"),
        StorageFailed,
        "tile/entries/000 cannot be read",
    ),
    "the public checkpoint of another history, signed with our key": (
        _public_checkpoint(SIGNER, 200, OTHER_LEAVES[:200]),
        ProofFailed,
        "checkpoint is signed by our key for another history of 200",
    ),
    "the public checkpoint of another history of the same size": (
        _public_checkpoint(SIGNER, PUBLISHED, OTHER_LEAVES),
        ProofFailed,
        "checkpoint is signed by our key for another history of 300",
    ),
    "a public checkpoint beyond the pending one": (
        _public_checkpoint(SIGNER, DURABLE, [record(number).leaf for number in range(DURABLE)]),
        ProofFailed,
        "checkpoint is signed for 305 entries, .pending only for 300",
    ),
    "the public checkpoint signed by another key of the same name": (
        _public_checkpoint(OTHER, PUBLISHED, OTHER_LEAVES),
        ProofFailed,
        "checkpoint is not a checkpoint of this log",
    ),
    "garbage for the public checkpoint": (
        lambda at: (at.public / "checkpoint").write_bytes(b"garbage"),
        ProofFailed,
        "public/checkpoint is not a checkpoint",
    ),
    "the pending checkpoint missing": (
        lambda at: (at.private / ".pending").unlink(),
        ProofFailed,
        "checkpoint is signed for 300 entries, .pending only for 0",
    ),
    "both checkpoints missing": (
        lambda at: [(at.private / ".pending").unlink(), (at.public / "checkpoint").unlink()],
        StorageFailed,
        ".pending is missing",
    ),
    "the pending checkpoint of another log under our origin": (
        lambda at: shutil.copy(at.other / "twin/private/.pending", at.private),
        ProofFailed,
        "journal does not lead to the root that .pending was signed for",
    ),
    "a well-signed pending note that is no checkpoint": (
        lambda at: (at.private / ".pending").write_bytes(sign_note("note\n", [SIGNER])),
        ProofFailed,
        ".pending is not a checkpoint of this log",
    ),
    "the private folder from an old backup": (
        lambda at: [
            shutil.rmtree(at.private),
            shutil.copytree(at.other / "early/private", at.private),
        ],
        ProofFailed,
        "checkpoint is signed for 300 entries, .pending only for 10",
    ),
    "both folders' checkpoints from an old backup but the journal shorter still": (
        lambda at: _cut_journal(at.private / "journal", 299),
        StorageFailed,
        "journal holds 299 intact entries, but a checkpoint was signed for 300",
    ),
    "the journal of another log": (
        lambda at: shutil.copy(at.other / "twin/private/journal", at.private),
        ProofFailed,
        "tile/entries/000 differs",
    ),
    "the journal and the tree of another log": (
        lambda at: [
            shutil.copy(at.other / "twin/private/journal", at.private),
            shutil.rmtree(at.public / "tile"),
            shutil.copytree(at.other / "twin/public/tile", at.public / "tile"),
        ],
        ProofFailed,
        "checkpoint is signed by our key for another history",
    ),
    "the same without a public checkpoint": (
        lambda at: [
            shutil.copy(at.other / "twin/private/journal", at.private),
            shutil.rmtree(at.public / "tile"),
            shutil.copytree(at.other / "twin/public/tile", at.public / "tile"),
            (at.public / "checkpoint").unlink(),
        ],
        ProofFailed,
        "journal does not lead to the root that .pending was signed for",
    ),
    "a byte of the journal": (
        lambda at: _flip(at.private / "journal", 5000),
        StorageFailed,
        "journal is damaged at byte",
    ),
    "a byte of the last durable but unpublished entry": (
        lambda at: _flip(at.private / "journal", -3),
        StorageFailed,
        r"journal is damaged at byte \d+ \(entry 304\)",
    ),
    "the journal missing": (
        lambda at: (at.private / "journal").unlink(),
        StorageFailed,
        "journal cannot be opened",
    ),
    "another verifier key shown to the public": (
        lambda at: (at.public / "vkey").write_text(f"{OTHER.verifier}\n"),
        ProofFailed,
        "vkey is not the key of this log",
    ),
}


@pytest.mark.parametrize(("tamper", "error", "message"), TAMPERING.values(), ids=TAMPERING.keys())
def test_tampered_log_is_not_opened_and_nothing_is_signed(original, base, tamper, error, message):
    tamper(Place(*folders(base), original))
    before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}
    for _ in range(2):  # and keeps refusing
        with pytest.raises(error, match=message):
            reopen(base)
    assert {path: path.read_bytes() for path in base.rglob("*") if path.is_file()} == before


MENDED = {
    "nothing": lambda _: None,
    "the public checkpoint missing": lambda at: (at.public / "checkpoint").unlink(),
    "the public checkpoint an older one": lambda at: (at.public / "checkpoint").write_bytes(
        sign_checkpoint(
            Checkpoint(SIGNER.name, 20, naive_root([record(number).leaf for number in range(20)])), SIGNER
        )
    ),
    "the verifier key missing": lambda at: (at.public / "vkey").unlink(),
    "temporary files of a killed process": lambda at: [
        (folder / ".x.0badf00d.tmp").write_bytes(b"half")
        for folder in (at.private, at.public, at.public / "tile/0", at.public / "tile/0/001.p")
    ],
    "tiles of a publication that was not finished": lambda at: [
        (at.public / name).write_bytes(b"leftover")
        for name in ("tile/0/001.p/49", "tile/0/001", "tile/entries/001")
    ],
    "an old partial of a tile that is full now": lambda at: _leave_partial(at.public / "tile/0/000", 7),
    "a record cut short by a power failure": lambda at: (at.private / "journal").write_bytes(
        (at.private / "journal").read_bytes() + bytes(9)
    ),
}


def _leave_partial(full: Path, width: int) -> None:
    partial = full.with_name(f"{full.name}.p") / str(width)
    partial.parent.mkdir()
    partial.write_bytes(full.read_bytes()[: width * 32])


def test_partials_go_when_their_tile_is_full(original, base):
    assert (folders(base)[1] / "tile/0/000").exists()
    assert not (folders(base)[1] / "tile/0/000.p").exists()
    assert not (folders(base)[1] / "tile/entries/000.p").exists()


@pytest.mark.parametrize("mishap", MENDED.values(), ids=MENDED.keys())
def test_what_a_crash_or_a_cleaning_leaves_is_mended(original, base, mishap):
    seen = [(folders(base)[1] / "checkpoint").read_bytes()]
    mishap(Place(*folders(base), original))
    log = reopen(base)
    assert (log.size, log.published_size) == (DURABLE, PUBLISHED)
    acknowledged = {number: record(number).leaf for number in range(DURABLE)}
    check_log(log, base, acknowledged, seen)
    assert log.publish().size == DURABLE
    check_log(log, base, acknowledged, seen)
    assert not list(base.rglob("*.tmp"))
    log.close()


def test_proof_from_a_tree_that_was_changed_meanwhile_is_not_handed_out(base):
    log = reopen(base)
    _flip(folders(base)[1] / "tile/0/000", 5)
    with pytest.raises(ProofFailed):
        log.proof(1)
    log.close()
