"""Witnesses: what they answer (published vectors too), and what the log does with good, slow, lying and dead ones."""

from __future__ import annotations

import base64
import hashlib
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_testing import NO_VECTORS, OTHER, SIGNER, VECTORS, folders, record

from glassplate.errors import FolderBusy, LogUnavailable, ProofFailed
from glassplate.files import LocalFiles
from glassplate.log import (
    AddCheckpoint,
    Checkpoint,
    CosigningKey,
    ForkFound,
    TransparencyLog,
    VerifierKey,
    WatchedLog,
    Witness,
    WitnessClient,
    WitnessEndpoint,
    open_checkpoint,
    open_note,
    sign_checkpoint,
)
from glassplate.log.note_keys import ED25519, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE
from glassplate.log.witness_client import WebAnswer

NOW = 1_790_000_000
SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def cosigner(number: int, kind: int = MLDSA44_COSIGNATURE) -> CosigningKey:
    return CosigningKey.from_seed(f"witness-{number}.example.org", bytes([number]) * 32, kind=kind)


def witness(folder, number=1, kind=MLDSA44_COSIGNATURE, logs=None, **options) -> Witness:
    watched = logs or {SIGNER.name: WatchedLog(SIGNER.verifier)}
    return Witness(folder, cosigner(number, kind), watched, LocalFiles(), lambda: NOW, **options)


class FakeWeb:
    """Witnesses by address, without a network. ``broken``: address -> what happens instead of an answer."""

    def __init__(self, witnesses):
        self.witnesses = witnesses
        self.broken = {}
        self.asked = []

    def close(self):
        pass

    def post(self, url, body, most):
        base = url.removesuffix("/add-checkpoint")
        self.asked.append(base)
        if base in self.broken:
            return self.broken[base](body)
        answer = self.witnesses[base].add_checkpoint(body)
        return WebAnswer(answer.status, answer.body.encode())

    def get(self, url, most):
        base, name, _ = url.rsplit("/", 2)
        seen = self.witnesses[base].seen_by_hash(name)
        return WebAnswer(200, seen) if seen else WebAnswer(404, b"")


class Steady:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def world(tmp_path):
    """A log and three witnesses, two of which must cosign."""
    kinds = (MLDSA44_COSIGNATURE, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE)
    witnesses = {f"http://w{n}": witness(tmp_path / f"w{n}", n, kind) for n, kind in enumerate(kinds, 1)}
    web, steady = FakeWeb(witnesses), Steady()
    endpoints = [WitnessEndpoint(w.verifier, url) for url, w in witnesses.items()]
    client = WitnessClient(endpoints, 2, web, steady, most_seconds=5)
    log = TransparencyLog.create(*folders(tmp_path), SIGNER, LocalFiles())
    log.use_witnesses(client)
    yield log, client, web, steady
    log.close()
    client.close()


def add(log, count=3):
    log.append([record(i) for i in range(log.size, log.size + count)])


# --- the witness ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not VECTORS.exists(), reason=NO_VECTORS)
@pytest.mark.parametrize(
    ("file", "origin", "key"),
    [
        ("witness-litewitness.jsonl", SIGSUM, VerifierKey(SIGSUM, ED25519, SIGSUM_KEY)),
        ("witness-sumdb.jsonl", "go.sum database tree", VerifierKey.parse(SUMDB_KEY)),
    ],
)
def test_published_requests_get_the_published_answers(tmp_path, file, origin, key):
    """The vectors are of an earlier text, in which an unknown log is 403."""
    one = witness(tmp_path / "w", logs={origin: WatchedLog(key, origin)}, unknown_log_status=403)
    for line in (VECTORS / file).read_text().splitlines():
        case = json.loads(line)
        answer = one.add_checkpoint(case["request"].encode())
        assert answer.status == case["status"], case["asserts"]
        expected = case["asserts"].partition("\n")[2]
        words = json.loads(expected[expected.index('"') :])
        if expected.startswith("body =="):
            assert answer.body == words
        elif answer.status == 200:
            assert answer.body.startswith("— witness-1.example.org ")
        else:
            assert words in answer.body


