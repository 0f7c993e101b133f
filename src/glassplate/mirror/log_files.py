"""``Files`` for ``vault/log`` and its mirror: an append is done when both are durable. Order: own first, then the mirror.

Rules, as a list to tick off:
 1. The mirror's journal is the beginning of the own one, at every moment. It is written only what is durable in the own
    one, and an append that it refuses is taken back in the mirror first, then in the own one.
 2. While the mirror cannot be written, or cannot be cut back, every append is refused (``LogUnavailable``).
 3. After any failure the two are compared from the first byte before the mirror is written again.
 4. A mirror that has an intact record which the own journal lacks, or has otherwise, means that the own folder was set
    back: the vault does not start, and signs nothing. See ``journal_check``.

| if we stop here | own journal | mirror | at the next start |
|---|---|---|---|
| before the own write | – | – | nothing happened |
| while it is written | torn | – | the torn tail is cut off in both |
| own durable, before the mirror | entry | – | the entry counts (nobody was answered); the mirror gets it |
| while the mirror is written | entry | torn | the entry counts; the mirror's torn tail is cut, then written |
| both durable, before the answer | entry | entry | the entry counts |
| the mirror refused; before it is cut | entry | perhaps | the entry counts; the mirror gets it |
| the mirror refused and is cut; own not yet | entry | – | the entry counts; the mirror gets it |
| the mirror refused and cannot be cut | entry | perhaps | refused until the vault starts again; then the entry counts |
| both cut | – | – | nothing happened |
| ``.pending`` own durable, mirror not | newer | older | the mirror gets it |

The record may so claim more than was answered, never less; that is what a crash after an fsync leaves without a mirror, too.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError
from glassplate.log import JOURNAL_NAME, PENDING_NAME
from glassplate.mirror.journal_check import demand_beginning, demand_not_newer
from glassplate.mirror.place import MirrorAway

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.mirror.place import MirrorPlace

COPY_BYTES = 4 * 2**20  # at once, so that a slow disk answers in time
PRIVATE_FILE = 0o600


class MirroredLog:
    """``Files`` for one log. Journal and ``.pending`` are mirrored; all else is written as by ``files`` alone.

    Callable from several threads.
    """

    def __init__(self, folder: Path, place: MirrorPlace, files: Files) -> None:
        self._journal = folder / JOURNAL_NAME
        self._pending = folder / PENDING_NAME
        self._place = place
        self._files = files
        self._lock = threading.RLock()
        self._is_compared = False
        self._is_settled = True  # no append stands in the own journal that is neither answered nor taken back
        self._may_hold_more = False  # such an append, or a part of it, may have reached the mirror

    def follow(self) -> None:
        """Bring the mirror up to the own log, if it lacks something.

        Raises:
            MirrorAway: it cannot be read or written, or the two are at odds.
        """
        with self._lock:
            self._demand_ready()
            self._copy_journal()
            self._copy_pending()

    def check(self) -> None:
        """Hold the mirror against the own log, as a start does; mend what a crash left in the mirror.

        Raises:
            StorageFailed: the mirror is ahead, or different.
            MirrorAway: it cannot be read.
        """
        with self._lock:
            same = demand_beginning(self._journal, self._place)
            demand_not_newer(self._pending, self._place)
            self._place.do(lambda: self._cut(same))
            self._is_compared = True

    def append(self, path: Path, data: bytes) -> None:
        """See ``Files.append``."""
        if path != self._journal:
            self._files.append(path, data)
            return
        with self._lock:
            self._demand_ready()  # before anything is written
            self._is_settled = False
            self._files.append(path, data)
            self._copy_journal()
            self._is_settled, self._may_hold_more = True, False

    def truncate(self, path: Path, size: int) -> None:
        """See ``Files.truncate``. The mirror first: it never holds what the own journal lacks."""
        if path != self._journal:
            self._files.truncate(path, size)
            return
        with self._lock:
            try:
                self._place.do(lambda: self._cut(size))
                self._may_hold_more = False
            except MirrorAway:
                self._is_compared = False
                if self._may_hold_more:
                    raise
            self._files.truncate(path, size)
            self._is_settled = True

    def write_atomic(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """See ``Files.write_atomic``."""
        if path == self._journal:
            raise NotImplementedError(
                "a mirrored journal is appended to; a new one is copied when its mirror is begun"
            )
        if path != self._pending:
            self._files.write_atomic(path, data, mode=mode)
            return
        with self._lock:
            self._demand_ready()
            self._copy_journal()  # a checkpoint never lies beside fewer entries than it is signed for
            self._files.write_atomic(path, data, mode=mode)
            self._copy_pending()

    def overwrite(self, path: Path, data: bytes) -> None:
        """See ``Files.overwrite``."""
        self._files.overwrite(path, data)

    def rename(self, source: Path, target: Path) -> None:
        """See ``Files.rename``."""
        self._files.rename(source, target)

    def set_aside(self, source: Path, target: Path) -> None:
        """See ``Files.set_aside``."""
        self._files.set_aside(source, target)

    def remove(self, path: Path) -> None:
        """See ``Files.remove``."""
        self._files.remove(path)

    def _demand_ready(self) -> None:
        if not self._is_settled:
            raise MirrorAway(
                f"the mirror {self._place.root} failed in the middle of an entry; start the vault again"
            )
        try:
            self._place.demand_there()
            if not self._is_compared:
                self.check()
        except GlassplateError as error:
            raise MirrorAway(str(error).rstrip(".")) from error

    def _copy_journal(self) -> None:
        """Write what the mirror lacks of the own journal, from where it ends."""
        try:
            while not self._place.do(self._copy_next):
                pass
        except BaseException:
            self._is_compared = False
            raise

    def _copy_next(self) -> bool:
        """At most ``COPY_BYTES``; returns whether that was all."""
        twin = self._place.log / JOURNAL_NAME
        end, size = self._journal.stat().st_size, twin.stat().st_size
        if size > end:
            raise MirrorAway(
                f"the mirror {self._place.root} has more of the log than the vault; start the vault again"
            )
        with self._journal.open("rb") as own:
            own.seek(size)
            chunk = own.read(min(COPY_BYTES, end - size))
        if chunk:
            self._may_hold_more = True
            self._files.append(twin, chunk)
        return size + len(chunk) == end

    def _copy_pending(self) -> None:
        twin = self._place.log / PENDING_NAME
        try:
            signed = self._pending.read_bytes()
            self._place.do(lambda: self._write_pending(twin, signed))
        except BaseException:
            self._is_compared = False
            raise

    def _write_pending(self, twin: Path, signed: bytes) -> None:
        if not twin.exists() or twin.read_bytes() != signed:
            self._files.write_atomic(twin, signed, mode=PRIVATE_FILE)

    def _cut(self, size: int) -> None:
        twin = self._place.log / JOURNAL_NAME
        if twin.stat().st_size > size:
            self._files.truncate(twin, size)
