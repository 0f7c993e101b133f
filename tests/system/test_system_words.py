"""The command tree itself: every command explains itself, and mistakes in words are told as such."""

from __future__ import annotations

import json

import pytest
from typer.main import get_command

from glassplate.cli.main import app, execute


def leaves(command, path=()):
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from leaves(below, (*path, name))
    else:
        yield path, command


COMMANDS = dict(leaves(get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_a_json_form_and_words_for_each_option(path):
    command = COMMANDS[path]

    assert command.help
    assert command.epilog.startswith(f"Example: glassplate {' '.join(path)}")
    assert any("--json" in parameter.opts for parameter in command.params)
    assert [parameter.name for parameter in command.params if not parameter.help] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_shows_its_example(path, capsys):
    assert execute([*path, "--help"]) == 0

    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert f"Example: glassplate {' '.join(path)}" in shown


MISTAKES = {
    ("bogus",): "No such command 'bogus'. See: glassplate --help",
    ("charter", "sgin"): "No such command 'sgin'. Did you mean 'sign'? See: glassplate charter --help",
    ("search", "--zzz"): "No such option: --zzz. See: glassplate search --help",
    ("search",): "Missing argument 'plate' (or --vehicle, or --everything). See: glassplate search --help",
    ("search", "7KDR214", "--next", "7"): "Give --approval or --next alone",
    ("search", "--vehicle", "--everything"): "Choose --vehicle or --everything.",
    ("audit", "open", "-1"): "See: glassplate audit open --help",
    ("audit", "open", "many", "--from", "x", "--key", "y"): "Invalid value for 'index'",
}


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_in_the_words_is_told_with_where_to_look(words, capsys):
    assert execute(list(words)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert MISTAKES[words] in " ".join(told.err.split())

    assert execute([*words, "--json"]) == 2
    told = capsys.readouterr()
    assert told.err == ""
    said = json.loads(told.out)
    assert said["exit_code"] == 2
    assert MISTAKES[words] in said["detail"]


@pytest.mark.parametrize("words", [(), ("charter",), ("audit",)], ids=" ".join)
def test_no_command_shows_the_help_and_nothing_else(words, capsys):
    assert execute(list(words)) == 2

    told = capsys.readouterr()
    assert "Usage: glassplate" in told.out
    assert told.err == ""


def test_the_version_is_shown(capsys):
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out.startswith("glassplate 0.")
