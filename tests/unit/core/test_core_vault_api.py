"""The vault's socket, through a real one: who is asked for a token, what errors look like, what is too large."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from tests.support.approvals import decide
from tests.support.invariants import bodies, check_searches

from glassplate import errors, vault_api
from glassplate.cli import time as time_command
from glassplate.cli.main import execute
from glassplate.client import VaultClient
from glassplate.errors import NotSignedIn, Refused, UsageError, VaultUnreachable, error_from_kind
from glassplate.records import ActSignature, ExportRequest
from glassplate.vault_api import BODY_LIMIT, HOTLIST_LIMIT, create_api

PLATE = "7KDR214"
TEXT = "x"
SEARCH = {
    "plate": PLATE,
    "purpose": "stolen_vehicle",
    "offense": "auto_theft",
    "case_number": "26-004512",
    "since": "2026-03-02T00:00:00Z",
    "until": "2026-03-02T09:00:00Z",
}

# every route that acts for a person: a body that is well formed, so that only the missing token can refuse it
FOR_A_PERSON = {
    ("GET", "/v1/session"): None,
    ("POST", "/v1/sign-out"): None,
    ("POST", "/v1/pairings/confirm"): {"code": TEXT},
    ("POST", "/v1/searches"): {"request": SEARCH},
    ("GET", "/v1/searches"): None,
    ("GET", "/v1/approvals"): None,
    ("POST", "/v1/approvals/{request_id}/show"): None,
    ("POST", "/v1/approvals/{request_id}/decision"): {
        "request_sha256": "0" * 64,
        "approve": True,
        "reason": TEXT,
    },
    ("POST", "/v1/approvals/{request_id}/decision/options"): {
        "request_sha256": "0" * 64,
        "approve": True,
        "reason": TEXT,
    },
    ("POST", "/v1/approvals/{request_id}/use/options"): None,
    ("POST", "/v1/approvals/{request_id}/invitation"): None,
    ("POST", "/v1/time/ask"): {"at": "2026-03-02T09:00:00Z"},
    ("POST", "/v1/time/confirm"): {"request_id": "0" * 16},
    ("POST", "/v1/accounts/{account_id}/roles"): {"roles": ["officer"]},
    ("POST", "/v1/images"): {"read_id": "0" * 32, "search_index": 1, "kind": "crop"},
    ("GET", "/v1/alerts"): None,
    ("POST", "/v1/alerts/{alert_id}/show"): None,
    ("POST", "/v1/alerts/{alert_id}/decision"): {"confirmed": True, "disposition": "arrest", "note": TEXT},
    ("POST", "/v1/hotlist/page"): {"plate": PLATE, "after": "", "limit": 10},
    ("POST", "/v1/hotlist"): {"rows": [{"plate": PLATE}], "authority": TEXT},
    ("POST", "/v1/holds"): {
        "request": {
            "case_number": "26-004512",
            "authority": TEXT,
            "reason": TEXT,
            "until": "2026-12-01T00:00:00Z",
            "read_ids": ["0" * 32],
            "search_index": 1,
        }
    },
    ("POST", "/v1/holds/of-case"): {"case_number": "26-004512"},
    ("GET", "/v1/holds/proposals"): None,
    ("POST", "/v1/holds/{hold_id}/open"): {"case_number": "26-004512"},
    ("POST", "/v1/exports"): {
        "request": {
            "case_number": "26-004512",
            "reason": TEXT,
            "read_ids": ["0" * 32],
            "search_index": 1,
        }
    },
    ("GET", "/v1/log/entries"): None,
    ("GET", "/v1/log/entries/{index}/proof"): None,
    ("GET", "/v1/log/bodies"): None,
    ("GET", "/v1/epochs"): None,
    ("POST", "/v1/findings"): {"document": {}},
    ("POST", "/v1/owner-requests"): {"plate": PLATE, "identity_note": TEXT},
    ("GET", "/v1/questions"): None,
    ("POST", "/v1/questions/{finding_index}/{search_index}/reply"): {"text": TEXT},
    ("GET", "/v1/accounts"): None,
    ("POST", "/v1/accounts"): {
        "account_id": "new.one",
        "display_name": TEXT,
        "roles": ["officer"],
        "training_valid_until": "2026-12-01T00:00:00Z",
    },
    ("POST", "/v1/accounts/{account_id}/close"): {"reason": TEXT},
    ("POST", "/v1/accounts/{account_id}/training"): {"until": "2026-12-01T00:00:00Z"},
    ("POST", "/v1/hotlist/{entry_id}/withdraw"): {"reason": TEXT},
    ("POST", "/v1/searches/{search_index}/next"): None,
    ("POST", "/v1/publish"): None,
    ("POST", "/v1/sign-in/issue-link"): {"account_id": "m.okafor"},
}

# every route that answers anybody who reaches the socket, and why that is right
FOR_ANYBODY = {
    ("GET", "/v1/status"): "health, without a word about plates, people or cases",
    ("GET", "/v1/charter"): "public",
    ("GET", "/v1/time"): "what the clocks say",
    ("POST", "/v1/charter"): "carries its own authority: three offices' signatures",
    ("POST", "/v1/charter/stop"): "carries its own authority: one office's signature",
    ("GET", "/v1/bundle"): "public keys",
    ("POST", "/v1/batches"): "signed by a camera",
    ("POST", "/v1/heartbeats"): "signed by a camera",
    ("POST", "/v1/purge"): "can only do its duty",
    ("POST", "/v1/backup"): "goes only where the operator's settings say, and takes nothing away",
    ("GET", "/v1/backup"): "how far a backup has come",
    ("GET", "/v1/report"): "public",
    ("POST", "/v1/sign-in/options"): "signing in",
    ("POST", "/v1/sign-in"): "signing in",
    ("POST", "/v1/sign-in/link"): "signing in",
    ("POST", "/v1/passkeys/options"): "needs an invitation",
    ("POST", "/v1/passkeys"): "needs an invitation",
    ("POST", "/v1/pairings"): "signing in",
    ("POST", "/v1/pairings/finish"): "needs the pairing's secret",
    ("POST", "/v1/demo/clock"): "exists on a demo's clock only",
}


@pytest.fixture
def socket_path(city):
    """The city's API on a Unix socket; its path is short, because a socket's may have 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vault.sock"
        config = uvicorn.Config(create_api(city.vault), uds=str(path), log_level="critical", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield path
        server.should_exit = True
        thread.join()


@pytest.fixture
def http(socket_path):
    transport = httpx.HTTPTransport(uds=str(socket_path))
    with httpx.Client(transport=transport, base_url="http://vault") as client:
        yield client


@pytest.fixture
def client(socket_path):
    """Makes clients: ``client(token)``."""
    made = []

    def make(token=None):
        made.append(VaultClient(socket_path, token))
        return made[-1]

    yield make
    for each in made:
        each.close()


def assert_problem(response, status, kind):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["kind"] == kind
    assert problem["type"] == f"urn:glassplate:{kind}"
    assert problem["detail"]
    assert set(problem) == {"type", "kind", "detail", "rules"}
    return problem


def test_every_route_is_in_one_of_the_two_lists(city):
    """A route that is added must say here whether it acts for a person."""
    routes = [route for route in create_api(city.vault).routes if hasattr(route, "dependant")]
    found = {(method, route.path): route for route in routes for method in route.methods}
    assert found.keys() == FOR_A_PERSON.keys() | FOR_ANYBODY.keys()
    for key, route in found.items():
        asks = any(dependency.call.__name__ == "_token" for dependency in route.dependant.dependencies)
        assert asks == (key in FOR_A_PERSON), key


def test_without_a_session_no_route_acts_for_a_person(city, http):
    size = city.vault.log.size
    tokens = {
        "no token": {},
        "an unknown token": {"Authorization": "Bearer " + "x" * 43},
        "another scheme": {"Authorization": "Basic " + city.sign_in("r.alvarez")},
        "an empty token": {"Authorization": "Bearer"},
    }
    for (method, path), body in FOR_A_PERSON.items():
        for name, headers in tokens.items():
            url = path.format(
                request_id="0" * 16,
                hold_id="hold-" + "0" * 16,
                alert_id="0" * 16,
                entry_id="0" * 16,
                account_id="m.okafor",
                index=0,
                finding_index=0,
                search_index=0,
            )
            response = http.request(method, url, json=body, headers=headers)
            problem = assert_problem(response, 401, "NotSignedIn")
            assert problem["rules"] == ["signed-in"], (method, path, name)
            assert PLATE not in response.text
    assert city.vault.log.size == size + 1, "one sign-in, nothing else"


def test_what_anybody_is_told_names_nobody(city, client, http):
    token = city.sign_in("r.alvarez")
    city.ingest(PLATE)
    client(token).search(city.request(PLATE, case_number="26-000777"))
    for path in ("/v1/status", "/v1/charter", "/v1/bundle", "/v1/report"):
        text = http.get(path).text
        for secret in (PLATE, "r.alvarez", "26-000777", token):
            assert secret not in text, (path, secret)


def test_the_walk_through_the_client(city, client):
    city.ingest(PLATE)
    officer = client(city.sign_in("r.alvarez"))
    assert officer.session().account.account_id == "r.alvarez"
    result = officer.search(city.request(PLATE))
    assert [found.read.text for found in result.reads] == [PLATE]
    assert result.reads[0].crop_jpeg[:3] == b"\xff\xd8\xff"
    opened = officer.open_image(result.reads[0].read.read_id, result.receipt.entry_index, "crop")
    assert opened.jpeg == result.reads[0].crop_jpeg
    assert officer.my_searches()[0].asked == PLATE
    administrator = client(city.sign_in("administrator"))
    made = administrator.add_account("new.one", "New One", ("officer",), city.now() + timedelta(days=9))
    assert (made.account.account_id, made.second_part_of) == ("new.one", None)
    assert client().registration_options(made.invitation)["user"]["name"] == "new.one"
    assert client().deliver(city.batch("8ABC123")).accepted
    assert administrator.publish() > 0
    assert client(city.sign_in("clerk")).proof(0).startswith("c2sp.org/tlog-proof@v1")
    assert client(city.sign_in("j.doe")).bodies(0, 2)
    officer.sign_out()
    with pytest.raises(NotSignedIn):
        officer.search(city.request(PLATE))
    check_searches(city)


def test_errors_arrive_as_the_types_that_were_raised(city, client):
    officer = client(city.sign_in("r.alvarez"))
    with pytest.raises(Refused) as refusal:
        officer.search(city.request(PLATE, case_number="no", declared_use="personal"))
    assert refusal.value.rules == ("case-number-format", "prohibited-use")
    assert "Check it for a typing error" in str(refusal.value)
    with pytest.raises(UsageError, match="known characters"):
        officer.search(city.request("*"))
    with pytest.raises(errors.InputRefused):
        client().deliver(b"not a batch")
    with pytest.raises(errors.CharterRejected):
        client().install_charter({"root.json": "{}"})
    city.clock.step_wall(-timedelta(hours=1))
    with pytest.raises(errors.ClockRefused):
        officer.search(city.request(PLATE))
    city.clock.step_wall(timedelta(hours=1))


@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket"
)  # httpcore forgets the socket that found nobody
def test_no_vault_answers(tmp_path):
    with VaultClient(tmp_path / "no-vault.sock") as nobody, pytest.raises(VaultUnreachable):
        nobody.status()
    gc.collect()  # here, where it is expected


