"""A city founded by hand: the commands in the order in which a newcomer types them, and what each says."""

from __future__ import annotations

import shutil

import pytest
from tests.support.commands import Person
from tests.system.conftest import CAMERA, OFFICES

SENTENCES = {
    "init": "Next: glassplate charter draft, then each office signs, then glassplate charter install.",
    "draft": "Next: each office runs glassplate charter sign.",
    "install unsigned": "lacks the signature of: clerk, chief, auditor. Each office runs: glassplate charter sign draft",
    "show without a charter": "No charter is installed. Draft one (glassplate charter draft)",
    "sign unasked": "Sign version 1 of Exampleville? Nobody can be asked here; add --yes to go ahead.",
    "install": "Charter version 1 is in force, recorded as entry 0.",
}
CODES = {"install unsigned": 3, "show without a charter": 3, "sign unasked": 2}


@pytest.mark.parametrize("step", SENTENCES)
def test_each_step_of_the_ceremony_says_what_comes_next(step, founding):
    outcome = founding[1][step]

    assert SENTENCES[step] in outcome.words
    assert outcome.code == CODES.get(step, 0)


def test_each_office_signs_the_same_bytes_and_hears_who_is_missing(founding):
    signed = [founding[1][f"sign by {office}"].json for office in OFFICES]

    assert [said["missing"] for said in signed] == [["chief", "auditor"], ["auditor"], []]
    assert len({said["digest"] for said in signed}) == 1
    assert signed[0]["digest"] in founding[1]["draft"].words


def test_a_signer_reads_the_charter_before_signing(founding):
    assert "No read is older than 30 days" in founding[1]["sign unasked"].words


def test_the_first_day_of_a_trial_city(person, photos, roots):
    login = person.run("login", "--demo", "r.alvarez", "--dir", "city")
    assert login.code == 3
    assert (
        "The charter of Exampleville is marked trial: software passkeys open demo cities only" in login.words
    )

    search = person.run("search", "6HNV372", "--dir", "city")
    assert search.code == 3
    assert "You are not signed in here. Sign in with: glassplate login" in search.words

    read = person.must("ingest", "photos", "--camera", CAMERA, "--dir", "city", "--json").json
    assert [r["text"] for r in read["reads"]] == ["6HNV372"]
    assert (read["delivered"], read["already_there"]) == (1, 0)
    again = person.must("ingest", "photos", "--camera", CAMERA, "--dir", "city", "--json").json
    assert (again["delivered"], again["already_there"]) == (0, 1)

    (person.place / "city/unlock.secret").rename(person.place / "elsewhere.secret")
    assert person.must("purge", "--dir", "city").words == "Nothing is due."

    told = person.must("verify", "city/public", *roots)
    assert "is signed by the three offices" in told.words
    assert "Everything holds." in told.words


def test_keys_are_never_overwritten(person):
    before = {path.name: path.read_bytes() for path in person.place.glob("*.key")}

    for arguments in (
        ("charter", "keygen", "clerk", "--out", "clerk.key"),
        ("audit", "keygen", "--out", "body1.key"),
        ("charter", "camera-key", CAMERA, "--dir", "city"),
    ):
        refused = person.run(*arguments)
        assert refused.code == 2
        assert "never overwritten" in refused.words

    assert before == {path.name: path.read_bytes() for path in person.place.glob("*.key")}
    assert all(path.stat().st_mode & 0o077 == 0 for path in person.place.glob("*.key"))


def test_a_city_is_not_made_twice(person, roots):
    marks = [part.replace("--root", "--office") for part in roots]
    before = (person.place / "city/unlock.secret").read_bytes()

    refused = person.run("init", "--dir", "city", *marks)

    assert refused.code == 1
    assert "already holds a city" in refused.words
    assert (person.place / "city/unlock.secret").read_bytes() == before
    person.must("charter", "show", "--dir", "city")


def test_init_wants_all_three_fingerprints(tmp_path):
    refused = Person(tmp_path).run("init", "--dir", "city", "--office", "clerk=SHA256:AAAA", "--json")

    assert refused.code == 2
    assert "once for each of: clerk, chief, auditor" in refused.json["detail"]
    assert not (tmp_path / "city").exists()


def test_a_file_that_is_no_office_key_signs_nothing(person):
    shutil.copytree(person.place / "draft", person.place / "other")

    for key, sentence in (
        ("body1.key", "not an Ed25519 key"),
        ("draft/root.json", "not an office's private key"),
    ):
        refused = person.run("charter", "sign", "other", "--key", key, "--yes")
        assert refused.code == 1, refused.words
        assert sentence in refused.words

    missing = person.run("charter", "sign", "other", "--key", "nowhere.key", "--yes")
    assert missing.code == 1
    assert "nowhere.key" in missing.words


def test_show_says_the_same_to_people_and_machines(person):
    shown = person.must("charter", "show", "--dir", "city", "--json").json

    assert shown["version"] == 1
    assert shown["mark"] == "trial"
    words = person.must("charter", "show", "--dir", "city").words
    assert "A read is deleted at the latest 30 days after it was made." in words
