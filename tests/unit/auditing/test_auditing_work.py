"""An auditor's days: pull, open, sample, mark, tell, and the officer's reply."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.city import START
from tests.support.invariants import check_city

from glassplate.auditing import (
    Mark,
    add_mark,
    build_finding,
    draw_sample,
    open_pulled,
    pull_bodies,
    read_marks,
    stories,
)
from glassplate.auditing.marks import MARKS_NAME
from glassplate.charter import OfficePrivateKey
from glassplate.encoding import canonical_json
from glassplate.errors import InputRefused, ProofFailed, Refused, UsageError
from glassplate.files import LocalFiles
from glassplate.log import SigningKey
from glassplate.verify.findings import Verification

DAY = START.replace(hour=0)
NOTE = "Which report is this case from?"


# --- pull -------------------------------------------------------------------------------------------------------


def test_a_pull_brings_what_is_new_and_nothing_twice(audit):
    first = audit.pull()
    assert first.added == 2 * len(audit.record().entries)
    assert first.findings == ()
    asked = []
    audit_bodies = audit.bodies

    class Watched:
        def bodies(self, start, count):
            asked.append((start, count))
            return audit_bodies(start, count)

    size = len(audit.record().entries)
    assert pull_bodies(Watched(), size, audit.folder).added == 0
    assert asked == [(size - 1, 1)]  # the newest, which may have been cut off
    audit.city.sign_in("clerk")
    assert pull_bodies(Watched(), size + 1, audit.folder).added == 2


def test_an_interrupted_pull_goes_on_where_it_stopped(audit):
    audit.pull()
    names = sorted(audit.folder.iterdir(), key=lambda path: int(path.name.split(".")[0]))
    for path in names[101:]:  # cut off between the two bodies of entry 50
        path.unlink()
    pulled = pull_bodies(audit, len(names) // 2, audit.folder)
    assert pulled.added == len(names) - 101
    assert sorted(path.name for path in audit.folder.iterdir()) == sorted(path.name for path in names)


WITHHELD = {
    "every body of an entry": lambda body: body.index == 12,
    "the body for one of the keys": lambda body: body.index == 12 and body.key_id == "first",
    "everything": lambda body: True,
}


@pytest.mark.parametrize("name", WITHHELD)
def test_a_withheld_body_is_told_and_asked_for_again(audit, name):
    size = audit.sign_in_and_publish()
    keys = sorted(key.key_id for key in audit.city.auditor_keys)

    class Withholding:
        def bodies(self, first, count):
            hidden = WITHHELD[name]
            return [
                body
                for body in audit.bodies(first, count)
                if not hidden(replace(body, key_id="first" if body.key_id == keys[0] else "other"))
            ]

    pulled = pull_bodies(Withholding(), size, audit.folder)
    assert pulled.findings
    assert all("withheld or lost" in finding.what for finding in pulled.findings)
    assert any(finding.where == "entry 12" for finding in pulled.findings)


def test_a_vault_cannot_write_outside_the_folder_or_hand_over_another_body(audit):
    audit.sign_in_and_publish()
    real = audit.bodies(3, 1)[0]
    other = audit.bodies(4, 1)[0]
    for body in (replace(real, key_id="../../x"), replace(real, body=other.body)):

        class Lying:
            def bodies(self, first, count, body=body):
                return [body]

        pulled = pull_bodies(Lying(), 4, audit.folder)
        assert any(finding.where == "entry 3" for finding in pulled.findings)
        assert list(audit.folder.iterdir()) == []


# --- check ------------------------------------------------------------------------------------------------------


def test_every_pulled_body_opens_and_accounts_for_its_digests(audit):
    audit.pull()
    opened = audit.opened()
    assert sorted(opened) == list(range(len(audit.record().entries)))
    assert {entry.fields["plate"] for entry in opened.values() if entry.entry.entry_type == "search"} >= {
        "7KDR214"
    }


def damage_missing(audit, path):
    path.unlink()


def damage_flipped(audit, path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def damage_swapped(audit, path):
    path.write_bytes((audit.folder / f"5.{audit.key.key_id}.body").read_bytes())


def damage_other_key(audit, path):
    path.write_bytes((audit.folder / f"9.{audit.city.auditor_keys[1].key_id}.body").read_bytes())


def damage_empty(audit, path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [damage_missing, damage_flipped, damage_swapped, damage_other_key, damage_empty]
)
def test_a_body_that_is_missing_or_wrong_is_a_finding(audit, damage):
    audit.pull()
    damage(audit, audit.folder / f"9.{audit.key.key_id}.body")
    result = Verification()
    opened = open_pulled(audit.record(), audit.folder, audit.key, result)
    assert [finding.where.split()[1] for finding in result.findings] == ["9"]
    assert 9 not in opened


def test_only_a_record_under_a_trusted_key_is_opened(audit):
    assert audit.record(vkey=str(audit.record().log_key)).charter is None
    with pytest.raises(ProofFailed):
        audit.record(vkey=str(SigningKey.from_seed(audit.record().log_key.name, bytes(32)).verifier))
    strangers = {office: OfficePrivateKey.generate().public.fingerprint for office in audit.city.fingerprints}
    with pytest.raises(ProofFailed):
        audit.record(fingerprints=strangers)


# --- sample -----------------------------------------------------------------------------------------------------


def test_everybody_with_the_checkpoint_draws_the_same_sample(audit):
    mine, theirs = audit.record(), audit.record(vkey=str(audit.record().log_key))
    drawn = draw_sample(mine, mine.note, DAY, DAY + timedelta(days=2), count=5)
    assert drawn == draw_sample(theirs, mine.note, DAY, DAY + timedelta(days=2), count=5)
    searches = set(audit.of_type("search"))
    assert drawn.population == len(searches) == 40
    assert len(drawn.entries) == 5
    assert set(drawn.entries) <= searches
    one_in_hundred = draw_sample(mine, mine.note, DAY, DAY + timedelta(days=2))
    assert len(one_in_hundred.entries) == 1


def test_the_seed_is_a_later_checkpoint_of_this_record(audit):
    record = audit.record()
    last_hour = record.entries[-1].at
    with pytest.raises(ProofFailed, match="not newer than the period"):
        draw_sample(record, record.note, DAY, last_hour + timedelta(hours=1))
    old = record.note
    audit.city.pass_days(1)
    audit.city.vault.publish()
    later = audit.record()
    until = DAY + timedelta(days=2)
    assert draw_sample(later, old, DAY, until, count=3) == draw_sample(record, old, DAY, until, count=3)
    assert draw_sample(later, later.note, DAY, until).seed != draw_sample(later, old, DAY, until).seed
    with pytest.raises(ProofFailed):
        draw_sample(later, old.replace(b"\n", b"x\n", 1), DAY, until)
    with pytest.raises(ProofFailed, match="not one of this record"):
        draw_sample(record, later.note, DAY, until)


def test_where_witnesses_exist_the_seed_must_be_cosigned(audit):
    from glassplate.charter import CharterWitness
    from glassplate.log import CosigningKey

    record = audit.record()
    witness = CosigningKey.from_seed("w.example.org", bytes(32))
    charter = replace(
        record.charter,
        witnesses=(CharterWitness(str(witness.verifier), "https://w.example.org"),),
        witness_quorum=1,
    )
    watched = replace(record, charter=charter)
    until = DAY + timedelta(days=2)
    with pytest.raises(ProofFailed, match="0 of the charter's witnesses"):
        draw_sample(watched, record.note, DAY, until)
    text = record.note.decode().rpartition("\n\n")[0] + "\n"
    seeds = set()
    for moment in (until - timedelta(hours=1), until, until + timedelta(hours=1)):
        note = record.note + witness.cosign(text, int(moment.timestamp())).encode()
        if moment < until:
            with pytest.raises(ProofFailed, match="after the period"):
                draw_sample(watched, note, DAY, until)
        else:
            seeds.add(draw_sample(watched, note, DAY, until).seed)
            with pytest.raises(
                ProofFailed, match="--root"
            ):  # else the same checkpoint would draw another sample
                draw_sample(replace(record, charter=None), note, DAY, until)
    assert len(seeds) == 2


def test_each_search_is_as_likely_as_any_other(audit):
    """Over 300 seeds of 5 in 40 each is drawn 37.5 times; 12 is farther than five standard deviations of 5.7 allow."""
    from glassplate.auditing import sample

    record = audit.record()
    drawn = dict.fromkeys(audit.of_type("search"), 0)
    for number in range(300):
        seed = bytes([number % 256, number // 256]) * 16
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sample, "_seed", lambda *_, seed=seed: seed)
            for index in draw_sample(record, record.note, DAY, DAY + timedelta(days=2), count=5).entries:
                drawn[index] += 1
    assert min(drawn.values()) > 10
    assert max(drawn.values()) < 66


# --- mark -------------------------------------------------------------------------------------------------------


def test_marks_are_appended_and_the_last_one_counts(tmp_path):
    for verdict, note in (("question", NOTE), ("ok", "")):
        add_mark(tmp_path, Mark(7, verdict, note, datetime.now(UTC)), LocalFiles())
    assert read_marks(tmp_path)[7].verdict == "ok"
    assert len((tmp_path / MARKS_NAME).read_text().splitlines()) == 2


@pytest.mark.parametrize("line", [0, 1])
def test_a_mark_that_was_changed_or_taken_out_is_noticed(tmp_path, line):
    for index in range(3):
        add_mark(tmp_path, Mark(index, "violation", NOTE, datetime.now(UTC)), LocalFiles())
    path = tmp_path / MARKS_NAME
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    for changed in (
        "".join(lines[:line] + lines[line + 1 :]),
        whole.replace(lines[line], lines[line].replace("violation", "ok")),
        whole.replace(lines[line], "{}\n"),
    ):
        path.write_text(changed)
        with pytest.raises(ProofFailed):
            read_marks(tmp_path)


def test_a_question_needs_words(tmp_path):
    with pytest.raises(UsageError):
        add_mark(tmp_path, Mark(7, "question", " ", datetime.now(UTC)), LocalFiles())


# --- findings and replies ---------------------------------------------------------------------------------------


def finding(audit, *items, key=None):
    marks = [Mark(index, verdict, note, datetime.now(UTC)) for index, verdict, note in items]
    return build_finding(audit.record(), marks, key or audit.city.offices["auditor"])


def owner_of(audit, index):
    return audit.opened()[index].fields["account_id"]


def test_a_question_reaches_its_officer_and_the_reply_the_auditor(audit):
    audit.pull()
    search, fine, bad = audit.of_type("search")[:3]
    officer = owner_of(audit, search)
    document = finding(
        audit, (search, "question", NOTE), (fine, "ok", ""), (bad, "violation", "No such case.")
    )
    receipt = audit.city.vault.findings.record_finding(audit.token, document)
    public = json.loads(audit.city.vault.log.record(receipt.entry_index).leaf)["pub"]
    assert {name: public[name] for name in ("type", "ok", "question", "violation")} == {
        "type": "audit-finding", "ok": "1", "question": "1", "violation": "1"
    }  # fmt: skip
    assert set(public) == {"type", "time", "agency", "ok", "question", "violation"}
    token = audit.city.sign_in(officer)
    asked = audit.city.vault.findings.questions(token)
    assert [(q.search_index, q.question, q.reply) for q in asked] == [(search, NOTE, None)]
    audit.city.vault.findings.reply(token, receipt.entry_index, search, "From report 26-004512.")
    assert audit.city.vault.findings.questions(token)[0].reply == "From report 26-004512."
    audit.city.reopen()
    audit.pull()
    story = stories(audit.opened())[0]
    assert story.index == receipt.entry_index
    assert story.items[0] == (search, "question", NOTE)
    assert story.replies == {search: ("From report 26-004512.",)}
    check_city(audit.city)


def test_nobody_else_sees_or_answers_the_question(audit):
    audit.pull()
    search = audit.of_type("search")[0]
    officer = owner_of(audit, search)
    receipt = audit.city.vault.findings.record_finding(
        audit.token, finding(audit, (search, "question", NOTE))
    )
    other = audit.city.sign_in(next(name for name in ("r.alvarez", "m.okafor") if name != officer))
    assert audit.city.vault.findings.questions(other) == []
    with pytest.raises(Refused) as refused:
        audit.city.vault.findings.reply(other, receipt.entry_index, search, "It was me.")
    assert refused.value.rules == ("own-search",)


def changed(document, **plain):
    from glassplate.encoding import base64url, from_base64url, parse_json

    said = parse_json(from_base64url(document["statement"]), limit=10_000) | plain
    return {**document, "statement": base64url(canonical_json(said))}


def test_only_an_auditor_with_the_offices_key_records_a_finding(audit):
    audit.pull()
    search = audit.of_type("search")[0]
    document = finding(audit, (search, "ok", ""))
    for person in ("r.alvarez", "clerk", "administrator"):
        with pytest.raises(Refused) as refused:
            audit.city.vault.findings.record_finding(audit.city.sign_in(person), document)
        assert refused.value.rules == ("role-permits",)
    before = audit.of_type("audit-finding")
    for wrong in (
        finding(audit, (search, "ok", ""), key=OfficePrivateKey.generate()),
        finding(audit, (search, "ok", ""), key=audit.city.offices["clerk"]),
        changed(document, items=[]),
        {**document, "signature": "AA"},
        {**document, "v": 2},
        {},
    ):
        with pytest.raises((ProofFailed, InputRefused)):
            audit.city.vault.findings.record_finding(audit.token, wrong)
    audit.city.vault.publish()
    assert audit.of_type("audit-finding") == before


ODD_ITEMS = {
    "a question about no search": [(0, "question", NOTE)],
    "an unknown verdict": [(0, "guilty", NOTE)],
    "the same entry twice": [(0, "ok", ""), (0, "violation", NOTE)],
    "a note without end": [(0, "violation", "x" * 1001)],
}


@pytest.mark.parametrize("name", ODD_ITEMS)
def test_a_finding_is_read_strictly(audit, name):
    audit.pull()
    document = finding(audit, *ODD_ITEMS[name])
    with pytest.raises((InputRefused, UsageError)):
        audit.city.vault.findings.record_finding(audit.token, document)


def test_a_finding_about_another_record_or_a_later_one_is_refused(audit):
    audit.pull()
    record = audit.record()
    mark = Mark(0, "ok", "", datetime.now(UTC))
    for checkpoint in (
        replace(record.checkpoint, origin="example.org/other"),
        replace(record.checkpoint, size=10_000),
    ):
        document = build_finding(
            replace(record, checkpoint=checkpoint), [mark], audit.city.offices["auditor"]
        )
        with pytest.raises(InputRefused):
            audit.city.vault.findings.record_finding(audit.token, document)
