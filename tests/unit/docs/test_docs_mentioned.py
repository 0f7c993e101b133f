"""What exists is documented: commands, settings, dependencies, entries; what is documented exists."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
import typer
from docs_testing import DOCS, PAGES, ROOT, SOURCE, all_text, source_trees
from typer.main import get_command

from glassplate import alert
from glassplate.cli.main import app
from glassplate.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ENTRIES = DOCS / "formats" / "entries.md"


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    group = group or get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


def test_the_commands_are_found() -> None:
    assert {"demo", "charter sign", "audit open", "verify"} <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme_with_help_and_json(name: str) -> None:
    assert f"| `glassplate {name}` |" in (ROOT / "README.md").read_text()
    assert COMMANDS[name].help
    assert any("--json" in parameter.opts for parameter in COMMANDS[name].params)


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    named = re.findall(r"^\| `glassplate ([a-z -]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_example_in_a_help_text_can_be_parsed(name: str) -> None:
    epilog = COMMANDS[name].epilog or ""
    if "docs/tutorial.md" in epilog:
        assert f"glassplate {name} " in (DOCS / "tutorial.md").read_text()
        return
    examples = _examples(epilog)
    assert examples, f"glassplate {name} --help shows no example"
    for example in examples:
        words = shlex.split(example)
        assert words[: 1 + len(name.split())] == ["glassplate", *name.split()]
        command = COMMANDS[name]
        context = typer.Context(command, info_name=name)
        command.parse_args(context, words[1 + len(name.split()) :])


def _examples(epilog: str) -> list[str]:
    """The command lines of an epilog, several apart by three spaces; or it points to the tutorial, which is run."""
    found = re.findall(r"glassplate [^\n]*?(?=\s{3,}|$)", epilog)
    return [example.strip() for example in found]


def test_every_setting_is_documented_with_its_default() -> None:
    page = (DOCS / "formats.md").read_text()
    for item in fields(Settings):
        assert f"| `{item.name}` | `{item.default}` |" in page


def test_the_columns_of_a_hot_list_are_documented_and_no_others() -> None:
    section = (DOCS / "formats.md").read_text().split("## §9")[1].split("## §10")[0]
    assert sorted(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)) == sorted(alert.COLUMNS)
    for limit in (f"{alert.MIN_PLATE_LENGTH}–{alert.MAX_PLATE_LENGTH} letters", f"{alert.MAX_ROWS:,} rows"):
        assert limit in section


def test_every_dependency_has_a_reason_in_pyproject_and_a_line_in_the_readme() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)
    run, groups = project["project"]["dependencies"], project["dependency-groups"]
    extras = project["project"]["optional-dependencies"]
    for requirement in [*run, *(part for group in [*groups.values(), *extras.values()] for part in group)]:
        lines = [
            line.split(f'"{requirement}"')[1] for line in text.splitlines() if f'"{requirement}"' in line
        ]
        assert any(re.search(r"#\s*\w+", rest) for rest in lines), f"{requirement} says nothing of its use"
    names = [re.split(r"[<>=\[]", requirement)[0] for requirement in run]
    readme = (ROOT / "README.md").read_text()
    assert [name for name in names if f"| {name} |" not in readme] == []
    assert [extra for extra in extras if f"glassplate[{extra}]" not in readme] == []
    table = readme.split("## Dependencies")[1].split("##")[0]
    assert sorted(re.findall(r"^\| ([a-z0-9-]+) \|", table, re.MULTILINE)) == sorted(["package", *names])


def test_every_file_that_the_architecture_names_exists() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = page.split("## Rooms")[1].split("## Import rules")[0]
    named = {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", rooms, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }
    there = {p.name + ("/" if p.is_dir() else "") for p in SOURCE.iterdir() if not p.name.startswith("_")}
    assert named == there - {"demo_photos/"}
    modules = set(re.findall(r"`([a-z_]+\.py)`", page))
    assert [name for name in sorted(modules) if not list(SOURCE.rglob(name))] == []


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_resolve(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name} links to {target}"
        assert not anchor or anchor in _anchors(path), f"{document.name} links to {target}"


def test_references_from_the_code_to_the_formats_resolve() -> None:
    found = 0
    for path in SOURCE.rglob("*.py"):
        text = re.sub(r"\s*\n\s*#?\s*", " ", path.read_text())
        for name, section in re.findall(r"(docs/formats(?:/[a-z]+)?\.md)`*(?: §(\d+))?", text):
            found += 1
            page = ROOT / name
            assert page.exists(), f"{path.name} refers to {name}"
            assert not section or re.search(rf"^## §?{section}\b", page.read_text(), re.MULTILINE), path
    assert found >= 8


def test_every_type_of_entry_is_documented_with_its_public_fields() -> None:
    rows = {
        row.split("`")[1]: row for row in ENTRIES.read_text().splitlines() if re.match(r"\| `[a-z-]+`", row)
    }
    types = {}
    for _, tree in source_trees():
        types.update(_recorded(tree))
    assert {"search", "epoch-closed", "epoch-supplement", "charter-installed"} <= set(types)
    assert sorted(set(types) - set(rows)) == []
    for entry_type, words in types.items():
        public = rows[entry_type].split("|")[2]
        assert [word for word in words if f"`{word}`" not in public and "the same" not in public] == [], (
            entry_type
        )


def test_every_operation_is_documented() -> None:
    from glassplate.registry.operations import _HANDLERS

    page = ENTRIES.read_text()
    assert [kind for kind in _HANDLERS if f"`{kind}`" not in page] == []


def _recorded(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """(entry type, literal public fields) of each call of a method named ``record`` with a type."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "record"
            and node.args
        ):
            types = [
                c.value
                for c in ast.walk(node.args[0])
                if isinstance(c, ast.Constant) and isinstance(c.value, str)
            ]
            public = next((k.value for k in node.keywords if k.arg == "public"), None)
            keys = public.keys if isinstance(public, ast.Dict) else []
            words = [key.value for key in keys if isinstance(key, ast.Constant)]
            yield from ((entry_type, words) for entry_type in types)


def test_the_tests_that_the_threat_table_names_exist() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    named = re.findall(r"`(test_[a-z0-9_]+)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) >= 20
    assert [
        name for name in named if f"def {name}(" not in source and f"{name}.py" not in _test_files()
    ] == []


def _test_files() -> set[str]:
    return {path.name for path in (ROOT / "tests").rglob("*.py")}


def test_no_page_names_a_place_of_one_machine() -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|Users)/\S*", all_text()) == []


def _anchors(path: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
