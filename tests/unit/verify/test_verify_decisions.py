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
        "it was decided as 'plate_search', and what it asked for needs 'wildcard_search'",
    ),
    "a search for look-alikes was decided as one of a whole plate": (
        "search",
        put(kind="look_alike"),
        "it was decided as 'plate_search', and what it asked for needs 'wildcard_search'",
    ),
    "everything that a camera read was decided as one plate": (
        "search",
        put(plate="", kind="exact", camera_ids=["cam-01"]),
        "it was decided as 'plate_search', and what it asked for needs 'camera_window_search'",
    ),
    "the look of a vehicle was decided as one plate": (
        "search",
        put(plate="", kind="exact", colors=["red"]),
        "it was decided as 'plate_search', and what it asked for needs 'vehicle_search'",
    ),
    "a search for a prohibited use is shown as allowed": (
        "search",
        both(put(declared_use="commercial"), context(declaredUse=reference("DeclaredUse", "commercial"))),
        "it should have been refused: ",
    ),
    "the policy was told of an approval that nobody gave": (
        "search",
        context(firstApprovalBinds=True),
        "it was decided on the approval of nobody, which the record does not have",
    ),
    "the policy was told of a training that nobody had": (
        "search",
        entities(lambda e: account(e)["attrs"].update(trainingValidUntil=time("2031-01-01T00:00:00.000Z"))),
        "it was decided on other roles, training or standing of r.alvarez",
    ),
    "the body bears no time": ("search", put(at="noon"), "is not of format 1"),
    "a time beyond all years": (
        "search",
        put(since="9999-12-31T23:59:59-23:59"),
        "it was decided for another period than its body names (since)",
    ),
    "the decision is a list": ("search", put(cedar_request="[1]"), "is not of format 1"),
    "the version of the charter is text": (
        "search",
        put(charter_version="2"),
        "it claims charter version 2, which was not in force",
    ),
    "an account that the entities do not have": (
        "search",
        entities(lambda e: e.remove(account(e))),
        "it was decided on other roles, training or standing of r.alvarez",
    ),
    "a refusal by the policy's rule keeps no decision": (
        "refusal",
        take("cedar_request", "cedar_entities"),
        "it refuses by the policy's rule case-given and holds no decision",
    ),
    "a refusal of another act than was decided": (
        "refusal",
        put(action="hold"),
        "it was decided as 'search', and is 'hold'",
    ),
    "an account is made without a decision": (
        "account-changed",
        take("cedar_request", "cedar_entities"),
        "its body holds no decision; nothing shows that it was allowed",
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


def test_without_the_key_a_forged_decision_is_seen_by_nobody(published, check):
    _, change, _ = FORGERIES["a search without a case number is shown as allowed"]
    published.forge_entry(published.index_of("search", -1), change)

    assert check(published.arguments) == (0, [])


def test_a_policy_that_is_not_published_is_found(published, check):
    for path in (published.public / "policy").iterdir():
        path.unlink()

    code, findings = check(published.arguments + published.audit_arguments)

    assert code == 5
    assert any("its policy cannot be read" in finding for finding in findings)


def test_another_policy_under_the_same_name_is_found(published, check):
    policies = sorted((published.public / "policy").iterdir(), key=lambda path: path.stat().st_size)
    policies[-1].write_bytes(policies[-1].read_bytes().replace(b"forbid", b"permit", 1))

    assert check(published.arguments + published.audit_arguments)[0] == 5


def test_a_refusal_decided_on_fewer_searches_than_the_record_has(published, check):
    index = published.index_of("refusal", 0)  # right after the first search
    published.forge_entry(index, context(searchesLastHour=0))

    _, findings = check(published.arguments + published.audit_arguments)

    assert any("on 0 earlier searches within the hour; the record has 1" in f for f in findings)