def test_an_unknown_log_is_404(tmp_path):
    other = sign_checkpoint(
        Checkpoint("elsewhere.example.org", 1, bytes(32)), _named("elsewhere.example.org")
    )
    assert witness(tmp_path / "w").add_checkpoint(AddCheckpoint(0, (), other).to_bytes()).status == 404


def test_a_twin_with_another_key_is_403(tmp_path):
    forged = sign_checkpoint(Checkpoint(OTHER.name, 1, bytes(32)), OTHER)
    assert witness(tmp_path / "w").add_checkpoint(AddCheckpoint(0, (), forged).to_bytes()).status == 403


def test_a_rewritten_log_is_refused_and_nothing_changes(tmp_path):
    one = witness(tmp_path / "w")
    first = sign_checkpoint(Checkpoint(SIGNER.name, 2, hashlib.sha256(b"a").digest()), SIGNER)
    second = sign_checkpoint(Checkpoint(SIGNER.name, 2, hashlib.sha256(b"b").digest()), SIGNER)
    assert one.add_checkpoint(AddCheckpoint(0, (), first).to_bytes()).status == 200
    seen = one.last_seen(SIGNER.name)
    assert one.add_checkpoint(AddCheckpoint(2, (), second).to_bytes()).status == 422
    assert one.add_checkpoint(AddCheckpoint(0, (), second).to_bytes()).status == 409
    assert one.last_seen(SIGNER.name) == seen


def test_what_was_cosigned_survives_a_restart(tmp_path):
    one = witness(tmp_path / "w")
    signed = sign_checkpoint(Checkpoint(SIGNER.name, 2, bytes(32)), SIGNER)
    one.add_checkpoint(AddCheckpoint(0, (), signed).to_bytes())
    with pytest.raises(FolderBusy):
        witness(tmp_path / "w")
    one.close()
    again = witness(tmp_path / "w")
    assert again.sizes() == {SIGNER.name: 2}
    assert again.add_checkpoint(AddCheckpoint(0, (), signed).to_bytes()).status == 409


def test_a_damaged_state_cosigns_nothing(tmp_path):
    one = witness(tmp_path / "w")
    signed = sign_checkpoint(Checkpoint(SIGNER.name, 2, bytes(32)), SIGNER)
    one.add_checkpoint(AddCheckpoint(0, (), signed).to_bytes())
    [path] = (tmp_path / "w").rglob("checkpoint")
    path.write_bytes(path.read_bytes().replace(b"\n2\n", b"\n1\n"))
    assert one.add_checkpoint(AddCheckpoint(2, (), signed).to_bytes()).status == 500


def test_two_requests_at_once_cannot_turn_it_back(tmp_path):
    one = witness(tmp_path / "w")
    requests = [
        AddCheckpoint(0, (), sign_checkpoint(Checkpoint(SIGNER.name, n, bytes(32)), SIGNER)).to_bytes()
        for n in (1, 2, 3, 4)
    ]
    answers = []
    threads = [
        threading.Thread(target=lambda r=r: answers.append(one.add_checkpoint(r).status)) for r in requests
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409]


@given(st.binary(max_size=300))
def test_any_request_gets_an_answer(tmp_path_factory, data):
    one = witness(tmp_path_factory.mktemp("w"))
    assert one.add_checkpoint(data).status == 400
    assert one.add_checkpoint(b"old 0\n\n" + data).status in (400, 403, 404, 422)
    one.close()


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_requests_are_read_back(old, proof):
    request = AddCheckpoint(old, tuple(proof), b"x\n1\n\n")
    assert AddCheckpoint.parse(request.to_bytes()) == request


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ED25519_COSIGNATURE, MLDSA44_COSIGNATURE])
def test_a_cosignature_is_bound_to_everything(kind):
    key = cosigner(1, kind)
    signed = sign_checkpoint(Checkpoint(SIGNER.name, 2, bytes(32)), SIGNER)
    text = signed.rpartition(b"\n\n")[0].decode() + "\n"
    line = key.cosign(text, NOW)
    assert open_note(signed + line.encode(), [key.verifier], demand=SIGNER.verifier).cosigned_at == (
        (key.verifier, NOW),
    )
    assert VerifierKey.parse(str(key.verifier)) == key.verifier
    value = bytearray(base64.b64decode(line.split()[2]))
    for position in (5, 11, 20, len(value) - 1):  # time, signature
        changed = bytearray(value)
        changed[position] ^= 1
        bad = f"— {key.name} {base64.b64encode(changed).decode()}\n"
        with pytest.raises(ProofFailed):
            open_note(signed + bad.encode(), [key.verifier], demand=SIGNER.verifier)


