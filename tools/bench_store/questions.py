"""The questions of the benchmark: 100 of each kind, the same for every engine and every run."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bench_store.workload import (
    BODIES,
    BODY_WEIGHTS,
    CAMERAS,
    COLOR_WEIGHTS,
    COLORS,
    DAY,
    EPOCHS,
    FIRST_DAY,
    LOOK_ALIKES,
    SYMBOLS,
    text_of,
)
from glassplate.plate_text import PlatePattern
from glassplate.store import StoreQuery

if TYPE_CHECKING:
    from bench_store.workload import Workload

KINDS = ("exact", "look-alike", "wildcard", "vehicle", "camera")
LIMIT = 500
COMMON = 4  # bodies and colors that a question about a vehicle asks for


@dataclass(frozen=True)
class Asked:
    """One question of one kind; the newest ``LIMIT`` reads are the answer."""

    kind: str
    since: datetime
    until: datetime
    plate: str | None = field(default=None, repr=False)
    cameras: tuple[str, ...] = ()
    body: str | None = None
    color: str | None = None

    @property
    def pattern(self) -> str:
        """The plate as the store folds it, with its wildcards."""
        return PlatePattern.parse(self.plate or "").text

    @property
    def query(self) -> StoreQuery:
        """For the store."""
        return StoreQuery(
            PlatePattern.parse(self.plate) if self.plate else None,
            self.since,
            self.until,
            camera_ids=self.cameras,
            limit=LIMIT,
            nearness="look_alike" if self.kind == "look-alike" else "exact",
            bodies=(self.body,) if self.body else (),
            colors=(self.color,) if self.color else (),
        )


def questions(workload: Workload, each: int = 100, seed: int = 7) -> dict[str, list[Asked]]:
    """``each`` of every kind; another ``seed`` gives others, for warming up."""
    chance = random.Random(seed)  # noqa: S311 - the same questions every time
    days = [workload.day(epoch) for epoch in range(EPOCHS)]

    def seen() -> str:
        day = chance.choice(days)
        return text_of(day[chance.randrange(len(day))])

    def true() -> str:
        texts = workload.town.texts
        return bytes(texts[chance.randrange(len(texts))]).decode()

    whole = FIRST_DAY, FIRST_DAY + (EPOCHS + 1) * DAY
    made: dict[str, list[Asked]] = {kind: [] for kind in KINDS}
    for number in range(each):
        exact = seen() if number % 5 < 3 else true()  # noqa: PLR2004 - 60 seen, 40 true
        made["exact"].append(Asked("exact", *whole, exact))
        made["look-alike"].append(Asked("look-alike", *whole, _changed(seen(), chance)))
        made["wildcard"].append(Asked("wildcard", *whole, _wild(seen(), number % 10)))
        made["vehicle"].append(_vehicle(chance))
        since = FIRST_DAY + chance.random() * EPOCHS * DAY
        camera = (chance.choice(CAMERAS),)
        made["camera"].append(Asked("camera", since, since + timedelta(minutes=5), cameras=camera))
    return made


def _changed(text: str, chance: random.Random) -> str:
    """50 % a look-alike, 20 % another symbol, 15 % one less, 15 % one more."""
    at, drawn = chance.randrange(len(text)), chance.random()
    symbol = chr(chance.choice(SYMBOLS))
    if drawn < 0.5:  # noqa: PLR2004
        symbol = chance.choice(LOOK_ALIKES[text[at]])
    elif drawn >= 0.85:  # noqa: PLR2004
        return f"{text[:at]}{symbol}{text[at:]}"
    elif drawn >= 0.7:  # noqa: PLR2004
        return text[:at] + text[at + 1 :]
    return f"{text[:at]}{symbol}{text[at + 1 :]}"


def _wild(text: str, number: int) -> str:
    """Of ten: four ``XYZ?W*``, three ``*XXXX*``, three ``AB??123``."""
    if number < 4:  # noqa: PLR2004
        return f"{text[:3]}?{text[4]}*"
    return f"*{text[2:6]}*" if number < 7 else f"{text[:2]}??{text[4:]}"  # noqa: PLR2004


def _vehicle(chance: random.Random) -> Asked:
    day = FIRST_DAY + chance.randrange(EPOCHS) * DAY
    since = day + timedelta(hours=6 + chance.random() * 14)
    return Asked(
        "vehicle",
        since,
        since + timedelta(hours=2),
        cameras=tuple(sorted(chance.sample(CAMERAS, 10))),
        body=chance.choices(BODIES[:COMMON], BODY_WEIGHTS[:COMMON])[0],
        color=chance.choices(COLORS[:COMMON], COLOR_WEIGHTS[:COMMON])[0],
    )
