"""Words that strangers choose: what they claim, what an interface makes of half a character, what a terminal shows."""

from __future__ import annotations

import io
from dataclasses import replace

import httpx
import pytest
from tests.support.invariants import added

from glassplate.cli import console
from glassplate.cli.charter import sign_charter, write_documents
from glassplate.errors import CharterRejected, Refused
from glassplate.files import LocalFiles
from glassplate.vault_api import BODY_LIMIT, create_api

HOSTILE = "[conceal]seen[/] \x1b[2J\x9b8m \u202e [/etc]"


async def post(city, path, **arguments):
    transport = httpx.ASGITransport(app=create_api(city.vault), raise_app_exceptions=False)
    token = city.sign_in("m.okafor")
    async with httpx.AsyncClient(transport=transport, base_url="http://vault") as client:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            **arguments.pop("headers", {}),
        }
        return await client.post(path, headers=headers, **arguments)


def run(coroutine):
    import asyncio

    return asyncio.run(coroutine)


@pytest.mark.parametrize("half", ['"\\ud800"', '"7KDR214\\udfff"'])
def test_half_a_character_is_refused_in_words(city, half):
    body = (
        '{"request":{"plate":"7KDR214","purpose":%s,"offense":"auto_theft","case_number":"26-004512",'
        '"since":"2026-03-02T00:00:00Z","until":"2026-03-02T09:00:00Z"}}'
    )
    answer = run(post(city, "/v1/searches", content=body % half))
    assert (answer.status_code, answer.json()["kind"]) == (400, "InputRefused")


@pytest.mark.parametrize("encoding", ["chunked", "Chunked", "gzip, CHUNKED"])
def test_a_body_that_does_not_say_its_size_is_refused(city, encoding):
    async def parts():
        yield b" " * (2 * BODY_LIMIT)

    answer = run(post(city, "/v1/sign-in/link", content=parts(), headers={"Transfer-Encoding": encoding}))
    assert answer.status_code == 400


def test_a_whole_plate_needs_the_approval_for_whole_plates(city):
    features = tuple(
        replace(feature, approved=feature.name != "plate_search" and feature.approved)
        for feature in city.vault.mandate.last().verified.charter.features
    )
    city.vault.install_charter(city.signed(city.charter(features=features)))
    token = city.sign_in("m.okafor")
    with added(city) as new, pytest.raises(Refused) as refusal:
        city.vault.gate.search(token, city.request())
    assert refusal.value.rules == ("feature-approved",)
    assert new == ["refusal"]


@pytest.fixture
def printed(monkeypatch):
    buffer = io.StringIO()
    for name in ("words", "results"):
        monkeypatch.setattr(getattr(console, name), "_file", buffer)
    return buffer


def test_nothing_a_stranger_writes_moves_a_terminal(printed):
    console.say(console.shown(HOSTILE))
    console.emit({}, console.table(HOSTILE, ("a",), [(HOSTILE,)]))
    console.emit({}, [f"[bold]ours[/] {console.shown(HOSTILE)}"])
    console.emit({}, "a line \x1b]0;title\x07")
    text = printed.getvalue()
    assert text.count("[conceal]seen[/]") == 4
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(text)


def test_a_signer_sees_every_word_of_the_charter(city, printed, tmp_path):
    documents = city.signed(city.charter(city="Exampleville[conceal]"))
    write_documents(tmp_path / "draft", documents)
    key = tmp_path / "clerk.key"
    LocalFiles().write_atomic(key, city.offices["clerk"].to_pem())
    sign_charter(tmp_path / "draft", key, yes=True)
    assert "Charter version 2 of Exampleville[conceal]." in printed.getvalue()


def test_a_signer_does_not_sign_rules_that_were_weakened(city, printed, tmp_path):
    documents = city.signed(city.charter())
    documents["base.cedar"] = documents["base.cedar"].replace("unless", "when", 1)
    write_documents(tmp_path / "draft", documents)
    key = tmp_path / "clerk.key"
    LocalFiles().write_atomic(key, city.offices["clerk"].to_pem())
    with pytest.raises(CharterRejected):
        sign_charter(tmp_path / "draft", key, yes=True)
