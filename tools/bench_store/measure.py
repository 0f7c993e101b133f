"""The measurements themselves, in a process that does nothing else, so that its memory is the store's."""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench_store.arrivals import READS_A_SECOND, READS_AT_ONCE, Arrivals, asked_meanwhile
from bench_store.figures import Timed, load, percentiles, unequal
from bench_store.made_reads import stored_reads
from bench_store.page_cache import bring_into_page_cache
from bench_store.progress import progress
from bench_store.questions import KINDS, questions
from bench_store.store_engine import HOT_EPOCH, StoreEngine, bytes_on_disk, copy_for_use
from bench_store.workload import DAY, EPOCHS, FIRST_DAY, epoch_id, id_at
from glassplate.vault_process import take_short_turns
from timed_store import TimedStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench_store.postgres_engine import PostgresEngine
    from bench_store.questions import Asked
    from bench_store.workload import Workload

APART_MICROSECONDS = 1_000_000 // READS_A_SECOND
ARRIVE_AT = FIRST_DAY + EPOCHS * DAY + timedelta(hours=8)
IN_USE = "in-use-"  # the store that is measured and changed
LANES = 2  # threads that hand batches to intake


def measured(workload: Workload, loaded: Path, postgres: Path | None, seconds: int) -> dict[str, Any]:
    """Everything, from a loaded folder and the socket of a loaded cluster."""
    take_short_turns()  # as a vault does
    other: PostgresEngine | None = None
    if postgres is not None:
        from bench_store.postgres_engine import PostgresEngine

        other = PostgresEngine(postgres)
    with tempfile.TemporaryDirectory(prefix=IN_USE, dir=workload.folder) as temporary:
        folder = Path(temporary) / "store"
        copy_for_use(loaded, folder)
        result: dict[str, Any] = {"load_before": load()}
        warm_up, asked = questions(workload, seed=8), questions(workload)
        workload.forget_town()  # its memory is not the store's
        began = time.perf_counter()
        engine = StoreEngine(folder)
        reads = engine.open_all()
        facts: dict[str, Any] = {"open_seconds": round(time.perf_counter() - began, 2), "reads": reads}
        result["queries"] = _queries(engine, other, warm_up, asked)
        facts["bytes_a_read"] = round(bytes_on_disk(folder) / reads, 1)
        facts["resident_mb"] = engine.resident_mb()
        facts["resident_mb"]["together"] = round(sum(facts["resident_mb"].values()), 1)
        result["glassplate"] = facts
        if other is not None:
            result["postgresql"] = {
                "bytes_a_read": round(other.bytes_on_disk() / reads, 1),
                "resident_mb": {"together": other.resident_mb()},
            }
        result["while reads arrive"] = _while_reads_arrive(workload, engine, other, postgres, asked, seconds)
        result["while reads arrive"]["through intake"] = _through_intake(
            workload, engine, asked, Path(temporary) / "city", seconds
        )
        facts.update(_purged(engine, asked))
        if other is not None:
            began = time.perf_counter()
            other.drop_oldest()
            result["postgresql"]["purge_ms"] = _since(began)
            other.close()
        engine.close()
    result["rows_equal"] = all(one.get("rows_equal", True) for one in result["queries"].values())
    return result


def _queries(
    engine: StoreEngine,
    other: PostgresEngine | None,
    warm_up: dict[str, list[Asked]],
    asked: dict[str, list[Asked]],
) -> dict[str, Any]:
    """Kind by kind: files in the page cache, other questions to warm up, then ours, then theirs, seconds apart."""
    figures: dict[str, Any] = {}
    engines: list[StoreEngine | PostgresEngine] = [engine, *([other] if other is not None else [])]
    with progress() as bar:
        task = bar.add_task("asking", total=len(KINDS) * len(engines) * 2 * len(asked["exact"]))
        for kind in KINDS:
            timed = {}
            for one in engines:
                bring_into_page_cache(one.files)
                for question in warm_up[kind]:
                    one.ask(question)
                    bar.advance(task)
                mine = timed[one.name] = Timed()
                for question in asked[kind]:
                    mine.ask(one.ask, question)
                    bar.advance(task)
            figures[kind] = {name: mine.figures() for name, mine in timed.items()}
            if other is not None:
                different = unequal(timed[engine.name].answers, timed[other.name].answers)
                figures[kind]["rows_equal"] = not different
                figures[kind]["unequal_questions"] = different
    return figures


