"""A folder from a stranger: clear findings, no traceback, nothing followed, waited for, or read whole into memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from glassplate.cli.main import execute
from glassplate.verify import Verification, verify_city
from glassplate.verify.findings import MAX_FINDINGS

GIGABYTE = 1024**3
MEMORY_LIMIT = 1536 * 1024**2  # the interpreter and its libraries reserve some 500 MB of address space


def sparse(path, size=64 * GIGABYTE):
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


def replace_by_link(path, target):
    path.unlink()
    path.symlink_to(target)


def replace_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def deep(public):
    place = public
    for _ in range(40):
        place /= "deeper"
    place.mkdir(parents=True)


HOSTILE = {
    "the log's key is a file of 64 GB": (
        lambda p: sparse(p / "log/vkey"),
        "log/vkey: it has 68,719,476,736 bytes",
    ),
    "a tile is a file of 64 GB": (
        lambda p: sparse(p / "log/tile/0/000"),
        "log/tile/0/000: it has 68,719,476,736",
    ),
    "a policy is a file of 64 GB": (
        lambda p: sparse(p / "policy" / ("0" * 64)),
        "it has 68,719,476,736 bytes",
    ),
    "the numbers are a file of 31 MB": (
        lambda p: sparse(p / "data.json", 31 * 1024**2),
        "data.json: it is larger than the 4,194,304 bytes",
    ),
    "a charter is a file of 31 MB": (
        lambda p: sparse(p / "charter/2/charter.json", 31 * 1024**2),
        "charter/2: charter.json: it is larger than",
    ),
    "a page is a link out of the folder": (
        lambda p: replace_by_link(p / "index.html", "/etc/hostname"),
        "index.html: it is a link",
    ),
    "a tile is a link to an endless device": (
        lambda p: replace_by_link(p / "log/tile/0/000", "/dev/zero"),
        "log/tile/0/000: it is a link",
    ),
    "the log is a link to its own folder": (
        lambda p: (shutil.rmtree(p / "log"), (p / "log").symlink_to(".")),
        "log: it is a link",
    ),
    "the checkpoint is a pipe that nobody writes to": (
        lambda p: replace_by_pipe(p / "log/checkpoint"),
        "log/checkpoint: it is no plain file",
    ),
    "the checkpoint is a folder": (
        lambda p: replace_by_folder(p / "log/checkpoint"),
        "log/checkpoint: it cannot be read (Is a directory)",
    ),
    "the list of pages is a folder": (
        lambda p: replace_by_folder(p / "site.note"),
        "site.note: it cannot be read",
    ),
    "a charter is a file": (
        lambda p: (shutil.rmtree(p / "charter/1"), (p / "charter/1").touch()),
        "charter/1: nothing that is signed",
    ),
    "a charter's document is a folder": (
        lambda p: replace_by_folder(p / "charter/1/root.json"),
        "charter/1: root.json: it cannot be read (Is a directory)",
    ),
    "all charters are one file": (
        lambda p: (shutil.rmtree(p / "charter"), (p / "charter").touch()),
        "charter: no charter is published",
    ),
    "the policies are one file": (
        lambda p: (shutil.rmtree(p / "policy"), (p / "policy").touch()),
        "it is missing",
    ),
    "a tile is a folder": (
        lambda p: replace_by_folder(p / "log/tile/0/000"),
        "log/tile/0/000 cannot be read (Is a directory)",
    ),
    "folders nest without end": (deep, "folders nest deeper than those of any record"),
    "a name is not valid UTF-8": (
        lambda p: open(os.fsencode(p) + b"/caf\xe9.html", "w").close(),  # noqa: PTH123
        r"caf\udce9.html: nothing that is signed",
    ),
    "a name would speak to the terminal": (
        lambda p: (p / "\x1b[2Jall is well [red]\n").touch(),
        r"\x1b[2Jall is well [red]\n: nothing that is signed",
    ),
    "the checkpoint is full of zeros": (
        lambda p: (p / "log/checkpoint").write_bytes(bytes(60_000)),
        "log/checkpoint: The note is malformed",
    ),
    "a charter nests ten thousand levels deep": (
        lambda p: (p / "charter/2/charter.json").write_text("[" * 10_000),
        "charter/2: ",
    ),
    "the numbers nest ten thousand levels deep": (
        lambda p: (p / "data.json").write_text('{"a":' * 10_000),
        "data.json: ",
    ),
    "the numbers are not text": (lambda p: (p / "data.json").write_bytes(b"\xff\xfe"), "data.json: "),
}


@pytest.mark.parametrize("change", HOSTILE)
@pytest.mark.timeout(30)
def test_a_hostile_folder_gives_a_clear_finding(change, published, check):
    act, expected = HOSTILE[change]
    act(published.public)

    code, findings = check(published.arguments)

    assert code == 5
    assert any(expected in finding for finding in findings), findings


def test_words_for_people_survive_hostile_names_too(published, capsys):
    (
        published.public
        / "\x1b[2J[nothing] [red]\udce9".encode(errors="surrogateescape").decode(errors="surrogateescape")
    ).touch()

    assert execute(published.arguments) == 5

    output = capsys.readouterr().out
    assert r"\x1b[2J[nothing] [red]\udce9: nothing that is signed" in output
    assert "1 thing does not hold." in output


def test_a_file_that_may_not_be_read_is_named(published, check, monkeypatch):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (published.public / "data.json").chmod(0)

    code, findings = check(published.arguments)

    assert code == 5
    assert any("data.json: it cannot be read (Permission denied)" in f for f in findings)


@pytest.mark.timeout(60)
def test_thousands_of_charter_versions_do_not_stop_the_check(published, check):
    for version in range(3, 3000):
        (published.public / "charter" / str(version)).mkdir()

    code, findings = check(published.arguments)

    assert code == 5
    assert any("it has 2,999 versions; only the newest" in f for f in findings)


def test_no_more_findings_than_a_person_can_use_are_kept():
    result = Verification()
    for number in range(MAX_FINDINGS * 3):
        result.find(f"file {number}", "is odd")

    assert len(result.findings) == MAX_FINDINGS + 1
    assert "the others are left out" in str(result.findings[-1])


def test_memory_stays_bounded(published):
    """Every file that may be large is as large as it may be; the check runs in a process with little memory."""
    public = published.public
    for name in (
        "index.html",
        "data.json",
        "site.note",
        "epoch-keys.note",
        "bundle.vkey",
        "log/vkey",
        "log/checkpoint",
    ):
        sparse(public / name, 32 * 1024**2)
    for number in range(60):
        sparse(public / "policy" / f"{number:064x}", 32 * 1024**2)
        sparse(public / f"stray-{number}", 32 * 1024**2)
    program = (
        "import resource, sys; "
        f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_LIMIT}, {MEMORY_LIMIT})); "
        "from glassplate.cli.main import run; run(sys.argv[1:])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, *published.arguments, "--json"],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.stderr == b""
    assert done.returncode == 5
    assert {"log/checkpoint", "site.note", "stray-59"} <= {
        f["where"] for f in json.loads(done.stdout)["findings"]
    }


def test_an_auditor_s_folder_of_odd_things_is_told_of(published, check):
    key = published.auditor_key.key_id
    first, second, third = (published.pulled / f"{index}.{key}.body" for index in (1, 2, 3))
    replace_by_link(first, "/dev/zero")
    replace_by_pipe(second)
    sparse(third)

    code, findings = check(published.arguments + published.audit_arguments)

    assert code == 5
    assert [f.split(":")[0] for f in findings if ".body" in f] == [first.name, second.name, third.name]


USAGE = {
    "a folder that does not exist": (
        lambda p: ["verify", str(p.root / "nowhere"), *p.arguments[2:]],
        "is not a folder",
    ),
    "the whole city instead of its public folder": (
        lambda p: ((p.root / "settings.toml").touch(), ["verify", str(p.root), *p.arguments[2:]])[1],
        "Give its public folder",
    ),
    "two of three fingerprints": (
        lambda p: p.arguments[:6] + p.arguments[8:],
        "once for each of clerk, chief, auditor",
    ),
    "an office that there is not": (
        lambda p: [part.replace("chief=", "mayor=") for part in p.arguments],
        "once for each of clerk, chief, auditor",
    ),
    "a fingerprint without its office": (
        lambda p: [part.replace("chief=", "") for part in p.arguments],
        "Write --root OFFICE=FINGERPRINT",
    ),
    "a day that is none": (lambda p: [*p.arguments[:-1], "yesterday"], "'yesterday' is no day"),
    "a folder of bodies that does not exist": (
        lambda p: [*p.arguments, "--bodies", str(p.root / "nowhere")],
        "is not a folder",
    ),
    "no fingerprint": (lambda p: p.arguments[:2], "--root"),
}


@pytest.mark.parametrize("mistake", USAGE)
def test_a_mistake_in_the_words_is_told_as_one(mistake, published, capsys):
    make, expected = USAGE[mistake]

    assert execute([*make(published), "--json"]) == 2

    said = json.loads(capsys.readouterr().out)
    assert expected in said["detail"]
    assert said["exit_code"] == 2


def test_an_auditor_key_that_cannot_be_read_is_named(published, capsys):
    published.auditor_key_file.write_text("no key")

    assert execute([*published.arguments, *published.audit_arguments, "--json"]) == 1

    assert str(published.auditor_key_file) in json.loads(capsys.readouterr().out)["detail"]


def test_verify_city_never_raises_for_an_empty_record(tmp_path):
    from datetime import UTC, datetime

    result = verify_city(tmp_path, {}, datetime(2026, 11, 25, tzinfo=UTC))

    assert [f.where for f in result.findings] == ["charter"]
