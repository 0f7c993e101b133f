"""A process that nobody reads: what the vault and every worker do to themselves first."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def hide_memory() -> None:
    """No core dumps, and no process of the same user may read this one's memory. Call once, at the start.

    Raises:
        OSError: the kernel refuses; then the process must not begin.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "dumpable")
