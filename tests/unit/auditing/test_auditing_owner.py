"""Was my plate searched? What an owner is told, what nobody can tell from the answer, and what a forger cannot write."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest

from glassplate.auditing import demand_opened
from glassplate.auditing.owner import answer_owner, check_answer, horizon_of
from glassplate.charter import OfficePrivateKey
from glassplate.charter.statements import sign_statement, statement_of
from glassplate.errors import InputRefused, ProofFailed, Refused, UsageError
from glassplate.verify.bodies import check_bodies
from glassplate.verify.findings import Verification

OWNED, NEVER = "7KDR214", "5XYZ987"


@pytest.fixture
def asked(audit):
    """The audit, half a year later: (answer for a plate, a checker)."""
    audit.pull()
    record = audit.record()
    opened = demand_opened(record, audit.folder, audit.key, Verification())
    key = audit.city.offices["auditor"]
    last = record.entries[-1].at

    def answer(plate, days, asked_index=900, signer=key):
        """As asked ``days`` after the record's last entry; the embargo is 180 days."""
        return answer_owner(record, opened, plate, asked_index, last + timedelta(days=days), signer)

    def check(document):
        return check_answer(document, record.log_key, [key.public.fingerprint])[0]

    return answer, check


def test_an_owner_is_told_every_search_that_concerns_the_plate(audit, asked):
    answer, check = asked
    said = check(answer(OWNED, 180))
    mine = [s for s in said["searches"] if s["outcome"] != "refused"]
    assert sorted({s["outcome"] for s in said["searches"]}) == ["answered", "refused"]
    assert len(mine) == 16  # 2 days of 4 by the plate and 4 by 7KDR*
    assert sum(s["by_pattern"] for s in mine) == 8
    assert len(said["searches"]) == 18
    assert {s["purpose"] for s in mine} == {"stolen_vehicle"}
    text = json.dumps(said)
    for word in ("alvarez", "okafor", "26-004512", "7KDR*", "8ABC"):
        assert word not in text
    shown = {name for s in said["searches"] for p in s["proofs"] for name in _names(p)}
    assert shown == {"purpose", "offense", "plate", "search_index", "outcome"}


def test_look_alikes_concern_the_owner_and_their_pages_are_told_once(audit):
    """The plate that was typed is another's, so it is not disclosed; a further page is the same search."""
    city = audit.city
    officer = city.sign_in("r.alvarez")
    city.ingest("7KDR2I4", OWNED, "7KDR24")
    first = city.vault.gate.search(officer, city.request("7K0R214", kind="look_alike", limit=1))
    assert first.truncated
    city.vault.gate.next_page(officer, first.receipt.entry_index)
    city.pass_days(1)
    audit.pull()
    record = audit.record()
    opened = demand_opened(record, audit.folder, audit.key, Verification())
    key = city.offices["auditor"]
    late = record.entries[-1].at + timedelta(days=180)
    told = {
        plate: check_answer(
            answer_owner(record, opened, plate, 900, late, key), record.log_key, [key.public.fingerprint]
        )[0]["searches"]
        for plate in (OWNED, NEVER)
    }
    assert len(told[OWNED]) == 19  # as above, and one
    assert [s["by_pattern"] for s in told[OWNED]].count(True) == 9
    assert told[NEVER] == []
    assert "7K0R214" not in json.dumps(told)
    result = Verification()
    said = check_bodies(audit.folder, record.entries, audit.key, result)
    assert [fields["page"] for fields in said.values() if fields.get("kind") == "look_alike"] == [1, 2]
    assert result.findings == []


def _names(proof):
    from glassplate.encoding import from_base64url

    return [json.loads(from_base64url(text))[1] for text in proof["disclosures"]]


def test_the_other_plates_pattern_counts_for_the_other_plate(asked):
    answer, check = asked
    assert len(check(answer("8ABC123", 180))["searches"]) == 16
    assert len(check(answer("8ABC129", 180))["searches"]) == 8
    assert check(answer(NEVER, 180))["searches"] == []


