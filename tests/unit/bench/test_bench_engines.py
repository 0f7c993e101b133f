"""What is compared is compared honestly: every row and its order; a day that was not searched is no answer."""

from __future__ import annotations

import pytest

from bench_store import cluster as cluster_module
from bench_store.arrivals import Arrivals
from bench_store.cluster import cluster
from bench_store.figures import ratios, unequal
from bench_store.made_reads import stored_reads
from bench_store.plot import drawn, tables
from bench_store.postgres_engine import PostgresEngine
from bench_store.questions import KINDS, LIMIT, questions
from bench_store.store_engine import StoreEngine, copy_for_use, loaded_folder
from bench_store.workload import EPOCHS, Workload, epoch_id
from glassplate.errors import StorageFailed
from glassplate.store.question import fits


@pytest.fixture(scope="module")
def loaded(workload):
    return loaded_folder(workload, lambda _count: None)


@pytest.fixture
def engine(loaded, tmp_path):
    copy_for_use(loaded, tmp_path / "store")
    engine = StoreEngine(tmp_path / "store")
    yield engine
    engine.close()


def test_all_reads_are_in_29_sealed_days_and_a_hot_one(workload, engine):
    assert engine.open_all() == workload.reads
    assert len(list(engine.files.glob("*.sealed"))) == EPOCHS - 1
    assert [path.name for path in engine.files.glob("*.hot")] == [f"{epoch_id(EPOCHS - 1)}.0.hot"]


def test_a_loaded_store_is_kept_for_the_next_run(workload, loaded):
    told = []
    assert (
        loaded_folder(Workload(workload.reads, workload.folder, plates=workload.plates), told.append)
        == loaded
    )
    assert told == [workload.reads]


def test_the_store_answers_as_somebody_who_looks_at_every_read(workload, engine):
    reads = [
        one.read for epoch in range(EPOCHS) for one in stored_reads(workload.day(epoch), epoch_id(epoch))
    ]
    rows = dict.fromkeys(KINDS, 0)
    for kind, asked in questions(workload, each=30).items():
        for one in asked:
            query = one.query
            found = [
                read.read_id
                for read in reversed(reads)
                if query.since <= read.captured_at <= query.until
                and fits(query, read)
                and (
                    query.pattern is None
                    or (query.pattern.looks_like if kind == "look-alike" else query.pattern.matches)(
                        read.text
                    )
                )
            ]
            assert engine.ask(one) == found[:LIMIT]
            rows[kind] += len(found)
    assert rows["exact"] >= 30
    assert rows["look-alike"]
    assert rows["wildcard"]


def test_a_day_that_cannot_be_searched_is_no_answer(workload, engine):
    segment = engine.files / f"{epoch_id(3)}.0.sealed"
    segment.unlink()  # a link to the kept one
    segment.write_bytes(bytes(4096))
    with pytest.raises(StorageFailed, match="Not everything was searched"):
        engine.ask(questions(workload, each=1)["exact"][0])


def test_rows_that_differ_or_stand_in_another_order_are_told():
    assert unequal([["a", "b"], ["c"]], [["a", "b"], ["c"]]) == []
    assert unequal([["a", "b"], ["c"]], [["b", "a"], ["c"]]) == [0]
    assert unequal([["a"], ["c", "d"]], [["a"], ["c"]]) == [1]
    assert unequal([["a"]], [["a"], []]) == [0, 1]


def _figures(p50, p95, **more):
    return {"p50": p50, "p95": p95, "rows": 5, "questions": 100, "load": 0.5, **more}


def _result():
    one = {"glassplate": _figures(1, 8), "postgresql": _figures(2, 4), "rows_equal": False}
    live = {"commit_p50_ms": 1.0, "commit_p95_ms": 2.0, "reads_per_second": 5000, "load": 1.0}
    return {
        "reads": 3_000_000,
        "queries": dict.fromkeys(KINDS, one),
        "glassplate": {
            "bytes_a_read": 160.0,
            "open_seconds": 1.0,
            "purge_ms": 2.0,
            "first_search_after_purge_ms": 3.0,
            "resident_mb": {"vault": 100.0, "search worker": 50.0, "together": 150.0},
        },
        "load_seconds": {"glassplate": 0.0},
        "while reads arrive": {"glassplate": {**live, "queries": dict.fromkeys(KINDS, _figures(1, 2))}},
    }


def test_the_table_says_ratio_and_inequality():
    lines = ratios({"exact": _result()["queries"]["exact"]}, {"exact": (1.0, 8.0)})
    assert lines[1].split() == ["exact", "1.00/8.00", "1/8", "2.00/4.00", "0.50/2.00", "5", "NO"]
    page = tables([_result()])
    assert "| 3 M | exact | 1 / 8 (0.5) | 2 / 4 (0.5) | 0.5 / 2 | 5 | **no** |" in page
    assert "| 3 M | store | 5,000/s |" in page


def test_a_drawing_names_its_axes_and_curves():
    from bench_store.plot import _latency_lines, _memory_lines

    picture = drawn("Latency", "ms", _latency_lines([_result()]))
    assert "exact, PostgreSQL" in picture
    assert "3 M" in picture
    assert "vault + search worker" in drawn("Memory", "MB", _memory_lines([_result()]))


def test_a_writer_that_fails_fails_the_measurement():
    def take(piece):
        raise StorageFailed("full")

    arrivals = Arrivals(take, [1, 2, 3])
    arrivals.begin()
    with pytest.raises(StorageFailed, match="full"):
        arrivals.figures()


def test_without_postgresql_the_way_out_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster_module, "SERVER", tmp_path / "nowhere")
    with pytest.raises(SystemExit, match=r"apt-get install postgresql-15.*POSTGRES=0"), cluster(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not cluster_module.SERVER.exists(), reason="PostgreSQL 15 is not installed")
def test_both_engines_answer_every_question_with_the_same_reads(workload, engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("postgres")
    with cluster(folder) as socket:
        other = PostgresEngine(socket)
        other.create()
        other.load(workload, lambda _count: None)
        other.index(lambda _count: None)
        rows = 0
        for asked in questions(workload, each=30).values():
            answers = [engine.ask(one) for one in asked]
            assert unequal(answers, [other.ask(one) for one in asked]) == []
            rows += sum(map(len, answers))
        assert rows > 30
        other.append(workload.made(EPOCHS, 250))
        other.drop_oldest()
        other.close()
    assert list(folder.iterdir()) == []
