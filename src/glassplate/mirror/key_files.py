"""``Files`` for ``vault/keys`` and its mirror. Keys are born in both, and die in the own folder first.

Rules, as a list to tick off:
 1. A new key file is durable in both before it is used: own first, then the mirror; when the mirror refuses, the own one
    is taken back. So the mirror never has a key that the own folder never had.
 2. Everything else happens in the own folder without waiting for the mirror, which follows at the next tick, or as soon
    as it is there: a tombstone, an earlier ``destroy_at``. A death must not wait for a disk that is away.
 3. Whatever is dead in the own folder, by tombstone or by overwriting, dies in the mirror; what is due by the clock dies in
    the mirror, too, even if the own folder lost it. Until that is certain, everything is red.
 4. Nothing is ever brought back from the mirror but a tombstone: a key that is dead in the mirror and alive in the own
    folder came back from a copy, and dies again at the start.

| if we stop here | own folder | mirror | at the next start |
|---|---|---|---|
| new key: before the mirror has it | key | – | the mirror gets it |
| new key: both durable, not used | key | key | as without a mirror: logged at the next tick |
| the mirror refused; before it is taken back | key | – | the mirror gets it |
| earlier death: own file changed | earlier | later | the mirror gets the own file |
| death: own tombstone, or all of it | dead | key | destroyed in the mirror, before the vault unlocks |
| death: in the middle of the mirror's | dead | tombstone beside the key, or overwritten | destroyed in the mirror |
"""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from glassplate.errors import StorageFailed
from glassplate.mirror.key_folders import (
    EPOCHS,
    NAMED,
    TOMBSTONES,
    bury_again,
    copy_file,
    destroy_dead,
    lost_in,
    wanting,
)
from glassplate.mirror.place import MirrorAway

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from glassplate.files import Files
    from glassplate.keys.destruction import Erase
    from glassplate.mirror.place import MirrorPlace

LOOK_AGAIN = timedelta(minutes=10)
"""Between two looks at every file of both folders; in between, only what this process changed is looked at."""


