"""The Go module database's own code audits our record: accepts what is honest, rejects what was changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.tampering import flip, newest, older_checkpoint, sign_other_checkpoint

from glassplate.log import CosigningKey, TileReader, TlogProof
from glassplate.verify import verify_city

REPOSITORY = Path(__file__).parents[2]

SOURCE = Path(__file__).parent / "go" / "citycheck.go"
GOCODE = Path("/usr/share/gocode")  # Debian's golang-golang-x-mod-dev
LOG = "public/log"


@pytest.fixture(scope="session")
def citycheck(tmp_path_factory, demand):
    """Run the program: its exit status and words."""
    is_there = shutil.which("go") and (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir()
    demand(is_there, "golang-go and golang-golang-x-mod-dev")
    program = tmp_path_factory.mktemp("go") / "citycheck"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GOCODE),
        "GOCACHE": str(REPOSITORY / ".tools" / "go-cache"),
    }
    subprocess.run(["go", "build", "-o", program, SOURCE], check=True, env=environment, timeout=240)

    def run(*arguments):
        done = subprocess.run(
            [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    return run


def roots(city):
    return [part for mark in city.fingerprints.values() for part in ("-root", mark)]


def test_an_honest_record_holds_from_the_fingerprints_on(published, citycheck):
    assert citycheck("audit", *roots(published), published.public) == (
        0,
        f"{published.size} entries hold under the signed root.\n",
    )


def test_growth_from_an_older_checkpoint_holds(published, citycheck, tmp_path):
    now = published.copy_to(tmp_path / "now")
    older_checkpoint(published)
    kept = published.public / "log/checkpoint"

    assert citycheck("audit", *roots(now), "-since", kept, now.public)[0] == 0
    code, words = citycheck("audit", *roots(now), "-since", now.public / "log/checkpoint", published.public)
    assert (code, "the record had" in words) == (1, True)


def test_a_rewritten_record_does_not_hold_against_an_older_checkpoint(published, citycheck, tmp_path):
    kept = tmp_path / "kept"
    shutil.copy(published.public / "log/checkpoint", kept)
    leaves = published.leaves()
    published.rebuild([*leaves[:100], leaves[101], leaves[100], *leaves[102:], leaves[3]])

    assert citycheck("audit", *roots(published), published.public)[0] == 0  # by itself it is a record
    code, words = citycheck("audit", *roots(published), "-since", kept, published.public)
    assert (code, "kept checkpoint" in words) == (1, True)


TAMPERED = {
    "a tile": lambda c: flip(c.public / "log/tile/0/000"),
    "the newest partial tile": lambda c: flip(newest(c.public / "log/tile/0/001.p")),
    "the upper tile": lambda c: flip(c.public / "log/tile/1/000.p/1"),
    "an entry": lambda c: flip(c.public / "log/tile/entries/000"),
    "the checkpoint": lambda c: flip(c.public / "log/checkpoint", 40),
    "a bundle that ends early": lambda c: (c.public / "log/tile/entries/000").write_bytes(
        (c.public / "log/tile/entries/000").read_bytes()[:-1]
    ),
    "the root under the log's own key": sign_other_checkpoint,
    "the charter": lambda c: flip(c.public / "charter/2/charter.json", 400),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_is_rejected(what, published, citycheck):
    TAMPERED[what](published)

    code, words = citycheck("audit", *roots(published), published.public)

    assert code == 1
    assert words.startswith("WRONG:")


def test_another_office_is_rejected(published, citycheck):
    marks = [*roots(published)[:-1], "SHA256:AAAA"]

    code, words = citycheck("audit", *marks, published.public)

    assert (code, "charter.json is not signed by the key SHA256:AAAA" in words) == (1, True)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Redirecting(Quiet):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()


@pytest.fixture
def serve():
    """A folder at an address."""
    servers = []

    def start(folder, handler=Quiet):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_copy_by_address_has_all_that_every_checker_needs(published, citycheck, serve, tmp_path):
    copy = tmp_path / "fetched"

    assert citycheck("fetch", f"{serve(published.public)}/", copy) == (
        0,
        f"{published.size} entries and 2 charters are copied to {copy}.\n",
    )
    assert citycheck("audit", *roots(published), copy)[0] == 0
    assert verify_city(copy, published.fingerprints, published.now).findings == []
    assert citycheck("fetch", "http://127.0.0.1:1/", copy) == (
        1,
        f"WRONG: {copy} exists; give a new folder\n",
    )


def test_a_copy_follows_no_redirect_and_no_hostile_name(published, citycheck, serve, tmp_path):
    code, words = citycheck("fetch", serve(published.public, Redirecting), tmp_path / "away")
    assert (code, "the server answered 302" in words) == (1, True)
    (published.public / "site.note").write_text(f"glassplate-site/v1\n{'0' * 64} ../../evil.html\n")
    (published.root / "evil.html").write_text("not to be fetched")

    assert citycheck("fetch", serve(published.public), tmp_path / "a" / "b")[0] == 0
    assert not list(tmp_path.glob("evil.html"))


@pytest.fixture
def proof(published, tmp_path):
    """Write an entry's proof file and leaf; returns both paths."""

    def write(index, leaf=None):
        reader, size = TileReader(published.public / "log"), published.size
        checkpoint = (published.public / "log/checkpoint").read_bytes()
        data = TlogProof(index, tuple(reader.inclusion_proof(index, size)), checkpoint).to_bytes()
        (tmp_path / "proof").write_bytes(data)
        (tmp_path / "leaf").write_bytes(leaf or reader.entry(index, size))
        return tmp_path / "proof", tmp_path / "leaf"

    return write


@pytest.mark.parametrize("index", [0, 5, 255, 256, -1])
def test_a_proof_file_holds(published, citycheck, proof, index):
    index %= published.size

    assert citycheck("proof", "-vkey", published.log_key.verifier, *proof(index)) == (
        0,
        f"Entry {index} is in the record.\n",
    )


def test_a_proof_of_another_leaf_is_rejected(published, citycheck, proof):
    files = proof(7, leaf=published.leaves()[8])

    assert citycheck("proof", "-vkey", published.log_key.verifier, *files)[0] == 1


def test_cosignatures_count(published, citycheck):
    witnesses = [CosigningKey.from_seed(f"witness-{n}.example", bytes([n]) * 32, kind=4) for n in (1, 2)]
    unknown = CosigningKey.from_seed("witness-3.example", bytes(32))  # ML-DSA-44: nothing that Go knows
    path = published.public / "log/checkpoint"
    signed = path.read_bytes()
    text = signed.decode().rpartition("\n\n")[0] + "\n"
    time = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp())
    path.write_bytes(
        signed + "".join(witness.cosign(text, time) for witness in [*witnesses, unknown]).encode()
    )
    keys = [part for witness in witnesses for part in ("-cosigner", witness.verifier)]

    assert citycheck("audit", *roots(published), *keys, "-quorum", 2, published.public)[0] == 0
    code, words = citycheck("audit", *roots(published), *keys[:2], "-quorum", 2, published.public)
    assert (code, "1 cosigners signed it, and 2 must" in words) == (1, True)
