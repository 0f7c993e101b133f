"""The search in a process of its own: the same answers, a worker that may die, and memory that ends with an epoch."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from store_testing import ANY_TIME, DAY, KEYS, NEXT_DAY, numbers, query, stored

from glassplate.errors import StorageFailed
from glassplate.files import LocalFiles
from glassplate.plate_text import fold
from glassplate.store import SqlcipherStore, StoreQuery
from glassplate.store.plate_codes import code_of
from glassplate.store.search_worker import SearchWorker

DEAD, ALIVE = "7QXO418", "4SILB0Z"


@pytest.fixture
def store(tmp_path):
    opened = SqlcipherStore(tmp_path / "store", LocalFiles(), SearchWorker())
    yield opened
    opened.close()


def seal(store, epoch, first, *texts):
    reads = [stored(first + n, text, epoch=epoch) for n, text in enumerate(texts)]
    store.append(epoch, KEYS[epoch], reads)
    store.seal_epoch(epoch, KEYS[epoch])
    assert store.drop_hot(epoch)


@pytest.fixture
def two_days(store):
    seal(store, DAY, 0, DEAD, ALIVE, DEAD)
    seal(store, NEXT_DAY, 10, ALIVE, "8DOG123", "ABCDEFGHIJ123")
    return store


QUESTIONS = {
    "exact": (query(ALIVE), [10, 1]),
    "look-alike": (replace(query("4SILBOO"), nearness="look_alike"), [10, 1]),
    "wildcard": (query("*D*G*"), [12, 11]),
    "long": (query("ABC*J123"), [12]),
    "camera": (StoreQuery(None, *ANY_TIME, ("cam-07",), limit=4), [12, 11, 10, 2]),
    "vehicle": (StoreQuery(None, *ANY_TIME, bodies=("sedan",), colors=("white",)), [12, 11, 10, 2, 1, 0]),
}


def kill(store):
    process_id = store._sealed.process_id
    os.kill(process_id, signal.SIGKILL)
    return process_id


@pytest.mark.parametrize("is_killed", [False, True])
def test_answers_as_in_one_process_also_when_the_worker_is_killed_before_each_question(two_days, is_killed):
    for asked, expected in QUESTIONS.values():
        if is_killed:
            kill(two_days)
        page = two_days.search(asked, KEYS)
        assert page.unserved == ()
        assert numbers(page) == expected
        for one, n in zip(page.reads, expected, strict=True):
            assert one == stored(n, one.read.text, epoch=one.epoch_id)
    assert [one.epoch_id for one in two_days.get([f"{11:032x}", f"{0:032x}"], KEYS)] == [NEXT_DAY, DAY]


def test_a_worker_killed_in_the_middle_of_a_question_is_replaced_and_asked_again(two_days, monkeypatch):
    exchange, killed = SearchWorker._exchange, []

    def killed_after_sending(worker, message):
        if message.head["act"] == "search" and not killed:
            process = worker._running()
            os.kill(process.process_id, signal.SIGSTOP)  # it has the question, but never answers
            killed.append(process.process_id)
            threading.Timer(0.1, os.kill, (process.process_id, signal.SIGKILL)).start()
        return exchange(worker, message)

    monkeypatch.setattr(SearchWorker, "_exchange", killed_after_sending)
    assert numbers(two_days.search(query(ALIVE), KEYS)) == [10, 1]
    assert killed
    assert two_days._sealed.process_id not in killed


def test_late_reads_and_sealing_find_their_way_after_a_kill(two_days):
    kill(two_days)
    late = [stored(0, DEAD), stored(5, ALIVE)]
    assert two_days.append(DAY, KEYS[DAY], late) == [False, True]
    kill(two_days)
    assert two_days.seal_epoch(DAY, KEYS[DAY]).name == f"{DAY}.1"
    assert two_days.drop_hot(DAY)
    kill(two_days)
    assert numbers(two_days.search(query(ALIVE), KEYS)) == [10, 5, 1]


def test_a_worker_that_cannot_live_is_told_and_not_passed_over(two_days, monkeypatch):
    kill(two_days)
    monkeypatch.setattr("glassplate.store.spare_worker._MODULE", "glassplate.no_such_module")
    with pytest.raises(StorageFailed, match="search worker does not start"):
        two_days.search(query(ALIVE), KEYS)


def memory_of(process_id):
    """Every readable page of a process."""
    parts = []
    maps = Path(f"/proc/{process_id}/maps").read_text().splitlines()
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            area, rights, *_ = line.split()
            start, end = (int(number, 16) for number in area.split("-"))
            if rights[0] != "r" or "[v" in line:
                continue
            try:
                memory.seek(start)
                parts.append(memory.read(end - start))
            except (OSError, OverflowError):
                continue
    return b"".join(parts)


def forms(text):
    code = code_of(fold(text))
    return {code.to_bytes(8, "little"), code.to_bytes(8, "big"), fold(text).encode(), text.encode()}


def test_no_plate_of_a_dead_epoch_is_left_in_the_workers_memory(two_days):
    if os.geteuid() != 0:
        pytest.skip("the worker's memory is closed to its own user")
    for text in (DEAD, ALIVE):
        assert two_days.search(query(text), KEYS).reads
    before = two_days._sealed.process_id
    memory = memory_of(before)
    assert any(form in memory for form in forms(DEAD)), "the scan would see it"
    two_days.drop_epoch(DAY)
    assert not Path(f"/proc/{before}").exists()
    assert numbers(two_days.search(query(ALIVE), KEYS)) == [10]
    after = two_days._sealed.process_id
    assert after != before
    memory = memory_of(after)
    assert any(form in memory for form in forms(ALIVE)), "what lives is there"
    assert not [form for form in forms(DEAD) if form in memory]


def test_the_successor_takes_over_and_reads_no_segment_again(two_days, monkeypatch):
    asked = []
    exchange = SearchWorker._exchange
    monkeypatch.setattr(
        SearchWorker, "_exchange", lambda worker, m: asked.append(m.head["act"]) or exchange(worker, m)
    )
    two_days.drop_epoch(DAY)
    assert numbers(two_days.search(query("8DOG123"), KEYS)) == [11]
    assert numbers(two_days.search(query("ABCDEFGHIJ123"), KEYS)) == [12]
    assert numbers(two_days.search(query(DEAD), KEYS)) == []
    assert asked[:3] == ["hand over", "lie in", "take over"]
    assert set(asked[3:]) <= {"search", "open one"}


def sealed_files_of(process_id):
    """Names of the segments that a process has open."""
    links = [str(link.readlink()) for link in Path(f"/proc/{process_id}/fd").iterdir()]
    return {Path(link).name for link in links if link.endswith(".sealed")}


def succeed(store, epoch):
    """Have a successor take over, and nobody open files for it."""
    store._sealed._succeed = lambda: None
    store.drop_epoch(epoch)
    store._sealed._running()
    return store._sealed.process_id


def test_the_successor_opens_a_segment_when_it_is_needed(store):
    days = {f"2026-11-{day}": bytes([day]) * 32 for day in (20, 21, 22)}
    for number, (epoch, key) in enumerate(days.items()):
        text = ("7QXO418", "4SILB0Z", "ABCDEFGHIJ123")[number]
        store.append(epoch, key, [stored(number, text, epoch=epoch)])
        store.seal_epoch(epoch, key)
        store.drop_hot(epoch)
    seal(store, DAY, 10, DEAD)
    process_id = succeed(store, DAY)
    assert sealed_files_of(process_id) == {"2026-11-22.0.sealed"}, "its long plate is in no dictionary"
    assert numbers(store.search(query("4SILB0Z"), days)) == [1]
    assert sealed_files_of(process_id) == {"2026-11-21.0.sealed", "2026-11-22.0.sealed"}
    assert numbers(store.search(query("ABC*J123"), days)) == [2]
    assert numbers(store.search(StoreQuery(None, *ANY_TIME, ("cam-07",)), days)) == [2, 1, 0]


def test_the_successor_opens_the_rest_while_nobody_asks(store):
    days = {f"2026-11-{day}": bytes([day]) * 32 for day in (20, 21, 22)}
    for number, (epoch, key) in enumerate(days.items()):
        store.append(epoch, key, [stored(number, epoch=epoch)])
        store.seal_epoch(epoch, key)
        store.drop_hot(epoch)
    store.drop_epoch("2026-11-22")
    deadline = time.monotonic() + 20
    while store._sealed.process_id is None or len(sealed_files_of(store._sealed.process_id)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert numbers(store.search(query("7QXO418"), days)) == [1, 0]


def test_a_segment_that_the_successor_cannot_open_is_named_and_the_others_are_served(two_days, tmp_path):
    seal(two_days, DAY, 20, "5XYZ999")
    third = {**KEYS, "2026-11-27": bytes(32)}
    two_days.append("2026-11-27", bytes(32), [stored(50, ALIVE, epoch="2026-11-27")])
    two_days.seal_epoch("2026-11-27", bytes(32))
    two_days.drop_hot("2026-11-27")
    succeed(two_days, NEXT_DAY)
    path = tmp_path / "store" / f"{DAY}.0.sealed"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    page = two_days.search(query(ALIVE), third)
    assert numbers(page) == [50]
    assert [epoch for epoch, _ in page.unserved] == [DAY]
    assert f"{DAY}.0.sealed" in page.unserved[0][1]
    path.write_bytes(whole)
    assert numbers(two_days.search(query(ALIVE), third)) == [50, 1]


def test_a_spare_is_ready_and_knows_nothing_until_it_takes_over(two_days):
    if os.geteuid() != 0:
        pytest.skip("the worker's memory is closed to its own user")
    worker = two_days._sealed
    worker._have_a_spare()
    spare = worker._spare.process.process_id
    assert two_days.search(query(DEAD), KEYS).reads
    memory = memory_of(spare)
    assert not [form for text in (DEAD, ALIVE) for form in forms(text) if form in memory]
    two_days.drop_epoch(DAY)
    for asked, expected in QUESTIONS.values():
        assert numbers(two_days.search(asked, KEYS)) == [n for n in expected if n >= 10]
    assert worker.process_id == spare
    memory = memory_of(spare)
    assert any(form in memory for form in forms(ALIVE)), "what lives is there"
    assert not [form for form in forms(DEAD) if form in memory]


@pytest.mark.parametrize("who", ["spare", "worker", "both"])
def test_a_spare_that_dies_or_whose_worker_dies_harms_nothing(two_days, who):
    worker = two_days._sealed
    worker._have_a_spare()
    spare = worker._spare.process
    if who != "worker":
        os.kill(spare.process_id, signal.SIGKILL)
        spare._process.wait()
    if who != "spare":
        kill(two_days)
        assert numbers(two_days.search(query(ALIVE), KEYS)) == [10, 1]
        assert not Path(f"/proc/{spare.process_id}").exists(), "it waits for one worker only"
    two_days.drop_epoch(DAY)
    assert numbers(two_days.search(query(ALIVE), KEYS)) == [10]
    worker._have_a_spare()
    spare = worker._spare.process
    two_days.close()
    assert not Path(f"/proc/{spare.process_id}").exists()


@pytest.mark.parametrize("act", ["hand over", "take over"])
def test_a_succession_that_fails_begins_with_nothing_and_loses_nothing(two_days, monkeypatch, act):
    exchange, failed = SearchWorker._exchange, []

    def failing(worker, message):
        if message.head["act"] == act and not failed:
            failed.append(worker.process_id)
            raise ConnectionError
        return exchange(worker, message)

    monkeypatch.setattr(SearchWorker, "_exchange", failing)
    two_days.drop_epoch(DAY)
    for asked, expected in QUESTIONS.values():
        page = two_days.search(asked, KEYS)
        assert page.unserved == ()
        assert numbers(page) == [n for n in expected if n >= 10]
    assert failed
    assert two_days._sealed.process_id not in failed


def test_an_epoch_that_was_never_sealed_restarts_nothing(two_days):
    before = two_days._sealed.process_id
    two_days.create_epoch("2026-11-27", in_memory=True)
    two_days.append("2026-11-27", bytes(32), [stored(77)])
    two_days.drop_epoch("2026-11-27")
    assert two_days._sealed.process_id == before


def test_the_worker_ends_with_the_store_and_with_its_parent(two_days):
    process_id = two_days._sealed.process_id
    command = Path(f"/proc/{process_id}/cmdline").read_bytes()
    assert KEYS[DAY].hex().encode() not in command
    environment = b"GLIBC_TUNABLES=glibc.malloc.hugetlb=1\0"
    assert os.geteuid() != 0 or Path(f"/proc/{process_id}/environ").read_bytes() == environment
    two_days.close()
    assert not Path(f"/proc/{process_id}").exists()
    worker = SearchWorker()
    worker._running()
    process_id = worker.process_id
    worker._process._socket.close()  # what a parent's death does
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process_id}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.close()


def test_a_folder_named_from_the_working_directory_is_found_by_the_worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = SqlcipherStore(Path("store"), LocalFiles(), SearchWorker())
    seal(opened, DAY, 0, ALIVE)
    page = opened.search(query(ALIVE), KEYS)
    opened.close()
    assert (numbers(page), page.unserved) == ([0], ())


def test_an_epoch_that_is_closed_between_loading_and_asking_is_not_passed_over(two_days, monkeypatch):
    epoch, closed = two_days._epoch(DAY), []
    parts = type(epoch).parts

    def closing_first(self, *asked):
        if self is epoch and not closed:
            closed.append(self.epoch_id)
            self.unload()
        return parts(self, *asked)

    monkeypatch.setattr(type(epoch), "parts", closing_first)
    page = two_days.search(query(ALIVE), KEYS)
    assert closed
    assert page.unserved == ()
    assert numbers(page) == [10, 1]
