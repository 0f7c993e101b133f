"""The mirror's folder on its disk: whose it is, and whether it is there and answers.

A disk that is not mounted leaves an empty folder, which must not be taken for a mirror: ``city.txt`` (begun once, by
``glassplate mirror begin``) tells them apart, and one city's mirror from another's. Every act looks at it first.

A disk that hangs must not hold up the death of keys on the vault's own: every act runs in a thread of its own and has
``ANSWER_SECONDS``. While a stuck one has not come back, nothing else is tried.
"""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING, TypeVar

from glassplate.errors import InputRefused
from glassplate.log import VerifierKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CITY_FILE = "city.txt"
CITY_VERSION = "glassplate-mirror/v1"
MAX_CITY_BYTES = 1024  # a key's text has less than 300
ANSWER_SECONDS = 20.0  # a sleeping disk spins up in less; whoever waits for an answer waits no longer
_Done = TypeVar("_Done")


class MirrorAway(OSError):
    """The mirror did not do what was asked. ``strerror`` says what to do, without a full stop."""

    def __init__(self, words: str) -> None:
        super().__init__(errno.EIO, words)


class MirrorPlace:
    """One city's mirror. ``do`` may be called from any thread; acts run one after another."""

    def __init__(self, root: Path, city: bytes) -> None:
        """``city``: what its ``city.txt`` has to be, see ``city_text``."""
        self.root = root
        self._city = city
        self._turn = threading.Lock()
        self._stuck: threading.Thread | None = None

    @property
    def log(self) -> Path:
        """As ``vault/log``."""
        return self.root / "log"

    @property
    def keys(self) -> Path:
        """As ``vault/keys``."""
        return self.root / "keys"

    @property
    def vkey(self) -> str:
        """The key of the log whose city's mirror this is."""
        return self._city.decode().split("\n")[1]

    def demand_there(self) -> None:
        """Raises ``MirrorAway`` when the disk is not mounted, does not answer, or is another one."""
        self.do(lambda: None)

    def do(self, act: Callable[[], _Done]) -> _Done:
        """What ``act`` returns or raises; it is called only while the mirror is there.

        Raises:
            MirrorAway: it is not there, it refused, or it does not answer; ``act`` may then have been done, in part, or
                not at all, and one that hangs may still be done later.
        """
        with self._turn:
            return self._in_time(lambda: self._there(act))

    def _there(self, act: Callable[[], _Done]) -> _Done:
        try:
            with (self.root / CITY_FILE).open("rb") as file:
                found = file.read(MAX_CITY_BYTES + 1)
        except OSError as error:
            raise self._away(f"{CITY_FILE} in it: {error.strerror}") from None
        if found != self._city:
            raise MirrorAway(f"the mirror {self.root} is another city's; mount the right disk there")
        try:
            return act()
        except MirrorAway:
            raise
        except OSError as error:
            raise self._away(str(error.strerror or error)) from error

    def _in_time(self, act: Callable[[], _Done]) -> _Done:
        if self._stuck is not None and self._stuck.is_alive():
            raise self._away("its disk still does not answer")
        ended: list[tuple[bool, object]] = []
        worker = threading.Thread(target=_run, args=(act, ended), name="mirror", daemon=True)
        worker.start()
        self._stuck = worker  # also when the wait is interrupted
        worker.join(ANSWER_SECONDS)
        if not ended:
            raise self._away(f"its disk does not answer within {ANSWER_SECONDS:.0f} s")
        self._stuck = None
        done, value = ended[0]
        if not done:
            raise value  # type: ignore[misc]  # _run puts an exception there
        return value  # type: ignore[return-value]  # what act returned

    def _away(self, why: str) -> MirrorAway:
        return MirrorAway(
            f"the mirror {self.root} is away ({why}); mount its disk, or take mirror out of settings.toml and start the "
            "vault again"
        )


def city_text(vkey: str) -> bytes:
    """The content of ``city.txt``: the version, then the key of the city's log, whose name is the log's origin."""
    return f"{CITY_VERSION}\n{vkey}\n".encode()


def read_city(root: Path) -> bytes:
    """The content of a mirror's ``city.txt``, when it has the form of one.

    Raises:
        MirrorAway: there is none, or it is something else.
    """
    try:
        with (root / CITY_FILE).open("rb") as file:
            found = file.read(MAX_CITY_BYTES + 1)
    except OSError as error:
        raise MirrorAway(
            f"the mirror {root} is not there ({CITY_FILE} in it: {error.strerror}); mount its disk, or begin a new mirror "
            "(glassplate mirror begin), or take mirror out of settings.toml"
        ) from None
    version, _, vkey = found.decode(errors="replace").partition("\n")
    try:
        if version == CITY_VERSION and city_text(str(VerifierKey.parse(vkey.rstrip("\n")))) == found:
            return found
    except InputRefused:
        pass
    raise MirrorAway(f"{root / CITY_FILE} is not what a mirror has there; mount the right disk")


def _run(act: Callable[[], object], ended: list[tuple[bool, object]]) -> None:
    try:
        ended.append((True, act()))
    except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
        ended.append((False, error))
