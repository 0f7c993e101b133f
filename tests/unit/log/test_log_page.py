"""The log is for other projects, too: its page's example runs, its words are its own, everything public is explained."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import glassplate.log

ROOT = Path(__file__).parents[3]
SOURCES = sorted(Path(glassplate.log.__file__).parent.glob("*.py"))
FOREIGN_WORDS = re.compile(
    r"\b(license|plates?|vehicles?|cameras?|officers?|charters?|vaults?|police|city|cities|searche?s?|hotlists?)\b",
    re.IGNORECASE,
)


def test_the_example_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/log.md").read_text(), flags=re.DOTALL)
    paths = os.pathsep.join(sys.path)

    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Middlemarch" in ran.stdout
    assert "C 12" not in ran.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_word_of_what_is_recorded(path):
    found = {match[0].lower() for match in FOREIGN_WORDS.finditer(path.read_text())}

    assert found == set()


@pytest.mark.parametrize("name", glassplate.log.__all__)
def test_everything_public_has_its_own_docstring(name):
    thing = getattr(glassplate.log, name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return  # constants and type aliases
    assert vars(thing).get("__doc__") or inspect.getdoc(thing)
    if inspect.isclass(thing):
        bare = [
            each
            for each, member in vars(thing).items()
            if not each.startswith("_")
            and (inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod)))
            and not (getattr(member, "__func__", member).__doc__)
        ]
        assert bare == []
