"""The hash of the running code, for the entries ``vault-started``: which build answered, and who approved it?"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glassplate.charter import Charter


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


def approved_builds(charter: Charter, totals: Iterable[str]) -> tuple[str, ...]:
    """Builds that may run: those the charter names, or else those that ran when it was installed.

    ``totals``: names of what the registry counts; an installation counts its build (`Tenure.log_charter`).
    """
    mark = installation_mark(charter.version, "")
    return charter.builds or tuple(sorted(n.removeprefix(mark) for n in totals if n.startswith(mark)))


def installation_mark(version: int, build: str) -> str:
    """What an installation counts, so that the registry remembers its build."""
    return f"build:{version}:{build}"
