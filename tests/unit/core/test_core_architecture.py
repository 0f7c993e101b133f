"""Walls that import-linter cannot draw: who may name what."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "glassplate"

ONLY = {
    "images are opened by the gate alone": ("ImageOpener", {"gate.py", "seal"}),
    "sealed reads are opened by intake alone": ("open_all", {"intake.py", "seal"}),
    "nobody opens them past the opening worker": ("ReadOpener", {"seal"}),
    "stored rows are asked for by the gate alone": ("StoreQuery", {"gate.py", "store"}),
    "redacted images are made by the redaction alone": ("_MAKER", {"recognize"}),
    "entries are built by the recorder alone": ("leaf_bytes", {"record.py", "log"}),
    "the charter is installed by the mandate alone": ("verify_stop", {"mandate.py", "charter"}),
}


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            named |= {alias.name for alias in node.names}
    return named


@pytest.mark.parametrize("rule", ONLY)
def test_a_name_stays_in_its_room(rule: str) -> None:
    name, rooms = ONLY[rule]
    users = {path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py") if name in names_in(path)}
    assert users, f"{name} is used nowhere: rename it here too"
    assert users <= rooms, rule


def test_every_entry_type_is_recorded_in_one_place_only_by_the_recorder() -> None:
    appenders = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if "log" not in path.parts
        and ".append([" in path.read_text()
        and "TransparencyLog" in path.read_text()
    ]
    assert appenders == ["record.py"]
