"""A disk that its process may die on: named steps, and a SIGKILL at the n-th time that one of them is reached."""

from __future__ import annotations

import os
import signal

from glassplate.files import LocalFiles

POINTS = {  # where a life may end -> at which of its times at most
    "append begins": 8,
    "half an append is written": 8,
    "append is durable": 8,
    "before the acknowledgment": 8,
    "tile begins": 12,
    "half a file is written": 12,
    "tile is written": 12,
    "rename begins": 20,
    "renamed": 20,
    "fsync": 40,
    "pending begins": 5,
    "pending is written": 5,
    "witness is asked": 10,
    "witness has answered": 10,
    "publication begins": 5,
    "publication is written": 5,
    "partial tile is dropped": 3,
}
PLANTS = ("acknowledged before recorded", "pending after the witnesses")


class Death:
    """Kills this process when it comes to ``point`` for the ``time``-th time."""

    def __init__(self, point: str, time_: int) -> None:
        self.point = point
        self._left = time_

    def is_due(self, point: str) -> bool:
        if point == self.point:
            self._left -= 1
        return point == self.point and self._left == 0

    def at(self, point: str) -> None:
        if self.is_due(point):
            os.kill(os.getpid(), signal.SIGKILL)


class DyingFiles(LocalFiles):
    """The real disk of a process that may die at each of its steps."""

    def __init__(self, death: Death, plant: str | None) -> None:
        self._death = death
        self._plant = plant
        self._held_back: list[tuple] = []
        _watch_system_calls(death)

    def write_atomic(self, path, data, *, mode=0o644):
        kind = {".pending": "pending", "checkpoint": "publication"}.get(path.name, "tile")
        self._death.at(f"{kind} begins")
        if self._plant == PLANTS[1] and kind == "pending":
            self._held_back.append((path, data, mode))
            return
        for held, held_data, held_mode in self._held_back if kind == "publication" else ():
            super().write_atomic(held, held_data, mode=held_mode)
        super().write_atomic(path, data, mode=mode)
        self._death.at(f"{kind} is written")

    def append(self, path, data):
        self._death.at("append begins")
        super().append(path, data)
        self._death.at("append is durable")


def _watch_system_calls(death: Death) -> None:
    """In a forked child only: nothing is put back."""
    write, fsync, replace, unlink = os.write, os.fsync, os.replace, os.unlink

    def dying_write(descriptor, data):
        if death.is_due("half an append is written"):
            write(descriptor, bytes(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data)

    def dying_fsync(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - Path.readlink would be watched code
        if path.endswith(".tmp") and death.is_due("half a file is written"):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        death.at("fsync")
        fsync(descriptor)

    def dying_replace(*arguments, **named):
        death.at("rename begins")
        replace(*arguments, **named)
        death.at("renamed")

    def dying_unlink(*arguments, **named):
        death.at("partial tile is dropped")
        unlink(*arguments, **named)

    os.write, os.fsync, os.replace, os.unlink = dying_write, dying_fsync, dying_replace, dying_unlink