def test_an_open_case_and_never_look_alike_until_the_embargo_has_passed(asked):
    answer, check = asked
    for days in (0, 100, 178):
        open_case, never = answer(OWNED, days), answer(NEVER, days)
        assert len(json.dumps(open_case)) == len(json.dumps(never))
        first, second = check(open_case), check(never)
        assert {**first, "plate": ""} == {**second, "plate": ""}
    assert len(json.dumps(answer(OWNED, 180))) == len(json.dumps(answer(NEVER, 180)))


def test_the_horizon_is_midnight_whatever_the_hour(asked):
    answer, check = asked
    assert len({check(answer(NEVER, 100 + hours / 100))["searched_before"] for hours in range(3)}) == 1
    _, _ = answer, check
    from datetime import UTC, datetime

    assert horizon_of(datetime(2026, 9, 1, 23, 59, tzinfo=UTC), 0) == datetime(2026, 9, 1, tzinfo=UTC)


def forge(document, change, key):
    plain = statement_of(document)
    change(plain)
    return sign_statement(plain, key)


LIES = {
    "another purpose": lambda p: p["searches"][0].update(purpose="burglary"),
    "another hour": lambda p: p["searches"][0].update(hour="2026-03-02T01:00:00Z"),
    "another outcome": lambda p: p["searches"][0].update(outcome="interrupted"),
    "another search's outcome": lambda p: p["searches"][0]["proofs"].__setitem__(
        1, p["searches"][1]["proofs"][1]
    ),
    "a search without its outcome": lambda p: p["searches"][0]["proofs"].pop(),
    "another index": lambda p: p["searches"][0]["proofs"][0].update(index=3),
    "a leaf that is not in the record": lambda p: p["searches"][0]["proofs"][0].update(
        leaf=p["searches"][1]["proofs"][0]["leaf"]
    ),
    "a search of another plate": lambda p: p.update(plate="1AAA111"),
    "no proofs": lambda p: p["searches"][0].update(proofs=[]),
    "searches that are no list": lambda p: p.update(searches=7),
}


@pytest.mark.parametrize("lie", LIES)
def test_even_the_auditor_cannot_tell_a_search_otherwise_than_the_record_does(audit, asked, lie):
    answer, check = asked
    document = answer(OWNED, 180)
    check(document)
    with pytest.raises((ProofFailed, InputRefused)):
        check(forge(document, LIES[lie], audit.city.offices["auditor"]))


def test_nobody_else_can_sign_an_answer(audit, asked):
    answer, check = asked
    for signer in (OfficePrivateKey.generate(), audit.city.offices["clerk"]):
        with pytest.raises(ProofFailed):
            check(answer(NEVER, 1, signer=signer))


def test_no_answer_rests_on_a_record_with_holes(audit):
    audit.pull()
    record = audit.record()
    (audit.folder / f"9.{audit.key.key_id}.body").unlink()
    with pytest.raises(ProofFailed, match="entry 9"):
        demand_opened(record, audit.folder, audit.key, Verification())
    assert audit.pull().added == 2 * 1 + 1  # the entry of this sign-in, and the lost one
    audit.city.sign_in("clerk")
    audit.city.vault.publish()
    with pytest.raises(ProofFailed, match="Pull first"):
        demand_opened(audit.record(), audit.folder, audit.key, Verification())


def test_the_asking_leaves_an_entry_without_the_plate_in_public(audit):
    findings = audit.city.vault.findings
    for person in ("r.alvarez", "clerk"):
        with pytest.raises(Refused):
            findings.record_owner_request(audit.city.sign_in(person), OWNED, "seen")
    for plate, note in ((OWNED, " "), ("7K", "seen"), (OWNED, "x" * 1001)):
        with pytest.raises(UsageError):
            findings.record_owner_request(audit.token, plate, note)
    receipt = findings.record_owner_request(audit.token, "7kdr 214", "license and registration seen")
    leaf = audit.city.vault.log.record(receipt.entry_index).leaf
    assert set(json.loads(leaf)["pub"]) == {"type", "time", "agency"}
    with suppress(UsageError):
        audit.pull()
    assert audit.opened()[receipt.entry_index].fields["plate"] == OWNED
