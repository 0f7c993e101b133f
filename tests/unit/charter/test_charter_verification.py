"""Verifying a charter: eleven attacks and more, each refused in a sentence that names what is wrong."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from charter_testing import (
    CHARTER,
    DAY,
    DOCUMENTS,
    FINGERPRINTS,
    KEYS,
    NOW,
    POLICY,
    SECOND,
    SPARE_KEYS,
    STRANGERS_KEY,
    make_charter,
    make_documents,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from glassplate.charter import (
    OFFICES,
    POLICY_FILES,
    SIGNED_FILES,
    draft,
    missing_offices,
    shipped_policy,
    sign,
    verify_charter,
)
from glassplate.encoding import canonical_json
from glassplate.errors import CharterRejected, InputRefused, UsageError

TWO_KEYS = {office: (KEYS[office].public, SPARE_KEYS[office].public) for office in OFFICES}


def refusal(documents, **options):
    """(message, rule) of the refusal; the test fails when there is none."""
    with pytest.raises(CharterRejected) as caught:
        verify_charter(documents, **({"now": NOW} | options))
    assert len(caught.value.rules) == 1
    return str(caught.value), caught.value.rules[0]


def edited(name, edit, documents=DOCUMENTS):
    """``documents`` with one JSON file changed by ``edit`` and written canonically again."""
    value = json.loads(documents[name])
    edit(value)
    return documents | {name: canonical_json(value).decode()}


def resigned(name, edit, signers=KEYS, documents=DOCUMENTS):
    """As ``edited``, then signed by ``signers`` as if they had agreed to it."""

    def change(value):
        edit(value)
        signed = canonical_json(value["signed"])
        value["signatures"] = sorted(
            ({"keyid": key.public.tuf_key.keyid, "sig": key.sign(signed).hex()} for key in signers.values()),
            key=lambda signature: signature["keyid"],
        )

    return edited(name, change, documents)


# --- what holds ---------------------------------------------------------------------------------------------------


def test_a_fully_signed_charter_is_verified():
    verified = verify_charter(DOCUMENTS, now=NOW, last_version=0, trusted_fingerprints=FINGERPRINTS)
    assert verified.charter == CHARTER
    assert verified.signed_by == tuple(FINGERPRINTS.items())
    assert verified.policy.sha256 == CHARTER.policy.sha256
    assert verified.policy.charter == CHARTER


def test_canonical_bytes_are_what_tuf_itself_signs():
    """TUF's canonical form and ours agree, so any TUF client can check the signatures; here: by hand."""
    for name in SIGNED_FILES:
        document = json.loads(DOCUMENTS[name])
        for signature in document["signatures"]:
            key = next(k for k in KEYS.values() if k.public.tuf_key.keyid == signature["keyid"])
            key.public.check(bytes.fromhex(signature["sig"]), canonical_json(document["signed"]))


def test_names_outside_ascii_are_signed_and_read_back():
    charter = make_charter(city='Peñasco „Süd“ \\ quoted " 東')
    assert verify_charter(make_documents(charter), now=NOW).charter.city == charter.city


def test_signing_twice_changes_nothing():
    assert sign(DOCUMENTS, KEYS["chief"]) == DOCUMENTS


def test_the_order_of_signing_changes_nothing():
    assert make_documents(signers=tuple(reversed(OFFICES))) == DOCUMENTS


def test_the_missing_offices_are_told_while_signing():
    documents = draft(CHARTER, {office: (KEYS[office].public,) for office in OFFICES}, POLICY)
    for index, office in enumerate(OFFICES):
        assert missing_offices(documents) == OFFICES[index:]
        documents = sign(documents, KEYS[office])
    assert missing_offices(documents) == ()


def test_a_backup_key_counts_for_its_office():
    documents = draft(CHARTER, TWO_KEYS, POLICY)
    for key in (KEYS["clerk"], SPARE_KEYS["chief"], KEYS["auditor"]):
        documents = sign(documents, key)
    both = {
        office: f"{KEYS[office].public.fingerprint} {SPARE_KEYS[office].public.fingerprint}"
        for office in OFFICES
    }
    verified = verify_charter(documents, now=NOW, trusted_fingerprints=both)
    assert verified.signed_by[1] == ("chief", SPARE_KEYS["chief"].public.fingerprint)


