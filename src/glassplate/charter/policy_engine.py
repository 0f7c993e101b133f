"""The decision: Cedar behind one narrow interface, with every doubt counted as a refusal.

The rules, to be ticked off:

* a decision is made on exactly the text that is recorded, so ``replay`` is the same function on the same
  text;
* a word that the charter does not know is refused before Cedar, by a rule with a name;
* *any* diagnostics error means deny: Cedar skips a forbid that errors (measured: it then answers Allow);
* a request that does not fit the schema is ``NoDecision``, and that means deny;
* a rule without an id, or with one that this policy does not explain, means deny.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import cedarpy

from glassplate.charter import recorded_facts
from glassplate.charter.policy import PolicyTexts
from glassplate.charter.policy_lint import Rule, read_rules
from glassplate.charter.requests import (
    ALERT_ACTIONS,
    CASE_ACTIONS,
    NOBODY,
    cedar_entities,
    cedar_request,
    missing_facts,
)
from glassplate.charter.vocabulary import ACTIONS
from glassplate.encoding import canonical_json, parse_json
from glassplate.errors import CharterRejected, InputRefused, ProofFailed

if TYPE_CHECKING:
    from glassplate.charter.document import Charter
    from glassplate.charter.requests import DecisionRequest
    from glassplate.charter.verification import Policy

MAX_RECORDED_BYTES = (
    1_048_576  # a request and its entities have a few kilobytes; a purpose list at its limit, 30
)
ENGINE_VERSION = f"cedarpy {metadata.version('cedarpy')}"

_BUILT_IN = {
    "policy-error": Rule(
        "policy-error",
        "Charter section 9: policy",
        "The policy could not be decided, so the answer is no. Tell the administrator.",
    ),
    "role-permits": Rule(
        "role-permits",
        "Charter section 2: roles",
        "None of your roles includes this. Ask somebody whose role does.",
    ),
    "unknown-account": Rule(
        "unknown-account", "Charter section 2: accounts", "Nobody is named as the person asking."
    ),
    "unknown-action": Rule("unknown-action", "Charter section 2: roles", "No such act exists."),
    "unknown-purpose": Rule(
        "unknown-purpose", "Charter section 4: purposes and cases", "Choose one of the charter's purposes."
    ),
    "unknown-offense": Rule(
        "unknown-offense", "Charter section 4: purposes and cases", "Choose one of the charter's offenses."
    ),
    "unknown-declared-use": Rule(
        "unknown-declared-use",
        "Charter section 5: prohibited uses",
        "Declare one of the uses that the charter lists.",
    ),
    "unknown-feature": Rule("unknown-feature", "Charter section 6: features", "No such feature exists."),
    "fact-missing": Rule(
        "fact-missing",
        "Charter section 9: policy",
        "The period or the count of earlier searches was not given.",
    ),
}


_UNDECIDED = (False, ("policy-error",))


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, why, and everything needed to decide it again."""

    allowed: bool
    rules: tuple[str, ...]
    """The rules that decided: those that forbid, or the role that permits."""
    sentences: tuple[str, ...]
    clauses: tuple[str, ...]
    canonical_request: str = field(repr=False)
    canonical_entities: str = field(repr=False)
    policy_sha256: str
    engine_version: str


class PolicyEngine:
    """Decides under one charter. Callable from several threads at once."""

    def __init__(self, policy: Policy) -> None:
        """Parse the policy once.

        Raises:
            CharterRejected: when it does not parse, does not fit its schema or breaks the lint.
        """
        self._charter = policy.charter
        self._judge = _Judge(policy)

    def decide(self, request: DecisionRequest) -> Decision:
        """Decide. Never raises for what a request says: a request that makes no sense is denied."""
        try:
            question = canonical_json(cedar_request(request, self._charter)).decode()
            entities = canonical_json(cedar_entities(request, self._charter)).decode()
        except (ValueError, OverflowError):  # a lone surrogate, or a date outside the years 1 to 9999
            return self._judge.decision(allowed=False, rules=("policy-error",), question="{}", entities="[]")
        if missing_facts(request):
            return self._judge.decision(
                allowed=False, rules=("fact-missing",), question=question, entities=entities
            )
        return self._judge.judge(question, entities)


def replay(canonical_request: str, canonical_entities: str, policy: PolicyTexts) -> Decision:
    """Decide again what the record holds, from outside.

    The facts are taken as recorded; whether they are the charter's, ``check_recorded_charter`` says.

    Raises:
        CharterRejected: the policy cannot be used.
        ProofFailed: the recorded text is not canonical JSON.
    """
    for text in (canonical_request, canonical_entities):
        _check_canonical(text)
    return _judge_of(PolicyTexts(policy.base, policy.overlay, policy.schema)).judge(
        canonical_request, canonical_entities
    )


