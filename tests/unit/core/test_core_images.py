"""Images open only for the reads that a person's own search showed; each opening is an entry of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.invariants import added, bodies, check_city

from glassplate.errors import InputRefused, KeyDestroyed, NotSignedIn, Refused, UsageError

PLATE = "7KDR214"


@pytest.fixture
def shown(city):
    """(token, index of the search, read id) of an officer's answered search."""
    city.ingest(PLATE, "8ABC123")
    token = city.sign_in("m.okafor")
    result = city.vault.gate.search(token, city.request(PLATE))
    return token, result.receipt.entry_index, result.reads[0].read.read_id


def test_the_own_search_opens_its_crop(city, shown):
    token, index, read_id = shown
    with added(city) as new:
        opened = city.vault.gate.open_image(token, read_id, index, "crop")
    assert new == ["image-opened"]
    assert opened.jpeg[:3] == b"\xff\xd8\xff"
    entry, said = bodies(city, "image-opened")[0]
    assert entry == opened.receipt.entry_index
    assert (said["account_id"], said["search_index"], said["read_id"]) == ("m.okafor", index, read_id)
    assert city.vault.registry.totals()["images opened"] == 1
    check_city(city)


NOT_ONES_OWN = {
    "a read that the search did not show": lambda city, index, read_id: ("m.okafor", "0" * 32, index),
    "another read of the store": lambda city, index, read_id: (
        "m.okafor",
        next(r for r in all_read_ids(city) if r != read_id),
        index,
    ),
    "a colleague's search": lambda city, index, read_id: ("r.alvarez", read_id, index),
    "an auditor's curiosity": lambda city, index, read_id: ("j.doe", read_id, index),
    "an administrator's": lambda city, index, read_id: ("administrator", read_id, index),
    "a council member's": lambda city, index, read_id: ("clerk", read_id, index),
    "an entry that is no search": lambda city, index, read_id: ("m.okafor", read_id, 0),
    "the search's outcome": lambda city, index, read_id: ("m.okafor", read_id, index + 1),
    "an entry that does not exist": lambda city, index, read_id: ("m.okafor", read_id, 10**6),
    "a number that no file can hold": lambda city, index, read_id: ("m.okafor", read_id, 10**30),
    "a negative number": lambda city, index, read_id: ("m.okafor", read_id, -1),
}


def all_read_ids(city):
    key = city.vault.keyring.secret("2026-03-02").segment_key(0)
    page = city.vault.store.search(query_for_anything(city), {"2026-03-02": key})
    return [stored.read.read_id for stored in page.reads]


def query_for_anything(city):
    from glassplate.plate_text import PlatePattern
    from glassplate.store import StoreQuery

    return StoreQuery(PlatePattern("*"), city.now() - timedelta(days=1), city.now())


@pytest.mark.parametrize("name", NOT_ONES_OWN)
def test_nothing_else_opens_and_the_attempt_is_recorded(city, shown, name):
    account, read_id, index = NOT_ONES_OWN[name](city, *shown[1:])
    token = city.sign_in(account)
    with added(city) as new, pytest.raises(Refused) as refusal:
        city.vault.gate.open_image(token, read_id, index, "crop")
    assert refusal.value.rules == ("own-search",)
    assert new == ["refusal"]
    assert bodies(city, "refusal")[-1][1]["account_id"] == account
    assert city.vault.registry.totals()["refusal:own-search"] == 1
    assert bodies(city, "image-opened") == []
    check_city(city)


def test_a_supervisor_cannot_open_what_a_search_of_their_unit_showed(city, shown):
    _, index, read_id = shown
    with pytest.raises(Refused):
        city.vault.gate.open_image(city.sign_in("r.alvarez"), read_id, index, "scene")


def test_a_search_that_was_interrupted_shows_nothing(closed_city):
    def stop(step):
        if step == 6:
            raise RuntimeError("stopped")

    city = closed_city
    city.open(observe=stop)
    city.ingest(PLATE)
    token = city.sign_in("m.okafor")
    with pytest.raises(RuntimeError):
        city.vault.gate.search(token, city.request(PLATE))
    index = bodies(city, "search")[0][0]
    read_id = all_read_ids(city)[0]
    for _ in range(2):
        with pytest.raises(Refused):
            city.vault.gate.open_image(token, read_id, index, "crop")
        city.reopen()
    city.close()


def test_no_scene_was_kept(city, shown):
    token, index, read_id = shown
    with pytest.raises(InputRefused, match="only the plate crop"):
        city.vault.gate.open_image(token, read_id, index, "scene")
    with pytest.raises(UsageError):
        city.vault.gate.open_image(token, read_id, index, "video")
    with pytest.raises(NotSignedIn):
        city.vault.gate.open_image(None, read_id, index, "crop")


def test_after_the_purge_the_picture_no_longer_exists(city, shown):
    _, index, read_id = shown
    city.pass_days(30)
    token = city.sign_in("m.okafor")
    with added(city) as new, pytest.raises(KeyDestroyed, match="no longer exists"):
        city.vault.gate.open_image(token, read_id, index, "crop")
    assert new == ["image-opened"], "the attempt is on record"
    check_city(city)


def test_a_feature_that_the_next_charter_withdraws(city, shown):
    from dataclasses import replace

    token, index, read_id = shown
    features = city.vault.mandate.last().verified.charter.features
    withdrawn = tuple(replace(f, approved=f.approved and f.name != "image_view") for f in features)
    city.vault.install_charter(city.signed(city.charter(features=withdrawn)))
    with pytest.raises(Refused) as refusal:
        city.vault.gate.open_image(token, read_id, index, "crop")
    assert refusal.value.rules == ("feature-approved",)
