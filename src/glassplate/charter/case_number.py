"""Case-number patterns: a subset of regular expressions that cannot run away.

Only literals, character classes and counts: ``[0-9]{2}-[0-9]{6}``. No groups, alternatives, ``*``, ``+``,
``?`` or ``.``, and no escapes but of a punctuation mark, so that matching is at worst the cube of 64
characters.
"""

from __future__ import annotations

import re

from glassplate.errors import InputRefused

MAX_PATTERN = 100  # longer patterns cannot be read by the people who sign them
MAX_CASE_NUMBER = 64  # the longest case number matched at all
MIN_CASE_NUMBER = 4  # "x" or "1" is what careless reasons look like elsewhere
MAX_COUNT = 32
MAX_VARIABLE_COUNTS = 3  # each {m,n} multiplies the work of a failing match by at most 32

_CLASS = r"\[(?:[A-Za-z0-9 _/]-[A-Za-z0-9]|[A-Za-z0-9 _/])+-?\]"
_LITERAL = r"[A-Za-z0-9 _/#:-]|\\[.()+/-]"
_COUNT = r"\{(?P<least>[0-9]{1,2})(?P<range>,(?P<most>[0-9]{1,2}))?\}"
_PIECE = re.compile(rf"(?:{_CLASS}|{_LITERAL})(?:{_COUNT})?", re.ASCII)


def check_pattern(pattern: str, example: str) -> None:
    """Refuse a pattern outside the safe subset, too loose a one, or one that its own example does not match.

    Raises:
        InputRefused: saying which.
    """
    if not pattern or len(pattern) > MAX_PATTERN:
        raise InputRefused(f"The case-number pattern must have 1 to {MAX_PATTERN} characters.")
    least, variable = _measure(pattern)
    if least < MIN_CASE_NUMBER:
        raise InputRefused(
            f"The case-number pattern accepts {least} characters; it must ask for at least "
            f"{MIN_CASE_NUMBER}, so that a single letter is not a case."
        )
    if variable > MAX_VARIABLE_COUNTS:
        raise InputRefused(
            f"The case-number pattern has more than {MAX_VARIABLE_COUNTS} counts of the form {{m,n}}."
        )
    if not is_well_formed(pattern, example):
        raise InputRefused(f"The case-number example {example!r} does not match its pattern {pattern!r}.")


def is_well_formed(pattern: str, case_number: str) -> bool:
    """Whether the whole of ``case_number`` matches; ASCII only, and no trailing newline slips through."""
    if len(case_number) > MAX_CASE_NUMBER:
        return False
    return re.compile(rf"\A(?:{pattern})\Z", re.ASCII).match(case_number) is not None


def _measure(pattern: str) -> tuple[int, int]:
    """(fewest characters matched, number of variable counts)."""
    position, least, variable = 0, 0, 0
    while position < len(pattern):
        piece = _PIECE.match(pattern, position)
        if piece is None or not _compiles(piece[0]):
            raise InputRefused(
                f"The case-number pattern is not understood at {pattern[position:][:20]!r}. Use literals, "
                "classes such as [0-9] and counts such as {6} only."
            )
        fewest = int(piece["least"]) if piece["least"] else 1
        most = int(piece["most"]) if piece["most"] else fewest
        if fewest > most or most > MAX_COUNT:
            raise InputRefused(
                f"A count in the case-number pattern must rise and end at {MAX_COUNT} or less."
            )
        least += fewest
        variable += most != fewest
        position = piece.end()
    return least, variable


def _compiles(piece: str) -> bool:
    try:
        re.compile(piece)
    except re.error:  # a reversed range such as [9-0]
        return False
    return True
