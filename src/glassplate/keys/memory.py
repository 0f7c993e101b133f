"""Secrets in memory: kept out of swap and core dumps as far as the system lets us.

Best effort and said so: the interpreter and OpenSSL make copies that nobody can reach. What is promised is
that a secret has no readable ``repr``, cannot be pickled, and that the process leaves no core dump (``hidden_memory``).
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import NoReturn


class SecretBytes:
    """Bytes that are locked in memory, hidden from ``repr`` and overwritten when they are no longer held.

    ``is_locked``: whether the system keeps them out of swap.
    """

    def __init__(self, value: bytes) -> None:
        self._size = len(value)
        self._buffer = ctypes.create_string_buffer(value, self._size)
        self.is_locked = False
        with contextlib.suppress(OSError, AttributeError):  # RLIMIT_MEMLOCK may be 0 in a container
            failed = _libc().mlock(ctypes.byref(self._buffer), ctypes.c_size_t(self._size))
            self.is_locked = failed == 0

    def reveal(self) -> bytes:
        """The bytes themselves. Do not keep them."""
        return self._buffer.raw

    def wipe(self) -> None:
        """Overwrite them with zeros."""
        ctypes.memset(self._buffer, 0, self._size)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            self.wipe()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be copied or pickled.")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