def test_history_is_verified_without_a_clock():
    for moment in (NOW - 10_000 * DAY, NOW + 10_000 * DAY):
        assert refusal(DOCUMENTS, now=moment)[1] == "charter-in-force"
    assert verify_charter(DOCUMENTS, now=None).charter == CHARTER


def test_a_charter_is_in_force_from_its_first_second_until_before_its_last():
    for moment in (CHARTER.not_before, CHARTER.expires_at - SECOND):
        verify_charter(DOCUMENTS, now=moment)
    message, rule = refusal(DOCUMENTS, now=CHARTER.expires_at)
    assert (rule, "expired on 2027-11-15 12:00" in message) == ("charter-in-force", True)
    message, rule = refusal(DOCUMENTS, now=CHARTER.not_before - timedelta(microseconds=1))
    assert (rule, "takes effect on 2026-11-15 12:00" in message) == ("charter-in-force", True)


# --- attacks ------------------------------------------------------------------------------------------------------


def test_two_signatures_of_one_office_do_not_replace_another_office():
    documents = draft(CHARTER, TWO_KEYS, POLICY)
    for key in (KEYS["clerk"], SPARE_KEYS["clerk"], KEYS["auditor"], SPARE_KEYS["auditor"]):
        documents = sign(documents, key)
    assert refusal(documents) == (
        "charter.json lacks the signature of the chief. Every office must sign.",
        "charter-signatures",
    )


def test_two_keys_of_one_office_are_not_two_offices_for_the_root():
    documents = draft(CHARTER, TWO_KEYS, POLICY)
    for key in (KEYS["clerk"], SPARE_KEYS["clerk"]):
        documents = sign(documents, key)
    message, rule = refusal(documents)
    assert message.startswith("root.json is signed by 1 of the offices (clerk); expected at least 2")
    assert rule == "charter-signatures"


@pytest.mark.parametrize("office", OFFICES)
def test_a_missing_office_is_named(office):
    message, _rule = refusal(make_documents(signers=[o for o in OFFICES if o != office]))
    assert message == f"charter.json lacks the signature of the {office}. Every office must sign."


def test_nobody_has_signed():
    assert "signed by 0 of the offices (none)" in refusal(make_documents(signers=()))[0]


def test_one_signature_repeated():
    def repeat(value):
        value["signatures"] = [value["signatures"][0]] * 3

    assert "has a signature twice" in refusal(edited("charter.json", repeat))[0]


def test_an_old_version_cannot_come_back():
    newer = make_documents(make_charter(version=4))
    assert verify_charter(newer, now=NOW, last_version=3).charter.version == 4
    assert refusal(newer, last_version=4)[1] == "charter-version"
    message, rule = refusal(DOCUMENTS, last_version=4)
    assert "version is 1; expected at least 5" in message
    assert rule == "charter-version"


@pytest.mark.parametrize("name", ["root.json", "offices.json"])
def test_an_old_root_or_list_of_offices_cannot_come_back(name):
    newer = make_documents(make_charter(version=4))
    message, rule = refusal(newer | {name: DOCUMENTS[name]}, last_version=3)
    assert message == f"{name} has the version 1, the charter 4."
    assert rule == "charter-version"


def test_a_clock_set_back_is_refused():
    message, rule = refusal(DOCUMENTS, last_time=NOW + SECOND)
    assert "was seen before" in message
    assert rule == "charter-clock"
    verify_charter(DOCUMENTS, now=NOW, last_time=NOW)


def test_the_retention_edited_after_signing():
    def longer(value):
        value["signed"]["x-glassplate-charter"]["retention_minutes"] = 525_600

    message, rule = refusal(edited("charter.json", longer))
    assert message.startswith("charter.json was changed after signing: the ")
    assert rule == "charter-signatures"


def test_keys_that_the_ordinance_does_not_print():
    """A re-keyed twin: everything verifies, but for the fingerprints."""
    twin = make_documents(keys=SPARE_KEYS)
    verify_charter(twin, now=NOW)
    message, rule = refusal(twin, trusted_fingerprints=FINGERPRINTS)
    assert f"The clerk's key {SPARE_KEYS['clerk'].public.fingerprint} is not the trusted one" in message
    assert rule == "charter-trust"


