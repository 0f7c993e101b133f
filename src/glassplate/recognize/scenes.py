"""What is kept of a plate beside its text: crop, redacted scene, and the vehicle's class and color.

    (1) find     vehicles, people and plates in the frame, faces in the part that may be shown and around the plate
    (2) describe the vehicle that carries the plate, from pixels that nothing was hidden in yet
    (3) redact   on the pixels, before anything is encoded                            `redaction`

A network that fails raises: a street without people is an answer, a broken network is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from glassplate.recognize.color import ColorVote, color_votes
from glassplate.recognize.faces import LONG_SIDE, FaceFinder, faces_under_letters
from glassplate.recognize.faces import NETWORK as FACE_NETWORK
from glassplate.recognize.found import carrier
from glassplate.recognize.hiding import face_area, grown, inside
from glassplate.recognize.model_files import digest_of_networks
from glassplate.recognize.plate_crop import may_be_plate, where_faces_matter
from glassplate.recognize.plate_detector import PlateDetector
from glassplate.recognize.redaction import redact_scene, redact_to_plate
from glassplate.recognize.shown import shown_with
from glassplate.recognize.vehicles import NETWORK as VEHICLE_NETWORK
from glassplate.recognize.vehicles import VehicleDetector, whole_pixels
from glassplate.records import UNKNOWN, Vehicle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.recognize.found import Found
    from glassplate.recognize.recognizer import Pixels, Recognizer
    from glassplate.recognize.redaction import RedactedImage
    from glassplate.records import FrameBox

RULES = "scenes/2"  # another number whenever other areas are hidden, or in another way
NETWORKS = (VEHICLE_NETWORK, FACE_NETWORK, "plate-detector")
PAINTED = frozenset(("car", "truck", "bus"))  # of a motorcycle more is seen of rider and engine than of paint
_NO_VOTE = ColorVote(UNKNOWN, 0.0)
FACE_MARGIN = 0.1  # of what is shown, on each side: half a face at the edge is found with its other half only


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one plate.

    ``crop`` is None where nothing may be kept, the read neither; ``scene`` where nothing but the plate may.
    """

    crop: RedactedImage | None
    scene: RedactedImage | None = None
    vehicle: Vehicle = field(default_factory=Vehicle)


class Scenes(Protocol):
    """Makes what is kept of a frame's plates.

    Duties: nothing of the frame leaves but through the redaction; one ``Kept`` for each plate, in order; whatever
    cannot work raises. One thread at a time.
    """

    @property
    def version(self) -> str:
        """Names the rules and the networks by their hash; stored with every read."""

    def of(self, pixels: Pixels, plates: Sequence[FrameBox]) -> list[Kept]:
        """What is kept of each plate, all of them read in ``pixels``."""


class VehicleScenes:
    """``Scenes`` with the vehicle: crop, redacted scene, class and color."""

    def __init__(
        self,
        find: Callable[[Pixels], list[Found]] | None = None,
        find_faces: Callable[[Pixels], list[Found]] | None = None,
        find_plates: Callable[[Pixels], Sequence[FrameBox]] | None = None,
    ) -> None:
        """Loads the shipped networks where none are given.

        ``find_plates``: every plate, also those that nothing could be read on, so that they are hidden.
        """
        self._find = find or VehicleDetector().find
        self._find_faces = find_faces or FaceFinder().find
        self._find_plates = find_plates or _plate_finder()
        self._version = shipped_version()

    @property
    def version(self) -> str:
        """One hash over the networks; see ``shipped_version``."""
        return self._version

    def of(self, pixels: Pixels, plates: Sequence[FrameBox]) -> list[Kept]:
        """See ``Scenes``."""
        if not plates:
            return []
        found = self._find(pixels)
        height, width = pixels.shape[:2]
        is_any_shown = any(shown_with(plate, found, width, height) for plate in plates)
        unread = self._find_plates(pixels) if is_any_shown else ()
        kept = []
        for number, plate in enumerate(plates):
            others = [*plates[:number], *plates[number + 1 :], *unread]
            faces = self._faces_near(pixels, plate, found)
            crop = redact_to_plate(pixels, plate, found, faces)
            scene = redact_scene(pixels, plate, found, faces, others)
            kept.append(Kept(crop, scene, _described(pixels, carrier(found, plate), plate)))
        return kept

    def _faces_near(self, pixels: Pixels, plate: FrameBox, found: Sequence[Found]) -> list[Found]:
        """Faces in and close to what will be shown: the network sees more in that part than in the whole frame.

        Looks at the scene; around the plate, where the first did not see it pixel for pixel; and there for what letters
        lie on.
        """
        height, width = pixels.shape[:2]
        if not may_be_plate(plate, width, height):
            return []
        shown, around = shown_with(plate, found, width, height), where_faces_matter(plate, width, height)
        faces: list[Found] = []
        is_seen = False
        if shown is not None:
            left, top, right, bottom = inside(grown(shown.part, FACE_MARGIN, FACE_MARGIN), width, height)
            part = left, top, right - left, bottom - top
            faces += self._faces_in(pixels, part)
            is_seen = around is not None and max(part[2:]) <= LONG_SIDE and _lies_in(around, part)
        if around is not None:
            x, y, wide, high = around
            closer = [] if is_seen else self._faces_in(pixels, around)
            under = faces_under_letters(self._find_faces, pixels[y : y + high, x : x + wide])
            for one in (*closer, *(face.moved(x, y) for face in under)):
                if not any(_lies_in(one.box, face_area(face).box) for face in faces):  # hidden with that one
                    faces.append(one)
        return faces

    def _faces_in(self, pixels: Pixels, part: FrameBox) -> list[Found]:
        x, y, width, height = part
        return [one.moved(x, y) for one in self._find_faces(pixels[y : y + height, x : x + width])]


def shipped_version() -> str:
    """The version of ``VehicleScenes``: of the rules of hiding, and one hash over every network, which are not loaded."""
    return f"{RULES}@{digest_of_networks(NETWORKS)}"


def stored_version(recognizer: Recognizer, scenes_version: str) -> str:
    """What a read says of its making, and what a charter must name: every network behind what is stored."""
    return f"{recognizer.version} {scenes_version}"


def _plate_finder() -> Callable[[Pixels], list[FrameBox]]:
    detector = PlateDetector()

    def find(pixels: Pixels) -> list[FrameBox]:
        edges = (one.box for one in detector.find(pixels))
        return [whole_pixels(left, top, right - left, bottom - top) for left, top, right, bottom in edges]

    return find


def _lies_in(one: FrameBox, other: FrameBox) -> bool:
    return all(
        other[side] <= one[side] and one[side] + one[side + 2] <= other[side] + other[side + 2]
        for side in (0, 1)
    )


def _described(pixels: Pixels, vehicle: Found | None, plate: FrameBox) -> Vehicle:
    if vehicle is None:
        return Vehicle()
    votes = color_votes(pixels, vehicle.box, plate) if vehicle.kind in PAINTED else ()
    first, second = (*votes, _NO_VOTE, _NO_VOTE)[:2]
    return Vehicle(
        body=vehicle.kind,
        body_confidence=round(vehicle.confidence, 3),
        color=first.name,
        color_confidence=round(first.confidence, 3),
        second_color=second.name,
        second_color_confidence=round(second.confidence, 3),
    )
