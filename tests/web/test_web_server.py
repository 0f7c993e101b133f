"""The process of a face: what it needs, and what it says when that is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from glassplate.errors import UsageError
from glassplate.web.server import make_face


def test_each_face_is_made_from_what_it_needs(tmp_path: Path) -> None:
    assert make_face("officer", socket_path=tmp_path / "vault.sock")
    assert make_face("oversight", socket_path=tmp_path / "vault.sock", zone_name="America/Chicago")
    assert make_face("public", folder=tmp_path)


MISSING = {
    "no socket": ("officer", {}, "socket"),
    "no folder": ("public", {}, "folder"),
    "no such zone": ("officer", {"socket_path": Path("vault.sock"), "zone_name": "Mars/Base"}, "time zone"),
}


@pytest.mark.parametrize(("name", "options", "said"), MISSING.values(), ids=MISSING.keys())
def test_a_missing_part_is_named(name, options, said) -> None:
    with pytest.raises(UsageError, match=said):
        make_face(name, **options)


def test_the_command_line_says_what_is_missing_in_one_line() -> None:
    command = [sys.executable, "-m", "glassplate.web.server", "officer", "--port", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert result.returncode == 2
    assert "needs the vault's socket" in result.stderr
    assert "Traceback" not in result.stderr
