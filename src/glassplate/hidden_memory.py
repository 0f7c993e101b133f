"""A process that nobody reads: what the vault and every worker do to themselves first."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # asm-generic/mman.h


def hide_memory() -> None:
    """No core dumps, and no process of the same user may read this one's memory. Call once, at the start.

    Raises:
        OSError: the kernel refuses; then the process must not begin.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "dumpable")


def lock_memory() -> bool:
    """Keep all of this process out of swap, where it may lock as much as it likes; returns whether that was done.

    Under a limit (``RLIMIT_MEMLOCK``) nothing is done: memory that is asked for later would be refused at the limit.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
