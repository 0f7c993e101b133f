"""A vault that lies from the start, with leaf and body in agreement: its decisions are decided again, and found."""

from __future__ import annotations

import json

import pytest

from glassplate.encoding import canonical_json


def facts(change):
    """Change the decided request's context."""

    def act(fields):
        request = json.loads(fields["cedar_request"])
        change(request)
        fields["cedar_request"] = canonical_json(request).decode()

    return act


def entities(change):
    def act(fields):
        said = json.loads(fields["cedar_entities"])
        change(said)
        fields["cedar_entities"] = canonical_json(said).decode()

    return act


def both(*changes):
    def act(fields):
        for change in changes:
            change(fields)

    return act


def put(**values):
    return lambda fields: fields.update(values)


def context(**values):
    return facts(lambda request: request["context"].update(values))


def take(*names):
    def act(fields):
        for name in names:
            del fields[name]

    return act


def of(said, kind):
    return next(entity for entity in said if entity["uid"]["type"] == kind)


def account(said):
    return next(e for e in said if e["uid"]["type"] == "Account" and e["uid"]["id"])


def time(text):
    return {"__extn": {"fn": "datetime", "arg": text}}


def reference(kind, name):
    return {"__entity": {"type": kind, "id": name}}


FORGERIES = {
    "a search without a case number is shown as allowed": (
        "search",
        both(put(case_number=""), context(caseNumber="", caseNumberWellFormed=False)),
        "it should have been refused: ",
    ),
    "its case number was judged to be of the charter's form, and is not": (
        "search",
        both(put(case_number="none"), context(caseNumber="none", caseNumberWellFormed=True)),
        "judges the form of its case number other than the charter does",
    ),
    "a search of an officer without training": (
        "search",
        entities(lambda e: account(e)["attrs"].update(trainingValidUntil=time("1970-01-01T00:00:00.000Z"))),
        "it should have been refused: ",
    ),
    "a role is invented for the decision": (
        "search",
        entities(lambda e: account(e)["parents"].append({"type": "Role", "id": "auditor"})),
        "it was decided on other roles, training or standing of r.alvarez",
    ),
    "the body names another purpose than was decided": (
        "search",
        put(purpose="burglary"),
        "it was decided for the purpose 'stolen_vehicle', and its body says 'burglary'",
    ),
    "the body names another offense": ("search", put(offense="homicide"), "it was decided for the offense "),
    "the body names another use": (
        "search",
        put(declared_use="personal"),
        "it was decided for the declared use 'own_case', and its body says 'personal'",
    ),
    "the body names another case": (
        "search",
        put(case_number="26-009999"),
        "it was decided for another case number than its body names",
    ),
    "the body names another agency as asker": (
        "search",
        put(on_behalf_of="other-county-sheriff"),
        "it was decided on behalf of another agency than other-county-sheriff",
    ),
    "the body names another person": ("search", put(account_id="m.okafor"), "and done by m.okafor"),
    "the body names another sign-in": (
        "search",
        put(sign_in_method="passkey"),
        "it was decided on another sign-in than its body names",
    ),
    "the body names a longer period": (
        "search",
        put(since="2026-01-01T00:00:00+00:00"),
        "it was decided for another period than its body names (since)",
    ),
    "a search by pattern was decided as one of a whole plate": (
        "search",
        put(plate="7K?R*"),
        "its plate has wildcards, and it was decided as 'plate_search'",
    ),
    "the decision is dated another day than the act": (
        "search",
        context(now=time("2026-03-04T12:00:00.000Z")),
        "it was decided at 2026-03-04 12:00, and done at 2026-03-06 21:00",
    ),
    "the sealed time is of another hour than the public one": (
        "search",
        put(at="2026-03-06T19:10:00+00:00"),
        "its public hour is not that of its sealed time",
    ),
    "the charter's limit was stretched for the decision": (
        "search",
        entities(lambda e: of(e, "Charter")["attrs"].update(searchesPerHour=999)),
        "with other facts than version 2 of the charter states",
    ),
    "a feature that the council did not approve was approved for the decision": (
        "search",
        entities(lambda e: of(e, "Feature")["attrs"].update(expiresAt=time("2029-01-01T00:00:00.000Z"))),
        "The decision was made on Feature 'plate_search' with other facts than",
    ),
    "an older charter, which is not in force any more, is claimed": (
        "search",
        put(charter_version=1),
        "it claims charter version 1, which was not in force: by the log it was version 2",
    ),
    "a charter that nobody signed is claimed": (
        "search",
        put(charter_version=9),
        "it claims charter version 9, which was not in force",
    ),
    "another policy is claimed": (
        "search",
        put(policy_sha256="0" * 64),
        "it claims a policy that its charter does not name",
    ),
    "no decision is recorded": (
        "search",
        take("cedar_request", "cedar_entities"),
        "its body holds no decision",
    ),
    "a part of the decision is left out": (
        "search",
        take("cedar_entities"),
        "what it records of its decision is not of format 1 ('cedar_entities')",
    ),
    "the decision is not readable": ("search", put(cedar_request="{"), "is not of format 1"),
    "the decision is not canonical": (
        "search",
        lambda fields: fields.update(cedar_request=fields["cedar_request"] + " "),
        "The recorded decision is not canonical JSON",
    ),
    "the decision is of an agency act, not of a search": (
        "search",
        facts(lambda request: request["action"].update(id="publish")),
        "it was decided as 'publish', and is 'search'",
    ),
    "a lawful search is refused": (
        "refusal",
        both(
            put(case_number="26-004512"),
            context(caseNumber="26-004512", caseNumberWellFormed=True),
        ),
        "it refuses what the policy then in force allowed",
    ),
    "a refusal names another rule than the one that refused": (
        "refusal",
        put(rules=["training-current"]),
        "it was refused for training-current; the policy refuses it for case-given",
    ),
    "an alert is shown to somebody whose role does not include it": (
        "alert-shown",
        entities(lambda e: account(e).update(parents=[])),
        "it should have been refused: ",
    ),
    "a hot list is loaded by an act that was decided as another": (
        "hotlist-imported",
        facts(lambda request: request["action"].update(id="see_alert")),
        "it was decided as 'see_alert', and is 'import_hotlist'",
    ),
    "a disposition without a decision": (
        "disposition",
        take("cedar_request", "cedar_entities"),
        "its body holds no decision; nothing shows that it was allowed",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_decision_is_found(forgery, published, check):
    entry_type, change, expected = FORGERIES[forgery]
    index = published.index_of(entry_type, -1)
    published.forge_entry(index, change)

    code, findings = check(published.arguments + published.audit_arguments)

    assert code == 5
    assert any(f.startswith(f"entry {index} ({entry_type}): ") and expected in f for f in findings), findings


def test_a_body_sealed_anew_and_otherwise_true_holds(published, check):
    published.forge_entry(published.index_of("search", -1), lambda fields: None)

    assert check(published.arguments + published.audit_arguments) == (0, [])


def test_public_rules_other_than_the_sealed_ones_are_found(published, check):
    published.forge_entry(published.index_of("refusal", 3), lambda fields: None, rules="role-permits")

    code, findings = check(published.arguments + published.audit_arguments)

    assert code == 5
    assert any("its public half names other rules than its body" in f for f in findings)


def test_a_decision_as_if_nobody_had_stopped_the_city_is_found(published, check):
    stop = {"type": "emergency-stop", "time": "2026-03-06T21:00:00Z", "agency": "exampleville-pd"}
    index = published.index_of("refusal", -1)
    published.forge_entry(
        index - 1, lambda fields: fields.clear() or fields.update(at=f"{stop['time']}"), **stop
    )

    _, findings = check(published.arguments + published.audit_arguments)

    assert any("it was decided as if no emergency stop were in force" in f for f in findings)


def test_more_searches_than_were_decided_on_are_found(published, check):
    first = published.index_of("refusal", 100)
    fields, _ = published.body_fields(published.index_of("search", -1))
    later = {**fields, "at": fields["at"]}
    published.forge_entry(first, lambda said: said.clear() or said.update(later), type="search", rules="")

    _, findings = check(published.arguments + published.audit_arguments)

    assert any(
        "it was decided on 0 earlier searches within the hour; the record has 1" in f for f in findings
    )
