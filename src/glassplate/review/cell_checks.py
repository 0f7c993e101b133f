"""Checks that look at one row at a time: vague reasons, missing case numbers, forbidden purposes, wide searches."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from glassplate.review.checks import (
    NOT_A_PERSON,
    CheckResult,
    Finding,
    Judging,
    Limits,
    count_words,
    is_by_person,
    why_hidden,
)
from glassplate.review.rows import Hidden
from glassplate.review.words import forbidden_uses, is_vague, names_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glassplate.review.rows import Place, SearchRow

UNNAMED = "(nobody named)"
MAX_EXAMPLES = 3


def vague_reasons(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """Reasons that tell nobody why. An offense that was chosen from a list is a reason, if a coarse one."""
    del limits
    judging = Judging()
    by_account: dict[str, list[SearchRow]] = defaultdict(list)
    for row in rows:
        hidden = why_hidden("reason", row.reason)
        if hidden:
            judging.skip(hidden)
            continue
        judging.judged += 1
        is_told_by_offense = isinstance(row.offense, str) and row.offense and not is_vague(row.offense)
        if isinstance(row.reason, str) and is_vague(row.reason) and not is_told_by_offense:
            by_account[row.account or UNNAMED].append(row)
    findings = [
        Finding(
            "vague reason",
            account,
            f"{count_words(len(vague), 'search', 'searches')} with a reason that says nothing, such as "
            f"{_examples(vague)}.",
            _places(vague),
            weight=len(vague),
        )
        for account, vague in by_account.items()
    ]
    return CheckResult(
        "vague reason",
        "Vague or empty reasons",
        "The reason is empty, one or two letters, or general words only (“investigation”, “follow up”).",
        _largest_first(findings),
        judging.judged,
        judging.reasons,
    )


def missing_cases(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """Searches with no case or call number, in its own column or in the reason."""
    del limits
    judging = Judging()
    by_account: dict[str, list[SearchRow]] = defaultdict(list)
    total: Counter[str] = Counter()
    for row in rows:
        if not is_by_person(row):
            judging.skip(NOT_A_PERSON)
            continue
        in_reason = isinstance(row.reason, str) and names_case(row.reason)
        hidden = why_hidden("case number", row.case_number)
        if hidden and not in_reason:
            judging.skip(hidden)
            continue
        if row.case_number == "" and isinstance(row.reason, Hidden) and not in_reason:
            judging.skip("the case number is empty, and the reason, which may hold it, is hidden")
            continue
        judging.judged += 1
        account = row.account or UNNAMED
        total[account] += 1
        if not in_reason and isinstance(row.case_number, str) and _is_no_case(row.case_number):
            by_account[account].append(row)
    findings = [
        Finding(
            "missing case number",
            account,
            f"{len(without):,} of {total[account]:,} searches name no case or call.",
            _places(without),
            weight=len(without),
        )
        for account, without in by_account.items()
    ]
    return CheckResult(
        "missing case number",
        "No case number",
        "Neither the case column nor the reason holds a case or call number.",
        _largest_first(findings),
        judging.judged,
        judging.reasons,
    )


def forbidden_purposes(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """Words in free text that point to a purpose which cities forbid."""
    del limits
    judging = Judging()
    found: dict[tuple[str, str], list[SearchRow]] = defaultdict(list)
    for row in rows:
        texts = [cell for cell in (row.reason, row.offense, row.case_number) if isinstance(cell, str)]
        hidden = why_hidden("reason", row.reason)
        uses = {use for text in texts for use in forbidden_uses(text)}
        if hidden and not uses:
            judging.skip(hidden)
            continue
        judging.judged += 1
        for use in uses:
            found[row.account or UNNAMED, use].append(row)
    findings = [
        Finding(
            "forbidden purpose",
            account,
            f"Points to {use}: {_examples(hits)} ({count_words(len(hits), 'row')}).",
            _places(hits),
            weight=len(hits),
        )
        for (account, use), hits in found.items()
    ]
    return CheckResult(
        "forbidden purpose",
        "Words of a forbidden purpose",
        "Words for immigration enforcement, health care, protest, religion, private or commercial reasons. A word only "
        "points: vandalism at a mosque is a crime to solve, too.",
        _largest_first(findings),
        judging.judged,
        judging.reasons,
    )


def wide_searches(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """Searches over far more networks or cameras than a city has. 0 is no count: these exports write it for "unknown"."""
    judging = Judging()
    by_account: dict[str, list[SearchRow]] = defaultdict(list)
    for row in rows:
        if row.networks is None and row.devices is None:
            judging.skip("the number of networks and cameras is hidden or 0, which does not mean none")
            continue
        judging.judged += 1
        if (row.networks or 0) >= limits.wide_networks or (row.devices or 0) >= limits.wide_devices:
            by_account[row.account or UNNAMED].append(row)
    findings = []
    for account, wide in by_account.items():
        widest = max(wide, key=lambda row: (row.networks or 0, row.devices or 0))
        extent = " and ".join(
            words
            for words in (
                count_words(widest.networks, "network") if widest.networks else "",
                count_words(widest.devices, "camera") if widest.devices else "",
            )
            if words
        )
        findings.append(
            Finding(
                "network-wide search",
                account,
                f"{count_words(len(wide), 'wide row')}; the widest asked {extent}.",
                _places(wide),
                weight=len(wide),
            )
        )
    return CheckResult(
        "network-wide search",
        "Searches far beyond the city",
        f"{limits.wide_networks:,} networks or {limits.wide_devices:,} cameras and more in one search.",
        _largest_first(findings),
        judging.judged,
        judging.reasons,
    )


def _is_no_case(text: str) -> bool:
    """Empty, or words in place of a number (``n/a``, ``none``, ``x``)."""
    return not any(character.isdigit() for character in text) or set(text) <= set("0-/. ")


def _examples(rows: Iterable[SearchRow]) -> str:
    common = Counter(row.reason if isinstance(row.reason, str) else "" for row in rows).most_common(
        MAX_EXAMPLES
    )
    return ", ".join(f"“{reason[:60]}”" if reason else "nothing at all" for reason, _count in common)


def _places(rows: Iterable[SearchRow]) -> tuple[Place, ...]:
    return tuple(row.place for row in rows)


def _largest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (-finding.weight, finding.account, finding.sentence)))
