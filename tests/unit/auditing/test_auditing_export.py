"""A redacted export: what stands in it is true, what is hidden is committed to, and what was tampered with is found."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.city import START

from glassplate.auditing import demand_opened
from glassplate.auditing.check_export import check_export
from glassplate.auditing.columns import HEADER, HIDDEN_AT_FIRST
from glassplate.auditing.export import export_searches
from glassplate.errors import ApprovalNeeded, GlassplateError, UsageError
from glassplate.review.reading import read_exports
from glassplate.verify.findings import Verification

DAY = START.replace(hour=0)
DAY_LONG = timedelta(days=1)
TWO_DAYS = (DAY, DAY + timedelta(days=2))


@pytest.fixture
def exported(audit, tmp_path):
    audit.pull()
    record = audit.record()
    opened = demand_opened(record, audit.folder, audit.key, Verification())
    made = export_searches(record, opened, *TWO_DAYS, HIDDEN_AT_FIRST)
    path = tmp_path / "march.csv"
    path.write_bytes(made.csv.encode())
    path.with_name("march.csv.proofs").write_text(made.proofs)
    return record, path


def check(record, path, *, tree=True):
    result = Verification()
    rows = check_export(path, record.log_key, result, record.entries if tree else None)
    return rows, result


def test_every_cell_of_an_honest_export_holds(exported):
    record, path = exported
    rows, result = check(record, path)
    assert result.findings == []
    assert len(rows) == 40
    hidden = {HEADER.index(name) for name in HIDDEN_AT_FIRST}
    for row in rows:
        assert [i for i, verdict in enumerate(row.cells) if verdict == "hidden"] == sorted(hidden)
        assert "wrong" not in row.cells


def test_every_kind_of_search_has_its_type_and_its_filters(audit):
    city = audit.city
    features = tuple(replace(feature, approved=True) for feature in city.charter().features)
    city.vault.install_charter(city.signed(city.charter(features=features)))
    officer, vehicle = city.sign_in("m.okafor"), {"bodies": ("car",), "colors": ("white", "black")}
    request = city.request("", kind="vehicle", camera_ids=("court-16th",), **vehicle)
    with pytest.raises(ApprovalNeeded):
        city.vault.gate.search(officer, request)
    asked = city.vault.registry.approval_requests()[0]
    city.vault.approvals.decide(
        city.sign_in("r.alvarez"), asked.request_id, asked.request_sha256, approve=True, reason="Read it"
    )
    city.vault.gate.search(officer, request)
    city.vault.gate.search(officer, city.request("7KDR214", kind="look_alike"))
    audit.pull()
    record = audit.record()
    opened = demand_opened(record, audit.folder, audit.key, Verification())
    today = record.entries[-1].at
    made = export_searches(record, opened, today - DAY_LONG, today + DAY_LONG, ())
    rows = list(csv.DictReader(io.StringIO(made.csv)))[-2:]
    assert [(row["Search Type"], row["License Plate"], row["Filters"]) for row in rows] == [
        ("visual", "", "court-16th; car; white; black"),
        ("search", "7KDR214", "all"),
    ]


def test_nothing_hidden_stands_in_either_file(exported):
    _, path = exported
    from glassplate.encoding import from_base64url

    proofs = path.with_name("march.csv.proofs").read_text().splitlines()
    disclosed = [from_base64url(d).decode() for line in proofs[1:] for d in json.loads(line)["disclosures"]]
    words = path.read_text() + "\n".join([*proofs, *disclosed])
    for word in ("7KDR214", "8ABC123", "7KDR*", "Alvarez", "alvarez", "Okafor", "okafor"):
        assert word not in words
    names = {row["Name"] for row in csv.DictReader(io.StringIO(path.read_text()))}
    assert names == {"person-1", "person-2"}


def test_the_review_of_other_vendors_exports_reads_it(exported):
    _, path = exported
    found = read_exports([path])
    assert found.files[0].unreadable == ()
    assert found.files[0].realigned == 0
    assert len(found.searches) == 40
    first = found.searches[0]
    assert (first.person, first.reason, first.case_number) == ("person-1", "stolen vehicle", "26-004512")
    assert first.searched_at == START
    assert first.offense == "auto theft"


def rewrite(path, change):
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode())))
    change(rows)
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    path.write_bytes(out.getvalue().encode())


def rewrite_proofs(path, change):
    proofs = path.with_name(path.name + ".proofs")
    lines = [json.loads(line) for line in proofs.read_text().splitlines()]
    change(lines)
    proofs.write_text("".join(json.dumps(line) + "\n" for line in lines))


def swap(things):
    things[3], things[4] = things[4], things[3]


def both(change):
    def apply(path):
        rewrite(path, change)
        rewrite_proofs(path, change)

    return apply


def one_fewer(path):
    both(lambda things: things.pop(5))(path)
    rewrite_proofs(path, lambda lines: lines[0].update(rows=39))


def a_plate_shown_that_is_another(path):
    rewrite(path, lambda rows: rows[3].__setitem__(HEADER.index("License Plate"), "1AAA111"))


def unhidden(path):
    rewrite_proofs(path, lambda lines: lines[0].update(hidden=["Name"]))
    rewrite(
        path, lambda rows: [row.__setitem__(HEADER.index("License Plate"), "1AAA111") for row in rows[1:]]
    )


TAMPERED = {
    "a removed row": lambda path: rewrite(path, lambda rows: rows.pop(5)),
    "a removed row and its proof": both(lambda things: things.pop(5)),
    "a removed row, its proof and the count": one_fewer,
    "a doubled row": both(lambda things: things.insert(5, things[5])),
    "an added row": lambda path: rewrite(path, lambda rows: rows.append(rows[5])),
    "two rows swapped in the CSV": lambda path: rewrite(path, swap),
    "two rows swapped in both": both(swap),
    "a hidden plate that is shown as another": a_plate_shown_that_is_another,
    "a hidden column that is told to be shown": unhidden,
    "a digest that the entry does not commit to": lambda path: rewrite_proofs(
        path, lambda lines: lines[3]["digests"].update(Name=["A" * 43])
    ),
    "one digest for two cells": lambda path: rewrite_proofs(
        path, lambda lines: lines[3]["digests"].update(Name=lines[3]["digests"]["License Plate"])
    ),
    "another entry's disclosures": lambda path: rewrite_proofs(
        path, lambda lines: lines[3].update(disclosures=lines[4]["disclosures"])
    ),
    "a disclosure that is missing": lambda path: rewrite_proofs(
        path, lambda lines: lines[3]["disclosures"].pop()
    ),
    "hashes that do not lead to the root": lambda path: rewrite_proofs(
        path, lambda lines: lines[3]["hashes"].pop()
    ),
}
NEEDS_THE_TREE = {"a removed row, its proof and the count"}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found(exported, name):
    record, path = exported
    TAMPERED[name](path)
    assert check(record, path)[1].findings
    without = check(record, path, tree=False)[1]
    assert bool(without.findings) == (name not in NEEDS_THE_TREE)
    assert any("--public" in fact for fact in without.facts)


@pytest.mark.parametrize("column", HEADER)
def test_one_changed_cell_is_found_in_its_row_and_column(exported, column):
    record, path = exported
    rewrite(path, lambda rows: rows[7].__setitem__(HEADER.index(column), "2"))
    rows, result = check(record, path)
    assert rows[6].cells[HEADER.index(column)] == "wrong"
    assert any(finding.where == f"row 7, {column}" for finding in result.findings)
    assert all("wrong" not in row.cells for row in rows[:6] + rows[7:])


def test_another_log_vouches_for_nothing(exported):
    from glassplate.log import SigningKey

    record, path = exported
    with pytest.raises(GlassplateError):
        check_export(path, SigningKey.from_seed(record.log_key.name, bytes(32)).verifier, Verification())


def test_any_column_may_be_shown_or_hidden_but_the_number(audit, tmp_path):
    audit.pull()
    record = audit.record()
    opened = demand_opened(record, audit.folder, audit.key, Verification())
    for hidden in ((), HEADER[1:]):
        made = export_searches(record, opened, *TWO_DAYS, hidden, pseudonyms=False)
        path = tmp_path / f"{len(hidden)}.csv"
        path.write_bytes(made.csv.encode())
        path.with_name(path.name + ".proofs").write_text(made.proofs)
        rows, result = check(record, path)
        assert result.findings == []
        assert sum(row.cells.count("hidden") for row in rows) == 40 * len(hidden)
    with pytest.raises(UsageError, match="no column"):
        export_searches(record, opened, *TWO_DAYS, ["ID"])


@given(rows=st.text(max_size=200), proofs=st.binary(max_size=200))
def test_rubbish_is_refused_in_words(tmp_path_factory, rows, proofs):
    from glassplate.log import SigningKey

    path = tmp_path_factory.mktemp("rubbish") / "x.csv"
    path.write_text(rows, errors="replace")
    path.with_name("x.csv.proofs").write_bytes(proofs)
    with pytest.raises(GlassplateError):
        check_export(path, SigningKey.from_seed("x.example.org/log", bytes(32)).verifier, Verification())
