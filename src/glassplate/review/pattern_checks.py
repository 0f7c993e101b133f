"""Checks that look at what one account did over time: repeats, lonely sessions, accounts that several people use."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from glassplate.review.checks import CheckResult, Finding, Judging, Limits, count_words, seen, why_hidden
from glassplate.review.words import names_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from glassplate.review.rows import SearchRow

HOUR = timedelta(hours=1)
_NO_TIME = "the time is masked, or the file gives the day only"


def repeats(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """One account, one plate, many days: how officers followed partners in the known cases."""
    judging = Judging()
    pairs: dict[tuple[str, str], list[SearchRow]] = defaultdict(list)
    for account, row in judging.with_account(rows):
        plate = seen(row.plate)
        if row.searched_at is None:
            judging.skip("the time is masked")
        elif plate is None:
            judging.skip(why_hidden("plate", row.plate) or "no plate was searched")
        else:
            judging.judged += 1
            pairs[account, plate].append(row)
    findings = []
    for (account, plate), searches in pairs.items():
        sentence = _repeat_sentence(searches, limits)
        if sentence:
            places = tuple(row.place for row in searches)
            days = len({_at(row).date() for row in searches})
            findings.append(Finding("repeated plate", account, sentence, places, plate, days))
    return CheckResult(
        "repeated plate",
        "The same person and plate on many days",
        f"On {limits.repeat_days_without_case} days and more without a case number, or on "
        f"{limits.repeat_days_with_case} and more with one.",
        _sorted(findings),
        judging.judged,
        judging.reasons,
    )


def isolated_sessions(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """One plate, no case, at an hour when this account does not work, and nothing else for hours around it.

    Without shift rosters nobody can say more than "look at this one".
    """
    judging = Judging()
    accounts = _timed_by_account(rows, judging)
    findings = []
    for account, searches in accounts.items():
        if len(searches) < limits.searches_to_know_hours:
            for _ in searches:
                judging.skip("the account has too few searches to know its usual hours")
            continue
        judging.judged += len(searches)
        hours = Counter(_at(row).hour for row in searches)
        sessions = _sessions(searches, timedelta(minutes=limits.session_gap_minutes))
        for index, session in enumerate(sessions):
            if _is_isolated(sessions, index, hours, len(searches), limits):
                findings.append(_isolated_finding(account, session, limits))
    return CheckResult(
        "isolated session",
        "Lonely sessions at unusual hours",
        f"One plate, no case number, in an hour that holds less than {limits.unusual_hour_share:.0%} of the account's "
        f"searches, and no other search for {limits.alone_hours} hours before and after.",
        _sorted(findings),
        judging.judged,
        judging.reasons,
    )


def shared_accounts(rows: Sequence[SearchRow], limits: Limits) -> CheckResult:
    """One account that never sleeps, or works on two cases by turns within a minute."""
    judging = Judging()
    accounts = _timed_by_account(rows, judging)
    findings = []
    for account, searches in accounts.items():
        judging.judged += len(searches)
        findings.extend(_sleepless(account, searches, limits))
        findings.extend(_interleaved(account, searches, limits))
    return CheckResult(
        "shared account",
        "Accounts at impossible times",
        f"Searches in {limits.busy_hours_of_24} different hours of 24, or two cases by turns (A, B, A, B) within "
        f"{limits.interleaved_seconds} seconds.",
        _sorted(findings),
        judging.judged,
        judging.reasons,
    )


def _repeat_sentence(searches: Sequence[SearchRow], limits: Limits) -> str | None:
    days = {_at(row).date() for row in searches}
    if len(days) < min(limits.repeat_days_without_case, limits.repeat_days_with_case):
        return None
    covered = {_at(row).date() for row in searches if not _is_without_case(row)}
    bare = days - covered
    span = f"{count_words(len(searches), 'time')} on {len(days)} days from {min(days)} to {max(days)}"
    if len(bare) >= limits.repeat_days_without_case:
        return f"The same plate {span}, on {len(bare)} of them without a case number."
    if len(days) >= limits.repeat_days_with_case:
        return f"The same plate {span}."
    return None


def _is_without_case(row: SearchRow) -> bool:
    """Seen to be missing. What is hidden is not missing."""
    in_reason = isinstance(row.reason, str) and names_case(row.reason)
    return (
        isinstance(row.case_number, str) and not in_reason and not any(c.isdigit() for c in row.case_number)
    )


def _timed_by_account(rows: Sequence[SearchRow], judging: Judging) -> dict[str, list[SearchRow]]:
    accounts: dict[str, list[SearchRow]] = defaultdict(list)
    for account, row in judging.with_account(rows):
        if row.searched_at is None or not row.has_clock_time:
            judging.skip(_NO_TIME)
        else:
            accounts[account].append(row)
    for searches in accounts.values():
        searches.sort(key=lambda row: (_at(row), row.place))
    return accounts


def _sessions(searches: Sequence[SearchRow], gap: timedelta) -> list[list[SearchRow]]:
    sessions = [[searches[0]]]
    for before, after in pairwise(searches):
        if _at(after) - _at(before) > gap:
            sessions.append([])
        sessions[-1].append(after)
    return sessions


def _is_isolated(
    sessions: Sequence[Sequence[SearchRow]], index: int, hours: Counter[int], total: int, limits: Limits
) -> bool:
    session = sessions[index]
    plates = {seen(row.plate) for row in session}
    if len(plates) != 1 or None in plates or not all(_is_without_case(row) for row in session):
        return False
    around = sum(hours[(_at(session[0]).hour + step) % 24] for step in (-1, 0, 1)) - len(session)
    if around >= limits.unusual_hour_share * total:
        return False
    alone = timedelta(hours=limits.alone_hours)
    first, last = _at(session[0]), _at(session[-1])
    before = index == 0 or first - _at(sessions[index - 1][-1]) >= alone
    return before and (index + 1 == len(sessions) or _at(sessions[index + 1][0]) - last >= alone)


def _isolated_finding(account: str, session: Sequence[SearchRow], limits: Limits) -> Finding:
    at = _at(session[0])
    return Finding(
        "isolated session",
        account,
        f"{count_words(len(session), 'search', 'searches')} of one plate on {at:%Y-%m-%d at %H:%M} UTC without a case number, "
        f"outside the account's usual hours, and nothing else for {limits.alone_hours} hours around.",
        tuple(row.place for row in session),
        seen(session[0].plate) or "",
        len(session),
    )


def _sleepless(account: str, searches: Sequence[SearchRow], limits: Limits) -> list[Finding]:
    """Stretches of 24 hours with searches in too many of them; after one is found the next begins behind it."""
    findings = []
    first = 0
    for last, row in enumerate(searches):
        while _at(row) - _at(searches[first]) >= 24 * HOUR:
            first += 1
        hours = {_at(one).replace(minute=0, second=0, microsecond=0) for one in searches[first : last + 1]}
        if len(hours) >= limits.busy_hours_of_24:
            stretch = searches[first : last + 1]
            findings.append(
                Finding(
                    "shared account",
                    account,
                    f"Searches in {len(hours)} different hours within 24, from {_at(stretch[0]):%Y-%m-%d %H:%M} UTC.",
                    tuple(one.place for one in stretch),
                    weight=len(hours),
                )
            )
            first = last + 1
    return findings


def _interleaved(account: str, searches: Sequence[SearchRow], limits: Limits) -> list[Finding]:
    """A, B, A, B: two cases by turns in less time than a person needs to type them."""
    within = timedelta(seconds=limits.interleaved_seconds)
    findings = []
    index = 0
    while index + 3 < len(searches):
        four = searches[index : index + 4]
        cases = [seen(row.case_number) for row in four]
        by_turns = cases[0] == cases[2] != cases[1] == cases[3] and None not in cases
        if by_turns and _at(four[3]) - _at(four[0]) <= within:
            findings.append(
                Finding(
                    "shared account",
                    account,
                    f"Two cases by turns within {(_at(four[3]) - _at(four[0])).seconds} seconds on "
                    f"{_at(four[0]):%Y-%m-%d at %H:%M} UTC.",
                    tuple(row.place for row in four),
                    weight=4,
                )
            )
            index += 4
        else:
            index += 1
    return findings


def _at(row: SearchRow) -> datetime:
    assert row.searched_at is not None, "rows without a time are left out before"  # noqa: S101
    return row.searched_at


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (-finding.weight, finding.account, finding.sentence)))
