"""Bodies as an auditor pulled them, changed, withheld or lying: found, and named."""

from __future__ import annotations

import shutil

import pytest
from tests.support.tampering import flip, words


def body_of(city, index):
    return city.pulled / f"{index}.{city.auditor_key.key_id}.body"


def swap_bodies(city):
    first, second = body_of(city, 3).read_bytes(), body_of(city, 4).read_bytes()
    body_of(city, 3).write_bytes(second)
    body_of(city, 4).write_bytes(first)


BODY_CHANGES = {
    "two bodies are swapped": (swap_bodies, "3.{key}.body: it is not the body that entry 3"),
    "one byte of a body is changed": (
        lambda c: flip(body_of(c, 5)),
        "5.{key}.body: it is not the body that entry 5",
    ),
    "a body is cut short": (
        lambda c: body_of(c, 5).write_bytes(b""),
        "5.{key}.body: it is not the body that entry 5",
    ),
    "a body in the middle is missing": (
        lambda c: body_of(c, 7).unlink(),
        "entry 7 ({type_of_7}): its body is missing from the auditor's folder",
    ),
    "all bodies are missing": (
        lambda c: (shutil.rmtree(c.pulled), c.pulled.mkdir()),
        "bodies: the folder holds no body of this record",
    ),
    "a body of an entry that does not exist": (
        lambda c: shutil.copyfile(body_of(c, 5), body_of(c, 900)),
        "900.{key}.body: no published entry has this body",
    ),
    "a body under a name that is none": (
        lambda c: shutil.copyfile(body_of(c, 5), c.pulled / "²5.x.body"),
        "²5.x.body: no published entry has this body",
    ),
    "a body says other fields than its entry committed to": (
        lambda c: c.lie_in_body(c.index_of("search", -1), {"plate": "7KDR214", "purpose": "a better one"}),
        "{key}.body: it does not open to what entry {last_search} (search) committed to",
    ),
    "a body has no fields": (
        lambda c: c.lie_in_body(c.index_of("search", -1), ["7KDR214"]),
        "{key}.body: it does not open to what entry {last_search} (search) committed to (It is no body of version 1.)",
    ),
    "a refusal is dropped by an insider, which shifts the numbers that later bodies name": (
        lambda c: c.drop(c.index_of("refusal", 40)),
        ".{key}.body: it is not the body that entry",
    ),
}


@pytest.mark.parametrize("change", BODY_CHANGES)
def test_a_changed_body_is_found(change, published, check):
    act, expected = BODY_CHANGES[change]
    wanted = expected.format_map(words(published))
    act(published)

    code, findings = check(published.arguments + published.audit_arguments)

    assert code == 5
    assert any(wanted in finding for finding in findings), findings


def test_bodies_that_were_written_after_the_pull_are_no_finding(published, check):
    for index in range(published.size - 3, published.size):
        body_of(published, index).unlink()

    assert check(published.arguments + published.audit_arguments) == (0, [])
