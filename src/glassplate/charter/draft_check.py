"""Checking a policy *draft*, which anybody may have written, in a process that may die.

Deeply nested text overflows the parser's stack and kills the process (upstream: cedar pull request 2383),
and some short text makes it write megabytes. So: cheap checks on characters first, then the parser in a
child with a limit of memory, processor time and wall time. The vault itself parses signed text only.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import asdict

from glassplate.charter.policy import PolicyTexts, shipped_policy
from glassplate.charter.policy_lint import check_size, read_rules
from glassplate.errors import CharterRejected, InputRefused

WALL_SECONDS = 30  # the real work takes half a second
PROCESSOR_SECONDS = 10
MEMORY_BYTES = 1024 * 1024 * 1024
_CHILD = "from glassplate.charter.draft_check import _child; _child()"
_PYTHON_FLAGS = ("-I",)  # no environment, no current folder


def check_draft(text: str) -> None:
    """Check the draft of a city's overlay against the shipped base and schema.

    Raises:
        InputRefused: with what is wrong, in one sentence.
    """
    check_draft_policy(shipped_policy(overlay=text))


def check_draft_policy(policy: PolicyTexts) -> None:
    """Check drafts of all three files.

    Raises:
        InputRefused: with what is wrong, in one sentence.
    """
    try:
        check_size("base.cedar", policy.base)
        check_size("overlay.cedar", policy.overlay)
        check_size("schema.cedarschema", policy.schema, is_schema=True)
    except CharterRejected as error:
        raise InputRefused(str(error)) from None
    problem = _problem_found_by_child(policy)
    if problem:
        raise InputRefused(problem)


def _problem_found_by_child(policy: PolicyTexts) -> str:
    try:
        finished = subprocess.run(
            [sys.executable, *_PYTHON_FLAGS, "-c", _CHILD],
            input=json.dumps(asdict(policy)).encode(),
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"The draft keeps the policy parser busy for more than {WALL_SECONDS} seconds. Simplify it."
    if finished.returncode != 0:
        return f"The draft stops the policy parser (exit {finished.returncode}). Simplify it."
    return str(json.loads(finished.stdout))


def _child() -> None:
    """Runs in the child: read the texts from standard input, write the problem or "" to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        read_rules(PolicyTexts(**json.loads(sys.stdin.buffer.read())))
        problem = ""
    except CharterRejected as error:
        problem = str(error)
    sys.stdout.write(json.dumps(problem))
