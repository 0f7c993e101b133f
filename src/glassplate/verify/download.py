"""A city's public folder fetched over HTTP: only the files that a record has, each of bounded size, from one host.

A web server cannot be listed, so the names come from what was fetched before: the checkpoint gives the tiles, the
entries the charters, a charter the policies, ``site.note`` the pages. Nothing is believed for that: the checks that
follow judge the copy as they judge any folder, and a file that the server withheld is missing there.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from glassplate.errors import InputRefused, UsageError
from glassplate.log.note import MAX_NOTE_BYTES
from glassplate.log.tiles import TILE_WIDTH, entries_path, tile_path
from glassplate.verify.charters import DOCUMENTS, MAX_DOCUMENT_BYTES, MAX_VERSIONS
from glassplate.verify.folder import MAX_FILE_BYTES
from glassplate.verify.published import BUNDLE_NAME, MAX_BYTES, MAX_KEY_BYTES, PAGES, SITE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from glassplate.log.witness_client import WebAnswer

MAX_ENTRIES = 20_000_000  # fifty years of a large city's record
MAX_TOTAL_BYTES = 16 * 1024**3  # twenty million entries have some 12 GB
MAX_PAGES = 100
ATTEMPTS = 3
FOUND, MISSING = 200, 404
_PAGE = re.compile(r"[0-9a-f]{64} (?P<name>[a-z0-9][a-z0-9-]{0,60}\.[a-z0-9]{1,10})", re.ASCII)
_INSTALLED = re.compile(rb'"charter-installed","version":"(?P<version>[1-9][0-9]{0,8})"')
_POLICY = re.compile(rb'"(?:base|overlay|schema)_sha256":"(?P<digest>[0-9a-f]{64})"')
_HEAD_FILES = {
    "log/vkey": MAX_KEY_BYTES,
    "bundle.vkey": MAX_KEY_BYTES,
    BUNDLE_NAME: MAX_BYTES,
    SITE_NAME: MAX_BYTES,
}


class PageSource(Protocol):
    """``glassplate.log.HttpWeb``, or an honest fake: follows no redirect."""

    def get(self, url: str, most: int) -> WebAnswer:
        """One answer of at most ``most`` bytes. Raises ``OSError``."""


@dataclass(slots=True)
class _Fetch:
    web: PageSource
    base: str
    to: Path
    step: Callable[[int, int], None]
    room: int
    total: int = 0
    received: int = 0
    done: set[str] = field(default_factory=set)

    def one(self, name: str, most: int = MAX_FILE_BYTES) -> bytes | None:
        """One file, written below ``to``; None where the server has none."""
        if self.received >= self.room:
            raise InputRefused(
                f"{self.base} sends more than {self.room:,} bytes, which is what there is room for here. "
                "Make room, or copy the folder by other means."
            )
        try:
            answer = self.web.get(f"{self.base}/{name}", most)
        except OSError as error:
            raise InputRefused(f"{self.base}/{name}: {error}.") from None
        self.done.add(name)
        self.step(len(self.done), max(self.total, len(self.done)))
        if answer.status == MISSING:
            return None
        if answer.status != FOUND:
            raise InputRefused(
                f"{self.base}/{name}: the server answered {answer.status}. Give the address that answers by itself; "
                "no redirect is followed."
            )
        self.received += len(answer.body)
        path = self.to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer.body)
        return answer.body


def download_city(
    url: str, to: Path, web: PageSource, step: Callable[[int, int], None] = lambda _done, _total: None
) -> None:
    """Fetch the public folder at ``url`` into the empty folder ``to``. ``step`` is told files done and to do.

    Raises:
        UsageError: the address is none.
        InputRefused: the server cannot be reached, sends elsewhere, or sends more than a record can have.
    """
    base = _checked(url)
    for _ in range(ATTEMPTS):  # a publication meanwhile leaves a copy of two days in one
        room = min(MAX_TOTAL_BYTES, shutil.disk_usage(to.parent).free // 2)
        fetch = _Fetch(web, base, to, step, room)
        _fetch_all(fetch)
        before = (to / SITE_NAME).read_bytes() if (to / SITE_NAME).exists() else None
        if fetch.one(SITE_NAME, MAX_BYTES) == before:
            return
        shutil.rmtree(to)
    raise InputRefused(
        f"{url} is published anew faster than it can be fetched. Copy the folder by other means."
    )


def _fetch_all(fetch: _Fetch) -> None:
    for name, most in _HEAD_FILES.items():
        fetch.one(name, most)
    checkpoint = fetch.one("log/checkpoint", MAX_NOTE_BYTES)
    if checkpoint is None:
        raise InputRefused(f"{fetch.base} has no log/checkpoint: it is not a city's public folder.")
    size = _size(checkpoint)
    tiles = list(_tiles(size))
    fetch.total = len(fetch.done) + len(tiles)
    versions: set[int] = set()
    for name, full_name in tiles:
        data = fetch.one(name)
        if data is None and full_name != name:
            data = fetch.one(full_name)
        if data is not None and "/entries/" in name:
            versions |= {int(match["version"]) for match in _INSTALLED.finditer(data)}
    _fetch_charters(fetch, sorted(versions)[-MAX_VERSIONS:])
    for name in _pages(fetch.to / SITE_NAME):
        fetch.one(name, MAX_BYTES)


def _fetch_charters(fetch: _Fetch, versions: list[int]) -> None:
    policies: set[bytes] = set()
    for version in versions:
        for name in DOCUMENTS:
            data = fetch.one(f"charter/{version}/{name}", MAX_DOCUMENT_BYTES)
            if data is not None and name == "charter.json":
                policies |= {match["digest"] for match in _POLICY.finditer(data)}
    for digest in sorted(policies)[: 3 * MAX_VERSIONS]:
        fetch.one(f"policy/{digest.decode()}", MAX_DOCUMENT_BYTES)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{url!r} is no address of a public folder. Write https://host/path.")
    if parts.username or parts.password:
        raise UsageError("A public folder needs no name and no password; leave them out of the address.")
    return url.removesuffix("index.html").rstrip("/")


def _size(checkpoint: bytes) -> int:
    lines = checkpoint.split(b"\n", 2)
    text = lines[1].decode("ascii", "replace") if len(lines) > 1 else ""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > MAX_ENTRIES:
        raise InputRefused(f"log/checkpoint gives no size of at most {MAX_ENTRIES:,} entries.")
    return int(text)


def _tiles(size: int) -> Iterator[tuple[str, str]]:
    """(name, name of the full file that may stand in its place) of every tile and bundle of this size."""
    for number in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        yield f"log/{entries_path(number, width)}", f"log/{entries_path(number)}"
    level = 0
    while size:
        for number in range(-(-size // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            yield f"log/{tile_path(level, number, width)}", f"log/{tile_path(level, number)}"
        level, size = level + 1, size // TILE_WIDTH


def _pages(site_note: Path) -> list[str]:
    """The names that the signed list of pages has; its signature is checked later."""
    text = site_note.read_text(errors="replace") if site_note.exists() else ""
    return sorted({*PAGES, *(match["name"] for match in _PAGE.finditer(text))})[:MAX_PAGES]
