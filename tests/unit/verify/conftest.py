"""One published city for the whole session; each test changes a copy of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started

from tests.support.published import publish_city

from glassplate.cli.main import execute


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    return publish_city(tmp_path_factory.mktemp("published"))


@pytest.fixture
def published(template, tmp_path):
    return template.copy_to(tmp_path / "copy")


@pytest.fixture
def check(capsys):
    """Run ``glassplate verify`` with these arguments; returns exit code and findings, ``where: what`` each."""

    def run(arguments):
        code = execute([*arguments, "--json"])
        output = capsys.readouterr()
        assert output.err == ""
        said = json.loads(output.out)
        return code, [f"{finding['where']}: {finding['what']}" for finding in said.get("findings", [said])]

    return run
