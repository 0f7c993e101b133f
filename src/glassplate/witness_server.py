"""A witness over HTTP (C2SP tlog-witness): for a council's, a newspaper's or a neighbor city's own machine.

    POST /add-checkpoint                            a log asks for a cosignature
    GET  /<hexadecimal SHA-256 of origin>/checkpoint   what was cosigned last, for monitors
    GET  /                                          what this witness watches, in words

It holds one key and the newest checkpoint of each log, nothing of any city. Put a TLS server before it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from glassplate.log import MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from starlette.requests import Request

    from glassplate.log import Witness

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def witness_app(witness: Witness) -> Starlette:
    """The web application around one witness."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_REQUEST_BYTES:
                return PlainTextResponse("the request is too long\n", 413, HEADERS)
        answer = await run_in_threadpool(witness.add_checkpoint, bytes(body))
        return Response(answer.body, answer.status, HEADERS, answer.content_type)

    async def checkpoint(request: Request) -> Response:
        seen = await run_in_threadpool(witness.seen_by_hash, request.path_params["name"])
        if seen is None:
            return PlainTextResponse("nothing was cosigned for this log\n", 404, HEADERS)
        return Response(seen, 200, HEADERS, "text/plain; charset=utf-8")

    async def about(_request: Request) -> Response:
        sizes = await run_in_threadpool(witness.sizes)
        lines = [
            f"A witness (C2SP tlog-witness). Its key: {witness.verifier}",
            *(
                f"{origin}: {'not seen yet' if size is None else f'{size:,} entries cosigned'}"
                for origin, size in sorted(sizes.items())
            ),
            f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        ]
        return PlainTextResponse("\n".join(lines) + "\n", 200, HEADERS)

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{name:str}/checkpoint", checkpoint),
            Route("/", about),
        ]
    )
