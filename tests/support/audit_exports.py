"""Invented audit exports of another vendor: honest rows of a made-up department, and abuses planted among them.

Everything is invented: names are words and numbers, plates begin with two zeros. Honest work includes what looks
suspicious and is not: one case over weeks, overtime at night, a mosque that was vandalized, an ice cream truck stolen.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

HEADER_13 = [
    "ID",
    "Name",
    "Org Name",
    "Total Networks Searched",
    "Time Frame",
    "License Plate",
    "Reason",
    "Case #",
    "Filters",
    "Search Time",
    "Search Type",
    "Text Prompt",
    "Moderation",
]
HEADER_11 = [
    "Name",
    "Org Name",
    "Total Networks Searched",
    "Total Devices Searched",
    "Time Frame",
    "License Plate",
    "Reason",
    "Case #",
    "Filters",
    "Search Time",
    "Search Type",
]
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 90
SHIFTS = ((6, 14), (14, 22), (22, 30))
GOOD_REASONS = (
    "burglary of a garage on Elm Street", "stolen vehicle recovery", "hit and run with injury", "robbery at a gas station",
    "missing juvenile, last seen in a van", "shots fired call", "catalytic converter thefts", "armed robbery suspect vehicle",
    "DUI crash, driver left", "retail theft ring", "homicide case follow up", "stolen plate used at a fuel station",
    "aggravated assault with a vehicle", "protection order violation",
)  # fmt: skip
TRICKY_REASONS = ("vandalism at a mosque", "stolen ice cream truck", "crash during the protest route closure")
ORGANIZATION = "Example City PD"


@dataclass
class Written:
    """A row to write, and whether it was planted."""

    at: datetime
    person: str
    plate: str
    reason: str
    case: str
    networks: int = 12
    devices: int = 180
    search_type: str = "search"
    planted: str = ""


@dataclass
class Scenario:
    """Rows in order of time, and the abuses: name -> (kind of finding, person)."""

    rows: list[Written]
    abuses: dict[str, tuple[str, str]] = field(default_factory=dict)


def scenario(seed: int, honest_rows: int) -> Scenario:
    """``honest_rows`` honest rows of about 120 officers over 90 days, and 28 planted abuses."""
    chance = random.Random(seed)
    officers = [f"Officer {number:03}" for number in range(120)]
    made = Scenario(_honest(chance, officers, honest_rows))
    _plant(chance, officers, made)
    made.rows.sort(key=lambda row: (row.at, row.person))
    return made


def csv_13(rows: list[Written], first_id: int = 1) -> str:
    """The 13 columns, times as that vendor writes them, the time frame in two lines of one cell."""
    return _csv(
        HEADER_13,
        (
            [
                f"s-{first_id + i}", row.person, ORGANIZATION, str(row.networks), _frame(row.at), row.plate, row.reason,
                row.case, "", us_time(row.at), row.search_type, "", "allow",
            ]
            for i, row in enumerate(rows)
        ),
    )  # fmt: skip


def csv_11(rows: list[Written]) -> str:
    """The older 11 columns: no id, devices beside networks."""
    return _csv(
        HEADER_11,
        (
            [
                row.person, ORGANIZATION, str(row.networks), str(row.devices), _frame(row.at), row.plate, row.reason,
                row.case, "", us_time(row.at), row.search_type,
            ]
            for row in rows
        ),
    )  # fmt: skip


def us_time(at: datetime) -> str:
    """Such as ``03/01/2026, 02:05:09 PM UTC``."""
    return f"{at:%m/%d/%Y, %I:%M:%S %p} UTC"


def _csv(header, rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _frame(at: datetime) -> str:
    return f"{us_time(at - timedelta(days=7))}\n{us_time(at)}"


def _plate(chance: random.Random) -> str:
    return f"00{chance.randrange(10**5):05}"


def _honest(chance: random.Random, officers: list[str], count: int) -> list[Written]:
    """Each officer works shift after shift on one case at a time; a case takes some days, now and then weeks."""
    sessions = count // len(officers) // 3 + 1  # three searches each on average
    rows = [
        row
        for index, officer in enumerate(officers)
        for row in _working(chance, officer, SHIFTS[index % 3], sessions)
    ]
    chance.shuffle(rows)
    return rows[:count]


def _working(chance: random.Random, officer: str, shift: tuple[int, int], sessions: int) -> list[Written]:
    starts = []
    for _ in range(sessions + 20):
        first, last = (
            chance.choice(SHIFTS) if chance.random() < 0.01 else shift
        )  # overtime, with cases as ever
        starts.append(
            FIRST_DAY + timedelta(days=chance.randrange(DAYS), hours=chance.uniform(first, last - 1))
        )
    rows: list[Written] = []
    case = _case(chance, officer)
    free_at = FIRST_DAY
    for start in sorted(starts):
        if chance.random() < 0.15:
            case = _case(chance, officer)
        begins = max(start, free_at + timedelta(minutes=chance.uniform(0.5, 5)))
        rows.extend(_session(chance, officer, begins, case))
        free_at = rows[-1].at
    return rows


def _session(
    chance: random.Random, officer: str, start: datetime, case: tuple[str, str, str]
) -> list[Written]:
    plate, reason, number = case
    return [
        Written(
            start + timedelta(seconds=40 * step + chance.randrange(35)),
            officer,
            plate if chance.random() < 0.3 else _plate(chance),
            reason,
            number if chance.random() > 0.02 else "",  # forgotten now and then; told as what it is
            networks=chance.choice((1, 1, 12, 40, 120)),
            search_type=chance.choice(("search", "lookup", "lookup", "apiLookup")),
        )
        for step in range(chance.randint(1, 5))
    ]


def _case(chance: random.Random, officer: str) -> tuple[str, str, str]:
    reason = chance.choice(TRICKY_REASONS) if chance.random() < 0.001 else chance.choice(GOOD_REASONS)
    return _plate(chance), reason, f"26-{chance.randrange(10**5):05}"


def _plant(chance: random.Random, officers: list[str], made: Scenario) -> None:
    """Four abuses of each of seven kinds, by different officers."""
    culprits = iter(chance.sample(officers, 28))
    plants = (_stalking, _vague, _caseless, _forbidden, _wide, _lonely, _shared)
    for plant in plants:
        for number in range(4):
            person = next(culprits)
            name = f"{plant.__name__}-{number}"
            kind, rows = plant(chance, person, number, made.rows)
            for row in rows:
                row.planted = name
            made.rows.extend(rows)
            made.abuses[name] = (kind, person)


def _stalking(chance, person, number, _rows):
    """An ex-partner's plate on many days, with few words and no case."""
    plate = f"00EX{number:03}"
    days = sorted(chance.sample(range(DAYS), 5 + 8 * number))
    words = ("burglary check", "follow up on a vehicle", "known vehicle", "check")
    return "repeated plate", [
        Written(_at(day, chance.uniform(7, 20)), person, plate, chance.choice(words), "") for day in days
    ]


