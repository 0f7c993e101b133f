"""Real witnesses in processes of their own, a city whose charter demands them, an outsider who counts."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from tests.support.city import make_city
from tests.support.ports import free_port
from tests.support.witnesses import running

from glassplate.charter import CharterWitness
from glassplate.cli.main import execute
from glassplate.cli.witness import read_key
from glassplate.errors import LogUnavailable, ProofFailed
from glassplate.log import VerifierKey, open_note, verify_proof
from glassplate.verify import verify_city


@pytest.fixture
def world(tmp_path):
    """A city at level L3 and three witness processes, two of which must cosign."""
    city = make_city(tmp_path / "city")
    vkey = (city.folder.public / "log" / "vkey").read_text().strip()
    named, places = [], []
    for number in (1, 2, 3):
        folder = tmp_path / f"witness-{number}"
        folder.mkdir()
        kind = ["--ed25519"] if number == 2 else []
        name = f"witness-{number}.example.org"
        assert execute(["witness", "keygen", name, "--out", str(folder / "witness.key"), *kind]) == 0
        port = free_port()
        places.append((folder, port))
        named.append(
            CharterWitness(str(read_key(folder / "witness.key").verifier), f"http://127.0.0.1:{port}")
        )
    with ExitStack() as stack:
        processes = [stack.enter_context(running(folder, vkey, port)) for folder, port in places]
        charter = city.charter(witnesses=tuple(named), witness_quorum=2, answer_level="L3")
        city.vault.install_charter(city.signed(charter))
        yield city, processes, places, vkey
        city.close()


def findings(city):
    return [
        str(finding)
        for finding in verify_city(city.folder.public, city.fingerprints, datetime.now(UTC)).findings
    ]


def test_an_answer_leaves_only_with_its_cosignatures(world):
    city, processes, places, vkey = world
    city.ingest("7KDR214")
    officer = city.sign_in("m.okafor")
    result = city.vault.gate.search(officer, city.request())
    log_key = VerifierKey.parse(vkey)
    assert result.receipt.level == "L3"
    leaf = city.vault.log.record(result.receipt.entry_index).leaf
    proof, _ = verify_proof(result.receipt.proof.encode(), log_key, leaf)
    keys = [read_key(folder / "witness.key").verifier for folder, _ in places]
    assert len(open_note(proof.checkpoint, keys, demand=log_key).cosigned_at) >= 2
    assert len(result.reads) == 1

    processes[0].kill()  # one of three away: nobody notices but the status
    processes[0].wait()
    assert city.vault.gate.search(officer, city.request()).receipt.level == "L3"

    processes[1].kill()  # two of three away: nothing is answered, and it is said why
    processes[1].wait()
    with pytest.raises(LogUnavailable, match="too few witnesses"):
        city.vault.gate.search(officer, city.request())
    assert any("Too few witnesses" in problem for problem in city.vault.health.status().problems)
    size = city.vault.log.size
    assert city.vault.log.published_size == size, "the act is recorded all the same"

    with running(places[1][0], vkey, places[1][1]):  # back again, with its memory
        time.sleep(2.2)  # the pause after its failure
        assert city.vault.gate.search(officer, city.request()).receipt.level == "L3"


def test_an_outsider_counts_cosignatures(world):
    city, _, _, _ = world
    city.vault.publish()
    told = verify_city(city.folder.public, city.fingerprints, datetime.now(UTC))
    assert any("witnesses cosigned it" in sentence for sentence in told.facts)
    assert not any("witness" in finding for finding in findings(city))
    path = city.folder.public / "log" / "checkpoint"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("— witness-")))
    assert any("0 of the charter's witnesses" in finding for finding in findings(city))


def test_a_vault_that_was_set_back_does_not_open(world, tmp_path):
    import shutil

    city, _, _, _ = world
    city.close()
    shutil.copytree(city.root, tmp_path / "copy")
    city.open()
    city.ingest("7KDR214")
    city.vault.gate.search(city.sign_in("m.okafor"), city.request())
    city.close()
    shutil.rmtree(city.root)
    shutil.move(tmp_path / "copy", city.root)
    with pytest.raises(ProofFailed, match="set back"):
        city.open()
    shutil.rmtree(city.root)
    city.close = lambda: None
