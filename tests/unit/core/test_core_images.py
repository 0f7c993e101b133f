"""Images open only for the reads that a person's own search showed; each opening is an entry of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.invariants import added, bodies, check_city

from glassplate.errors import InputRefused, KeyDestroyed, NotSignedIn, Refused, UsageError
from glassplate.plate_text import PlatePattern
from glassplate.store import StoreQuery

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


# a sentence: (who asks, the read, the search); None: the shown read, the search that showed it
NOT_ONES_OWN = {
    "a read that the search did not show": ("m.okafor", "0" * 32, None),
    "another read of the store": ("m.okafor", "another", None),
    "a colleague's search": ("r.alvarez", None, None),
    "an auditor's curiosity": ("j.doe", None, None),
    "an administrator's": ("administrator", None, None),
    "a council member's": ("clerk", None, None),
    "an entry that is no search": ("m.okafor", None, 0),
    "an entry that does not exist": ("m.okafor", None, 10**6),
    "a number that no file can hold": ("m.okafor", None, 10**30),
    "a negative number": ("m.okafor", None, -1),
}


def all_read_ids(city):
    key = city.vault.keyring.secret("2026-03-02").segment_key(0)
    page = city.vault.store.search(query_for_anything(city), {"2026-03-02": key})
    return [stored.read.read_id for stored in page.reads]


def query_for_anything(city):
    return StoreQuery(PlatePattern("*"), city.now() - timedelta(days=1), city.now())


def test_nothing_else_opens_and_the_attempt_is_recorded(city, shown):
    _, own_index, own_read_id = shown
    another = next(read_id for read_id in all_read_ids(city) if read_id != own_read_id)
    for number, (name, (account, read_id, index)) in enumerate(NOT_ONES_OWN.items(), start=1):
        token = city.sign_in(account)
        asked = another if read_id == "another" else read_id or own_read_id
        with added(city) as new, pytest.raises(Refused) as refusal:
            city.vault.gate.open_image(token, asked, own_index if index is None else index, "crop")
        assert refusal.value.rules == ("own-search",), name
        assert new == ["refusal"], name
        assert bodies(city, "refusal")[-1][1]["account_id"] == account
        assert city.vault.registry.totals()["refusal:own-search"] == number
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
    token, index, read_id = shown
    features = city.vault.mandate.last().verified.charter.features
    withdrawn = tuple(replace(f, approved=f.approved and f.name != "image_view") for f in features)
    city.vault.install_charter(city.signed(city.charter(features=withdrawn)))
    with pytest.raises(Refused) as refusal:
        city.vault.gate.open_image(token, read_id, index, "crop")
    assert refusal.value.rules == ("feature-approved",)