def _vague(chance, person, number, _rows):
    reason = ("investigation", "x", "inv", "police work")[number]
    return "vague reason", [_work(chance, person, reason=reason) for _ in range(6)]


def _caseless(chance, person, number, _rows):
    case = ("", "n/a", "none", "0")[number]
    return "missing case number", [_work(chance, person, case=case) for _ in range(8)]


def _forbidden(chance, person, number, _rows):
    reason = (
        "assist ICE with removal order",
        "abortion out of state",
        "protest organizers",
        "my ex girlfriend",
    )[number]
    return "forbidden purpose", [_work(chance, person, reason=reason)]


def _wide(chance, person, number, _rows):
    return "network-wide search", [_work(chance, person, networks=2_000 + 1_500 * number)]


def _lonely(chance, person, number, rows):
    """Once, far from every hour at which this officer works, one plate, no case."""
    own = [row.at for row in rows if row.person == person]
    hours = [at.hour for at in own]
    hour = min(range(24), key=lambda h: sum(hours.count((h + step) % 24) for step in (-1, 0, 1)))
    nights = (_at(day, hour + 0.5) for day in range(DAYS))
    quiet = next(at for at in nights if all(abs(at - one) > timedelta(hours=5) for one in own))
    return "isolated session", [Written(quiet, person, f"00LN{number:03}", "theft of a trailer", "")]


def _shared(chance, person, number, _rows):
    """One login for a whole department: around the clock, or two cases by turns within seconds."""
    day = 20 + 10 * number
    if number % 2:
        start = _at(day, 9)
        return "shared account", [
            Written(
                start + timedelta(seconds=8 * i),
                person,
                _plate(chance),
                "robbery",
                ("26-11111", "26-22222")[i % 2],
            )
            for i in range(6)
        ]
    return "shared account", [
        Written(_at(day, hour + 0.3), person, _plate(chance), "burglary series", f"26-{hour:05}")
        for hour in range(22)
    ]


def _at(day: int, hour: float) -> datetime:
    return FIRST_DAY + timedelta(days=day, hours=hour)


def _work(chance, person, reason="burglary of a store", case="26-40404", networks=12) -> Written:
    return Written(
        _at(chance.randrange(DAYS), chance.uniform(8, 16)), person, _plate(chance), reason, case, networks
    )
