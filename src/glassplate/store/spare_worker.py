"""A search worker in waiting: started beside the running one, so that a purge need not wait for a process to start.

It knows no key and no plate. All it has is the file in memory that the running worker leaves behind when it ends
(``SealedSearch.hand_over``), which is empty until then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from glassplate.recognize._caged_process import CagedProcess
from glassplate.store.search_messages import READY

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULE = "glassplate.store._search_worker"
# Its hundreds of megabytes in pages of 2 MB where the kernel allows it: the kernel takes those away with the process in a
# third of the time, and a purge waits for that.
_ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def started_worker(descriptors: Sequence[int]) -> CagedProcess:
    """A new search worker that has these descriptors, too.

    Raises:
        GlassplateError: it does not start.
    """
    return CagedProcess(_MODULE, "search worker", READY, descriptors, _ENVIRONMENT)


class WaitingWorker:
    """One process that waits. ``memory``: the file that it will leave itself. ``legacy``: its predecessor's."""

    def __init__(self, legacy: int) -> None:
        """Start it. ``legacy`` is duplicated, and may be closed afterwards.

        Raises:
            GlassplateError: it does not start.
        """
        self.legacy = os.dup(legacy)
        self.memory = os.memfd_create("plates")
        try:
            self.process = started_worker((self.memory, self.legacy))
        except BaseException:
            os.close(self.legacy)
            os.close(self.memory)
            raise

    def end(self) -> None:
        """Kill it and forget both files."""
        self.process.end()
        os.close(self.legacy)
        os.close(self.memory)
