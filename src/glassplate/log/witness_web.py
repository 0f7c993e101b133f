"""HTTP to strangers: short waits, bounded answers, no redirects, no compression, no proxy from the environment."""

from __future__ import annotations

import time

import httpx

from glassplate.log.witness_client import WebAnswer

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 6.0  # between two pieces of an answer
WHOLE_SECONDS = 120.0  # a server that drips holds nobody longer; the witness client waits less by itself


class HttpWeb:
    """``Web`` over HTTP. Callable from several threads."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity"},  # what is small on the wire must not be large in memory
        )

    def post(self, url: str, body: bytes, most: int) -> WebAnswer:
        """See ``Web.post``."""
        return self._send("POST", url, most, body)

    def get(self, url: str, most: int) -> WebAnswer:
        """See ``Web.get``."""
        return self._send("GET", url, most, None)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, method: str, url: str, most: int, body: bytes | None) -> WebAnswer:
        ends = time.monotonic() + WHOLE_SECONDS
        try:
            with self._client.stream(method, url, content=body) as answer:
                received = bytearray()
                for piece in answer.iter_raw():
                    received += piece
                    if time.monotonic() > ends:
                        raise OSError(f"it answered for more than {WHOLE_SECONDS:.0f} seconds")
                    if len(received) > most:
                        raise OSError(f"it answered more than {most} bytes")
                return WebAnswer(answer.status_code, bytes(received))
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:  # RuntimeError: closed meanwhile
            raise OSError(f"it cannot be reached ({type(error).__name__})") from None
