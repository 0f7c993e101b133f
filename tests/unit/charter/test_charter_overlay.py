"""A city's overlay: it may tighten and never widen; a hostile draft is refused without harm."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest
from charter_testing import DAY, GOOD, NOW, OPEN_CHARTER, POLICY, SECOND, engine_for
from test_charter_policy import ALLOWED, ONE_FAULT, answer

from glassplate.charter import check_draft, check_draft_policy, example_overlay, shipped_policy
from glassplate.charter.policy_lint import read_rules
from glassplate.errors import CharterRejected, InputRefused

HEAD = '@id("city-{id}") @cites("Ordinance 1") @says("No.") '


def rule(body, name="rule"):
    """One well-named overlay rule."""
    return HEAD.format(id=name) + body


def test_the_example_is_accepted_and_forbids_what_it_says():
    policy = shipped_policy(example_overlay())
    engine = engine_for(OPEN_CHARTER, policy)
    theft = replace(GOOD, purpose="stolen_vehicle", offense="auto_theft")
    assert engine.decide(theft).allowed
    decision = engine.decide(replace(theft, feature="wildcard_search"))
    assert decision.rules == ("city-no-wildcards-for-theft",)
    assert decision.clauses == ("Ordinance 2026-14 section 5(c)",)
    assert decision.sentences[0].startswith("Partial plates may not be searched")
    run = replace(GOOD, purpose="hit_and_run", offense="hit_and_run_injury", window_start=NOW - 7 * DAY)
    assert engine.decide(run).allowed
    assert engine.decide(replace(run, window_start=NOW - 7 * DAY - SECOND)).rules == (
        "city-hit-and-run-week",
    )


def test_the_example_passes_as_a_draft():
    check_draft(example_overlay())


# --- widening -----------------------------------------------------------------------------------------------------

PERMITS = [
    f"permit ({principal}, {action}, {resource}){condition};"
    for principal, action, resource, condition in itertools.product(
        ("principal", 'principal in Role::"officer"', 'principal == Account::"officer-1"'),
        (
            "action",
            'action == Action::"search"',
            'action in Action::"use"',
            'action in [Action::"read_bodies"]',
        ),
        ("resource", "resource is Charter"),
        (
            "",
            " when { true }",
            " unless { false }",
            " when { principal.active }",
            " when { context.now == context.now }",
        ),
    )
]


@pytest.mark.parametrize("permit", random.Random(5).sample(PERMITS, 40))
def test_an_overlay_with_a_permit_is_refused(permit):
    with pytest.raises(CharterRejected, match="may only forbid") as caught:
        read_rules(shipped_policy(rule(permit)))
    assert caught.value.rules == ("charter-policy",)


FORBIDS = [
    f"forbid (principal, {action}, resource){condition};"
    for action, condition in itertools.product(
        ("action", 'action == Action::"search"', 'action in Action::"use"', 'action in Action::"caseWork"'),
        (
            "",
            " when { true }",
            " when { false }",
            " unless { true }",
            " unless { false }",
            " when { principal.active }",
            " when { principal.active == false }",
            ' when { resource.mark == "demo" }',
            ' unless { principal in Role::"officer" }',
            " when { context.now < resource.notBefore }",
        ),
    )
]


@pytest.mark.parametrize("forbid", FORBIDS)
def test_no_forbid_widens(forbid):
    """Every request that the base refuses is refused still, by at least the same rules."""
    engine = engine_for(OPEN_CHARTER, shipped_policy(rule(forbid)))
    for name, (request, charter) in ONE_FAULT.items():
        if charter == OPEN_CHARTER and name != "role-permits":
            assert name in answer(engine, request)
    assert not engine.decide(replace(GOOD, roles=("administrator",))).allowed


def test_a_forbid_that_errors_is_not_skipped_but_denies():
    """Overflow is an error that validation cannot see; Cedar alone would skip the rule and answer Allow."""
    overlay = rule(
        'forbid (principal, action == Action::"search", resource) '
        "when { context.searchesLastHour + 9223372036854775807 > 0 };"
    )
    engine = engine_for(OPEN_CHARTER, shipped_policy(overlay))
    assert engine.decide(replace(GOOD, searches_last_hour=0)).rules == ("city-rule",)
    decision = engine.decide(replace(GOOD, searches_last_hour=1))
    assert not decision.allowed
    assert decision.rules == ("policy-error",)


# --- lint ---------------------------------------------------------------------------------------------------------

ANY = "forbid (principal, action, resource);"
BAD_OVERLAYS = {
    "a rule without a name": (ANY, "needs an id"),
    "a rule with a name of the base": (
        '@id("rate-limit") @cites("x") @says("x") ' + ANY,
        "starts with 'city-'",
    ),
    "a name with capitals": ('@id("city-A") @cites("x") @says("x") ' + ANY, "lower-case"),
    "one name twice": (rule(ANY) + rule(ANY), "Two rules have the id"),
    "no clause": ('@id("city-a") @says("x") ' + ANY, "@cites"),
    "no sentence": ('@id("city-a") @cites("x") ' + ANY, "@says"),
    "an empty sentence": ('@id("city-a") @cites("x") @says("") ' + ANY, "@says"),
    "a sentence over two lines": (r'@id("city-a") @cites("x") @says("a\nb") ' + ANY, "@says"),
    "a template": (rule("forbid (principal == ?principal, action, resource);"), "template"),
    "not Cedar": ("allow everything", "not valid Cedar"),
    "an attribute that does not exist": (
        rule("forbid (principal, action, resource) when { principal.activ };"),
        "does not fit the schema",
    ),
    "an act that does not exist": (
        rule('forbid (principal, action == Action::"serch", resource);'),
        "does not fit the schema",
    ),
    "a number against a text": (
        rule("forbid (principal, action, resource) when { resource.mark > 5 };"),
        "does not fit the schema",
    ),
}


@pytest.mark.parametrize(("overlay", "message"), BAD_OVERLAYS.values(), ids=BAD_OVERLAYS)
def test_bad_overlays(overlay, message):
    with pytest.raises(CharterRejected) as caught:
        engine_for(OPEN_CHARTER, shipped_policy(overlay))
    assert message in str(caught.value)


BASE_HEAD = '@id("more") @cites("x") @says("x") '
BAD_BASES = {
    "a permit for everybody": 'permit (principal, action == Action::"search", resource);',
    "a permit for one account": 'permit (principal == Account::"a", action == Action::"search", resource);',
    "a permit for every act": 'permit (principal in Role::"officer", action, resource);',
    "a permit with a condition": (
        'permit (principal in Role::"officer", action == Action::"search", resource) when { true };'
    ),
}


@pytest.mark.parametrize("permit", BAD_BASES.values(), ids=BAD_BASES)
def test_bad_bases(permit):
    with pytest.raises(CharterRejected, match="named actions to one role"):
        read_rules(replace(POLICY, base=POLICY.base + BASE_HEAD + permit))


def test_a_bad_schema():
    with pytest.raises(CharterRejected, match="schema"):
        read_rules(replace(POLICY, schema="entity ;"))


# --- drafts -------------------------------------------------------------------------------------------------------


def when(expression):
    return rule(f"forbid (principal, action, resource) when {{ {expression} }};")


HOSTILE = {
    "a hundred thousand parentheses": when("(" * 100_000 + "true" + ")" * 100_000),
    "a thousand parentheses": when("(" * 1_000 + "true" + ")" * 1_000),
    "parentheses after a text that runs over its line": rule(
        'forbid (principal, action, resource) when { "\n" == "'
    )
    + "(" * 5_000
    + '" };',
    "brackets in place of parentheses": when("[" * 1_000 + "]" * 1_000),
    "records in records": when("{a: " * 1_000 + "1" + "}" * 1_000 + ".a == 1"),
    "a chain of forty thousand ands": when("true" + " && true" * 30_000),
    "a chain of dots": when("context" + ".a" * 1_000),
    "a short text that makes a large output": when("context has a" + ".a" * 1_500),
    "a chain of whens": rule("forbid (principal, action, resource)" + " when { true }" * 10_000 + ";"),
    "too large": "// " + "x" * 300_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_drafts_are_refused_before_the_parser_sees_them(text):
    with pytest.raises(CharterRejected):
        read_rules(shipped_policy(text))
    with pytest.raises(InputRefused):
        check_draft(text)


def test_a_draft_with_a_lone_surrogate_is_refused():
    with pytest.raises(InputRefused):
        check_draft("// \ud800")


def test_a_nested_schema_is_refused():
    nested = "entity X = { a: " + "Set<" * 1_000 + "Long" + ">" * 1_000 + " };"
    with pytest.raises(InputRefused, match="nests"):
        check_draft_policy(replace(POLICY, schema=nested))


def test_brackets_in_texts_and_comments_do_not_count():
    check_draft("// " + "(" * 200 + "\n" + rule(ANY).replace("No.", "(" * 200))


def test_a_draft_with_a_permit_is_refused_in_words():
    with pytest.raises(InputRefused, match="may only forbid"):
        check_draft(rule("permit (principal, action, resource);"))


def test_a_draft_that_kills_the_parser_is_refused_and_nothing_else_dies(monkeypatch):
    """The checks before the parser are switched off in this process *and* in the child, which then crashes."""
    import glassplate.charter.draft_check as module

    monkeypatch.setattr(module, "check_size", lambda *_a, **_k: None)
    child = "import glassplate.charter.policy_lint as lint; lint.check_size = lambda *a, **k: None; "
    monkeypatch.setattr(module, "_CHILD", child + module._CHILD)
    with pytest.raises(InputRefused, match=r"stops the policy parser \(exit -11\)"):
        check_draft(HOSTILE["a hundred thousand parentheses"])


def test_a_draft_that_keeps_the_parser_busy_is_refused(monkeypatch):
    import glassplate.charter.draft_check as module

    monkeypatch.setattr(module, "WALL_SECONDS", 0.2)
    monkeypatch.setattr(module, "_CHILD", "import time; time.sleep(60)")
    with pytest.raises(InputRefused, match="keeps the policy parser busy"):
        check_draft(rule(ANY))


@pytest.mark.parametrize("seed", range(5))
def test_overlays_of_noise_are_refused_without_a_crash(seed):
    choice = random.Random(seed)
    pieces = [
        *'(){}[];,"@.<>=&|!? \n',
        "forbid",
        "permit",
        "principal",
        "action",
        "resource",
        "when",
        "context",
        "//",
    ]
    for _ in range(200):
        text = "".join(choice.choices(pieces, k=choice.randrange(1, 60)))
        if text.strip() and not all(
            line.strip().startswith("//") or not line.strip() for line in text.split("\n")
        ):
            with pytest.raises(CharterRejected):
                read_rules(shipped_policy(text))


def test_every_policy_file_ships_with_the_package():
    folder = Path(read_rules.__code__.co_filename).parent / "policy"
    assert {path.name for path in folder.glob("*.cedar*")} == {
        "base.cedar",
        "overlay-example.cedar",
        "schema.cedarschema",
    }
    assert all(engine_for(OPEN_CHARTER).decide(request).allowed for request in ALLOWED.values())
