"""Ports of this machine on which a test may start a server of its own.

Below those that Linux gives to whoever asks for any (32768 and up), and other ones for each process of pytest-xdist: so
nobody takes one between the look and the server's start, or while a test's server is down.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from random import SystemRandom

FIRST, EACH = 20_000, 1_000
_CHANCE = SystemRandom()  # pytest-randomly gives every process the same seed


def free_ports(number: int) -> list[int]:
    """Different ports on which nobody listens now."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    first = FIRST + int(worker) % 12 * EACH
    with ExitStack() as stack:
        found: list[int] = []
        for port in _CHANCE.sample(range(first, first + EACH), EACH):
            holder = stack.enter_context(socket.socket())
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == number:
                return found
    raise AssertionError(f"no {number} free ports from {first} on")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