def test_every_error_type_survives_the_way():
    def types(root):
        return [root, *(found for child in root.__subclasses__() for found in types(child))]

    for kind in types(errors.GlassplateError):
        original = kind("said", ("rule",)) if issubclass(kind, Refused) else kind("said")
        arrived = error_from_kind(original.kind, str(original), getattr(original, "rules", ()))
        assert type(arrived) is kind
        assert getattr(arrived, "rules", ()) == getattr(original, "rules", ())
    assert type(error_from_kind("Unheard", "said")) is errors.GlassplateError


# a sentence: (path, raw body, status, kind)
MALFORMED = {
    "no body": ("/v1/searches", b"", 422, "UsageError"),
    "not JSON": ("/v1/searches", b"{", 422, "UsageError"),
    "not UTF-8": ("/v1/searches", b'{"request": "\xff\xfe"}', 400, "InputRefused"),
    "a list": ("/v1/searches", b"[]", 422, "UsageError"),
    "nested without end": ("/v1/searches", b"[" * 60_000, 400, "InputRefused"),
    "a field is missing": ("/v1/searches", b'{"request": {"plate": "7KDR214"}}', 422, "UsageError"),
    "a number for a text": (
        "/v1/searches",
        json.dumps({"request": {**SEARCH, "plate": 7}}).encode(),
        422,
        "UsageError",
    ),
    "no date": (
        "/v1/searches",
        json.dumps({"request": {**SEARCH, "since": "soon"}}).encode(),
        422,
        "UsageError",
    ),
    "a text without end": (
        "/v1/pairings/confirm",
        json.dumps({"code": "x" * 5000}).encode(),
        422,
        "UsageError",
    ),
}


