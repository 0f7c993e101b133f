"""What goes wrong in a machine room: one clear sentence, the right exit status, nothing lost, and it works again after."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.commands import client, vault_process, vault_says

from glassplate.errors import GlassplateError

SEARCH = (
    *("search", "7KDR214", "--purpose", "stolen_vehicle", "--offense", "auto_theft", "--case", "26-004512"),
    *("--last", "7d", "--dir", "city", "--json"),
)


def refused(outcome, code, sentence):
    """One JSON document with one sentence that says so, and the exit status beside it."""
    said = outcome.json
    assert outcome.code == code == said["exit_code"], outcome.words
    assert sentence in said["detail"]
    assert outcome.err == ""


def damage(path, position=None):
    data = bytearray(path.read_bytes())
    start = len(data) // 2 if position is None else position
    data[start : start + 12] = b"x" * 12
    path.write_bytes(bytes(data))


def reads_of(outcome):
    assert outcome.code == 0, outcome.words
    return [found["read"]["captured_at"][:10] for found in outcome.json["reads"]]


# --- unlock secret and keys ---------------------------------------------------------------------------------------

KEY_FAULTS = {
    "the unlock secret is wrong": (
        lambda c: (c / "unlock.secret").write_text("wrong"),
        "does not open this keyring",
    ),
    "the unlock secret is empty": (
        lambda c: (c / "unlock.secret").write_text("\n"),
        "unlock.secret is empty",
    ),
    "the unlock secret is missing": (
        lambda c: (c / "unlock.secret").unlink(),
        "Name the file with --unlock FILE, or run this in a terminal and type it.",
    ),
    "the unlock secret is a folder": (
        lambda c: ((c / "unlock.secret").unlink(), (c / "unlock.secret").mkdir()),
        "unlock.secret cannot be read: Is a directory.",
    ),
    "the key folder is missing": (
        lambda c: (c / "vault/keys").rename(c / "away"),
        "vault/keys holds no keyring",
    ),
}


@pytest.mark.parametrize("fault", KEY_FAULTS)
def test_without_its_keys_the_vault_stays_shut(fault, young):
    act, sentence = KEY_FAULTS[fault]
    act(young.place / "city")

    refused(young.run(*SEARCH), 1, sentence)


def test_the_unlock_secret_may_lie_elsewhere(young):
    (young.place / "city/unlock.secret").rename(young.place / "usb.secret")

    assert len(reads_of(young.run(*SEARCH, "--unlock", "usb.secret"))) == 2


def test_purge_does_not_call_a_missing_key_folder_nothing_to_do(young):
    (young.place / "city/vault/keys").rename(young.place / "away")

    refused(young.run("purge", "--dir", "city", "--json"), 1, "vault/keys is missing")


# --- charters ------------------------------------------------------------------------------------------------------


def edit_json(path, change):
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def other_signature(said):
    said["signatures"][0]["sig"] = "0" * 128


CHARTER_FAULTS = {
    "a signature does not hold": (
        lambda d: edit_json(d / "charter.json", other_signature),
        "signature does not hold",
    ),
    "an office has not signed": (
        lambda d: edit_json(d / "charter.json", lambda said: said["signatures"].pop()),
        "lacks the signature of",
    ),
    "a word was changed after signing": (
        lambda d: (d / "charter.json").write_text(
            (d / "charter.json").read_text().replace("Exampleville", "Exampletown")
        ),
        "was changed after signing",
    ),
    "a policy was changed after signing": (
        lambda d: (d / "base.cedar").write_text(
            (d / "base.cedar").read_text() + "permit(principal, action, resource);"
        ),
        "base.cedar is not the file that the offices signed",
    ),
    "it is the version that is in force already": (lambda d: None, "An old charter cannot come back."),
}


@pytest.mark.parametrize("fault", CHARTER_FAULTS)
def test_a_charter_that_does_not_hold_leaves_the_old_one_in_force(fault, person):
    act, sentence = CHARTER_FAULTS[fault]
    act(person.place / "draft")

    refused(person.run("charter", "install", "draft", "--dir", "city", "--json"), 3, sentence)

    assert sorted(path.name for path in (person.place / "city/vault/charter").iterdir() if path.is_dir()) == [
        "1"
    ]


def test_a_charter_of_which_a_file_is_missing_is_named(person):
    (person.place / "draft/offices.json").unlink()

    refused(
        person.run("charter", "install", "draft", "--dir", "city", "--json"),
        1,
        "draft/offices.json cannot be read",
    )


def test_after_the_charter_s_end_nothing_is_read_or_searched_and_keys_still_die(young):
    city = young.place / "city"
    end = datetime.now(UTC) + timedelta(days=800)
    with vault_process(city, demo_clock=end.isoformat()):
        young.must("login", "--demo", "r.alvarez", "--dir", "city")
        search = young.run(*SEARCH)
        refused(search, 3, "it has ended. The council must sign a new version.")
        assert "charter-in-force" in search.json["rules"]
        (young.place / "photos").mkdir()
        lane = young.run("ingest", "photos", "--camera", "court-16th", "--dir", "city", "--json")
        refused(lane, 3, "Capture and search have stopped; the council must sign a new version.")
        doctor = young.run("doctor", "--dir", "city", "--json")
        assert doctor.code == 1
        assert any("expired" in check["detail"] for check in doctor.json if not check["ok"])
    assert not list((city / "vault/store").glob("*.sealed"))


def test_a_stopped_clock_is_for_demos_only(person):
    unlock = person.place / "city/unlock.secret"

    code, said = vault_says(
        person.place / "city", "--unlock", str(unlock), "--demo-clock", "2026-11-25T00:00:00+00:00"
    )

    assert code == 3
    assert "demo" in said["detail"]


# --- clock ---------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumped_back_stops_capture_and_search(young, young_holds):
    with vault_process(young.place / "city", demo_clock=(datetime.now(UTC) - timedelta(days=1)).isoformat()):
        refused(young.run(*SEARCH), 1, "Capture and search have stopped; set the clock right.")
        doctor = young.run("doctor", "--dir", "city", "--json")
        assert doctor.code == 1
        said = [check["detail"] for check in doctor.json if not check["ok"]]
        assert len(said) == len(set(said))
        assert any(sentence.startswith("The clock says") for sentence in said)

    assert len(reads_of(young.run(*SEARCH))) == 2
    young_holds()


# --- two vaults ----------------------------------------------------------------------------------------------------


def test_a_folder_has_one_vault(young):
    city = young.place / "city"
    with vault_process(city):
        code, said = vault_says(city, "--unlock", str(city / "unlock.secret"))
        assert (code, said["kind"]) == (1, "FolderBusy")
        refused(young.run("serve", "--dir", "city", "--json"), 1, "A vault already runs on")
        assert len(reads_of(young.run(*SEARCH))) == 2  # the first one answers on
    assert not (city / "vault/vault.sock").exists()


# --- a vault that is killed -------------------------------------------------------------------------------------------


def test_a_vault_killed_in_the_middle_of_searches_loses_none(young, young_holds):
    city = young.place / "city"
    token = next(iter(json.loads((young.place / "state/glassplate/sessions.json").read_text()).values()))
    answered, enough = [], threading.Event()

    def search_on_and_on():
        from glassplate.records import SearchRequest

        now = datetime.now(UTC)
        request = SearchRequest(
            "7KDR214", "stolen_vehicle", "auto_theft", "26-004512", now - timedelta(days=3), now
        )
        with client(city, token) as vault:
            while True:
                try:
                    answered.append(vault.search(request).receipt.entry_index)
                except GlassplateError as error:
                    answered.append(str(error))
                    return
                finally:
                    if len(answered) >= 4:
                        enough.set()

    with vault_process(city) as process:
        officer = threading.Thread(target=search_on_and_on)
        officer.start()
        assert enough.wait(30), answered
        os.kill(process.pid, signal.SIGKILL)
        officer.join(30)

    assert len(reads_of(young.run(*SEARCH))) == 2
    entries = young.must("audit", "list", "--count", "500", "--dir", "city", "--json")
    types = {entry["index"]: entry["entry_type"] for entry in entries.json}
    receipts = [index for index in answered if isinstance(index, int)]
    assert all(types[index] == "search" for index in receipts)  # who got an answer has an entry
    assert list(types.values()).count("search") == list(types.values()).count("search-outcome")
    assert "vault" in answered[-1].lower()  # and the one who got none got a sentence
    young_holds()


# --- damaged files ------------------------------------------------------------------------------------------------------


def test_a_damaged_segment_is_named_and_other_days_are_served(young):
    segment = min((young.place / "city/vault/store").glob("*.sealed"))
    damage(segment)
    day = segment.name[:10]

    outcome = young.run(*SEARCH)

    served = reads_of(outcome)
    assert len(served) == 1
    assert day not in served
    assert [epoch for epoch, _reason in outcome.json["unserved"]] == [day]
    told = young.run(*SEARCH[:-1])
    assert day in told.words
    with vault_process(young.place / "city"):
        doctor = young.run("doctor", "--dir", "city", "--json")
        assert doctor.code == 1
        assert any(segment.name in check["detail"] for check in doctor.json if not check["ok"])


def newest_tile(vault):
    return max((vault.parent / "public/log/tile/0/000.p").iterdir(), key=lambda path: int(path.name))


DAMAGES = {
    "a page of the registry": (lambda v: damage(v / "registry.db", 5000), "registry.db cannot be used"),
    "the registry's first page": (
        lambda v: damage(v / "registry.db", 0),
        "registry.db does not open with this key",
    ),
    "a byte of the journal": (lambda v: damage(v / "log/journal"), "vault/log/journal is damaged at byte"),
    "the journal's end": (
        lambda v: (v / "log/journal").write_bytes((v / "log/journal").read_bytes()[:-4000]),
        "vault/log/journal",
    ),
    "a published tile": (
        lambda v: damage(newest_tile(v)),
        "tile/0/000.p",
    ),
    "the installed charter": (lambda v: damage(v / "charter/1/charter.json"), "charter.json"),
    "the offices' fingerprints": (lambda v: damage(next((v / "charter").glob("trust.*"))), "fingerprints"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_file_stops_the_vault_and_is_named(what, young):
    act, sentence = DAMAGES[what]
    act(young.place / "city/vault")

    outcome = young.run(*SEARCH)

    assert outcome.code in {1, 3, 5}, outcome.words
    refused(outcome, outcome.code, sentence)


def test_a_lost_registry_is_made_again_from_the_log(young, young_holds):
    for path in (young.place / "city/vault").glob("registry.db*"):
        path.unlink()

    assert len(reads_of(young.run(*SEARCH))) == 2
    young_holds()


# --- a full disk -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [8_192, 40_000, 1_000])
def test_a_full_disk_answers_nothing_and_loses_nothing(room, young, young_holds):
    """No file may grow beyond ``room`` bytes above what the journal has, or at all beyond 8 KB."""
    journal = young.place / "city/vault/log/journal"
    size = journal.stat().st_size + room if room != 8_192 else room

    outcome = young.run(*SEARCH, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))

    assert outcome.code in {1, 4} or (room == 40_000 and outcome.code == 0), outcome.words
    if outcome.code:
        detail = outcome.json["detail"]
        assert any(name in detail for name in ("journal", "registry", "/city/", "disk")), detail
        assert "key" not in detail
    assert len(reads_of(young.run(*SEARCH))) == 2
    young_holds()


# --- words and folders -------------------------------------------------------------------------------------------------------

OTHER_FOLDERS = (
    ("charter", "show"),
    ("purge",),
    ("serve",),
    ("login", "--demo", "r.alvarez"),
    ("ingest", ".", "--camera", "court-16th"),
    ("audit", "list"),
    ("report",),
)


@pytest.mark.parametrize("arguments", OTHER_FOLDERS, ids=" ".join)
def test_a_folder_that_is_no_city_is_told_as_one(arguments, tmp_path, capsys, monkeypatch):
    from glassplate.cli.main import execute

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    assert execute([*arguments, "--dir", str(tmp_path), "--json"]) == 2

    detail = json.loads(capsys.readouterr().out)["detail"]
    assert (
        f"is not a Glassplate folder (no settings.toml). Make one: glassplate init --dir {tmp_path}" in detail
    )
    assert list(tmp_path.iterdir()) == []


SETTINGS = {
    'colour = "red"': "unknown setting 'colour'. Known: backup_folder, camera_megabytes_per_hour, camera_networks,",
    'officer_port = "8101"': "officer_port must be a whole number.",
    "host = 1": "host must be text.",
    "host": "is not valid TOML",
    'log_origin = "https://city.example"': "log_origin must be a schema-less URL",
}


@pytest.mark.parametrize("line", SETTINGS)
def test_a_wrong_setting_is_named(line, tmp_path, capsys):
    from glassplate.cli.main import execute

    (tmp_path / "settings.toml").write_text(f"{line}\n")

    assert execute(["purge", "--dir", str(tmp_path), "--json"]) == 2

    detail = json.loads(capsys.readouterr().out)["detail"]
    assert str(tmp_path / "settings.toml") in detail
    assert SETTINGS[line] in detail
