"""Two cities for the whole session: one built by hand through the commands, and the demo's. Tests work on copies."""

from __future__ import annotations

import json
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # for ``tests.support``, however pytest was started

from tests.support.city import PASSPHRASE, make_city
from tests.support.commands import Person, copy_city
from tests.support.shared import made_once

from glassplate.files import LocalFiles
from glassplate.recognize.engines import engine
from glassplate.recognize.scenes import shipped_version, stored_version
from glassplate.registry.sessions import IDLE_LIMIT

OFFICES = ("clerk", "chief", "auditor")
CAMERA = "court-16th"
PHOTOS = Path(__file__).parents[2] / "src" / "glassplate" / "demo_photos"


def ceremony(person):
    """The whole ceremony, command by command, as docs/tutorial.md shows it. Returns what each step said."""
    said = {}
    offices = {o: person.must("charter", "keygen", o, "--out", f"{o}.key", "--json").json for o in OFFICES}
    readers = [person.must("audit", "keygen", "--out", f"body{n}.key", "--json").json for n in (1, 2)]
    said["fingerprints"] = {office: made["fingerprint"] for office, made in offices.items()}
    marks = [part for o, mark in said["fingerprints"].items() for part in ("--office", f"{o}={mark}")]
    said["init"] = person.must("init", "--dir", "city", *marks, "--origin", "city.example/glassplate")
    camera = person.must("charter", "camera-key", CAMERA, "--dir", "city", "--json").json
    keys = [part for o, made in offices.items() for part in ("--office", f"{o}={made['public_key']}")]
    keys += [part for r in readers for part in ("--auditor-key", f"{r['key_id']}={r['public_key']}")]
    said["draft"] = person.must(
        *("charter", "draft", "--dir", "city", "--out", "draft", "--mark", "trial", "--city", "Exampleville"),
        *("--agency", "exampleville-pd=Exampleville Police Department", *keys),
        *("--camera", f"{CAMERA}={camera['public_key']}=Court Street at 16th Street"),
    )
    said["install unsigned"] = person.run("charter", "install", "draft", "--dir", "city")
    said["show without a charter"] = person.run("charter", "show", "--dir", "city")
    said["sign unasked"] = person.run("charter", "sign", "draft", "--key", "clerk.key")
    for office in OFFICES:
        signed = person.must("charter", "sign", "draft", "--key", f"{office}.key", "--yes", "--json")
        said[f"sign by {office}"] = signed
    said["install"] = person.must("charter", "install", "draft", "--dir", "city")
    return said


@pytest.fixture(scope="session")
def founding(tmp_path_factory):
    """A trial city in force, its offices' keys and its signed draft in one folder, and what each command said."""

    def make(folder):
        person = Person(folder)
        return person, ceremony(person)

    return made_once(tmp_path_factory, "trial", make)


@pytest.fixture(scope="session")
def trial_template(founding):
    return founding[0].place


@pytest.fixture
def person(trial_template, tmp_path):
    """Somebody in a folder with a trial city of their own."""
    return Person(copy_city(trial_template, tmp_path / "place"))


@pytest.fixture
def roots(founding):
    """The ``--root`` options for the trial city."""
    return [
        part
        for office, mark in founding[1]["fingerprints"].items()
        for part in ("--root", f"{office}={mark}")
    ]


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory):
    """``glassplate demo --headless --json``: the person, and what the command said."""

    def make(folder):
        person = Person(folder)
        return person, person.run("demo", "--headless", "--json", "--dir", "city")

    return made_once(tmp_path_factory, "demo", make)


@pytest.fixture
def demo(demo_run, tmp_path):
    """Somebody with a demo city of their own: thirty days of reads, people with software passkeys."""
    made, outcome = demo_run
    assert outcome.code == 0, outcome.words
    return Person(copy_city(made.place, tmp_path / "place"))


@pytest.fixture
def photo():
    """A shipped photo of one invented plate, 6HNV372."""
    return PHOTOS / "photo-01.jpg"


@pytest.fixture
def photos(person, photo):
    """A folder with that one photo."""
    folder = person.place / "photos"
    folder.mkdir()
    shutil.copyfile(photo, folder / photo.name)
    return folder


def make_young(root):
    """A demo city two days old with reads in two sealed segments, made in this process: quick, and the same bytes."""
    ours = stored_version(engine(), shipped_version())
    city = make_city(root / "city", datetime.now(UTC) - timedelta(days=2), recognizers=("test 1", ours))
    city.ingest("7KDR214", "8ABC123")
    city.pass_days(1)
    city.ingest("7KDR214")
    city.vault.advance_demo_clock(datetime.now(UTC) - timedelta(seconds=5))
    token = city.sign_in("r.alvarez")
    city.close()
    (root / "city/unlock.secret").write_bytes(PASSPHRASE)
    (root / "city/unlock.secret").chmod(0o600)
    for camera_id, key in city.camera_keys.items():
        key.save(city.folder.lane(camera_id) / "camera.key", LocalFiles())
    return root, city.fingerprints, token


@pytest.fixture(scope="session")
def young_cities(tmp_path_factory):
    """Makes the city once, and again before its officer's session is idle for too long."""
    made = []

    def newest():
        if not made or time.monotonic() - made[-1][0] > IDLE_LIMIT.total_seconds() / 3:
            made.append((time.monotonic(), make_young(tmp_path_factory.mktemp("young"))))
        return made[-1][1]

    return newest


@pytest.fixture
def city_template(young_cities):
    """Where the city lies, its offices' fingerprints, and its officer's session."""
    return young_cities()


@pytest.fixture
def young(city_template, tmp_path):
    """Somebody in a folder with a young demo city of their own, signed in as an officer."""
    person = Person(copy_city(city_template[0], tmp_path / "young"))
    sessions = person.place / "state/glassplate/sessions.json"  # as ``glassplate login`` leaves it
    sessions.parent.mkdir(parents=True)
    sessions.write_text(json.dumps({str((person.place / "city").resolve()): city_template[2]}))
    return person


@pytest.fixture
def young_holds(city_template, young):
    """Check the young city's record from outside."""

    def check():
        roots = [part for office, mark in city_template[1].items() for part in ("--root", f"{office}={mark}")]
        assert young.must("verify", "city/public", *roots, "--json").json["holds"]

    return check
