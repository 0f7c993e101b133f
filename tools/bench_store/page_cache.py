"""Brings an engine's files into the kernel's page cache, where a city's machine with the memory for it has them anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_AT_ONCE = 1 << 22


def bring_into_page_cache(folder: Path) -> None:
    """Read every file below ``folder`` once. Without it, this machine's kernel soon takes idle pages back."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(_AT_ONCE):
                    pass
