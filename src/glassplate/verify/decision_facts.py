"""The facts on which a decision was made, held against what the rest of the record says: the body, the log, accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.plate_text import PlatePattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glassplate.charter import Charter
    from glassplate.verify.tree import PublicEntry

ACTIONS = {
    "search": "search",
    "image-opened": "open_image",
    "alert-shown": "see_alert",
    "disposition": "decide_alert",
    "hotlist-imported": "import_hotlist",
    "hotlist-withdrawn": "import_hotlist",
    "audit-finding": "record_finding",
    "owner-asked": "record_finding",
    "hold": "hold",
    "hold-opened": "open_image",
    "export": "export",
    "account-changed": "give_access",
}  # entries that stand for an act, which must have been allowed
APPROVALS = ("approval-given", "approval-refused")
FOUNDER = "init"  # makes the first account, before there is anybody to decide about
MAX_DELAY = timedelta(minutes=5)  # between a decision and its entry: a full disk's patience, no more
RATE_PERIOD = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)  # Cedar counts in them
WORDS = {  # context name → (field, what people call it)
    "purpose": ("purpose", "purpose"),
    "offense": ("offense", "offense"),
    "declaredUse": ("declared_use", "declared use"),
}


def moment(value: Any) -> datetime:
    """A Cedar ``datetime``."""
    return datetime.fromisoformat(value["__extn"]["arg"]).astimezone(UTC)


def check_facts(
    entry: PublicEntry,
    fields: Mapping[str, Any],
    request: Mapping[str, Any],
    charter: Charter,
    searches: Mapping[int, Mapping[str, Any]],
    at: datetime,
) -> Iterator[str]:
    """What the decided request says otherwise than the body (for an image: than the search it belongs to)."""
    context = request["context"]
    action = request["action"]["id"] if entry.entry_type in APPROVALS else _action(entry.entry_type, fields)
    if request["action"]["id"] != action or (
        entry.entry_type in APPROVALS and not action.startswith("approve")
    ):
        yield f"it was decided as {request['action']['id']!r}, and is {action!r}"
    person = fields["by"] if action == "give_access" and "by" in fields else fields["account_id"]
    if request["principal"]["id"] != person:
        yield f"it was decided for {request['principal']['id']}, and done by {person}"
    if not timedelta(0) <= at - moment(context["now"]) < MAX_DELAY:
        yield f"it was decided at {moment(context['now']):%Y-%m-%d %H:%M}, and done at {at:%Y-%m-%d %H:%M}"
    if context["signIn"] != fields.get("sign_in_method", context["signIn"]):
        yield "it was decided on another sign-in than its body names"
    if "purpose" in context:
        said = fields
        if entry.entry_type == "image-opened":
            said = searches.get(fields["search_index"], {})
        yield from _case_facts(said, context, charter)
    if action == "search":
        yield from _search_facts(fields, context)


def _action(entry_type: str, fields: Mapping[str, Any]) -> str:
    """What an entry of this type must have been decided as."""
    return (
        "give_access" if entry_type == "roles-changed" else ACTIONS.get(entry_type, str(fields.get("action")))
    )


def needs_decision(entry_type: str, fields: Mapping[str, Any]) -> bool:
    """Whether an entry stands for an act that somebody had to be allowed."""
    return entry_type in (*ACTIONS, *APPROVALS) and fields.get("by") != FOUNDER


def _case_facts(said: Mapping[str, Any], context: Mapping[str, Any], charter: Charter) -> Iterator[str]:
    if "purpose" not in said:  # an image whose search is not among the opened bodies, or a refused one
        return
    for name, (field, what) in WORDS.items():
        decided = context[name]["__entity"]["id"]
        if decided != said[field]:
            yield f"it was decided for the {what} {decided!r}, and its body says {said[field]!r}"
    if context["caseNumber"] != said["case_number"]:
        yield "it was decided for another case number than its body names"
    if context["warrant"] != said.get("warrant", context["warrant"]):
        yield "it was decided on another warrant than its body names"
    asker = said["on_behalf_of"] or charter.agency.id
    if context["onBehalfOf"]["__entity"]["id"] != asker:
        yield f"it was decided on behalf of another agency than {asker}, which its body names"


def _search_facts(fields: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
    for name, field in (("windowStart", "since"), ("windowEnd", "until")):
        difference = datetime.fromisoformat(fields[field]) - moment(context[name])
        if not timedelta(0) <= difference < MILLISECOND:
            yield f"it was decided for another period than its body names ({field})"
    feature = context["feature"]["__entity"]["id"]
    has_wildcards = PlatePattern.parse(fields["plate"]).has_wildcards
    if has_wildcards != (feature == "wildcard_search"):
        yield f"its plate has {'' if has_wildcards else 'no '}wildcards, and it was decided as {feature!r}"


@dataclass(frozen=True, slots=True)
class _Person:
    roles: frozenset[str]
    active: bool
    training: datetime
    changed_at: datetime


class People:
    """Accounts and counts of searches, as the opened entries tell them."""

    def __init__(self) -> None:
        self._people: dict[str, list[_Person]] = {}
        """Every state of each account, the newest last."""
        self._searches: dict[str, list[datetime]] = {}
        self._approved: dict[str, set[str]] = {}
        """Request id → who approved it."""
        self._used: set[str] = set()

    def follow(self, entry_type: str, fields: Mapping[str, Any], at: datetime) -> None:
        """Take in what one entry changes."""
        if entry_type == "search":
            self._searches.setdefault(fields["account_id"], []).append(at)
        if entry_type == "approval-given":
            self._approved.setdefault(fields["request_id"], set()).add(fields["account_id"])
        operation = fields.get("operation") or {}
        self._used.add(operation.get("uses_approval") or "")
        kind, account = operation.get("kind"), operation.get("account_id", "")
        states = self._people.get(account, [])
        if kind == "account_added":
            until = datetime.fromisoformat(operation["training_valid_until"])
            states = [*states, _Person(frozenset(operation["roles"]), True, until, at)]
        elif kind == "roles_changed" and states:
            states = [*states, replace(states[-1], roles=frozenset(operation["roles"]), changed_at=at)]
        elif kind == "account_closed" and states:
            states = [*states, replace(states[-1], active=False, changed_at=at)]
        elif kind == "training_renewed" and states:
            until = datetime.fromisoformat(operation["training_valid_until"])
            states = [*states, replace(states[-1], training=until, changed_at=at)]
        if states:
            self._people[account] = states

    def problems(self, entry_type: str, request: Mapping[str, Any], entities: Any) -> Iterator[str]:
        """What the decision says of its person otherwise than the record."""
        name, now = request["principal"]["id"], moment(request["context"]["now"])
        said = request["context"].get("searchesLastHour")
        recent = sum(at >= now - RATE_PERIOD for at in self._searches.get(name, []))
        if entry_type == "search" and said is not None and said < recent:
            yield f"it was decided on {said} earlier searches within the hour; the record has {recent}"
        if request["context"].get("founding") is True and len(self._people) > 1:
            yield "it was decided as the making of a city's second account, and there were more"
        states = self._people.get(name)
        if not states:  # added before this auditor's key was in force
            return
        account = next(e for e in entities if e["uid"] == {"type": "Account", "id": name})
        # a change that crossed the decision may not have been seen by it
        first = next((i for i, state in enumerate(states) if state.changed_at >= now), len(states))
        if not any(_agrees(account, state) for state in states[max(0, first - 1) :]):
            yield f"it was decided on other roles, training or standing of {name} than the record gives them"

    def approval_problems(self, fields: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
        """Approvals on which it was decided, and which the record does not have. Only where every body was opened."""
        named = fields.get("approval")
        for place in ("first", "second"):
            if context.get(f"{place}ApprovalBinds") is not True:
                continue
            approver = context[f"{place}Approver"]["__entity"]["id"]
            if approver not in self._approved.get(named or "", set()):
                yield f"it was decided on the approval of {approver or 'nobody'}, which the record does not have"
            if named in self._used:
                yield "it was decided on an approval that was used up before"


def _agrees(account: Mapping[str, Any], person: _Person) -> bool:
    said = account["attrs"]
    roles = {parent["id"] for parent in account["parents"]}
    difference = person.training - moment(said["trainingValidUntil"])
    return (
        roles == person.roles and said["active"] is person.active and timedelta(0) <= difference < MILLISECOND
    )
