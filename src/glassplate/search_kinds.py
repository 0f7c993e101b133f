"""The kinds of search: which parts each needs, and under which feature of the charter it is decided. No I/O.

| kind | plate | body, color | cameras | feature |
|---|---|---|---|---|
| exact | one whole plate | | any, or all | `plate_search` |
| look_alike | one whole plate | | any, or all | `wildcard_search` |
| wildcard | a part of one | | any, or all | `wildcard_search` |
| vehicle | | at least one | at least one | `vehicle_search` |
| camera_window | | | at least one | `camera_window_search` |

A part that a kind does not take is refused, never passed over: what the record says was asked is what was asked.
How many cameras and how long a period a search without a plate may have is policy, which the gate asks next.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from glassplate.errors import UsageError
from glassplate.plate_text import PlatePattern
from glassplate.records import VEHICLE_BODIES, VEHICLE_COLORS, SearchRequest, wanted_vehicle

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from glassplate.records import SearchKind

FEATURE_OF: Final[dict[SearchKind, str]] = {
    "exact": "plate_search",
    "look_alike": "wildcard_search",  # it finds plates that were not named, as a wildcard does
    "wildcard": "wildcard_search",
    "vehicle": "vehicle_search",
    "camera_window": "camera_window_search",
}
MAX_READS_SHOWN = 500  # a page that a person can look at
MAX_CAMERAS = 200  # named one by one; more is "all"
MAX_WARRANT = 100
ALL_CAMERAS = "all"  # in the record, where a search names none
_CAMERA_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", re.ASCII)  # as a charter names them


def pattern_of(request: SearchRequest) -> PlatePattern | None:
    """The plate that ``request`` asks for, once all its parts fit its kind; None for a kind without a plate.

    Raises:
        UsageError: a part is missing, is not one that this kind takes, or is not a word that is known.
    """
    _check_limit(request.limit)
    _check_cameras(request.camera_ids)
    _check_warrant(request.warrant)
    if request.kind in ("vehicle", "camera_window"):
        _check_without_plate(request)
        return None
    if request.bodies or request.colors:
        raise UsageError(
            "A search of a plate takes no body or color. Leave them out, or search for a vehicle."
        )
    return _plate(request)


def asked_fields(request: SearchRequest, window: tuple[datetime, datetime]) -> dict[str, Any]:
    """Every parameter of a search, as entries of a search or of its refusal record it."""
    return {
        "kind": request.kind,
        "plate": request.plate,
        "bodies": list(request.bodies),
        "colors": list(request.colors),
        "camera_ids": list(request.camera_ids) or [ALL_CAMERAS],
        "since": window[0].isoformat(),
        "until": window[1].isoformat(),
        "limit": request.limit,
        "warrant": request.warrant,
    }


def asked_again(fields: Mapping[str, Any]) -> SearchRequest:
    """The search that an entry records, with the period that was searched."""
    camera_ids = tuple(fields["camera_ids"])
    return SearchRequest(
        plate=fields["plate"],
        purpose=fields["purpose"],
        offense=fields["offense"],
        case_number=fields["case_number"],
        since=datetime.fromisoformat(fields["since"]),
        until=datetime.fromisoformat(fields["until"]),
        camera_ids=() if camera_ids == (ALL_CAMERAS,) else camera_ids,
        declared_use=fields["declared_use"],
        on_behalf_of=fields["on_behalf_of"],
        kind=fields["kind"],
        bodies=tuple(fields["bodies"]),
        colors=tuple(fields["colors"]),
        limit=fields["limit"],
        warrant=fields["warrant"],
    )


def concerns(fields: Mapping[str, Any], plate: str) -> bool:
    """Whether a recorded search or refusal asked for ``plate``, by itself or among others."""
    try:
        pattern = PlatePattern.parse(str(fields.get("plate") or ""))
    except UsageError:
        return False  # a search that names no plate
    if fields.get("kind") == "look_alike":
        return not pattern.has_wildcards and pattern.looks_like(plate)
    return pattern.matches(plate)


def in_words(fields: Mapping[str, Any]) -> str:
    """What a recorded search asked for, for a person: its plate, or what stands in its place."""
    # Entries from before the kinds have neither kind nor page.
    kind, plate, page = fields.get("kind", "exact"), str(fields["plate"]), fields.get("page", 1)
    if kind == "camera_window":
        words = f"everything at {', '.join(fields['camera_ids'])}"
    elif kind == "vehicle":
        words = wanted_vehicle(fields["bodies"], fields["colors"])
    else:
        words = f"{plate} and look-alikes" if kind == "look_alike" else plate
    return words if page == 1 else f"{words} (page {page})"


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise UsageError("Ask for at least one read.")
    if limit > MAX_READS_SHOWN:
        raise UsageError(f"A page shows at most {MAX_READS_SHOWN} reads; ask for the next page after it.")


def _check_cameras(camera_ids: Sequence[str]) -> None:
    if len(camera_ids) > MAX_CAMERAS:
        raise UsageError(
            f"{len(camera_ids)} cameras are named; at most {MAX_CAMERAS} can be. Leave them out for all cameras."
        )
    if len(set(camera_ids)) != len(camera_ids):
        raise UsageError("A camera is named twice; name each once.")
    if not all(_CAMERA_ID.fullmatch(camera_id) and camera_id != ALL_CAMERAS for camera_id in camera_ids):
        raise UsageError("A camera is named by its id in the charter. Leave them out for all cameras.")


def _check_warrant(warrant: str) -> None:
    if len(warrant) > MAX_WARRANT or warrant != warrant.strip() or not warrant.isprintable():
        raise UsageError(
            f"Give the warrant's number in at most {MAX_WARRANT} characters, without blanks around it."
        )


def _check_without_plate(request: SearchRequest) -> None:
    what = "a vehicle" if request.kind == "vehicle" else "everything that a camera read"
    if request.plate:
        raise UsageError(f"A search for {what} takes no plate. Leave it out, or search for the plate.")
    if not request.camera_ids:
        raise UsageError(f"A search for {what} needs its cameras. Choose at least one.")
    if request.kind == "camera_window":
        if request.bodies or request.colors:
            raise UsageError("A search for everything takes no body or color. Search for a vehicle instead.")
        return
    if not request.bodies and not request.colors:
        raise UsageError("A search for a vehicle needs its body or its color.")
    _check_words("body", request.bodies, VEHICLE_BODIES)
    _check_words("color", request.colors, VEHICLE_COLORS)


def _check_words(what: str, words: Sequence[str], known: Collection[str]) -> None:
    if len(set(words)) != len(words) or not set(words) <= set(known):
        raise UsageError(f"Name each {what} once, of these: {', '.join(known)}.")


def _plate(request: SearchRequest) -> PlatePattern:
    pattern = PlatePattern.parse(request.plate)
    if request.kind == "wildcard":
        if not pattern.has_wildcards:
            raise UsageError("A search with wildcards has ? or * in its plate; this is a whole plate.")
    elif pattern.has_wildcards:
        raise UsageError("This search takes one whole plate. With ? or * in it, search with wildcards.")
    return pattern
