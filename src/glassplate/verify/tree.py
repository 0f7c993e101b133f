"""The log's tree as published: signature, every tile, every entry; no file that does not belong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.errors import GlassplateError
from glassplate.log import TileReader, VerifierKey, open_checkpoint, parse_leaf

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.log import Checkpoint
    from glassplate.log.merkle import NodeSource
    from glassplate.verify.findings import Verification

TILE_WIDTH = 256  # C2SP tlog-tiles
_TILE_NAME = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<number>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)
MAX_CHECKPOINT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """One entry's public half, by index."""

    index: int
    entry_type: str
    public: dict[str, Any]
    leaf: bytes

    @property
    def where(self) -> str:
        """How a finding names it."""
        return f"entry {self.index} ({self.entry_type})"


def check_tree(log_folder: Path, log_key: VerifierKey, result: Verification) -> list[PublicEntry]:
    """Check checkpoint, tiles and entries against ``log_key``; returns the entries, or none when the tree fails."""
    checkpoint = _checkpoint(log_folder, log_key, result)
    if checkpoint is None:
        return []
    reader = TileReader(log_folder)
    try:
        reader.check(checkpoint.size, checkpoint.root)
        leaves = list(reader.entries(checkpoint.size))
    except GlassplateError as error:
        result.find("log tiles", error)
        return []
    _check_leftovers(log_folder, reader.nodes(checkpoint.size), leaves, result)
    result.tell(
        f"The log {checkpoint.origin} has {checkpoint.size} entries, all of them under its signed root."
    )
    return [entry for index, leaf in enumerate(leaves) if (entry := _entry(index, leaf, result))]


def _checkpoint(log_folder: Path, log_key: VerifierKey, result: Verification) -> Checkpoint | None:
    path = log_folder / "checkpoint"
    try:
        data = path.read_bytes()[: MAX_CHECKPOINT_BYTES + 1]
        return open_checkpoint(data, log_key)
    except OSError as error:
        result.find("log/checkpoint", f"cannot be read ({error.strerror})")
    except GlassplateError as error:
        result.find("log/checkpoint", error)
    return None


def _entry(index: int, leaf: bytes, result: Verification) -> PublicEntry | None:
    try:
        public = dict(parse_leaf(leaf).public)
        if (
            not all(isinstance(value, str) for value in public.values())
            or not {"type", "time", "agency"} <= public.keys()
        ):
            result.find(
                f"entry {index}", "its public half lacks type, time or agency, or holds more than text"
            )
            return None
        return PublicEntry(index, str(public["type"]), public, leaf)
    except GlassplateError as error:
        result.find(f"entry {index}", error)
        return None


def _check_leftovers(log_folder: Path, nodes: NodeSource, leaves: list[bytes], result: Verification) -> None:
    """Older partial tiles may stay; each must be the beginning of what the tree has now, and nothing else may lie there."""
    for path in sorted((log_folder / "tile").rglob("*")):
        if path.is_dir():
            continue
        name = path.relative_to(log_folder).as_posix()
        match = _TILE_NAME.fullmatch(name)
        if match is None:
            result.find(name, "no file of this name belongs to a log")
            continue
        level, number = match["level"], int(match["number"].replace("x", "").replace("/", ""))
        width = int(match["width"] or TILE_WIDTH)
        if not _holds(path.read_bytes(), level, number, width, nodes, leaves):
            result.find(name, "it differs from what the log's entries lead to")


def _holds(data: bytes, level: str, number: int, width: int, nodes: NodeSource, leaves: list[bytes]) -> bool:
    first = number * TILE_WIDTH
    if level == "entries":
        expected = leaves[first : first + width]
        return (
            data == b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in expected)
            and len(expected) == width
        )
    height = 8 * int(level)
    if (first + width) << height > len(leaves):
        return False
    return data == b"".join(nodes(height, first + i) for i in range(width))
