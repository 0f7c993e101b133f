"""Simulated traffic: plates that move through a picture, are missed, misread and hidden at known rates."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from glassplate.plate_text import ALPHABET
from glassplate.recognize.passage import Passage, PassageReader
from glassplate.recognize.recognizer import PlateCandidate

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WIDTH, HEIGHT = 1280, 720
STREET = np.random.default_rng(3).integers(60, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
CONFUSED = {"0": "OD", "8": "B", "B": "8", "1": "I", "5": "S", "2": "Z", "6": "G", "D": "O", "7": "T"}


@dataclass(frozen=True)
class Vehicle:
    """A plate on its way: it enters at ``enters`` seconds at ``start`` and moves ``speed`` pixels a second."""

    text: str
    enters: float
    seconds: float
    start: tuple[float, float]
    speed: tuple[float, float]
    width: int = 90
    growth: float = 0.0
    hidden: tuple[tuple[float, float], ...] = ()

    def box(self, at: float) -> tuple[int, int, int, int] | None:
        """Where its plate is, None while it is out of view or hidden."""
        age = at - self.enters
        if not 0 <= age < self.seconds or any(begin <= age < end for begin, end in self.hidden):
            return None
        width = self.width * (1 + self.growth * age)
        x, y = self.start[0] + self.speed[0] * age, self.start[1] + self.speed[1] * age
        return round(x), round(y), round(width), round(width / 3)


@dataclass
class Street:
    """What a recognizer sees of the vehicles, frame by frame, with the mistakes it makes."""

    vehicles: list[Vehicle]
    seed: int = 1
    detection: float = 0.85
    character_error: float = 0.07
    frames_a_second: float = 12.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.exact = self.seen = 0

    def candidates(self, at: float) -> list[PlateCandidate]:
        """The plates read in the frame at ``at`` seconds, in no meaningful order."""
        found = [
            self._misread(vehicle, box)
            for vehicle in self.vehicles
            if (box := vehicle.box(at)) is not None and self.random.random() < self.detection
        ]
        self.random.shuffle(found)
        return found

    def _misread(self, vehicle: Vehicle, box: tuple[int, int, int, int]) -> PlateCandidate:
        text, confidences = "", []
        for character in vehicle.text:
            is_wrong = self.random.random() < self.character_error
            others = CONFUSED.get(character) or ALPHABET.replace(character, "")
            text += self.random.choice(others) if is_wrong else character
            confidences.append(self.random.uniform(0.45, 0.9) if is_wrong else self.random.uniform(0.7, 1))
        self.seen += 1
        self.exact += text == vehicle.text
        jitter = tuple(value + self.random.randint(-3, 3) for value in box)
        return PlateCandidate(text, tuple(confidences), jitter)  # type: ignore[arg-type]

    def passages(self, seconds: float, reader: PassageReader | None = None) -> list[Passage]:
        """Everything that is told in the first ``seconds``."""
        reader = reader or PassageReader()
        told: list[Passage] = []
        for number in range(int(seconds * self.frames_a_second)):
            at = number / self.frames_a_second
            moment = START + timedelta(seconds=at)
            told += reader.look(STREET, moment, f"frame {number}", self.candidates(at))
        return told + reader.end()


def plate(random_: random.Random) -> str:
    """An invented plate."""
    letters, digits = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
    return (
        random_.choice(digits)
        + "".join(random_.choice(letters) for _ in range(3))
        + "".join(random_.choice(digits) for _ in range(3))
    )


def busy_street(count: int, seed: int, seconds: float = 1.6, headway: float = 2.1) -> list[Vehicle]:
    """``count`` vehicles in two lanes, one direction each, some closely behind each other."""
    random_ = random.Random(seed)
    vehicles = []
    for number in range(count):
        lane = number % 2
        start = (60.0, 420.0) if lane else (1150.0, 560.0)
        speed = (650 * random_.uniform(0.7, 1.2)) * (1 if lane else -1)
        enters = number // 2 * headway + random_.uniform(0, 0.8)
        vehicles.append(Vehicle(plate(random_), enters, seconds, start, (speed, random_.uniform(-30, 30))))
    return vehicles
