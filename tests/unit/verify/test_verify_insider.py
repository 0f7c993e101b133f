"""An insider with the log's own key signs another record: what it leaves out or adds is found, and the entry named."""

from __future__ import annotations

import pytest
from tests.support.tampering import change_day_of, public_of, words


def moment_of(city, index):
    """When and by which agency an entry was written."""
    return {name: public_of(city, index)[name] for name in ("time", "agency")}


CHANGES = {
    "software runs that the charter does not name": (
        lambda c: c.insert(
            c.size - 1,
            {**moment_of(c, c.size - 1), "type": "vault-started", "build_sha256": "f" * 64},
        ),
        "(vault-started): it started software (ffffffffffffffff …) that charter version 2 does not approve",
    ),
    "the last entry is dropped and the rest signed again by the log's own key": (
        lambda c: c.drop(c.size - 1),
        "data.json: it speaks of {size} entries; the record has {one_less}",
    ),
    "a refusal in the middle is dropped": (
        lambda c: c.drop(c.index_of("refusal", 40)),
        "data.json: it counts {refusals} entries of type refusal; the record has ",
    ),
    "a search in the middle is dropped": (
        lambda c: c.drop(c.index_of("search")),
        "(search-outcome): only 0 searches stand before this outcome",
    ),
    "a key's creation is dropped": (
        lambda c: c.drop(c.index_of("epoch-created", 1)),
        "the key of 2026-03-03 was never created in the record",
    ),
    "a key's destruction is dropped": (
        lambda c: c.drop(c.index_of("epoch-destroyed")),
        "epoch 2026-03-02: its key was due to die",
    ),
    "a day's inventory is dropped": (
        lambda c: c.drop(c.index_of("key-inventory", 2)),
        "key inventory: 1 days are missing, the first 2026-03-04",
    ),
    "the first day's inventory is dropped": (
        lambda c: c.drop(c.index_of("key-inventory")),
        "key inventory: 1 days are missing, the first 2026-03-02",
    ),
    "an inventory leaves out a living key": (
        lambda c: c.change_entry(c.index_of("key-inventory", 2), live="2026-03-02,2026-03-03,2026-03-04"),
        "it leaves out 2026-03-05, whose destruction is not in the record",
    ),
    "an inventory counts a dead key": (
        lambda c: c.change_entry(
            c.index_of("key-inventory", -1),
            live=public_of(c, c.index_of("key-inventory", -1))["live"] + ",2026-03-02",
        ),
        "it counts 2026-03-02 as live",
    ),
    "yesterday's inventory is dated today": (
        lambda c: c.change_entry(c.index_of("key-inventory", 1), date="2026-03-04"),
        "it counts the keys of 2026-03-04 but was written on 2026-03-03",
    ),
    "a key is destroyed two days late": (
        lambda c: change_day_of(c, c.index_of("epoch-destroyed"), "done", days=2),
        "(epoch-destroyed): the key of 2026-03-02 was due on 2026-03-05 00:00 and destroyed",
    ),
    "a key dies in the future of its entry": (
        lambda c: change_day_of(c, c.index_of("epoch-destroyed"), "done", hours=2),
        "it says that the key of 2026-03-02 died after the entry was written",
    ),
    "another key is destroyed than the one created": (
        lambda c: c.change_entry(c.index_of("epoch-destroyed"), key_id="0" * 24),
        "it names another key than the one created for 2026-03-02",
    ),
    "a key is made to live longer than the charter allows": (
        lambda c: change_day_of(c, c.index_of("epoch-created"), "destroy_at", days=1),
        "(epoch-created): the key of 2026-03-02 would outlive the charter's limit",
    ),
    "a key is created twice": (
        lambda c: c.insert(c.size - 1, public_of(c, c.index_of("epoch-created", 3))),
        "is created a second time",
    ),
    "a key's death has a time without a zone": (
        lambda c: c.change_entry(c.index_of("epoch-destroyed"), done="2026-03-05T00:00:00"),
        "(epoch-destroyed): its public fields are not those of format 1",
    ),
    "an entry has no full hour": (
        lambda c: c.change_entry(c.index_of("refusal", 3), time="2026-03-02"),
        ": time data '2026-03-02' does not match",
    ),
    "an entry is dated back by a day": (
        lambda c: c.change_entry(c.index_of("refusal", -1), time="2026-03-05T09:00:00Z"),
        "(refusal): it is dated 2026-03-05 09h, before an entry that precedes it",
    ),
    "a search happens before the first charter": (
        lambda c: c.insert(0, public_of(c, c.index_of("search"))),
        "entry 0 (search): it happened before any charter was installed",
    ),
    "a search happens after the charter's end": (
        lambda c: c.change_entry(c.index_of("search", -1), time="2031-03-05T09:00:00Z"),
        "(search): it happened outside the charter's life",
    ),
    "an alert is raised by another agency": (
        lambda c: c.change_entry(c.index_of("alert"), agency="other-county-sheriff"),
        "(alert): it names another agency than the charter",
    ),
    "a search follows an emergency stop": (
        lambda c: c.insert(
            c.size - 4,
            {
                "type": "emergency-stop",
                "time": "2026-03-06T00:00:00Z",
                "agency": "exampleville-pd",
                "office": "clerk",
            },
        ),
        "(search): it happened after the emergency stop",
    ),
    "the second charter's installation is dropped": (
        lambda c: c.drop(c.index_of("charter-installed", 1)),
        "charter/2: the record has no entry of its installation",
    ),
    "an older charter is installed again": (
        lambda c: c.insert(c.size - 1, public_of(c, 0)),
        "it goes back from charter version 2 to 1",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_record_is_found(change, published, check):
    act, expected = CHANGES[change]
    wanted = expected.format_map(words(published))
    act(published)

    code, findings = check(published.arguments)

    assert code == 5
    assert any(wanted in finding for finding in findings), findings
