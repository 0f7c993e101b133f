"""The facts on which a decision was made, held against what the rest of the record says: the body, the log, accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.plate_text import PlatePattern
from glassplate.verify.replayed import ACTS, DOER, NOT_ALWAYS, REFUSAL, SEARCH, SEARCH_FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glassplate.charter import Charter
    from glassplate.verify.tree import PublicEntry

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
    holds: Mapping[str, Mapping[str, Any]],
    at: datetime,
) -> Iterator[str]:
    """What the decided request says otherwise than the body (for an image: than its search; for a hold's reads: than it)."""
    context, action = request["context"], request["action"]["id"]
    expected = ACTS[entry.entry_type] if entry.entry_type != REFUSAL else (fields["action"],)
    if action not in expected:
        yield f"it was decided as {action!r}, and is {' or '.join(map(repr, expected))}"
    person = fields[DOER.get(entry.entry_type, "account_id")]
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
            yield from _image_facts(fields, said)
        elif entry.entry_type == "hold-opened":
            said = holds.get(fields["hold_id"], {})
        yield from _case_facts(said, context, charter)
    if action == SEARCH:
        yield from _search_facts(fields, context)


def needs_decision(entry_type: str, fields: Mapping[str, Any]) -> bool:
    """Whether an entry stands for an act that somebody had to be allowed."""
    return entry_type in ACTS and entry_type not in NOT_ALWAYS and fields.get("by") != FOUNDER


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


def _image_facts(fields: Mapping[str, Any], search: Mapping[str, Any]) -> Iterator[str]:
    person, read_id = fields["account_id"], fields["read_id"]
    if search.get("account_id", person) != person:
        yield f"{person} opened an image by a search of {search['account_id']}"
    if read_id not in search.get("shown", [read_id]):
        yield "it opens an image of a read that its search did not show"


def _search_facts(fields: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
    for name, field in (("windowStart", "since"), ("windowEnd", "until")):
        difference = datetime.fromisoformat(fields[field]) - moment(context[name])
        if not timedelta(0) <= difference < MILLISECOND:
            yield f"it was decided for another period than its body names ({field})"
    feature = context["feature"]["__entity"]["id"]
    wanted = _feature_wanted(fields)
    if feature != wanted:
        yield f"it was decided as {feature!r}, and what it asked for needs {wanted!r}"
    cameras = fields.get("camera_ids", ["all"])  # a refusal may not name them
    named = 0 if cameras == ["all"] else len(cameras)
    if context.get("cameras", named) != named:
        yield f"it was decided for {context['cameras']} cameras, and its body names {named}"


def _feature_wanted(fields: Mapping[str, Any]) -> str:
    """By the parts that were asked for, whatever the search calls itself."""
    if not fields["plate"]:
        has_look = bool(fields.get("bodies") or fields.get("colors"))
        return SEARCH_FEATURES["vehicle" if has_look else "camera_window"]
    if PlatePattern.parse(fields["plate"]).has_wildcards:
        return SEARCH_FEATURES["wildcard"]
    if "kind" in fields:
        return SEARCH_FEATURES["look_alike" if fields["kind"] == "look_alike" else "exact"]
    feature = str(fields["feature"])  # an older entry of a whole plate names the feature instead
    return SEARCH_FEATURES["exact"] if feature == SEARCH_FEATURES["wildcard"] else feature


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

    def follow(self, entry_type: str, fields: Mapping[str, Any], at: datetime) -> None:
        """Take in what one entry changes."""
        if entry_type == "search":
            self._searches.setdefault(fields["account_id"], []).append(at)
        operation = fields.get("operation") or {}
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
        is_search = request["action"]["id"] == SEARCH and entry_type in (SEARCH, REFUSAL)
        if is_search and said < recent:
            yield f"it was decided on {said} earlier searches within the hour; the record has {recent}"
        if request["context"].get("founding") is True and len(self._people) > 1:
            yield "it was decided as the making of a city's second account, and there were more"
        accounts = {e["uid"]["id"]: e for e in entities if e["uid"]["type"] == "Account"}
        for person in sorted({name, *accounts} & self._people.keys()):  # approvers, too
            if person not in accounts or not self._stood(accounts[person], self._people[person], now):
                yield f"it was decided on other roles, training or standing of {person} than the record gives them"

    @staticmethod
    def _stood(account: Mapping[str, Any], states: Sequence[_Person], now: datetime) -> bool:
        """Whether the record gave them this at ``now``; a change that crossed the decision may not have been seen by it."""
        first = next((i for i, state in enumerate(states) if state.changed_at >= now), len(states))
        return any(_agrees(account, state) for state in states[max(0, first - 1) :])

    def gives_role(self, fields: Mapping[str, Any]) -> bool:
        """Whether a change of roles gives one that the person did not have; False for a person who is not known."""
        states = self._people.get(fields["account_id"], [])
        return any(not set(fields["operation"]["roles"]) <= state.roles for state in states[-1:])


def _agrees(account: Mapping[str, Any], person: _Person) -> bool:
    said = account["attrs"]
    roles = {parent["id"] for parent in account["parents"]}
    difference = person.training - moment(said["trainingValidUntil"])
    return (
        roles == person.roles and said["active"] is person.active and timedelta(0) <= difference < MILLISECOND
    )
