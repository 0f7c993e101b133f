"""The product's networks: listed in ``models/models.toml``, pinned by hash, never downloaded.

A network lies beside the list, or in the installed package that the list names. What runs is what was checked:
the bytes are read once, hashed, and those very bytes are given to onnxruntime.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassplate.errors import GlassplateError

if TYPE_CHECKING:
    from collections.abc import Iterable

MANIFEST = Path(__file__).parent / "models" / "models.toml"
MAX_OWN_BYTES = 10_000_000  # every clone and every wheel carries it
MAX_PACKAGE_BYTES = 50_000_000  # far above PP-OCRv6; a larger file is not read to be hashed
MAX_MODELS = 50

_FOLDER_IN_PACKAGE = {"rapidocr": "models"}  # the packages that may ship networks, and where in them
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\.onnx", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DATE = re.compile(r"20\d\d(-\d\d){0,2}", re.ASCII)
VERSION_DIGITS = 40  # 160 bits; a sealed read has room for 128 characters, the scene's networks included


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One network by the hash of its bytes, with what is known of it.

    ``date``: of the weights or of the package that published them. ``figures``: what was measured, and by whom.
    ``input``, ``outputs``: shapes and units, where no module says them.
    """

    name: str
    file: str
    sha256: str
    size_bytes: int
    license: str
    origin: str
    date: str
    task: str
    figures: str
    package: str = ""
    input: str = ""
    outputs: str = ""
    folder: Path = field(default=MANIFEST.parent, metadata={"in_manifest": False})

    def load(self) -> bytes:
        """The network's bytes, which are the pinned ones.

        Raises:
            GlassplateError: the file or its package is missing, unreadable or another one.
        """
        path = self._path()
        try:
            with path.open("rb") as file:
                data = file.read(self.size_bytes + 1)
        except OSError as error:
            raise self._unusable(f"is missing or unreadable ({error.strerror}: {path})") from None
        if len(data) != self.size_bytes:
            got = f"more than {self.size_bytes:,}" if len(data) > self.size_bytes else f"{len(data):,}"
            raise self._unusable(f"is not the pinned one: expected {self.size_bytes:,} bytes, got {got}")
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise self._unusable(
                f"is not the pinned one: expected sha256 {self.sha256[:16]}…, got {found[:16]}…"
            )
        return data

    def session(self) -> Any:
        """An ``onnxruntime.InferenceSession`` on the checked bytes: one thread, no memory arena.

        Raises:
            GlassplateError: as ``load``, or this onnxruntime cannot run the network.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it keeps the memory of the largest picture for ever
        options.log_severity_level = 3
        data = self.load()
        try:
            return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - onnxruntime's own types have no common root
            raise self._unusable(
                f"cannot be run by onnxruntime {onnxruntime.__version__} ({type(error).__name__})"
            ) from None

    def _path(self) -> Path:
        if not self.package:
            return self.folder / self.file
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            raise self._unusable("is missing, because its package is not installed")
        return Path(spec.origin).parent / _FOLDER_IN_PACKAGE[self.package] / self.file

    def _unusable(self, what: str) -> GlassplateError:
        return GlassplateError(
            f"The network {self.name} {what}; install {self.package or 'glassplate'} again."
        )


def models() -> tuple[ModelFile, ...]:
    """Every network of the product, in the order of the list.

    Raises:
        GlassplateError: the list is not as it should be.
    """
    return read_manifest(MANIFEST)


def model(name: str) -> ModelFile:
    """The network of this name.

    Raises:
        GlassplateError: the list has none, or is not as it should be.
    """
    for one in models():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in models())
    raise GlassplateError(f"There is no network {name!r}. The list has: {known}.")


def joint_digest(hashes: Iterable[tuple[str, str]]) -> str:
    """One digest over named SHA-256 hashes in their order, as it stands in versions: ``VERSION_DIGITS`` of hexadecimal."""
    lines = "".join(f"{name} {sha256}\n" for name, sha256 in hashes)
    return hashlib.sha256(lines.encode()).hexdigest()[:VERSION_DIGITS]


def digest_of_networks(names: Iterable[str]) -> str:
    """``joint_digest`` of these networks' pinned bytes; they are not loaded."""
    return joint_digest((name, model(name).sha256) for name in names)


@lru_cache(maxsize=4)
def read_manifest(path: Path) -> tuple[ModelFile, ...]:
    """The list at ``path``, read strictly; its own networks lie beside it. Files are not opened here.

    Raises:
        GlassplateError: naming the network and the key that is wrong.
    """
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GlassplateError(
            f"The list of networks {path} cannot be read: {error}. Install glassplate again."
        ) from None
    rows = document.get("model")
    if set(document) != {"model"} or not isinstance(rows, list) or not 0 < len(rows) <= MAX_MODELS:
        raise GlassplateError(f"{path} must hold 1 to {MAX_MODELS} [[model]] tables and nothing else.")
    listed = tuple(_model(row, number, path) for number, row in enumerate(rows, start=1))
    for name in ("name", "file"):
        values = [getattr(one, name) for one in listed]
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise GlassplateError(f"{path} has the {name} {twice!r} twice. Each network is listed once.")
    return listed


_KEYS = [item for item in fields(ModelFile) if item.metadata.get("in_manifest", True)]
_REQUIRED = {item.name for item in _KEYS if item.default is MISSING}


def _model(row: Any, number: int, path: Path) -> ModelFile:
    keys = set(row) if isinstance(row, dict) else set()
    where = f"{path}: network {number} ({row['name']})" if "name" in keys else f"{path}: network {number}"
    if missing := _REQUIRED - keys:
        raise GlassplateError(f"{where} lacks {', '.join(sorted(missing))}.")
    if unknown := keys - {item.name for item in _KEYS}:
        raise GlassplateError(f"{where} has the unknown key {', '.join(sorted(unknown))}.")
    for item in _KEYS:
        wanted = int if item.name == "size_bytes" else str
        if type(row.get(item.name, wanted())) is not wanted or (
            item.name in _REQUIRED and not row[item.name]
        ):
            kind = "a whole number" if wanted is int else "text"
            raise GlassplateError(f"{where}: {item.name} must be {kind}, and not empty.")
    _check_forms(row, where)
    return ModelFile(**row, folder=path.parent)


def _check_forms(row: dict[str, Any], where: str) -> None:
    forms = {
        "name": (_NAME, "a short name of letters, digits, dots and dashes"),
        "file": (_FILE, "the bare name of an .onnx file"),
        "sha256": (_SHA256, "64 hexadecimal digits in lower case"),
        "date": (_DATE, "a year, month or day such as 2026-04"),
    }
    for key, (form, words) in forms.items():
        if not form.fullmatch(row[key]):
            raise GlassplateError(f"{where}: {key} must be {words}; got {row[key][:80]!r}.")
    package = row.get("package", "")
    if package and package not in _FOLDER_IN_PACKAGE:
        raise GlassplateError(
            f"{where}: package must be one of {', '.join(_FOLDER_IN_PACKAGE)}; got {package!r}."
        )
    limit = MAX_PACKAGE_BYTES if package else MAX_OWN_BYTES
    if not 0 < row["size_bytes"] <= limit:
        raise GlassplateError(
            f"{where} has {row['size_bytes']:,} bytes; at most {limit:,} are accepted. Make it smaller."
        )
