"""Acts as the public half shows them: inside a charter's life, by the agency that the charter names, in order."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from glassplate.charter import Charter
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

NEEDS_CHARTER = frozenset(
    {
        *("search", "image-opened", "alert-shown", "disposition", "hotlist-imported", "alert"),
        *("hold", "hold-opened", "export", "charter-installed"),
    }
)
STOPPED = frozenset(
    {"search", "image-opened", "alert", "hold", "hold-opened", "export"}
)  # what an office's emergency stop ends
ROUNDING = timedelta(
    hours=1
)  # public times are cut to the hour; acts around a full hour may be recorded in either order


def check_acts(
    entries: Sequence[PublicEntry], installed: Mapping[int, Charter], result: Verification
) -> None:
    """Check agency, time order and charter life of every entry, and that nothing is done while stopped."""
    charter: Charter | None = None
    latest: datetime | None = None
    stopped_by: PublicEntry | None = None
    for entry in entries:
        charter = installed.get(entry.index, charter)
        if entry.index in installed:
            stopped_by = None
        if latest is not None and entry.at < latest - ROUNDING:
            result.find(
                entry.where,
                f"it is dated {entry.at:%Y-%m-%d %H}h, before an entry that precedes it ({latest:%Y-%m-%d %H}h)",
            )
        latest = max(entry.at, latest) if latest else entry.at
        if charter is not None and entry.public["agency"] != charter.agency.id:
            result.find(entry.where, "it names another agency than the charter")
        if entry.entry_type in NEEDS_CHARTER:
            _check_life(entry, charter, result)
        if charter is not None and entry.entry_type == "vault-started":
            _check_build(entry, charter, result)
        if stopped_by is not None and entry.entry_type in STOPPED and entry.at > stopped_by.at:
            result.find(entry.where, f"it happened after the emergency stop of {stopped_by.where}")
        if entry.entry_type == "emergency-stop":
            stopped_by = entry
    _check_outcomes(entries, result)


def _check_life(entry: PublicEntry, charter: Charter | None, result: Verification) -> None:
    if charter is None:
        result.find(entry.where, "it happened before any charter was installed")
    elif entry.at + ROUNDING <= charter.not_before or entry.at >= charter.expires_at:
        result.find(
            entry.where,
            f"it happened outside the charter's life ({charter.not_before:%Y-%m-%d} to {charter.expires_at:%Y-%m-%d})",
        )


def _check_build(entry: PublicEntry, charter: Charter, result: Verification) -> None:
    build = entry.public.get("build_sha256", "")
    if charter.builds and build not in charter.builds:
        result.find(
            entry.where,
            f"it started software ({build[:16]} …) that charter version {charter.version} does not approve",
        )


def _check_outcomes(entries: Sequence[PublicEntry], result: Verification) -> None:
    counts: Counter[str] = Counter()
    for entry in entries:
        counts[entry.entry_type] += 1
        if entry.entry_type == "search-outcome" and counts["search-outcome"] == counts["search"] + 1:
            result.find(
                entry.where, f"only {counts['search']} searches stand before this outcome; one is missing"
            )
    result.tell(f"{counts['search']} searches and {counts['refusal']} refusals are recorded.")