def test_an_mldsa_cosignature_covers_the_witness_name():
    key = cosigner(1)
    twin = CosigningKey.from_seed("another.example.org", bytes([1]) * 32)
    text = Checkpoint(SIGNER.name, 2, bytes(32)).text()
    value = base64.b64decode(key.cosign(text, NOW).split()[2])[4:]
    key.verifier.verify(text, value)
    with pytest.raises(ProofFailed):
        twin.verifier.verify(text, value)


def test_a_log_key_is_no_witness_and_a_witness_no_log():
    with pytest.raises(ProofFailed, match="not a witness"):
        WitnessEndpoint(SIGNER.verifier, "http://w")
    signed = sign_checkpoint(Checkpoint(SIGNER.name, 2, bytes(32)), SIGNER)
    with pytest.raises(ProofFailed, match="cosigner"):
        open_checkpoint(signed, cosigner(1).verifier)


# --- the log's side ----------------------------------------------------------------------------------------------------


def test_every_publication_is_cosigned(world):
    log, client, _, _ = world
    for _ in range(3):
        add(log)
        log.publish()
        cosigned = {
            key for key, _ in open_note(log.signed_checkpoint, client.keys, demand=log.verifier).cosigned_at
        }
        assert len(cosigned) >= 2
        assert log.is_cosigned
        assert log.gathered.latest_time == NOW
    assert b"witness-" in log.proof(4)


def test_pending_is_durable_before_any_witness_sees_it(world, tmp_path):
    log, _, web, _ = world
    pending = []

    def spy(body):
        pending.append(open_checkpoint((folders(tmp_path)[0] / ".pending").read_bytes(), log.verifier).size)
        seen = open_checkpoint(AddCheckpoint.parse(body).checkpoint, log.verifier).size
        assert pending[-1] == seen
        raise OSError("gone")

    web.broken = dict.fromkeys(web.witnesses, spy)
    add(log)
    log.publish()
    assert pending == [3, 3, 3]
    assert not log.is_cosigned
    assert log.published_size == 3, "it is published all the same; whoever demands L3 does not answer"


@pytest.mark.parametrize(
    "trouble",
    {
        "down": lambda _body: (_ for _ in ()).throw(OSError("refused")),
        "500": lambda _body: WebAnswer(500, b"oops"),
        "empty 409": lambda _body: WebAnswer(409, b""),
        "409 with nonsense": lambda _body: WebAnswer(409, b"1_0\n"),
        "claims more than there is": lambda _body: WebAnswer(409, b"9999\n"),
        "a line of somebody else": lambda _body: WebAnswer(
            200, cosigner(9).cosign("x\n1\n" + "A" * 43 + "=\n", 1).encode()
        ),
        "not text": lambda _body: WebAnswer(200, b"\xff\xfe"),
        "422 without evidence": lambda _body: WebAnswer(422, b"no"),
    }.items(),
    ids=lambda case: case[0],
)
def test_one_bad_witness_of_three_is_told_and_harmless(world, trouble):
    log, _, web, _ = world
    web.broken["http://w1"] = trouble[1]
    add(log)
    log.publish()
    assert log.is_cosigned
    assert [name for name, _ in log.gathered.problems] == ["witness-1.example.org"]


def test_a_bad_witness_is_asked_again_later_and_later(world):
    log, _, web, steady = world
    web.broken["http://w1"] = lambda _body: WebAnswer(500, b"")
    for seconds, asked in ((0, 1), (1, 1), (2, 2), (5, 2), (6, 3)):
        steady.seconds = seconds
        add(log)
        log.publish()
        assert web.asked.count("http://w1") == asked
    del web.broken["http://w1"]
    steady.seconds = 100
    add(log)
    log.publish()
    assert len(log.gathered.lines) == 3


