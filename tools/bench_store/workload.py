"""Invented traffic of a city: the same reads for every engine and every run, made in numpy blocks.

1.5 M true plates of four shapes, seen ∝ rank^-0.6 by 300 cameras (log-normal) over 30 days with the hours of a working
day. 5 % of the reads are misread at one place: a look-alike, with 10 % any symbol, with 5 % the last one is lost. Region
wrong in 4 %, color and body in 5 %. Each character has its confidence, the doubtful ones an alternative.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

SEED = 7
EPOCHS = 30
PLATES = 1_500_000
FIRST_DAY = datetime(2026, 1, 31, tzinfo=UTC)  # the 31st day is the one that reads arrive in
ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
LETTERS, DIGITS = b"ABCDEFGHJKLMNPRSTUVWXYZ", b"0123456789"
SYMBOLS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLATE_CHARACTERS = 7
SHAPES = ((0.55, "dLLLddd"), (0.25, "LLLdddd"), (0.12, "LLddddd"), (0.08, "AAAAAAA"))
LOOK_ALIKES = {
    "0": "ODQ", "1": "IL", "2": "Z", "3": "8", "4": "A", "5": "S", "6": "G", "7": "T",
    "8": "B", "9": "0", "O": "0DQ", "D": "0OQ", "Q": "0OD", "I": "1L", "L": "1I", "B": "8",
    "S": "5", "Z": "2", "G": "6", "A": "4", "C": "G", "E": "F", "F": "E", "H": "N",
    "J": "U", "K": "X", "M": "N", "N": "M", "P": "R", "R": "P", "T": "7", "U": "V",
    "V": "UY", "W": "V", "X": "K", "Y": "V",
}  # fmt: skip
"""What a reader takes a symbol for: first the six groups that the store folds, then others that look less alike."""
CAMERAS = tuple(f"camera-{n:03}" for n in range(300))
REGIONS = ("US-CA", *(f"XX-{n:02}" for n in range(1, 50)))
COLORS = (
    "white", "black", "gray", "silver", "blue", "red", "green", "brown", "beige", "gold", "orange", "yellow",
)  # fmt: skip
COLOR_WEIGHTS = (25, 22, 18, 11, 9, 7, 3, 2, 1, 1, 0.5, 0.5)
BODIES = ("car", "suv", "pickup", "van", "truck", "motorcycle", "bus", "trailer")
BODY_WEIGHTS = (40, 28, 14, 8, 4, 3, 2, 1)
HOURS = (
    1, 0.7, 0.5, 0.5, 0.8, 2, 4.5, 7, 7.5, 6, 5.2, 5.3, 5.8, 5.8, 6, 6.8, 7.8, 8, 6.5, 4.8, 3.5, 2.7, 2, 1.5,
)  # fmt: skip
MISREAD, ANY_SYMBOL, LOST = 0.05, 0.10, 0.05
DOUBT_PER_MILLE = 23  # mean of one character, so that the least sure of seven is about 6 % in doubt
IN_DOUBT = 900  # per mille; below it a character has an alternative
MAX_ALTERNATIVES = 2

READ = np.dtype(
    [
        ("id", "<u8"),  # microseconds since 2020, unique
        ("text", "u1", 8),  # ASCII, zero at the end
        ("sure", "<u2", PLATE_CHARACTERS),
        ("place", "u1", MAX_ALTERNATIVES),  # of the alternative; 255: none
        ("other", "u1", MAX_ALTERNATIVES),
        ("other_sure", "<u2", MAX_ALTERNATIVES),
        ("camera", "<u2"),
        ("region", "u1"),
        ("region_sure", "<u2"),
        ("body", "u1"),
        ("body_sure", "<u2"),
        ("color", "u1"),
        ("color_sure", "<u2"),
        ("second", "u1"),
        ("second_sure", "<u2"),
        ("box", "<u2", 4),
        ("read_id", "u1", 16),
        ("digest", "u1", 32),
    ]
)
NOWHERE = 255


@dataclass(frozen=True)
class Workload:
    """``reads`` over 30 days; each day is made once and kept below ``folder``."""

    reads: int
    folder: Path
    seed: int = SEED
    plates: int = PLATES

    def count(self, epoch: int) -> int:
        """Reads of one day."""
        return self.reads * (epoch + 1) // EPOCHS - self.reads * epoch // EPOCHS

    def day(self, epoch: int) -> NDArray[Any]:
        """The ``READ`` rows of one day, oldest first. Day 30 and later are made for arrival, and not kept."""
        path = self.data / f"day-{epoch:02}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp.npy")
            np.save(temporary, self.made(epoch, self.count(epoch)))
            temporary.rename(path)
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]

    @functools.cached_property
    def data(self) -> Path:
        """Where the days are kept: another place for whatever would make other reads."""
        code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
        return self.folder / f"data-{self.reads}-{self.plates}-{self.seed}-{code}"

    @functools.cached_property
    def town(self) -> Town:
        """Who drives here."""
        return Town(np.random.default_rng(self.seed), self.plates)

    def forget_town(self) -> None:
        """Free what ``town`` takes; it is made again when it is needed."""
        vars(self).pop("town", None)

    def made(self, epoch: int, count: int) -> NDArray[Any]:
        """``count`` rows of a day."""
        chance = np.random.default_rng([self.seed, epoch])
        town = self.town
        rows = np.zeros(count, dtype=READ)
        rows["id"] = _times(chance, epoch, count)
        who = np.searchsorted(town.popularity, chance.random(count)).clip(max=self.plates - 1)
        rows["sure"] = 1000 - chance.exponential(DOUBT_PER_MILLE, (count, PLATE_CHARACTERS)).clip(max=800)
        rows["text"][:, :PLATE_CHARACTERS] = town.texts[who]
        _misread(chance, rows)
        _alternatives(chance, rows)
        rows["camera"] = chance.choice(len(CAMERAS), count, p=town.camera_weights)
        for name, choices, wrong in (("region", len(REGIONS), 0.04), ("body", 8, 0.05), ("color", 12, 0.05)):
            rows[name] = _mistaken(chance, getattr(town, name)[who], choices, wrong)
            rows[f"{name}_sure"] = 1000 - chance.exponential(60, count).clip(max=700)
        rows["second"] = (rows["color"] + chance.integers(1, len(COLORS), count)) % len(COLORS)
        rows["second_sure"] = (1000 - rows["color_sure"]) // 2
        rows["box"] = chance.integers((0, 0, 60, 18), (1800, 1000, 320, 90), (count, 4))
        rows["read_id"] = chance.integers(0, 256, (count, 16), dtype=np.uint8)
        rows["digest"] = chance.integers(0, 256, (count, 32), dtype=np.uint8)
        return rows


class Town:
    """The true plates and their vehicles, the most frequent first, and the cameras."""

    def __init__(self, chance: np.random.Generator, plates: int) -> None:
        self.texts = _plates(chance, plates)
        self.popularity = np.cumsum(np.arange(1, plates + 1) ** -0.6)
        self.popularity /= self.popularity[-1]
        home = np.array([0.7, *[0.3 / 49] * 49])
        self.region = chance.choice(len(REGIONS), plates, p=home).astype(np.uint8)
        self.color = chance.choice(len(COLORS), plates, p=_shares(COLOR_WEIGHTS)).astype(np.uint8)
        self.body = chance.choice(len(BODIES), plates, p=_shares(BODY_WEIGHTS)).astype(np.uint8)
        self.camera_weights = _shares(chance.lognormal(0, 0.8, len(CAMERAS)))


def epoch_id(epoch: int) -> str:
    """The day's name."""
    return f"{FIRST_DAY + epoch * DAY:%Y-%m-%d}"


