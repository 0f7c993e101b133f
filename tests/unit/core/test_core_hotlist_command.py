"""``glassplate hotlist``: a large file goes in parts, a broken one not at all, and a break can be gone on from."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from glassplate.cli import hotlist
from glassplate.cli.main import execute
from glassplate.errors import InputRefused, LogUnavailable, UsageError

HEADER = "plate,region,category,authority,reason,expires_at\n"


class InProcess:
    """The client's two calls, answered by the vault itself; ``fail_at``: the part at which the record is full."""

    def __init__(self, city, fail_at=None):
        self.city, self.fail_at, self.parts = city, fail_at, []

    def import_hotlist(self, rows, authority):
        if len(self.parts) == self.fail_at:
            raise LogUnavailable("The disk is full.")
        self.parts.append(len(rows))
        return self.city.vault.alerts.import_hotlist(self.city.sign_in("administrator"), rows, authority)

    def hotlist(self, **asked):
        return self.city.vault.alerts.hotlist(self.city.sign_in("administrator"), **asked)


@dataclass
class Ran:
    exit_code: int
    out: str
    err: str
    parts: list[int]


@pytest.fixture
def run(city, monkeypatch, capsys):
    """Runs the command against the city."""
    monkeypatch.setattr(hotlist, "ROWS_AT_ONCE", 3)

    def run(*arguments, fail_at=None):
        client = InProcess(city, fail_at)

        @contextmanager
        def connected(*_args, **_options):
            yield client

        monkeypatch.setattr(hotlist, "vault_client", connected)
        code = execute(["hotlist", *arguments, "--dir", str(city.root)])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err, client.parts)

    return run


def csv_file(tmp_path, count, name="list.csv"):
    path = tmp_path / name
    rows = [f"7ABC{n:03},US-CA,stolen_vehicle,State,reported,2026-12-01\n" for n in range(count)]
    path.write_text(HEADER + "".join(rows))
    return path


def test_a_break_says_from_where_to_go_on(run, city, tmp_path):
    path = str(csv_file(tmp_path, 8))
    broken = run("import", path, "--authority", "State", fail_at=2)
    assert broken.exit_code == LogUnavailable.exit_code
    assert broken.parts == [3, 3]
    assert "Rows 1 to 6 of 8 are recorded" in broken.err
    assert "--from-row 7" in broken.err
    result = run("import", path, "--authority", "State", "--from-row", "7")
    assert (result.exit_code, result.parts) == (0, [2])
    assert city.vault.registry.hotlist_size(city.now()) == 8


def test_a_break_at_the_first_part_says_nothing_of_it(run, tmp_path):
    broken = run("import", str(csv_file(tmp_path, 8)), "--authority", "State", fail_at=0)
    assert "recorded" not in broken.err


def test_there_is_no_such_row(run, tmp_path):
    result = run("import", str(csv_file(tmp_path, 2)), "--authority", "State", "--from-row", "3")
    assert (result.exit_code, result.parts) == (UsageError.exit_code, [])


BROKEN = {
    "no such file": None,
    "empty": "",
    "a header alone": HEADER,
    "no column named plate": "number\n7ABC111\n",
    "not text": b"plate\n\xff\xfe\n",
    "a quote that never ends": HEADER + "7ABC001,US-CA,stolen_vehicle,State,r,2026-12-01\n" * 7 + '"7ABC',
    "a line without an end": "plate\n" + "7" * 200_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_of_a_broken_file_is_sent(run, tmp_path, name):
    path, content = tmp_path / "list.csv", BROKEN[name]
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("import", str(path), "--authority", "State")
    assert (result.exit_code, result.parts) == (InputRefused.exit_code, [])


def test_a_file_that_is_too_large(run, tmp_path, monkeypatch):
    monkeypatch.setattr(hotlist, "MAX_FILE_BYTES", 100)
    assert (
        run("import", str(csv_file(tmp_path, 8)), "--authority", "State").exit_code == InputRefused.exit_code
    )


def test_pages_show_every_entry_once_in_the_order_of_plates(run, tmp_path):
    run("import", str(csv_file(tmp_path, 7)), "--authority", "State")
    seen, after = [], ""
    for _ in range(4):
        page = json.loads(run("list", "--limit", "2", "--json", *(["--after", after] if after else [])).out)
        assert page["armed"] == 7
        seen += [entry["plate"] for entry in page["entries"]]
        after = page["next"]
    assert seen == [f"7ABC{n:03}" for n in range(7)]
    assert after == ""


def test_a_page_of_plates_that_begin_so(run, city, tmp_path):
    run("import", str(csv_file(tmp_path, 12)), "--authority", "State")
    token = city.sign_in("r.alvarez")

    def plates(text):
        return [entry.plate for entry in city.vault.alerts.hotlist(token, plate=text).entries]

    assert plates("7abc 0o") == [f"7ABC00{n}" for n in range(10)], "O is 0"
    assert plates("7ABC011") == ["7ABC011"]
    assert plates("8") == []
    assert "None of 12 armed entries" in run("list", "--plate", "8").out
    listed = run("list", "--limit", "5")
    assert "7ABC004" in listed.out
    assert "--after 7ABC004/" in listed.err


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 1_001}, {"after": "7ABC001"}, {"after": "a/b/c"}])
def test_a_page_that_nobody_gave(city, asked):
    with pytest.raises(UsageError):
        city.vault.alerts.hotlist(city.sign_in("r.alvarez"), **asked)