def check_recorded_charter(canonical_entities: str, canonical_request: str, charter: Charter) -> None:
    """Check that recorded entities state the charter's own facts and nobody else's.

    Raises:
        ProofFailed: naming the entity that differs.
    """
    recorded_facts.check(_check_canonical(canonical_request), _check_canonical(canonical_entities), charter)


class _Judge:
    """Parsed handles of one policy, and the one function that decides."""

    def __init__(self, policy: PolicyTexts) -> None:
        self._rules = _BUILT_IN | read_rules(policy)
        self._policy_sha256 = policy.sha256
        try:
            self._schema = cedarpy.Schema.from_str(policy.schema)
            self._policies = cedarpy.PolicySet.from_str(policy.base).with_added_str(policy.overlay)
        except ValueError as error:
            raise CharterRejected(
                f"The charter's policy cannot be used: {error}", ("charter-policy",)
            ) from None

    def judge(self, question: str, entities: str) -> Decision:
        allowed, rules = self._answer(json.loads(question), json.loads(entities), entities)
        return self.decision(allowed=allowed, rules=rules, question=question, entities=entities)

    def decision(self, *, allowed: bool, rules: tuple[str, ...], question: str, entities: str) -> Decision:
        explained = [self._rules[rule] for rule in rules]
        return Decision(
            allowed=allowed,
            rules=rules,
            sentences=tuple(rule.says for rule in explained),
            clauses=tuple(rule.cites for rule in explained),
            canonical_request=question,
            canonical_entities=entities,
            policy_sha256=self._policy_sha256,
            engine_version=ENGINE_VERSION,
        )

    def _answer(self, request: Any, plain_entities: Any, entities: str) -> tuple[bool, tuple[str, ...]]:
        try:
            unknown = _unknown_words(request, plain_entities)
            if unknown:
                return False, unknown
            parsed = cedarpy.Entities.from_json_str(entities, schema=self._schema)
            answer = cedarpy.is_authorized(request, self._policies, parsed, schema=self._schema)
        except (ValueError, TypeError, KeyError, AttributeError):  # not a request at all
            return _UNDECIDED
        names = answer.diagnostics.id_annotations_by_reason
        rules = tuple(sorted(names.get(reason, "") for reason in answer.diagnostics.reasons))
        is_decided = answer.decision is not cedarpy.Decision.NoDecision and not answer.diagnostics.errors
        if not is_decided or any(rule not in self._rules for rule in rules):
            return _UNDECIDED
        if answer.allowed and not rules:  # Cedar always names the permit; believe nothing else
            return _UNDECIDED
        return answer.allowed, rules or ("role-permits",)


@lru_cache(maxsize=4)
def _judge_of(policy: PolicyTexts) -> _Judge:
    """Parsing a policy takes longer than deciding; an audit decides thousands of times under one."""
    return _Judge(policy)


def _unknown_words(request: Any, entities: Any) -> tuple[str, ...]:
    """The rules that refuse words which are not among the entities, in a fixed order."""
    known = {(entity["uid"]["type"], entity["uid"]["id"]) for entity in entities}
    action, context = request["action"]["id"], request["context"]
    unknown = []
    if request["principal"]["id"] == NOBODY:
        unknown.append("unknown-account")
    if action not in ACTIONS:
        unknown.append("unknown-action")
    if action in CASE_ACTIONS:
        unknown += [
            f"unknown-{word}"
            for word, name in (
                ("purpose", "purpose"),
                ("offense", "offense"),
                ("declared-use", "declaredUse"),
            )
            if _named(context, name) not in known
        ]
    if action in (*CASE_ACTIONS, *ALERT_ACTIONS) and _named(context, "feature") not in known:
        unknown.append("unknown-feature")
    return tuple(unknown)


def _named(context: Any, name: str) -> tuple[str, str]:
    entity = context[name]["__entity"]
    return entity["type"], entity["id"]


def _check_canonical(text: str) -> Any:
    raw = text.encode("utf-8", "surrogatepass")
    try:
        plain = parse_json(raw, limit=MAX_RECORDED_BYTES)
        if canonical_json(plain) == raw:
            return plain
    except (InputRefused, ValueError):
        pass
    raise ProofFailed(
        "The recorded decision is not canonical JSON; the entry's body was altered or is damaged."
    )
