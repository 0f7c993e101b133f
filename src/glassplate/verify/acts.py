"""Acts as the public half shows them: inside a charter's life, by the agency that the charter names."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glassplate.charter import Charter
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

NEEDS_CHARTER = frozenset(
    {"search", "image-opened", "alert-shown", "disposition", "hotlist-imported", "alert"}
)
ROUNDING = timedelta(hours=1)  # public times are cut to the hour


def check_acts(
    entries: Sequence[PublicEntry], installed: Mapping[int, Charter], result: Verification
) -> None:
    """Check agency, time order and charter life of every entry."""
    charter: Charter | None = None
    latest: datetime | None = None
    for entry in entries:
        charter = installed.get(entry.index, charter)
        try:
            at = datetime.fromisoformat(entry.public["time"])
        except ValueError:
            result.find(entry.where, "its time is malformed")
            continue
        if latest is not None and at < latest:
            result.find(entry.where, f"it is dated {at:%Y-%m-%d %H}h, before the entry that precedes it")
        latest = max(at, latest) if latest else at
        if charter is not None and entry.public["agency"] != charter.agency.id:
            result.find(entry.where, "it names another agency than the charter")
        if entry.entry_type in NEEDS_CHARTER:
            _check_life(entry, at, charter, result)
    counts = Counter(entry.entry_type for entry in entries)
    if counts["search-outcome"] > counts["search"]:
        result.find(
            "searches",
            f"{counts['search-outcome']} outcomes stand against {counts['search']} recorded searches",
        )
    result.tell(f"{counts['search']} searches and {counts['refusal']} refusals are recorded.")


def _check_life(entry: PublicEntry, at: datetime, charter: Charter | None, result: Verification) -> None:
    if charter is None:
        result.find(entry.where, "it happened before any charter was installed")
    elif at + ROUNDING <= charter.not_before or at >= charter.expires_at:
        result.find(
            entry.where,
            f"it happened outside the charter's life ({charter.not_before:%Y-%m-%d} to {charter.expires_at:%Y-%m-%d})",
        )
