"""Serves ``D/public``. Nothing is computed or listed and nobody signs in; any web server could do it.

Full and partial tiles never change once written, so they may be kept for ever; the checkpoint and the pages
may be kept for seconds. Anybody may fetch the files from a script of their own: they are public.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}
FOR_EVER = "public, max-age=31536000, immutable"
SECONDS = "public, max-age=5"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".py": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".tlog-proof": "text/plain; charset=utf-8",
}
_TEXTS = ("checkpoint", "vkey", "bundle")
_TILE = re.compile(r"(^|/)tile/")
_POLICY = re.compile(r"(^|/)policy/[0-9a-f]{64}")


class _PublicFolder(StaticFiles):
    """Starlette's file server with our types, caching and headers; it refuses links and paths outside."""

    async def check_config(self) -> None:
        """No error where the vault has not written the folder yet: there is just no such file."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """One file."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        path = self.get_path(scope)
        response.headers["Content-Type"] = _kind(path)
        response.headers["Cache-Control"] = FOR_EVER if _never_changes(path) else SECONDS
        response.headers.update(HEADERS)
        return response


def create_app(folder: Path) -> Starlette:
    """The face over one folder, which must exist when a request comes, not before."""
    files = _PublicFolder(directory=folder, html=True, check_dir=False)
    return Starlette(routes=[Mount("/", app=files)], exception_handlers={404: _missing, 405: _missing})


def _kind(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    if name in (".", "") or path == ".":
        return _KINDS[".html"]
    suffix = "." + name.rsplit(".", 1)[-1] if "." in name else ""
    return _KINDS.get(suffix) or (_KINDS[".txt"] if name in _TEXTS else "application/octet-stream")


def _never_changes(path: str) -> bool:
    return bool(_TILE.search(path) or _POLICY.search(path))


def _missing(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("There is no such file in this folder.\n", status_code=404, headers=HEADERS)