def test_one_replaced_key_is_found_among_trusted_ones():
    keys = KEYS | {"chief": STRANGERS_KEY}
    assert "The chief's key" in refusal(make_documents(keys=keys), trusted_fingerprints=FINGERPRINTS)[0]


def test_an_office_without_a_trusted_fingerprint_is_not_trusted():
    some = {"clerk": FINGERPRINTS["clerk"], "chief": FINGERPRINTS["chief"]}
    assert "(none is trusted)" in refusal(DOCUMENTS, trusted_fingerprints=some)[0]


def test_a_backup_key_that_is_not_printed_is_not_trusted():
    documents = draft(CHARTER, TWO_KEYS, POLICY)
    for key in KEYS.values():
        documents = sign(documents, key)
    assert refusal(documents, trusted_fingerprints=FINGERPRINTS)[1] == "charter-trust"


def test_a_key_twice_in_a_document_although_the_signed_value_comes_last():
    text = DOCUMENTS["charter.json"]
    forged = text.replace('"retention_minutes":43200', '"retention_minutes":525600,"retention_minutes":43200')
    assert json.loads(forged) == json.loads(text)
    message, rule = refusal(DOCUMENTS | {"charter.json": forged})
    assert "charter.json" in message
    assert "twice" in message
    assert rule == "charter-documents"


def test_other_bytes_of_the_same_value_are_refused():
    text = DOCUMENTS["charter.json"]
    for forged in (
        text + "\n",
        " " + text,
        json.dumps(json.loads(text)),
        text.replace("Invented", "\\u0049nvented"),
    ):
        assert "charter.json" in refusal(DOCUMENTS | {"charter.json": forged})[0]


@pytest.mark.parametrize("name", POLICY_FILES)
def test_an_edited_policy_file_is_named(name):
    message, rule = refusal(DOCUMENTS | {name: DOCUMENTS[name].replace("i", "l", 1)})
    assert message == f"{name} is not the file that the offices signed."
    assert rule == "charter-policy"


def test_a_stranger_cannot_sign():
    with pytest.raises(UsageError, match="No office of this charter holds the key"):
        sign(DOCUMENTS, STRANGERS_KEY)


def test_a_strangers_signature_beside_the_right_ones_is_refused():
    documents = resigned("charter.json", lambda _value: None, KEYS | {"stranger": STRANGERS_KEY})
    assert refusal(documents)[0] == "charter.json carries a signature by a key that no office holds."


def swap_office(value):
    offices = value["signed"]["x-glassplate-offices"]
    offices["chief"], offices["clerk"] = offices["clerk"], offices["chief"]


def lower_threshold(value):
    value["signed"]["roles"]["root"]["threshold"] = 1


def lower_targets_threshold(value):
    value["signed"]["roles"]["targets"]["threshold"] = 1


def rename_key(value):
    keys = value["signed"]["keys"]
    first, second = list(keys)[:2]
    keys[first], keys[second] = keys[second], keys[first]


def drop_office(value):
    del value["signed"]["x-glassplate-offices"]["chief"]


def share_key(value):
    offices = value["signed"]["x-glassplate-offices"]
    offices["chief"] = offices["clerk"]


def weaken_delegation(value):
    value["signed"]["delegations"]["roles"][0]["threshold"] = 2


def add_delegation(value):
    value["signed"]["delegations"]["roles"].append(
        value["signed"]["delegations"]["roles"][0] | {"name": "vendor"}
    )


def no_delegations(value):
    del value["signed"]["delegations"]


def other_expiry(value):
    value["signed"]["expires"] = "2099-01-01T00:00:00Z"


def other_version(value):
    value["signed"]["version"] = 2


def add_target(value):
    value["signed"]["targets"]["charter/more.cedar"] = value["signed"]["targets"]["charter/base.cedar"]


def other_policy_inside(value):
    value["signed"]["x-glassplate-charter"]["policy"]["overlay_sha256"] = "0" * 64


def unknown_field(value):
    value["signed"]["x-glassplate-charter"]["secret_rule"] = True


def no_charter(value):
    del value["signed"]["x-glassplate-charter"]


def short_retention(value):
    value["signed"]["x-glassplate-charter"]["retention_minutes"] = 1


def fraction(value):
    value["signed"]["x-glassplate-charter"]["version"] = 1.0


def true_version(value):
    value["signed"]["version"] = True