def test_malformed_bodies(city, http):
    headers = {"Authorization": f"Bearer {city.sign_in('r.alvarez')}", "Content-Type": "application/json"}
    size = city.vault.log.size
    for name, (path, body, status, kind) in MALFORMED.items():
        response = http.post(path, content=body, headers=headers)
        try:
            assert_problem(response, status, kind)
        except (AssertionError, ValueError) as failure:
            raise AssertionError(name) from failure
        assert "7KDR214" not in response.text
    assert city.vault.log.size == size


def test_half_a_character_is_refused(city, http):
    headers = {"Authorization": f"Bearer {city.sign_in('r.alvarez')}", "Content-Type": "application/json"}
    for field in ("plate", "case_number", "purpose"):
        body = json.dumps({"request": {**SEARCH, field: "\ud800"}}).encode()
        response = http.post("/v1/searches", content=body, headers=headers)
        assert response.status_code in (400, 422)
        assert response.headers["content-type"] == "application/problem+json"
    assert bodies(city, "search") == []


def test_a_number_without_end(city, http):
    headers = {"Authorization": f"Bearer {city.sign_in('r.alvarez')}", "Content-Type": "application/json"}
    body = b'{"read_id": "a", "kind": "crop", "search_index": 1' + b"0" * 4000 + b"}"
    assert assert_problem(http.post("/v1/images", content=body, headers=headers), 403, "Refused")["rules"]


