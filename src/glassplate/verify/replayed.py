"""What policy replay decides again: the one table of the entries that stand for an act, and the act of each.

Whoever adds an entry with a decision (marked D in ``docs/formats/entries.md``), an act of the policy or a kind of search adds
it here; a test fails by its name otherwise.
"""

from __future__ import annotations

from typing import Final

SEARCH: Final = "search"
ACTS: Final[dict[str, tuple[str, ...]]] = {
    SEARCH: ("search",),  # its further pages, too
    "image-opened": ("open_image",),
    "hold-opened": ("open_image",),
    "alert-shown": ("see_alert",),
    "disposition": ("decide_alert",),
    "hotlist-imported": ("import_hotlist",),
    "hotlist-withdrawn": ("import_hotlist",),
    "hold": ("hold",),
    "export": ("export",),
    "audit-finding": ("record_finding",),
    "owner-asked": ("record_finding",),
    "account-changed": ("give_access",),
    "roles-changed": ("give_access",),  # decided only where a role is given
    "time-confirmed": ("confirm_time",),  # decided only where two persons confirm it
    "approval-given": ("approve", "approve_access"),
    "approval-refused": ("approve", "approve_access"),
}
"""Entry type → what it may have been decided as."""
NOT_ALWAYS: Final = ("roles-changed", "time-confirmed")
"""Entries of which some stand for no decided act; ``People`` knows which change gives a role."""
DOER: Final = {"account-changed": "by", "roles-changed": "by", "time-confirmed": "requested_by"}
"""Entry type → the field that names who did it, where that is not ``account_id``."""
REFUSAL: Final = "refusal"  # of any act; it names its own

ONLY_REFUSALS: Final = {
    "read_log": "leaves no entry: it shows what is recorded",
    "read_bodies": "leaves no entry: the answer is ciphertext that only the auditor opens",
    "manage_accounts": "closes, renews and lists; giving access is give_access",
    "publish": "leaves its checkpoint",
    "purge": "needs nobody's leave",
    "share": "is not built",
}
"""Acts of the policy without an entry that carries their decision, and why. Their refusals are decided again."""

SEARCH_FEATURES: Final = {
    "exact": "plate_search",
    "look_alike": "wildcard_search",  # it finds plates that were not named
    "wildcard": "wildcard_search",
    "vehicle": "vehicle_search",
    "camera_window": "camera_window_search",
}
"""Kind of search → the charter's feature under which it must have been decided."""
