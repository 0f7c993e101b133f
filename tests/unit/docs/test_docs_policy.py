"""Every rule that can refuse is explained in docs/policy.md; its table is made from the shipped policy."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from docs_testing import BASE_POLICY, POLICY_PAGE, policy_page, source_trees

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = re.compile(r"[a-z]+(-[a-z]+)+\Z")
REFUSALS = {"Refused", "NotSignedIn", "CharterRejected", "refused"}


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


def _rules_in(tree: ast.AST) -> Iterator[str]:
    """Words with a hyphen that are a whole argument of something that refuses."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS):
            continue
        for argument in [*node.args[1:], *(keyword.value for keyword in node.keywords)]:
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and RULE.match(part.value):
                    yield part.value