def test_a_slow_witness_is_not_waited_for(world):
    log, _, web, _ = world
    release = threading.Event()

    def slow(_body):
        release.wait(60)
        return WebAnswer(500, b"")

    web.broken["http://w2"] = slow
    add(log)
    log.publish()
    assert log.is_cosigned
    add(log)
    log.publish()
    assert ("witness-2.example.org", "it still has not answered an earlier request") in log.gathered.problems
    release.set()


def test_a_late_quorum_is_caught_up_without_new_entries(world):
    log, _, web, steady = world
    web.broken = dict.fromkeys(("http://w1", "http://w2"), lambda _body: WebAnswer(500, b""))
    add(log)
    log.publish()
    assert not log.is_cosigned
    web.broken = {}
    steady.seconds = 10
    log.publish()
    assert log.is_cosigned
    assert open_checkpoint(log.signed_checkpoint, log.verifier).size == 3


def test_a_log_that_was_set_back_signs_nothing(world, tmp_path):
    """Two days of a backup: the witnesses have seen what the restored folder does not know."""
    log, client, _, _ = world
    add(log, 5)
    log.publish()
    short = TransparencyLog.create(tmp_path / "short", tmp_path / "short-public", SIGNER, LocalFiles())
    add(short, 3)
    short.publish()
    with pytest.raises(ForkFound, match="set back"):
        short.use_witnesses(client)
    for act in (lambda: add(short), short.publish):
        with pytest.raises(LogUnavailable, match="set back"):
            act()
    short.close()


def test_another_history_under_our_key_is_found_while_publishing(world, tmp_path):
    log, client, _, _ = world
    add(log, 3)
    log.publish()
    twin = TransparencyLog.create(tmp_path / "twin", tmp_path / "twin-public", SIGNER, LocalFiles())
    twin._witnesses = client
    twin.append([record(1000 + i) for i in range(4)])
    with pytest.raises(ForkFound, match="another history"):
        twin.publish()
    with pytest.raises(LogUnavailable):
        add(twin)
    twin.close()


def test_after_a_restore_the_quorum_must_answer_first(world, tmp_path):
    log, client, web, _ = world
    add(log, 3)
    log.publish()
    web.get = lambda _url, _most: (_ for _ in ()).throw(OSError("down"))
    with pytest.raises(ProofFailed, match="After a restore 2 witnesses"):
        log.use_witnesses(client, after_restore=True)
    log.use_witnesses(client)  # an ordinary start goes on: the quorum is asked with the next publication


def test_cosignatures_survive_a_restart(world, tmp_path):
    log, _, _, _ = world
    add(log, 3)
    log.publish()
    signed = log.signed_checkpoint
    log.close()
    again = TransparencyLog.open(*folders(tmp_path), SIGNER, LocalFiles())
    assert again.signed_checkpoint == signed
    again.close()


@pytest.mark.parametrize(("count", "quorum"), [(0, 1), (2, 3), (2, 0)])
def test_a_quorum_that_cannot_be_reached_is_refused(count, quorum):
    endpoints = [WitnessEndpoint(cosigner(n).verifier, "http://w") for n in range(1, count + 1)]
    with pytest.raises(ProofFailed, match="quorum"):
        WitnessClient(endpoints, quorum, FakeWeb({}), Steady())


def test_one_key_under_two_names_counts_once():
    twin = VerifierKey("other.example.org", MLDSA44_COSIGNATURE, cosigner(1).verifier.public_key)
    endpoints = [WitnessEndpoint(cosigner(1).verifier, "http://a"), WitnessEndpoint(twin, "http://b")]
    with pytest.raises(ProofFailed, match="same key"):
        WitnessClient(endpoints, 1, FakeWeb({}), Steady())


def _named(name):
    from glassplate.log import SigningKey

    return SigningKey.from_seed(name, bytes(32))
