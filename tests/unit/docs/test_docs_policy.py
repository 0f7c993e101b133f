"""Every rule that can refuse is explained in docs/policy.md; its table is made from the shipped policy."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from docs_testing import BASE_POLICY, POLICY_PAGE, policy_page, source_trees

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = re.compile(r"[a-z]+(-[a-z]+)+\Z")
REFUSALS = {"Refused", "NotSignedIn", "CharterRejected", "refused", "refusal"}


def test_the_table_of_rules_is_fresh() -> None:
    assert POLICY_PAGE.read_text() == policy_page(), "run: .venv/bin/python tests/unit/docs/docs_testing.py"


def test_every_rule_of_the_shipped_policy_is_in_the_table() -> None:
    rules = re.findall(r'@id\("([^"]+)"\)', BASE_POLICY.read_text())
    assert len(rules) >= 20
    assert [rule for rule in rules if f"| `{rule}` |" not in POLICY_PAGE.read_text()] == []


def test_every_rule_that_the_code_refuses_by_is_explained() -> None:
    named = {(rule, path.name) for path, tree in source_trees() for rule in _rules_in(tree)}
    assert {"signed-in", "own-search", "charter-trust"} <= {rule for rule, _ in named}
    page = POLICY_PAGE.read_text()
    assert [found for found in sorted(named) if f"`{found[0]}`" not in page] == []


def _rules_in(tree: ast.Module) -> Iterator[str]:
    """Words with a hyphen that are a whole argument of something that refuses, themselves or by a constant's name."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _name(node.func) not in REFUSALS:
            continue
        for argument in [*node.args[1:], *(keyword.value for keyword in node.keywords)]:
            for part in ast.walk(argument):
                value = constants.get(part.id) if isinstance(part, ast.Name) else part
                if (
                    isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                    and RULE.match(value.value)
                ):
                    yield value.value


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