class MirroredKeys:
    """``Files`` for one keyring's folder, and what keeps the mirror of it right. Callable from several threads."""

    def __init__(self, folder: Path, place: MirrorPlace, files: Files) -> None:
        self._folder = folder
        self._place = place
        self._files = files
        self._lock = threading.Lock()
        self._changed: set[str] = set()  # names below the folder that the mirror has not followed yet
        self._looked_at: datetime | None = None  # when every file was looked at last; None: it has to be done
        self._lost: list[str] = []

    def write_atomic(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """See ``Files.write_atomic``; rules 1 and 2."""
        if path.parent.name in (EPOCHS, NAMED) and not path.exists():
            self._write_new(path, data, mode)
            return
        self._note(path)
        self._files.write_atomic(path, data, mode=mode)

    def append(self, path: Path, data: bytes) -> None:
        """See ``Files.append``."""
        self._note(path)
        self._files.append(path, data)

    def truncate(self, path: Path, size: int) -> None:
        """See ``Files.truncate``."""
        self._note(path)
        self._files.truncate(path, size)

    def overwrite(self, path: Path, data: bytes) -> None:
        """See ``Files.overwrite``."""
        self._note(path)
        self._files.overwrite(path, data)

    def rename(self, source: Path, target: Path) -> None:
        """See ``Files.rename``."""
        self._note(target)
        self._files.rename(source, target)

    def set_aside(self, source: Path, target: Path) -> None:
        """See ``Files.set_aside``."""
        self._note(target)
        self._files.set_aside(source, target)

    def remove(self, path: Path) -> None:
        """See ``Files.remove``."""
        self._note(path)
        self._files.remove(path)

    def destroy(self, now: datetime | None) -> None:
        """Rule 3, with nothing but the folders and the clock; ``now``: None where no time is certain.

        Raises:
            StorageFailed: the mirror is away, or did not destroy a key; says what may still be there.
        """
        try:
            self._place.do(lambda: destroy_dead(self._folder, self._place.keys, now, self._files))
        except (MirrorAway, StorageFailed) as error:
            raise StorageFailed(self._owed_words(error)) from None

    def bury_again(self, erase: Erase) -> list[str]:
        """Rule 4, before the keyring opens; returns the epochs that were alive again.

        Raises:
            StorageFailed, KeyUnavailable: such a key could not be destroyed, or the mirror is away.
        """
        try:
            return self._place.do(lambda: bury_again(self._folder, self._place.keys, self._files, erase))
        except MirrorAway as error:
            raise StorageFailed(f"{error.strerror}.") from None

    def keep(self, now: datetime, damaged: Collection[str] = ()) -> None:
        """Rules 2 and 3 with an open keyring. ``damaged``: names of own files that are not worth a copy.

        Raises:
            StorageFailed: as ``destroy``.
        """
        with self._lock:
            names, is_whole = set(self._changed), self._is_whole_look_due(now)
        try:
            lost = self._place.do(lambda: self._look(names, now if is_whole else None, damaged))
        except (MirrorAway, StorageFailed) as error:
            self._looked_at = None
            raise StorageFailed(self._owed_words(error)) from None
        with self._lock:
            self._changed -= names
            if is_whole:
                self._looked_at, self._lost = now, lost

    def demand_nothing_lost(self) -> None:
        """Whether the last whole look found live keys in the mirror that the own folder lost.

        Raises:
            StorageFailed: it did.
        """
        if self._lost:
            raise StorageFailed(
                f"The mirror {self._place.root} has keys that {self._folder} lacks: {', '.join(self._lost)}. That folder was "
                "set back or damaged: restore it from the mirror (glassplate restore BACKUP --mirror MIRROR)."
            )

    def _write_new(self, path: Path, data: bytes, mode: int) -> None:
        twin = self._place.keys / path.relative_to(self._folder)
        self._place.do(lambda: _demand_absent(twin))
        self._files.write_atomic(path, data, mode=mode)
        try:
            self._place.do(lambda: self._files.write_atomic(twin, data, mode=mode))
        except MirrorAway:
            with contextlib.suppress(
                MirrorAway
            ):  # if it may lie there, the own one stays: the next start copies it
                self._place.do(lambda: self._files.remove(twin))
                self._files.remove(path)
            raise

    def _note(self, path: Path) -> None:
        """Before the change: what is looked at twice does no harm."""
        with self._lock:
            self._changed.add(path.relative_to(self._folder).as_posix())

    def _is_whole_look_due(self, now: datetime) -> bool:
        return self._looked_at is None or not self._looked_at <= now < self._looked_at + LOOK_AGAIN

    def _look(self, names: Collection[str], whole_at: datetime | None, damaged: Collection[str]) -> list[str]:
        """Deaths first, then copies; returns what the own folder lost."""
        own, mirror = self._folder, self._place.keys
        if whole_at is not None or names:
            destroy_dead(own, mirror, whole_at, self._files)
        wanted = wanting(own, mirror) if whole_at is not None else names
        for name in sorted(set(wanted) - set(damaged)):
            copy_file(own, mirror, name, self._files)
        return lost_in(own, mirror) if whole_at is not None else []

    def _owed_words(self, error: Exception) -> str:
        dead = sorted({Path(name).stem for name in tuple(self._changed) if name.startswith(f"{TOMBSTONES}/")})
        said = str(getattr(error, "strerror", None) or error).rstrip(".")
        which = f": {', '.join(dead)}" if dead else ""
        return (
            f"{said[:1].upper()}{said[1:]}. A copy of a key that died since the mirror was there may still lie in it{which}; "
            "it is destroyed as soon as the mirror is back."
        )


def _demand_absent(twin: Path) -> None:
    if twin.exists():
        raise MirrorAway(
            f"the mirror has {twin}, which the vault lacks: its own folder was set back or damaged; restore it from the "
            "mirror"
        )
