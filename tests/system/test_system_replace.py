"""``glassplate demo --replace`` removes what a demo made, after asking, and nothing else."""

from __future__ import annotations

import io

from glassplate.cli.main import execute


def demo_city(root):
    (root / "people").mkdir(parents=True)
    (root / "people" / "administrator.passkey.json").write_text("{}")
    return root


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert execute(["demo", "--headless", "--replace", "--yes", "--dir", str(tmp_path)]) == 2
    assert "no demo made" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()


def test_nobody_can_be_asked_so_nothing_is_removed(tmp_path, monkeypatch, capsys):
    city = demo_city(tmp_path / "city")
    monkeypatch.setattr("sys.stdin", io.StringIO())  # not a terminal
    assert execute(["demo", "--headless", "--replace", "--dir", str(city)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert (city / "people").exists()


def test_an_earlier_demo_is_removed(tmp_path, monkeypatch):
    city = demo_city(tmp_path / "city")
    built = []
    monkeypatch.setattr(
        "glassplate.demo.run.run_demo", lambda folder, _settings: built.append(folder.root.exists())
    )
    execute_until_built(["demo", "--headless", "--replace", "--yes", "--dir", str(city)], built)
    assert built == [False]


def execute_until_built(arguments, built):
    try:
        execute(arguments)
    except AttributeError:  # the stand-in returns no stage to tell about
        assert built
