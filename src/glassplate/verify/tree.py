"""The log's tree as published: signature, every tile, every entry; no file that does not belong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError
from glassplate.log import TileReader, VerifierKey, open_checkpoint, parse_leaf
from glassplate.log.tiles import TILE_WIDTH, entries_path, tile_path
from glassplate.verify.folder import MAX_FILE_BYTES, plain_files, read_file

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.log import Checkpoint
    from glassplate.log.merkle import NodeSource
    from glassplate.verify.findings import Verification

MAX_CHECKPOINT_BYTES = 64 * 1024
_TILE_NAME = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)
_HOUR = "%Y-%m-%dT%H:00:00Z"  # public times are cut to the hour


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """One entry's public half, by index."""

    index: int
    entry_type: str
    at: datetime
    public: dict[str, str]
    leaf: bytes

    @property
    def where(self) -> str:
        """How a finding names it."""
        return f"entry {self.index} ({self.entry_type})"


def check_tree(public: Path, log_key: VerifierKey, result: Verification) -> list[PublicEntry]:
    """Check checkpoint, tiles and entries against ``log_key``; returns the entries, or none when the tree fails."""
    log_folder = public / "log"
    checkpoint = _checkpoint(log_folder, log_key, result)
    if checkpoint is None:
        return []
    if checkpoint.size == 0:
        result.find(
            "log/checkpoint", "it is of an empty log: a record begins with the installation of a charter"
        )
        return []
    reader = TileReader(log_folder)
    try:
        reader.check(checkpoint.size, checkpoint.root)
        leaves = list(reader.entries(checkpoint.size))
    except GlassplateError as error:
        result.find("log tiles", str(error).replace(str(log_folder), "log"))
        return []
    _check_leftovers(public, reader.nodes(checkpoint.size), leaves, result)
    result.tell(
        f"The log {checkpoint.origin} has {checkpoint.size} entries, all of them under its signed root."
    )
    return [entry for index, leaf in enumerate(leaves) if (entry := _entry(index, leaf, result))]


def _checkpoint(log_folder: Path, log_key: VerifierKey, result: Verification) -> Checkpoint | None:
    try:
        return open_checkpoint(read_file(log_folder / "checkpoint", MAX_CHECKPOINT_BYTES), log_key)
    except GlassplateError as error:
        result.find("log/checkpoint", error)
    return None


def check_growth(public: Path, log_key: VerifierKey, since: bytes, result: Verification) -> None:
    """The record still begins with what a checkpoint that was kept earlier committed to (append-only growth)."""
    try:
        old = open_checkpoint(since, log_key)
        now = open_checkpoint(read_file(public / "log" / "checkpoint", MAX_CHECKPOINT_BYTES), log_key)
        if old.size > now.size:
            result.find(
                "log/checkpoint",
                f"the record had {old.size} entries when the kept checkpoint was made; now it has {now.size}",
            )
        elif TileReader(public / "log").earlier_root(old.size, now.size) != old.root:
            result.find(
                "log/checkpoint",
                f"the first {old.size} entries are not those of the kept checkpoint: rewritten",
            )
        else:
            result.tell(f"It still begins with the {old.size} entries of the checkpoint that was kept.")
    except GlassplateError as error:
        result.find("kept checkpoint", error)


def _entry(index: int, leaf: bytes, result: Verification) -> PublicEntry | None:
    try:
        public = {name: value for name, value in parse_leaf(leaf).public.items() if isinstance(value, str)}
        if len(public) != len(parse_leaf(leaf).public) or not {"type", "time", "agency"} <= public.keys():
            result.find(
                f"entry {index}", "its public half lacks type, time or agency, or holds more than text"
            )
            return None
        return PublicEntry(index, public["type"], _hour(public["time"]), public, leaf)
    except (GlassplateError, ValueError) as error:
        result.find(f"entry {index}", error)
        return None


def _hour(text: str) -> datetime:
    at = datetime.strptime(text, _HOUR).replace(tzinfo=UTC)
    if at.strftime(_HOUR) != text:
        raise ValueError(f"its time {text!r} is not a full hour such as 2026-11-25T06:00:00Z")
    return at


def _check_leftovers(public: Path, nodes: NodeSource, leaves: list[bytes], result: Verification) -> None:
    """Older partial tiles may stay; each must be the beginning of what the tree has now, and nothing else may lie there."""
    for name in plain_files(public, "log/tile"):
        match = _TILE_NAME.fullmatch(name.removeprefix("log/"))
        number = int(match["number"].replace("x", "").replace("/", "")) if match else 0
        width = int(match["width"] or TILE_WIDTH) if match else 0
        if match is None or name != f"log/{_name(match['level'], number, width)}":
            result.find(name, "no file of this name belongs to a log")
            continue
        try:
            data = read_file(public / name, MAX_FILE_BYTES)
        except GlassplateError as error:
            result.find(name, error)
            continue
        if not _holds(data, match["level"], number, width, nodes, leaves):
            result.find(name, "it differs from what the log's entries lead to")


def _name(level: str, number: int, width: int) -> str:
    """The one way to write it; empty for a tile that cannot be."""
    try:
        return entries_path(number, width) if level == "entries" else tile_path(int(level), number, width)
    except GlassplateError:
        return ""


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
