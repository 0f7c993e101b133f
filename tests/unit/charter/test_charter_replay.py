"""Deciding again from the record: the same answer, and a refusal of every altered fact that the charter states."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from charter_testing import CHARTER, GOOD, OPEN_CHARTER, PARTNER, POLICY, VERIFIED, engine_for
from test_charter_policy import ENGINE, WORLDS

from glassplate.charter import PolicyEngine, check_recorded_charter, example_overlay, replay, shipped_policy
from glassplate.encoding import canonical_json
from glassplate.errors import ProofFailed


@pytest.mark.parametrize("name", sorted(WORLDS)[::3])
def test_every_decision_is_the_same_when_it_is_made_again(name):
    request, charter = WORLDS[name]
    decision = engine_for(charter).decide(request)
    again = replay(decision.canonical_request, decision.canonical_entities, POLICY)
    assert again == decision
    check_recorded_charter(decision.canonical_entities, decision.canonical_request, charter)


def test_a_verified_charter_decides_and_replays_directly():
    decision = PolicyEngine(VERIFIED.policy).decide(GOOD)
    assert decision.allowed
    assert replay(decision.canonical_request, decision.canonical_entities, VERIFIED.policy) == decision
    assert decision.policy_sha256 == VERIFIED.charter.policy.sha256
    assert decision.engine_version.startswith("cedarpy 4.")


def test_another_policy_has_another_hash_and_may_decide_otherwise():
    decision = ENGINE.decide(
        replace(GOOD, purpose="stolen_vehicle", offense="auto_theft", feature="wildcard_search")
    )
    other = replay(decision.canonical_request, decision.canonical_entities, shipped_policy(example_overlay()))
    assert decision.allowed
    assert not other.allowed
    assert other.policy_sha256 != decision.policy_sha256


def altered(text, edit):
    value = json.loads(text)
    edit(value)
    return canonical_json(value).decode()


def entity(entities, kind, name=None):
    return next(e for e in entities if e["uid"]["type"] == kind and name in (None, e["uid"]["id"]))


ALTERED_ENTITIES = {
    "a longer retention": lambda v: entity(v, "Charter")["attrs"].update(
        retention={"__extn": {"fn": "duration", "arg": "999d"}}
    ),
    "another mark": lambda v: entity(v, "Charter")["attrs"].update(mark="demo"),
    "more searches an hour": lambda v: entity(v, "Charter")["attrs"].update(searchesPerHour=999),
    "a feature approved": lambda v: entity(v, "Feature", "sharing")["attrs"].update(approved=False),
    "a use no longer prohibited": lambda v: entity(v, "DeclaredUse")["attrs"].update(prohibited=True),
    "an offense under another purpose": lambda v: entity(v, "Offense").update(parents=[]),
    "a grant": lambda v: entity(v, "Agency", PARTNER)["attrs"].update(grantRevoked=True),
    "an invented purpose": lambda v: v.append(
        {"uid": {"type": "Purpose", "id": "x"}, "attrs": {}, "parents": []}
    ),
    "an entity of a kind that does not exist": lambda v: v.append(
        {"uid": {"type": "God", "id": "x"}, "attrs": {}, "parents": []}
    ),
    "not an entity": lambda v: v.append({}),
}


@pytest.mark.parametrize("edit", ALTERED_ENTITIES.values(), ids=ALTERED_ENTITIES)
def test_facts_that_are_not_the_charters_are_found(edit):
    decision = ENGINE.decide(replace(GOOD, on_behalf_of=PARTNER, declared_use="other_agency"))
    check_recorded_charter(decision.canonical_entities, decision.canonical_request, OPEN_CHARTER)
    with pytest.raises(ProofFailed):
        check_recorded_charter(
            altered(decision.canonical_entities, edit), decision.canonical_request, OPEN_CHARTER
        )


def test_a_decision_under_another_charter_is_found():
    decision = ENGINE.decide(GOOD)
    for charter in (replace(OPEN_CHARTER, version=2), CHARTER, replace(OPEN_CHARTER, max_search_days=1)):
        with pytest.raises(ProofFailed):
            check_recorded_charter(decision.canonical_entities, decision.canonical_request, charter)


def test_a_form_of_case_number_judged_otherwise_is_found():
    decision = ENGINE.decide(replace(GOOD, case_number="investigation"))
    lie = altered(decision.canonical_request, lambda v: v["context"].update(caseNumberWellFormed=True))
    assert replay(lie, decision.canonical_entities, POLICY).allowed
    with pytest.raises(ProofFailed, match="case number"):
        check_recorded_charter(decision.canonical_entities, lie, OPEN_CHARTER)


@pytest.mark.parametrize("text", ["", " {}", "[[", '{"a":1,"a":1}', "\ud800", '{"a":NaN}'])
def test_text_that_is_not_canonical_is_not_replayed(text):
    with pytest.raises(ProofFailed):
        replay(text, "[]", POLICY)
    with pytest.raises(ProofFailed):
        replay("{}", text, POLICY)


FORMLESS = [
    "{}",
    "[]",
    "null",
    '{"principal":1}',
    '{"action":{"id":"search"},"context":{},"principal":{"id":"a"}}',
]


@pytest.mark.parametrize("text", FORMLESS)
def test_a_recorded_request_without_its_form_is_a_denial(text):
    decision = ENGINE.decide(GOOD)
    assert replay(text, decision.canonical_entities, POLICY).rules[0] in ("policy-error", "unknown-action")
    assert not replay(text, "[]", POLICY).allowed
    with pytest.raises(ProofFailed):
        check_recorded_charter(decision.canonical_entities, text, OPEN_CHARTER)


@pytest.mark.parametrize("fact", sorted(json.loads(ENGINE.decide(GOOD).canonical_request)["context"]))
def test_a_missing_fact_is_a_denial(fact):
    decision = ENGINE.decide(GOOD)
    without = altered(decision.canonical_request, lambda v: v["context"].pop(fact))
    assert replay(without, decision.canonical_entities, POLICY).rules == ("policy-error",)


@pytest.mark.parametrize("kind", ["Account", "Charter", "Agency", "Feature"])
def test_missing_entities_are_a_denial(kind):
    decision = ENGINE.decide(GOOD)
    rest = [e for e in json.loads(decision.canonical_entities) if e["uid"]["type"] != kind]
    assert not replay(decision.canonical_request, canonical_json(rest).decode(), POLICY).allowed


@pytest.mark.parametrize("kind", ["Account", "Charter", "Agency", "Feature", "DeclaredUse"])
def test_a_missing_attribute_is_a_denial(kind):
    decision = ENGINE.decide(GOOD)
    for name in entity(json.loads(decision.canonical_entities), kind)["attrs"]:
        without = altered(decision.canonical_entities, lambda v, n=name: entity(v, kind)["attrs"].pop(n))
        assert replay(decision.canonical_request, without, POLICY).rules == ("policy-error",)


def test_the_record_of_a_decision_does_not_show_the_case_by_accident():
    assert "004512" not in repr(GOOD)
    assert "004512" not in repr(ENGINE.decide(GOOD))


def test_many_threads_decide_alike():
    answers = []

    def ask():
        answers.extend(ENGINE.decide(replace(GOOD, searches_last_hour=n)).allowed for n in range(20, 40))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 60 + [True] * 60
