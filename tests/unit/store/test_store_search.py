"""Append, search, get: what is found, in which order, and that the text as read is never changed."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_testing import ANY_TIME, DAY, KEYS, MORNING, NEXT_DAY, numbers, query, stored

from glassplate.errors import InputRefused
from glassplate.files import LocalFiles
from glassplate.plate_text import PlatePattern
from glassplate.records import Vehicle
from glassplate.store import SqlcipherStore, StoreQuery

STATES = ["hot", "sealed", "sealed, not dropped", "reopened", "sealed and reopened"]


@pytest.fixture
def store(tmp_path):
    opened = SqlcipherStore(tmp_path / "store", LocalFiles())
    yield opened
    opened.close()


def put(store, *reads):
    epoch = reads[0].epoch_id
    return store.append(epoch, KEYS[epoch], list(reads))


def brought_to(store, state, tmp_path):
    """The store after the same reads went through ``state``."""
    if "sealed" in state:
        for epoch_id in store.epoch_ids():
            store.seal_epoch(epoch_id, KEYS[epoch_id])
            if "not dropped" not in state:
                assert store.drop_hot(epoch_id)
    if "reopened" in state:
        store.close()
        return SqlcipherStore(tmp_path / "store", LocalFiles())
    return store


PLATES = ["7QXO418", "70X0418", "7OXQ4I8", "7QXD418", "ABC1234", "A8C1234", "ABC123"]
QUESTIONS = {
    "the folded key finds O, Q and 0, I and 1, and nothing wider": ("7qx-o418", [1, 2, 3]),
    "written with other look-alikes, the same": ("70XQ4I8", [1, 2, 3]),
    "D is a look-alike, not the same plate": ("7QXD418", [4]),
    "B and 8 are two plates": ("ABC1234", [5]),
    "a question mark is exactly one character": ("ABC123?", [5]),
    "a star is any number": ("A*C123*", [5, 6, 7]),
    "a star may be none": ("ABC123*", [5, 7]),
    "nothing matches": ("ZZZ9999", []),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_finds(store, tmp_path, question, state):
    put(store, *(stored(n, text) for n, text in enumerate(PLATES, 1)))
    store = brought_to(store, state, tmp_path)
    text, expected = QUESTIONS[question]
    page = store.search(query(text), KEYS)
    assert sorted(numbers(page)) == expected
    assert all(item == stored(n, PLATES[n - 1]) for n, item in zip(numbers(page), page.reads, strict=True))
    assert not page.truncated
    assert page.unserved == ()
    store.close()


@pytest.mark.parametrize("state", STATES)
def test_newest_first_over_epochs_and_cut_at_the_limit(store, tmp_path, state):
    put(store, *(stored(n) for n in (5, 1, 9)))
    put(store, *(stored(n, epoch=NEXT_DAY) for n in (3, 7)))
    store = brought_to(store, state, tmp_path)
    assert numbers(store.search(query("7QXO418"), KEYS)) == [7, 3, 9, 5, 1]
    page = store.search(query("7QXO418", limit=3), KEYS)
    assert (numbers(page), page.truncated) == ([7, 3, 9], True)
    exactly = store.search(query("7QXO418", limit=5), KEYS)
    assert (len(exactly.reads), exactly.truncated) == (5, False)
    store.close()


@pytest.mark.parametrize("state", STATES)
def test_time_and_cameras_bound_the_search(store, tmp_path, state):
    put(store, *(stored(n, camera=f"cam-{n % 2}") for n in range(1, 7)))
    store = brought_to(store, state, tmp_path)
    at = [MORNING + timedelta(seconds=n) for n in range(8)]
    tick = timedelta(microseconds=1)
    for plate in ("7QXO418", "7QX*"):
        assert numbers(store.search(query(plate, since=at[2], until=at[4]), KEYS)) == [4, 3, 2]
        assert numbers(store.search(query(plate, since=at[2] + tick, until=at[4] - tick), KEYS)) == [3]
        assert numbers(store.search(query(plate, cameras=("cam-0",)), KEYS)) == [6, 4, 2]
        assert numbers(store.search(query(plate, cameras=("cam-0", "cam-1"), limit=2), KEYS)) == [6, 5]
        assert numbers(store.search(query(plate, cameras=("cam-9",)), KEYS)) == []
    store.close()


def test_only_epochs_with_a_key_are_searched(store):
    put(store, stored(1))
    put(store, stored(2, epoch=NEXT_DAY))
    assert numbers(store.search(query("7QXO418"), {DAY: KEYS[DAY]})) == [1]
    assert store.search(query("7QXO418"), {}).reads == ()
    assert numbers(store.get(["1".zfill(32), "2".zfill(32)], {NEXT_DAY: KEYS[NEXT_DAY]})) == [2]


def test_a_read_is_taken_once_however_often_it_comes(store, tmp_path):
    assert put(store, stored(1), stored(2), stored(1)) == [True, True, False]
    assert put(store, stored(2), stored(3)) == [False, True]
    store.seal_epoch(DAY, KEYS[DAY])
    assert put(store, stored(1), stored(4)) == [False, True]
    store.drop_hot(DAY)
    store.close()
    again = SqlcipherStore(tmp_path / "store", LocalFiles())
    assert put(again, *(stored(n) for n in range(1, 6))) == [False] * 4 + [True]
    assert numbers(again.search(query("7QXO418"), KEYS)) == [5, 4, 3, 2, 1]
    assert again.counts(KEYS) == {DAY: 5}
    again.close()


def test_many_reads_of_one_instant_all_stay(store):
    put(store, *(stored(n, at=MORNING) for n in range(300)))
    put(store, *(stored(n, at=MORNING) for n in range(300, 600)))
    page = store.search(query("7QXO418", limit=1000), KEYS)
    assert numbers(page) == list(range(599, -1, -1))


@pytest.mark.parametrize("state", STATES)
def test_reads_are_got_by_id_in_the_order_asked_for(store, tmp_path, state):
    put(store, *(stored(n) for n in range(5)))
    put(store, stored(7, epoch=NEXT_DAY))
    store = brought_to(store, state, tmp_path)
    ids = [f"{n:032x}" for n in (7, 3, 99, 0, 3)]
    assert store.get(ids, KEYS) == [stored(7, epoch=NEXT_DAY), stored(3), stored(0)]
    store.close()


def test_counts_say_what_is_open_or_opens(store, tmp_path):
    assert store.counts(KEYS) == {}
    put(store, stored(1), stored(2))
    put(store, stored(3, epoch=NEXT_DAY))
    assert store.counts() == {DAY: 2, NEXT_DAY: 1}
    store.close()
    again = SqlcipherStore(tmp_path / "store", LocalFiles())
    assert again.counts() == {}
    assert again.counts({DAY: KEYS[DAY]}) == {DAY: 2}
    again.close()


@pytest.mark.parametrize("epoch_id", ["", "../x", "2026-11-25.0", "a/b", "x" * 40])
def test_an_epoch_id_cannot_leave_the_folder(store, epoch_id):
    with pytest.raises(InputRefused):
        store.append(epoch_id, KEYS[DAY], [])
    with pytest.raises(InputRefused):
        store.verify_segment(f"{epoch_id}.sealed", "00")


def test_hidden_texts_do_not_show_in_repr(store):
    put(store, stored(1))
    page = store.search(query("7QXO418"), KEYS)
    assert "7QXO418" not in repr(page) + repr(query("7QXO418")) + repr(store)
    assert "sealed crop" not in repr(page)


plates = st.text("OQ01IDAB", min_size=4, max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(plates, min_size=1, max_size=30),
    st.text("OQ01IDAB?*", min_size=3, max_size=6),
    st.integers(1, 6),
)
def test_a_search_equals_looking_at_every_read(tmp_path_factory, texts, asked, limit):
    kept = [character for character in asked if character not in "?*"]
    if len(kept) < 2:
        asked += "AB"
    store = SqlcipherStore(tmp_path_factory.mktemp("store"), LocalFiles())
    half = len(texts) // 2
    reads = [stored(n, text) for n, text in enumerate(texts)]
    if half:
        store.append(DAY, KEYS[DAY], reads[:half])
        store.seal_epoch(DAY, KEYS[DAY])
    store.append(DAY, KEYS[DAY], reads[half:])
    pattern = PlatePattern.parse(asked)
    expected = [item for item in reversed(reads) if pattern.matches(item.read.text)]
    page = store.search(query(asked, limit=limit), KEYS)
    assert list(page.reads) == expected[:limit]
    assert page.truncated == (len(expected) > limit)
    store.close()


def test_several_threads_lose_and_double_nothing(store):
    def lane(first):
        for n in range(first, first + 40, 4):
            put(store, *(stored(m) for m in range(n, n + 6)))
            store.search(query("7QXO418"), KEYS)

    threads = [threading.Thread(target=lane, args=(20 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        store.seal_epoch(DAY, KEYS[DAY])
        store.drop_hot(DAY)
    for thread in threads:
        thread.join()
    assert sorted(numbers(store.search(query("7QXO418", limit=1000), KEYS))) == list(range(102))


def pages(store, asked):
    """Every page of a query, by its cursors."""
    while True:
        page = store.search(asked, KEYS)
        yield page
        if page.cursor is None:
            return
        asked = replace(asked, cursor=page.cursor)


@pytest.mark.parametrize("state", STATES)
def test_look_alikes_are_one_edit_away_after_folding(store, tmp_path, state):
    texts = ["7QXO418", "7OXD4I8", "7QX0418A", "7QX041", "QX0418", "7QY0418", "7QYO419"]
    put(store, *(stored(n, text) for n, text in enumerate(texts)))
    store = brought_to(store, state, tmp_path)
    asked = replace(query("7QX0418"), nearness="look_alike")
    assert sorted(numbers(store.search(asked, KEYS))) == [0, 1, 2, 3, 4, 5]
    store.close()


VEHICLES = {
    "the body": ({"bodies": ("suv",)}, [1, 2]),
    "the first color": ({"colors": ("red",)}, [0, 1]),
    "the second color": ({"colors": ("white",)}, [0, 2]),
    "either color and the body": ({"colors": ("white", "red"), "bodies": ("suv",)}, [1, 2]),
    "a body nobody has": ({"bodies": ("bus",)}, []),
    "cameras alone": ({"camera_ids": ("cam-07",)}, [0, 1, 2]),
    "the plate as well": ({"pattern": PlatePattern.parse("4SILB0Z"), "colors": ("white",)}, [2]),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("question", VEHICLES)
def test_a_vehicle_is_found_by_body_and_either_color(store, tmp_path, state, question):
    seen = [("sedan", "red", "white"), ("suv", "red", "gray"), ("suv", "white", "unknown")]
    for n, (body, color, second) in enumerate(seen):
        plain = stored(n, ["7QXO418", "7QXO418", "4SILB0Z"][n])
        vehicle = Vehicle(body, 0.5, color, 0.5, second, 0.25)
        put(store, replace(plain, read=replace(plain.read, vehicle=vehicle)))
    store = brought_to(store, state, tmp_path)
    asked, expected = VEHICLES[question]
    page = store.search(
        StoreQuery(**{"pattern": None, "since": ANY_TIME[0], "until": ANY_TIME[1], **asked}), KEYS
    )
    assert sorted(numbers(page)) == expected
    store.close()


def test_a_query_that_no_index_answers_is_refused(store):
    with pytest.raises(InputRefused):
        StoreQuery(None, *ANY_TIME)
    with pytest.raises(InputRefused):
        query("7QXO418", limit=0)
    with pytest.raises(InputRefused):
        replace(query("7QX*"), nearness="look_alike")
    with pytest.raises(InputRefused):
        StoreQuery(None, *ANY_TIME, ("cam-07",), nearness="look_alike")
    for cursor in ("", "x", "1-2", "1" * 400):
        with pytest.raises(InputRefused):
            store.search(replace(query("7QXO418"), cursor=cursor), KEYS)


def test_an_epoch_in_memory_never_touches_the_disk(store, tmp_path):
    store.create_epoch(DAY, in_memory=True)
    assert put(store, stored(1), stored(2), stored(1)) == [True, True, False]
    assert numbers(store.search(query("7QXO418"), KEYS)) == [2, 1]
    assert store.get([f"{1:032x}"], KEYS) == [stored(1)]
    assert list((tmp_path / "store").iterdir()) == []
    assert store.epoch_ids() == [DAY]
    store.drop_epoch(DAY)
    assert store.epoch_ids() == []
    assert numbers(store.search(query("7QXO418"), KEYS)) == []


@pytest.mark.parametrize("state", STATES)
def test_pages_neither_miss_nor_repeat(store, tmp_path, state):
    put(store, *(stored(n) for n in range(7)))
    put(store, *(stored(n, epoch=NEXT_DAY) for n in range(10, 14)))
    store = brought_to(store, state, tmp_path)
    seen = [numbers(page) for page in pages(store, query("7QXO418", limit=3))]
    assert seen == [[13, 12, 11], [10, 6, 5], [4, 3, 2], [1, 0]]
    store.close()
