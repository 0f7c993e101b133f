"""The table of what policy replay decides again has every entry with a decision, every act and every kind of search."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import glassplate
from glassplate.charter.vocabulary import ACTIONS, FEATURES
from glassplate.verify.replayed import ACTS, ONLY_REFUSALS, REFUSAL, SEARCH_FEATURES

SOURCE = Path(glassplate.__file__).parent
ENTRIES = SOURCE.parents[1] / "docs/formats/entries.md"


def recorded_with_a_decision():
    """Entry types of every function that records and seals ``replayable()``."""
    found = set()
    for path in SOURCE.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and "replayable()" in ast.unparse(function):
                found |= set(recorded_types(function))
    return found


def recorded_types(function):
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("recorder.record"):
            yield from (
                node.value
                for node in ast.walk(call.args[0])
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )


def test_every_entry_that_the_code_seals_a_decision_in_is_replayed():
    unreplayed = recorded_with_a_decision() - ACTS.keys() - {"export-outcome"}

    assert not unreplayed, f"add to glassplate.verify.replayed.ACTS: {', '.join(sorted(unreplayed))}"


def test_every_entry_that_the_formats_mark_with_a_decision_is_replayed():
    marked = set(re.findall(r"^\| `([a-z-]+)` D\b", ENTRIES.read_text(), re.MULTILINE))

    assert marked - {REFUSAL} == set(ACTS)


def test_every_act_of_the_policy_is_replayed_or_says_why_not():
    replayed = {act for acts in ACTS.values() for act in acts}

    for act in ACTIONS:
        assert (act in replayed) != (act in ONLY_REFUSALS), f"add {act!r} to glassplate.verify.replayed"
    assert replayed | set(ONLY_REFUSALS) == set(ACTIONS)


def test_every_search_that_a_charter_can_approve_is_replayed():
    assert set(SEARCH_FEATURES.values()) == {name for name in FEATURES if name.endswith("_search")}
