"""The record comes before the act: with the log failing, nothing is answered and the store is never asked."""

from __future__ import annotations

import pytest
from tests.support.failing_files import HOW, FailingFiles, journal, whole_journal
from tests.support.invariants import bodies, check_city, check_registry, count_questions, refuses, types

from glassplate.errors import GlassplateError, LogUnavailable, StorageFailed

PLATE = "7KDR214"


@pytest.fixture
def files():
    return FailingFiles()


@pytest.fixture
def city(closed_city, files):
    closed_city.open(files=files)
    closed_city.ingest(PLATE)
    yield closed_city
    files.heal()
    closed_city.close()


@pytest.mark.parametrize("how", HOW)
def test_none_of_100_searches_is_answered_while_the_log_fails(city, files, how):
    token, store = city.sign_in("r.alvarez"), count_questions(city)
    size = city.vault.log.size
    files.fails, files.how = journal, how
    for _ in range(100):
        with pytest.raises(LogUnavailable):
            city.vault.gate.search(token, city.request(PLATE))
    assert store.asked == 0
    assert city.vault.log.size == size
    files.heal()
    assert len(city.vault.gate.search(token, city.request(PLATE)).reads) == 1
    assert store.asked == 1
    assert types(city)[size:] == ["search", "search-outcome"]
    check_city(city)


@pytest.mark.parametrize("how", HOW)
def test_a_log_that_cannot_take_back_a_failed_write_refuses_until_it_is_opened_again(city, files, how):
    token, store = city.sign_in("r.alvarez"), count_questions(city)
    files.fails, files.how = whole_journal, how
    with pytest.raises(LogUnavailable):
        city.vault.gate.search(token, city.request(PLATE))
    files.heal()
    broken = how == "not written"  # the cut itself failed
    if broken:
        with pytest.raises(LogUnavailable, match="open the log again"):
            city.vault.gate.search(token, city.request(PLATE))
        assert store.asked == 0
    city.reopen(files=files)
    assert len(city.vault.gate.search(city.sign_in("r.alvarez"), city.request(PLATE)).reads) == 1
    check_city(city)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("number", [0, 1])
def test_each_write_of_a_search_fails_both_ways(city, files, number, how):
    """0 is the search's entry, 1 its outcome. Nothing is answered; a restart makes up for what is missing."""
    token, store = city.sign_in("r.alvarez"), count_questions(city)
    files.fail_number(number, how)
    with pytest.raises(LogUnavailable):
        city.vault.gate.search(token, city.request(PLATE))
    assert files.failed == 1
    files.heal()
    assert store.asked == number
    city.reopen(files=files)
    outcomes = [body["outcome"] for _, body in bodies(city, "search-outcome")]
    assert outcomes == (["interrupted"] if number else [])
    check_city(city)


@pytest.mark.parametrize("how", HOW)
def test_no_act_of_any_room_is_answered_while_the_log_fails(city, files, how):
    officer, administrator = city.sign_in("r.alvarez"), city.sign_in("administrator")
    shown = city.vault.gate.search(officer, city.request(PLATE))
    origin = city.vault.settings.officer_origin
    assertion = city.passkeys["m.okafor"].sign_in(city.vault.sign_in.sign_in_options("m.okafor"), origin)
    row = {"plate": PLATE, "category": "stolen_vehicle", "reason": "reported", "expires_at": "2026-12-01"}
    code, secret = city.vault.sign_in.begin_pairing()
    city.vault.sign_in.confirm_pairing(city.vault.gate.who(officer), code)
    before = city.vault.registry.totals()
    files.fails, files.how = journal, how
    acts = {
        "search": lambda: city.vault.gate.search(officer, city.request(PLATE)),
        "refused search": lambda: city.vault.gate.search(officer, city.request(PLATE, case_number="")),
        "image": lambda: city.vault.gate.open_image(
            officer, shown.reads[0].read.read_id, shown.receipt.entry_index, "crop"
        ),
        "history": lambda: city.vault.gate.my_searches(officer),
        "hot list": lambda: city.vault.alerts.import_hotlist(administrator, [row], "test"),
        "account": lambda: city.vault.accounts.add(
            administrator, "new.one", "New One", ("officer",), city.now()
        ),
        "link": lambda: city.vault.accounts.issue_link(administrator, "m.okafor"),
        "sign-in": lambda: city.vault.sign_in.sign_in(assertion, origin),
        "pairing": lambda: city.vault.sign_in.finish_pairing(secret),
        "sign-out": lambda: city.vault.sign_in.sign_out(city.vault.gate.who(officer), officer),
    }
    for name, act in acts.items():
        assert refuses(act, LogUnavailable), name
    files.heal()
    assert city.vault.registry.totals() == before
    check_city(city)


def test_an_entry_that_could_not_be_applied_is_applied_before_the_next_one(city):
    """Append worked, the registry's disk was full: the next act must not step over the entry."""
    token = city.sign_in("r.alvarez")
    database = city.vault.registry._database
    database.execute("pragma query_only=1")
    with pytest.raises(StorageFailed):
        city.vault.gate.search(token, city.request(PLATE))
    assert city.vault.registry.applied_size == city.vault.log.size - 1
    size = city.vault.log.size
    with pytest.raises(GlassplateError):
        city.vault.gate.search(token, city.request(PLATE))
    assert city.vault.log.size == size, "nothing more is recorded before the registry has caught up"
    database.execute("pragma query_only=0")
    assert len(city.vault.gate.search(token, city.request(PLATE)).reads) == 1
    check_registry(city)
    assert city.vault.registry.searches_since("r.alvarez", city.request().since) == 2
    city.reopen()
    assert [body["outcome"] for _, body in bodies(city, "search-outcome")] == ["answered", "interrupted"]
    check_city(city)


@pytest.mark.parametrize("duty", ["epoch-created", "key-inventory", "epoch-closed", "epoch-destroyed"])
def test_an_entry_that_the_registry_could_not_follow_is_not_made_again_by_the_next_duty(
    city, monkeypatch, duty
):
    apply, failed = city.vault.registry.apply, []

    def failing(index, operation):
        if not failed and types(city)[index] == duty:
            failed.append(index)
            raise StorageFailed("the registry's disk failed")
        return apply(index, operation)

    monkeypatch.setattr(city.vault.registry, "apply", failing)
    days = 0
    while not failed:
        city.pass_days(1)
        days += 1
        assert days < 40
    city.vault.duties()
    check_city(city)