def id_at(at: datetime) -> int:
    """The id of a read captured then."""
    return (at - ORIGIN) // MICROSECOND


def text_of(row: Any) -> str:
    """The plate's text."""
    return bytes(row["text"]).rstrip(b"\0").decode()


def _shares(weights: Any) -> NDArray[np.float64]:
    values = np.asarray(weights, dtype=np.float64)
    shares: NDArray[np.float64] = values / values.sum()
    return shares


def _plates(chance: np.random.Generator, count: int) -> Bytes:
    """``count`` distinct plates, shuffled."""
    asked = count * 5 // 4 + 100
    shapes = chance.choice(len(SHAPES), asked, p=[weight for weight, _ in SHAPES])
    letters, digits = (np.frombuffer(of, dtype=np.uint8) for of in (LETTERS, DIGITS))
    kinds = {"d": digits, "L": letters, "A": np.concatenate([letters, digits])}
    texts = np.zeros((asked, PLATE_CHARACTERS), dtype=np.uint8)
    for number, (_, shape) in enumerate(SHAPES):
        mine = np.flatnonzero(shapes == number)
        for place, kind in enumerate(shape):
            texts[mine, place] = chance.choice(kinds[kind], len(mine))
    distinct = np.unique(texts.view(f"S{PLATE_CHARACTERS}").ravel())
    chance.shuffle(distinct)
    return distinct[:count].view(np.uint8).reshape(-1, PLATE_CHARACTERS)