def _while_reads_arrive(
    workload: Workload,
    engine: StoreEngine,
    other: PostgresEngine | None,
    postgres: Path | None,
    asked: dict[str, list[Asked]],
    seconds: int,
) -> dict[str, Any]:
    """The same questions while ``READS_A_SECOND`` are appended, ours and then theirs."""
    rows = _arriving(workload, seconds, int(workload.day(HOT_EPOCH)["id"][-1]) + 1)
    portions = [rows[start : start + READS_AT_ONCE] for start in range(0, len(rows), READS_AT_ONCE)]
    made = [stored_reads(portion, epoch_id(HOT_EPOCH)) for portion in portions]
    _settle()
    figures = {"glassplate": asked_meanwhile(engine.ask, asked, Arrivals(engine.append, made))}
    if other is not None and postgres is not None:
        writer = type(other)(postgres)
        figures["postgresql"] = asked_meanwhile(other.ask, asked, Arrivals(writer.append, portions))
        writer.close()
    return figures


def _through_intake(
    workload: Workload, engine: StoreEngine, asked: dict[str, list[Asked]], folder: Path, seconds: int
) -> dict[str, Any]:
    """The same while sealed batches come: signature, opened, written, matched; in the store's own process, as in a vault.

    A commit is the write, ``Store.append``; ``accept_…_ms``: of a whole batch, from its bytes to the answer.
    """
    from bench_store.lanes import Lanes, batches_of, made_city, watch_for_wanted

    city = made_city(folder, ARRIVE_AT + timedelta(minutes=5))
    watch_for_wanted(city)
    rows = _arriving(workload, seconds, id_at(ARRIVE_AT))
    lanes = Lanes(city)
    with progress() as bar:
        task = bar.add_task("sealing what will arrive", total=-(-len(rows) // READS_AT_ONCE))
        batches = batches_of(lanes, rows, READS_AT_ONCE, lambda count: bar.advance(task, count))
    store = TimedStore(engine.store)
    intake = replace(city.vault.intake, store=store)
    today = epoch_id(EPOCHS)
    engine.keys[today] = city.vault.keyring.secret(today).segment_key(0)
    _settle()
    refused = 0

    def take(batch: bytes) -> None:
        nonlocal refused
        refused += len(intake.accept(batch).refused)

    first, *others = batches
    take(first)  # starts the day's hot file and the opening worker, once a day
    store.commits.clear()
    figures = asked_meanwhile(engine.ask, asked, Arrivals(take, others, LANES))
    city.close()
    accepted = {f"accept_{name}_ms": figures[f"commit_{name}_ms"] for name in ("p50", "p95", "max")}
    p50, p95 = percentiles(store.commits)
    committed = {"commit_p50_ms": p50, "commit_p95_ms": p95, "commit_max_ms": round(max(store.commits), 2)}
    return {**figures, **accepted, **committed, "refused": refused}


def _purged(engine: StoreEngine, asked: dict[str, list[Asked]]) -> dict[str, float]:
    """A day dies: until it is gone from files, memory and worker; then the first search after it."""
    began = time.perf_counter()
    engine.drop_oldest()
    purge_ms = _since(began)
    began = time.perf_counter()
    engine.ask(asked["exact"][0])
    return {"purge_ms": purge_ms, "first_search_after_purge_ms": _since(began)}


def _arriving(workload: Workload, seconds: int, first_id: int) -> NDArray[Any]:
    rows = workload.made(EPOCHS, seconds * READS_A_SECOND)
    rows["id"] = first_id + np.arange(len(rows), dtype=np.uint64) * np.uint64(APART_MICROSECONDS)
    rows["read_id"] = np.random.default_rng(first_id).integers(0, 256, rows["read_id"].shape, dtype=np.uint8)
    return rows


def _settle() -> None:
    """The benchmark's own reads are not to be looked at again by the garbage collector."""
    gc.collect()
    gc.freeze()


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
