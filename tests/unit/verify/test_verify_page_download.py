"""The page for people, and a city fetched from its address."""

from __future__ import annotations

import gzip
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.support.tampering import flip

from glassplate.cli.main import execute
from glassplate.errors import InputRefused, UsageError
from glassplate.log import HttpWeb, witness_web
from glassplate.log.witness_client import WebAnswer
from glassplate.verify import verify_city
from glassplate.verify.download import download_city
from glassplate.verify.findings import Verification
from glassplate.verify.page import render_page


def test_a_green_page_says_so_and_what_was_not_checked(published, tmp_path):
    page = tmp_path / "result.html"

    assert execute([*published.arguments, "--html", str(page), "--json"]) == 0

    text = page.read_text()
    assert "Green: everything holds." in text
    assert "262 entries, all of them under its signed root." in text
    assert "no checkpoint that somebody kept was given" in text
    assert "needs an auditor&#39;s key" in text or "needs an auditor's key" in text
    assert "What does not hold" not in text
    for fingerprint in published.fingerprints.values():
        assert fingerprint in text


def test_a_red_page_says_what_does_not_hold(published, tmp_path):
    flip(published.public / "index.html")
    page = tmp_path / "result.html"

    assert execute([*published.arguments, "--html", str(page), "--json"]) == 5

    text = page.read_text()
    assert "Red: 1 thing does not hold." in text
    assert '<span class="where">index.html:</span> it is not the page that the publisher signed' in text


def test_the_page_needs_nothing_else_and_a_stranger_s_words_stay_words(published):
    result = Verification()
    result.find("<script>alert(1)</script>", "x<img src=y>")
    page = render_page(
        result,
        "a folder",
        published.fingerprints,
        made_at=published.now,
        as_of=published.now,
        decided_again=True,
        compared=True,
    )

    assert "<script" not in page
    assert "<img" not in page
    assert "src=" not in page.replace("src=y", "")
    assert "://" not in page


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(published):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(published.public)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_city_is_checked_at_its_address(published, address, check):
    assert check(["verify", address, *published.arguments[2:]]) == (0, [])

    flip(published.public / "log/tile/entries/000")
    code, findings = check(["verify", f"{address}/index.html", *published.arguments[2:]])
    assert code == 5
    assert any("log/tile/0/000 differs" in finding for finding in findings)


class Hostile(Quiet):
    """Answers each path with an attack on whoever fetches."""

    def do_GET(self):
        name = self.path.removeprefix("/")
        self.send_response(302 if name.startswith("to-") else 200)
        if name.startswith("to-"):
            self.send_header("Location", {"to-file": "file:///etc/passwd"}.get(name, "http://127.0.0.1:1/"))
        if name == "bomb":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if name == "bomb":
            self.wfile.write(gzip.compress(bytes(50_000_000)))
        elif name == "endless":
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(65_536))
        elif name == "drip":
            with suppress(OSError):
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.02)


@pytest.fixture
def hostile():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    web = HttpWeb()
    yield web, f"http://127.0.0.1:{server.server_port}"
    web.close()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("to", ["to-file", "to-inside"])
def test_no_redirect_is_followed(hostile, to, tmp_path):
    web, address = hostile
    answer = web.get(f"{address}/{to}", 1000)

    assert (answer.status, answer.body) == (302, b"")
    with pytest.raises(InputRefused, match="no redirect is followed"):
        download_city(address, tmp_path / "fetched", Folder(tmp_path, {"log/vkey": answer}, address))


def test_a_compressed_bomb_stays_small(hostile):
    web, address = hostile

    assert len(web.get(f"{address}/bomb", 100_000).body) < 100_000


def test_an_answer_without_end_is_cut(hostile, monkeypatch):
    web, address = hostile
    with pytest.raises(OSError, match="more than 100000 bytes"):
        web.get(f"{address}/endless", 100_000)
    monkeypatch.setattr(witness_web, "WHOLE_SECONDS", 0.1)
    with pytest.raises(OSError, match="for more than 0 seconds"):
        web.get(f"{address}/drip", 100_000)


