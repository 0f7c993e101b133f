"""The daily pull: sealed bodies that the auditor's folder does not have yet. What is withheld is told.

Bodies lie as ``<entry index>.<auditor key id>.body``. They are written in ascending order, each in one step, so after
an interruption only the newest entry can be incomplete; it is asked for again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from glassplate.errors import GlassplateError
from glassplate.log import check_sealed, parse_leaf
from glassplate.verify.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from glassplate.records import SealedBody

PAGE = 200
HISTORY = "history/"  # bodies for the vault's own keys are not handed out
BODY_NAME = re.compile(r"(?P<index>0|[1-9][0-9]{0,11})\.(?P<key_id>[0-9a-f]{24})\.body", re.ASCII)


class BodySource(Protocol):
    """Where bodies come from: the vault's client, or a vault itself."""

    def bodies(self, first: int, count: int) -> Sequence[SealedBody]:
        """Sealed bodies of the entries ``first`` … ``first + count - 1``."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought. ``findings``: bodies that were withheld, or are not those that their entries name."""

    added: int
    findings: tuple[Finding, ...]


def pull_bodies(
    source: BodySource, size: int, to: Path, step: Callable[[int, int], None] = lambda _done, _total: None
) -> Pulled:
    """Fetch what ``to`` lacks of the log's first ``size`` entries. ``step`` is told entries done and to do."""
    to.mkdir(parents=True, exist_ok=True)
    ranges = list(_missing(to, size))
    total = sum(len(part) for part in ranges)
    added, done, findings = 0, 0, []
    for part in ranges:
        for first in range(part.start, part.stop, PAGE):
            wanted = range(first, min(first + PAGE, part.stop))
            new, problems = _keep(source.bodies(first, len(wanted)), wanted, to)
            added += new
            findings += problems
            done += len(wanted)
            step(done, total)
    return Pulled(added, tuple(findings))


def pulled_indices(folder: Path) -> set[int]:
    """Entries of which the folder has a body, for whichever key."""
    matches = (BODY_NAME.fullmatch(path.name) for path in folder.glob("*.body"))
    return {int(match["index"]) for match in matches if match}


def _missing(folder: Path, size: int) -> Iterator[range]:
    have = _complete(folder)
    start: int | None = None
    for index in range(size + 1):
        is_missing = index < size and index not in have
        if is_missing and start is None:
            start = index
        elif not is_missing and start is not None:
            yield range(start, index)
            start = None


def _complete(folder: Path) -> set[int]:
    """Entries that need not be asked for.

    Not the newest, which may have been cut off; none with fewer keys than the entry beside it: a file was lost.
    """
    keys: dict[int, set[str]] = {}
    for path in folder.glob("*.body"):
        if match := BODY_NAME.fullmatch(path.name):
            keys.setdefault(int(match["index"]), set()).add(match["key_id"])
    newest = max(keys, default=-1)
    return {
        index
        for index, held in keys.items()
        if index != newest and not any(held < keys.get(beside, set()) for beside in (index - 1, index + 1))
    }


def _keep(bodies: Sequence[SealedBody], wanted: range, to: Path) -> tuple[int, list[Finding]]:
    added, findings = 0, []
    by_index: dict[int, list[SealedBody]] = {index: [] for index in wanted}
    for body in bodies:
        if body.index in by_index:
            by_index[body.index].append(body)
    for index, found in by_index.items():
        try:
            for body in found:
                added += _write(body, to)
            _demand_all(found)
        except GlassplateError as error:
            findings.append(Finding(f"entry {index}", str(error)))
    return added, findings


def _write(body: SealedBody, to: Path) -> int:
    name = f"{body.index}.{body.key_id}.body"
    if not BODY_NAME.fullmatch(name):
        raise GlassplateError("the vault names a body by something that is no auditor key's id")
    check_sealed(body.leaf, body.key_id, body.body)
    path = to / name
    if path.exists():
        return 0
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(body.body)
    temporary.replace(path)
    return 1


def _demand_all(found: Sequence[SealedBody]) -> None:
    if not found:
        raise GlassplateError("the vault handed over no body of it: withheld or lost")
    named = {key_id for key_id in parse_leaf(found[0].leaf).sealed if not key_id.startswith(HISTORY)}
    missing = sorted(named - {body.key_id for body in found})
    if missing:
        raise GlassplateError(f"the vault handed over no body for {', '.join(missing)}: withheld or lost")
