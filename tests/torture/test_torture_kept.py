"""A long torture that was stopped goes on where it was; what other code survived does not count."""

from __future__ import annotations

from tests.support.torture import kept as module
from tests.support.torture.kept import Kept
from tests.support.torture.runner import Verdict

VERDICTS = [Verdict(seed, "hold", f"seed {seed}", ["os.fsync"], 1, ["a promise"][:seed]) for seed in (0, 1)]


def begun(path):
    """A file with two verdicts."""
    kept = Kept(path, "kills")
    assert (kept.verdicts, kept.was_of_other_code) == ([], False)
    for verdict in VERDICTS:
        kept.add(verdict)
    return path


def test_verdicts_come_back_as_they_were(tmp_path):
    again = Kept(begun(tmp_path / "build" / "kept.jsonl"), "kills")

    assert again.verdicts == VERDICTS
    assert again.missing(range(4)) == [2, 3]
    assert not again.was_of_other_code


def test_a_line_that_was_not_finished_is_run_again(tmp_path):
    path = begun(tmp_path / "kept.jsonl")
    path.write_bytes(path.read_bytes()[:-1])

    again = Kept(path, "kills")
    assert again.missing(range(2)) == [1]
    again.add(VERDICTS[1])
    assert Kept(path, "kills").verdicts == VERDICTS


def test_what_other_code_survived_is_dropped(tmp_path, monkeypatch):
    path = begun(tmp_path / "kept.jsonl")
    monkeypatch.setattr(module, "build_sha256", lambda: "another build")

    again = Kept(path, "kills")
    assert (again.verdicts, again.was_of_other_code) == ([], True)
    assert not Kept(path, "kills").was_of_other_code


def test_kills_are_no_disk_faults(tmp_path):
    assert Kept(begun(tmp_path / "kept.jsonl"), "disk faults").was_of_other_code
