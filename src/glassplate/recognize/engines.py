"""Recognizers by name: our own, and those that installed packages offer.

A package offers one by an entry point of the group ``glassplate.recognizers``: its name, and a factory that takes
no arguments and returns a ``Recognizer``. Our own names cannot be taken. Whatever a foreign recognizer raises or
returns is checked here, so that a broken one is an error with its name and never an empty road.

Whether a recognizer's reads are accepted is not decided here: its version must stand in the charter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from glassplate.errors import GlassplateError, UsageError
from glassplate.plate_text import ALPHABET
from glassplate.recognize.plate_crop import may_be_plate
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.records import Alternative

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
_MOST_ALTERNATIVES = 32  # of one plate; a sealed read carries no more
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
        except (Exception, SystemExit) as error:
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
        """See ``Recognizer``. It looks at a copy: what it paints on its picture is in no crop.

        Raises:
            GlassplateError: it failed, or its answer is none. No message repeats what it read.
        """
        try:
            candidates = list(islice(self._recognizer.read(pixels.copy()), _MOST_PLATES + 1))
        except GlassplateError:
            raise
        except (Exception, SystemExit) as error:  # whoever ends the process would make the lane look stopped
            raise self._breaks(f"failed on a picture ({type(error).__name__})") from error
        if len(candidates) > _MOST_PLATES:
            raise self._breaks(f"returned more than {_MOST_PLATES} plates of one picture")
        return [self._checked(candidate, pixels) for candidate in candidates]

    def _checked(self, candidate: Any, pixels: Pixels) -> PlateCandidate:
        """The candidate in plain values that nobody else holds."""
        if type(candidate) is not PlateCandidate:
            raise self._breaks("returned something that is no PlateCandidate")
        if not _is_plate(candidate.text):
            raise self._breaks("returned a text that is not 1 to 16 of A-Z and 0-9")
        confidences, alternatives = tuple(candidate.character_confidences), tuple(candidate.alternatives)
        if not all(map(_is_fraction, confidences)):
            raise self._breaks("returned a confidence outside 0-1")
        if len(alternatives) > _MOST_ALTERNATIVES or not all(map(_is_alternative, alternatives)):
            raise self._breaks(
                f"returned more than {_MOST_ALTERNATIVES} alternatives, or one that is no text with a confidence in 0-1"
            )
        try:
            # Of one that is in the picture and no plate's, the redaction keeps nothing.
            may_be_plate(candidate.box, pixels.shape[1], pixels.shape[0])
        except (TypeError, ValueError) as error:
            raise self._breaks("returned a box that does not lie in the picture") from error
        x, y, width, height = candidate.box
        return replace(
            candidate,
            character_confidences=tuple(map(float, confidences)),
            box=(x, y, width, height),
            alternatives=alternatives,
            region_confidence=float(candidate.region_confidence),
        )

    def _breaks(self, what: str) -> GlassplateError:
        return GlassplateError(f"The recognizer {self._name!r} {what}. Report it to whoever made it.")


def _is_plate(text: object) -> bool:
    return type(text) is str and _PLATE.fullmatch(text) is not None


def _is_fraction(value: object) -> bool:
    """Numbers of numpy too, and not NaN."""
    return isinstance(value, (int, float, np.floating)) and 0 <= float(value) <= 1


def _is_alternative(value: object) -> bool:
    return type(value) is Alternative and _is_plate(value.text) and _is_fraction(value.confidence)
