"""Event logs: who changed sharing, roles, lists and exports, and when. Each is a thing to ask about, none an accusation."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from glassplate.review.checks import CheckResult, Finding, count_words
from glassplate.review.rows import Hidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.review.rows import EventRow

WATCHED = {
    "networkshare": "sharing with other agencies",
    "networksharesettings": "sharing with other agencies",
    "role": "roles",
    "user": "accounts",
    "organization": "the organization's settings",
    "export": "exports",
    "integration": "connections to other systems",
    "customhotlist": "own hot lists",
    "custom hotlist entry": "own hot-list entries",
}
"""Entity type, in lower case -> what it means."""


def settings_changes(events: Sequence[EventRow]) -> CheckResult:
    """Changes that decide who can see what, by account."""
    changed: dict[tuple[str, str, str], list[EventRow]] = defaultdict(list)
    reasons: dict[str, int] = {}
    judged = 0
    for event in events:
        if event.entity == "hidden":
            reasons["what was changed is masked"] = reasons.get("what was changed is masked", 0) + 1
            continue
        judged += 1
        subject = WATCHED.get(event.entity.casefold())
        if subject:
            account = event.person if isinstance(event.person, str) and event.person else "(nobody named)"
            changed[account, subject, event.change or "change"].append(event)
    findings = [
        Finding(
            "changed settings",
            account,
            _sentence(subject, change, some),
            tuple(e.place for e in some),
            weight=len(some),
        )
        for (account, subject, change), some in changed.items()
    ]
    return CheckResult(
        "changed settings",
        "Changes of sharing, roles, lists and exports",
        "Every such change is listed: in several cities sharing was switched on unseen.",
        tuple(sorted(findings, key=lambda finding: (-finding.weight, finding.account, finding.sentence))),
        judged,
        reasons,
    )


def _sentence(subject: str, change: str, events: Sequence[EventRow]) -> str:
    days = sorted(event.at.date() for event in events if event.at is not None)
    when = f", from {days[0]} to {days[-1]}" if days else ", at times that are hidden"
    hidden = sum(event.details is Hidden.MASKED for event in events)
    return f"{count_words(len(events), change)} in {subject}{when}{f'; details of {hidden} are masked' if hidden else ''}."
