"""What must be true of a city after every act, checked from scratch.

* the registry is the log replayed: every operation of every entry, in order, and nothing else;
* every search has one outcome, later than itself, or is open; no outcome stands alone;
* what an outcome names as shown is no more than what the search's account may have been shown;
* duties have nothing left to complain of, and the published record verifies from outside.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassplate.registry import Registry
from glassplate.verify import verify_city

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from tests.support.city import TestCity

    from glassplate.store import Store, StoredPage, StoredRead, StoreQuery

TABLES = (
    "account",
    "passkey",
    "session",
    "search",
    "hotlist",
    "alert",
    "epoch",
    "segment",
    "hold",
    "counter",
    "meta",
)


def check_city(city: TestCity, silent_days: Collection[str] = ()) -> None:
    """Every invariant; publishes on the way. ``silent_days``: on which the disk let no inventory be written."""
    check_registry(city)
    check_searches(city)
    city.vault.duties()
    city.vault.publish()
    result = verify_city(city.folder.public, city.fingerprints, city.now())
    silent = (
        f"key inventory: {len(silent_days)} days are missing, the first {min(silent_days, default='')}: "
        "a silent day is a day without proof"
    )
    findings = [text for finding in result.findings if (text := str(finding)) != silent]
    assert not findings, findings
    assert result.holds or silent_days
    check_registry(city)


def check_registry(city: TestCity) -> None:
    """The registry equals the log replayed, but for a session's last use and an alert's place, which are no facts of it."""
    vault = city.vault
    assert vault.registry.applied_size == vault.log.size
    with tempfile.TemporaryDirectory() as scratch:
        replayed = Registry(Path(scratch) / "replayed.db", bytes(32))
        for index in range(vault.log.size):
            replayed.apply(index, vault.recorder.open_body(index).operation)
        assert tables(vault.registry) == tables(replayed)
        replayed.close()


def tables(registry: Registry) -> dict[str, list[tuple[Any, ...]]]:
    found = {name: sorted(registry._all(f"select * from {name}"), key=repr) for name in TABLES}
    found["session"] = [row[:-1] for row in found["session"]]  # all but seen_at
    found["alert"] = [
        (*row[:4], *row[5:]) for row in found["alert"]
    ]  # all but camera_id, which dies with the read
    return found


def check_searches(city: TestCity) -> None:
    """Searches and outcomes fit together, in the log and in the registry."""
    searches = dict(bodies(city, "search"))
    outcomes: dict[int, int] = {}
    for index, body in bodies(city, "search-outcome"):
        asked = body["search_index"]
        assert asked in searches
        assert asked < index
        assert asked not in outcomes, "a search has two outcomes"
        assert len(body["read_ids"]) == body["reads_shown"]
        outcomes[asked] = index
    for index, body in searches.items():
        stored = city.vault.registry.search(index)
        assert stored is not None
        assert stored.account_id == body["account_id"]
        assert stored.outcome_index == outcomes.get(index)
    assert {s.entry_index for s in city.vault.registry.open_searches()} == searches.keys() - outcomes.keys()


def bodies(city: TestCity, entry_type: str) -> list[tuple[int, dict[str, Any]]]:
    """Index and opened fields of every entry of one type."""
    return [
        (index, city.vault.recorder.open_body(index).fields)
        for index, kind in enumerate(types(city))
        if kind == entry_type
    ]


def public(city: TestCity, entry_type: str) -> list[dict[str, str]]:
    """Public half of every entry of one type."""
    halves = map(public_half(city), range(city.vault.log.size))
    return [half for half in halves if half["type"] == entry_type]


def public_half(city: TestCity) -> Callable[[int], dict[str, str]]:
    """Gives the public half of an entry by its index."""
    return lambda index: dict(json.loads(city.vault.log.record(index).leaf)["pub"])


def types(city: TestCity) -> list[str]:
    """The type of every entry."""
    log = city.vault.log
    return [json.loads(log.record(index).leaf)["pub"]["type"] for index in range(log.size)]


@contextmanager
def added(city: TestCity) -> Iterator[list[str]]:
    """The types of the entries that were added inside the block."""
    found: list[str] = []
    before = city.vault.log.size
    yield found
    found.extend(types(city)[before:])


def refuses(act: Callable[[], object], error: type[Exception]) -> bool:
    """Whether ``act`` raises exactly this."""
    try:
        act()
    except error:
        return True
    return False


class CountingStore:
    """A store that counts the questions and passes them on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0

    def search(self, query: StoreQuery, keys: Mapping[str, bytes]) -> StoredPage:
        self.asked += 1
        return self._store.search(query, keys)

    def get(self, read_ids: Sequence[str], keys: Mapping[str, bytes]) -> list[StoredRead]:
        self.asked += 1
        return self._store.get(read_ids, keys)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def count_questions(city: TestCity) -> CountingStore:
    """Let the gate ask through a counting store."""
    counting = CountingStore(city.vault.store)
    object.__setattr__(city.vault.gate, "store", counting)  # every room holds this one gate
    return counting