def _times(chance: np.random.Generator, epoch: int, count: int) -> NDArray[np.uint64]:
    hours = chance.choice(len(HOURS), count, p=_shares(HOURS))
    seconds = hours * 3600 + chance.random(count) * 3600
    micros = np.sort((seconds * 1e6).astype(np.int64))
    order = np.arange(count)
    unique = np.maximum.accumulate(micros - order) + order  # the later of two at one instant moves on
    return (unique + id_at(FIRST_DAY + epoch * DAY)).astype(np.uint64)


def _misread(chance: np.random.Generator, rows: NDArray[Any]) -> None:
    wrong = np.flatnonzero(chance.random(len(rows)) < MISREAD)
    place = chance.integers(0, PLATE_CHARACTERS, len(wrong))
    texts = rows["text"][wrong]
    how = chance.random(len(wrong))
    symbols = np.frombuffer(SYMBOLS, dtype=np.uint8)
    any_symbol = chance.choice(symbols, len(wrong))
    seen = texts[np.arange(len(wrong)), place]
    look_alike = _look_alike(seen, chance.random(len(wrong)))
    texts[np.arange(len(wrong)), place] = np.where(how < ANY_SYMBOL, any_symbol, look_alike)
    rows["sure"][wrong, place] = 1000 - chance.exponential(300, len(wrong)).clip(max=800)
    lost = how > 1 - LOST
    texts[lost, PLATE_CHARACTERS - 1] = 0
    rows["text"][wrong] = texts


def _look_alike(seen: Bytes, drawn: NDArray[np.float64]) -> Bytes:
    """One of the look-alikes of each symbol."""
    table = np.arange(256, dtype=np.uint8)[:, None].repeat(6, axis=1)  # 6: 1, 2 and 3 divide it
    for symbol, others in LOOK_ALIKES.items():
        table[ord(symbol)] = [ord(others[n % len(others)]) for n in range(6)]
    return table[seen, (drawn * 6).astype(np.intp)]


def _alternatives(chance: np.random.Generator, rows: NDArray[Any]) -> None:
    """For the least sure characters below ``IN_DOUBT``: another symbol, with half of the doubt."""
    lengths = (rows["text"] != 0).sum(axis=1)
    least = np.argsort(rows["sure"], axis=1, kind="stable")[:, :MAX_ALTERNATIVES]
    sure = np.take_along_axis(rows["sure"], least, axis=1)
    has = (sure < IN_DOUBT) & (least < lengths[:, None])
    seen = np.take_along_axis(rows["text"], least, axis=1)
    other = _look_alike(seen, chance.random(seen.shape))
    rows["place"] = np.where(has, least, NOWHERE)
    rows["other"] = np.where(has, other, 0)
    rows["other_sure"] = np.where(has, (1000 - sure) // 2, 0)


def _mistaken(chance: np.random.Generator, truth: Bytes, choices: int, share: float) -> Bytes:
    drawn = chance.integers(0, choices, len(truth), dtype=np.uint8)
    return np.where(chance.random(len(truth)) < share, drawn, truth)
