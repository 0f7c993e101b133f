"""Reading a public tree of tiles: entries, proofs, and the full check that an outsider runs.

A partial tile may have been removed once the full one exists, so every read falls back from the partial file
to the full one and cuts it, for bundles as well. What is read is only as good as the check that follows:
proofs are verified against a signed root by whoever receives them, and ``check`` recomputes everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, StorageFailed, UsageError
from glassplate.log import merkle
from glassplate.log.text_fields import HASH_BYTES
from glassplate.log.tiles import (
    MAX_ENTRY_BYTES,
    TILE_WIDTH,
    RightEdge,
    TileFile,
    entries_path,
    parse_bundle,
    tile_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_BUNDLE_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)  # larger is no bundle, whoever wrote it


class TileReader:
    """Reads one log's public folder. Safe to call from several threads; holds no open file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def nodes(self, size: int) -> merkle.NodeSource:
        """The tree of the first ``size`` entries. Keeps the tiles it has read, so use one for one job."""
        tiles: dict[tuple[int, int], bytes] = {}

        def node(height: int, index: int) -> bytes:
            level, inner = divmod(height, 8)
            number, offset = divmod(index << inner, TILE_WIDTH)
            if (level, number) not in tiles:
                tiles[level, number] = self._tile(level, number, _width(size >> 8 * level, number))
            data = tiles[level, number][offset * HASH_BYTES : (offset + (1 << inner)) * HASH_BYTES]
            return merkle.fold([data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)])

        return node

    def root(self, size: int) -> bytes:
        """Root of the first ``size`` entries, from the highest tiles that have it."""
        return merkle.tree_root(self.nodes(size), size)

    def earlier_root(self, old_size: int, size: int) -> bytes:
        """Root of the first ``old_size`` entries of the tree of ``size``, whether or not it was ever published."""
        return merkle.tree_root(self.nodes(size), old_size)

    def leaf_hash(self, index: int, size: int) -> bytes:
        """Leaf hash of one entry, as level 0 has it."""
        _demand_entry(index, size)
        return self.nodes(size)(0, index)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Proof that entry ``index`` is in the tree of ``size``."""
        return merkle.inclusion_proof(self.nodes(size), index, size)

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """Proof that the tree of ``new_size`` begins with the one of ``old_size``."""
        return merkle.consistency_proof(self.nodes(new_size), old_size, new_size)

    def entry(self, index: int, size: int) -> bytes:
        """One entry's bytes. Not yet proven: check its inclusion."""
        _demand_entry(index, size)
        return self._bundle(index // TILE_WIDTH, size)[index % TILE_WIDTH]

    def entries(self, size: int, first: int = 0) -> Iterator[bytes]:
        """The entries ``first`` … ``size - 1``. Not yet proven: run ``check`` first."""
        for number in range(first // TILE_WIDTH, -(-size // TILE_WIDTH)):
            yield from self._bundle(number, size)[max(0, first - number * TILE_WIDTH) :]

    def check(self, size: int, root: bytes) -> None:
        """Rebuild the tree of ``size`` from its entries; compare every tile, and at the end the root.

        Raises:
            ProofFailed: naming the file that differs, or the root that does.
            StorageFailed: naming the file that is missing.
        """
        edge = RightEdge()
        for number in range(-(-size // TILE_WIDTH)):
            entries = self._bundle(number, size)  # its bytes are those of its entries, or it is refused
            self.compare(edge.push_hashes([merkle.leaf_hash(entry) for entry in entries]))
        self.compare(edge.partials())
        if edge.root() != root:
            raise ProofFailed(f"The entries in {self._folder} do not lead to the signed root of size {size}.")

    def compare(self, expected: Iterable[TileFile]) -> None:
        """Demand that the files hold exactly these bytes (a partial may be the beginning of the full file).

        Raises:
            ProofFailed: naming the file that differs.
            StorageFailed: naming the file that is missing.
        """
        for file in expected:
            path = self._folder / file.path
            if path.exists() or ".p/" not in file.path:
                same = self._load(path) == file.data
            else:
                path = self._folder / file.path.partition(".p/")[0]
                same = self._load(path).startswith(file.data)
            if not same:
                raise ProofFailed(f"{path} differs from what the log's entries lead to.")

    def _tile(self, level: int, number: int, width: int) -> bytes:
        path, stored = self._folder / tile_path(level, number, width), width
        if not path.exists():
            path, stored = self._folder / tile_path(level, number), TILE_WIDTH
        data = self._load(path)
        if len(data) != stored * HASH_BYTES:
            raise ProofFailed(f"{path} has {len(data)} bytes, expected {stored * HASH_BYTES}.")
        return data[: width * HASH_BYTES]

    def _bundle(self, number: int, size: int) -> list[bytes]:
        width = _width(size, number)
        partial, full = self._folder / entries_path(number, width), self._folder / entries_path(number)
        if width < TILE_WIDTH and not partial.exists():
            return parse_bundle(self._load(full), TILE_WIDTH, str(full))[:width]
        return parse_bundle(self._load(partial), width, str(partial))

    def _load(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BUNDLE_BYTES + 1)
        except OSError as error:
            raise StorageFailed(
                f"{path} cannot be read ({error.strerror}); copy it again from the log or from a backup."
            ) from None
        if len(data) > MAX_BUNDLE_BYTES:
            raise ProofFailed(f"{path} is larger than any tile or bundle can be.")
        return data


def _width(total: int, number: int) -> int:
    return min(TILE_WIDTH, total - number * TILE_WIDTH)


def _demand_entry(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise UsageError(f"A log of {size} entries has no entry {index}.")
