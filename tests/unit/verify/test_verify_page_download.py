"""The page for people, and a city fetched from its address."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.support.tampering import flip

from glassplate.cli.main import execute
from glassplate.errors import InputRefused, UsageError
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


class Folder:
    """A web server that is a folder, and what a test makes it answer instead."""

    def __init__(self, public, answers=()):
        self.public, self.answers, self.asked = public, dict(answers), []

    def get(self, url, most):
        name = url.removeprefix("https://city.example/")
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