@pytest.mark.parametrize("place", ["file:///etc", "ftp://city.example/", "//city.example"])
def test_an_address_of_another_kind_is_no_folder(place, published, capsys):
    assert execute(["verify", place, *published.arguments[2:]]) == 2
    assert "is not a folder" in capsys.readouterr().err


class Folder:
    """A web server that is a folder, and what a test makes it answer instead."""

    def __init__(self, public, answers=(), address="https://city.example"):
        self.public, self.answers, self.asked, self.address = public, dict(answers), [], address

    def get(self, url, most):
        name = url.removeprefix(f"{self.address}/")
        self.asked.append(name)
        if name in self.answers:
            return self.answers[name]
        path = self.public / name
        if not path.exists():
            return WebAnswer(404, b"no")
        data = path.read_bytes()
        if len(data) > most:
            raise OSError(f"it answered more than {most} bytes")
        return WebAnswer(200, data)


def test_all_that_a_record_needs_is_fetched_and_nothing_else(published, tmp_path):
    download_city("https://city.example/", tmp_path / "fetched", Folder(published.public))

    assert verify_city(tmp_path / "fetched", published.fingerprints, published.now).findings == []


def test_a_full_tile_serves_for_a_partial_one_that_is_gone(published, tmp_path):
    public = published.public
    older = (public / "log/tile/entries/001.p/6").read_bytes()
    (public / "log/tile/entries/001.p/6").unlink()
    (public / "log/tile/entries/001").write_bytes(older)
    web = Folder(public)

    download_city("https://city.example", tmp_path / "fetched", web)

    assert (tmp_path / "fetched/log/tile/entries/001").exists()


HOSTILE = {
    "a redirect": ({"log/vkey": WebAnswer(302, b"")}, "the server answered 302"),
    "no record": ({"log/checkpoint": WebAnswer(404, b"")}, "it is not a city's public folder"),
    "a size beyond all cities": (
        {"log/checkpoint": WebAnswer(200, b"x\n999999999\nAAAA\n")},
        "gives no size of at most 20,000,000 entries",
    ),
    "a size that is none": ({"log/checkpoint": WebAnswer(200, b"x\n-1\n")}, "gives no size"),
    "a checkpoint of one line": ({"log/checkpoint": WebAnswer(200, b"x")}, "gives no size"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_server_is_told_of(published, tmp_path, what):
    answers, expected = HOSTILE[what]

    with pytest.raises(InputRefused, match=expected):
        download_city("https://city.example", tmp_path / "fetched", Folder(published.public, answers))


def test_no_name_in_a_list_of_pages_leads_out_of_the_copy(published, tmp_path):
    note = f"glassplate-site/v1\n{'0' * 64} ../../evil.html\n{'0' * 64} /etc/passwd\n{'0' * 64} a/b.html\n"
    web = Folder(published.public, {"site.note": WebAnswer(200, note.encode())})

    download_city("https://city.example", tmp_path / "fetched", web)

    assert not any(".." in name or "passwd" in name or name == "a/b.html" for name in web.asked)


def test_a_city_that_publishes_meanwhile_is_fetched_again(published, tmp_path):
    class Moving(Folder):
        def get(self, url, most):
            answer = super().get(url, most)
            if url.endswith("site.note") and self.asked.count("site.note") == 1:
                return WebAnswer(200, answer.body + b"older\n")
            return answer

    web = Moving(published.public)
    download_city("https://city.example", tmp_path / "fetched", web)

    assert web.asked.count("log/checkpoint") == 2
    assert verify_city(tmp_path / "fetched", published.fingerprints, published.now).findings == []


def test_a_server_does_not_fill_the_disk(published, tmp_path, monkeypatch):
    monkeypatch.setattr("glassplate.verify.download.MAX_TOTAL_BYTES", 100_000)

    with pytest.raises(InputRefused, match="sends more than 100,000 bytes"):
        download_city("https://city.example", tmp_path / "fetched", Folder(published.public))


@pytest.mark.parametrize(
    "address",
    [
        "ftp://city.example",
        "https://",
        "https://a:b@city.example",
        "https://city.example/?x",
        "https://city.example/#x",
    ],
)
def test_an_address_that_is_none_is_refused(address, tmp_path):
    with pytest.raises(UsageError):
        download_city(address, tmp_path / "fetched", Folder(tmp_path))
