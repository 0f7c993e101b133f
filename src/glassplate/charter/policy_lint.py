"""What a policy must look like before it may decide anything: names, clauses and sentences on every rule.

An overlay holds forbids only, so a city can tighten the base and never widen it. ``read_rules`` parses and
is for signed text; a draft goes through ``draft_check.check_draft``, because a hostile text can crash the
parser.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cedarpy

from glassplate.errors import CharterRejected

if TYPE_CHECKING:
    from glassplate.charter.policy import PolicyTexts

MAX_POLICY_BYTES = 256 * 1024
MAX_DEPTH = 64  # cedarpy 4.12.2 dies on a few thousand nested parentheses
MAX_STATEMENT_BYTES = (
    4_096  # and on some ten thousand "&&" in a row; a rule longer than a page is not read anyway
)
MAX_DOTS = 64  # "context has a.a.a…" makes an output of its length squared

CITY_PREFIX = "city-"
_ID = re.compile(r"[a-z][a-z0-9-]{0,62}\Z", re.ASCII)
_MAX_SENTENCE = 300
_OPENING, _CLOSING = "([{", ")]}"
_DOTS = re.compile(r"(?:\s*\.\s*\w+)+")
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*')


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as people read it."""

    rule_id: str
    cites: str
    says: str


def read_rules(policy: PolicyTexts) -> dict[str, Rule]:
    """Lint the three texts and return every rule by its id.

    Raises:
        CharterRejected: with the first thing that is wrong, and in which file.
    """
    base = _statements("base.cedar", policy.base)
    overlay = _statements("overlay.cedar", policy.overlay)
    check_size("schema.cedarschema", policy.schema, is_schema=True)
    for statement in base:
        if statement["effect"] == "permit":
            _check_permit(statement)
    for statement in overlay:
        _check_overlay(statement)
    rules: dict[str, Rule] = {}
    for statement in (*base, *overlay):
        rule = _rule(statement)
        if rule.rule_id in rules:
            raise _refused(f"Two rules have the id {rule.rule_id!r}.")
        rules[rule.rule_id] = rule
    _check_schema(policy)
    return rules


def check_size(name: str, text: str, *, is_schema: bool = False) -> None:
    """The cheap checks that keep the parser alive; they look at characters only.

    Raises:
        CharterRejected: too large, too deep, a statement too long.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_POLICY_BYTES:
        raise _refused(f"{name} has {size} bytes; at most {MAX_POLICY_BYTES} are accepted.")
    bare = _STRING_OR_COMMENT.sub(" ", text)
    if '"' in bare:  # else it could hide brackets from the count below
        raise _refused(f"{name} has a text in quotes that runs over the end of its line.")
    depth = 0
    for character in bare.replace("<", "(").replace(">", ")") if is_schema else bare:
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth > MAX_DEPTH:
            raise _refused(f"{name} nests brackets deeper than {MAX_DEPTH} levels.")
    longest = max(len(statement.encode("utf-8", "surrogatepass")) for statement in bare.split(";"))
    if longest > MAX_STATEMENT_BYTES:
        raise _refused(
            f"{name} has a statement of {longest} bytes; at most {MAX_STATEMENT_BYTES} are accepted."
        )
    if any(chain[0].count(".") > MAX_DOTS for chain in _DOTS.finditer(bare)):
        raise _refused(f"{name} has a chain of more than {MAX_DOTS} dots.")


def _statements(name: str, text: str) -> list[dict[str, Any]]:
    check_size(name, text)
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise _refused(f"{name} is not valid Cedar: {str(error)[:_MAX_SENTENCE]}") from None
    if parsed.get("templates") or parsed.get("templateLinks"):
        raise _refused(f"{name} holds a template; only plain rules are accepted.")
    return list(parsed["staticPolicies"].values())


def _rule(statement: dict[str, Any]) -> Rule:
    annotations = statement.get("annotations", {})
    rule_id = annotations.get("id") or ""
    if not _ID.match(rule_id):
        raise _refused(f'A rule has the id {rule_id!r}; give each one @id("lower-case-words").')
    sentences = {name: annotations.get(name) or "" for name in ("cites", "says")}
    for name, sentence in sentences.items():
        if not sentence or len(sentence) > _MAX_SENTENCE or not sentence.isprintable():
            raise _refused(
                f'The rule {rule_id} needs @{name}("…") with 1 to {_MAX_SENTENCE} printable characters.'
            )
    return Rule(rule_id, sentences["cites"], sentences["says"])


def _check_permit(statement: dict[str, Any]) -> None:
    principal, action = statement["principal"], statement["action"]
    is_role = principal.get("op") == "in" and principal.get("entity", {}).get("type") == "Role"
    is_named = action.get("op") in ("==", "in")
    if not is_role or not is_named or statement.get("conditions"):
        raise _refused(
            f"The permit {statement.get('annotations', {}).get('id')!r} must give named actions to one "
            "role and "
            "nothing else; conditions belong into forbids."
        )


def _check_overlay(statement: dict[str, Any]) -> None:
    rule_id = statement.get("annotations", {}).get("id") or ""
    if statement["effect"] != "forbid":
        raise _refused(f"overlay.cedar holds the permit {rule_id!r}; a city's overlay may only forbid.")
    if not rule_id.startswith(CITY_PREFIX):
        raise _refused(f"The overlay's rule {rule_id!r} needs an id that starts with {CITY_PREFIX!r}.")


def _check_schema(policy: PolicyTexts) -> None:
    for name, text in (("base.cedar", policy.base), ("overlay.cedar", policy.overlay)):
        try:
            outcome = cedarpy.validate_policies(text, policy.schema)
        except ValueError as error:
            raise _refused(f"schema.cedarschema is not valid: {str(error)[:_MAX_SENTENCE]}") from None
        if not outcome.validation_passed:
            first = str(outcome.errors[0])[:_MAX_SENTENCE] if outcome.errors else "no reason given"
            raise _refused(f"{name} does not fit the schema: {first}")


def _refused(message: str) -> CharterRejected:
    return CharterRejected(message, ("charter-policy",))
