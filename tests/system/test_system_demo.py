"""``glassplate demo`` and what a newcomer does with its folder afterwards."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from tests.support.planted import hits
from tests.support.ports import free_ports

PHOTOS = Path(__file__).parents[2] / "src" / "glassplate" / "demo_photos"


def test_the_demo_runs_to_its_end_and_says_how_to_check_it(demo_run, demo):
    _, outcome = demo_run

    assert outcome.code == 0, outcome.words
    assert outcome.err == ""
    said = outcome.json  # nothing but JSON on standard output
    assert set(said["fingerprints"]) == {"clerk", "chief", "auditor"}
    command = said["verify"].partition(" verify ")[2].split()
    told = demo.run("verify", *command)
    assert told.code == 0
    assert "Everything holds." in told.words


def test_the_demo_never_writes_into_a_folder_that_holds_something(demo):
    before = sorted(path.name for path in (demo.place / "city").iterdir())

    refused = demo.run("demo", "--headless", "--json", "--dir", "city")

    assert refused.code == 2
    assert "city is not empty. Choose another --dir" in refused.json["detail"]
    assert sorted(path.name for path in (demo.place / "city").iterdir()) == before


def test_no_plate_of_the_demo_lies_readable_anywhere(demo_run):
    """Vault, lanes and their outboxes, public folder, pulled bodies, stolen and forged copies, temporary folder."""
    person, _ = demo_run
    with (PHOTOS / "photos.csv").open(encoding="utf-8") as file:
        plates = sorted({row["plate"] for row in csv.DictReader(file)})
    assert len(plates) >= 12
    assert len(list((person.place / "city" / "lane").rglob("outbox.db"))) == 3
    assert hits(person.place, plates) == []


def test_the_demo_s_officer_signs_in_searches_and_signs_out(demo):
    words = ("--purpose", "stolen_vehicle", "--offense", "auto_theft", "--case", "26-004512", "--dir", "city")

    assert (
        "Signed in as Sgt. R. Alvarez (demo authenticator)"
        in demo.must("login", "--demo", "r.alvarez", "--dir", "city").words
    )
    found = demo.must("search", "7KDR214", *words)
    assert "before it ran, for stolen_vehicle, case 26-004512" in found.words
    assert "7KDR214" in found.out.partition("\n")[2]
    refused = demo.run("search", "7KDR214", *words[:4], "--dir", "city", "--json")
    assert refused.code == 3
    assert refused.json["rules"] == ["case-given"]
    assert demo.must("login", "--out", "--dir", "city").words == "Signed out."
    assert demo.run("search", "7KDR214", *words).code == 3


def test_serve_answers_on_three_ports_and_ends_with_all_its_children(demo):
    ports = free_ports(3)
    settings = demo.place / "city/settings.toml"
    names = ("officer_port", "oversight_port", "public_port")
    lines = [line for line in settings.read_text().splitlines() if not line.startswith(names)]
    settings.write_text(
        "\n".join([*lines, *(f"{n} = {p}" for n, p in zip(names, ports, strict=True))]) + "\n"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(demo.place / "state")}
    command = [sys.executable, "-m", "glassplate", "serve", "--dir", "city", "--json"]
    process = subprocess.Popen(
        command, cwd=demo.place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        pages = [wait_for_page(port, process) for port in ports]
        assert "sign in" in pages[0].lower()
        assert "Exampleville" in pages[2]
        doctor = demo.run("doctor", "--dir", "city", "--json")
        assert doctor.code == 0, doctor.words
        assert all(check["ok"] for check in doctor.json)
        assert any(check["detail"].startswith("running;") for check in doctor.json)
        children = descendants(process.pid)
        assert len(children) >= 4  # vault and three faces
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()

    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert set(json.loads(out)) == {"officer", "oversight", "public"}
    assert [child for child in children if is_alive(child)] == []
    assert not (demo.place / "city/vault/vault.sock").exists()


def wait_for_page(port, process):
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                return page.read().decode()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"nobody answers on port {port}")
            time.sleep(0.2)


def descendants(pid):
    """Process ids below ``pid``, as Linux lists them."""
    found, waiting = [], [pid]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
            below = [int(part) for part in (task / "children").read_text().split()]
            found += below
            waiting += below
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