def test_unknown_paths_and_methods_are_problems_too(http):
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("PUT", "/v1/searches", 405),
        ("GET", "/v1/purge", 405),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
    ):
        assert_problem(http.request(method, path), status, "UsageError")


def test_bodies_that_are_too_large(city, http):
    headers = {"Authorization": f"Bearer {city.sign_in('administrator')}"}
    note = "x" * BODY_LIMIT
    assert_problem(
        http.post("/v1/pairings/confirm", json={"code": note}, headers=headers), 400, "InputRefused"
    )
    rows = [{"plate": "7KDR214", "reason": "x" * 100}] * (BODY_LIMIT // 100)
    allowed = http.post("/v1/hotlist", json={"rows": rows, "authority": "x"}, headers=headers)
    assert allowed.status_code == 200, "a list may be longer than other bodies"
    large = {"rows": [{"plate": "x" * 1000}] * (HOTLIST_LIMIT // 1000), "authority": "x"}
    assert_problem(http.post("/v1/hotlist", json=large, headers=headers), 400, "InputRefused")


def raw_request(path, request):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
        return answer


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "CHUNKED"])
def test_a_body_that_does_not_say_its_size(socket_path, coding):
    request = (
        f"POST /v1/pairings/finish HTTP/1.1\r\nHost: vault\r\nTransfer-Encoding: {coding}\r\n"
        'Content-Type: application/json\r\n\r\n5\r\n{"a":\r\n0\r\n\r\n'
    )
    assert b" 400 " in raw_request(socket_path, request.encode()).partition(b"\r\n")[0]


@pytest.mark.parametrize("length", ["-1", "x", "99999999999", "1, 2"])
def test_sizes_that_are_none(socket_path, length):
    request = f"POST /v1/pairings/finish HTTP/1.1\r\nHost: vault\r\nContent-Length: {length}\r\n\r\n"
    assert b" 400 " in raw_request(socket_path, request.encode()).partition(b"\r\n")[0]


def test_an_unexpected_failure_says_nothing(city, http):
    """Whatever breaks inside, the answer has no secret in it, and the record holds what was asked."""
    token = city.sign_in("r.alvarez")

    def broken(*_):
        raise RuntimeError(f"the plate {PLATE} of {token}")

    object.__setattr__(city.vault.gate, "store", type("Broken", (), {"search": broken})())
    response = http.post(
        "/v1/searches", json={"request": SEARCH}, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 500
    assert PLATE not in response.text
    assert token not in response.text
    assert len(bodies(city, "search")) == 1


def test_the_demos_clock_exists_on_a_demos_clock_only(city):
    paths = {route.path for route in create_api(city.vault).routes}
    assert "/v1/demo/clock" in paths
    city.vault.demo_clock = None
    assert "/v1/demo/clock" not in {route.path for route in create_api(city.vault).routes}


class Sleeper:
    """A vault whose machine wakes up once."""

    def __init__(self):
        self.duties_done, self._naps = 0, iter([True])

    def duties(self):
        self.duties_done += 1

    def sweep_memory(self):
        pass

    def has_woken(self):
        return next(self._naps, False)


def test_a_machine_that_woke_up_does_its_duties_at_once(monkeypatch):
    """The interval is an hour here; only noticing the sleep brings the second round."""
    monkeypatch.setattr(vault_api, "DUTY_INTERVAL_SECONDS", 3600.0)
    monkeypatch.setattr(vault_api, "WAKE_LOOKS", 360_000)
    vault = Sleeper()

    async def watch():
        duties = asyncio.create_task(vault_api._run_duties(vault))
        while vault.duties_done < 2:  # noqa: ASYNC110 - the duties know no event
            await asyncio.sleep(0.01)
        duties.cancel()

    asyncio.run(asyncio.wait_for(watch(), 30))
    assert vault.duties_done == 2


def test_the_time_is_confirmed_by_command(city, client, monkeypatch, capsys):
    """Over the socket, by two persons: said, refused alone, approved, confirmed."""

    @contextlib.contextmanager
    def connected(*_args, signed_in=True, **_options):
        yield client(city.sign_in("administrator") if signed_in else None)

    monkeypatch.setattr(time_command, "vault_client", connected)

    def run(*words):
        code = execute(["time", *words, "--dir", str(city.root)])
        return code, " ".join("".join(capsys.readouterr()).split())

    assert "nothing to confirm" in run("show")[1]
    at = f"{city.now() + timedelta(days=40):%Y-%m-%dT%H:%MZ}"
    assert run("confirm", "--at", at)[0] == errors.ClockRefused.exit_code
    city.clock.step_wall(timedelta(days=40))
    assert "57,600 minutes ahead" in run("show")[1]
    for words in (("confirm",), ("confirm", "--at", "soon"), ("confirm", "--at", "2026-04-11T09:00")):
        assert run(*words)[0] == UsageError.exit_code
    code, said = run("confirm", "--at", at)
    assert code == errors.ApprovalNeeded.exit_code
    stored = city.vault.registry.approval_requests()[0]
    assert stored.request_id in said
    assert run("confirm", "--approval", stored.request_id, "--yes")[0] == errors.ApprovalNeeded.exit_code
    decide(city, "r.alvarez", stored.request_id, stored.request_sha256)
    code, said = run("confirm", "--approval", stored.request_id, "--yes")
    assert (code, "the clock is believed" in said) == (0, True)
    assert "nothing to confirm" in run("show")[1]


def test_signatures_cross_the_socket(city, client):
    """A demo's session needs none; one that is sent is taken as it is."""
    city.ingest(PLATE)
    token = city.sign_in("m.okafor")
    found = city.vault.gate.search(token, city.request(PLATE))
    request = ExportRequest(
        case_number="26-004512",
        reason="Discovery",
        read_ids=(found.reads[0].read.read_id,),
        search_index=found.receipt.entry_index,
    )
    officer = client(token)
    signature = ActSignature({"id": "AAAA"}, "http://localhost:8101")
    with pytest.raises(errors.ApprovalNeeded):
        officer.export(request, signature)
    stored = city.vault.registry.approval_requests()[0]
    for who in ("r.alvarez", "j.doe"):
        approver = client(city.sign_in(who))
        shown = approver.show_approval(stored.request_id)
        words = {"approve": True, "reason": TEXT}
        assert approver.decision_options(stored.request_id, shown.request_sha256, **words) is None
        approver.decide_approval(stored.request_id, shown.request_sha256, **words, signature=signature)
    assert officer.use_options(stored.request_id) is None
    assert officer.export(request, signature).reads == 1
