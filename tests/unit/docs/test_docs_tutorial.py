"""The tutorial works: its ``sh`` blocks run in order in an empty folder; their ``text`` blocks are what they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs_testing import DOCS

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 120  # for one block; the slowest takes ten on a loaded machine
TOLD = "declare -p; declare -f"  # what the next block knows of this one
BASHS_OWN = re.compile(
    r"^declare -(?:\S*r\S*|\S+ (?:BASH\w*|_|FUNCNAME|GROUPS|PIPESTATUS|DIRSTACK))\b.*\n", re.MULTILINE
)


def steps(page: str) -> list[tuple[str, list[str]]]:
    """(commands, lines that they print) of each block; ``…`` in a line stands for anything."""
    found: list[tuple[str, list[str]]] = []
    for kind, text in BLOCK.findall(page):
        if kind == "sh":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def missing(said: str, lines: list[str]) -> list[str]:
    """The lines that were not printed, in this order."""
    rest, absent = said, []
    for line in lines:
        match = re.search(".*".join(re.escape(part) for part in line.split("…")), rest)
        if match is None:
            absent.append(line)
        else:
            rest = rest[match.end() :]
    return absent


def run_block(commands: str, state: Path, environment: dict[str, str]) -> str:
    """Run one block where the last one ended; returns what it printed."""
    ending = f"{{ {TOLD}; echo \"cd '$PWD'\"; }} > '{state}.next'"
    script = f"set -euo pipefail\nsource '{state}'\n{commands}\n{ending}\n"
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # as a terminal shows them, one after the other
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}"
    state.write_text(BASHS_OWN.sub("", Path(f"{state}.next").read_text()))
    return done.stdout


def test_lines_are_looked_for_in_their_order() -> None:
    said = "one\ntwo three\nfour\n"
    assert missing(said, ["one", "two…", "four"]) == []
    assert missing(said, ["four", "one"]) == ["one"]
    assert missing(said, ["five"]) == ["five"]


def test_a_block_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text(f"cd '{tmp_path}'\n")
    environment = {"PATH": os.environ["PATH"]}
    run_block('mkdir there && cd there\nwords=("a b" c)\nsay() { echo "$# $1"; }', state, environment)
    assert run_block('say "${words[@]}"\npwd', state, environment).splitlines() == [
        "2 a b",
        str(tmp_path / "there"),
    ]
    with pytest.raises(AssertionError):
        run_block("false", state, environment)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_tutorial_runs_from_top_to_bottom(tmp_path: Path) -> None:
    blocks = steps((DOCS / "tutorial.md").read_text())
    assert len(blocks) >= 15
    assert sum(len(lines) for _, lines in blocks) >= 30
    state = tmp_path / "state"
    state.write_text(f"cd '{tmp_path}'\n")
    (tmp_path / "home").mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "COLUMNS": "200",
    }
    for commands, lines in blocks:
        said = run_block(commands, state, environment)
        assert missing(said, lines) == [], f"{commands}\n{said}"
