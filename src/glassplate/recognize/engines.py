"""Recognizers by name: our own, and those that installed packages offer.

A package offers one by an entry point of the group ``glassplate.recognizers``: its name, and a factory that takes
no arguments and returns a ``Recognizer``. Our own names cannot be taken. Whatever a foreign recognizer raises or
returns is checked here, so that a broken one is an error with its name and never an empty road.

Whether a recognizer's reads are accepted is not decided here: its version must stand in the charter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import islice
from typing import TYPE_CHECKING, Any

from glassplate.errors import GlassplateError, UsageError
from glassplate.plate_text import ALPHABET
from glassplate.recognize.plate_crop import may_be_plate
from glassplate.recognize.recognizer import PlateCandidate

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoint

    from glassplate.recognize.recognizer import Pixels, Recognizer

GROUP = "glassplate.recognizers"
DEFAULT_ENGINE = "glassplate"
# a sealed read carries 128 characters, and the networks that make the scene take 51 of them
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:+/@-]{0,76}", re.ASCII)
_OUR_VERSIONS = tuple(f"{name}/" for name in (DEFAULT_ENGINE, "whole-frame"))  # no plug-in may pass for ours
_MOST_PLATES = 64  # in one picture; a recognizer that finds more finds no plates
_PLATE = re.compile(f"[{ALPHABET}]{{1,16}}")


def _own(*, video: bool) -> Recognizer:
    from glassplate.recognize.plate_recognizer import PlateRecognizer

    return PlateRecognizer(whole_frame=not video)


def _whole_frame(*, video: bool) -> Recognizer:  # noqa: ARG001 - the same for both
    from glassplate.recognize.whole_frame import WholeFrameRecognizer

    return WholeFrameRecognizer()


_OWN: dict[str, Callable[..., Recognizer]] = {DEFAULT_ENGINE: _own, "whole-frame": _whole_frame}


@dataclass(frozen=True, slots=True)
class EngineName:
    """A recognizer that can be asked for. ``origin``: the package that offers it."""

    name: str
    origin: str


def engines() -> tuple[EngineName, ...]:
    """Every recognizer there is, ours first. Nothing is imported."""
    offered = sorted(
        (one.name, one.dist.name if one.dist else one.value) for one in entry_points(group=GROUP)
    )
    return (
        *(EngineName(name, "glassplate") for name in _OWN),
        *(EngineName(name, origin) for name, origin in offered if name not in _OWN),
    )


def engine(name: str = DEFAULT_ENGINE, *, video: bool = False) -> Recognizer:
    """A new recognizer of this name; with ``video`` as it is meant for frames that follow each other.

    Raises:
        UsageError: there is none of this name, or two packages offer one.
        GlassplateError: it is there and does not work.
    """
    if name in _OWN:
        return _OWN[name](video=video)
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        known = ", ".join(one.name for one in engines())
        raise UsageError(
            f"There is no recognizer {name!r}. There are: {known}. "
            f"Install the package that offers it (entry point {GROUP})."
        )
    if len(found) > 1:
        origins = " and ".join(sorted(one.dist.name if one.dist else one.value for one in found))
        raise UsageError(f"The recognizer {name!r} is offered twice, by {origins}. Uninstall one of them.")
    return _Foreign(name, found[0])


class _Foreign:
    """A recognizer of another package, held to the duties of ``Recognizer``."""

    def __init__(self, name: str, entry: EntryPoint) -> None:
        self._name = name
        try:
            self._recognizer: Any = entry.load()()
            version = self._recognizer.version
        except GlassplateError:
            raise
        except Exception as error:
            raise GlassplateError(
                f"The recognizer {name!r} does not start: {type(error).__name__}: {str(error)[:200]}. "
                f"It comes from {entry.value}; mend or uninstall that package."
            ) from error
        if (
            not isinstance(version, str)
            or not _VERSION.fullmatch(version)
            or version.startswith(_OUR_VERSIONS)
        ):
            raise self._breaks(
                "names no version of 1 to 77 letters, digits, spaces and ._:+/@-, that the charter could list and is not ours"
            )
        self._version = version

    @property
    def version(self) -> str:
        """As it said when it was started."""
        return self._version

    def read(self, pixels: Pixels) -> list[PlateCandidate]:
        """See ``Recognizer``.

        Raises:
            GlassplateError: it failed, or its answer is none. No message repeats what it read.
        """
        try:
            candidates = list(islice(self._recognizer.read(pixels), _MOST_PLATES + 1))
        except GlassplateError:
            raise
        except Exception as error:
            raise self._breaks(f"failed on a picture ({type(error).__name__})") from error
        if len(candidates) > _MOST_PLATES:
            raise self._breaks(f"returned more than {_MOST_PLATES} plates of one picture")
        for candidate in candidates:
            self._check(candidate, pixels)
        return candidates

    def _check(self, candidate: Any, pixels: Pixels) -> None:
        if not isinstance(candidate, PlateCandidate):
            raise self._breaks("returned something that is no PlateCandidate")
        if not _PLATE.fullmatch(candidate.text):
            raise self._breaks("returned a text that is not 1 to 16 of A-Z and 0-9")
        if not all(0 <= confidence <= 1 for confidence in candidate.character_confidences):
            raise self._breaks("returned a confidence outside 0-1")
        try:
            # Of one that is in the picture and no plate's, the redaction keeps nothing.
            may_be_plate(candidate.box, pixels.shape[1], pixels.shape[0])
        except (TypeError, ValueError) as error:
            raise self._breaks("returned a box that does not lie in the picture") from error

    def _breaks(self, what: str) -> GlassplateError:
        return GlassplateError(f"The recognizer {self._name!r} {what}. Report it to whoever made it.")
