"""Tiles and entry bundles (C2SP tlog-tiles): their paths, their bytes, and the right edge that makes them.

A full tile is 256 hashes. Level 0 holds leaf hashes; hash i of a tile at level L is the root of full tile i
at level L - 1. A partial tile holds the first 1 to 255 hashes of an unfinished one; partials are never hashed
upward, and empty ones do not exist. A bundle is the same 256 (or fewer) entries, each with a two-byte length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, UsageError
from glassplate.log.merkle import EMPTY_ROOT, fold, leaf_hash, node_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

TILE_WIDTH = 256
MAX_LEVEL = 63  # tlog-tiles
MAX_ENTRY_BYTES = 65_535  # a bundle's length field has 16 bits
_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class TileFile:
    """One file of the public tree: its path below the log's folder, and its bytes."""

    path: str
    data: bytes


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """``tile/<level>/<index>[.p/<width>]``."""
    if not 0 <= level <= MAX_LEVEL:
        raise UsageError(f"Tiles have levels 0 to {MAX_LEVEL}, not {level}.")
    return f"tile/{level}/{_number_path(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """``tile/entries/<index>[.p/<width>]``."""
    return f"tile/entries/{_number_path(index, width)}"


def bundle_bytes(entries: Sequence[bytes]) -> bytes:
    """Entries in the bytes of a bundle.

    Raises:
        UsageError: when an entry is longer than 65,535 bytes.
    """
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise UsageError(f"A log entry may have at most {MAX_ENTRY_BYTES} bytes.")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def parse_bundle(data: bytes, width: int, name: str) -> list[bytes]:
    """The ``width`` entries of the bundle ``name``.

    Raises:
        ProofFailed: when there are fewer or more.
    """
    entries, position = [], 0
    while position < len(data):
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(data[position:start], "big")
        entries.append(data[start:position])
    if position != len(data) or len(entries) != width:
        raise ProofFailed(f"The entry bundle {name} is damaged: it does not hold exactly {width} entries.")
    return entries


class RightEdge:
    """The growing end of a tree: for each level the hashes of its unfinished tile, and the unfinished bundle.

    Deterministic: the same entries give the same files, so a replay after a crash overwrites them with equal
    bytes, and a checker that pushes the entries again can compare every file byte for byte.
    """

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[list[bytes]] = []
        self._bundle: list[bytes] = []

    def copy(self) -> RightEdge:
        """An independent edge at the same size."""
        twin = RightEdge()
        twin.size, twin._bundle = self.size, list(self._bundle)
        twin._levels = [list(level) for level in self._levels]
        return twin

    def push(self, entries: Sequence[bytes]) -> list[TileFile]:
        """Add entries; returns the full tiles and bundles that they finished, the lowest of each place first."""
        finished: list[TileFile] = []
        start = 0
        while start < len(entries):
            part = entries[start : start + TILE_WIDTH - len(self._bundle)]
            start += len(part)
            self._bundle.extend(part)
            if len(self._bundle) == TILE_WIDTH:
                finished.append(TileFile(entries_path(self.size // TILE_WIDTH), bundle_bytes(self._bundle)))
                self._bundle = []
            finished += self.push_hashes([leaf_hash(entry) for entry in part])
        return finished

    def push_hashes(self, hashes: list[bytes]) -> list[TileFile]:
        """Add leaf hashes, no more than the tile of level 0 has room for; returns the tiles that they finished.

        For a checker whose bundles lie in files already: an edge that grew by hashes makes no bundles.
        """
        finished: list[TileFile] = []
        self.size += len(hashes)
        index, level = self.size - 1, 0
        while True:
            if level == len(self._levels):
                self._levels.append([])
            tile = self._levels[level]
            tile.extend(hashes)
            if len(tile) < TILE_WIDTH:
                return finished
            index //= TILE_WIDTH
            finished.append(TileFile(tile_path(level, index), b"".join(tile)))
            self._levels[level] = []
            hashes, level = [fold(tile)], level + 1

    def partials(self, since: int = 0) -> list[TileFile]:
        """The unfinished tiles and bundle of this size, less those that were the same at size ``since``."""
        files = []
        if self._bundle and self.size != since:
            path = entries_path(self.size // TILE_WIDTH, len(self._bundle))
            files.append(TileFile(path, bundle_bytes(self._bundle)))
        for level, hashes in enumerate(self._levels):
            total = self.size >> 8 * level
            if hashes and total != since >> 8 * level:
                files.append(TileFile(tile_path(level, total // TILE_WIDTH, len(hashes)), b"".join(hashes)))
        return files

    def root(self) -> bytes:
        """RFC 6962 root: power-of-two runs of each level folded, then combined from the right."""
        result: bytes | None = None
        for hashes in self._levels:
            for run in reversed(_runs(hashes)):
                result = run if result is None else node_hash(run, result)
        return EMPTY_ROOT if result is None else result


def _runs(hashes: list[bytes]) -> list[bytes]:
    """Roots of the power-of-two runs of an unfinished tile, largest first."""
    roots, start = [], 0
    for height in range(len(hashes).bit_length() - 1, -1, -1):
        if len(hashes) >> height & 1:
            roots.append(fold(hashes[start : start + (1 << height)]))
            start += 1 << height
    return roots


def _number_path(index: int, width: int) -> str:
    """1234067 → ``x001/x234/067``, with ``.p/<width>`` when partial."""
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise UsageError(f"There is no tile {index} of width {width}.")
    path, rest = f"{index % 1000:03d}", index // 1000
    while rest:
        path, rest = f"x{rest % 1000:03d}/{path}", rest // 1000
    return path if width == TILE_WIDTH else f"{path}.p/{width}"
