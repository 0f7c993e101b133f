"""A checkpoint that somebody kept: the record may grow from it, and nothing else."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from tests.support.city import make_city

from glassplate.cli.main import execute


@pytest.fixture
def city(tmp_path):
    made = make_city(tmp_path / "city")
    made.vault.publish()
    yield made
    made.close()


def verify(city, kept) -> int:
    roots = [part for office, mark in city.fingerprints.items() for part in ("--root", f"{office}={mark}")]
    as_of = ["--as-of", city.now().isoformat()]
    return execute(["verify", str(city.folder.public), *roots, *as_of, "--since", str(kept), "--json"])


def keep(city, path):
    path.write_bytes((city.folder.public / "log" / "checkpoint").read_bytes())
    return path


def test_growth_holds(city, tmp_path):
    kept = keep(city, tmp_path / "kept")
    city.ingest("7KDR214")
    city.vault.gate.search(city.sign_in("r.alvarez"), city.request())
    city.vault.publish()
    assert verify(city, kept) == 0


def test_a_record_that_was_set_back_is_found(city, tmp_path, capsys):
    city.vault.close()
    early = tmp_path / "early"
    shutil.copytree(city.root, early)
    city.open()
    city.clock.advance(timedelta(minutes=1))
    city.sign_in("r.alvarez")
    city.vault.publish()
    kept = keep(city, tmp_path / "kept")
    city.vault.close()
    shutil.rmtree(city.root)
    shutil.copytree(early, city.root)
    city.open()
    capsys.readouterr()
    assert verify(city, kept) == 5
    assert "entries when the kept checkpoint was made" in capsys.readouterr().out


def test_a_rewritten_record_is_found(city, tmp_path, capsys):
    city.sign_in("r.alvarez")
    city.vault.publish()
    kept = keep(city, tmp_path / "kept")
    other = make_city(tmp_path / "other")
    forged = other.vault.log.signed_checkpoint
    other.close()
    kept.write_bytes(forged)
    assert verify(city, kept) == 5
    assert "kept checkpoint" in capsys.readouterr().out


def test_a_kept_file_that_is_no_checkpoint(city, tmp_path):
    kept = tmp_path / "kept"
    kept.write_bytes(b"not a checkpoint\n")
    assert verify(city, kept) == 5
    assert verify(city, tmp_path / "missing") == 1


def test_growth_holds_in_a_copy_that_kept_the_newest_partial_tiles_only(city, tmp_path):
    """Readers may drop older partials (C2SP tlog-tiles); the old root follows from the newer tiles."""
    kept = keep(city, tmp_path / "kept")
    city.sign_in("r.alvarez")
    city.vault.publish()
    tiles = city.folder.public / "log" / "tile"
    for folder in {path.parent for path in tiles.rglob("*.p/*")}:
        *older, _newest = sorted(folder.iterdir(), key=lambda path: int(path.name))
        for path in older:
            path.unlink()
    assert verify(city, kept) == 0
