"""The store against a plain list: whatever comes, is sealed, dropped or reopened, every question has one right answer."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from store_testing import ANY_TIME, DAY, MORNING, NEXT_DAY, stored

from glassplate.files import LocalFiles
from glassplate.plate_text import PlatePattern
from glassplate.records import Vehicle
from glassplate.store import SearchWorker, SqlcipherStore, StoreQuery, columns, dictionary
from glassplate.store.columns import RUN
from glassplate.store.dictionary import LOOK_UP_BEYOND
from glassplate.store.sealed_search import SealedSearch

THIRD = "2026-11-27"
KEYS = {DAY: bytes(32), NEXT_DAY: bytes([1]) * 32, THIRD: bytes([2]) * 32}
BODIES, COLORS, CAMERAS = ["sedan", "suv"], ["red", "white", "unknown"], ["cam-1", "cam-2", "cam-3"]

epochs = st.sampled_from(list(KEYS))
texts = st.one_of(
    st.text("O0I18BD", max_size=4),
    st.text("AO0", min_size=10, max_size=13),
    st.sampled_from(["ÄO018", "А123ВС", "7QX", "7QX0418", "7OXO418", "7QX041"]),
)
sights = st.tuples(
    texts,
    st.integers(0, 5),
    st.sampled_from(CAMERAS),
    st.sampled_from(BODIES),
    st.sampled_from(COLORS),
    st.sampled_from(COLORS),
)
some = st.lists(st.sampled_from(range(3)), max_size=2, unique=True)
patterns = st.one_of(
    texts.map(
        lambda text: PlatePattern.parse(f"*{text}").text[1:] if len(text) > 1 and text.isascii() else "O0"
    ),
    st.text("O018A?*", min_size=1, max_size=7),
    st.sampled_from(["7QX*", "*A*O*0*", "AO???AAAAA*", "*X0?1*", "А123"]),
).map(
    lambda text: (
        PlatePattern(PlatePattern.parse(f"00{text}").text[2:]) if text.isascii() else PlatePattern("123")
    )
)


class StoreAgainstList(RuleBasedStateMachine):
    """``here``: (microsecond, arrival within it and its epoch, epoch) -> read, which is the order of answers."""

    sealed = SealedSearch

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = self.opened()
        self.here, self.number = {}, 0

    def opened(self):
        store = SqlcipherStore(self.folder, LocalFiles(), self.sealed())
        store.create_epoch(THIRD, in_memory=True)
        return store

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(epoch=epochs, seen=st.lists(sights, min_size=1, max_size=6), again=st.booleans())
    def append(self, epoch, seen, again):
        reads = []
        for text, second, camera, body, color, other in seen:
            self.number += 1
            at = MORNING + timedelta(seconds=second)
            plain = stored(self.number, text, epoch=epoch, camera=camera, at=at)
            vehicle = Vehicle(body, 0.5, color, 0.5, other, 0.25)
            reads.append(replace(plain, read=replace(plain.read, vehicle=vehicle)))
            place = (at, sum(p[0] == at and p[2] == epoch for p in self.here), epoch)
            self.here[place] = reads[-1]
        assert self.store.append(epoch, KEYS[epoch], reads) == [True] * len(reads)
        if again:
            assert self.store.append(epoch, KEYS[epoch], reads[:2]) == [False] * len(reads[:2])

    @rule(epoch=epochs)
    def seal(self, epoch):
        self.store.seal_epoch(epoch, KEYS[epoch])

    @rule(epoch=epochs)
    def drop_hot(self, epoch):
        self.store.drop_hot(epoch)

    @rule(epoch=epochs)
    def drop_epoch(self, epoch):
        self.store.drop_epoch(epoch)
        self.here = {place: read for place, read in self.here.items() if place[2] != epoch}
        if epoch == THIRD:
            self.store.create_epoch(THIRD, in_memory=True)

    @rule()
    def reopen(self):
        self.store.close()
        self.here = {place: read for place, read in self.here.items() if place[2] != THIRD}
        self.store = self.opened()

    @rule(
        pattern=st.none() | patterns,
        near=st.booleans(),
        window=st.tuples(st.integers(-1, 6), st.integers(-1, 6)),
        cameras=some,
        bodies=st.lists(st.sampled_from(BODIES), max_size=1),
        colors=st.lists(st.sampled_from(COLORS), max_size=2, unique=True),
        limit=st.integers(1, 7),
    )
    def search(self, pattern, near, window, cameras, bodies, colors, limit):
        since, until = (MORNING + timedelta(seconds=second) for second in window)
        names = tuple(CAMERAS[n] for n in cameras)
        if pattern is None and not (names or bodies or colors):
            names = ("cam-1",)
        nearness = "look_alike" if near and pattern is not None and not pattern.has_wildcards else "exact"
        asked = StoreQuery(pattern, since, until, names, limit, nearness, tuple(bodies), tuple(colors))
        expected = [
            self.here[place]
            for place in sorted(self.here, reverse=True)
            if fits(asked, self.here[place].read)
        ]
        answered = []
        while True:
            page = self.store.search(asked, KEYS)
            assert page.unserved == ()
            assert len(page.reads) == min(limit, len(expected) - len(answered))
            assert page.truncated == (page.cursor is not None)
            answered += page.reads
            if page.cursor is None:
                break
            asked = replace(asked, cursor=page.cursor)
        assert answered == expected

    @rule(data=st.data())
    def get(self, data):
        if self.here:
            wanted = data.draw(st.lists(st.sampled_from(sorted(self.here)), max_size=4))
            ids = [self.here[place].read.read_id for place in wanted]
            found = self.store.get([*ids, "f" * 32], KEYS)
            assert found == [self.here[place] for place in dict.fromkeys(wanted)]

    @rule()
    def count(self):
        expected = {}
        for _, _, epoch in self.here:
            expected[epoch] = expected.get(epoch, 0) + 1
        assert {e: n for e, n in self.store.counts(KEYS).items() if n} == expected

    @rule(text=st.sampled_from(["7QX0418", "O0"]), limit=st.integers(1, 3))
    def page_while_reads_arrive(self, text, limit):
        """What arrives between two pages is seen where it belongs, or not at all; nothing moves."""
        asked = StoreQuery(PlatePattern.parse(text), *ANY_TIME, limit=limit)
        page = self.store.search(asked, KEYS)
        if page.cursor is None:
            return
        last = next(place for place, read in self.here.items() if read == page.reads[-1])
        self.append(DAY, [(text, second, "cam-1", "suv", "red", "red") for second in (0, 5)], again=False)
        self.seal(DAY)
        expected = [
            self.here[place]
            for place in sorted(self.here, reverse=True)
            if place < last and fits(asked, self.here[place].read)
        ]
        page = self.store.search(replace(asked, cursor=page.cursor), KEYS)
        assert list(page.reads) == expected[:limit]


def fits(asked, read):
    if asked.pattern is not None:
        matches = asked.pattern.looks_like if asked.nearness == "look_alike" else asked.pattern.matches
        if not matches(read.text):
            return False
    vehicle = read.vehicle
    return (
        asked.since <= read.captured_at <= asked.until
        and (not asked.camera_ids or read.camera_id in asked.camera_ids)
        and (not asked.bodies or vehicle.body in asked.bodies)
        and (not asked.colors or bool({vehicle.color, vehicle.second_color} & set(asked.colors)))
    )


TestStoreAgainstList = StoreAgainstList.TestCase
TestStoreAgainstList.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)


class StoreOfShortRunsAgainstList(StoreAgainstList):
    """The same, with columns that are sorted every few rows, and wildcards looked up however few plates there are."""

    def __init__(self):
        columns.RUN, dictionary.LOOK_UP_BEYOND = 3, 0
        super().__init__()

    def teardown(self):
        super().teardown()
        columns.RUN, dictionary.LOOK_UP_BEYOND = RUN, LOOK_UP_BEYOND


TestStoreOfShortRunsAgainstList = StoreOfShortRunsAgainstList.TestCase
TestStoreOfShortRunsAgainstList.settings = TestStoreAgainstList.settings


class StoreWithWorkerAgainstList(StoreAgainstList):
    """The same, with the search worker, which starts again for each epoch that dies."""

    sealed = SearchWorker


TestStoreWithWorkerAgainstList = StoreWithWorkerAgainstList.TestCase
TestStoreWithWorkerAgainstList.settings = settings(max_examples=5, stateful_step_count=20, deadline=None)