def a_key_of_another_kind(value):
    keys = value["signed"]["keys"]
    keys[next(iter(keys))]["scheme"] = "rsassa-pss-sha256"


def type_of_document(value):
    value["signed"]["_type"] = "snapshot"


AGREED_BY_ALL_BUT_WRONG = {
    "offices that swap their keys": ("root.json", swap_office, "offices.json"),
    "a root that one office may change": ("root.json", lower_threshold, "root.json"),
    "a list of offices that one office may change": ("root.json", lower_targets_threshold, "root.json"),
    "key ids that name other keys": ("root.json", rename_key, "root.json"),
    "an office too few": ("root.json", drop_office, "root.json"),
    "one key for two offices": ("root.json", share_key, "root.json"),
    "a key of another algorithm": ("root.json", a_key_of_another_kind, "root.json"),
    "a root that outlives the charter": ("root.json", other_expiry, "root.json"),
    "a threshold that nobody can meet": ("offices.json", weaken_delegation, "offices.json"),
    "a fourth office": ("offices.json", add_delegation, "offices.json"),
    "no offices at all": ("offices.json", no_delegations, "offices.json"),
    "another version of the list of offices": ("offices.json", other_version, "offices.json"),
    "an end that differs from the charter's": ("charter.json", other_expiry, "charter.json"),
    "a version that differs from the charter's": ("charter.json", other_version, "charter.json"),
    "true as version one": ("charter.json", true_version, "charter.json"),
    "a file more than the policy has": ("charter.json", add_target, "charter.json"),
    "other policy hashes inside": ("charter.json", other_policy_inside, "charter.json"),
    "an unknown field": ("charter.json", unknown_field, "'secret_rule'"),
    "no charter": ("charter.json", no_charter, "charter.json"),
    "a charter against the rules": ("charter.json", short_retention, "retention_minutes"),
    "a number with a fraction": ("charter.json", fraction, "whole numbers"),
    "a document of another type": ("charter.json", type_of_document, "charter.json"),
}


@pytest.mark.parametrize(
    ("name", "edit", "named"), AGREED_BY_ALL_BUT_WRONG.values(), ids=AGREED_BY_ALL_BUT_WRONG
)
def test_even_three_signatures_do_not_make_this_a_charter(name, edit, named):
    assert named in refusal(resigned(name, edit))[0]


def unsigned_field(value):
    value["note"] = "x"


def signature_field(value):
    value["signatures"][0]["note"] = "x"


def shouted_signature(value):
    value["signatures"][0]["sig"] = value["signatures"][0]["sig"].upper()


def signature_number(value):
    value["signatures"][0]["sig"] = 5


def signature_text(value):
    value["signatures"] = "none"


def reversed_signatures(value):
    value["signatures"].reverse()


ENVELOPES = {
    "a field that nobody signed": unsigned_field,
    "a field beside a signature": signature_field,
    "the same signature in capitals": shouted_signature,
    "a signature that is a number": signature_number,
    "signatures that are no list": signature_text,
    "signatures in another order": reversed_signatures,
}


@pytest.mark.parametrize("name", SIGNED_FILES)
@pytest.mark.parametrize("edit", ENVELOPES.values(), ids=ENVELOPES)
def test_nothing_may_be_said_beside_what_is_signed(name, edit):
    message, rule = refusal(edited(name, edit))
    assert name in message
    assert rule == "charter-documents"


