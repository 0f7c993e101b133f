"""Camera outages as the opened bodies tell them: each ends once, none begins twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

OUT, BACK = "camera-out", "camera-back"


def check_outages(
    opened: Mapping[int, Mapping[str, Any]], entries: Sequence[PublicEntry], result: Verification
) -> None:
    """Judge outages for as long as every body from the first entry on is opened; an earlier beginning may be hidden."""
    dark: set[str] = set()
    seen = 0
    for entry in entries:
        if entry.index not in opened:
            break
        if entry.entry_type not in (OUT, BACK):
            continue
        camera = str(opened[entry.index].get("camera_id"))
        if (camera in dark) == (entry.entry_type == OUT):
            what = (
                "begins an outage that had begun" if camera in dark else "ends an outage that had not begun"
            )
            result.find(entry.where, f"it {what}: an entry between was left out or is false")
        dark ^= {camera}
        seen += entry.entry_type == OUT
    if seen:
        result.tell(f"{seen:,} camera outages are recorded; {len(dark):,} had not ended.")
