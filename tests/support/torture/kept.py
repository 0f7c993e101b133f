"""Verdicts kept in a file as they come, so that a long run that was stopped goes on where it was.

One JSON object a line: first what was tortured (``source``, ``faults``), then each verdict.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.torture.runner import Verdict

from glassplate.build_identity import build_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

SUPPORT = Path(__file__).parents[1]


class Kept:
    """The file. What another version of the code survived says nothing of this one: the file is then begun anew."""

    def __init__(self, path: Path, faults: str) -> None:
        self._path = path
        head = json.dumps({"source": _source(), "faults": faults})
        lines = path.read_text().split("\n") if path.exists() else []
        self.was_of_other_code = bool(lines) and lines[0] != head
        whole = [] if self.was_of_other_code else lines[1:-1]  # an unfinished line has no end
        self.verdicts = [Verdict(**json.loads(line)) for line in whole]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in (head, *whole)))

    def add(self, verdict: Verdict) -> None:
        """To the end of the file, and to ``verdicts``."""
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(verdict)) + "\n")
        self.verdicts.append(verdict)

    def missing(self, seeds: Sequence[int]) -> list[int]:
        """Those of ``seeds`` that have no verdict yet."""
        done = {verdict.seed for verdict in self.verdicts}
        return [seed for seed in seeds if seed not in done]


def _source() -> str:
    digest = hashlib.sha256(build_sha256().encode())
    for path in sorted(SUPPORT.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
