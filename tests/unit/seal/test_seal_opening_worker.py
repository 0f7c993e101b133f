"""Large batches are opened in a process of their own: the same answers, and nothing that outlives an epoch."""

from __future__ import annotations

import os
import resource
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.errors import GlassplateError, InputRefused, KeyUnavailable, ProofFailed, StorageFailed
from glassplate.records import PlateRead, SealedRead, Vehicle
from glassplate.seal import OpeningWorker, opening_messages, opening_worker
from glassplate.seal.envelope import seal_envelope
from glassplate.seal.opener import read_info
from glassplate.seal.opening_worker import LEAST_READS
from glassplate.seal.padding import pad
from glassplate.seal.read_format import MAX_READ_BYTES, READ_STEP, encode_read

AGENCY, CAMERA, EPOCH = "exampleville-pd", "court-16th", "2026-11-25"
KEY = ec.generate_private_key(ec.SECP256R1())
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def plate_read(number: int) -> PlateRead:
    at = NOON + timedelta(milliseconds=number)
    vehicle = Vehicle("sedan", 0.9, "gray", 0.8)
    return PlateRead(
        f"{number:032x}",
        "7QXO418",
        (0.99,) * 7,
        CAMERA,
        at,
        "test 1",
        (1, 2, 30, 10),
        (),
        "us-ca",
        0.9,
        vehicle,
    )


def sealed(number: int, plaintext: bytes | None = None) -> SealedRead:
    """Read ``number``, or a lane's ``plaintext`` in its place."""
    read = plate_read(number)
    empty = SealedRead(read.read_id, EPOCH, read.captured_at, b"", b"crop", None)
    inside = encode_read(read) if plaintext is None else plaintext
    info = read_info(empty, AGENCY, CAMERA)
    return replace(empty, read=seal_envelope(pad(inside, READ_STEP), KEY.public_key(), info))


READS = [sealed(number) for number in range(LEAST_READS + 4)]
WRONG = {
    "another's envelope": (replace(READS[0], read_id="f" * 32), ProofFailed, "does not open"),
    "an unknown suite": (replace(READS[1], read=b"\x07" + READS[1].read[1:]), InputRefused, "suite 7"),
    "bytes that are no point": (replace(READS[2], read=b"\x01" + bytes(200)), ProofFailed, "does not open"),
    "a flipped bit": (
        replace(READS[3], read=READS[3].read[:-1] + bytes([READS[3].read[-1] ^ 1])),
        ProofFailed,
        "does not open",
    ),
    "no read inside": (sealed(4, b"{}"), InputRefused, "other fields"),
    "another read inside": (sealed(5, encode_read(plate_read(6))), ProofFailed, "another id"),
}


@pytest.fixture
def worker():
    one = OpeningWorker()
    yield one
    one.close()


def opened(worker, reads, take_key=lambda: KEY):
    return worker.open_all(take_key, reads, agency_id=AGENCY, camera_id=CAMERA)


def said(results):
    """Results that can be compared: errors by their type and words."""
    return [(type(one), str(one)) if isinstance(one, GlassplateError) else one for one in results]


def test_what_is_opened_beside_is_what_is_opened_here_and_wrong_reads_fail_alone(worker):
    reads = [*READS[6:], *(wrong for wrong, _, _ in WRONG.values())]
    beside = opened(worker, reads)
    assert worker.process_id is not None
    here = [one for read in reads for one in opened(worker, [read])]
    assert said(beside) == said(here)
    assert beside[: len(READS) - 6] == [plate_read(number) for number in range(6, len(READS))]
    for found, (_, error, words) in zip(beside[len(READS) - 6 :], WRONG.values(), strict=True):
        assert type(found) is error
        assert words in str(found)


def test_a_small_batch_starts_no_process(worker):
    assert len(opened(worker, READS[: LEAST_READS - 1])) == LEAST_READS - 1
    assert worker.process_id is None


def test_when_it_has_forgotten_its_process_has_ended_and_a_dead_key_is_sent_to_none(worker):
    opened(worker, READS)
    process_id = worker.process_id
    worker.forget()
    assert not Path(f"/proc/{process_id}").exists()

    def dead():
        raise KeyUnavailable("There is no key.")

    with pytest.raises(KeyUnavailable):
        opened(worker, READS, dead)
    assert worker.process_id is None
    assert len(opened(worker, READS)) == len(READS), "the next epoch's reads are opened"


def test_a_worker_that_was_killed_is_replaced(worker):
    opened(worker, READS)
    os.kill(worker.process_id, 9)
    assert opened(worker, READS)[0] == plate_read(0)


def test_a_worker_that_does_not_start_takes_nothing_and_says_so(worker, monkeypatch):
    monkeypatch.setattr(opening_worker, "MODULE", "glassplate.no_such_module")
    with pytest.raises(StorageFailed, match="opening worker does not start"):
        opened(worker, READS)


def test_a_worker_that_stops_each_time_takes_nothing_and_says_so(worker, monkeypatch):
    opened(worker, READS)
    first = worker.process_id
    monkeypatch.setattr(opening_messages, "pack_question", lambda *_: b"\0" * 36 + b"\xff" * 1000)
    monkeypatch.setattr(opening_worker, "SECONDS_TO_ANSWER", 5.0)
    with pytest.raises(StorageFailed, match="stopped twice"):
        opened(worker, READS)
    assert worker.process_id is None
    assert not Path(f"/proc/{first}").exists()


def test_it_has_no_environment_no_free_file_and_leaves_no_core(worker):
    opened(worker, READS)
    process_id = worker.process_id
    assert resource.prlimit(process_id, resource.RLIMIT_CORE) == (0, 0)
    assert resource.prlimit(process_id, resource.RLIMIT_FSIZE) == (0, 0)
    assert resource.prlimit(process_id, resource.RLIMIT_NOFILE) == (3, 3)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=300)), max_size=5))
def test_any_envelopes_are_answered_one_by_one(pairs):
    question = opening_messages.pack_question(KEY, [i for i, _ in pairs], [e for _, e in pairs])
    answer = opening_messages.answer_to_next(_source(question))
    found = opening_messages.receive_answer(len(pairs), _source(answer))
    assert len(found) == len(pairs)
    assert all(isinstance(one, GlassplateError) for one in found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=5), st.binary(max_size=300))
def test_an_answer_that_no_worker_of_ours_gives_is_refused_before_it_is_read(sizes, data):
    answer = struct.pack(f"<{len(sizes)}i", *sizes) + data
    asked = []

    def receive(size):
        asked.append(size)
        return source(size)

    source = _source(answer)
    if max(map(abs, sizes)) > MAX_READ_BYTES:
        with pytest.raises(ValueError, match="longer than a read"):
            opening_messages.receive_answer(len(sizes), receive)
    assert max(asked, default=0) <= MAX_READ_BYTES * len(sizes)


def _source(data: bytes):
    view = memoryview(bytes(data))
    at = 0

    def receive(size: int) -> bytearray:
        nonlocal at
        at += size
        return bytearray(view[at - size : at])

    return receive
