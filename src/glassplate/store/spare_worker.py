"""A search worker in waiting: started beside the running one, so that a purge need not wait for a process to start.

It knows no key and no plate. All it has is the file in memory that the running worker leaves behind when it ends
(``SealedSearch.hand_over``), which is empty until then.
"""

from __future__ import annotations

import os

from glassplate.recognize._caged_process import CagedProcess
from glassplate.store.search_messages import READY

MODULE = "glassplate.store._search_worker"
WHAT = "search worker"


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
            self.process = CagedProcess(MODULE, WHAT, READY, (self.memory, self.legacy))
        except BaseException:
            os.close(self.legacy)
            os.close(self.memory)
            raise

    def end(self) -> None:
        """Kill it and forget both files."""
        self.process.end()
        os.close(self.legacy)
        os.close(self.memory)
