"""Overwrites the memory that this process has let go: neither Python nor the C library does it.

A string that nobody holds any more stays as it was, in a free block of its allocator, until something else is put there.
``sweep_freed_memory`` takes every free block there is, overwrites it and gives it back:

    (1) collect   what only points at itself is let go, too
    (2) objects   Python's allocator (``Objects/obmalloc.c``): blocks of one size class at a time, until one comes from
                  memory that was not mapped when the sweep began. Then no free block of that class was left, nor an
                  empty pool; the largest class goes first, since it takes the empty pools
    (3) arrays    the small buffers that numpy keeps for the next array of the same size
    (4) heap      the C library's: ever smaller chunks, until one comes from above the heap's old top
    (5) stacks    of threads that have ended; the C library keeps the last one for the next thread

Other threads go on meanwhile. What they let go behind the sweep is left to the next one, so a sweep that must reach what
somebody still held is run again after they have ended.

A sweep does not reach what somebody took without writing all of it: SQLite's new page cache shows what lay there before.
So glibc is told to fill what is taken and what is let go (``perturb``), and, since (4) sees one heap only, that all threads
share it and keep no chunks for themselves: ``sweepable_environment``, for whoever starts the process, since glibc reads it
before anything runs. With another C library (4) is left out, and ``is_complete`` says so.
"""

from __future__ import annotations

import bisect
import ctypes
import gc
import os
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# An answer takes milliseconds, and whoever waits for one gives up after 60 s; the last two are for what lay between the
# bytes of something in use.
AGAIN_SECONDS = (5.0, 65.0, 130.0, 260.0)
_TUNABLES = "GLIBC_TUNABLES"
_SETTINGS = (
    "glibc.malloc.arena_max=1",
    "glibc.malloc.tcache_count=0",
    "glibc.malloc.perturb=85",
    "glibc.pthread.stack_cache_size=0",  # an ended thread leaves its stack to the kernel
)
_STEP, _LARGEST = 16, 512  # Objects/obmalloc.c: ALIGNMENT, SMALL_REQUEST_THRESHOLD
_POOL, _POOL_HEADER = 16_384, 48  # the same file: POOL_SIZE, POOL_OVERHEAD
_POOLS_ARE_KNOWN = sys.version_info < (3, 15) and sys.maxsize > 2**32
_SMALL_ARRAY, _ARRAYS_KEPT = 1024, 8  # numpy/_core/src/multiarray/alloc.c: NBUCKETS, NCACHE and one more
_CHUNKS = (65_536, 16_384, 4096, 1024, 512, 256, 128, 64, 24)  # 24: the smallest that the heap has
_SECONDS_TO_END = 0.02  # a thread that was joined has still to leave its stack
_MAPS = Path("/proc/self/maps")


def is_complete() -> bool:
    """Whether a sweep of this process reaches all that was let go."""
    has_objects = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
    return has_objects and _is_glibc() and set(_SETTINGS) <= set(_tunables())


def sweepable_environment() -> dict[str, str]:
    """This process's environment, for one that is to be swept."""
    return {**os.environ, _TUNABLES: ":".join([*_tunables(), *_SETTINGS])}


def _tunables() -> list[str]:
    return [setting for setting in os.environ.get(_TUNABLES, "").split(":") if setting]


def sweep_freed_memory() -> None:
    """Overwrite every free block. Takes milliseconds for each ten megabytes that are free; callable from any thread."""
    gc.collect()
    _sweep_objects()
    _sweep_arrays()
    if _is_glibc():
        _sweep_heap()
    _sweep_stacks()


class MemorySweep:
    """Sweeps when something has died, and again when those are gone who had asked for it before. Thread-safe."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._due: list[float] = []

    def ask(self) -> None:
        """Something died, and nobody will be given it any more."""
        now = self._seconds()
        with self._lock:
            self._due = [now, *(now + later for later in AGAIN_SECONDS)]

    def run(self) -> bool:
        """Sweep if it is due; whether it was."""
        now = self._seconds()
        with self._lock:
            is_due = bool(self._due) and self._due[0] <= now
            self._due = [later for later in self._due if later > now]
        if is_due:
            sweep_freed_memory()
        return is_due


def _is_glibc() -> bool:
    return hasattr(ctypes.CDLL(None), "gnu_get_libc_version")


class _Mapped:
    """The memory that was mapped when this was made."""

    def __init__(self) -> None:
        areas = [line.split(maxsplit=1)[0].split("-") for line in _MAPS.read_text().splitlines()]
        self._starts = [int(start, 16) for start, _ in areas]
        self._ends = [int(end, 16) for _, end in areas]

    def __contains__(self, address: int) -> bool:
        at = bisect.bisect_right(self._starts, address) - 1
        return at >= 0 and address < self._ends[at]


def _sweep_objects() -> None:
    take = _function(ctypes.pythonapi.PyObject_Malloc, ctypes.c_void_p, ctypes.c_size_t)
    give_back = _function(ctypes.pythonapi.PyObject_Free, None, ctypes.c_void_p)
    old = _Mapped()
    taken: list[int] = []
    ends: dict[int, int] = {}  # where a pool's last block ends; what is behind it is never given out
    has_pools = _POOLS_ARE_KNOWN
    try:
        for size in range(_LARGEST, 0, -_STEP):
            while (block := take(size)) is not None:
                taken.append(block)
                if block not in old:
                    break
                ctypes.memset(block, 0, size)
                pool, place = block & -_POOL, block % _POOL - _POOL_HEADER
                has_pools = has_pools and place >= 0 and place % size == 0
                ends[pool] = _POOL_HEADER + (_POOL - _POOL_HEADER) // size * size
        if has_pools:  # every block lies where it should, so behind the last one is nothing
            for pool, end in ends.items():
                ctypes.memset(pool + end, 0, _POOL - end)
    finally:
        for block in taken:
            give_back(block)


def _sweep_arrays() -> None:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        taken = [numpy.zeros(size, "u1") for size in range(1, _SMALL_ARRAY) for _ in range(_ARRAYS_KEPT)]
        del taken


def _sweep_heap() -> None:
    library = ctypes.CDLL(None)
    take = _function(library.malloc, ctypes.c_void_p, ctypes.c_size_t)
    give_back = _function(library.free, None, ctypes.c_void_p)
    length = _function(library.malloc_usable_size, ctypes.c_size_t, ctypes.c_void_p)
    top = _function(library.sbrk, ctypes.c_void_p, ctypes.c_ssize_t)
    library.malloc_trim(0)  # whole pages go back to the kernel
    end, taken = top(0), []
    try:
        for size in _CHUNKS:
            while (chunk := take(size)) is not None:
                taken.append(chunk)
                ctypes.memset(chunk, 0, length(chunk))
                if chunk + size >= end:
                    break
    finally:
        for chunk in taken:
            give_back(chunk)
        library.malloc_trim(0)


def _sweep_stacks() -> None:
    """A thread takes the stack that was kept; another one that ends later gives that stack to the kernel."""
    may_end = threading.Event()
    last = threading.Thread(target=may_end.wait, daemon=True)
    kept = threading.Thread(target=last.start, daemon=True)
    kept.start()
    kept.join()
    time.sleep(_SECONDS_TO_END)
    may_end.set()
    last.join()


def _function(of: Callable[..., object], returns: object, takes: object) -> Callable[..., Any]:
    of.restype, of.argtypes = returns, (takes,)  # type: ignore[attr-defined]
    return of
