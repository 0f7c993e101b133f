"""Chapter 6: searches for more than one plate, what each needs, and the person who must agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.charter import Charter, draft, shipped_policy, sign
from glassplate.charter.documents import open_documents
from glassplate.cli.console import say
from glassplate.cli.search import receipt_line
from glassplate.demo.ceremony import install
from glassplate.demo.chapters import demonstrate, request, show_result, wanted_plate
from glassplate.demo.stage import CAMERAS, OFFICER, SUPERVISOR
from glassplate.errors import ApprovalNeeded, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glassplate.charter import Office, OfficePrivateKey
    from glassplate.client import VaultClient
    from glassplate.demo.stage import Stage
    from glassplate.records import SearchRequest, SearchResult

COUNCIL_APPROVES = ("vehicle_search", "camera_window_search")
WARRANT = "SW-26-118"
FEW = 2  # reads on a page, so that there is a next one
_NOTED = str.maketrans("D1", "OI")  # how a witness may note a D and a 1


def more_kinds_of_search(
    stage: Stage, documents: Mapping[str, str], keys: Mapping[Office, OfficePrivateKey]
) -> None:
    """Chapter 6."""
    stage.open_chapter("More than one plate: look-alikes, a vehicle, a camera's window, and a second person")
    _look_alike(stage)
    _council_approves(stage, documents, keys)
    with stage.person(OFFICER) as officer:
        _vehicle(stage, officer)
        _camera_window(stage, officer)


def _look_alike(stage: Stage) -> None:
    noted = wanted_plate().translate(_NOTED)
    with stage.person(OFFICER) as officer:
        result = officer.search(request(stage, noted, kind="look_alike"))
    demonstrate({found.read.text for found in result.reads} == {wanted_plate()}, "the look-alike is found")
    say(f"  A witness noted {noted}; a look-alike search finds what it can be mistaken for.")
    show_result(result)


def _council_approves(
    stage: Stage, documents: Mapping[str, str], keys: Mapping[Office, OfficePrivateKey]
) -> None:
    old = Charter.from_plain(open_documents(documents).plain_charter())
    features = tuple(
        replace(one, approved=one.approved or one.name in COUNCIL_APPROVES) for one in old.features
    )
    charter = replace(old, version=old.version + 1, features=features)
    made = draft(charter, {office: (key.public,) for office, key in keys.items()}, shipped_policy())
    for key in keys.values():
        made = sign(made, key)
    say("  The council approves two more kinds of search; clerk, chief and auditor sign:")
    install(stage, made)


def _vehicle(stage: Stage, officer: VaultClient) -> None:
    asked = request(stage, "", kind="vehicle", bodies=("car",), camera_ids=tuple(CAMERAS))
    result = _with_second_person(stage, officer, asked, "a car, whatever its plate, at three cameras")
    say("    " + receipt_line(result))


def _camera_window(stage: Stage, officer: VaultClient) -> None:
    camera_id = next(iter(CAMERAS))
    day = stage.photo_day
    words = {"since": day + timedelta(hours=6), "until": day + timedelta(hours=12), "limit": FEW}
    asked = request(stage, "", kind="camera_window", camera_ids=(camera_id,), **words)
    what = "everything that one camera read in six hours"
    _refused(f"{what}, without a warrant", officer, asked)
    result = _with_second_person(stage, officer, replace(asked, warrant=WARRANT), what)
    demonstrate(len(result.reads) == FEW and result.truncated, "the window has more than one page")
    show_result(result)
    further = officer.next_page(result.receipt.entry_index)
    shown = {found.read.read_id for found in result.reads}
    demonstrate(
        bool(further.reads) and not shown & {found.read.read_id for found in further.reads},
        "the next page goes on below the first",
    )
    say("  The next page is a search of its own in the record, under the same approval:")
    show_result(further)


def _with_second_person(stage: Stage, officer: VaultClient, asked: SearchRequest, what: str) -> SearchResult:
    """Ask, be held back, fail to approve it oneself, let the supervisor approve, and search."""
    _refused(f"{what}, without a second person", officer, asked, ApprovalNeeded)
    waiting = next(one for one in officer.approvals() if one.state == "waiting")
    try:
        officer.decide_approval(waiting.request_id, waiting.request_sha256, approve=True, reason="I need it")
    except Refused as refusal:
        say(f"    and the one who asks cannot approve it: [bold]{', '.join(refusal.rules)}[/]")
    else:
        demonstrate(False, "nobody approves an own request")
    with stage.person(SUPERVISOR) as supervisor:
        shown = supervisor.show_approval(waiting.request_id)
        receipt = supervisor.decide_approval(
            shown.request_id, shown.request_sha256, approve=True, reason="Read the report"
        )
    say(f"    approved by a supervisor, for exactly these words and once (entry {receipt.entry_index}).")
    return officer.search(asked)


def _refused(what: str, officer: VaultClient, asked: SearchRequest, kind: type[Refused] = Refused) -> None:
    try:
        officer.search(asked)
    except kind as refusal:
        say(f"  {what}:\n    refused by [bold]{', '.join(refusal.rules)}[/]: {refusal}")
    else:
        demonstrate(False, f"{what} is refused")
