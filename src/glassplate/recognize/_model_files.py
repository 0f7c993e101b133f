"""The networks' files, found in the installed ``rapidocr`` package and pinned by hash. Never downloaded."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from glassplate.errors import GlassplateError

_PACKAGE = "rapidocr"
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A network of the package by the hash of its bytes."""

    name: str
    sha256: str

    def path(self) -> Path:
        """Where the file lies, after its bytes were checked.

        Raises:
            GlassplateError: the package or file is missing or not the pinned one.
        """
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            raise GlassplateError(
                f"The package {_PACKAGE} is not installed; install glassplate with its dependencies."
            )
        path = Path(spec.origin).parent / "models" / self.name
        if not path.is_file():
            raise GlassplateError(
                f"The network {self.name} is missing from {_PACKAGE}; install {_PACKAGE} again."
            )
        found = _sha256(path)
        if found != self.sha256:
            raise GlassplateError(
                f"The network {self.name} is not the pinned one: expected sha256 {self.sha256[:16]}…, "
                f"got {found[:16]}…; install {_PACKAGE} again."
            )
        return path


TEXT_DETECTOR = ModelFile(
    "PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
)
CHARACTER_READER = ModelFile(
    "PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()