def places(value, path=()):
    """Every path to a value inside ``value``."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def value_at(value, path):
    for step in path:
        value = value[step]
    return value


SIGNED_PLACES = [
    (name, path) for name in SIGNED_FILES for path in places(json.loads(DOCUMENTS[name])["signed"]) if path
]
ODD = [
    None,
    True,
    -1,
    2**70,
    "",
    "x",
    "\u0000",
    "clerk",
    [],
    [[]],
    {},
    {"a": 1},
    "2099-01-01T00:00:00Z",
    "9" * 500,
]


@given(place=st.sampled_from(SIGNED_PLACES), value=st.sampled_from(ODD) | st.text(max_size=5))
@settings(max_examples=400, deadline=None)
def test_odd_values_that_all_offices_signed_are_refused_or_read_and_never_an_error(place, value):
    name, path = place

    def put(document):
        inner = document["signed"]
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    assume(value_at(json.loads(DOCUMENTS[name])["signed"], path) != value)
    documents = resigned(name, put)
    try:
        verified = verify_charter(documents, now=None)
    except CharterRejected:
        return
    assert name == "charter.json" or "spec_version" in path
    assert verify_charter(sign(documents, KEYS["clerk"]), now=None) == verified


def test_files_missing_or_too_many():
    for name in DOCUMENTS:
        rest = {other: text for other, text in DOCUMENTS.items() if other != name}
        assert refusal(rest)[0] == f"The file {name} is missing."
    assert "does not belong to a charter" in refusal(DOCUMENTS | {"../evil": ""})[0]


def test_files_that_are_too_large():
    assert "base.cedar is larger" in refusal(DOCUMENTS | {"base.cedar": "/" * 300_000})[0]
    assert "root.json is not a valid document" in refusal(DOCUMENTS | {"root.json": "[" * 3_000_000})[0]


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"signatures":[],"signed":5}', "\ud800", "[" * 100]
)
@pytest.mark.parametrize("name", SIGNED_FILES)
def test_noise_instead_of_a_document(name, text):
    message, rule = refusal(DOCUMENTS | {name: text})
    assert message.startswith(name)
    assert rule == "charter-documents"


@pytest.mark.parametrize("name", POLICY_FILES)
def test_lone_surrogates_in_a_policy(name):
    assert refusal(DOCUMENTS | {name: "\ud800"})[1] == "charter-policy"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_any_byte_changed_in_any_file_is_refused_and_the_file_named(name):
    """Each file at up to 120 places; which places and bytes differ with the random seed of the run."""
    text = DOCUMENTS[name]
    choice = random.Random(f"{random.random()}")
    for position in choice.sample(range(len(text)), min(120, len(text))):
        byte = choice.choice([c for c in map(chr, range(128)) if c != text[position]])
        message, _rule = refusal(DOCUMENTS | {name: text[:position] + byte + text[position + 1 :]})
        names = {name} | ({"offices.json"} if name == "root.json" else set())
        assert any(n in message for n in names), (position, byte, message)


def test_a_file_cut_short_or_made_longer_is_refused():
    for name, text in DOCUMENTS.items():
        for forged in (text[:-1], text + " ", text + text, ""):
            assert name in refusal(DOCUMENTS | {name: forged})[0]


def test_files_of_two_charters_do_not_mix():
    other = make_documents(make_charter(city="Other City", searches_per_hour=500), policy=POLICY)
    mixed = verify_charter(DOCUMENTS | {"charter.json": other["charter.json"]}, now=NOW)
    assert (
        mixed.charter.city == "Other City"
    )  # signed by all, for these very offices and policies: it is that charter
    forged = make_documents(keys=SPARE_KEYS)
    for name in SIGNED_FILES:
        refusal(DOCUMENTS | {name: forged[name]})


# --- drafting -----------------------------------------------------------------------------------------------------


def test_a_draft_of_a_charter_against_the_rules_is_refused():
    with pytest.raises(InputRefused, match="retention_minutes"):
        make_documents(replace(CHARTER, retention_minutes=1))


def test_a_draft_with_other_policy_files_is_refused():
    with pytest.raises(UsageError, match=r"overlay\.cedar"):
        make_documents(policy=shipped_policy("// another\n"))


WRONG_KEYS = {
    "no key for the chief": {o: (KEYS[o].public,) for o in OFFICES if o != "chief"},
    "three keys for the clerk": {
        o: (KEYS[o].public, SPARE_KEYS[o].public, STRANGERS_KEY.public) if o == "clerk" else (KEYS[o].public,)
        for o in OFFICES
    },
    "one key for two offices": dict.fromkeys(OFFICES, (KEYS["clerk"].public,)),
    "one key twice": {o: (KEYS[o].public, KEYS[o].public) for o in OFFICES},
}


@pytest.mark.parametrize("keys", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_draft_with_wrong_keys_is_refused(keys):
    with pytest.raises(UsageError):
        draft(CHARTER, keys, POLICY)


def test_nobody_signs_a_malformed_draft():
    with pytest.raises(CharterRejected):
        sign(DOCUMENTS | {"charter.json": DOCUMENTS["charter.json"] + " "}, KEYS["clerk"])
