"""One middleware: the headers that every answer carries, and the refusal of requests from elsewhere.

* Content-Security-Policy without ``unsafe-*``: no inline script or style, no foreign address, no frames.
* An unsafe method passes only with ``Sec-Fetch-Site: same-origin`` **and** our own ``Origin``. A SameSite
  cookie is not enough by itself.
* ``Referrer-Policy: same-origin``, not ``no-referrer``: under the latter a browser sends ``Origin: null``
  with a plain form, and the check above could not tell our form from a stranger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
}
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
BODY_LIMIT = 64 * 1024  # our longest form has a few hundred bytes, a passkey answer a few thousand
STATIC_PREFIX = "/static/"


class FaceHeaders:
    """ASGI middleware around a whole face."""

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on; either way the answer gets the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        personal = not scope["path"].startswith(STATIC_PREFIX)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Cache-Control"] = "no-store" if personal else "no-cache"
            await send(message)

        refusal = _refusal(scope, self._origin)
        app: ASGIApp = self._app if refusal is None else refusal
        await app(scope, receive, send_with_headers)


def _refusal(scope: Scope, origin: str) -> JSONResponse | PlainTextResponse | None:
    if scope["method"] in SAFE_METHODS:
        return None
    headers = Headers(scope=scope)
    if headers.get("sec-fetch-site") != "same-origin" or headers.get("origin") != origin:
        return PlainTextResponse(
            "Refused: this request did not come from our own page. Open the page itself and try again.",
            status_code=403,
        )
    try:
        length = int(headers.get("content-length", ""))
    except ValueError:
        length = BODY_LIMIT + 1  # a request that does not say its size is refused, too
    if length > BODY_LIMIT:
        return PlainTextResponse(f"Refused: at most {BODY_LIMIT} bytes.", status_code=413)
    return None
