"""The hash of the running code, for the entries ``vault-started``: which build answered?"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def build_sha256() -> str:
    """SHA-256 over the package's Python files, policies, templates, networks and tables, by sorted name."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".cedar", ".cedarschema", ".html", ".onnx", ".toml"}:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
