"""The build hook: exact versions, checked archives, all or nothing, no host."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import os
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hook() -> ModuleType:
    """``hatch_build.py`` as a module."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project whose npm hands out one archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in (("package/dist/a.js", b"let a;\n"), ("package/evil.js", b"evil\n")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    (tmp_path / "archive.tgz").write_bytes(archive.getvalue())
    digest = base64.b64encode(hashlib.sha512(archive.getvalue()).digest()).decode()
    write_manifest(tmp_path, integrity=f"sha512-{digest}")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "npm").write_text(
        f'#!/bin/sh\nwhile [ "$1" != --pack-destination ]; do shift; done\ncp {tmp_path}/archive.tgz "$2"\n'
    )
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def write_manifest(root: Path, **changes: object) -> None:
    package = {"package": "a", "version": "1.0.0", "files": {"dist/a.js": "js/a.js"}, **changes}
    (root / "frontend").mkdir(exist_ok=True)
    (root / "frontend/packages.json").write_text(json.dumps({"packages": [package]}))


def test_only_wanted_files_are_unpacked(hook: ModuleType, tree: Path) -> None:
    hook.vendor(tree)

    files = {
        str(path.relative_to(tree / hook.VENDOR))
        for path in (tree / hook.VENDOR).rglob("*")
        if path.is_file()
    }
    assert files == {"js/a.js", hook.STAMP}
    assert hook.is_current(tree)


def test_an_archive_with_another_hash_changes_nothing(hook: ModuleType, tree: Path) -> None:
    hook.vendor(tree)
    write_manifest(tree, integrity="sha512-" + base64.b64encode(b"0" * 64).decode())

    with pytest.raises(hook.VendorError, match="the manifest expects sha512-MDAw"):
        hook.vendor(tree)

    assert (tree / hook.VENDOR / "js/a.js").exists()
    assert not hook.is_current(tree)
    assert [path.name for path in (tree / hook.VENDOR).parent.iterdir()] == ["vendor"]


def test_an_npm_that_fails_says_what_to_do(hook: ModuleType, tree: Path) -> None:
    (tree / "bin/npm").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")

    with pytest.raises(hook.VendorError, match="Is the npm registry reachable"):
        hook.vendor(tree)


def test_the_manifest_pins_exactly_and_names_licenses_and_no_host() -> None:
    text = (ROOT / "frontend/packages.json").read_text()

    assert "://" not in text
    for package in json.loads(text)["packages"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["integrity"].startswith("sha512-")
        assert package["license"]
        assert package["purpose"]


def test_the_requirements_are_hashed_and_name_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text, path
        pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in pin for pin in pins), path
        assert text.count("--hash=sha256:") >= len(pins), path
