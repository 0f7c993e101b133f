"""``verify.py``, the outsider's single file: it imports nothing of ours, and agrees with ``glassplate verify``."""

from __future__ import annotations

import ast
import importlib.util
import random
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest
import test_verify_holds
import test_verify_hostile
import test_verify_insider
import test_verify_published
import test_verify_tree

import glassplate.site
from glassplate.verify import verify_city

FILE = Path(glassplate.site.__file__).with_name("verify.py")
SEED = 20261125
FLIPS = 240
CHANGES = {
    **{f"tree: {name}": act for name, (act, *_) in test_verify_tree.CHANGES.items()},
    **{f"insider: {name}": act for name, (act, *_) in test_verify_insider.CHANGES.items()},
    **{f"published: {name}": act for name, (act, *_) in test_verify_published.CHANGES.items()},
    **{
        f"hostile: {name}": lambda city, act=act: act(city.public)
        for name, (act, *_) in test_verify_hostile.HOSTILE.items()
    },
}


@cache
def checker():
    spec = importlib.util.spec_from_file_location("single_file_checker", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def findings_of_both(city):
    ours = verify_city(city.public, city.fingerprints, city.now)
    theirs = checker().verify(city.public, city.fingerprints, city.now)
    return [str(finding) for finding in ours.findings], theirs.findings


def test_it_needs_the_standard_library_and_cryptography_only():
    tree = ast.parse(FILE.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"cryptography"}


def test_both_accept_an_honest_city(published):
    assert findings_of_both(published) == ([], [])


@pytest.mark.parametrize("change", CHANGES)
def test_both_find_a_change(change, published):
    CHANGES[change](published)
    ours, theirs = findings_of_both(published)

    assert ours
    assert theirs


def test_both_judge_any_changed_byte_alike(published):
    chance = random.Random(SEED)
    files = sorted(path for path in published.public.rglob("*") if path.is_file())
    disagreements = []
    for path in chance.choices(files, k=FLIPS):
        whole = path.read_bytes()
        data = bytearray(whole)
        kind = chance.choice(("flip", "cut", "double", "insert"))
        position = chance.randrange(len(data))
        if kind == "flip":
            data[position] ^= chance.randrange(1, 256)
        elif kind == "cut":
            del data[position]
        elif kind == "double":
            data += bytes(data)
        else:
            data.insert(position, chance.randrange(256))
        path.write_bytes(bytes(data))
        ours, theirs = findings_of_both(published)
        path.write_bytes(whole)
        if bool(ours) != bool(theirs) or not ours:
            disagreements.append((path.relative_to(published.public), kind, position, ours, theirs))

    assert not disagreements
    assert findings_of_both(published) == ([], [])


def test_both_judge_a_missing_or_moved_file_alike(published):
    files = sorted(path for path in published.public.rglob("*") if path.is_file())
    for path in files:
        kept = published.root / "kept"
        shutil.move(path, kept)
        ours, theirs = findings_of_both(published)
        shutil.move(kept, path)
        # a stale partial tile may be removed; everything else is missed
        assert bool(ours) == bool(theirs), (path, ours, theirs)


def test_its_command_says_what_it_found(published, capsys):
    arguments = [str(published.public), *published.arguments[2:]]

    assert checker().main(arguments) == 0
    assert "Everything holds." in capsys.readouterr().out

    (published.public / "log/vkey").write_text("another\n")
    assert checker().main(arguments) == 5
    assert "WRONG log/vkey: it is not the key that the signed charter names" in capsys.readouterr().out


def test_its_command_refuses_a_mistyped_root(published, capsys):
    with pytest.raises(SystemExit) as stopped:
        checker().main([str(published.public), "--root", "clerk=SHA256:AAAA"])

    assert stopped.value.code == 2
    assert "once for each of clerk, chief and auditor" in capsys.readouterr().err


@pytest.mark.parametrize(("changes", "_words"), test_verify_holds.WRONG.values(), ids=test_verify_holds.WRONG)
def test_both_find_what_is_wrong_with_a_hold(changes, _words):
    result = checker().Result()
    given = [
        checker().Entry(entry.index, entry.entry_type, entry.at, entry.public)
        for entry in test_verify_holds.entries(**changes)
    ]
    checker().check_holds(given, test_verify_holds.UNTIL + test_verify_holds.timedelta(hours=2), result)

    assert result.findings


def test_both_accept_a_lawful_hold():
    result = checker().Result()
    given = [
        checker().Entry(entry.index, entry.entry_type, entry.at, entry.public)
        for entry in test_verify_holds.entries()
    ]
    checker().check_holds(given, test_verify_holds.UNTIL, result)

    assert result.findings == []
