"""Restores from a backup, as the record tells them: everybody may know that entries could have been lost, and were not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

MADE, RESTORED = "backup-made", "restored"
_BY = {
    "witnesses": "its witnesses were asked first",
    "checkpoint": "a checkpoint that somebody kept was compared first",
    "operator": "only the operator says that no later record was published",
}


def check_restores(entries: Sequence[PublicEntry], result: Verification) -> None:
    """Tell of each restore how it was assured; find one whose backup knew more than the record had."""
    for entry in entries:
        if entry.entry_type != RESTORED:
            continue
        size, by = entry.public.get("log_size", ""), entry.public.get("assured_by", "")
        if not size.isdecimal() or int(size[:20]) > entry.index or by not in _BY:
            result.find(
                entry.where,
                "it tells of a backup that knew more than the record has, or not how it was assured",
            )
            continue
        source = (
            "the mirror's log"
            if entry.public.get("mirror") == "yes"
            else f"a backup with {int(size):,} entries"
        )
        result.tell(f"The city was restored from {source} (entry {entry.index:,}); {_BY[by]}.")
