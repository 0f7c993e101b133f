"""What the documentation tests share: the pages, the package's source, and the generated tables.

``python tests/unit/docs/docs_testing.py`` writes the tables of ``docs/policy.md`` and ``docs/recognition.md`` anew.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from glassplate.charter import shipped_policy
from glassplate.charter.policy_lint import read_rules
from glassplate.recognize.model_files import models

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "glassplate"
DOCS = ROOT / "docs"
PAGES = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.rglob("*.md")),
)
POLICY_PAGE = DOCS / "policy.md"
BASE_POLICY = SOURCE / "charter" / "policy" / "base.cedar"
RECOGNITION_PAGE = DOCS / "recognition.md"
BEGIN_MODELS, END_MODELS = "<!-- networks: generated -->\n", "<!-- end of generated networks -->\n"
BEGIN, END = "<!-- rules: generated -->\n", "<!-- end of generated rules -->\n"


def all_text() -> str:
    """Every page, joined."""
    return "\n".join(page.read_text() for page in PAGES)


def source_trees() -> list[tuple[Path, ast.Module]]:
    """Every module of the package, parsed."""
    return [(path, ast.parse(path.read_text())) for path in sorted(SOURCE.rglob("*.py"))]


def policy_page() -> str:
    """``docs/policy.md`` as it should be: the words around the table stay, the table is made from the policy."""
    before, _, rest = POLICY_PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + _table() + "\n" + END + after


def _table() -> str:
    effects = dict(re.findall(r'@id\("([^"]+)"\).*?\n(permit|forbid) \(', BASE_POLICY.read_text(), re.DOTALL))
    lines = ["| rule | kind | clause | what it says |", "|---|---|---|---|"]
    lines += [
        f"| `{rule.rule_id}` | {effects[rule.rule_id]} | {rule.cites} | {rule.says} |"
        for rule in read_rules(shipped_policy()).values()
    ]
    return "\n".join(lines) + "\n"


def recognition_page() -> str:
    """``docs/recognition.md`` as it should be: its table of networks is made from ``models.toml``."""
    before, _, rest = RECOGNITION_PAGE.read_text().partition(BEGIN_MODELS)
    _, _, after = rest.partition(END_MODELS)
    return before + BEGIN_MODELS + "\n" + _models_table() + "\n" + END_MODELS + after


def _models_table() -> str:
    lines = [
        "| network | finds or reads | MB | license | from | date | sha256 | figures |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{one.name}` | {one.task} | {one.size_bytes / 1e6:.1f} | {one.license} | {one.origin} | {one.date} "
        f"| `{one.sha256[:12]}…` | {one.figures} |"
        for one in models()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    RECOGNITION_PAGE.write_text(recognition_page())
    POLICY_PAGE.write_text(policy_page())
