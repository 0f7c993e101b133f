"""An installed package that offers a recognizer, made in a folder: also processes that are started later see it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_numbers = count()  # a module stays imported, so each gets a name of its own

HONEST = """
from glassplate.recognize.recognizer import PlateCandidate

class Recognizer:
    version = "honest/1"

    def read(self, pixels):
        height, width = pixels.shape[:2]
        return [PlateCandidate("7KDR214", (0.9,) * 7, (0, 0, width, height))]
"""


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str, *, package: str = "plug-in"
) -> None:
    """The package, whose module ``code`` has a factory ``Recognizer``, offered under ``name``."""
    module = f"{package}_module_{next(_numbers)}".replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[glassplate.recognizers]\n{name} = {module}:Recognizer\n")
    monkeypatch.syspath_prepend(str(folder))
